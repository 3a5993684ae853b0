//! Starts the herder of a worker, standalone or distributed, and runs it.

use crate::core::{CoreConfig, SessionKeyConfig};
use crate::face::Herder;
use crate::herder::{LoopHerder, connector_type};
use crate::host::{HostEvent, KafkaClients, LocalHost, LocalHostConfig, ResolvingHost};
use crate::peers::PeerClient;
use crate::plugins::Plugins;
use crate::preflight::LoopFencing;
use crate::restart_policy::RestartPolicy;
use crate::shell::{COMMAND_QUEUE_LEN, Shell, ShellParts};
use crate::signature::MacAlgorithm;
use crate::stage::Stage;
use crate::validation::WorkerView;
use crate::worker_config::WorkerConfig;
use connect_api::{Clock, ConnectError, Result};
use connect_config_providers::ConfigTransformer;
use connect_kafka::client_config::ClientProperties;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::group::{GroupConfig, GroupEvent, GroupMember, GroupMembership, SoloMember};
use connect_kafka::wire::ClusterClient;
use connect_store::{ConfigStore, OffsetStore, StatusStore, StoreError};
use connect_telemetry::logging::LogLevels;
use connect_telemetry::metrics::Metrics;
use futures::future::BoxFuture;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The group that a worker joins.
pub enum Group {
    /// The worker alone: standalone.
    Solo,
    /// A Connect group of a Kafka cluster.
    Kafka(ClusterClient, GroupConfig, ConnectProtocol),
}

/// What a worker's herder is made from.
pub struct HerderParts {
    /// The settings of the worker.
    pub worker: Arc<WorkerConfig>,
    /// What validation needs to know of them.
    pub view: WorkerView,
    /// `host:port` of the advertised URL.
    pub worker_id: String,
    /// The advertised URL, with a slash at its end.
    pub worker_url: String,
    /// `bootstrap.servers`.
    pub bootstrap_servers: String,
    /// The settings without prefix that concern Kafka clients.
    pub client_properties: ClientProperties,
    /// The plugins.
    pub plugins: &'static Plugins,
    /// Makes the clients of tasks.
    pub clients: Arc<dyn KafkaClients>,
    /// Where configurations are kept; not started yet.
    pub config_store: Arc<dyn ConfigStore>,
    /// Where offsets are kept; not started yet.
    pub offset_store: Arc<dyn OffsetStore>,
    /// Where statuses are kept; not started yet.
    pub status_store: Arc<dyn StatusStore>,
    /// Makes sure that what the stores need is there, such as internal topics; called before they are
    /// started, again after a retriable error.
    pub prepare_stores: Box<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>,
    /// The group.
    pub group: Group,
    /// Reaches the other workers of the group.
    pub peers: Arc<dyn PeerClient>,
    /// Looks up the id of the Kafka cluster.
    pub cluster: ClusterClient,
    /// Puts values in place of variables in configurations.
    pub config_transformer: ConfigTransformer,
    /// The time to live by.
    pub clock: Arc<dyn Clock>,
    /// The metrics of the worker.
    pub metrics: Arc<Metrics>,
    /// The levels of the loggers of this process.
    pub log_levels: LogLevels,
}

/// A herder that is ready to run. Its face answers at once; requests wait until it runs.
pub struct WorkerHerder {
    face: Arc<LoopHerder>,
    stage: Arc<Stage>,
    parts: HerderParts,
    host: Arc<ResolvingHost>,
    host_events: mpsc::UnboundedReceiver<HostEvent>,
    commands: mpsc::Receiver<crate::shell::Command>,
    shutdown: watch::Receiver<bool>,
    progress: watch::Sender<u64>,
}

/// Tells a herder to end.
#[derive(Clone)]
pub struct HerderShutdown(Arc<watch::Sender<bool>>);

impl HerderShutdown {
    /// Ends the herder: work is stopped and committed, the group is left.
    pub fn shut_down(&self) {
        self.0.send_replace(true);
    }
}

/// Between tries to reach what the worker depends on.
const START_RETRY_DELAY_MIN: Duration = Duration::from_millis(250);
const START_RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

