//! Offsets of sinks and sources over fakes of the cluster and the store.

use super::sink::{OFFSET_KEY, PARTITION_KEY, TOPIC_KEY};
use super::*;
use crate::face::HerderErrorKind;
use crate::host::{KafkaClients, LocalHostConfig, TaskFencing};
use crate::validation::tests::plugins;
use crate::worker_config::{WorkerConfig, WorkerMode};
use async_trait::async_trait;
use connect_api::{Result, SystemClock};
use connect_kafka::admin::{AdminError, FakeAdmin};
use connect_kafka::client_config::ClientProperties;
use connect_kafka::consumer::{SinkConsumer, Subscription};
use connect_kafka::error::ErrorCode;
use connect_kafka::log::{CompactedLog, KafkaLogConfig, MemoryLog, MemoryTopic};
use connect_kafka::producer::{Producer, TransactionalProducer};
use connect_store::{MemoryOffsetStore, MemoryStatusStore};
use connect_telemetry::metrics::{Metrics, MetricsConfig};
use futures::FutureExt;
use std::collections::BTreeMap;

/// The clients of a cluster that only the admin of a test knows.
struct FakeClients(Arc<FakeAdmin>);

#[async_trait]
impl KafkaClients for FakeClients {
    async fn consumer(
        &self,
        _properties: ClientProperties,
        _subscription: Subscription,
    ) -> Result<Box<dyn SinkConsumer>> {
        Err(ConnectError::fatal("no task runs here"))
    }

    async fn producer(&self, _properties: ClientProperties) -> Result<Box<dyn Producer>> {
        Err(ConnectError::fatal("no task runs here"))
    }

    fn transactional_producer(
        &self,
        _properties: &ClientProperties,
    ) -> Result<Box<dyn TransactionalProducer>> {
        Err(ConnectError::fatal("no task runs here"))
    }

    fn admin(&self, _properties: &ClientProperties) -> Result<Arc<dyn Admin>> {
        Ok(self.0.clone())
    }

    fn log(&self, config: KafkaLogConfig) -> Arc<dyn CompactedLog> {
        Arc::new(MemoryLog::new(&MemoryTopic::new(&config.topic, 1)))
    }

    async fn fence_producers(
        &self,
        _properties: &ClientProperties,
        _transactional_ids: &[String],
        _timeout: std::time::Duration,
    ) -> Result<()> {
        Ok(())
    }
}

struct NoFencing;

#[async_trait]
impl TaskFencing for NoFencing {
    async fn fence_zombies(&self, _connector: &str) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _task: &connect_store::ConnectorTaskId, _generation: i32) -> Result<()> {
        Ok(())
    }
}

struct World {
    host: LocalHost,
    admin: Arc<FakeAdmin>,
}

impl World {
    /// A cluster with topic `t` of two partitions.
    async fn new() -> Self {
        let settings: ConfigMap = [
            ("bootstrap.servers", "h:1"),
            ("key.converter", "JsonConverter"),
            ("value.converter", "JsonConverter"),
            ("offset.storage.file.filename", "/tmp/o"),
        ]
        .into_iter()
        .collect();
        let admin = Arc::new(FakeAdmin::new());
        admin.add_topic("t", 2, BTreeMap::new());
        let offsets: Arc<dyn OffsetStore> = Arc::new(MemoryOffsetStore::new());
        offsets.start().await.unwrap();
        let clock = Arc::new(SystemClock::new(|duration| {
            tokio::time::sleep(duration).boxed()
        }));
        let (host, ..) = LocalHost::new(
            LocalHostConfig {
                worker: Arc::new(WorkerConfig::new(WorkerMode::Standalone, settings).unwrap()),
                bootstrap_servers: "h:1".to_string(),
                client_properties: ClientProperties::default(),
                worker_id: "w:8083".to_string(),
                fencing: Arc::new(NoFencing),
            },
            Box::leak(Box::new(plugins())),
            Arc::new(FakeClients(admin.clone())),
            offsets,
            Arc::new(MemoryStatusStore::new()),
            clock.clone(),
            Arc::new(Metrics::new(clock, MetricsConfig::default())),
        );
        Self { host, admin }
    }

