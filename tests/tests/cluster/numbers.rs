//! What the sources of a cluster have sent: nothing may be missing, and no task may run twice.

use std::collections::{BTreeMap, BTreeSet};

use dovetail_tests::stack::{Topics, eventually};
use serde_json::Value;

/// The numbers that each task has sent, in the order in which they arrived.
pub(super) type Numbers = BTreeMap<i64, Vec<i64>>;

/// From records of VerifiableSource in JSON, one each.
pub(super) fn numbers_of<'a>(records: impl IntoIterator<Item = &'a str>) -> Numbers {
    let mut numbers = Numbers::new();
    for record in records {
        let value: Value = serde_json::from_str(record)
            .unwrap_or_else(|error| panic!("not a record of VerifiableSource: {record}: {error}"));
        let number = |field: &str| {
            value[field]
                .as_i64()
                .unwrap_or_else(|| panic!("no number {field} in {record}"))
        };
        numbers
            .entry(number("task"))
            .or_default()
            .push(number("seqno"));
    }
    numbers
}

/// The numbers that a task has left out.
fn missing(sent: &[i64]) -> Vec<i64> {
    let distinct: BTreeSet<i64> = sent.iter().copied().collect();
    let last = distinct.last().copied().unwrap_or(-1);
    (0..=last).filter(|n| !distinct.contains(n)).collect()
}

/// Fails if a number is missing; returns how often a task began again at a number that it had sent.
pub(super) fn num_repeats(numbers: &Numbers, what: &str) -> usize {
    let mut num_repeats = 0;
    for (task, sent) in numbers {
        let missing = missing(sent);
        assert!(
            missing.is_empty(),
            "{what}: task {task} has left out {missing:?}"
        );
        num_repeats += sent.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    }
    num_repeats
}

/// The numbers in a connector's topic, from an offset on.
async fn sent_from(topics: &Topics, topic: &str, offset: i64) -> Numbers {
    let records = topics.read_all(topic).await;
    let later = records.iter().filter(|record| record.offset >= offset);
    numbers_of(later.map(|record| record.value_text()))
}

/// Fails if a number is missing in the connector's topic; returns how often a task began again.
pub(super) async fn num_repeats_in(topics: &Topics, topic: &str) -> usize {
    num_repeats(&sent_from(topics, topic, 0).await, topic)
}

/// Waits until all tasks have sent more numbers, and fails unless each counts on by one: a task that
/// runs twice sends each number twice.
pub(super) async fn assert_each_runs_once(topics: &Topics, topic: &str, num_tasks: usize) {
    const NUM_MORE: usize = 10;
    let from = topics.end_offsets(topic).await[0];
    let what = format!("{NUM_MORE} more numbers of each of {num_tasks} tasks in {topic}");
    let numbers = eventually(&what, async || {
        let numbers = sent_from(topics, topic, from).await;
        let enough = numbers.values().filter(|sent| sent.len() >= NUM_MORE);
        match enough.count() {
            tasks if tasks == num_tasks => Ok(numbers),
            tasks => Err(format!("of {tasks} tasks")),
        }
    })
    .await;
    for (task, sent) in &numbers {
        assert!(
            sent.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{topic}: task {task} does not count on by one: {sent:?}"
        );
    }
}

#[test]
fn a_missing_number_is_found_and_repeats_are_counted() {
    let record = |task: i64, seqno: i64| format!(r#"{{"name":"c","task":{task},"seqno":{seqno}}}"#);
    let of = |sent: &[(i64, i64)]| {
        let records: Vec<String> = sent.iter().map(|(task, n)| record(*task, *n)).collect();
        numbers_of(records.iter().map(String::as_str))
    };
    let whole = of(&[
        (0, 0),
        (1, 0),
        (0, 1),
        (0, 2),
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 1),
    ]);
    assert_eq!(num_repeats(&whole, "whole"), 1);
    let holed = of(&[(0, 0), (0, 2), (0, 4), (0, 2), (1, 0)]);
    assert_eq!(missing(&holed[&0]), [1, 3]);
}
