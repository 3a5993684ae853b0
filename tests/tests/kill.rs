//! A worker that is killed in the middle of its work, again and again, loses nothing, and leaves the
//! objects that it would have left without a kill.

use std::collections::{BTreeMap, BTreeSet};

use dovetail_tests::connectors::{ObjectFormat, file_source, s3_sink, sink_group, with};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{
    ConnectWorker, Runtime, S3Server, TopicRecord, Topics, WorkerConfig, eventually, shared,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const NUM_KILLS: usize = 10;
const FLUSH_SIZE: usize = 100;

/// Of `DOVETAIL_KILL_SEED`, or a new one; printed, so that a failed run can be repeated.
fn seeded(test: &str) -> StdRng {
    let seed = match std::env::var("DOVETAIL_KILL_SEED") {
        Ok(seed) => seed.parse().expect("DOVETAIL_KILL_SEED is a number"),
        Err(_) => rand::random(),
    };
    println!("{test}: DOVETAIL_KILL_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// A worker of its own, whose group does not wait long for the dead: a killed member leaves no word.
async fn worker(runtime: Runtime, group: &str) -> ConnectWorker {
    let mut config = WorkerConfig::distributed(&shared::kafka().await.bootstrap_servers(), group);
    for client in ["", "consumer."] {
        config = config
            .property(&format!("{client}session.timeout.ms"), "2000")
            .property(&format!("{client}heartbeat.interval.ms"), "500");
    }
    ConnectWorker::start(runtime, config).await
}

/// The objects below `topics_dir`, by their names without it.
fn objects_below(s3: &S3Server, bucket: &str, topics_dir: &str) -> BTreeMap<String, Vec<u8>> {
    let prefix = format!("{topics_dir}/");
    let objects = s3.objects(bucket).into_iter();
    objects
        .filter_map(|(name, bytes)| Some((name.strip_prefix(&prefix)?.to_owned(), bytes)))
        .collect()
}

async fn wait_for_objects(s3: &S3Server, bucket: &str, num_objects: usize) {
    eventually(
        &format!("{num_objects} objects in {bucket}"),
        async || match s3.object_names(bucket).len() {
            seen if seen >= num_objects => Ok(()),
            seen => Err(format!("{seen} objects")),
        },
    )
    .await;
}

/// What a sink with a `flush.size` of [`FLUSH_SIZE`] makes of a topic, and the offsets it commits.
fn expected(topic: &str, records: &[TopicRecord]) -> (BTreeMap<String, Vec<u8>>, Vec<i64>) {
    let mut partitions: BTreeMap<i32, Vec<&TopicRecord>> = BTreeMap::new();
    for record in records {
        let partition = record.partition.expect("a record that was read");
        partitions.entry(partition).or_default().push(record);
    }
    let (mut objects, mut offsets) = (BTreeMap::new(), Vec::new());
    for (partition, records) in &partitions {
        for chunk in records.chunks_exact(FLUSH_SIZE) {
            let start = chunk[0].offset;
            let name = format!("{topic}/partition={partition}/{topic}+{partition}+{start:010}.bin");
            let text: String = chunk
                .iter()
                .flat_map(|record| [record.value_text(), "\n"])
                .collect();
            objects.insert(name, text.into_bytes());
        }
        offsets.push((records.len() / FLUSH_SIZE * FLUSH_SIZE) as i64);
    }
    (objects, offsets)
}

fn assert_same_objects(
    left: &BTreeMap<String, Vec<u8>>,
    right: &BTreeMap<String, Vec<u8>>,
    what: &str,
) {
    let names = |objects: &BTreeMap<String, Vec<u8>>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(left), names(right), "{what}: names");
    for (name, bytes) in left {
        assert!(*bytes == right[name], "{what}: {name} holds other bytes");
    }
}

/// Runs a second sink on the topic, without a kill, and holds the objects of the first one to its own.
async fn compare_with_a_run_without_a_kill(
    worker: &ConnectWorker,
    (s3, bucket, topics): (&S3Server, &str, &Topics),
    topic: &str,
) {
    let records = topics.read_all(topic).await;
    let (expected_objects, offsets) = expected(topic, &records);
    let killed_group = sink_group(&format!("{topic}-killed"));
    topics.wait_for_commit(&killed_group, topic, &offsets).await;
    let unkilled = format!("{topic}-unkilled");
    let config = s3_sink(topic, s3, bucket, ObjectFormat::Bytes, FLUSH_SIZE);
    let config = with(config, &[("topics.dir", "unkilled")]);
    worker.rest().run_connector(&unkilled, config, 1).await;
    topics
        .wait_for_commit(&sink_group(&unkilled), topic, &offsets)
        .await;
    let objects = objects_below(s3, bucket, "unkilled");
    assert_same_objects(&objects, &expected_objects, "the run without a kill");
    let objects = objects_below(s3, bucket, "killed");
    assert_same_objects(&objects, &expected_objects, "the killed run");
}

#[tokio::test]
async fn a_sink_that_is_killed_ten_times_leaves_the_same_objects() {
    const NUM_PARTITIONS: i32 = 2;
    let mut random = seeded("a_sink_that_is_killed_ten_times_leaves_the_same_objects");
    let (topics, s3) = (shared::kafka().await.topics(), shared::s3().await);
    let topic = shared::unique("killed-sink");
    topics.create(&topic, NUM_PARTITIONS).await;
    s3.create_bucket(&topic).await;
    let mut worker = worker(Runtime::Dovetail, &topic).await;
    let config = s3_sink(&topic, s3, &topic, ObjectFormat::Bytes, FLUSH_SIZE);
    let config = with(config, &[("topics.dir", "killed")]);
    let name = format!("{topic}-killed");
    worker.rest().run_connector(&name, config, 1).await;

    let sent = flights(20_000);
    let mut rest_of_lines = sent.as_slice();
    let mut num_sent = [0; NUM_PARTITIONS as usize];
    for kill in 0..NUM_KILLS {
        // Uneven counts: at most kills some records wait in an object that is not full.
        let (lines, later) = rest_of_lines.split_at(random.random_range(300..2_000));
        rest_of_lines = later;
        let num_objects_before = s3.object_names(&topic).len();
        let records: Vec<_> = lines
            .iter()
            .map(|line| TopicRecord {
                partition: Some(random.random_range(0..NUM_PARTITIONS)),
                ..TopicRecord::of_value(line.as_str())
            })
            .collect();
        for record in &records {
            num_sent[record.partition.unwrap_or_default() as usize] += 1;
        }
        topics.produce(&topic, &records).await;
        let num_objects_due: usize = num_sent.iter().map(|sent| sent / FLUSH_SIZE).sum();
        let seen = random.random_range(num_objects_before..=num_objects_due);
        wait_for_objects(s3, &topic, seen).await;
        println!("kill {kill}: {seen} of {num_objects_due} objects were seen");
        worker.kill9();
        worker.start_again().await;
    }
    worker.rest().wait_running(&name, 1).await;
    compare_with_a_run_without_a_kill(&worker, (s3, &topic, &topics), &topic).await;
    worker.terminate().await;
}

#[tokio::test]
async fn source_and_sink_that_are_killed_ten_times_lose_no_line() {
    let mut random = seeded("source_and_sink_that_are_killed_ten_times_lose_no_line");
    let (topics, s3) = (shared::kafka().await.topics(), shared::s3().await);
    let topic = shared::unique("killed-both");
    topics.create(&topic, 1).await;
    s3.create_bucket(&topic).await;
    let mut worker = worker(Runtime::Dovetail, &topic).await;
    let (file, sent) = (worker.folder().join(&topic), flights(20_000));
    lines::append(&file, &sent[..1]);
    let source = format!("{topic}-source");
    worker
        .rest()
        .run_connector(&source, file_source(&file, &topic), 1)
        .await;
    let config = s3_sink(&topic, s3, &topic, ObjectFormat::Bytes, FLUSH_SIZE);
    let config = with(config, &[("topics.dir", "killed")]);
    let sink = format!("{topic}-killed");
    worker.rest().run_connector(&sink, config, 1).await;
    kill_while_lines_arrive(&mut worker, &mut random, &topics, &topic, &file, &sent).await;
    assert_every_line_is_there(&topics, &topic, &sent).await;
    for connector in [&source, &sink] {
        worker.rest().wait_running(connector, 1).await;
    }
    worker.rest().delete_connector(&source).await;
    compare_with_a_run_without_a_kill(&worker, (s3, &topic, &topics), &topic).await;
    worker.terminate().await;
}

/// The first line is in the file already.
async fn kill_while_lines_arrive(
    worker: &mut ConnectWorker,
    random: &mut StdRng,
    topics: &Topics,
    topic: &str,
    file: &std::path::Path,
    sent: &[String],
) {
    let (mut rest_of_lines, mut num_lines) = (&sent[1..], 1);
    for kill in 0..NUM_KILLS {
        let is_last = kill + 1 == NUM_KILLS;
        let num_more = match is_last {
            true => rest_of_lines.len(),
            false => random.random_range(100..2_000),
        };
        let (lines, later) = rest_of_lines.split_at(num_more);
        let seen = num_lines + random.random_range(0..=lines.len());
        rest_of_lines = later;
        num_lines += lines.len();
        lines::append(file, lines);
        // Lines that were sent twice count too: then the kill comes earlier than its number says.
        eventually(&format!("{seen} records in {topic}"), async || match topics
            .end_offsets(topic)
            .await[0]
        {
            end if end >= seen as i64 => Ok(()),
            end => Err(format!("{end} records")),
        })
        .await;
        println!("kill {kill}: {seen} of {num_lines} records were seen");
        worker.kill9();
        worker.start_again().await;
    }
}

async fn assert_every_line_is_there(topics: &Topics, topic: &str, sent: &[String]) {
    eventually("every line in the topic", async || {
        let records = topics.read_all(topic).await;
        let seen: BTreeSet<_> = values(&records).into_iter().collect();
        match sent.iter().find(|line| !seen.contains(line.as_str())) {
            None => Ok(()),
            Some(missing) => Err(format!("{} records, but not {missing}", records.len())),
        }
    })
    .await;
}

/// The same for Kafka's own worker, with a kill less often: it proves the test, not the worker.
#[tokio::test]
async fn a_source_of_the_jvm_that_is_killed_loses_no_line() {
    let topics = shared::kafka().await.topics();
    let topic = shared::unique("killed-jvm");
    topics.create(&topic, 1).await;
    let mut worker = worker(Runtime::Jvm, &topic).await;
    let (file, sent) = (worker.folder().join(&topic), flights(2_000));
    lines::append(&file, &sent[..1_000]);
    worker
        .rest()
        .run_connector(&topic, file_source(&file, &topic), 1)
        .await;
    topics.wait_for_records(&topic, 500).await;
    worker.kill9();
    lines::append(&file, &sent[1_000..]);
    worker.start_again().await;
    assert_every_line_is_there(&topics, &topic, &sent).await;
    worker.terminate().await;
}