impl WorkerHerder {
    /// A herder with the means to end it.
    pub fn new(parts: HerderParts) -> (Self, HerderShutdown) {
        let (commands, command_receiver) = mpsc::channel(COMMAND_QUEUE_LEN);
        let (shutdown, shutdown_receiver) = watch::channel(false);
        let (progress, progress_receiver) = watch::channel(0);
        let stage = Arc::new(Stage::default());
        let fencing = LoopFencing {
            commands: commands.clone(),
            config_store: parts.config_store.clone(),
            peers: parts.peers.clone(),
            signature_algorithm: mac_algorithm(&parts.worker, "inter.worker.signature.algorithm"),
            clock: parts.clock.clone(),
        };
        let (host, host_event_sender, host_events) = LocalHost::new(
            LocalHostConfig {
                worker: parts.worker.clone(),
                bootstrap_servers: parts.bootstrap_servers.clone(),
                client_properties: parts.client_properties.clone(),
                worker_id: parts.worker_id.clone(),
                fencing: Arc::new(fencing),
            },
            parts.plugins,
            parts.clients.clone(),
            parts.offset_store.clone(),
            parts.status_store.clone(),
            parts.clock.clone(),
            parts.metrics.clone(),
        );
        let host = Arc::new(host);
        let resolving_host = Arc::new(ResolvingHost::new(
            host.clone(),
            parts.config_transformer.clone(),
            host_event_sender,
        ));
        let face = Arc::new(LoopHerder {
            worker: parts.worker.clone(),
            view: parts.view.clone(),
            plugins: parts.plugins,
            commands,
            config_store: parts.config_store.clone(),
            status_store: parts.status_store.clone(),
            host,
            stage: stage.clone(),
            clock: parts.clock.clone(),
            config_transformer: parts.config_transformer.clone(),
            log_levels: parts.log_levels.clone(),
            kafka_cluster_id: Arc::new(OnceLock::new()),
            progress: progress_receiver,
            // Until the group has chosen, the strictest protocol counts that it may choose.
            requires_signatures: Arc::new(AtomicBool::new(
                parts.worker.connect_protocol() == ConnectProtocol::Sessioned,
            )),
        });
        let herder = Self {
            face,
            stage,
            parts,
            host: resolving_host,
            host_events,
            commands: command_receiver,
            shutdown: shutdown_receiver,
            progress,
        };
        (herder, HerderShutdown(Arc::new(shutdown)))
    }

    /// What the REST API talks to.
    pub fn face(&self) -> Arc<dyn Herder> {
        self.face.clone()
    }

    /// Runs until it is told to end. An error means that the worker cannot be what its settings ask
    /// for: a person must look.
    pub async fn run(mut self) -> Result<()> {
        let lookup = tokio::spawn(look_up_cluster_id(
            self.parts.cluster.clone(),
            self.face.kafka_cluster_id.clone(),
            self.parts.clock.clone(),
        ));
        let result = self.run_until_shutdown().await;
        lookup.abort();
        result
    }

