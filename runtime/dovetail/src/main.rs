//! The dovetail binary: the command line, and nothing else.

mod completions;
mod config_file;
mod connector_file;
mod environment;
mod exit;
mod gitops;
mod link;
mod memory;
mod output;
mod quickstart;
mod run;
mod status;
mod validate;
mod version;
mod wiring;
mod worker_api;

use clap::{Parser, Subcommand};
use exit::Exit;
use std::path::PathBuf;
use std::process::ExitCode;

/// Dovetail runs Kafka Connect connectors without a JVM.
#[derive(Parser)]
#[command(name = "dovetail", version = version::LINE, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a distributed worker
    ///
    /// Settings come from the file and from the environment variables CONNECT_*, which count more;
    /// without a file also from the plain names of Debezium's image (BOOTSTRAP_SERVERS, GROUP_ID, ...).
    Worker {
        /// Java properties, or JSON, TOML or YAML by the end of the name
        file: Option<PathBuf>,
    },
    /// Run a standalone worker
    Standalone {
        /// Java properties, or JSON, TOML or YAML by the end of the name
        file: PathBuf,
        /// The connectors to run: JSON, YAML, or Java properties
        connectors: Vec<PathBuf>,
    },
    /// Show it all in one process: a broker, object storage, a worker, real records
    Quickstart(quickstart::Options),
    /// Show the connectors and tasks of a running worker
    Status(status::Options),
    /// Check connector files without a worker
    ///
    /// Prints what is wrong as FILE:LINE:COLUMN: KEY: MESSAGE; the exit code is 1 if there are errors.
    Validate(validate::Options),
    /// Show what `apply` would change
    Diff(gitops::DiffOptions),
    /// Make the connectors of a cluster those of a folder of files
    ///
    /// Shows the plan, has the worker validate what is new, then creates, updates and, with --prune,
    /// deletes. Done twice, it changes nothing the second time.
    Apply(gitops::ApplyOptions),
    /// Show versions and the plugins that are built in
    Version(version::Options),
    /// Print the script that completes command lines in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => {
            // Where the text cannot be shown, the code still tells.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            }
            .into();
        }
    };
    let exit = match command_line.command {
        Command::Worker { file } => run::worker(file.as_deref()),
        Command::Standalone { file, connectors } => run::standalone(&file, &connectors),
        Command::Quickstart(options) => quickstart::run(options),
        Command::Status(options) => status::run(&options),
        Command::Validate(options) => validate::run(&options),
        Command::Diff(options) => gitops::diff(&options),
        Command::Apply(options) => gitops::apply(&options),
        Command::Version(options) => version::run(&options),
        Command::Completions { shell } => completions::run(shell),
    };
    exit.into()
}
