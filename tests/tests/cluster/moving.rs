//! A cluster of JVM workers moves to Dovetail and back, one worker at a time, while its connectors run.

use dovetail_tests::connectors::{ObjectFormat, file_sink, s3_sink, sink_group};
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{ConnectWorker, Runtime, eventually, run, shared};

use super::numbers::{Numbers, num_repeats, numbers_of};
use super::{Cluster, member};

impl Cluster {
    /// Waits until the source has sent `num_more` records and the sink has written as many lines.
    async fn wait_for_progress(&self, file: &std::path::Path, num_more: usize) {
        let (topic, before) = (self.connector(0), lines::read(file).len());
        let end = self.topics.end_offsets(&topic).await[0] as usize;
        self.topics.wait_for_records(&topic, end + num_more).await;
        lines::wait_for(file, before + num_more).await;
    }

    /// A worker of this runtime comes, and then one of the other runtime leaves.
    async fn replace_one(&mut self, runtime: Runtime) {
        let is_other = |worker: &ConnectWorker| worker.runtime() != runtime;
        let old = self.workers.iter().position(is_other);
        let old = old.expect("a worker of the other runtime");
        let bootstrap_servers = shared::kafka().await.bootstrap_servers();
        let config = member(&bootstrap_servers, &self.group, 1_000);
        self.add(runtime, config).await;
        self.workers.swap_remove(old).terminate().await;
        self.wait_spread(&[0, 1]).await;
    }
}

#[tokio::test]
async fn a_cluster_moves_to_dovetail_and_back_while_its_connectors_run() {
    // How often a worker leaves, and so how often a task may begin again at its last commit.
    const NUM_MOVES: usize = 4;
    const FLUSH_SIZE: usize = 50;
    let mut cluster = Cluster::start(&[Runtime::Jvm; 2], 1_000).await;
    let s3 = shared::s3().await;
    let file = run::server_folder("moved").join("lines");
    let topic = cluster.connector(0);
    cluster.create(0, 0, 2).await;
    let sink = cluster.connector(1);
    cluster
        .rest(1)
        .create_connector(&sink, file_sink(&topic, &file))
        .await;
    cluster.connectors.insert(sink.clone(), 1);
    cluster.wait_spread(&[0, 1]).await;
    cluster.wait_for_progress(&file, 20).await;

    for _ in 0..2 {
        cluster.replace_one(Runtime::Dovetail).await;
        cluster.wait_for_progress(&file, 20).await;
    }

    // A class that only Dovetail's workers have can run while all members are of that kind.
    let (objects, bucket) = (cluster.connector(2), shared::unique("moved-objects"));
    s3.create_bucket(&bucket).await;
    let config = s3_sink(&topic, s3, &bucket, ObjectFormat::Bytes, FLUSH_SIZE);
    cluster.rest(1).run_connector(&objects, config, 1).await;
    let stored = eventually("two objects", async || {
        let stored = s3.objects(&bucket);
        match stored.len() >= 2 {
            true => Ok(stored),
            false => Err(format!("{} objects", stored.len())),
        }
    })
    .await;
    let records = cluster.topics.read_all(&topic).await;
    let stored: Vec<u8> = stored.into_values().flatten().collect();
    let text = String::from_utf8(stored).expect("lines of JSON");
    let sent = values(&records);
    assert!(
        text.lines()
            .eq(sent.iter().copied().take(text.lines().count()))
    );
    cluster.rest(0).delete_connector(&objects).await;

    for _ in 0..2 {
        cluster.replace_one(Runtime::Jvm).await;
        cluster.wait_for_progress(&file, 20).await;
    }

    // The source ends, and the sink comes to the end of what it has sent.
    let rest = cluster.rest(0);
    rest.after_rebalance(async || rest.put(&format!("/connectors/{topic}/stop"), None).await)
        .await
        .expect(204);
    rest.wait_states(&topic, "STOPPED", 0).await;
    let last = |numbers: &Numbers| -> Vec<Option<i64>> {
        let last = |sent: &Vec<i64>| sent.iter().max().copied();
        numbers.values().map(last).collect()
    };
    // Tasks may be sending their last numbers still: their statuses are gone as soon as the leader has
    // heard of the stop.
    let (sent, written) = eventually("a sink at the end of its topic", async || {
        let ends = cluster.topics.end_offsets(&topic).await;
        let committed = cluster
            .topics
            .committed_offsets(&sink_group(&sink), &topic)
            .await;
        let sent = numbers_of(values(&cluster.topics.read_all(&topic).await));
        let written = numbers_of(lines::read(&file).iter().map(String::as_str));
        match committed == [Some(ends[0])] && last(&sent) == last(&written) {
            true => Ok((sent, written)),
            false => Err(format!("{committed:?} of {ends:?} committed")),
        }
    })
    .await;
    let num_repeats_sent = num_repeats(&sent, "the topic");
    let num_repeats_written = num_repeats(&written, "the file");
    println!("{num_repeats_sent} repeats in the topic, {num_repeats_written} in the file");
    // Two tasks, each of which was stopped once by each move at most.
    assert!(num_repeats_sent <= 2 * NUM_MOVES, "{num_repeats_sent}");
    assert!(
        num_repeats_written <= num_repeats_sent + 2 * NUM_MOVES,
        "{num_repeats_written}"
    );
    cluster.stop().await;
}
