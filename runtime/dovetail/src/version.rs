//! Versions and plugins.

use crate::exit::Exit;
use crate::output::Output;
use crate::wiring::COMMIT;
use clap::Args;
use connect_api::KAFKA_VERSION;
use connect_herder::PluginInfo;
use connect_herder::plugins::Plugins;
use serde::Serialize;
use std::fmt::Write;

/// The version of this program in one line.
pub const LINE: &str = concat!(env!("CARGO_PKG_VERSION"), " (Kafka Connect 4.3.1)");

/// How to show it.
#[derive(Args)]
pub struct Options {
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What this program is and what it brings.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    commit: &'static str,
    kafka_version: &'static str,
    plugins: Vec<PluginInfo>,
}

/// Prints what this program is and what it brings.
pub fn run(options: &Options) -> Exit {
    options.output.print(&Report::new(), text, Exit::Success)
}

impl Report {
    fn new() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: COMMIT,
            kafka_version: KAFKA_VERSION,
            plugins: Plugins::linked().list(false),
        }
    }
}

fn text(report: &Report) -> String {
    let mut text = format!(
        "Dovetail {}\nCommit {}\nKafka Connect API {}\nPlugins:\n",
        report.version, report.commit, report.kafka_version
    );
    for plugin in &report.plugins {
        let version = plugin.version.as_deref().unwrap_or_default();
        let type_name = plugin.plugin_type.name();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {type_name:16} {} {version}", plugin.class);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linked_plugin_is_listed() {
        let report = Report::new();
        let text = text(&report);
        let json = crate::output::json(&report);
        for class in [
            "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "io.confluent.connect.s3.S3SinkConnector",
            "io.confluent.kafka.connect.datagen.DatagenConnector",
            "org.apache.kafka.connect.tools.VerifiableSinkConnector",
            "org.apache.kafka.connect.json.JsonConverter",
        ] {
            assert!(text.contains(class), "{class} is missing in\n{text}");
            assert!(json.contains(class), "{class} is missing in\n{json}");
        }
        assert!(LINE.contains(KAFKA_VERSION));
    }
}