    async fn run_until_shutdown(&mut self) -> Result<()> {
        let mut shutdown = self.shutdown.clone();
        let started = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => return Ok(()),
            started = self.start_stores() => started,
        };
        started?;
        let (group, group_events, protocol) = self.join();
        let plugins = self.parts.plugins;
        let shell = Shell::new(
            ShellParts {
                core: CoreConfig {
                    worker_url: self.parts.worker_url.clone(),
                    worker_id: self.parts.worker_id.clone(),
                    protocol,
                    sync_timeout: self.sync_timeout(),
                    max_rebalance_delay: self
                        .parts
                        .worker
                        .millis("scheduled.rebalance.max.delay.ms"),
                    unsync_backoff: self.parts.worker.millis("worker.unsync.backoff.ms"),
                    session_keys: session_keys(&self.parts.worker),
                    is_distributed: matches!(self.parts.group, Group::Kafka(..)),
                    hands_over: self.parts.worker.boolean("dovetail.leave.handover.enable"),
                    restarts: RestartPolicy::of_worker(&self.parts.worker),
                },
                worker_id: self.parts.worker_id.clone(),
                config_store: self.parts.config_store.clone(),
                status_store: self.parts.status_store.clone(),
                host: self.host.clone(),
                host_events: std::mem::replace(&mut self.host_events, mpsc::unbounded_channel().1),
                clock: self.parts.clock.clone(),
                metrics: self.parts.metrics.clone(),
                log_levels: self.parts.log_levels.clone(),
                connector_type: Box::new(move |class| connector_type(plugins, class)),
                commands: std::mem::replace(&mut self.commands, mpsc::channel(1).1),
                shutdown: self.shutdown.clone(),
                stage: self.stage.clone(),
                progress: self.progress.clone(),
                peers: self.parts.peers.clone(),
                signature_algorithm: mac_algorithm(
                    &self.parts.worker,
                    "inter.worker.signature.algorithm",
                ),
                requires_signatures: self.face.requires_signatures.clone(),
            },
            group,
            group_events,
        )?;
        let result = shell.run().await;
        self.parts.offset_store.stop().await;
        result
    }

    fn sync_timeout(&self) -> Duration {
        match &self.parts.group {
            Group::Solo => Duration::from_secs(3),
            Group::Kafka(..) => self.parts.worker.millis("worker.sync.timeout.ms"),
        }
    }

    fn join(
        &self,
    ) -> (
        Arc<dyn GroupMembership>,
        mpsc::Receiver<GroupEvent>,
        ConnectProtocol,
    ) {
        match &self.parts.group {
            Group::Solo => {
                let (member, events) = SoloMember::spawn();
                // Nobody sends it requests, so that it needs no keys.
                (Arc::new(member), events, ConnectProtocol::Compatible)
            }
            Group::Kafka(client, config, protocol) => {
                let (member, events) = GroupMember::spawn(client.clone(), config.clone());
                (Arc::new(member), events, *protocol)
            }
        }
    }

    /// Reads all that is stored. While the brokers are out of reach it waits: in compose files and
    /// after power cuts a worker often starts before them.
    async fn start_stores(&self) -> Result<()> {
        let _stage = self
            .stage
            .enter("initializing and reading to the end of internal topics");
        let mut delay = START_RETRY_DELAY_MIN;
        loop {
            let error = match self.try_start_stores().await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_retriable() => error,
                Err(error) => return Err(error),
            };
            tracing::warn!(
                delay_ms = delay.as_millis() as u64,
                "the worker cannot start yet and tries again: {error}"
            );
            self.parts.clock.sleep(delay).await;
            delay = (delay * 2).min(START_RETRY_DELAY_MAX);
        }
    }

    /// Ends only if the brokers refuse this worker. librdkafka would try again for ever, and say no more
    /// than that the time is up.
    async fn refusal(&self) -> ConnectError {
        match connect_kafka::wire::metadata(&self.parts.cluster).await {
            Err(error) if error.is_refusal() => ConnectError::config(error.to_string()),
            _ => std::future::pending().await,
        }
    }

    async fn try_start_stores(&self) -> Result<()> {
        tokio::select! {
            refusal = self.refusal() => return Err(refusal),
            prepared = (self.parts.prepare_stores)() => prepared?,
        }
        let parts = &self.parts;
        let started = |result: Result<(), StoreError>| result.map_err(ConnectError::from);
        // Each waits for round trips to the brokers, so they wait together.
        let (offsets, statuses, configs) = futures::join!(
            parts.offset_store.start(),
            parts.status_store.start(),
            parts.config_store.start()
        );
        started(offsets)?;
        started(statuses)?;
        started(configs)
    }
}

/// The settings have been checked; a standalone worker has none and uses none.
fn mac_algorithm(worker: &WorkerConfig, setting: &str) -> MacAlgorithm {
    MacAlgorithm::from_name(worker.text(setting)).unwrap_or(MacAlgorithm::Sha256)
}

fn session_keys(worker: &WorkerConfig) -> SessionKeyConfig {
    let algorithm = mac_algorithm(worker, "inter.worker.key.generation.algorithm");
    let num_bits = u32::try_from(worker.number("inter.worker.key.size")).ok();
    SessionKeyConfig {
        ttl: worker.millis("inter.worker.key.ttl.ms"),
        algorithm,
        num_bytes: algorithm.num_key_bytes(num_bits.filter(|num_bits| *num_bits > 0)),
    }
}

async fn look_up_cluster_id(
    cluster: ClusterClient,
    cluster_id: Arc<OnceLock<String>>,
    clock: Arc<dyn Clock>,
) {
    let mut delay = START_RETRY_DELAY_MIN;
    loop {
        match connect_kafka::wire::metadata(&cluster).await {
            Ok(metadata) => {
                if let Some(id) = metadata.cluster_id {
                    tracing::info!("Kafka cluster ID: {id}");
                    // Only this task sets it.
                    let _ = cluster_id.set(id);
                }
                return;
            }
            Err(error) => {
                tracing::warn!(
                    delay_ms = delay.as_millis() as u64,
                    "the id of the Kafka cluster is not known yet: {error}"
                );
                clock.sleep(delay).await;
                delay = (delay * 2).min(START_RETRY_DELAY_MAX);
            }
        }
    }
}
