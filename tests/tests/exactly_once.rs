//! Exactly-once sources on real brokers (KIP-618): whatever happens to workers, a `read_committed` reader
//! sees each record once, and in its order.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dovetail_tests::connectors::{JSON_CONVERTER, file_source, with};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{
    ConnectWorker, Runtime, Topics, WorkerConfig, eventually, run, shared,
};
use serde_json::{Value, json};

/// Workers of one group that notice soon when one is gone.
struct Cluster {
    workers: Vec<ConnectWorker>,
    topics: Topics,
    /// The name of the group, the topic and the connector.
    name: String,
}

impl Cluster {
    async fn start(stem: &str, runtimes: &[Runtime]) -> Self {
        let kafka = shared::kafka().await;
        let name = shared::unique(stem);
        kafka.topics().create(&name, 1).await;
        let mut workers = Vec::new();
        for runtime in runtimes {
            let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), &name)
                .property("exactly.once.source.support", "enabled")
                .property("session.timeout.ms", "2000")
                .property("heartbeat.interval.ms", "500")
                .property("scheduled.rebalance.max.delay.ms", "1000");
            workers.push(ConnectWorker::start(*runtime, config).await);
        }
        Self {
            workers,
            topics: kafka.topics(),
            name,
        }
    }

    /// A source whose tasks count, each in its own source partition, as fast as they are told.
    fn counting_source(&self, num_tasks: usize) -> Value {
        json!({
            "connector.class": "org.apache.kafka.connect.tools.VerifiableSourceConnector",
            "tasks.max": num_tasks.to_string(),
            "topic": self.name,
            "throughput": "40",
            "key.converter": JSON_CONVERTER,
            "key.converter.schemas.enable": "false",
            "value.converter": JSON_CONVERTER,
            "value.converter.schemas.enable": "false",
        })
    }

    async fn set_num_tasks(&self, worker: usize, num_tasks: usize) {
        let rest = self.workers[worker].rest();
        let path = format!("/connectors/{}/config", self.name);
        let config = self.counting_source(num_tasks);
        let answer = rest
            .after_rebalance(async || rest.put(&path, Some(&config)).await)
            .await;
        assert!(answer.status.is_success(), "{}", answer.text);
        rest.wait_running(&self.name, num_tasks).await;
    }

    /// The numbers that each task has sent, as a `read_committed` reader finds them; they must be all,
    /// each once.
    async fn committed(&self) -> BTreeMap<String, usize> {
        let mut next: BTreeMap<String, usize> = BTreeMap::new();
        for record in self.topics.read_all_committed(&self.name).await {
            let key = record.key.clone().expect("the number of the task");
            let task = String::from_utf8(key).expect("a number");
            let expected = next.entry(task.clone()).or_default();
            let number: usize = record.value_text().parse().expect("a number");
            assert_eq!(number, *expected, "task {task} at offset {}", record.offset);
            *expected += 1;
        }
        next
    }

    /// Waits until each of the tasks has sent so many more.
    async fn progresses(&self, num_tasks: usize, num_more: usize) {
        let before = self.committed().await;
        eventually("all tasks go on", async || {
            let now = self.committed().await;
            let progress = |task: usize| {
                let task = task.to_string();
                let of = |counts: &BTreeMap<String, usize>| counts.get(&task).copied();
                of(&now).unwrap_or(0) - of(&before).unwrap_or(0)
            };
            match (0..num_tasks).all(|task| progress(task) >= num_more) {
                true => Ok(()),
                false => Err(format!("{before:?} to {now:?}")),
            }
        })
        .await;
    }

    async fn finish(mut self, worker: usize) {
        self.workers[worker]
            .rest()
            .delete_connector(&self.name)
            .await;
        for worker in &mut self.workers {
            worker.terminate().await;
        }
        let counts = self.committed().await;
        assert!(!counts.is_empty());
    }
}

