//! The commands that run a worker until somebody stops it.

use crate::config_file;
use crate::connector_file::{self, ConnectorFile};
use crate::environment;
use crate::exit::Exit;
use crate::memory;
use crate::wiring::{self, RunningWorker};
use connect_api::config::ConfigMap;
use connect_api::{ConnectError, Result};
use connect_config_providers::ConfigTransformer;
use connect_herder::{WorkerConfig, WorkerMode};
use connect_telemetry::logging::{self, LogConfig, LogFormat, LogLevels};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// More threads than this only share caches worse: converting and sending is spread over tasks.
const MAX_WORKER_THREADS: usize = 4;
/// Deep enough for what runs on the threads; each costs address space only until it is touched.
const THREAD_STACK_NUM_BYTES: usize = 1 << 20;
/// File and name-server work of all tasks together; more of it waits.
const MAX_BLOCKING_THREADS: usize = 64;

/// The runtime of all commands.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MAX_WORKER_THREADS))
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_stack_size(THREAD_STACK_NUM_BYTES)
        .thread_keep_alive(Duration::from_secs(2))
        .enable_all()
        .build()
}

/// Runs a distributed worker.
pub fn worker(file: Option<&Path>) -> Exit {
    run(WorkerMode::Distributed, file, &[])
}

/// Runs a standalone worker with connectors.
pub fn standalone(file: &Path, connectors: &[PathBuf]) -> Exit {
    run(WorkerMode::Standalone, Some(file), connectors)
}

fn run(mode: WorkerMode, file: Option<&Path>, connectors: &[PathBuf]) -> Exit {
    let logs = match log_config() {
        Ok(logs) => logs,
        Err(error) => {
            eprintln!("dovetail: {error}");
            return Exit::Startup;
        }
    };
    let levels = match logging::init(&logs) {
        Ok(levels) => levels,
        Err(error) => {
            eprintln!("dovetail: {error}");
            return Exit::Startup;
        }
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("dovetail: cannot start threads: {error}");
            return Exit::Startup;
        }
    };
    runtime.spawn(memory::give_back_regularly());
    let exit = runtime.block_on(run_until_stopped(mode, file, connectors, levels));
    // What still blocks a thread must not keep the process alive.
    runtime.shutdown_background();
    exit
}

/// The log settings of the environment: those of the container images, and `DOVETAIL_LOG_FORMAT`.
fn log_config() -> Result<LogConfig, String> {
    let variable = |name: &str| std::env::var(name).ok();
    let mut config = LogConfig::from_env(variable).map_err(|error| error.to_string())?;
    config.format = match variable("DOVETAIL_LOG_FORMAT").as_deref() {
        None | Some("" | "text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => {
            return Err(format!(
                "DOVETAIL_LOG_FORMAT has '{other}'; write text or json"
            ));
        }
    };
    Ok(config)
}

/// The settings of a worker out of its file and the environment, with the values of config providers.
async fn worker_config(mode: WorkerMode, file: Option<&Path>) -> Result<WorkerConfig> {
    let mut settings = match file {
        Some(file) => config_file::worker_settings(file)
            .map_err(|error| ConnectError::config(error.to_string()))?,
        None => ConfigMap::new(),
    };
    // Variables that are not UTF-8 are none of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let from_environment = environment::settings(variables, file.is_some());
    if file.is_none() && from_environment.is_empty() {
        return Err(ConnectError::config(
            "There are no settings: name a file, or set CONNECT_BOOTSTRAP_SERVERS, \
             CONNECT_GROUP_ID and so on",
        ));
    }
    settings.extend(&from_environment);
    let settings = ConfigTransformer::transform_worker_settings(&settings).await?;
    WorkerConfig::new(mode, settings)
}

async fn run_until_stopped(
    mode: WorkerMode,
    file: Option<&Path>,
    connectors: &[PathBuf],
    levels: LogLevels,
) -> Exit {
    let mut signals = match StopSignals::new() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!("Cannot listen for signals: {error}");
            return Exit::Startup;
        }
    };
    let started = async { wiring::start(worker_config(mode, file).await?, levels).await };
    let mut worker = match started.await {
        Ok(worker) => worker,
        Err(error) => {
            tracing::error!("Stopping due to error\n{}", error.trace().trim_end());
            return Exit::Startup;
        }
    };
    let exit = tokio::select! {
        () = signals.received() => Exit::Success,
        exit = run_connectors(&mut worker, connectors) => exit,
    };
    if exit == Exit::FAILURE {
        return exit;
    }
    tokio::select! {
        () = worker.stop() => exit,
        () = signals.received() => {
            tracing::warn!("A second signal: ending at once; what is not committed is done again");
            Exit::Interrupted
        }
    }
}

/// Starts the connectors, then waits until the worker fails.
async fn run_connectors(worker: &mut RunningWorker, connectors: &[PathBuf]) -> Exit {
    let herder = worker.herder();
    for path in connectors {
        let started = tokio::select! {
            started = start_connector(&*herder, path) => started,
            error = worker.failed() => return failure(&error),
        };
        if let Err(error) = started {
            tracing::error!("Failed to create connector for {}: {error}", path.display());
            return Exit::Connector;
        }
    }
    failure(&worker.failed().await)
}

fn failure(error: &ConnectError) -> Exit {
    tracing::error!(
        "Uncaught exception in herder work thread, exiting:\n{}",
        error.trace().trim_end()
    );
    Exit::FAILURE
}

async fn start_connector(herder: &dyn connect_herder::Herder, path: &Path) -> Result<(), String> {
    let ConnectorFile {
        name,
        config,
        initial_state,
        oddities,
        ..
    } = connector_file::read(path).map_err(|error| error.to_string())?;
    for oddity in oddities {
        tracing::warn!(
            connector = name,
            "{}:{}: {}: {}",
            path.display(),
            oddity.place,
            oddity.key,
            oddity.message
        );
    }
    let created = herder
        .put_connector_config(&name, config, initial_state, false)
        .await;
    let created = created.map_err(|error| error.to_string())?;
    tracing::info!("Created connector {}", created.result.name);
    Ok(())
}

/// The signals that ask a worker to stop.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From here on the process no longer ends by itself on these signals.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
