//! Workers on listeners with TLS and logins: the same settings serve the client of groups and librdkafka,
//! and sessions of two seconds are renewed without a rebalance.

use dovetail_tests::connectors::{file_sink, file_source};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::properties::Properties;
use dovetail_tests::stack::secure::PASSWORD;
use dovetail_tests::stack::{
    ConnectWorker, KafkaCluster, KafkaOptions, KafkaVersion, Login, Runtime, WorkerConfig, run,
};

/// A worker that connects as `client` says, its connectors too.
fn config(group: &str, client: &Properties) -> WorkerConfig {
    let (_, bootstrap_servers) = client
        .iter()
        .find(|(key, _)| key == "bootstrap.servers")
        .expect("client properties name the servers");
    ["", "producer.", "consumer.", "admin."].iter().fold(
        WorkerConfig::distributed(bootstrap_servers, group),
        |config, prefix| {
            let prefixed =
                |(key, value): &(String, String)| (format!("{prefix}{key}"), value.clone());
            config.properties(client.iter().map(prefixed))
        },
    )
}

async fn moves_records(kafka: &KafkaCluster, login: Login) {
    let name = format!("{login:?}").to_lowercase();
    let config = config(&name, &kafka.secure().client_properties(login));
    let mut worker = ConnectWorker::start(Runtime::Dovetail, config).await;
    let folder = run::server_folder(&name);
    let (file, copy) = (folder.join("lines"), folder.join("copy"));
    let (source, sink) = (format!("{name}-source"), format!("{name}-sink"));
    kafka.topics().create(&name, 1).await;
    let rest = worker.rest();
    rest.run_connector(&source, file_source(&file, &name), 1)
        .await;
    rest.run_connector(&sink, file_sink(&name, &copy), 1).await;
    // A new group may look for its coordinator more than once, on a broker that is just making it.
    let num_settled_bytes = worker.log_text().len();
    // Each part waits for the one before to come through, a second or so later: the run outlives
    // several sessions of all clients.
    let sent = flights(50);
    for (index, part) in sent.chunks(10).enumerate() {
        lines::append(&file, part);
        lines::wait_for(&copy, 10 * (index + 1)).await;
    }
    assert_eq!(lines::wait_for(&copy, 50).await, sent);
    let log = worker.log_text();
    for sign_of_a_lost_session in ["Group coordinator is unavailable", "Rebalance failed"] {
        let settled = &log[num_settled_bytes..];
        assert!(!settled.contains(sign_of_a_lost_session), "{name}: {log}");
    }
    assert!(!log.contains(PASSWORD), "{name}: a secret in the log");
    worker.terminate().await;
}

/// The start ends with a line that says all of `parts`.
async fn is_refused(name: &str, client: &Properties, parts: &[&str]) {
    let mut worker = ConnectWorker::start_unready(Runtime::Dovetail, config(name, client));
    let (status, log) = worker.wait_exit().await;
    assert!(!status.success(), "{name}: {log}");
    let says = |line: &str| parts.iter().all(|part| line.contains(part));
    assert!(log.lines().any(says), "{name}: no line of {parts:?}: {log}");
    for secret in [PASSWORD, "wrong-secret"] {
        assert!(!log.contains(secret), "{name}: a secret in the log: {log}");
    }
}

#[tokio::test]
async fn workers_form_groups_over_tls_with_every_login_and_the_refused_say_why() {
    let kafka = KafkaCluster::start(KafkaVersion::V4_3, KafkaOptions::default().secure()).await;
    kafka.add_secure_users().await;
    for login in Login::ALL {
        moves_records(&kafka, login).await;
    }
    let listeners = kafka.secure();
    for login in [Login::Plain, Login::ScramSha256, Login::ScramSha512] {
        let client = listeners.client_properties_of(login, "wrong-secret");
        let parts = [
            "authentication to broker 127.0.0.1",
            "check sasl.jaas.config",
        ];
        is_refused("wrong-password", &client, &parts).await;
    }
    for login in [Login::Tls, Login::ScramSha256] {
        let client = listeners.distrustful_properties(login);
        let parts = ["TLS with broker 127.0.0.1", "check ssl.truststore."];
        is_refused("distrustful", &client, &parts).await;
    }
    let parts = ["TLS with broker 127.0.0.1", "ssl.keystore."];
    is_refused("untrusted", &listeners.untrusted_properties(), &parts).await;
}
