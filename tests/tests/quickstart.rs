//! `dovetail quickstart`: one process, nothing else installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::process::ServerProcess;
use dovetail_tests::stack::{layout, ports, run};
use serde_json::Value;

/// Runs it until it is done; returns the folder of its bucket.
async fn quickstart(name: &str, arguments: &[&Path]) -> PathBuf {
    let folder = run::server_folder(name);
    let data = folder.join("data");
    let mut command = Command::new(layout::dovetail_binary());
    command
        .args(["quickstart", "--once", "--port"])
        .arg(ports::free_port().to_string())
        .arg("--data")
        .arg(&data)
        .args(arguments);
    let mut process = ServerProcess::start(name, &folder, command);
    let status = process.wait_exit().await;
    assert!(status.success(), "{status}: {}", process.log_text());
    let buckets = fs::read_dir(data.join("s3")).expect("the folder of buckets");
    let mut buckets = buckets.flatten().map(|entry| entry.path());
    let is_shown = |bucket: &Path| !bucket.file_name().is_some_and(is_hidden);
    buckets
        .find(|bucket| bucket.is_dir() && is_shown(bucket))
        .expect("a bucket")
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// All records in the `.json` objects below `folder`, and how often each one is there.
fn records_below(folder: &Path, records: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            records_below(&path, records);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
            && !is_hidden(&entry.file_name())
        {
            for line in lines::read(&path) {
                *records.entry(canonical(&line)).or_default() += 1;
            }
        }
    }
}

/// The record, with its fields in one order.
fn canonical(line: &str) -> String {
    let fields: BTreeMap<String, Value> =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    serde_json::to_string(&fields).expect("JSON")
}

fn assert_each_once(lines: &[String], folder: &Path) {
    let (mut stored, mut sent) = (BTreeMap::new(), BTreeMap::new());
    records_below(folder, &mut stored);
    for line in lines {
        *sent.entry(canonical(line)).or_default() += 1;
    }
    assert!(
        stored.len() == sent.len(),
        "{} of {} records in {}",
        stored.len(),
        sent.len(),
        folder.display()
    );
    assert!(stored == sent, "other records in {}", folder.display());
}

#[tokio::test]
async fn the_sample_records_are_all_in_objects_when_it_ends() {
    let bucket = quickstart("quickstart", &[]).await;
    for topic in ["flights", "airports"] {
        let sample = format!("connector-configs/quickstart/data/{topic}.jsonl");
        let sent = lines::read(&layout::repository().join(sample));
        assert!(!sent.is_empty());
        assert_each_once(&sent, &bucket.join("topics").join(topic));
    }
}

#[tokio::test]
async fn lines_of_the_user_are_all_in_objects_when_it_ends() {
    let input = run::server_folder("quickstart-lines").join("mine.jsonl");
    let sent = flights(1_234);
    lines::append(&input, &sent);
    let bucket = quickstart("quickstart-input", &[Path::new("--input"), &input]).await;
    assert_each_once(&sent, &bucket);
}
