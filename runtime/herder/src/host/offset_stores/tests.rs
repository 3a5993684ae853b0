//! Which offsets a source has, and with which clients.

use super::*;
use crate::host::{KafkaClients, LocalHostConfig, TaskFencing};
use crate::validation::tests::plugins;
use crate::worker_config::WorkerConfig;
use connect_api::data::Map;
use connect_api::{ConnectError, SystemClock};
use connect_kafka::admin::FakeAdmin;
use connect_kafka::consumer::{SinkConsumer, Subscription};
use connect_kafka::log::{CompactedLog, MemoryLog, MemoryTopic};
use connect_kafka::producer::{FakeTransactions, Producer, TransactionalProducer};
use connect_store::{ConnectorOffsets, MemoryOffsetStore, MemoryStatusStore};
use connect_telemetry::metrics::{Metrics, MetricsConfig};
use futures::FutureExt;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Remembers with which settings clients were made.
struct Cluster {
    admin: Arc<FakeAdmin>,
    topics: Mutex<BTreeMap<String, Arc<MemoryTopic>>>,
    logs: Mutex<Vec<KafkaLogConfig>>,
    admins: Mutex<Vec<ClientProperties>>,
    fenced: Mutex<Vec<String>>,
    transactions: FakeTransactions,
}

#[async_trait]
impl KafkaClients for Cluster {
    async fn consumer(
        &self,
        _: ClientProperties,
        _: Subscription,
    ) -> Result<Box<dyn SinkConsumer>> {
        Err(ConnectError::fatal("no task runs here"))
    }

    async fn producer(&self, _: ClientProperties) -> Result<Box<dyn Producer>> {
        Err(ConnectError::fatal("no task runs here"))
    }

    fn transactional_producer(
        &self,
        properties: &ClientProperties,
    ) -> Result<Box<dyn TransactionalProducer>> {
        let id = properties.get("transactional.id").unwrap_or_default();
        Ok(Box::new(self.transactions.producer(id).0))
    }

    fn admin(&self, properties: &ClientProperties) -> Result<Arc<dyn Admin>> {
        self.admins.lock().unwrap().push(properties.clone());
        Ok(self.admin.clone())
    }

    fn log(&self, config: KafkaLogConfig) -> Arc<dyn CompactedLog> {
        let mut topics = self.topics.lock().unwrap();
        let topic = topics
            .entry(config.topic.clone())
            .or_insert_with(|| MemoryTopic::new(&config.topic, 1));
        let log = Arc::new(MemoryLog::new(topic));
        self.logs.lock().unwrap().push(config);
        log
    }

    async fn fence_producers(
        &self,
        properties: &ClientProperties,
        transactional_ids: &[String],
        _timeout: Duration,
    ) -> Result<()> {
        self.admins.lock().unwrap().push(properties.clone());
        let mut fenced = self.fenced.lock().unwrap();
        fenced.extend(transactional_ids.iter().cloned());
        Ok(())
    }
}

struct NoFencing;

#[async_trait]
impl TaskFencing for NoFencing {
    async fn fence_zombies(&self, _connector: &str) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _task: &ConnectorTaskId, _generation: i32) -> Result<()> {
        Ok(())
    }
}

struct World {
    host: LocalHost,
    cluster: Arc<Cluster>,
    worker_store: Arc<dyn OffsetStore>,
}

