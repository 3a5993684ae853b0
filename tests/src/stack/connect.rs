//! Connect workers: the JVM's, which is the oracle, and Dovetail's, started from the same files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use serde_json::{Value, json};

use super::process::ServerProcess;
use super::properties::{self, Properties};
use super::rest::RestClient;
use super::{layout, ports, run};

/// Which program runs a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Kafka's own worker.
    Jvm,
    /// The binary under test.
    Dovetail,
}

#[derive(Clone, Debug)]
enum Mode {
    Distributed { group: String },
    Standalone { connectors: Vec<(String, Value)> },
}

/// The config of a worker, the same for either [`Runtime`].
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    bootstrap_servers: String,
    mode: Mode,
    properties: Properties,
    environment: Vec<(String, String)>,
    port: Option<u16>,
}

impl WorkerConfig {
    /// A member of `group`, with the topics `GROUP-configs`, `GROUP-offsets` and `GROUP-status`.
    pub fn distributed(bootstrap_servers: &str, group: &str) -> Self {
        Self::of(
            bootstrap_servers,
            Mode::Distributed {
                group: group.to_owned(),
            },
        )
    }

    /// A standalone worker, with an offsets file in its own folder.
    pub fn standalone(bootstrap_servers: &str) -> Self {
        Self::of(
            bootstrap_servers,
            Mode::Standalone {
                connectors: Vec::new(),
            },
        )
    }

    fn of(bootstrap_servers: &str, mode: Mode) -> Self {
        let (properties, environment) = (Vec::new(), Vec::new());
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            mode,
            properties,
            environment,
            port: None,
        }
    }

    /// Adds a worker property; it counts more than a default of `tests/stack/config` of the same key.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds worker properties, such as those of a login, as they are.
    pub fn properties(mut self, properties: impl IntoIterator<Item = (String, String)>) -> Self {
        self.properties.extend(properties);
        self
    }

    /// Sets a variable of the worker's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The REST port, where a test must know it before the start; otherwise a free one is taken.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Has other workers reach this one through another port, such as that of a proxy.
    pub fn advertised_port(self, port: u16) -> Self {
        self.property("rest.advertised.port", &port.to_string())
    }

    fn last_property(&self, key: &str) -> Option<&str> {
        let mut set = self.properties.iter().rev();
        set.find_map(|(name, value)| (name == key).then_some(value.as_str()))
    }

    /// Gives a standalone worker a connector on its command line.
    pub fn connector(mut self, name: &str, config: Value) -> Self {
        match &mut self.mode {
            Mode::Standalone { connectors } => connectors.push((name.to_owned(), config)),
            Mode::Distributed { .. } => {
                panic!("a distributed worker takes connector {name} by REST")
            }
        }
        self
    }
}

/// A worker, running or stopped.
#[derive(Debug)]
pub struct ConnectWorker {
    runtime: Runtime,
    port: u16,
    folder: PathBuf,
    config: WorkerConfig,
    process: Option<ServerProcess>,
}

impl ConnectWorker {
    /// Starts a worker and waits until its REST API lists connectors.
    pub async fn start(runtime: Runtime, config: WorkerConfig) -> Self {
        let mut worker = Self::start_unready(runtime, config);
        worker.wait_ready().await;
        worker
    }

    /// Starts a worker and does not wait: for starts that are slow or must fail.
    pub fn start_unready(runtime: Runtime, config: WorkerConfig) -> Self {
        let name = match runtime {
            Runtime::Jvm => "jvm-worker",
            Runtime::Dovetail => "dovetail",
        };
        let port = config.port.unwrap_or_else(ports::free_port);
        let mut worker = Self {
            runtime,
            port,
            folder: run::server_folder(name),
            config,
            process: None,
        };
        worker.launch();
        worker
    }

    /// Waits until the REST API lists connectors.
    pub async fn wait_ready(&mut self) {
        self.wait_answer("/connectors", 200).await;
    }