#[tokio::test]
async fn kills_neither_lose_nor_double_records() {
    let mut cluster = Cluster::start("eos-kill", &[Runtime::Dovetail; 2]).await;
    cluster.set_num_tasks(1, 3).await;
    cluster.progresses(3, 20).await;
    for (round, num_tasks) in [2, 3, 1, 3].into_iter().enumerate() {
        let (killed, other) = (round % 2, (round + 1) % 2);
        cluster.workers[killed].kill9();
        // While the other one takes over, tasks of another number fence those that are gone.
        cluster.progresses(1, 10).await;
        cluster.set_num_tasks(other, num_tasks).await;
        cluster.progresses(num_tasks, 10).await;
        cluster.workers[killed].start_again().await;
    }
    cluster.progresses(3, 10).await;
    cluster.finish(0).await;
}

fn signal(worker: &ConnectWorker, signal: libc::c_int) {
    let id = libc::pid_t::try_from(worker.process().pid()).expect("a process id");
    // SAFETY: it takes numbers only; the group is that of a process that this test has started.
    unsafe { libc::kill(-id, signal) };
}

#[tokio::test]
async fn a_worker_that_wakes_up_after_it_was_given_up_cannot_write() {
    let cluster = Cluster::start("eos-zombie", &[Runtime::Dovetail; 2]).await;
    cluster.set_num_tasks(0, 2).await;
    cluster.progresses(2, 20).await;
    for asleep in [0, 1] {
        let awake = 1 - asleep;
        signal(&cluster.workers[asleep], libc::SIGSTOP);
        // Both tasks run on the other one, and go on where the sleeper was.
        cluster.progresses(2, 20).await;
        signal(&cluster.workers[asleep], libc::SIGCONT);
        // It comes back to the group, and what it was about to write is nowhere.
        let rest = cluster.workers[asleep].rest();
        rest.wait_running(&cluster.name, 2).await;
        cluster.workers[awake]
            .rest()
            .wait_running(&cluster.name, 2)
            .await;
        cluster.progresses(2, 20).await;
    }
    cluster.finish(0).await;
}

/// A worker with a source of the lines of a file.
struct Lines {
    cluster: Cluster,
    file: PathBuf,
}

impl Lines {
    async fn start(stem: &str) -> Self {
        let cluster = Cluster::start(stem, &[Runtime::Dovetail]).await;
        let file = run::server_folder(&cluster.name).join("lines");
        Self { cluster, file }
    }

    async fn run(&self, settings: &[(&str, &str)]) {
        let required = [("exactly.once.support", "required")];
        let config = with(file_source(&self.file, &self.cluster.name), &required);
        let rest = self.cluster.workers[0].rest();
        rest.run_connector(&self.cluster.name, with(config, settings), 1)
            .await;
    }

    async fn put(&self, what: &str, status: u16) {
        let path = format!("/connectors/{}/{what}", self.cluster.name);
        let rest = self.cluster.workers[0].rest();
        rest.put(&path, None).await.expect(status);
    }

