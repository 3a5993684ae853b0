//! Real records: the flights that left New York in 2013.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use crate::stack::layout;

/// How many flights there are.
pub const NUM_FLIGHTS: usize = 336_776;

/// The first `num_lines` flights, one JSON object each, without line ends.
pub fn flights(num_lines: usize) -> Vec<String> {
    let path = archive();
    let file =
        File::open(path).unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    let lines = BufReader::new(GzDecoder::new(file)).lines().take(num_lines);
    let lines: Result<Vec<_>, _> = lines.collect();
    let lines = lines.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    assert_eq!(
        lines.len(),
        num_lines.min(NUM_FLIGHTS),
        "flights in {}",
        path.display()
    );
    lines
}

/// `flights.jsonl.gz`: the file `DOVETAIL_FLIGHTS`, the one in `shared` beside the repository, or the one
/// that `tests/stack/flights` makes from a package, once.
pub fn archive() -> &'static PathBuf {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        if let Some(path) = std::env::var_os("DOVETAIL_FLIGHTS") {
            return PathBuf::from(path);
        }
        let beside = layout::repository().join("../shared/data/nycflights13/flights.jsonl.gz");
        if beside.exists() {
            return beside;
        }
        let folder = layout::repository().join(".cache/flights");
        let made = folder.join("flights.jsonl.gz");
        if !made.exists() {
            let script = layout::stack_file("flights");
            let status = Command::new(&script).arg(&folder).status();
            let status =
                status.unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
            assert!(
                status.success(),
                "{} failed ({status}): it needs python3 with pip",
                script.display()
            );
        }
        made
    })
}
