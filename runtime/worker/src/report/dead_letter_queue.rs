//! The dead letter queue: a topic that takes what does not get through (`DeadLetterQueueReporter`).

mod writer;

use super::context_headers::{push_context, push_transform};
use super::source_json::source_record_json;
use super::{ConvertedRecord, Original};
use crate::chain::ConversionError;
use crate::source::ProducerFactory;
use crate::task::AbortOnDrop;
use crate::tolerance::is_true;
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_api::{ConnectError, ConnectorType, RawHeader, Result};
use connect_kafka::admin::{Admin, AdminError, NewTopic};
use connect_store::ConnectorTaskId;
use connect_telemetry::metrics::TaskMetrics;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use writer::Writer;

const REPLICATION_FACTOR_KEY: &str = "errors.deadletterqueue.topic.replication.factor";
const CONTEXT_HEADERS_KEY: &str = "errors.deadletterqueue.context.headers.enable";

const NUM_PARTITIONS: i32 = 1;
/// The loop takes on no further bad record while so many bytes wait for acknowledgement.
const IN_FLIGHT_BYTES_MAX: usize = 16 << 20;
/// What a dead letter takes besides its bytes, roughly, so that empty ones are bounded too.
const LETTER_OVERHEAD_BYTES: usize = 256;

/// The settings of a dead letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterQueueConfig {
    /// `errors.deadletterqueue.topic.name`.
    pub topic: String,
    /// `errors.deadletterqueue.topic.replication.factor`.
    pub replication_factor: i16,
    /// `errors.deadletterqueue.context.headers.enable`.
    pub context_headers: bool,
    /// `dovetail.errors.deadletterqueue.context.headers.transform.enable`.
    pub transform_headers: bool,
}

impl DeadLetterQueueConfig {
    /// Lets a source connector have a dead letter queue, under the names of a sink's settings. The JVM
    /// worker passes over those on sources, so alone they must not begin to create topics here.
    pub const SOURCE_ENABLE_CONFIG: &str = "dovetail.errors.deadletterqueue.source.enable";
    /// Adds headers with the aliases of the transform and predicate that failed.
    pub const TRANSFORM_HEADERS_ENABLE_CONFIG: &str =
        "dovetail.errors.deadletterqueue.context.headers.transform.enable";
    /// The name of the topic.
    pub const TOPIC_NAME_CONFIG: &str = "errors.deadletterqueue.topic.name";

    /// Reads the settings of a connector; `None` if it has no dead letter queue. A source has one only
    /// if it asks for that with `dovetail.errors.deadletterqueue.source.enable`.
    pub fn from_config(config: &ConfigMap, connector_type: ConnectorType) -> Result<Option<Self>> {
        if connector_type == ConnectorType::Source && !is_true(config, Self::SOURCE_ENABLE_CONFIG) {
            return Ok(None);
        }
        let topic = config
            .get(Self::TOPIC_NAME_CONFIG)
            .map(str::trim)
            .unwrap_or_default();
        if topic.is_empty() {
            return match connector_type {
                ConnectorType::Sink => Ok(None),
                ConnectorType::Source => Err(ConnectError::config(format!(
                    "{} is true, but {} does not name the topic",
                    Self::SOURCE_ENABLE_CONFIG,
                    Self::TOPIC_NAME_CONFIG
                ))),
            };
        }
        let replication_factor = match config.get(REPLICATION_FACTOR_KEY).map(str::trim) {
            None => 3,
            Some(text) => text.parse().map_err(|_| {
                ConnectError::config(format!(
                    "Invalid value {text} for configuration {REPLICATION_FACTOR_KEY}: Not a number \
                     of type SHORT"
                ))
            })?,
        };
        Ok(Some(Self {
            topic: topic.to_string(),
            replication_factor,
            context_headers: is_true(config, CONTEXT_HEADERS_KEY),
            transform_headers: is_true(config, Self::TRANSFORM_HEADERS_ENABLE_CONFIG),
        }))
    }
}

/// Everything that the dead letter queue of a task needs to run.
pub struct DeadLetterQueuePlan {
    /// Its settings.
    pub config: DeadLetterQueueConfig,
    /// Creates its topic.
    pub admin: Arc<dyn Admin>,
    /// Makes its producer.
    pub producer: ProducerFactory,
}

