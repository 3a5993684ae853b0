//! Several workers as one cluster: work is spread, requests reach the leader through any of them, and
//! what a worker had is taken over; also with JVM workers as members, and as the leader.

use std::collections::BTreeMap;
use std::time::Duration;

use dovetail_tests::stack::wait::eventually_within;
use dovetail_tests::stack::{ConnectWorker, RestClient, Runtime, WorkerConfig, eventually, shared};
use serde_json::{Value, json};

/// What a cluster's connectors do: each task sends numbers, slowly.
fn verifiable_source(topic: &str, num_tasks: usize) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.tools.VerifiableSourceConnector",
        "tasks.max": num_tasks.to_string(),
        "topic": topic,
        "throughput": "2",
    })
}

struct Cluster {
    workers: Vec<ConnectWorker>,
    topic: String,
}

impl Cluster {
    /// Workers of these runtimes, the first of which leads the group.
    async fn start(runtimes: &[Runtime], max_delay_ms: u64) -> Self {
        let group = shared::unique("cluster");
        let kafka = shared::kafka().await;
        kafka.topics().create(&group, 1).await;
        let mut workers = Vec::new();
        for runtime in runtimes {
            let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), &group)
                .property("session.timeout.ms", "4000")
                .property("heartbeat.interval.ms", "500")
                .property(
                    "scheduled.rebalance.max.delay.ms",
                    &max_delay_ms.to_string(),
                );
            workers.push(ConnectWorker::start(*runtime, config).await);
        }
        Self {
            workers,
            topic: group,
        }
    }

    fn rest(&self, worker: usize) -> RestClient {
        self.workers[worker].rest()
    }

    fn connector(&self, number: usize) -> String {
        format!("{}-{number}", self.topic)
    }

    /// Creates a connector through a worker.
    async fn create(&self, worker: usize, number: usize, num_tasks: usize) {
        let config = verifiable_source(&self.topic, num_tasks);
        self.rest(worker)
            .create_connector(&self.connector(number), config)
            .await;
    }

    /// Waits until each of the connectors runs with so many tasks, all of it on workers that are up, and
    /// as evenly as can be; returns how many tasks each worker has.
    async fn wait_spread(
        &self,
        asked: usize,
        num_connectors: usize,
        num_tasks: usize,
    ) -> BTreeMap<String, usize> {
        let up: Vec<String> = self
            .workers
            .iter()
            .filter(|worker| worker.is_up())
            .map(ConnectWorker::worker_id)
            .collect();
        let rest = self.rest(asked);
        let what = format!("{num_connectors} connectors of {num_tasks} tasks on {up:?}");
        // A rolling back-off between revocations may take a minute.
        eventually_within(Duration::from_secs(180), &what, async || {
            let mut connectors: BTreeMap<String, usize> = BTreeMap::new();
            let mut tasks: BTreeMap<String, usize> = BTreeMap::new();
            for number in 0..num_connectors {
                let name = self.connector(number);
                let answer = rest.get(&format!("/connectors/{name}/status")).await;
                let status = match answer.status.as_u16() {
                    200 => answer.json(),
                    _ => return Err(answer.text),
                };
                let all = status["tasks"].as_array().cloned().unwrap_or_default();
                let runs = |state: &Value| state["state"] == "RUNNING";
                if !runs(&status["connector"]) || all.len() != num_tasks || !all.iter().all(runs) {
                    return Err(status.to_string());
                }
                let owner =
                    |state: &Value| state["worker_id"].as_str().unwrap_or_default().to_owned();
                *connectors.entry(owner(&status["connector"])).or_default() += 1;
                for task in &all {
                    *tasks.entry(owner(task)).or_default() += 1;
                }
            }
            for (spread, total) in [
                (&connectors, num_connectors),
                (&tasks, num_connectors * num_tasks),
            ] {
                let most = total.div_ceil(up.len());
                let least = total / up.len();
                let is_even = |worker: &String| {
                    let num = spread.get(worker).copied().unwrap_or_default();
                    (least..=most).contains(&num)
                };
                if !up.iter().all(is_even) || spread.keys().any(|worker| !up.contains(worker)) {
                    return Err(format!("connectors {connectors:?}, tasks {tasks:?}"));
                }
            }
            Ok(tasks)
        })
        .await
    }

    /// Every kind of request that only the leader or the owner can answer, through one worker.
    async fn ask_everything(&self, worker: usize, number: usize, num_tasks: usize) {
        let rest = self.rest(worker);
        let name = self.connector(number);
        let path = format!("/connectors/{name}");
        let mut config = verifiable_source(&self.topic, num_tasks);
        config["throughput"] = json!("3");
        let answer = rest
            .after_rebalance(async || rest.put(&format!("{path}/config"), Some(&config)).await)
            .await
            .expect(200)
            .json();
        assert_eq!(answer["config"]["throughput"], "3");
        let patch = json!({"throughput": "4"});
        let answer = rest
            .after_rebalance(async || rest.patch(&format!("{path}/config"), &patch).await)
            .await
            .expect(200)
            .json();
        assert_eq!(answer["config"]["throughput"], "4");
        rest.wait_running(&name, num_tasks).await;
        // The owner's new task configurations have come through the leader.
        eventually("tasks with the new setting", async || {
            let tasks = rest.get(&format!("{path}/tasks")).await.json();
            let all = tasks.as_array().cloned().unwrap_or_default();
            match all.len() == num_tasks
                && all.iter().all(|task| task["config"]["throughput"] == "4")
            {
                true => Ok(()),
                false => Err(tasks.to_string()),
            }
        })
        .await;
        rest.wait_running(&name, num_tasks).await;
        for (restart, status) in [
            ("restart".to_owned(), 204),
            ("restart?includeTasks=true".to_owned(), 202),
            (format!("tasks/{}/restart", num_tasks - 1), 204),
        ] {
            rest.after_rebalance(async || rest.post(&format!("{path}/{restart}"), None).await)
                .await
                .expect(status);
            rest.wait_running(&name, num_tasks).await;
        }
        let unknown = rest.put("/connectors/nobody/stop", None).await.expect(404);
        assert_eq!(unknown.json()["message"], "Unknown connector nobody");
        rest.after_rebalance(async || rest.put(&format!("{path}/stop"), None).await)
            .await
            .expect(204);
        rest.wait_states(&name, "STOPPED", 0).await;
        rest.put(&format!("{path}/resume"), None).await.expect(202);
        rest.wait_running(&name, num_tasks).await;
        rest.put(&format!("{path}/pause"), None).await.expect(202);
        rest.wait_states(&name, "PAUSED", num_tasks).await;
        rest.put(&format!("{path}/resume"), None).await.expect(202);
        rest.wait_running(&name, num_tasks).await;
    }

    async fn stop(mut self) {
        for worker in &mut self.workers {
            worker.terminate().await;
        }
    }
}

