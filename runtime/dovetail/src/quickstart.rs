//! `dovetail quickstart`: a broker, object storage, a worker and real records in one process.

mod display;
mod flows;
mod progress;
mod servers;

use crate::exit::Exit;
use crate::run::{self, StopSignals};
use crate::wiring::{self, RunningWorker};
use crate::worker_api::{Retries, WorkerApi};
use clap::Args;
use connect_api::config::ConfigMap;
use connect_herder::{WorkerConfig, WorkerMode};
use connect_kafka::mock::MockCluster;
use connect_telemetry::logging::{self, Level, LogConfig, LogLevels};
use display::Display;
use flows::Flow;
use progress::Progress;
use servers::ObjectStorage;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

/// How many ports are tried when the wanted one is taken.
const MAX_PORTS_TRIED: u16 = 20;
/// How often a terminal shows the present numbers.
const LIVE_INTERVAL: Duration = Duration::from_millis(500);
/// How often a log file or a pipe does.
const PLAIN_INTERVAL: Duration = Duration::from_secs(2);

/// How long the worker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);
/// The worker may be joining its group, which takes the embedded broker some seconds.
const CREATE_RETRIES: Retries = Retries {
    first_delay: Duration::from_millis(500),
    max_delay: Duration::from_millis(500),
    give_up_after: Duration::from_secs(15),
};

/// What to show.
#[derive(Args)]
pub struct Options {
    /// Move your own JSON lines instead of the flights and airports
    #[arg(long)]
    input: Option<PathBuf>,
    /// The port of the REST API; the next free one if it is taken
    #[arg(long, default_value_t = 8083)]
    port: u16,
    /// Where input and objects are kept [default: a new folder for temporary files]
    #[arg(long)]
    data: Option<PathBuf>,
    /// End when all input is in objects
    #[arg(long)]
    once: bool,
}

/// Runs until all is done or somebody stops it.
pub fn run(options: Options) -> Exit {
    let variable = |name: &str| std::env::var(name).ok();
    let logs = match LogConfig::from_env(variable) {
        // The screen is for what flows; what is wrong comes through all the same.
        Ok(logs) if variable("CONNECT_LOG4J_ROOT_LOGLEVEL").is_none() => LogConfig {
            root: Level::Warn,
            ..logs
        },
        Ok(logs) => logs,
        Err(error) => return failed(Exit::Startup, &error.to_string()),
    };
    let levels = match logging::init(&logs) {
        Ok(levels) => levels,
        Err(error) => return failed(Exit::Startup, &error.to_string()),
    };
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(Exit::Startup, &format!("cannot start threads: {error}")),
    };
    let exit = match runtime.block_on(run_until_done(options, levels)) {
        Ok(()) => Exit::Success,
        Err((exit, error)) => failed(exit, &error),
    };
    runtime.shutdown_background();
    exit
}

fn failed(exit: Exit, error: &str) -> Exit {
    eprintln!("dovetail: {error}");
    exit
}

type Failure = (Exit, String);

fn at_start(error: impl std::fmt::Display) -> Failure {
    (Exit::Startup, error.to_string())
}

async fn run_until_done(options: Options, levels: LogLevels) -> Result<(), Failure> {
    let mut signals = StopSignals::new().map_err(at_start)?;
    let folder = flows::folder(options.data.as_deref()).map_err(at_start)?;
    let flows = flows::flows(&folder, options.input.as_deref()).map_err(at_start)?;
    let storage = ObjectStorage::start(&folder).await.map_err(at_start)?;
    let brokers = brokers(&flows).map_err(at_start)?;
    let port = free_port(options.port).map_err(at_start)?;
    let settings = worker_settings(&brokers.bootstrap_servers(), port);
    let config = WorkerConfig::new(WorkerMode::Distributed, settings).map_err(at_start)?;
    let mut worker = wiring::start(config, levels).await.map_err(at_start)?;
    let creator = WorkerApi::of_own_worker(worker.url(), ANSWER_TIMEOUT, CREATE_RETRIES);
    let creator = creator.map_err(at_start)?;
    let rest = WorkerApi::of_own_worker(worker.url(), ANSWER_TIMEOUT, Retries::NONE);
    let rest = rest.map_err(at_start)?;
    let mut display = Display::new(options.once);
    if port != options.port {
        display.say(&format!(
            "Port {} is taken, so the REST API is on port {port}",
            options.port
        ));
    }
    display.introduce(worker.url(), &brokers.bootstrap_servers(), &storage, &flows);
    let moved = tokio::select! {
        () = signals.received() => Ok(()),
        error = worker.failed() => Err((Exit::FAILURE, error.to_string())),
        moved = async {
            create_all(&creator, &storage, &flows).await?;
            move_all(&rest, &storage, &flows, &mut display, options.once).await
        } => moved.map_err(|error| (Exit::FAILURE, error)),
    };
    stop(worker, &mut signals).await;
    drop(brokers);
    display.say(&format!(
        "The objects stay in {}; what was in the broker is gone",
        storage.bucket_folder().display()
    ));
    moved
}