/// Hears once whether a dead letter is durable; of a letter that is lost on the way too.
pub(crate) struct Settle(Option<Box<dyn FnOnce(Result<()>) + Send>>);

impl Settle {
    pub(crate) fn new(hear: impl FnOnce(Result<()>) + Send + 'static) -> Self {
        Self(Some(Box::new(hear)))
    }

    /// Nobody listens.
    pub(crate) fn ignored() -> Self {
        Self(None)
    }

    pub(crate) fn settle(mut self, result: Result<()>) {
        if let Some(hear) = self.0.take() {
            hear(result);
        }
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        if let Some(hear) = self.0.take() {
            hear(Err(ConnectError::fatal(
                "the task ended before its dead letter was written",
            )));
        }
    }
}

/// A record of the dead letter queue.
pub(super) struct DeadLetter {
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<RawHeader>,
    timestamp_ms: Option<i64>,
    /// Where the record stands that it is of, for the log.
    place: String,
}

impl DeadLetter {
    /// The original bytes, headers and timestamp; of a source's record that was not converted its
    /// JSON.
    pub(super) fn new(
        task: &ConnectorTaskId,
        original: Original<'_>,
        failure: &ConversionError,
        config: &DeadLetterQueueConfig,
    ) -> Self {
        let place = original.to_string();
        let mut letter = match original {
            Original::Consumed(record) => Self {
                key: record.key.clone(),
                value: record.value.clone(),
                headers: record.headers.clone(),
                timestamp_ms: Some(record.timestamp_ms),
                place,
            },
            Original::Source {
                converted: Some(converted),
                ..
            }
            | Original::Converted(converted) => Self::of_converted(converted, place),
            Original::Source {
                record,
                converted: None,
            } => Self {
                key: None,
                value: Some(source_record_json(record)),
                headers: Vec::new(),
                timestamp_ms: record.record.timestamp,
                place,
            },
            // A queue keeps every original; what is unknown still leaves its context.
            Original::Unknown => Self {
                key: None,
                value: None,
                headers: Vec::new(),
                timestamp_ms: None,
                place,
            },
        };
        // A time before 1970 means none, and the producer would refuse it.
        letter.timestamp_ms = letter.timestamp_ms.filter(|timestamp| *timestamp >= 0);
        if config.context_headers {
            push_context(task, original, failure, &mut letter.headers);
        }
        if config.transform_headers {
            push_transform(failure, &mut letter.headers);
        }
        letter
    }

    fn of_converted(converted: &ConvertedRecord, place: String) -> Self {
        Self {
            key: converted.key.clone(),
            value: converted.value.clone(),
            headers: converted.headers.clone(),
            timestamp_ms: converted.timestamp_ms,
            place,
        }
    }

    fn num_bytes(&self) -> usize {
        let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers = self
            .headers
            .iter()
            .map(|header| header.key.len() + len(&header.value));
        len(&self.key) + len(&self.value) + headers.sum::<usize>() + LETTER_OVERHEAD_BYTES
    }
}

enum Command {
    Send(DeadLetter, Settle),
    Close(Duration),
}

#[derive(Default)]
struct InFlight {
    num_bytes: AtomicUsize,
    changed: Notify,
}

/// Takes dead letters. Whoever has it may send; [`DeadLetterQueueWriter`] writes.
pub(crate) struct DeadLetterQueue {
    config: DeadLetterQueueConfig,
    commands: mpsc::UnboundedSender<Command>,
    in_flight: Arc<InFlight>,
    metrics: TaskMetrics,
}

/// The owner of the producer of a dead letter queue; dropping it abandons letters on their way.
pub(crate) struct DeadLetterQueueWriter {
    commands: mpsc::UnboundedSender<Command>,
    join: AbortOnDrop<()>,
}

impl DeadLetterQueue {
    /// Creates the topic, if it does not exist, and begins to write to it.
    pub(crate) async fn start(
        plan: DeadLetterQueuePlan,
        metrics: TaskMetrics,
    ) -> Result<(Self, DeadLetterQueueWriter)> {
        ensure_topic(&*plan.admin, &plan.config).await?;
        let mut producer = (plan.producer)().await?;
        let deliveries = producer.deliveries().ok_or_else(|| {
            ConnectError::fatal("the producer of the dead letter queue was used before its task")
        })?;
        let (commands, receiver) = mpsc::unbounded_channel();
        let in_flight = Arc::new(InFlight::default());
        let writer = Writer::new(
            plan.config.topic.clone(),
            producer,
            in_flight.clone(),
            metrics.clone(),
        );
        let join = AbortOnDrop(tokio::spawn(writer.run(deliveries, receiver)));
        let queue = Self {
            config: plan.config,
            commands: commands.clone(),
            in_flight,
            metrics,
        };
        Ok((queue, DeadLetterQueueWriter { commands, join }))
    }

