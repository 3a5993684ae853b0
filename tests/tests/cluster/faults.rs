//! Workers that die, and workers that hang and come back.

use dovetail_tests::stack::{Answer, RestClient, Runtime, WorkerConfig, eventually, shared};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::numbers::{assert_each_runs_once, num_repeats_in};
use super::{Cluster, member, num_printed, wait_printed};

const JOINING: &str = "(Re-)joining group";

impl Cluster {
    /// Each task of all connectors runs once, and has left no number out.
    async fn assert_whole(&self) {
        for (connector, num_tasks) in &self.connectors {
            assert_each_runs_once(&self.topics, connector, *num_tasks).await;
            num_repeats_in(&self.topics, connector).await;
        }
    }

    /// The worker that leads, by the word of one that has just heard of it.
    fn leader(&self, asked: usize) -> usize {
        let log = self.workers[asked].log_text();
        let told = log.rsplit_once(", leader http://").map(|(_, rest)| rest);
        let told = told.unwrap_or_else(|| panic!("worker {asked} has told of no leader"));
        let is_leader = |worker: usize| told.starts_with(&self.workers[worker].worker_id());
        let found = (0..self.workers.len()).find(|worker| is_leader(*worker));
        found.unwrap_or_else(|| panic!("an unknown leader: {told}"))
    }

    /// A worker hangs until the others have its work, then comes back with what it believes to have.
    async fn pause_until_replaced(&self, paused: usize) {
        let others: Vec<usize> = (0..3).filter(|worker| *worker != paused).collect();
        self.workers[paused].pause();
        self.wait_spread(&others).await;
        self.workers[paused].resume();
        self.wait_spread(&[paused, others[0], others[1]]).await;
        self.assert_whole().await;
    }
}

#[tokio::test]
async fn workers_that_hang_or_die_neither_lose_work_nor_keep_it() {
    let mut cluster = Cluster::start(&[Runtime::Dovetail; 3], 1_000).await;
    for number in 0..3 {
        cluster.create(0, number, 2).await;
    }
    cluster.wait_spread(&[0, 1, 2]).await;
    let leader = cluster.leader(0);
    let follower = (leader + 1) % 3;
    let other = (leader + 2) % 3;

    cluster.workers[follower].kill9();
    cluster.wait_spread(&[leader, other]).await;
    cluster.workers[follower].start_again().await;
    cluster.wait_spread(&[0, 1, 2]).await;

    cluster.pause_until_replaced(follower).await;
    // The leader comes back to a group that another one leads.
    cluster.pause_until_replaced(leader).await;
    assert_ne!(cluster.leader(other), leader);
    cluster.stop().await;
}

/// A member that hangs holds up the rebalance that a new connector asks for, until it is missed.
#[tokio::test]
async fn requests_in_the_midst_of_a_rebalance_are_answered_after_it() {
    let mut cluster = Cluster::start(&[Runtime::Dovetail; 3], 1_000).await;
    cluster.create(0, 0, 3).await;
    cluster.wait_spread(&[0, 1, 2]).await;
    let leader = cluster.leader(0);
    let followers = [(leader + 1) % 3, (leader + 2) % 3];
    // Nobody could restart a connector whose worker is the one that hangs.
    let owner = cluster.owner(0, &cluster.connector(0)).await;
    let [paused, asked] = match owner == followers[0] {
        true => [followers[1], followers[0]],
        false => followers,
    };

    let before = [leader, asked].map(|worker| num_printed(&cluster.workers[worker], JOINING));
    let rest = cluster.rest(asked);
    cluster.workers[paused].pause();
    cluster.create(asked, 1, 3).await;
    wait_printed(&cluster.workers[leader], JOINING, before[0]).await;
    wait_printed(&cluster.workers[asked], JOINING, before[1]).await;
    // None of these is repeated, whatever it answers.
    let config = cluster.expect_connector(2, 3).await;
    let created = json!({"name": cluster.connector(2), "config": config});
    let path = format!("/connectors/{}", cluster.connector(0));
    let restart = format!("{path}/restart");
    let restart_all = format!("{path}/restart?includeTasks=true");
    let patch_path = format!("{path}/config");
    let patch = json!({"throughput": "4"});
    let answers = tokio::join!(
        rest.post("/connectors", Some(&created)),
        rest.patch(&patch_path, &patch),
        rest.post(&restart, None),
        rest.post(&restart_all, None),
    );
    answers.0.expect(201);
    answers.1.expect(200);
    answers.2.expect(204);
    answers.3.expect(202);
    cluster.workers[paused].resume();
    cluster.wait_spread(&[0, 1, 2]).await;
    cluster.assert_whole().await;
    cluster.stop().await;
}

