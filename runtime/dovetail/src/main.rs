//! The dovetail binary: the command line, and nothing else.

mod config_file;
mod environment;
mod exit;
mod link;
mod memory;
mod quickstart;
mod run;
mod status;
mod version;
mod wiring;

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
        /// The connectors to run: JSON, or Java properties
        connectors: Vec<PathBuf>,
    },
    /// Show it all in one process: a broker, object storage, a worker, real records
    Quickstart(quickstart::Options),
    /// Show the connectors and tasks of a running worker
    Status(status::Options),
    /// Show versions and the plugins that are built in
    Version,
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
        Command::Version => version::run(),
    };
    exit.into()
}
