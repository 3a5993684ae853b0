//! A second broker of a cluster, for what happens when a broker is gone and the cluster is not.

use std::fs;
use std::process::Command;

use super::kafka::KafkaCluster;
use super::process::ServerProcess;
use super::{layout, ports, properties, run};

/// A broker beside the one of a [`KafkaCluster`] of Kafka 4.3, which is the controller too and must go on.
/// Dropping it kills it.
#[derive(Debug)]
pub struct SecondBroker {
    port: u16,
    process: Option<ServerProcess>,
}

impl SecondBroker {
    /// The node id of the first broker.
    pub const FIRST_NODE_ID: i32 = 1;
    /// Its own node id.
    pub const NODE_ID: i32 = 2;

    /// Starts a broker with empty data in a cluster and waits until it serves clients.
    pub async fn start(cluster: &KafkaCluster) -> Self {
        let port = ports::free_port();
        let folder = run::server_folder("kafka-2");
        let logs = folder.join("logs");
        let names = [
            ("PORT", port.to_string()),
            ("CONTROLLER_PORT", cluster.controller_port.to_string()),
            ("DIR", folder.display().to_string()),
        ];
        let names = names
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let mut more = vec![
            ("process.roles".to_owned(), "broker".to_owned()),
            ("node.id".to_owned(), Self::NODE_ID.to_string()),
            (
                "listeners".to_owned(),
                format!("PLAINTEXT://127.0.0.1:{port}"),
            ),
        ];
        more.extend(cluster.own_properties().iter().cloned());
        let config = properties::write(
            folder.join("broker.properties"),
            &["broker-any", "broker-kraft"],
            &names,
            &more,
        );
        let release = layout::version(layout::KAFKA_4);
        let formatted = layout::part(&format!("kafka-{release}/formatted"));
        let written = fs::create_dir(&logs)
            .and_then(|()| fs::read_to_string(formatted.join("meta.properties")))
            .and_then(|text| fs::write(logs.join("meta.properties"), of_second(&text)));
        written.unwrap_or_else(|error| panic!("cannot format {}: {error}", logs.display()));
        let mut command = Command::new(layout::stack_file("jvm"));
        command
            .args([release, "broker", "--", "kafka.Kafka"])
            .arg(&config);
        let mut process = ServerProcess::start("the second broker", &folder, command);
        process
            .wait_ready_by_log("Kafka Server started", port)
            .await;
        Self {
            port,
            process: Some(process),
        }
    }

    /// `host:port` for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends the broker as `kill -9` does.
    pub fn kill9(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill9();
        }
    }
}

/// `meta.properties` of the first broker's folder, for another node of the same cluster.
fn of_second(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once('=') {
            Some(("node.id", _)) => format!("node.id={}\n", SecondBroker::NODE_ID),
            // Any id but that of the first broker's folder: 16 bytes in base64.
            Some(("directory.id", _)) => "directory.id=ZG92ZXRhaWwtYnJva2VyMg\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect()
}