fn world(settings: &[(&str, &str)]) -> World {
    let mut all: ConfigMap = [
        ("bootstrap.servers", "a:1,b:2"),
        ("group.id", "g"),
        ("key.converter", "JsonConverter"),
        ("value.converter", "JsonConverter"),
        ("config.storage.topic", "configs"),
        ("offset.storage.topic", "offsets"),
        ("offset.storage.partitions", "7"),
        ("status.storage.topic", "statuses"),
    ]
    .into_iter()
    .collect();
    for (key, value) in settings {
        all.insert(*key, *value);
    }
    let cluster = Arc::new(Cluster {
        admin: Arc::new(FakeAdmin::new()),
        topics: Mutex::default(),
        logs: Mutex::default(),
        admins: Mutex::default(),
        fenced: Mutex::default(),
        transactions: FakeTransactions::new(),
    });
    let worker_store: Arc<dyn OffsetStore> = Arc::new(MemoryOffsetStore::new());
    let clock = Arc::new(SystemClock::new(|duration| {
        tokio::time::sleep(duration).boxed()
    }));
    let (host, ..) = LocalHost::new(
        LocalHostConfig {
            worker: Arc::new(WorkerConfig::new(WorkerMode::Distributed, all).unwrap()),
            bootstrap_servers: "a:1,b:2".to_string(),
            client_properties: ClientProperties::default(),
            worker_id: "w:8083".to_string(),
            fencing: Arc::new(NoFencing),
        },
        Box::leak(Box::new(plugins())),
        cluster.clone(),
        worker_store.clone(),
        Arc::new(MemoryStatusStore::new()),
        clock.clone(),
        Arc::new(Metrics::new(clock, MetricsConfig::default())),
    );
    World {
        host,
        cluster,
        worker_store,
    }
}

fn connector(settings: &[(&str, &str)]) -> ConfigMap {
    settings.iter().copied().collect()
}

fn task() -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "c".into(),
        task: 1,
    }
}

const EXACTLY_ONCE: (&str, &str) = ("exactly.once.source.support", "enabled");
const OWN: (&str, &str) = ("offsets.storage.topic", "own");
const SAME: (&str, &str) = ("offsets.storage.topic", "offsets");

#[test]
fn the_stores_are_chosen_as_in_java() {
    // Whether the store is the task's own, its topic, whether the worker's store is behind it, and
    // whether the log writes.
    type Settings<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Settings<'_>, Settings<'_>, _); 7] = [
        (&[], &[], (false, "offsets", false, None)),
        (&[], &[OWN], (true, "own", true, Some(true))),
        (&[], &[SAME], (true, "offsets", false, Some(true))),
        (&[EXACTLY_ONCE], &[], (true, "offsets", false, Some(false))),
        (&[EXACTLY_ONCE], &[OWN], (true, "own", true, Some(false))),
        (
            &[EXACTLY_ONCE],
            &[("producer.override.bootstrap.servers", "b:2, a:1")],
            (true, "offsets", false, Some(false)),
        ),
        (
            &[EXACTLY_ONCE],
            &[("producer.override.bootstrap.servers", "elsewhere:1")],
            (true, "offsets", true, Some(false)),
        ),
    ];
    for (worker, config, expected) in cases {
        let world = world(worker);
        let offsets = world
            .host
            .task_offsets(&task(), &connector(config))
            .unwrap();
        let log = world.cluster.logs.lock().unwrap().pop();
        let found = (
            offsets.is_own,
            offsets.topic.as_str(),
            offsets.worker_store.is_some(),
            log.as_ref().map(|log| log.producer.is_some()),
        );
        assert_eq!(found, expected, "{worker:?} {config:?}");
        if let Some(log) = log {
            assert_eq!(log.topic, offsets.topic);
            assert_eq!(log.consumer.get("isolation.level"), Some("read_committed"));
            assert_eq!(
                log.consumer.get("client.id"),
                Some("connector-consumer-c-1")
            );
        }
    }
}