/// Asks until the connector is there: by this request, or by one before whose answer was lost.
async fn create_in_the_end(rest: &RestClient, body: &Value) {
    eventually("a connector whose creation failed before", async || {
        let answer = rest
            .try_send(Method::POST, "/connectors", Some(body))
            .await?;
        let exists = answer.status.as_u16() == 409 && answer.text.contains("already exists");
        match answer.status.as_u16() == 201 || exists {
            true => Ok(()),
            false => Err(answer.text),
        }
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_dies_over_a_request_leaves_all_of_it_or_nothing() {
    const NUM_AT_ONCE: usize = 6;
    let kafka = shared::kafka().await;
    let mut cluster = Cluster::empty(kafka.topics());
    for _ in 0..3 {
        // What a worker forwards is told at DEBUG.
        let config: WorkerConfig = member(&kafka.bootstrap_servers(), &cluster.group, 1_000)
            .environment("CONNECT_LOG4J_LOGGERS", "connect_rest=DEBUG");
        cluster.add(Runtime::Dovetail, config).await;
    }
    cluster.create(0, 0, 2).await;
    cluster.wait_spread(&[0, 1, 2]).await;
    let leader = cluster.leader(0);
    let (asked, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let rest = cluster.rest(asked);

    // The leader has the request and has done nothing about it.
    cluster.workers[leader].pause();
    let config = cluster.expect_connector(1, 2).await;
    let body = json!({"name": cluster.connector(1), "config": config});
    let post = tokio::spawn({
        let (rest, body) = (rest.clone(), body.clone());
        async move { rest.post("/connectors", Some(&body)).await }
    });
    wait_printed(&cluster.workers[asked], "Forwarding request POST", 0).await;
    cluster.workers[leader].kill9();
    let answer: Answer = post.await.expect("the request was sent");
    let message = answer.expect(500).json()["message"].to_string();
    assert!(message.contains("forward REST request"), "{message}");
    create_in_the_end(&rest, &body).await;
    cluster.wait_spread(&[asked, other]).await;

    // The leader is in the midst of several.
    cluster.workers[leader].start_again().await;
    cluster.wait_spread(&[0, 1, 2]).await;
    let leader = cluster.leader(asked);
    let rest = cluster.rest((leader + 1) % 3);
    let mut bodies = Vec::new();
    for number in 2..2 + NUM_AT_ONCE {
        let config = cluster.expect_connector(number, 2).await;
        bodies.push(json!({"name": cluster.connector(number), "config": config}));
    }
    let (answered, mut first) = tokio::sync::mpsc::unbounded_channel();
    let posts = bodies.iter().map(|body| {
        let (rest, body, answered) = (rest.clone(), body.clone(), answered.clone());
        tokio::spawn(async move {
            let answer = rest
                .try_send(Method::POST, "/connectors", Some(&body))
                .await;
            let _ = answered.send(());
            answer.is_ok_and(|answer| answer.status.as_u16() == 201)
        })
    });
    let posts: Vec<_> = posts.collect();
    first.recv().await.expect("a first answer");
    cluster.workers[leader].kill9();
    for (body, created) in bodies.iter().zip(join_all(posts).await) {
        if !created.expect("the request was sent") {
            create_in_the_end(&rest, body).await;
        }
    }
    let left: Vec<usize> = (0..3).filter(|worker| *worker != leader).collect();
    cluster.wait_spread(&left).await;
    cluster.assert_whole().await;
    cluster.stop().await;
}
