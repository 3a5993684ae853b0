//! What the tests of the loops share: virtual time, a converter of text, and listeners that remember.

use crate::chain::{Chain, PredicateStage, TransformStage};
use crate::report::{DeadLetterQueueConfig, DeadLetterQueuePlan};
use crate::task::{TaskEvent, TaskStatusListener};
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{
    Clock, ConnectError, ConnectorType, Converter, ConverterType, Encoded, HeaderConverter, Origin,
    Predicate, RawHeader, RawMessage, Record, Result, SchemaAndValue, Transform,
};
use connect_kafka::admin::FakeAdmin;
use connect_kafka::producer::{FakeProducer, FakeProducerHandle, ProducedRecord};
use connect_store::ConnectorTaskId;
use connect_telemetry::metrics::{
    Dialects, Metrics, MetricsConfig, PluginDescription, TaskDescription, render_prometheus,
};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The clock of a paused tokio runtime: it moves on when everybody waits.
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    pub(crate) fn shared() -> Arc<dyn Clock> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.0.elapsed().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Waits, in virtual time, until a condition holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came about that {what}");
}

pub(crate) fn task_id() -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "c".into(),
        task: 0,
    }
}

/// Remembers the states of a task.
#[derive(Default)]
pub(crate) struct Events(Mutex<Vec<TaskEvent>>);

impl Events {
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|event| match event {
                TaskEvent::Startup => "startup",
                TaskEvent::Paused => "paused",
                TaskEvent::Resumed => "resumed",
                TaskEvent::Shutdown => "shutdown",
                TaskEvent::Failed(_) => "failed",
            })
            .collect()
    }

    pub(crate) fn failure(&self) -> Option<ConnectError> {
        self.0.lock().unwrap().iter().find_map(|event| match event {
            TaskEvent::Failed(error) => Some(error.clone()),
            _ => None,
        })
    }
}