async fn stop(worker: RunningWorker, signals: &mut StopSignals) {
    tokio::select! {
        () = worker.stop() => {}
        () = signals.received() => {}
    }
}

/// Creates the connectors.
async fn create_all(
    rest: &WorkerApi,
    storage: &ObjectStorage,
    flows: &[Flow],
) -> Result<(), String> {
    for connector in flows.iter().flat_map(|flow| flow.connectors(storage.url())) {
        let created = rest.post(&["connectors"], &connector.body()).await;
        created.map_err(|error| format!("Cannot create {}: {error}", connector.name))?;
    }
    Ok(())
}

/// Shows what the connectors do; returns when all is done, if it may.
async fn move_all(
    rest: &WorkerApi,
    storage: &ObjectStorage,
    flows: &[Flow],
    display: &mut Display,
    once: bool,
) -> Result<(), String> {
    let interval = if display.is_live() {
        LIVE_INTERVAL
    } else {
        PLAIN_INTERVAL
    };
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut progress = Progress::new(flows);
    let mut is_done = false;
    loop {
        ticks.tick().await;
        progress.look(rest, storage).await?;
        display.show(&progress);
        if progress.is_done() && !is_done {
            is_done = true;
            display.tell_done(&progress, rest.url());
            if once {
                return Ok(());
            }
        }
    }
}

/// The embedded brokers with the topics, which they cannot create on request.
fn brokers(flows: &[Flow]) -> Result<MockCluster, connect_kafka::mock::MockClusterError> {
    let brokers = MockCluster::start(1)?;
    for topic in [CONFIG_TOPIC, OFFSET_TOPIC, STATUS_TOPIC] {
        brokers.create_topic(topic, 1, 1)?;
    }
    for flow in flows {
        brokers.create_topic(flow.topic(), 2, 1)?;
    }
    Ok(brokers)
}

const CONFIG_TOPIC: &str = "quickstart-configs";
const OFFSET_TOPIC: &str = "quickstart-offsets";
const STATUS_TOPIC: &str = "quickstart-status";

fn worker_settings(bootstrap_servers: &str, port: u16) -> ConfigMap {
    const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";
    let listener = format!("http://127.0.0.1:{port}");
    ConfigMap::from_iter([
        ("bootstrap.servers", bootstrap_servers),
        ("group.id", "quickstart"),
        ("config.storage.topic", CONFIG_TOPIC),
        ("offset.storage.topic", OFFSET_TOPIC),
        ("status.storage.topic", STATUS_TOPIC),
        ("config.storage.replication.factor", "1"),
        ("offset.storage.replication.factor", "1"),
        ("status.storage.replication.factor", "1"),
        ("key.converter", JSON_CONVERTER),
        ("value.converter", JSON_CONVERTER),
        ("key.converter.schemas.enable", "false"),
        ("value.converter.schemas.enable", "false"),
        ("offset.flush.interval.ms", "1000"),
        // The embedded broker takes nearly the session timeout for each rebalance.
        ("session.timeout.ms", "1500"),
        ("heartbeat.interval.ms", "300"),
        // It keeps a fetch waiting to the end, also when records have come meanwhile.
        ("fetch.max.wait.ms", "50"),
        ("consumer.fetch.max.wait.ms", "50"),
        ("listeners", &listener),
    ])
}

/// The wanted port or the next one that is free.
fn free_port(wanted: u16) -> Result<u16, String> {
    (wanted..=wanted.saturating_add(MAX_PORTS_TRIED))
        .find_map(|port| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
            Some(listener.local_addr().ok()?.port())
        })
        .ok_or_else(|| {
            format!(
                "The ports {wanted} to {} are taken; choose another by --port",
                wanted.saturating_add(MAX_PORTS_TRIED)
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free_port(port).unwrap(), port);
        assert_ne!(free_port(0).unwrap(), 0);
    }

    #[test]
    fn the_settings_of_the_worker_have_neither_faults_nor_warnings() {
        let settings = worker_settings("127.0.0.1:1", 8083);
        let config = WorkerConfig::new(WorkerMode::Distributed, settings).unwrap();
        assert_eq!(config.warnings(), [""; 0]);
        assert_eq!(config.advertised(&[]).url, "http://127.0.0.1:8083/");
    }
}