    pub(super) fn config(&self) -> &DeadLetterQueueConfig {
        &self.config
    }

    /// Sends a letter. Never blocks: whoever has many to send waits for [`Self::room`] in between.
    pub(super) fn send(&self, letter: DeadLetter, settle: Settle) {
        self.metrics
            .errors()
            .record_dead_letter_queue_produce_request();
        let num_bytes = letter.num_bytes();
        self.in_flight
            .num_bytes
            .fetch_add(num_bytes, Ordering::AcqRel);
        if let Err(refused) = self.commands.send(Command::Send(letter, settle)) {
            self.metrics
                .errors()
                .record_dead_letter_queue_produce_failed();
            self.in_flight.release(num_bytes);
            // The writer has ended; dropping the letter tells whoever waits for it.
            drop(refused);
        }
    }

    /// Whether another letter should be sent now; always, if the writer has ended.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight.num_bytes.load(Ordering::Acquire) <= IN_FLIGHT_BYTES_MAX
            || self.commands.is_closed()
    }

    /// Waits while too many bytes wait for acknowledgement. Cancel-safe.
    pub(crate) async fn room(&self) {
        loop {
            let mut changed = std::pin::pin!(self.in_flight.changed.notified());
            changed.as_mut().enable();
            if self.has_room() {
                return;
            }
            tokio::select! {
                () = changed => {}
                () = self.commands.closed() => return,
            }
        }
    }
}

impl DeadLetterQueueWriter {
    /// Waits until all letters are written or have failed, `timeout` at most, and ends.
    pub(crate) async fn close(mut self, timeout: Duration) {
        // A writer that has ended already needs no telling.
        let _ = self.commands.send(Command::Close(timeout));
        if let Err(error) = (&mut self.join.0).await {
            tracing::error!("the writer of the dead letter queue ended early: {error}");
        }
    }
}

async fn ensure_topic(admin: &dyn Admin, config: &DeadLetterQueueConfig) -> Result<()> {
    let topic = &config.topic;
    let failed = |error: AdminError| {
        ConnectError::fatal(format!(
            "Could not initialize dead letter queue with topic={topic}"
        ))
        .with_cause(admin_error(&error))
    };
    if admin.describe_topic(topic).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    tracing::info!("Topic {topic} doesn't exist. Will attempt to create topic.");
    let new_topic = NewTopic {
        name: topic.clone(),
        num_partitions: NUM_PARTITIONS,
        replication_factor: config.replication_factor,
        configs: BTreeMap::new(),
    };
    admin.create_topic(&new_topic).await.map_err(failed)?;
    Ok(())
}

fn admin_error(error: &AdminError) -> ConnectError {
    let (class, hint) = match error {
        AdminError::InvalidReplicationFactor { .. } => (
            "InvalidReplicationFactorException",
            "; set errors.deadletterqueue.topic.replication.factor to the number of brokers at most, \
             or create the topic by hand",
        ),
        AdminError::NotAuthorized { .. } => (
            "TopicAuthorizationException",
            "; grant it (admin.override.* names another principal) or create the topic by hand",
        ),
        AdminError::Timeout { .. } => ("TimeoutException", ""),
        _ => ("UnknownServerException", ""),
    };
    let cause = ConnectError::fatal(format!("{error}{hint}"))
        .with_class(format!("org.apache.kafka.common.errors.{class}"));
    ConnectError::fatal(cause.to_java_string())
        .with_class("java.util.concurrent.ExecutionException")
        .with_cause(cause)
}