    /// Waits until the REST API answers `path` with this status, for a worker that asks for passwords.
    pub async fn wait_answer(&mut self, path: &str, wanted: u16) {
        let (rest, port) = (self.rest(), self.port);
        let process = self
            .process
            .as_mut()
            .unwrap_or_else(|| panic!("the worker is stopped"));
        process
            .wait_ready(port, async |_| {
                let answer = rest.try_send(reqwest::Method::GET, path, None).await?;
                match answer.status.as_u16() {
                    status if status == wanted => Ok(()),
                    status => Err(format!("GET {path}: {status} {}", answer.text)),
                }
            })
            .await;
    }

    /// The address of the REST API.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client of the REST API.
    pub fn rest(&self) -> RestClient {
        RestClient::of(&self.url())
    }

    /// What the status calls this worker: the address by which other workers reach it.
    pub fn worker_id(&self) -> String {
        let advertised = self.config.last_property("rest.advertised.port");
        let port = advertised.map_or_else(|| self.port.to_string(), str::to_owned);
        format!("127.0.0.1:{port}")
    }

    /// Which program runs this worker.
    pub fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// The worker's own folder: its config, and the offsets file of a standalone worker.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The running process.
    pub fn process(&self) -> &ServerProcess {
        self.process
            .as_ref()
            .unwrap_or_else(|| panic!("the worker is stopped"))
    }

    /// Whether the test has the worker running.
    pub fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// What the worker printed since its last start.
    pub fn log_text(&self) -> String {
        self.process().log_text()
    }

    /// Waits until the process ends by itself, for a start that must fail; returns its status and log.
    pub async fn wait_exit(&mut self) -> (ExitStatus, String) {
        let mut process = self
            .process
            .take()
            .unwrap_or_else(|| panic!("the worker is stopped"));
        let status = process.wait_exit().await;
        (status, process.log_text())
    }

    /// Stops in order (TERM).
    pub async fn terminate(&mut self) {
        if let Some(process) = self.process.take() {
            process.terminate().await;
        }
    }

    /// Ends as `kill -9` does.
    pub fn kill9(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill9();
        }
    }

    /// Stops the running worker where it stands, until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.process().pause();
    }

    /// Lets a paused worker go on.
    pub fn resume(&self) {
        self.process().resume();
    }

    /// Starts the stopped worker with the same config, port and folder, and waits until it is ready.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "the worker is running");
        self.launch();
        self.wait_ready().await;
    }

    fn launch(&mut self) {
        let mut names = vec![
            ("PORT", self.port.to_string()),
            ("DIR", self.folder.display().to_string()),
            ("BOOTSTRAP_SERVERS", self.config.bootstrap_servers.clone()),
        ];
        let (template, jvm_class, subcommand) = match &self.config.mode {
            Mode::Distributed { group } => {
                names.push(("GROUP", group.clone()));
                (
                    "worker-distributed",
                    "org.apache.kafka.connect.cli.ConnectDistributed",
                    "worker",
                )
            }
            Mode::Standalone { .. } => (
                "worker-standalone",
                "org.apache.kafka.connect.cli.ConnectStandalone",
                "standalone",
            ),
        };
        let names: Vec<_> = names
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let file = self.folder.join("worker.properties");
        let file = properties::write(
            file,
            &["worker-any", template],
            &names,
            &self.config.properties,
        );
        let mut command = match self.runtime {
            Runtime::Jvm => {
                let release = layout::version(layout::KAFKA_4);
                layout::part(&format!("kafka-{release}/libs"));
                let mut command = Command::new(layout::stack_file("jvm"));
                command.args([release, template, "--", jvm_class]);
                command
            }
            Runtime::Dovetail => {
                let mut command = Command::new(layout::dovetail_binary());
                command.arg(subcommand);
                command
            }
        };
        command
            .arg(file)
            .args(self.connector_files())
            .current_dir(&self.folder);
        command.envs(
            self.config
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        self.process = Some(ServerProcess::start(
            &format!("{:?} worker", self.runtime),
            &self.folder,
            command,
        ));
    }

    fn connector_files(&self) -> Vec<PathBuf> {
        let Mode::Standalone { connectors } = &self.config.mode else {
            return Vec::new();
        };
        let file_of = |(name, config): &(String, Value)| {
            let file = self.folder.join(format!("{name}.json"));
            let text = json!({"name": name, "config": config}).to_string();
            fs::write(&file, text)
                .unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
            file
        };
        connectors.iter().map(file_of).collect()
    }
}
