//! What the quick start prints: a block of lines that is drawn over on a terminal, plain lines
//! anywhere else.

use super::flows::Flow;
use super::progress::{Moved, Progress};
use super::servers::ObjectStorage;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Standard output.
pub struct Display {
    is_live: bool,
    ends_by_itself: bool,
    /// The lines of the block that is on the screen.
    num_drawn: usize,
    last_plain: String,
}

impl Display {
    /// A display that fits standard output.
    pub fn new(ends_by_itself: bool) -> Self {
        Self {
            is_live: io::stdout().is_terminal(),
            ends_by_itself,
            num_drawn: 0,
            last_plain: String::new(),
        }
    }

    /// Whether there is somebody to watch.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// A message that stays.
    pub fn say(&mut self, text: &str) {
        self.num_drawn = 0;
        print(&format!("{text}\n"));
    }

    /// Where everything is.
    pub fn introduce(
        &mut self,
        rest_url: &str,
        bootstrap_servers: &str,
        storage: &ObjectStorage,
        flows: &[Flow],
    ) {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Dovetail quick start: everything runs in this process\n"
        );
        let _ = writeln!(
            text,
            "  Connect REST API  {}",
            rest_url.trim_end_matches('/')
        );
        let _ = writeln!(
            text,
            "  Status page       {}/ui",
            rest_url.trim_end_matches('/')
        );
        let _ = writeln!(
            text,
            "  Kafka broker      {bootstrap_servers} (embedded: it keeps nothing)"
        );
        let _ = writeln!(
            text,
            "  S3 server         {} (bucket quickstart)",
            storage.url()
        );
        let _ = writeln!(
            text,
            "  Objects           {}",
            storage.bucket_folder().display()
        );
        for flow in flows {
            let (file, topic) = (flow.file().display(), flow.topic());
            let _ = writeln!(
                text,
                "  Input             {file} -> topic {topic} -> objects"
            );
        }
        if !self.ends_by_itself {
            let _ = writeln!(text, "\nCtrl-C ends it. In another terminal, try:");
            text.push_str(&requests_to_try(rest_url.trim_end_matches('/'), flows));
        }
        self.say(&text);
    }

    /// The present numbers.
    pub fn show(&mut self, progress: &Progress) {
        if self.is_live {
            let block = block(progress);
            let up = match self.num_drawn {
                0 => String::new(),
                // To the first line of the old block, and clear from there.
                num_lines => format!("\x1b[{num_lines}A\x1b[J"),
            };
            self.num_drawn = block.lines().count();
            print(&format!("{up}{block}"));
        } else {
            let line = plain_line(progress);
            // Nothing new is not worth a line in a log.
            if line != self.last_plain {
                print(&line);
                self.last_plain = line;
            }
        }
    }

    /// All input is in objects.
    pub fn tell_done(&mut self, progress: &Progress, rest_url: &str) {
        let num_records: u64 = progress.flows().iter().map(|flow| flow.num_records).sum();
        let num_objects: u64 = progress.flows().iter().map(|flow| flow.num_objects).sum();
        let mut text = format!("All {num_records} records are in {num_objects} objects.");
        if !self.ends_by_itself {
            let _ = write!(
                text,
                " The worker goes on: lines added to the input follow, and {rest_url} answers."
            );
        }
        self.say(&text);
    }
}

fn requests_to_try(url: &str, flows: &[Flow]) -> String {
    let (source, sink) = flows
        .first()
        .map_or(("", ""), |flow| (flow.source_name(), flow.sink_name()));
    format!(
        "  curl -s '{url}/connectors?expand=status'\n\
         \x20 curl -s {url}/connectors/{sink}/offsets\n\
         \x20 curl -s -X PUT {url}/connectors/{source}/pause\n\
         \x20 curl -s {url}/metrics\n\
         \x20 dovetail status --url {url}\n"
    )
}

/// A line for each connector.
fn block(progress: &Progress) -> String {
    let mut text = format!(
        "{:18} {:>16} {:>12} {:>12} {:>9}\n",
        "CONNECTOR", "RECORDS", "RECORDS/S", "BYTES/S", "OBJECTS"
    );
    for flow in progress.flows() {
        let of = flow.num_records;
        push_row(
            &mut text,
            &format!("{}-source", flow.topic),
            &flow.source,
            of,
            "",
        );
        let num_objects = flow.num_objects.to_string();
        push_row(
            &mut text,
            &format!("{}-to-s3", flow.topic),
            &flow.sink,
            of,
            &num_objects,
        );
    }
    text
}

fn push_row(text: &mut String, name: &str, moved: &Moved, of: u64, objects: &str) {
    let records = format!("{}/{of}", moved.num_records);
    let (records_per_second, bytes) = (moved.records_per_second, bytes(moved.bytes_per_second));
    let _ = writeln!(
        text,
        "{name:18} {records:>16} {records_per_second:>12.0} {bytes:>12} {objects:>9}"
    );
}

fn plain_line(progress: &Progress) -> String {
    let flows = progress.flows().iter().map(|flow| {
        format!(
            "{}: {} of {} records in Kafka, {} in {} objects",
            flow.topic,
            flow.source.num_records,
            flow.num_records,
            flow.sink.num_records,
            flow.num_objects
        )
    });
    format!("{}\n", flows.collect::<Vec<_>>().join("; "))
}

fn bytes(per_second: f64) -> String {
    match per_second {
        rate if rate >= 1e6 => format!("{:.1} MB", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.1} kB", rate / 1e3),
        rate => format!("{rate:.0} B"),
    }
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    // Where nobody reads any more, the records flow all the same.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::super::flows;
    use super::*;

    #[test]
    fn every_connector_has_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let flows = flows::flows(folder.path(), None).unwrap();
        let progress = Progress::new(&flows);
        let block = block(&progress);
        assert_eq!(block.lines().count(), 5);
        assert!(block.contains("airports-to-s3"));
        assert!(block.contains("0/5027"));
        assert_eq!(plain_line(&progress).lines().count(), 1);
        let requests = requests_to_try("http://h:1", &flows);
        assert!(requests.contains("http://h:1/connectors/flights-to-s3/offsets"));
    }

    #[test]
    fn bytes_are_rounded_for_people() {
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(1500.0), "1.5 kB");
        assert_eq!(bytes(2_000_000.0), "2.0 MB");
    }
}
