//! `dovetail validate`: checks connector files without a worker, a broker or the connectors' systems.

mod check;
mod problem;

pub use problem::{Problem, Severity, telling};

use crate::config_file;
use crate::connector_file::{self, ConnectorFileError};
use crate::exit::Exit;
use crate::gitops;
use crate::output::{self, Output};
use crate::run;
use clap::Args;
use connect_herder::plugins::Plugins;
use connect_herder::validation::{DistributedView, OverridePolicy, WorkerView};
use connect_herder::{WorkerConfig, WorkerMode};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What to check.
#[derive(Args)]
pub struct Options {
    /// Connector files (.json, .yaml, .yml, .properties), or folders with such files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The settings of the worker that is to run them: its converters and override policy count
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// End with exit code 1 for warnings, too
    #[arg(long)]
    strict: bool,
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What was found.
#[derive(Serialize)]
struct Report {
    num_files: usize,
    num_errors: usize,
    num_warnings: usize,
    problems: Vec<Problem>,
}

/// Checks and prints what is wrong.
pub fn run(options: &Options) -> Exit {
    let checked = view(options.worker.as_deref()).and_then(|view| {
        let runtime = run::runtime().map_err(|error| format!("Cannot start threads: {error}"))?;
        runtime.block_on(check_all(&options.files, &view))
    });
    match checked {
        Ok(report) => {
            let is_good = report.num_errors == 0 && (report.num_warnings == 0 || !options.strict);
            let exit = match is_good {
                true => Exit::Success,
                false => Exit::FAILURE,
            };
            options.output.print(&report, text, exit)
        }
        Err(error) => {
            output::tell(&error);
            Exit::FAILURE
        }
    }
}

async fn check_all(files: &[PathBuf], view: &WorkerView) -> Result<Report, String> {
    let mut paths = Vec::new();
    for file in files {
        paths.extend(gitops::paths(file)?);
    }
    let mut problems = Vec::new();
    for path in &paths {
        match connector_file::read(path) {
            Ok(file) => problems.extend(check::problems(&file, view, Plugins::linked()).await),
            Err(error) => problems.push(unreadable(error)),
        }
    }
    let num = |severity| {
        let problems = problems.iter();
        problems
            .filter(|problem| problem.severity == severity)
            .count()
    };
    Ok(Report {
        num_files: paths.len(),
        num_errors: num(Severity::Error),
        num_warnings: num(Severity::Warning),
        problems,
    })
}

fn unreadable(error: ConnectorFileError) -> Problem {
    Problem {
        file: error.path,
        place: error.place,
        key: error.key,
        severity: Severity::Error,
        message: error.reason,
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for problem in &report.problems {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{problem}");
    }
    let counted = |num: usize, word: &str| match num {
        1 => format!("1 {word}"),
        _ => format!("{num} {word}s"),
    };
    let _ = write!(
        text,
        "{}: {}, {}",
        counted(report.num_files, "file"),
        counted(report.num_errors, "error"),
        counted(report.num_warnings, "warning")
    );
    text
}

/// What is known of the worker. Of one that nobody described, nothing is held against a connector.
fn view(settings: Option<&Path>) -> Result<WorkerView, String> {
    const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";
    const HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
    let Some(path) = settings else {
        return Ok(WorkerView {
            key_converter: JSON_CONVERTER.to_string(),
            value_converter: JSON_CONVERTER.to_string(),
            header_converter: HEADER_CONVERTER.to_string(),
            distributed: Some(DistributedView {
                group_id: String::new(),
                exactly_once_source_enabled: true,
            }),
            override_policy: OverridePolicy::All,
        });
    };
    let settings = config_file::worker_settings(path).map_err(|error| error.to_string())?;
    let mode = match settings.contains_key("group.id") {
        true => WorkerMode::Distributed,
        false => WorkerMode::Standalone,
    };
    WorkerConfig::new(mode, settings)
        .map(|config| config.view())
        .map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
