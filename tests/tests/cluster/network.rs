//! Networks that break: between a worker and the broker, between workers, and a broker that is away.

use dovetail_tests::stack::{
    KafkaCluster, KafkaOptions, KafkaVersion, Proxy, Runtime, eventually, ports, shared,
};
use serde_json::{Value, json};

use super::numbers::{assert_each_runs_once, num_repeats_in};
use super::{Cluster, member, wait_idle, wait_printed};

#[tokio::test]
async fn workers_without_the_broker_stop_their_work_and_come_back() {
    let behind = ports::free_port();
    let proxy = Proxy::to(behind).await;
    let options = KafkaOptions::default().listener_behind(behind, proxy.port());
    let mut kafka = KafkaCluster::start(KafkaVersion::V4_3, options).await;
    let mut cluster = Cluster::empty(kafka.topics());
    let through_proxy = format!("127.0.0.1:{}", proxy.port());
    for bootstrap_servers in [
        kafka.bootstrap_servers(),
        kafka.bootstrap_servers(),
        through_proxy,
    ] {
        let config = member(&bootstrap_servers, &cluster.group, 1_000);
        cluster.add(Runtime::Dovetail, config).await;
    }
    for number in 0..3 {
        cluster.create(number, number, 2).await;
    }
    cluster.wait_spread(&[0, 1, 2]).await;

    // One worker is cut off: others may have its work, so that it must not go on with it.
    proxy.cut().await;
    wait_idle(&cluster.workers[2]).await;
    cluster.rest(2).get("/connectors").await.expect(200);
    cluster.wait_spread(&[0, 1]).await;
    proxy.mend().await;
    cluster.wait_spread(&[2, 0, 1]).await;
    for number in 0..3 {
        assert_each_runs_once(&cluster.topics, &cluster.connector(number), 2).await;
    }

    // The broker is away for all of them, and what they are asked meanwhile waits for it.
    let config = cluster.expect_connector(3, 2).await;
    kafka.stop().await;
    for worker in &cluster.workers {
        wait_idle(worker).await;
    }
    let (rest, name) = (cluster.rest(1), cluster.connector(3));
    let post = tokio::spawn(async move {
        let body = json!({"name": name, "config": config});
        rest.post("/connectors", Some(&body)).await
    });
    kafka.start_again().await;
    post.await.expect("the request was sent").expect(201);
    cluster.wait_spread(&[1, 0, 2]).await;
    for number in 0..4 {
        let connector = cluster.connector(number);
        assert_each_runs_once(&cluster.topics, &connector, 2).await;
        num_repeats_in(&cluster.topics, &connector).await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn workers_that_do_not_reach_the_leader_say_so_and_try_again() {
    let kafka = shared::kafka().await;
    let mut cluster = Cluster::empty(kafka.topics());
    let port = ports::free_port();
    let proxy = Proxy::to(port).await;
    let leader = member(&kafka.bootstrap_servers(), &cluster.group, 1_000)
        .port(port)
        .advertised_port(proxy.port());
    cluster.add(Runtime::Dovetail, leader).await;
    let follower = member(&kafka.bootstrap_servers(), &cluster.group, 1_000);
    cluster.add(Runtime::Dovetail, follower).await;
    for number in 0..2 {
        cluster.create(1, number, 2).await;
    }
    cluster.wait_spread(&[0, 1]).await;
    // The tasks of a connector that the follower runs are configured by the leader.
    let connector = match cluster.owner(0, &cluster.connector(0)).await {
        0 => cluster.connector(1),
        _ => cluster.connector(0),
    };
    let path = format!("/connectors/{connector}");
    let (config_path, tasks_path) = (format!("{path}/config"), format!("{path}/tasks"));

    proxy.cut().await;
    let patch = json!({"throughput": "4"});
    let answer = cluster.rest(1).patch(&config_path, &patch).await;
    let message = answer.expect(500).json()["message"].to_string();
    assert!(
        message.contains("IO Error trying to forward REST request"),
        "{message}"
    );
    cluster
        .rest(0)
        .patch(&config_path, &patch)
        .await
        .expect(200);
    const RETRY: &str = "Request to leader to reconfigure connector tasks failed";
    wait_printed(&cluster.workers[1], RETRY, 0).await;
    let throughputs = async || -> Vec<String> {
        let tasks = cluster.rest(1).get(&tasks_path).await.expect(200).json();
        let tasks = tasks.as_array().cloned().unwrap_or_default();
        let of = |task: &Value| task["config"]["throughput"].to_string();
        tasks.iter().map(of).collect()
    };
    assert_eq!(throughputs().await, [r#""5""#; 2]);
    proxy.mend().await;
    eventually("tasks with the new setting", async || {
        match throughputs().await {
            new if new == [r#""4""#; 2] => Ok(()),
            old => Err(format!("{old:?}")),
        }
    })
    .await;
    cluster.wait_spread(&[0, 1]).await;
    for number in 0..2 {
        let connector = cluster.connector(number);
        assert_each_runs_once(&cluster.topics, &connector, 2).await;
        num_repeats_in(&cluster.topics, &connector).await;
    }
    cluster.stop().await;
}
