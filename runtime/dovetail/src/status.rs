//! `dovetail status`: the connectors and tasks of a running worker.

mod report;
mod table;

use crate::exit::Exit;
use crate::run;
use clap::{Args, ValueEnum};
use report::Report;
use std::io::{self, Write};
use std::time::Duration;

/// How long the worker may take to answer; its own limit for a request is longer, but a person waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// What to show.
#[derive(Args)]
pub struct Options {
    /// The REST API of any worker of the cluster
    #[arg(long, default_value = "http://localhost:8083")]
    url: String,
    /// A table for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Asks the worker and prints what it says.
pub fn run(options: &Options) -> Exit {
    let answer = run::runtime()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(fetch(&options.url)));
    let report = match answer {
        Ok(report) => report,
        Err(error) => {
            eprintln!("dovetail: {error}");
            return Exit::FAILURE;
        }
    };
    let text = match options.output {
        Output::Table => table::render(&report),
        Output::Json => report.to_json(),
    };
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::FAILURE,
        _ => Exit::Success,
    }
}

async fn fetch(url: &str) -> Result<Report, String> {
    let url = url.trim_end_matches('/');
    let client = reqwest::Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let connectors = get(
        &client,
        &format!("{url}/connectors?expand=status&expand=info"),
    )
    .await?;
    // A JVM worker has no /metrics: then the numbers are missing, not the states.
    let metrics = get(&client, &format!("{url}/metrics"))
        .await
        .unwrap_or_default();
    Report::new(&connectors, &metrics)
        .map_err(|error| format!("{url} does not answer as a Connect worker does: {error}"))
}

async fn get(client: &reqwest::Client, url: &str) -> Result<String, String> {
    let unreachable = |error: reqwest::Error| {
        let mut text = format!("Cannot reach a worker at {url}: {error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        format!("{text}. Is it running, and is --url its REST API?")
    };
    let response = client.get(url).send().await.map_err(unreachable)?;
    let status = response.status();
    let text = response.text().await.map_err(unreachable)?;
    if status.is_success() {
        Ok(text)
    } else {
        Err(format!("{url} answered {status}: {}", text.trim()))
    }
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
        let url = format!("http://127.0.0.1:{port}/");
        let error = run::runtime().unwrap().block_on(fetch(&url)).unwrap_err();
        assert!(
            error.starts_with(&format!("Cannot reach a worker at {url}connectors")),
            "{error}"
        );
        let options = Options {
            url,
            output: Output::Json,
        };
        assert_eq!(run(&options), Exit::FAILURE);
    }
}
