//! Puts a worker together out of its settings, runs it, and stops it.

mod clients;
mod listener_tls;
mod stores;

use connect_api::config::ConfigMap;
use connect_api::{Clock, ConnectError, KAFKA_VERSION, Result, SystemClock};
use connect_config_providers::ConfigTransformer;
use connect_herder::host::LibrdkafkaClients;
use connect_herder::plugins::Plugins;
use connect_herder::{
    AdvertisedAddress, Herder, HerderParts, HerderShutdown, Listener, WorkerConfig, WorkerHerder,
};
use connect_kafka::client_config::ClientType;
use connect_rest::{Cors, Rest, RestClient, RestOptions, Server, StatusPage, Surface};
use connect_telemetry::logging::LogLevels;
use connect_telemetry::metrics::{AppInfo, Dialects, Metrics, MetricsConfig, render_prometheus};
use futures::FutureExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long the worker may take to hand its work over, to leave its group and to close clients, beyond
/// the time that its tasks are given.
const STOP_SLACK: Duration = Duration::from_secs(10);
/// How long requests that are being answered hold up the end.
const REST_STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// The commit that this program was built from, as `GET /` and metrics tell it.
pub const COMMIT: &str = match option_env!("DOVETAIL_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// A worker that answers requests. Dropping it abandons its tasks; [`stop`](Self::stop) ends them.
pub struct RunningWorker {
    address: AdvertisedAddress,
    face: Arc<dyn Herder>,
    herder: JoinHandle<Result<()>>,
    shutdown: HerderShutdown,
    server: Server,
    stop_timeout: Duration,
}

/// Starts a worker. It answers requests at once; those that need the internal topics wait for them.
///
/// # Errors
/// Settings that cannot be honoured, a listener that cannot be bound.
pub async fn start(config: WorkerConfig, log_levels: LogLevels) -> Result<RunningWorker> {
    tracing::info!("Kafka version: {KAFKA_VERSION}");
    tracing::info!("Kafka commitId: {COMMIT}");
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let plugins = Plugins::linked();
    config.check_plugins(plugins)?;
    let config = Arc::new(config);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(|duration| {
        tokio::time::sleep(duration).boxed()
    }));
    let (listeners, bound) = {
        let config = config.clone();
        // It reads key stores.
        let made = tokio::task::spawn_blocking(move || listeners(&config)).await;
        made.map_err(|error| ConnectError::fatal(error.to_string()))??
    };
    let address = {
        let config = config.clone();
        // It may ask a name server.
        let resolved = tokio::task::spawn_blocking(move || config.advertised(&bound)).await;
        resolved.map_err(|error| ConnectError::fatal(error.to_string()))?
    };
    let metrics = metrics(&config, &address, clock.clone());
    let options = rest_options(config.clone(), metrics.clone()).await?;
    let stores = stores::stores(&config)?;
    let cluster = clients::cluster(&config, &address)?;
    let peers = Arc::new(RestClient::new()?);
    let (herder, shutdown) = WorkerHerder::new(HerderParts {
        view: config.view(),
        worker_id: address.worker_id.clone(),
        worker_url: address.url.clone(),
        bootstrap_servers: config.bootstrap_servers(),
        client_properties: config.client_properties(ClientType::Admin),
        plugins,
        clients: Arc::new(LibrdkafkaClients),
        config_store: stores.configs,
        offset_store: stores.offsets,
        status_store: stores.statuses,
        prepare_stores: stores.prepare,
        group: clients::group(&config, &cluster),
        peers: peers.clone(),
        cluster,
        config_transformer: ConfigTransformer::from_worker_settings(config.raw())?,
        clock,
        metrics: metrics.clone(),
        log_levels,
        worker: config.clone(),
    });
    let face = herder.face();
    let rest = Rest::new(
        face.clone(),
        Arc::new(move || render_prometheus(&metrics, Dialects::Both)),
        peers,
    )
    .with_options(options);
    let server = connect_rest::serve(&listeners, rest)
        .await
        .map_err(|error| ConnectError::fatal(error.to_string()))?;
    tracing::info!("Advertised URI: {}", address.url);
    let herder = tokio::spawn(herder.run());
    tracing::info!("REST resources initialized; server is started and ready to handle requests");
    tracing::info!("Kafka Connect started");
    Ok(RunningWorker {
        address,
        face,
        herder,
        shutdown,
        server,
        stop_timeout: config.millis("task.shutdown.graceful.timeout.ms") + STOP_SLACK,
    })
}

impl RunningWorker {
    /// The advertised URL of the REST API, with a slash at its end.
    pub fn url(&self) -> &str {
        &self.address.url
    }

    /// The herder behind the REST API.
    pub fn herder(&self) -> Arc<dyn Herder> {
        self.face.clone()
    }