    async fn wait_for(&self, expected: &[String]) {
        eventually("the lines are committed", async || {
            let records = self.cluster.topics.read_all_committed(&self.cluster.name);
            let records = records.await;
            match values(&records) == expected {
                true => Ok(()),
                false => Err(format!("{} of {} lines", records.len(), expected.len())),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn transactions_end_where_the_connector_wants() {
    let source = Lines::start("eos-boundary").await;
    let sent = flights(30);
    lines::append(&source.file, &sent[..10]);
    source.run(&[]).await;
    source.wait_for(&sent[..10]).await;

    let rest = source.cluster.workers[0].rest();
    let path = format!("/connectors/{}/config", source.cluster.name);
    let config = file_source(&source.file, &source.cluster.name);
    let by_itself = with(config.clone(), &[("transaction.boundary", "connector")]);
    let refused = rest.put(&path, Some(&by_itself)).await.expect(400).text;
    assert!(
        refused.contains("The connector does not support connector-defined transaction boundaries"),
        "{refused}"
    );

    let hourly = [
        ("transaction.boundary", "interval"),
        ("transaction.boundary.interval.ms", "3600000"),
        ("producer.override.transaction.timeout.ms", "600000"),
    ];
    let config = with(config, &hourly);
    // No task of before may take the lines that follow.
    source.put("stop", 204).await;
    rest.wait_states(&source.cluster.name, "STOPPED", 0).await;
    rest.put(&path, Some(&config)).await.expect(200);
    source.put("resume", 202).await;
    rest.wait_running(&source.cluster.name, 1).await;
    lines::append(&source.file, &sent[10..20]);
    let topics = &source.cluster.topics;
    eventually("the lines are sent", async || {
        let records = topics.read_all(&source.cluster.name).await;
        match values(&records) == sent[..20] {
            true => Ok(()),
            false => Err(format!("{} lines", records.len())),
        }
    })
    .await;
    source.wait_for(&sent[..10]).await;
    // A task that pauses leaves no transaction open.
    source.put("pause", 202).await;
    source.wait_for(&sent[..20]).await;
    source.put("resume", 202).await;
    lines::append(&source.file, &sent[20..]);
    let rest = source.cluster.workers[0].rest();
    rest.wait_running(&source.cluster.name, 1).await;
    source.put("stop", 204).await;
    rest.wait_states(&source.cluster.name, "STOPPED", 0).await;
    source.put("resume", 202).await;
    rest.wait_running(&source.cluster.name, 1).await;
    eventually("all lines are sent", async || {
        let records = topics.read_all(&source.cluster.name).await;
        match records.last().map(|record| record.value_text() == sent[29]) {
            Some(true) => Ok(()),
            _ => Err(format!("{} records", records.len())),
        }
    })
    .await;
    source.put("stop", 204).await;
    source.wait_for(&sent).await;
    for worker in source.cluster.workers {
        let mut worker = worker;
        worker.terminate().await;
    }
}

#[tokio::test]
async fn offsets_are_on_the_topic_that_the_connector_names() {
    let source = Lines::start("eos-offsets").await;
    let name = source.cluster.name.clone();
    let own = format!("{name}-own");
    let topics = source.cluster.topics.clone();
    let sent = flights(20);
    lines::append(&source.file, &sent);
    source.run(&[("offsets.storage.topic", &own)]).await;
    source.wait_for(&sent).await;
    let num_bytes: usize = sent.iter().map(|line| line.len() + 1).sum();
    let expected = json!({"position": num_bytes}).to_string();
    let key = json!([name, {"filename": source.file}]).to_string();
    // The worker's topic has a copy, for the day on which the connector gives up its own.
    for topic in [&own, &format!("{name}-offsets")] {
        eventually(&format!("the offset on {topic}"), async || {
            let records = topics.read_all_committed(topic).await;
            let found = records
                .iter()
                .rev()
                .find(|record| record.key.as_deref() == Some(key.as_bytes()));
            match found {
                Some(record) if record.value_text() == expected => Ok(()),
                _ => Err(format!("{records:?}")),
            }
        })
        .await;
    }
    // A change of the offsets is a transaction too, and the task begins where it says.
    let rest = source.cluster.workers[0].rest();
    source.put("stop", 204).await;
    rest.wait_states(&name, "STOPPED", 0).await;
    let path = format!("/connectors/{name}/offsets");
    let listed = rest.get(&path).await.expect(200).json();
    assert_eq!(listed["offsets"][0]["offset"]["position"], num_bytes);
    let first = sent[0].len() + 1;
    let changed = json!({"offsets": [
        {"partition": {"filename": source.file}, "offset": {"position": first}},
    ]});
    rest.patch(&path, &changed).await.expect(200);
    let listed = rest.get(&path).await.expect(200).json();
    assert_eq!(listed["offsets"][0]["offset"]["position"], first);
    source.put("resume", 202).await;
    let again: Vec<String> = sent.iter().chain(&sent[1..]).cloned().collect();
    source.wait_for(&again).await;
    for worker in source.cluster.workers {
        let mut worker = worker;
        worker.terminate().await;
    }
}

/// Followers of both kinds have leaders of both kinds fence what ran before.
#[tokio::test]
async fn dovetail_and_jvm_workers_fence_for_each_other() {
    let mut cluster = Cluster::start("eos-mixed", &[Runtime::Jvm, Runtime::Dovetail]).await;
    cluster.set_num_tasks(1, 2).await;
    cluster.progresses(2, 10).await;
    cluster.set_num_tasks(1, 3).await;
    cluster.progresses(3, 10).await;
    cluster.workers[0].kill9();
    cluster.progresses(3, 10).await;
    cluster.set_num_tasks(1, 2).await;
    cluster.progresses(2, 10).await;
    cluster.workers[0].start_again().await;
    cluster.set_num_tasks(0, 4).await;
    cluster.progresses(4, 10).await;
    cluster.finish(1).await;
}
