//! Kafka clusters of one broker.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::process::ServerProcess;
use super::properties::{self, Properties};
use super::secure::SecureListeners;
use super::topics::Topics;
use super::zookeeper::ZooKeeper;
use super::{layout, ports, run};

/// Which Kafka to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaVersion {
    /// The newer release, one node that is broker and controller (KRaft).
    V4_3,
    /// The last release line with ZooKeeper, started with one.
    V3_9,
}

/// What a cluster has beyond the defaults of `tests/stack/config`.
#[derive(Clone, Debug, Default)]
pub struct KafkaOptions {
    properties: Properties,
    users: Vec<(String, String)>,
    behind: Option<(u16, u16)>,
    is_secure: bool,
}

impl KafkaOptions {
    /// Adds a broker property; it counts more than a default of the same key.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Topics are never made by being asked for.
    pub fn without_automatic_topics(self) -> Self {
        self.property("auto.create.topics.enable", "false")
    }

    /// Adds a listener on `port` that tells its clients to come by `advertised_port`, where a proxy may
    /// be. Kafka 4.3 only, and not together with users.
    pub fn listener_behind(mut self, port: u16, advertised_port: u16) -> Self {
        self.behind = Some((port, advertised_port));
        self
    }

    /// Adds a user who logs in by SASL/PLAIN on a listener of its own and may do nothing until
    /// [`KafkaCluster::change_acls`] says so. The plain listener stays, for a super user. Kafka 4.3 only.
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push((name.to_owned(), password.to_owned()));
        self
    }

    /// Adds listeners with TLS, mutual TLS, and logins of every mechanism over TLS; the plain listener
    /// stays. Kafka 4.3 only, and not together with [`user`](Self::user).
    pub fn secure(mut self) -> Self {
        self.is_secure = true;
        self
    }
}

/// A running (or, after [`stop`](Self::stop), paused) cluster with one broker.
#[derive(Debug)]
pub struct KafkaCluster {
    version: KafkaVersion,
    port: u16,
    pub(super) controller_port: u16,
    sasl_port: u16,
    options: KafkaOptions,
    secure: Option<SecureListeners>,
    folder: PathBuf,
    config: PathBuf,
    process: Option<ServerProcess>,
    // Ends after the broker: fields are dropped in order.
    _zookeeper: Option<ZooKeeper>,
}

impl KafkaCluster {
    /// Starts a cluster with empty data and waits until it serves clients.
    pub async fn start(version: KafkaVersion, options: KafkaOptions) -> Self {
        let [port, controller_port, sasl_port] = [(); 3].map(|()| ports::free_port());
        let folder = run::server_folder("kafka");
        let zookeeper = match version {
            KafkaVersion::V4_3 => None,
            KafkaVersion::V3_9 => Some(ZooKeeper::start().await),
        };
        let zookeeper_port = zookeeper
            .as_ref()
            .map(|zookeeper| zookeeper.port().to_string())
            .unwrap_or_default();
        let names = [
            ("PORT", port.to_string()),
            ("CONTROLLER_PORT", controller_port.to_string()),
            ("ZOOKEEPER_PORT", zookeeper_port),
            ("DIR", folder.display().to_string()),
        ];
        let names = names
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let mode = match version {
            KafkaVersion::V4_3 => "broker-kraft",
            KafkaVersion::V3_9 => "broker-zookeeper",
        };
        let mut more = Vec::new();
        if !options.users.is_empty() {
            assert_eq!(
                version,
                KafkaVersion::V4_3,
                "users are made for Kafka 4.3 only"
            );
            more = sasl_properties(port, controller_port, sasl_port, &options.users);
        }
        if let Some((behind_port, advertised_port)) = options.behind {
            more.extend(behind_properties(
                port,
                controller_port,
                behind_port,
                advertised_port,
            ));
        }
        let secure = options.is_secure.then(|| SecureListeners::make(&folder));
        if let Some(secure) = &secure {
            let protocols = SecureListeners::PROTOCOLS;
            more = listeners(port, controller_port, &secure.addresses(), protocols).into();
            more.extend(secure.broker_properties());
        }
        more.extend(options.properties.iter().cloned());
        let config = properties::write(
            folder.join("broker.properties"),
            &["broker-any", mode],
            &names,
            &more,
        );
        let mut cluster = Self {
            version,
            port,
            controller_port,
            sasl_port,
            options,
            secure,
            folder,
            config,
            process: None,
            _zookeeper: zookeeper,
        };
        cluster.start_again().await;
        cluster
    }

