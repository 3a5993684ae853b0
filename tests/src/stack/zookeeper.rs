//! ZooKeeper, for the Kafka that still needs one.

use std::process::Command;

use super::process::ServerProcess;
use super::{layout, ports, properties, run};

/// A running ZooKeeper with data of its own.
#[derive(Debug)]
pub struct ZooKeeper {
    port: u16,
    _process: ServerProcess,
}

impl ZooKeeper {
    /// Starts one and waits until it listens.
    pub async fn start() -> Self {
        let (port, folder) = (ports::free_port(), run::server_folder("zookeeper"));
        let names = [
            ("PORT", port.to_string()),
            ("DIR", folder.display().to_string()),
        ];
        let names = names
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let config = properties::write(
            folder.join("zookeeper.properties"),
            &["zookeeper"],
            &names,
            &[],
        );
        let release = layout::version(layout::KAFKA_3);
        layout::part(&format!("kafka-{release}/libs"));
        let mut command = Command::new(layout::stack_file("jvm"));
        command
            .args([
                release,
                "zookeeper",
                "--",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            ])
            .arg(config);
        let mut process = ServerProcess::start("ZooKeeper", &folder, command);
        process.wait_ready(port, async |_| Ok(())).await;
        Self {
            port,
            _process: process,
        }
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }
}