    /// Waits until the herder has ended, which it does by itself only when it fails.
    pub async fn failed(&mut self) -> ConnectError {
        match (&mut self.herder).await {
            Ok(Ok(())) => ConnectError::fatal("The herder has ended without a reason"),
            Ok(Err(error)) => error,
            Err(error) => ConnectError::fatal(format!("The herder has crashed: {error}")),
        }
    }

    /// Stops tasks, commits what they have done, leaves the group and ends the REST API. Tasks get
    /// the time of `task.shutdown.graceful.timeout.ms`.
    pub async fn stop(mut self) {
        tracing::info!("Kafka Connect stopping");
        self.shutdown.shut_down();
        if !self.herder.is_finished() {
            match timeout(self.stop_timeout, &mut self.herder).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => tracing::error!("The herder stopped with an error: {error}"),
                Ok(Err(error)) => tracing::error!("The herder has crashed: {error}"),
                Err(_) => tracing::error!(
                    "The herder did not stop within {:?}; what is not committed is done again after \
                     the next start",
                    self.stop_timeout
                ),
            }
        }
        // Clients that wait for an answer have had it: the herder is gone.
        let _ = timeout(REST_STOP_TIMEOUT, self.server.stop()).await;
        tracing::info!("Kafka Connect stopped");
    }
}

/// What the settings say about the REST API, beyond its listeners.
async fn rest_options(config: Arc<WorkerConfig>, metrics: Arc<Metrics>) -> Result<RestOptions> {
    // It reads the files of users.
    let read = tokio::task::spawn_blocking(move || -> Result<RestOptions> {
        let java_options = std::env::var("KAFKA_OPTS").unwrap_or_default();
        Ok(RestOptions {
            cors: Cors::from_settings(
                config.text("access.control.allow.origin"),
                config.text("access.control.allow.methods"),
            ),
            response_headers: config.response_headers(),
            basic_auth: config.basic_auth(&java_options)?,
            masks_secrets: config.masks_secrets(),
            status_page: config
                .boolean("dovetail.ui.enable")
                .then(|| StatusPage::new(move || metrics.mbeans())),
        })
    });
    read.await
        .map_err(|error| ConnectError::fatal(error.to_string()))?
}

/// The listeners with real ports, and the addresses of those that are advertised. The advertised
/// address must be known before the first request is answered, so a free port is chosen here where any
/// will do.
fn listeners(config: &WorkerConfig) -> Result<(Vec<connect_rest::Listener>, Vec<SocketAddr>)> {
    let surface = match config.admin_listeners() {
        Some(_) => Surface::WithoutAdmin,
        None => Surface::All,
    };
    let mut all = rest_listeners(config.listeners(), surface, &config.listener_ssl(false))?;
    let bound = all
        .iter()
        .map(|listener| SocketAddr::from(([0, 0, 0, 0], listener.port)))
        .collect();
    all.extend(rest_listeners(
        config.admin_listeners().unwrap_or_default(),
        Surface::AdminOnly,
        &config.listener_ssl(true),
    )?);
    Ok((all, bound))
}

fn rest_listeners(
    listeners: &[Listener],
    surface: Surface,
    ssl: &ConfigMap,
) -> Result<Vec<connect_rest::Listener>> {
    let is_https = listeners.iter().any(|listener| listener.is_https);
    let tls = is_https
        .then(|| listener_tls::listener_tls(ssl))
        .transpose()?;
    let to_bind = listeners
        .iter()
        .map(|listener| -> Result<connect_rest::Listener> {
            let port = match listener.port {
                0 => free_port(&listener.host).map_err(|error| {
                    ConnectError::fatal(format!("Cannot listen on {listener}: {error}"))
                })?,
                port => port,
            };
            Ok(connect_rest::Listener {
                host: listener.host.clone(),
                port,
                surface,
                tls: tls.clone().filter(|_| listener.is_https),
            })
        });
    to_bind.collect()
}

fn free_port(host: &str) -> std::io::Result<u16> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    Ok(std::net::TcpListener::bind((host, 0))?.local_addr()?.port())
}

fn metrics(
    config: &WorkerConfig,
    address: &AdvertisedAddress,
    clock: Arc<dyn Clock>,
) -> Arc<Metrics> {
    let default = MetricsConfig::default();
    let metrics = Metrics::new(
        clock.clone(),
        MetricsConfig {
            sample_window_ms: config
                .number("metrics.sample.window.ms")
                .try_into()
                .unwrap_or(default.sample_window_ms),
            num_samples: config
                .number("metrics.num.samples")
                .try_into()
                .unwrap_or(default.num_samples),
        },
    );
    metrics.set_app_info(AppInfo {
        worker_id: address.worker_id.clone(),
        version: KAFKA_VERSION.to_string(),
        commit_id: COMMIT.to_string(),
        start_time_ms: clock.now_ms(),
    });
    Arc::new(metrics)
}
