//! A worker takes over what the other runtime's worker left: connectors, target states, statuses and
//! offsets, on the same topics and the same files; and writes there what the other one writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dovetail_tests::connectors::{file_sink, file_source, sink_group};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{
    ConnectWorker, RestClient, Runtime, TopicRecord, Topics, WorkerConfig, eventually, run, shared,
};
use serde_json::{Value, json};

/// Four connectors of one group: a source and a sink that run, a source that is paused, one that is stopped.
struct Estate {
    topics: Topics,
    source: String,
    sink: String,
    paused: String,
    stopped: String,
    folder: PathBuf,
    sent: Vec<String>,
    num_lines: usize,
}

impl Estate {
    async fn new() -> Self {
        let group = shared::unique("interop");
        let [source, sink, paused, stopped] =
            ["source", "sink", "paused", "stopped"].map(|role| format!("{group}-{role}"));
        let topics = shared::kafka().await.topics();
        for topic in [&source, &paused, &stopped] {
            topics.create(topic, 1).await;
        }
        Self {
            topics,
            source,
            sink,
            paused,
            stopped,
            folder: run::server_folder("interop"),
            sent: flights(400),
            num_lines: 0,
        }
    }

    fn sources(&self) -> [&str; 3] {
        [&self.source, &self.paused, &self.stopped]
    }

    fn file(&self, connector: &str) -> PathBuf {
        self.folder.join(connector)
    }

    /// Adds lines to the files of all three sources.
    fn append(&mut self, num_lines: usize) {
        let more = &self.sent[self.num_lines..self.num_lines + num_lines];
        for source in self.sources() {
            lines::append(&self.file(source), more);
        }
        self.num_lines += num_lines;
    }

    async fn create(&mut self, rest: &RestClient) {
        self.append(50);
        for source in self.sources() {
            rest.run_connector(source, file_source(&self.file(source), source), 1)
                .await;
            self.topics.wait_for_records(source, 50).await;
        }
        let sink = file_sink(&self.source, &self.file(&self.sink));
        rest.run_connector(&self.sink, sink, 1).await;
        rest.put(&format!("/connectors/{}/pause", self.paused), None)
            .await
            .expect(202);
        rest.put(&format!("/connectors/{}/stop", self.stopped), None)
            .await
            .expect(204);
    }

    /// The states, and what the running pair has moved: all lines, each once.
    async fn check(&self, rest: &RestClient, num_held_back: usize) {
        for (connector, state, num_tasks) in [
            (&self.source, "RUNNING", 1),
            (&self.sink, "RUNNING", 1),
            (&self.paused, "PAUSED", 1),
            (&self.stopped, "STOPPED", 0),
        ] {
            rest.wait_states(connector, state, num_tasks).await;
        }
        let sent = &self.sent[..self.num_lines];
        let records = self.topics.wait_for_records(&self.source, sent.len()).await;
        assert_eq!(values(&records), sent);
        let written = lines::wait_for(&self.file(&self.sink), sent.len()).await;
        assert_eq!(written, sent);
        for still in [&self.paused, &self.stopped] {
            assert_eq!(
                self.topics.end_offsets(still).await,
                [num_held_back as i64],
                "{still}"
            );
        }
        let group = sink_group(&self.sink);
        self.topics
            .wait_for_commit(&group, &self.source, &[sent.len() as i64])
            .await;
        let file = self.file(&self.source);
        let position = json!([{
            "partition": {"filename": file},
            "offset": {"position": file.metadata().expect("the source file").len()},
        }]);
        rest.wait_offsets(&self.source, position).await;
    }

    /// Everything that another worker of the group must answer too.
    async fn shown(&self, rest: &RestClient) -> BTreeMap<String, Value> {
        let mut shown = BTreeMap::new();
        for connector in [&self.source, &self.sink, &self.paused, &self.stopped] {
            for path in ["", "/config", "/status", "/tasks", "/offsets", "/topics"] {
                let path = format!("/connectors/{connector}{path}");
                let mut body = rest.get(&path).await.expect(200).json();
                forget_worker(&mut body);
                shown.insert(path, body);
            }
        }
        let mut names = rest.get("/connectors").await.expect(200).json();
        if let Some(names) = names.as_array_mut() {
            names.sort_by_key(Value::to_string);
        }
        shown.insert("/connectors".to_owned(), names);
        shown
    }
}

fn forget_worker(body: &mut Value) {
    match body {
        Value::Object(fields) => {
            fields.remove("worker_id");
            fields.values_mut().for_each(forget_worker);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_worker),
        _ => {}
    }
}

