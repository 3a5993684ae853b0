//! Files of lines, which file sources read and file sinks write.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::stack::eventually;

/// Adds lines to the end of a file, as a program does that logs.
pub fn append<L: AsRef<str>>(file: &Path, lines: &[L]) {
    let text: String = lines
        .iter()
        .flat_map(|line| [line.as_ref(), "\n"])
        .collect();
    let opened = OpenOptions::new().create(true).append(true).open(file);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
}

/// The lines of a file; none if a sink has not made it yet.
pub fn read(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until a file holds `num_lines` lines at least, and returns them.
pub async fn wait_for(file: &Path, num_lines: usize) -> Vec<String> {
    let what = format!("{num_lines} lines in {}", file.display());
    eventually(&what, async || {
        let lines = read(file);
        match lines.len() >= num_lines {
            true => Ok(lines),
            false => Err(format!("{} lines", lines.len())),
        }
    })
    .await
}
