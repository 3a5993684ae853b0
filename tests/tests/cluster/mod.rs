//! Several workers as one cluster, with JVM workers as members and as the leader, while workers come, go,
//! die and lose the network.

mod faults;
mod membership;
mod moving;
mod network;
mod numbers;

use std::collections::BTreeMap;
use std::time::Duration;

use dovetail_tests::connectors::{JSON_CONVERTER, STRING_CONVERTER};
use dovetail_tests::stack::wait::eventually_within;
use dovetail_tests::stack::{
    ConnectWorker, RestClient, Runtime, Topics, WorkerConfig, eventually, shared,
};
use serde_json::{Value, json};

/// What a cluster's connectors do: each task sends numbers, in order and slowly, to a topic of its
/// connector.
fn verifiable_source(topic: &str, num_tasks: usize) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.tools.VerifiableSourceConnector",
        "tasks.max": num_tasks.to_string(),
        "topic": topic,
        "throughput": "5",
        "complete.record.data": "true",
        "key.converter": STRING_CONVERTER,
        "value.converter": JSON_CONVERTER,
        "value.converter.schemas.enable": "false",
    })
}

/// The settings of a member that is missed soon, and whose work then waits for `max_delay_ms`.
fn member(bootstrap_servers: &str, group: &str, max_delay_ms: u64) -> WorkerConfig {
    WorkerConfig::distributed(bootstrap_servers, group)
        .property("session.timeout.ms", "4000")
        .property("heartbeat.interval.ms", "500")
        .property(
            "scheduled.rebalance.max.delay.ms",
            &max_delay_ms.to_string(),
        )
}

/// Workers of one group, some of which may be stopped, and the connectors that they are to run.
struct Cluster {
    workers: Vec<ConnectWorker>,
    group: String,
    topics: Topics,
    /// Their numbers of tasks, by their names.
    connectors: BTreeMap<String, usize>,
}

impl Cluster {
    /// Workers of these runtimes on the shared Kafka, the first of which leads the group.
    async fn start(runtimes: &[Runtime], max_delay_ms: u64) -> Self {
        let kafka = shared::kafka().await;
        let mut cluster = Self::empty(kafka.topics());
        for runtime in runtimes {
            let config = member(&kafka.bootstrap_servers(), &cluster.group, max_delay_ms);
            cluster.add(*runtime, config).await;
        }
        cluster
    }

    /// The worker whose connector this is.
    async fn owner(&self, asked: usize, connector: &str) -> usize {
        let path = format!("/connectors/{connector}/status");
        let status = self.rest(asked).get(&path).await.expect(200).json();
        let is_owner =
            |worker: &ConnectWorker| status["connector"]["worker_id"] == worker.worker_id();
        let owner = self.workers.iter().position(is_owner);
        owner.unwrap_or_else(|| panic!("{connector} runs at no worker of this cluster: {status}"))
    }

    fn empty(topics: Topics) -> Self {
        Self {
            workers: Vec::new(),
            group: shared::unique("cluster"),
            topics,
            connectors: BTreeMap::new(),
        }
    }

    async fn add(&mut self, runtime: Runtime, config: WorkerConfig) {
        self.workers
            .push(ConnectWorker::start(runtime, config).await);
    }

    fn rest(&self, worker: usize) -> RestClient {
        self.workers[worker].rest()
    }

    /// The name of a connector, and of its topic.
    fn connector(&self, number: usize) -> String {
        format!("{}-{number}", self.group)
    }

    /// Creates a connector through a worker.
    async fn create(&mut self, worker: usize, number: usize, num_tasks: usize) {
        let config = self.expect_connector(number, num_tasks).await;
        self.rest(worker)
            .create_connector(&self.connector(number), config)
            .await;
    }

    /// Notes that the connector is to run from now on, and returns its configuration.
    async fn expect_connector(&mut self, number: usize, num_tasks: usize) -> Value {
        let name = self.connector(number);
        self.topics.create(&name, 1).await;
        let config = verifiable_source(&name, num_tasks);
        self.connectors.insert(name, num_tasks);
        config
    }