#[tokio::test]
async fn jvm_then_dovetail_then_jvm() {
    hand_over([Runtime::Jvm, Runtime::Dovetail, Runtime::Jvm]).await;
}

#[tokio::test]
async fn dovetail_then_jvm_then_dovetail() {
    hand_over([Runtime::Dovetail, Runtime::Jvm, Runtime::Dovetail]).await;
}

/// Each runtime in turn runs the same group; before each but the first, lines arrive while nobody runs.
async fn hand_over(runtimes: [Runtime; 3]) {
    let mut estate = Estate::new().await;
    let bootstrap_servers = shared::kafka().await.bootstrap_servers();
    let group = estate.source.trim_end_matches("-source").to_owned();
    let mut shown_before = None;
    for (turn, runtime) in runtimes.into_iter().enumerate() {
        let config = WorkerConfig::distributed(&bootstrap_servers, &group);
        let mut worker = ConnectWorker::start(runtime, config).await;
        let rest = worker.rest();
        if turn == 0 {
            estate.create(&rest).await;
        }
        estate.append(50);
        estate.check(&rest, 50).await;
        let shown = estate.shown(&rest).await;
        if let Some(shown_before) = shown_before.replace(shown.clone()) {
            assert_same_answers(&shown_before, &shown, runtime);
        }
        if turn == 2 {
            for still in [&estate.paused, &estate.stopped] {
                rest.put(&format!("/connectors/{still}/resume"), None)
                    .await
                    .expect(202);
                let sent = &estate.sent[..estate.num_lines];
                let records = estate.topics.wait_for_records(still, sent.len()).await;
                assert_eq!(values(&records), sent, "{still} after its pause");
            }
        }
        worker.terminate().await;
        estate.append(10);
    }
}

/// Offsets moved on with the lines; everything else stays as the worker before showed it.
fn assert_same_answers(
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
    runtime: Runtime,
) {
    for (path, before) in before {
        if !path.ends_with("/offsets") || path.contains("-paused/") || path.contains("-stopped/") {
            assert_eq!(before, &after[path], "{runtime:?} answers GET {path}");
        }
    }
}

#[tokio::test]
async fn both_runtimes_write_the_same_records_into_the_internal_topics() {
    let jvm = tape(Runtime::Jvm).await;
    let dovetail = tape(Runtime::Dovetail).await;
    for (topic, jvm) in &jvm {
        assert_eq!(
            dovetail[topic], *jvm,
            "left: Dovetail's, right: the JVM's {topic}"
        );
    }
}

/// What one life of a connector leaves in each internal topic, in order, with the names of this run replaced.
async fn tape(runtime: Runtime) -> BTreeMap<&'static str, Vec<(String, Value)>> {
    let topics = shared::kafka().await.topics();
    let group = shared::unique("tape");
    let bootstrap_servers = shared::kafka().await.bootstrap_servers();
    let config = WorkerConfig::distributed(&bootstrap_servers, &group);
    let mut worker = ConnectWorker::start(runtime, config).await;
    let (rest, name) = (worker.rest(), format!("{group}-source"));
    topics.create(&name, 1).await;
    let (file, sent) = (worker.folder().join(&name), flights(3));
    lines::append(&file, &sent);
    let of = |verb: &str| format!("/connectors/{name}/{verb}");

    rest.run_connector(&name, file_source(&file, &name), 1)
        .await;
    topics.wait_for_records(&name, sent.len()).await;
    let num_bytes = file.metadata().expect("the source file").len();
    let offsets = json!([{"partition": {"filename": file}, "offset": {"position": num_bytes}}]);
    rest.wait_offsets(&name, offsets).await;
    rest.put(&of("pause"), None).await.expect(202);
    rest.wait_states(&name, "PAUSED", 1).await;
    rest.put(&of("resume"), None).await.expect(202);
    rest.wait_states(&name, "RUNNING", 1).await;
    let changed = with_batch_size(file_source(&file, &name));
    rest.after_rebalance(async || rest.put(&of("config"), Some(&changed)).await)
        .await
        .expect(200);
    wait_for_restarts(&topics, &group, &name).await;
    rest.wait_states(&name, "RUNNING", 1).await;
    rest.put(&of("stop"), None).await.expect(204);
    rest.wait_states(&name, "STOPPED", 0).await;
    rest.put(&of("resume"), None).await.expect(202);
    rest.wait_states(&name, "RUNNING", 1).await;
    rest.delete_connector(&name).await;
    // The tombstones of its status come once the group has settled.
    eventually(
        "the status of a deleted connector gone",
        async || match rest.get(&of("status")).await.status.as_u16() {
            404 => Ok(()),
            status => Err(format!("status {status}")),
        },
    )
    .await;
    worker.terminate().await;

    let replace = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).expect("text");
        let text = text.replace(&file.display().to_string(), "FILE");
        text.replace(&name, "NAME")
    };
    let mut tapes = BTreeMap::new();
    for topic in ["configs", "offsets", "status"] {
        let records = topics.read_all(&format!("{group}-{topic}")).await;
        tapes.insert(topic, normalised(&records, replace));
    }
    tapes
}