    /// `host:port` for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The client properties, in Kafka's Java form, with which a user of [`KafkaOptions::user`] connects.
    pub fn client_properties_of(&self, user: &str) -> Properties {
        let (name, password) = self
            .options
            .users
            .iter()
            .find(|(name, _)| name == user)
            .unwrap_or_else(|| panic!("the cluster was started without a user {user}"));
        let login = format!(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{name}\" password=\"{password}\";"
        );
        [
            ("bootstrap.servers", format!("127.0.0.1:{}", self.sasl_port)),
            ("security.protocol", "SASL_PLAINTEXT".to_owned()),
            ("sasl.mechanism", "PLAIN".to_owned()),
            ("sasl.jaas.config", login),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// The listeners of [`KafkaOptions::secure`].
    pub fn secure(&self) -> &SecureListeners {
        self.secure
            .as_ref()
            .unwrap_or_else(|| panic!("the cluster was started without secure listeners"))
    }

    /// Gives the user of the secure listeners a password for SCRAM, by Kafka's configuration tool.
    pub async fn add_secure_users(&self) {
        for arguments in SecureListeners::user_arguments() {
            let arguments = arguments.each_ref().map(String::as_str);
            self.run_tool("kafka.admin.ConfigCommand", &arguments).await;
        }
    }

    /// Runs Kafka's ACL tool with `arguments`, for example
    /// `--add --allow-principal User:limited --operation Read --topic flights`.
    pub async fn change_acls(&self, arguments: &[&str]) {
        let mut all = vec!["--force"];
        all.extend(arguments);
        self.run_tool("org.apache.kafka.tools.AclCommand", &all)
            .await;
    }

    /// Runs a tool of Kafka's by its main class.
    async fn run_tool(&self, class: &str, arguments: &[&str]) {
        let bootstrap_servers = self.bootstrap_servers();
        let mut command = tokio::process::Command::new(layout::stack_file("jvm"));
        command
            .args([layout::version(layout::KAFKA_4), "tool", "--", class])
            .args(["--bootstrap-server", &bootstrap_servers])
            .args(arguments);
        let output = command
            .output()
            .await
            .unwrap_or_else(|error| panic!("cannot run {class}: {error}"));
        assert!(
            output.status.success(),
            "{class} failed on {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The properties that the cluster was started with beyond the defaults.
    pub(super) fn own_properties(&self) -> &Properties {
        &self.options.properties
    }

    /// What tests do with the topics of this cluster.
    pub fn topics(&self) -> Topics {
        Topics::of(&self.bootstrap_servers())
    }

    /// Stops the broker in order; its data and port are kept for [`start_again`](Self::start_again).
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.terminate().await;
        }
    }

    /// Ends the broker as `kill -9` does; its data and port are kept.
    pub fn kill9(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill9();
        }
    }

    /// Starts the stopped broker on its port and data, and waits until it serves clients.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "the broker is running");
        let release = match self.version {
            KafkaVersion::V4_3 => layout::version(layout::KAFKA_4),
            KafkaVersion::V3_9 => layout::version(layout::KAFKA_3),
        };
        layout::part(&format!("kafka-{release}/libs"));
        if self.version == KafkaVersion::V4_3 {
            self.format_log_dir(release);
        }
        let mut command = Command::new(layout::stack_file("jvm"));
        command
            .args([release, "broker", "--", "kafka.Kafka"])
            .arg(&self.config);
        let mut process = ServerProcess::start(&format!("Kafka {release}"), &self.folder, command);
        // Not just `started (kafka.server`: the controller logs that before the broker listens.
        let ready = match self.version {
            KafkaVersion::V4_3 => "Kafka Server started",
            KafkaVersion::V3_9 => "started (kafka.server.KafkaServer",
        };
        process.wait_ready_by_log(ready, self.port).await;
        self.process = Some(process);
    }

    /// Copies the log folder that `tests/stack/fetch` formatted once; the tool takes two seconds each time.
    fn format_log_dir(&self, release: &str) {
        let logs = self.folder.join("logs");
        if logs.exists() {
            return;
        }
        let formatted = layout::part(&format!("kafka-{release}/formatted"));
        let copied = fs::create_dir(&logs).and_then(|()| {
            for file in fs::read_dir(&formatted)? {
                let file = file?;
                fs::copy(file.path(), logs.join(file.file_name()))?;
            }
            Ok(())
        });
        copied.unwrap_or_else(|error| {
            panic!(
                "cannot copy {} to {}: {error}",
                formatted.display(),
                logs.display()
            )
        });
    }
}

/// Broker properties for a third listener, whose clients come by another port.
fn behind_properties(
    port: u16,
    controller_port: u16,
    behind_port: u16,
    advertised_port: u16,
) -> Properties {
    let own = format!("PLAINTEXT://127.0.0.1:{port}");
    [
        (
            "listeners",
            format!(
                "{own},BEHIND://127.0.0.1:{behind_port},CONTROLLER://127.0.0.1:{controller_port}"
            ),
        ),
        (
            "advertised.listeners",
            format!("{own},BEHIND://127.0.0.1:{advertised_port}"),
        ),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,BEHIND:PLAINTEXT".to_owned(),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Broker properties for listeners beside the plain one and that of the controller.
fn listeners(
    port: u16,
    controller_port: u16,
    more: &str,
    protocols: &str,
) -> [(String, String); 3] {
    let advertised = format!("PLAINTEXT://127.0.0.1:{port},{more}");
    [
        (
            "listeners",
            format!("{advertised},CONTROLLER://127.0.0.1:{controller_port}"),
        ),
        ("advertised.listeners", advertised),
        (
            "listener.security.protocol.map",
            format!("PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{protocols}"),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value))
}

/// Broker properties for a third listener with logins; everyone else is the super user ANONYMOUS.
fn sasl_properties(
    port: u16,
    controller_port: u16,
    sasl_port: u16,
    users: &[(String, String)],
) -> Properties {
    let logins: String = users
        .iter()
        .map(|(name, password)| format!(" user_{name}=\"{password}\""))
        .collect();
    let listener = format!("SASL_PLAINTEXT://127.0.0.1:{sasl_port}");
    let protocols = "SASL_PLAINTEXT:SASL_PLAINTEXT";
    let mut properties = Properties::from(listeners(port, controller_port, &listener, protocols));
    let logins = [
        ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
        (
            "listener.name.sasl_plaintext.plain.sasl.jaas.config",
            format!("org.apache.kafka.common.security.plain.PlainLoginModule required{logins};"),
        ),
        (
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
        ),
        ("super.users", "User:ANONYMOUS".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    properties.extend(logins);
    properties
}