    /// Waits until all connectors run with all their tasks on just these workers, as evenly as can be,
    /// by what their statuses say and by what each worker of Dovetail has running; asks the first one.
    async fn wait_spread(&self, on: &[usize]) {
        let ids: Vec<String> = on
            .iter()
            .map(|worker| self.workers[*worker].worker_id())
            .collect();
        let what = format!("{:?} on {ids:?}", self.connectors);
        // A rolling back-off between revocations may take a minute.
        eventually_within(Duration::from_secs(180), &what, async || {
            let tasks = self.spread(on[0], &ids).await?;
            for (worker, id) in on.iter().zip(&ids) {
                let worker = &self.workers[*worker];
                let told = tasks.get(id).copied().unwrap_or_default();
                if worker.runtime() == Runtime::Dovetail {
                    match num_running_tasks(worker).await? {
                        running if running == told => {}
                        running => return Err(format!("{id} runs {running} tasks, not {told}")),
                    }
                }
            }
            Ok(())
        })
        .await;
    }

    /// How many tasks each worker has by the statuses, if everything is RUNNING and spread evenly.
    async fn spread(
        &self,
        asked: usize,
        ids: &[String],
    ) -> Result<BTreeMap<String, usize>, String> {
        let rest = self.rest(asked);
        let mut connectors: BTreeMap<String, usize> = BTreeMap::new();
        let mut tasks: BTreeMap<String, usize> = BTreeMap::new();
        for (name, num_tasks) in &self.connectors {
            let path = format!("/connectors/{name}/status");
            let answer = rest.try_send(reqwest::Method::GET, &path, None).await?;
            let status = match answer.status.as_u16() {
                200 => answer.json(),
                _ => return Err(answer.text),
            };
            let all = status["tasks"].as_array().cloned().unwrap_or_default();
            let runs = |state: &Value| state["state"] == "RUNNING";
            if !runs(&status["connector"]) || all.len() != *num_tasks || !all.iter().all(runs) {
                return Err(status.to_string());
            }
            let owner = |state: &Value| state["worker_id"].as_str().unwrap_or_default().to_owned();
            *connectors.entry(owner(&status["connector"])).or_default() += 1;
            for task in &all {
                *tasks.entry(owner(task)).or_default() += 1;
            }
        }
        for spread in [&connectors, &tasks] {
            let total: usize = spread.values().sum();
            let fair = total / ids.len()..=total.div_ceil(ids.len());
            let is_even = |id: &String| fair.contains(&spread.get(id).copied().unwrap_or_default());
            if !ids.iter().all(is_even) || spread.keys().any(|id| !ids.contains(id)) {
                return Err(format!("connectors {connectors:?}, tasks {tasks:?}"));
            }
        }
        Ok(tasks)
    }

    async fn stop(mut self) {
        for worker in &mut self.workers {
            worker.terminate().await;
        }
    }
}

/// How many tasks a worker of Dovetail has running, whatever statuses say.
async fn num_running_tasks(worker: &ConnectWorker) -> Result<usize, String> {
    metric(worker, "kafka_connect_connect_worker_metrics_task_count").await
}

async fn metric(worker: &ConnectWorker, name: &str) -> Result<usize, String> {
    let answer = worker
        .rest()
        .try_send(reqwest::Method::GET, "/metrics", None)
        .await?;
    let sample = answer.text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_whole = rest.starts_with([' ', '{']);
        is_whole.then(|| rest.rsplit(' ').next().unwrap_or_default().to_owned())
    });
    let sample = sample.ok_or_else(|| format!("no {name} in the metrics"))?;
    sample.parse().map_err(|_| format!("{name} is {sample}"))
}

/// Waits until a worker has no task running.
async fn wait_idle(worker: &ConnectWorker) {
    let what = format!("no task on {}", worker.worker_id());
    eventually(&what, async || match num_running_tasks(worker).await? {
        0 => Ok(()),
        running => Err(format!("{running} tasks")),
    })
    .await;
}

/// How often a worker has printed this since its last start.
fn num_printed(worker: &ConnectWorker, text: &str) -> usize {
    worker.log_text().matches(text).count()
}

/// Waits until a worker has printed this more often than `before`.
async fn wait_printed(worker: &ConnectWorker, text: &str, before: usize) {
    let what = format!("`{text}` printed by {}", worker.worker_id());
    eventually(&what, async || match num_printed(worker, text) > before {
        true => Ok(()),
        false => Err(format!("{before} times")),
    })
    .await;
}