impl TaskStatusListener for Events {
    fn on_task_event(&self, _: &ConnectorTaskId, event: TaskEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// Fails on some texts: `bad` with a data error, `bad-config` and `bad-fatal` with those kinds,
/// `flaky` retriably twice, `flaky-N` N times, `hopeless` retriably for ever. What follows those words
/// does not matter.
#[derive(Default)]
pub(crate) struct Faults {
    num_failed: HashMap<String, u32>,
}

impl Faults {
    pub(crate) fn check(&mut self, text: &str) -> Result<()> {
        if text.starts_with("bad-config") {
            return Err(ConnectError::config(format!("cannot convert {text}")));
        }
        if text.starts_with("bad-fatal") {
            return Err(ConnectError::fatal(format!("cannot convert {text}")));
        }
        if text.starts_with("bad") {
            return Err(ConnectError::data(format!("cannot convert {text}")));
        }
        let times = if text.starts_with("hopeless") {
            u32::MAX
        } else if let Some(rest) = text.strip_prefix("flaky") {
            let digits = rest.strip_prefix('-').and_then(|rest| rest.get(..1));
            digits.and_then(|digit| digit.parse().ok()).unwrap_or(2)
        } else {
            return Ok(());
        };
        let num_failed = self.num_failed.entry(text.to_string()).or_default();
        if *num_failed < times {
            *num_failed += 1;
            return Err(ConnectError::retriable("the registry is down"));
        }
        Ok(())
    }
}

/// Text that is not text to everybody: see [`Faults`].
#[derive(Default)]
pub(crate) struct TextConverter {
    faults: Faults,
}

impl Converter for TextConverter {
    fn configure(&mut self, _: &ConfigMap, _: ConverterType) -> Result<()> {
        Ok(())
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        let Some(payload) = message.payload else {
            return Ok(SchemaAndValue::NULL);
        };
        let text = String::from_utf8_lossy(payload).into_owned();
        self.faults.check(&text)?;
        Ok(SchemaAndValue {
            schema: Some(Schema::optional_string()),
            value: Value::string(text),
        })
    }

    fn from_connect_data(
        &mut self,
        _: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        match value.as_str() {
            None => Ok(Encoded::Null),
            Some(text) => {
                self.faults.check(text)?;
                out.extend_from_slice(text.as_bytes());
                Ok(Encoded::Appended)
            }
        }
    }
}

/// Headers of text, with the same faults.
#[derive(Default)]
struct TextHeaders(TextConverter);

impl HeaderConverter for TextHeaders {
    fn configure(&mut self, _: &ConfigMap, _: ConverterType) -> Result<()> {
        Ok(())
    }

    fn to_connect_header(
        &mut self,
        topic: &str,
        _: &str,
        value: Option<&Bytes>,
    ) -> Result<SchemaAndValue> {
        self.0.to_connect_data(RawMessage {
            topic,
            headers: &[],
            payload: value,
        })
    }

    fn from_connect_header(
        &mut self,
        topic: &str,
        _: &str,
        _: Option<&SchemaRef>,
        value: &Value,
    ) -> Result<Option<Bytes>> {
        let mut out = BytesMut::new();
        self.0
            .from_connect_data(topic, &mut Vec::new(), None, value, &mut out)?;
        Ok(Some(out.freeze()))
    }
}

/// A transform that fails on values as [`Faults`] does, after `t-`, and makes `rename` to `renamed`.
#[derive(Default)]
struct TextTransform(Faults);

impl Transform for TextTransform {
    fn configure(&mut self, _: &ConfigMap) -> Result<()> {
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _: Origin<'_>) -> Result<Option<Record>> {
        if record.value.as_str() == Some("rename") {
            record.value = Value::string("renamed");
        }
        if let Some(fault) = record
            .value
            .as_str()
            .and_then(|text| text.strip_prefix("t-"))
        {
            self.0.check(fault)?;
        }
        Ok(Some(record))
    }
}

/// A predicate that holds always and fails on values as [`Faults`] does, after `p-`.
#[derive(Default)]
struct TextPredicate(Faults);

impl Predicate for TextPredicate {
    fn configure(&mut self, _: &ConfigMap) -> Result<()> {
        Ok(())
    }

    fn test(&mut self, record: &Record, _: Origin<'_>) -> Result<bool> {
        if let Some(fault) = record
            .value
            .as_str()
            .and_then(|text| text.strip_prefix("p-"))
        {
            self.0.check(fault)?;
        }
        Ok(true)
    }
}

/// [`text_chain`] with a transform that has a predicate.
pub(crate) fn transforming_chain() -> Chain {
    let transform = TransformStage {
        alias: "mend".into(),
        class: "test.TextTransform".into(),
        transform: Box::new(TextTransform::default()),
        predicate: Some(PredicateStage {
            alias: "is-text".into(),
            predicate: Box::new(TextPredicate::default()),
            negate: false,
        }),
    };
    Chain {
        transforms: vec![transform],
        ..text_chain()
    }
}

/// Where the dead letters of a test go.
pub(crate) struct DeadLetters {
    pub(crate) producer: FakeProducerHandle,
    pub(crate) admin: Arc<FakeAdmin>,
}

/// A dead letter queue named `dlq` with all headers.
pub(crate) fn dead_letter_queue() -> (DeadLetterQueuePlan, DeadLetters) {
    let (producer, handle) = FakeProducer::new();
    let admin = Arc::new(FakeAdmin::new());
    let plan = DeadLetterQueuePlan {
        config: DeadLetterQueueConfig {
            topic: "dlq".into(),
            replication_factor: 1,
            context_headers: true,
            transform_headers: true,
        },
        admin: admin.clone(),
        producer: Box::new(move || Box::pin(async move { Ok(Box::new(producer) as _) })),
    };
    let letters = DeadLetters {
        producer: handle,
        admin,
    };
    (plan, letters)
}

impl DeadLetters {
    /// The values of the letters that are written.
    pub(crate) fn values(&self) -> Vec<String> {
        self.producer
            .written()
            .iter()
            .map(|record| text(record.value.as_ref()))
            .collect()
    }
}

fn text(bytes: Option<&Bytes>) -> String {
    String::from_utf8_lossy(bytes.map_or(&[][..], |bytes| bytes)).into_owned()
}

/// The text of the last header of a name, without the prefix that all context headers have.
pub(crate) fn context(record: &ProducedRecord, name: &str) -> String {
    let key = format!("__connect.errors.{name}");
    record
        .headers
        .iter()
        .rfind(|(header, _)| *header == key)
        .map_or_else(|| "absent".into(), |(_, value)| text(value.as_ref()))
}

/// The counters of `task-error-metrics`, in the order failures, errors, skipped, retries, logged,
/// produce requests to the dead letter queue, produce failures.
pub(crate) fn error_counts(metrics: &Metrics) -> [u64; 7] {
    [
        "total_record_failures",
        "total_record_errors",
        "total_records_skipped",
        "total_retries",
        "total_errors_logged",
        "deadletterqueue_produce_requests",
        "deadletterqueue_produce_failures",
    ]
    .map(|name| error_metric(metrics, name) as u64)
}

/// One metric of `task-error-metrics`.
pub(crate) fn error_metric(metrics: &Metrics, name: &str) -> f64 {
    let prefix = format!("kafka_connect_task_error_metrics_{name}{{");
    let rendered = render_prometheus(metrics, Dialects::Confluent);
    let line = rendered
        .lines()
        .find(|line| line.starts_with(&prefix))
        .unwrap_or_else(|| panic!("no {name} in {rendered}"));
    let number = line.rsplit(' ').next().unwrap_or_default();
    number.parse().expect("a metric is a number")
}

pub(crate) fn text_chain() -> Chain {
    Chain {
        key_class: "test.TextConverter".into(),
        key: Box::new(TextConverter::default()),
        value_class: "test.TextConverter".into(),
        value: Box::new(TextConverter::default()),
        header_class: "test.TextHeaders".into(),
        header: Box::new(TextHeaders::default()),
        transforms: Vec::new(),
    }
}

pub(crate) fn metrics(clock: &Arc<dyn Clock>) -> Metrics {
    Metrics::new(
        clock.clone(),
        MetricsConfig {
            sample_window_ms: 30_000,
            num_samples: 2,
        },
    )
}

pub(crate) fn description(connector_type: ConnectorType) -> TaskDescription {
    TaskDescription {
        connector: "c".into(),
        task: 0,
        connector_type,
        connector_plugin: PluginDescription::default(),
        task_plugin: PluginDescription::default(),
        key_converter: PluginDescription::default(),
        value_converter: PluginDescription::default(),
        header_converter: PluginDescription::default(),
        transforms: Vec::new(),
        predicates: Vec::new(),
    }
}

/// Text over a registry that is away for the first `num_failures` times that it is asked. What was not
/// announced cannot be converted, and what was announced in vain stays so until the next announcement.
pub(crate) struct AnnouncedText {
    num_failures: u32,
    known: std::collections::HashSet<String>,
}

impl AnnouncedText {
    pub(crate) fn failing(num_failures: u32) -> Self {
        Self {
            num_failures,
            known: std::collections::HashSet::new(),
        }
    }

    fn announce(&mut self, topics: Vec<String>) {
        if self.num_failures > 0 {
            self.num_failures -= 1;
        } else {
            self.known.extend(topics);
        }
    }

    fn check(&self, topic: &str) -> Result<()> {
        match self.known.contains(topic) {
            true => Ok(()),
            false => Err(ConnectError::retriable(format!("nobody asked for {topic}"))),
        }
    }
}

#[async_trait::async_trait]
impl Converter for AnnouncedText {
    fn configure(&mut self, _: &ConfigMap, _: ConverterType) -> Result<()> {
        Ok(())
    }

    fn needs_prepare(&self) -> bool {
        true
    }

    async fn prepare_to_connect(&mut self, messages: &[RawMessage<'_>]) {
        self.announce(
            messages
                .iter()
                .map(|message| message.topic.to_string())
                .collect(),
        );
    }

    async fn prepare_from_connect(&mut self, schemas: &[(&str, Option<&SchemaRef>)]) {
        self.announce(
            schemas
                .iter()
                .map(|(topic, _)| (*topic).to_string())
                .collect(),
        );
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        self.check(message.topic)?;
        TextConverter::default().to_connect_data(message)
    }

    fn from_connect_data(
        &mut self,
        topic: &str,
        headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        if value.is_null() {
            return Ok(Encoded::Null);
        }
        self.check(topic)?;
        TextConverter::default().from_connect_data(topic, headers, schema, value, out)
    }
}

/// [`text_chain`] with such values.
pub(crate) fn announcing_chain(num_failures: u32) -> Chain {
    Chain {
        value: Box::new(AnnouncedText::failing(num_failures)),
        ..text_chain()
    }
}