    fn config(&self, connector: &str) -> ConfigMap {
        let class = match connector {
            "source" => "FileStreamSource",
            _ => "FileStreamSink",
        };
        [
            ("connector.class", class),
            ("file", "/tmp/f"),
            ("topic", "t"),
        ]
        .into_iter()
        .collect()
    }

    async fn change(&self, connector: &str, change: OffsetChange) -> HerderResult<String> {
        let config = self.config(connector);
        self.host.change_offsets(connector, &config, change).await
    }

    async fn alter(&self, connector: &str, offsets: &[(Json, Json)]) -> HerderResult<String> {
        let offsets = offsets.iter().map(|(partition, offset)| ConnectorOffset {
            partition: map(partition),
            offset: map(offset),
        });
        let change = OffsetChange::Alter(offsets.collect());
        self.change(connector, change).await
    }

    /// The stored offsets as Java prints them.
    async fn stored(&self, connector: &str) -> Vec<String> {
        let config = self.config(connector);
        let stored = self.host.stored_offsets(connector, &config).await;
        let texts = stored.unwrap().into_iter().map(|one| {
            let (partition, offset) = (one.partition.unwrap(), one.offset.unwrap());
            format!("{partition} {offset}")
        });
        texts.collect()
    }
}

type Json = Option<Vec<(&'static str, Value)>>;

fn map(json: &Json) -> Option<Map> {
    let fields = json.clone()?;
    Some(fields.into_iter().collect())
}

fn sink(topic: impl Into<Value>, partition: impl Into<Value>) -> Json {
    Some(vec![
        (TOPIC_KEY, topic.into()),
        (PARTITION_KEY, partition.into()),
    ])
}

fn at(offset: impl Into<Value>) -> Json {
    Some(vec![(OFFSET_KEY, offset.into())])
}

const ALTERED: &str = "The offsets for this connector have been altered successfully";
const RESET: &str = "The offsets for this connector have been reset successfully";

#[tokio::test]
async fn offsets_of_a_sink_are_those_of_its_group() {
    let world = World::new().await;
    let text = |text: &str| Value::string(text);
    let offsets = [
        (sink(text("t"), 0i64), at(5i64)),
        (sink(text("t"), text("1")), at(text("+7"))),
        // The last one of a partition counts.
        (sink(text("t"), 0i64), at(3i64)),
    ];
    assert_eq!(world.alter("s", &offsets).await.as_deref(), Ok(ALTERED));
    let stored = [
        "{kafka_partition=0, kafka_topic=t} {kafka_offset=3}",
        "{kafka_partition=1, kafka_topic=t} {kafka_offset=7}",
    ];
    assert_eq!(world.stored("s").await, stored);
    let group = world.admin.list_consumer_group_offsets("connect-s").await;
    assert_eq!(group.unwrap().len(), 2);
    let forget = [(sink(text("t"), 0i64), None)];
    assert_eq!(world.alter("s", &forget).await.as_deref(), Ok(ALTERED));
    assert_eq!(world.stored("s").await, stored[1..]);
    for _ in 0..2 {
        let reset = world.change("s", OffsetChange::Reset).await;
        assert_eq!(reset.as_deref(), Ok(RESET));
        assert!(world.stored("s").await.is_empty());
    }
}

#[tokio::test]
async fn a_group_of_its_own_is_changed() {
    let world = World::new().await;
    let mut config = world.config("s");
    config.insert("consumer.override.group.id", " mine ");
    let offset = ConnectorOffset {
        partition: map(&sink(Value::string("t"), 0i64)),
        offset: map(&at(1i64)),
    };
    let change = OffsetChange::Alter(vec![offset]);
    world
        .host
        .change_offsets("s", &config, change)
        .await
        .unwrap();
    let group = world.admin.list_consumer_group_offsets("mine").await;
    assert_eq!(group.unwrap().len(), 1);
}

#[tokio::test]
async fn faulty_offsets_of_a_sink_are_refused_in_the_words_of_the_jvm() {
    let world = World::new().await;
    let text = |text: &str| Value::string(text);
    let cases: Vec<(Json, Json, &str)> = vec![
        (
            None,
            at(1i64),
            "The partition for a sink connector offset cannot be null or missing",
        ),
        (
            Some(vec![(TOPIC_KEY, text("t"))]),
            at(1i64),
            "The partition for a sink connector offset must contain the keys 'kafka_topic' and \
             'kafka_partition'",
        ),
        (
            sink(Value::Null, 0i64),
            at(1i64),
            "Kafka topic names must be valid strings and may not be null",
        ),
        (
            sink(text("t"), Value::Null),
            at(1i64),
            "Kafka partitions must be valid numbers and may not be null",
        ),
        (
            sink(text("t"), text("x")),
            at(1i64),
            "Failed to parse the following Kafka partition value in the provided offsets: 'x'. \
             Partition values for sink connectors need to be integers.",
        ),
        (
            sink(text("t"), 1.0f64),
            at(1i64),
            "Failed to parse the following Kafka partition value in the provided offsets: '1.0'. \
             Partition values for sink connectors need to be integers.",
        ),
        (
            sink(text("t"), 0i64),
            Some(Vec::new()),
            "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
        ),
        (
            sink(text("t"), 0i64),
            at(Value::Null),
            "Failed to parse the following Kafka offset value in the provided offsets: 'null'. \
             Offset values for sink connectors need to be integers.",
        ),
    ];
    for (partition, offset, message) in cases {
        let refused = world.alter("s", &[(partition, offset)]).await.unwrap_err();
        assert_eq!(refused, HerderError::bad_request(message));
    }
    let failures = [
        (
            sink(text("t"), 2i64),
            at(1i64),
            "Failed to alter consumer group offsets for connector s",
        ),
        (
            sink(text("t"), -1i64),
            at(1i64),
            "Failed to alter consumer group offsets for connector s",
        ),
        (
            sink(text("none"), 0i64),
            None,
            "Failed to alter consumer group offsets for connector s",
        ),
        (
            sink(text("t"), 0i64),
            at(-1i64),
            "Failed to modify offsets for sink connector s",
        ),
    ];
    for (partition, offset, message) in failures {
        let good = (sink(text("t"), 1i64), at(1i64));
        let failed = world.alter("s", &[good, (partition, offset)]).await;
        assert_eq!(failed, Err(HerderError::internal(message)));
        assert!(world.stored("s").await.is_empty(), "all or nothing");
    }
}

#[tokio::test]
async fn a_group_with_members_is_told_of() {
    let world = World::new().await;
    let in_use = |code| AdminError::GroupInUse {
        operation: "x".to_string(),
        code,
    };
    world.admin.fail_next(
        "alter_consumer_group_offsets",
        in_use(ErrorCode::UNKNOWN_MEMBER_ID),
    );
    let offset = (sink(Value::string("t"), 0i64), at(1i64));
    let error = world.alter("s", &[offset]).await.unwrap_err();
    assert_eq!(error.kind, HerderErrorKind::Internal);
    assert!(
        error.message.starts_with(
            "Failed to alter consumer group offsets for connector s either because its tasks \
             haven't stopped completely yet or the connector was resumed before the request to \
             alter its offsets could be successfully completed."
        ),
        "{error}"
    );
    let code = ErrorCode::NON_EMPTY_GROUP;
    world.admin.fail_next("delete_consumer_group", in_use(code));
    let error = world.change("s", OffsetChange::Reset).await.unwrap_err();
    assert!(
        error
            .message
            .starts_with("Failed to reset consumer group offsets"),
        "{error}"
    );
    assert!(
        error
            .message
            .contains("the request to reset its offsets could be"),
        "{error}"
    );
    world
        .admin
        .fail_next("delete_consumer_group", unavailable());
    let error = world.change("s", OffsetChange::Reset).await.unwrap_err();
    assert_eq!(
        error.message,
        "Failed to reset consumer group offsets for sink connector s"
    );
    world
        .admin
        .fail_next("list_consumer_group_offsets", unavailable());
    let error = world.change("s", OffsetChange::Reset).await.unwrap_err();
    assert_eq!(
        error.message,
        "Failed to list offsets prior to resetting offsets for sink connector s"
    );
}

fn unavailable() -> AdminError {
    AdminError::Failed {
        operation: "x".to_string(),
        code: ErrorCode::FAIL,
    }
}

#[tokio::test]
async fn offsets_of_a_source_are_those_of_the_store() {
    let world = World::new().await;
    let file = |name: &str| Some(vec![("filename", Value::string(name))]);
    let position = |position: i64| Some(vec![("position", Value::Int64(position))]);
    let offsets = [
        (file("/a"), position(1)),
        (file("/b"), position(2)),
        (file("/a"), position(3)),
    ];
    assert_eq!(
        world.alter("source", &offsets).await.as_deref(),
        Ok(ALTERED)
    );
    let mut stored = world.stored("source").await;
    stored.sort();
    assert_eq!(
        stored,
        ["{filename=/a} {position=3}", "{filename=/b} {position=2}"]
    );
    let forgotten = world.alter("source", &[(file("/b"), None)]).await;
    assert_eq!(forgotten.as_deref(), Ok(ALTERED));
    assert_eq!(world.stored("source").await, ["{filename=/a} {position=3}"]);
    for _ in 0..2 {
        let reset = world.change("source", OffsetChange::Reset).await;
        assert_eq!(reset.as_deref(), Ok(RESET));
        assert!(world.stored("source").await.is_empty());
    }
}

#[tokio::test]
async fn what_a_source_refuses_is_answered_in_its_words() {
    let world = World::new().await;
    let file = Some(vec![("filename", Value::string("/a"))]);
    let refused = [
        (
            Some(vec![("position", Value::Int64(-1))]),
            "The value for the 'position' key in the offset should be a non-negative value",
        ),
        (
            Some(vec![("position", Value::Array(Vec::new()))]),
            "Offsets may only contain primitive types as values, but field position contains ARRAY",
        ),
        (
            Some(vec![(
                "position",
                "99999999999999999999"
                    .parse::<connect_api::data::Decimal>()
                    .unwrap()
                    .into(),
            )]),
            "Offsets may only contain primitive types as values, but field position contains class \
             java.math.BigInteger",
        ),
    ];
    for (offset, message) in refused {
        let error = world.alter("source", &[(file.clone(), offset)]).await;
        assert_eq!(error, Err(HerderError::internal(message)));
    }
    assert!(world.stored("source").await.is_empty());
}

#[test]
fn connectors_that_refuse_are_told_apart() {
    let subject = Subject {
        connector: "c",
        kind: "source",
    };
    let message = |error: &ConnectError| subject.refused(error).message;
    let error = ConnectError::fatal("no").with_class(UNSUPPORTED_OPERATION);
    assert_eq!(
        message(&error),
        "Failed to modify offsets for connector c because it doesn't support external modification \
         of offsets"
    );
    assert_eq!(message(&ConnectError::fatal("own words")), "own words");
    let error = ConnectError::fatal("s3cret").with_class("java.lang.NullPointerException");
    assert_eq!(
        message(&error),
        "Failed to modify offsets for source connector c"
    );
    let alter = OffsetChange::Alter(Vec::new());
    assert!(alter.success(false).starts_with(
        "The Connect framework-managed offsets for this connector have been altered successfully. \
         However, if this connector manages offsets externally, they will need to be manually \
         altered in the system that the connector uses."
    ));
}
