//! `dovetail completions`: what a shell needs to complete this program's command lines.

use crate::CommandLine;
use crate::exit::Exit;
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script of a shell.
pub fn run(shell: Shell) -> Exit {
    output::print(&script(shell), Exit::Success)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    clap_complete::generate(shell, &mut command, "dovetail", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_know_commands_and_options() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            for word in [
                "validate",
                "apply",
                "prune",
                "completions",
                "dry-run",
                "status",
            ] {
                assert!(script.contains(word), "{shell} has no {word}");
            }
        }
    }
}