#[test]
fn the_connectors_own_settings_are_heeded() {
    let settings = [
        OWN,
        ("consumer.override.isolation.level", "read_uncommitted"),
        ("consumer.override.client.rack", "r"),
        ("producer.override.linger.ms", "7"),
        ("admin.override.retries", "3"),
    ];
    for (worker, isolation) in [
        (&[][..], "read_uncommitted"),
        (&[EXACTLY_ONCE][..], "read_committed"),
    ] {
        let world = world(worker);
        world
            .host
            .connector_offsets("c", &connector(&settings))
            .unwrap();
        let log = world.cluster.logs.lock().unwrap().pop().unwrap();
        assert_eq!(log.consumer.get("isolation.level"), Some(isolation));
        assert_eq!(log.consumer.get("client.rack"), Some("r"));
        if let Some(producer) = log.producer {
            assert_eq!(producer.get("linger.ms"), Some("7"));
        }
        let admin = world.cluster.admins.lock().unwrap().pop().unwrap();
        assert_eq!(admin.get("retries"), Some("3"));
    }
}

#[tokio::test]
async fn the_own_topic_is_made_like_the_workers_and_has_the_last_word() {
    let world = world(&[]);
    let offsets = world
        .host
        .task_offsets(&task(), &connector(&[OWN]))
        .unwrap();
    let partition: Map = [("file", "a")].into_iter().collect();
    let offset = |number: i64| -> Map { [("o", number)].into_iter().collect() };
    let behind = ConnectorOffsets::new("c", world.worker_store.clone());
    let change = |number| [(Some(partition.clone()), Some(offset(number)))];
    behind.alter(&change(1)).await.unwrap();
    offsets.store.start().await.unwrap();
    let topic = world.cluster.admin.describe_topic("own").await.unwrap();
    assert_eq!(topic.map(|topic| topic.num_partitions), Some(7));
    let own = ConnectorOffsets::new("c", offsets.store.clone());
    assert_eq!(own.list().await.unwrap(), [(partition.clone(), offset(1))]);
    own.alter(&change(2)).await.unwrap();
    behind.alter(&change(3)).await.unwrap();
    assert_eq!(own.list().await.unwrap(), [(partition.clone(), offset(2))]);
    offsets.store.stop().await;
}

#[tokio::test]
async fn a_change_of_offsets_is_a_transaction_of_the_first_task() {
    let world = world(&[EXACTLY_ONCE]);
    let (mut zombie, _) = world.cluster.transactions.producer("g-c-0");
    zombie.init_transactions(Duration::ZERO).await.unwrap();
    let offsets = world.host.connector_offsets("c", &connector(&[])).unwrap();
    offsets.store.start().await.unwrap();
    let partition: Map = [("file", "a")].into_iter().collect();
    ConnectorOffsets::new("c", offsets.store.clone())
        .alter(&[(Some(partition), Some(Map::new()))])
        .await
        .unwrap();
    let committed = world.cluster.transactions.committed();
    assert_eq!(committed.len(), 1);
    assert_eq!(committed[0].topic, "offsets");
    assert!(zombie.begin_transaction().is_err());
}

#[test]
fn a_task_gets_a_transactional_producer_whatever_the_user_says() {
    let world = world(&[EXACTLY_ONCE, ("producer.enable.idempotence", "false")]);
    let config = connector(&[("producer.override.transactional.id", "mine")]);
    let properties = world
        .host
        .transactional_producer_properties(&task(), &config);
    assert_eq!(properties.get("enable.idempotence"), Some("true"));
    assert_eq!(properties.get("transactional.id"), Some("g-c-1"));
    assert_eq!(properties.get("client.id"), Some("connector-producer-c-1"));
    assert_eq!(properties.get("acks"), Some("all"));
}

#[tokio::test]
async fn the_producers_of_all_tasks_are_fenced_with_the_connectors_rights() {
    let world = world(&[EXACTLY_ONCE]);
    let config = connector(&[("admin.override.client.id", "fencer")]);
    world
        .host
        .fence_task_producers("c", &config, 3)
        .await
        .unwrap();
    assert_eq!(
        *world.cluster.fenced.lock().unwrap(),
        ["g-c-0", "g-c-1", "g-c-2"]
    );
    let admin = world.cluster.admins.lock().unwrap().pop().unwrap();
    assert_eq!(admin.get("client.id"), Some("fencer"));
}
