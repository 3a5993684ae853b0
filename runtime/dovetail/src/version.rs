//! Versions and plugins.

use crate::exit::Exit;
use crate::wiring::COMMIT;
use connect_api::KAFKA_VERSION;
use connect_herder::plugins::Plugins;
use std::io::{self, Write};

/// The version of this program in one line.
pub const LINE: &str = concat!(env!("CARGO_PKG_VERSION"), " (Kafka Connect 4.3.1)");

/// Prints what this program is and what it brings.
pub fn run() -> Exit {
    match write_to(&mut io::stdout().lock()) {
        Ok(()) => Exit::Success,
        // A reader that closes the pipe early has seen what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
        Err(_) => Exit::FAILURE,
    }
}

fn write_to(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Dovetail {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "Commit {COMMIT}")?;
    writeln!(out, "Kafka Connect API {KAFKA_VERSION}")?;
    writeln!(out, "Plugins:")?;
    for plugin in Plugins::linked().list(false) {
        let version = plugin.version.unwrap_or_default();
        writeln!(
            out,
            "  {:16} {} {version}",
            plugin.plugin_type.name(),
            plugin.class
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linked_plugin_is_listed() {
        let mut text = Vec::new();
        write_to(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        for class in [
            "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "io.confluent.connect.s3.S3SinkConnector",
            "io.confluent.kafka.connect.datagen.DatagenConnector",
            "org.apache.kafka.connect.tools.VerifiableSinkConnector",
            "org.apache.kafka.connect.json.JsonConverter",
        ] {
            assert!(text.contains(class), "{class} is missing in\n{text}");
        }
        assert!(LINE.contains(KAFKA_VERSION));
    }
}