fn with_batch_size(mut config: Value) -> Value {
    config["batch.size"] = "500".into();
    config
}

/// Waits until the task of the changed config runs: until then the status is the one from before.
async fn wait_for_restarts(topics: &Topics, group: &str, name: &str) {
    let status = format!("{group}-status");
    let key = format!("status-task-{name}-0");
    eventually("the task to come back from its new config", async || {
        let records = topics.read_all(&status).await;
        let states: Vec<_> = records
            .iter()
            .filter(|record| record.key.as_deref() == Some(key.as_bytes()))
            .filter_map(|record| serde_json::from_slice::<Value>(record.value.as_deref()?).ok())
            .map(|status| status["state"].as_str().unwrap_or_default().to_owned())
            .collect();
        match states.ends_with(&["UNASSIGNED".to_owned(), "RUNNING".to_owned()]) {
            true => Ok(()),
            false => Err(format!("{states:?}")),
        }
    })
    .await;
}

/// By key, in the order of each key; without what chance, time and the worker's address decide.
///
/// A record that repeats the one before it says nothing new: the JVM writes tombstones and topic records
/// as often as it happens to.
fn normalised(records: &[TopicRecord], replace: impl Fn(&[u8]) -> String) -> Vec<(String, Value)> {
    let mut normalised: Vec<(String, Value)> = Vec::new();
    let mut sorted: Vec<_> = records.iter().collect();
    // Topics of several partitions have no order across keys.
    sorted.sort_by_key(|record| record.partition);
    for record in sorted {
        let key = replace(record.key.as_deref().unwrap_or_default());
        let mut value = match &record.value {
            None => Value::Null,
            Some(value) => serde_json::from_str(&replace(value)).expect("JSON"),
        };
        if key == "session-key" || key.starts_with("leader-") {
            continue;
        }
        if let Some(fields) = value.as_object_mut() {
            for of_the_run in ["worker_id", "generation"] {
                if let Some(field) = fields.get_mut(of_the_run) {
                    *field = Value::Null;
                }
            }
            if fields.get("state") == Some(&json!("UNASSIGNED")) {
                fields["version"] = Value::Null;
            }
            if let Some(used) = fields.get_mut("topic").and_then(Value::as_object_mut) {
                used["discoverTimestamp"] = Value::Null;
            }
        }
        let last_of_key = normalised.iter().rev().find(|(earlier, _)| *earlier == key);
        if last_of_key.is_none_or(|(_, earlier)| *earlier != value) {
            normalised.push((key, value));
        }
    }
    if normalised.iter().any(|(key, _)| key.starts_with("status-")) {
        normalised.sort_by(|left, right| left.0.cmp(&right.0));
    }
    normalised
}

#[tokio::test]
async fn a_standalone_offsets_file_goes_from_the_jvm_to_dovetail_and_back() {
    let kafka = shared::kafka().await;
    let (topics, topic) = (kafka.topics(), shared::unique("standalone-offsets"));
    topics.create(&topic, 1).await;
    let folder = run::server_folder("standalone-offsets");
    let (file, sent) = (folder.join("lines"), flights(150));
    for (turn, runtime) in [Runtime::Jvm, Runtime::Dovetail, Runtime::Jvm]
        .into_iter()
        .enumerate()
    {
        let config = standalone(&kafka.bootstrap_servers(), &folder)
            .connector(&topic, file_source(&file, &topic));
        lines::append(&file, &sent[turn * 50..][..50]);
        let mut worker = ConnectWorker::start(runtime, config).await;
        let records = topics.wait_for_records(&topic, (turn + 1) * 50).await;
        assert_eq!(
            values(&records),
            sent[..(turn + 1) * 50],
            "after {runtime:?} in turn {turn}"
        );
        worker.terminate().await;
    }
}

fn standalone(bootstrap_servers: &str, folder: &Path) -> WorkerConfig {
    let offsets = folder.join("standalone.offsets");
    WorkerConfig::standalone(bootstrap_servers).property(
        "offset.storage.file.filename",
        &offsets.display().to_string(),
    )
}
