//! What commands print: text for people or JSON for programs.

use crate::exit::Exit;
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, Write};

/// The form of what a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs: one document
    Json,
}

impl Output {
    /// Prints a report in this form; `exit` is how the command ends if it can be printed.
    pub fn print<R: Serialize>(self, report: &R, text: impl Fn(&R) -> String, exit: Exit) -> Exit {
        let text = match self {
            Self::Text => text(report),
            Self::Json => json(report),
        };
        print(&text, exit)
    }
}

/// A report as JSON.
pub fn json<R: Serialize>(report: &R) -> String {
    serde_json::to_string_pretty(report).expect("texts and numbers are JSON")
}

/// Prints a text with one line end behind it, unless it is empty.
pub fn print(text: &str, exit: Exit) -> Exit {
    let text = text.trim_end();
    if text.is_empty() {
        return exit;
    }
    match writeln!(io::stdout().lock(), "{text}") {
        // A reader that closes the pipe early has seen what it wanted.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::FAILURE,
        _ => exit,
    }
}

/// Says what is going on, or what is wrong, where it does not disturb what is printed.
pub fn tell(text: &str) {
    // Nobody may be listening, which is no reason to stop.
    let _ = writeln!(io::stderr().lock(), "dovetail: {text}");
}
