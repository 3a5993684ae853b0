//! Who is a member: work is spread, requests reach the leader through any worker, and what a worker had
//! is taken over; with JVM workers too, as members and as the leader.

use dovetail_tests::stack::{Runtime, eventually, shared};
use serde_json::json;

use super::numbers::{assert_each_runs_once, num_repeats_in};
use super::{Cluster, member, verifiable_source, wait_printed};

impl Cluster {
    /// Every kind of request that only the leader or the owner can answer, through one worker.
    async fn ask_everything(&self, worker: usize, number: usize) {
        let rest = self.rest(worker);
        let name = self.connector(number);
        let num_tasks = self.connectors[&name];
        let path = format!("/connectors/{name}");
        let mut config = verifiable_source(&name, num_tasks);
        config["throughput"] = json!("4");
        let answer = rest
            .after_rebalance(async || rest.put(&format!("{path}/config"), Some(&config)).await)
            .await
            .expect(200)
            .json();
        assert_eq!(answer["config"]["throughput"], "4");
        // Not the value of the beginning: a JVM worker compares with what it has read, and would overlook
        // a change back while the tasks of the change before are on their way to the leader.
        let patch = json!({"throughput": "3"});
        let answer = rest
            .after_rebalance(async || rest.patch(&format!("{path}/config"), &patch).await)
            .await
            .expect(200)
            .json();
        assert_eq!(answer["config"]["throughput"], "3");
        rest.wait_running(&name, num_tasks).await;
        // The owner's new task configurations have come through the leader.
        eventually("tasks with the new setting", async || {
            let tasks = rest.get(&format!("{path}/tasks")).await.json();
            let all = tasks.as_array().cloned().unwrap_or_default();
            match all.len() == num_tasks
                && all.iter().all(|task| task["config"]["throughput"] == "3")
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

    /// Deletes a connector through a worker.
    async fn delete(&mut self, worker: usize, number: usize) {
        let name = self.connector(number);
        self.connectors.remove(&name);
        self.rest(worker).delete_connector(&name).await;
    }
}

#[tokio::test]
async fn three_workers_share_work_and_take_over_from_each_other() {
    let mut cluster = Cluster::start(&[Runtime::Dovetail; 3], 2_000).await;
    for number in 0..3 {
        cluster.create(number, number, 4).await;
    }
    cluster.wait_spread(&[0, 1, 2]).await;
    // Two of the three are followers, and each asks about a connector that another one may run.
    for worker in 0..3 {
        cluster.ask_everything(worker, (worker + 1) % 3).await;
    }
    cluster.wait_spread(&[1, 0, 2]).await;

    // The leader dies without a word, then comes back.
    cluster.workers[0].kill9();
    cluster.wait_spread(&[1, 2]).await;
    cluster.workers[0].start_again().await;
    cluster.wait_spread(&[0, 1, 2]).await;
    for number in 0..3 {
        assert_each_runs_once(&cluster.topics, &cluster.connector(number), 4).await;
        num_repeats_in(&cluster.topics, &cluster.connector(number)).await;
    }

    // What is deleted through a follower leaves no status behind.
    for worker in [0, 2] {
        cluster.delete(worker, worker).await;
        let path = format!("/connectors/{}/status", cluster.connector(worker));
        let rest = cluster.rest(worker);
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

#[tokio::test]
async fn the_work_of_a_worker_that_leaves_in_order_is_not_held_back() {
    const DELAY_MS: u64 = 300_000;
    let kafka = shared::kafka().await;
    let mut cluster = Cluster::empty(kafka.topics());
    for _ in 0..3 {
        // However busy the machine is, tasks come to their last commit.
        let config = member(&kafka.bootstrap_servers(), &cluster.group, DELAY_MS)
            .property("task.shutdown.graceful.timeout.ms", "60000");
        cluster.add(Runtime::Dovetail, config).await;
    }
    for number in 0..3 {
        cluster.create(0, number, 2).await;
    }
    cluster.wait_spread(&[0, 1, 2]).await;
    // A follower leaves, then the leader.
    cluster.workers[2].terminate().await;
    cluster.wait_spread(&[0, 1]).await;
    cluster.workers[0].terminate().await;
    cluster.wait_spread(&[1]).await;
    let log = cluster.workers[1].log_text();
    assert!(log.contains(", delay 0 ms"), "{log}");
    assert!(!log.contains(&format!(", delay {DELAY_MS} ms")), "{log}");
    // All was stopped in order, so that everything sent was committed too.
    for number in 0..3 {
        let connector = cluster.connector(number);
        assert_each_runs_once(&cluster.topics, &connector, 2).await;
        assert_eq!(num_repeats_in(&cluster.topics, &connector).await, 0);
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
    cluster.wait_spread(&[0, 1, 2, 3]).await;
    for worker in 0..4 {
        cluster.ask_everything(worker, (worker + 1) % 4).await;
    }
    cluster.wait_spread(&[1, 0, 2, 3]).await;
    // The leader leaves; one of the other runtime, or its own, takes over.
    cluster.workers[0].terminate().await;
    cluster.wait_spread(&[3, 1, 2]).await;
    cluster.workers[3].kill9();
    cluster.wait_spread(&[1, 2]).await;
    for number in 0..4 {
        let connector = cluster.connector(number);
        assert_each_runs_once(&cluster.topics, &connector, 3).await;
        num_repeats_in(&cluster.topics, &connector).await;
    }
    for worker in [1, 2] {
        cluster.delete(worker, worker).await;
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

/// A worker that knows the oldest protocol only takes the whole group down to it, until it has left.
#[tokio::test]
async fn a_group_speaks_what_its_oldest_member_can() {
    let kafka = shared::kafka().await;
    let mut cluster = Cluster::empty(kafka.topics());
    for (runtime, protocol) in [
        (Runtime::Jvm, "eager"),
        (Runtime::Dovetail, "sessioned"),
        (Runtime::Dovetail, "compatible"),
    ] {
        let config = member(&kafka.bootstrap_servers(), &cluster.group, 2_000);
        let config = config.property("connect.protocol", protocol);
        cluster.add(runtime, config).await;
    }
    for number in 0..3 {
        cluster.create(number, number, 2).await;
    }
    cluster.wait_spread(&[0, 1, 2]).await;
    wait_printed(&cluster.workers[1], "with protocol version 0", 0).await;
    cluster.ask_everything(1, 0).await;

    // Only now do the two hear of each other that they can do more.
    let before = super::num_printed(&cluster.workers[1], "with protocol version 1");
    cluster.workers[0].terminate().await;
    cluster.wait_spread(&[1, 2]).await;
    wait_printed(&cluster.workers[1], "with protocol version 1", before).await;
    cluster.ask_everything(2, 1).await;
    for number in 0..3 {
        let connector = cluster.connector(number);
        assert_each_runs_once(&cluster.topics, &connector, 2).await;
        num_repeats_in(&cluster.topics, &connector).await;
    }
    cluster.stop().await;
}
