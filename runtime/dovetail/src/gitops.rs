//! `dovetail diff` and `dovetail apply`: the connectors of a cluster as files in a folder say.

mod apply;
mod files;
mod plan;
mod preflight;
mod report;
pub mod secrets;
mod wait;

pub use files::paths;

use crate::connector_file::ConnectorFile;
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::run;
use crate::worker_api::{ApiError, Connection, Retries, WorkerApi};
use apply::Run;
use clap::Args;
use plan::{Action, Plan};
use report::Report;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wait::Patience;

/// A little more than a worker takes before it gives up a request itself (90 s).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(250);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// What to compare.
#[derive(Args)]
pub struct DiffOptions {
    /// A folder with one connector in each .json, .yaml, .yml and .properties file, or one such file
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Show connectors without a file as ones to delete
    #[arg(long)]
    prune: bool,
    /// End with exit code 4 if there are differences
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    connection: Connection,
    /// How long requests are repeated that a rebalance or a starting worker refuses
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What to apply.
#[derive(Args)]
pub struct ApplyOptions {
    /// A folder with one connector in each .json, .yaml, .yml and .properties file, or one such file
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Delete connectors that have no file in the folder
    #[arg(long)]
    prune: bool,
    /// Show and validate what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait until the connectors and their tasks run; fail if one of them ends FAILED
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    connection: Connection,
    /// How long requests are repeated that a rebalance or a starting worker refuses, and how long
    /// --wait waits
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Shows what differs.
pub fn diff(options: &DiffOptions) -> Exit {
    let compared = block_on(async {
        let files = files(&options.folder, options.prune)?;
        let api = api(&options.connection, options.timeout)?;
        compare(&api, &files, options.prune).await
    });
    match compared {
        Ok(report) => {
            let exit = match report.plan.has_changes() && options.exit_code {
                true => Exit::Differences,
                false => Exit::Success,
            };
            options.output.print(&report, Report::plan_text, exit)
        }
        Err(error) => {
            output::tell(&error);
            Exit::FAILURE
        }
    }
}

/// Makes the cluster what the folder says.
pub fn apply(options: &ApplyOptions) -> Exit {
    let applied = block_on(async {
        let files = files(&options.folder, options.prune)?;
        let api = api(&options.connection, options.timeout)?;
        let run = Run {
            api: &api,
            files: &files,
            prune: options.prune,
            dry_run: options.dry_run,
            wait: options
                .wait
                .then(|| Patience::of(Duration::from_secs(options.timeout))),
            say: match options.output {
                Output::Text => |text| {
                    output::print(text, Exit::Success);
                },
                // Standard output is for the document at the end.
                Output::Json => output::tell,
            },
        };
        run.run().await
    });
    match applied {
        Ok(report) => {
            let exit = match report.succeeded {
                true => Exit::Success,
                false => Exit::FAILURE,
            };
            options.output.print(&report, Report::end_text, exit)
        }
        Err(error) => {
            output::tell(&error);
            Exit::FAILURE
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = run::runtime().map_err(|error| format!("Cannot start threads: {error}"))?;
    runtime.block_on(work)
}

fn api(connection: &Connection, timeout_s: u64) -> Result<WorkerApi, String> {
    let retries = Retries {
        first_delay: FIRST_RETRY_DELAY,
        max_delay: MAX_RETRY_DELAY,
        give_up_after: Duration::from_secs(timeout_s),
    };
    WorkerApi::open(connection, ANSWER_TIMEOUT, retries)
}

fn files(folder: &Path, prune: bool) -> Result<BTreeMap<String, ConnectorFile>, String> {
    if prune && folder.is_file() {
        return Err(format!(
            "--prune needs a folder: {} is one file, and every other connector would be deleted",
            folder.display()
        ));
    }
    files::read(folder).map_err(|faults| faults.join("\ndovetail: "))
}

async fn compare(
    api: &WorkerApi,
    files: &BTreeMap<String, ConnectorFile>,
    prune: bool,
) -> Result<Report, String> {
    let told = |error: ApiError| error.to_string();
    let present = api.get_json(&["connectors"], "expand=info").await;
    let present = plan::present(&present.map_err(told)?)?;
    Ok(Report::new(api.url(), Plan::new(files, &present, prune)))
}

#[cfg(test)]
mod tests;
