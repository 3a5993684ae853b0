//! `dovetail status`: the connectors and tasks of a running worker.

pub mod report;
mod table;

use crate::exit::Exit;
use crate::output::{self, Output};
use crate::run;
use crate::worker_api::{Connection, Retries, WorkerApi};
use clap::Args;
use report::Report;
use std::time::Duration;

/// How long the worker may take to answer; its own limit for a request is longer, but a person waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// What to show.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// A table for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Asks the worker and prints what it says.
pub fn run(options: &Options) -> Exit {
    let answer = run::runtime()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(fetch(&options.connection)));
    match answer {
        Ok(report) => options.output.print(&report, table::render, Exit::Success),
        Err(error) => {
            output::tell(&error);
            Exit::FAILURE
        }
    }
}

async fn fetch(connection: &Connection) -> Result<Report, String> {
    let api = WorkerApi::open(connection, ANSWER_TIMEOUT, Retries::NONE)?;
    let connectors = api
        .get(&["connectors"], "expand=status&expand=info")
        .await
        .map_err(|error| error.to_string())?;
    // A JVM worker has no /metrics: then the numbers are missing, not the states.
    let metrics = api.get(&["metrics"], "").await.unwrap_or_default();
    Report::new(&connectors, &metrics).map_err(|error| api.is_no_worker(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_worker_is_told_with_its_url() {
        // A port that was free a moment ago, and that nobody listens on.
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let url = format!("http://127.0.0.1:{port}");
        let connection = Connection::to(&url);
        let error = run::runtime()
            .unwrap()
            .block_on(fetch(&connection))
            .unwrap_err();
        assert!(
            error.starts_with(&format!("Cannot reach a worker at {url}/connectors")),
            "{error}"
        );
        let options = Options {
            connection,
            output: Output::Json,
        };
        assert_eq!(run(&options), Exit::FAILURE);
    }
}