#[tokio::test]
async fn three_workers_share_work_and_take_over_from_each_other() {
    let mut cluster = Cluster::start(&[Runtime::Dovetail; 3], 2_000).await;
    for number in 0..3 {
        cluster.create(number, number, 4).await;
    }
    let tasks = cluster.wait_spread(0, 3, 4).await;
    assert_eq!(tasks.into_values().collect::<Vec<_>>(), [4, 4, 4]);
    // Two of the three are followers, and each asks about a connector that another one may run.
    for worker in 0..3 {
        cluster.ask_everything(worker, (worker + 1) % 3, 4).await;
    }
    cluster.wait_spread(1, 3, 4).await;

    // The leader dies without a word, then comes back.
    cluster.workers[0].kill9();
    cluster.wait_spread(1, 3, 4).await;
    cluster.workers[0].start_again().await;
    cluster.wait_spread(0, 3, 4).await;

    // One leaves in order.
    cluster.workers[1].terminate().await;
    cluster.wait_spread(2, 3, 4).await;

    // What is deleted through a follower leaves no status behind.
    for worker in [0, 2] {
        let rest = cluster.rest(worker);
        rest.delete_connector(&cluster.connector(worker)).await;
        let path = format!("/connectors/{}/status", cluster.connector(worker));
        eventually("no status of a deleted connector", async || {
            let answer = rest.get(&path).await;
            match answer.status.as_u16() {
                404 => Ok(()),
                _ => Err(answer.text),
            }
        })
        .await;
    }
    cluster.stop().await;
}

/// Two workers of each runtime, one of which leads.
async fn mixed(leader: Runtime) {
    let other = match leader {
        Runtime::Jvm => Runtime::Dovetail,
        Runtime::Dovetail => Runtime::Jvm,
    };
    let mut cluster = Cluster::start(&[leader, other, leader, other], 2_000).await;
    for number in 0..4 {
        cluster.create(number, number, 3).await;
    }
    // Each worker runs a connector, so that followers of both runtimes have sent task configurations.
    cluster.wait_spread(0, 4, 3).await;
    for worker in 0..4 {
        cluster.ask_everything(worker, (worker + 1) % 4, 3).await;
    }
    cluster.wait_spread(1, 4, 3).await;
    // The leader leaves; one of the other runtime, or its own, takes over.
    cluster.workers[0].terminate().await;
    cluster.wait_spread(3, 4, 3).await;
    cluster.workers[3].kill9();
    cluster.wait_spread(1, 4, 3).await;
    for worker in [1, 2] {
        let rest = cluster.rest(worker);
        rest.delete_connector(&cluster.connector(worker)).await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn jvm_workers_are_members_of_a_group_that_dovetail_leads() {
    mixed(Runtime::Dovetail).await;
}

#[tokio::test]
async fn dovetail_workers_are_members_of_a_group_that_the_jvm_leads() {
    mixed(Runtime::Jvm).await;
}