impl InFlight {
    fn release(&self, num_bytes: usize) {
        self.num_bytes.fetch_sub(num_bytes, Ordering::AcqRel);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use connect_api::TopicPartition;
    use connect_kafka::admin::{FakeAdmin, TopicCreation, TopicDescription, Watermarks};
    use connect_kafka::record::PartitionOffset;

    #[test]
    fn settings_are_read_and_sources_have_a_queue_only_if_they_ask_for_it() {
        let read = |entries: &[(&str, &str)], connector_type| {
            let config = ConfigMap::from_iter(entries.iter().copied());
            DeadLetterQueueConfig::from_config(&config, connector_type)
        };
        use ConnectorType::{Sink, Source};
        let topic = ("errors.deadletterqueue.topic.name", " dlq ");
        let source = ("dovetail.errors.deadletterqueue.source.enable", "true");
        assert_eq!(read(&[], Sink).unwrap(), None);
        assert_eq!(read(&[(topic.0, " ")], Sink).unwrap(), None);
        assert_eq!(read(&[topic], Source).unwrap(), None);
        assert!(read(&[source], Source).is_err());
        let plain = DeadLetterQueueConfig {
            topic: "dlq".into(),
            replication_factor: 3,
            context_headers: false,
            transform_headers: false,
        };
        assert_eq!(read(&[topic], Sink).unwrap().as_ref(), Some(&plain));
        assert_eq!(read(&[topic, source], Source).unwrap(), Some(plain));
        let all = read(
            &[
                topic,
                ("errors.deadletterqueue.topic.replication.factor", "1"),
                ("errors.deadletterqueue.context.headers.enable", "TRUE"),
                (
                    "dovetail.errors.deadletterqueue.context.headers.transform.enable",
                    "true",
                ),
            ],
            Sink,
        );
        let all = all.unwrap().unwrap();
        assert_eq!(all.replication_factor, 1);
        assert!(all.context_headers && all.transform_headers);
        let error = read(
            &[
                topic,
                ("errors.deadletterqueue.topic.replication.factor", "many"),
            ],
            Sink,
        );
        assert!(error.unwrap_err().message().contains("type SHORT"));
    }

    /// Remembers the topic that it is asked for.
    #[derive(Default)]
    struct Asked(FakeAdmin, std::sync::Mutex<Option<NewTopic>>);

    #[async_trait]
    impl Admin for Asked {
        async fn cluster_id(&self) -> Result<String, AdminError> {
            self.0.cluster_id().await
        }

        async fn describe_topic(
            &self,
            topic: &str,
        ) -> Result<Option<TopicDescription>, AdminError> {
            self.0.describe_topic(topic).await
        }

        async fn create_topic(&self, topic: &NewTopic) -> Result<TopicCreation, AdminError> {
            *self.1.lock().unwrap() = Some(topic.clone());
            self.0.create_topic(topic).await
        }

        async fn topic_configs(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError> {
            self.0.topic_configs(topic).await
        }

        async fn list_consumer_group_offsets(
            &self,
            group_id: &str,
        ) -> Result<Vec<PartitionOffset>, AdminError> {
            self.0.list_consumer_group_offsets(group_id).await
        }

        async fn alter_consumer_group_offsets(
            &self,
            group_id: &str,
            offsets: &[PartitionOffset],
        ) -> Result<(), AdminError> {
            self.0.alter_consumer_group_offsets(group_id, offsets).await
        }

        async fn delete_consumer_group_offsets(
            &self,
            group_id: &str,
            partitions: &[TopicPartition],
        ) -> Result<(), AdminError> {
            self.0
                .delete_consumer_group_offsets(group_id, partitions)
                .await
        }

        async fn delete_consumer_group(&self, group_id: &str) -> Result<(), AdminError> {
            self.0.delete_consumer_group(group_id).await
        }

        async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, AdminError> {
            self.0.watermarks(partition).await
        }
    }

    #[tokio::test]
    async fn e07_a_missing_topic_is_made_with_one_partition_and_the_replication_factor_asked_for() {
        let config = DeadLetterQueueConfig {
            topic: "dlq".into(),
            replication_factor: 2,
            context_headers: false,
            transform_headers: false,
        };
        let admin = Asked::default();
        ensure_topic(&admin, &config).await.unwrap();
        let asked = admin.1.lock().unwrap().take();
        let expected = NewTopic {
            name: "dlq".into(),
            num_partitions: 1,
            replication_factor: 2,
            configs: BTreeMap::new(),
        };
        assert_eq!(asked, Some(expected));
        ensure_topic(&admin, &config).await.unwrap();
        assert_eq!(*admin.1.lock().unwrap(), None);
    }
}
