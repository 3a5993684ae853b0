//! What the tests of the loops share: virtual time, a converter of text, and listeners that remember.

use crate::chain::Chain;
use crate::task::{TaskEvent, TaskStatusListener};
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{
    Clock, ConnectError, ConnectorType, Converter, ConverterType, Encoded, HeaderConverter,
    RawHeader, RawMessage, Result, SchemaAndValue,
};
use connect_store::ConnectorTaskId;
use connect_telemetry::metrics::{Metrics, MetricsConfig, PluginDescription, TaskDescription};
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Text that is not text to everybody: `bad...` is a data error, `flaky` fails retriably twice.
#[derive(Default)]
pub(crate) struct TextConverter {
    flaky: AtomicU32,
}

impl TextConverter {
    fn check(&self, text: &str) -> Result<()> {
        if text.starts_with("bad") {
            return Err(ConnectError::data(format!("cannot convert {text}")));
        }
        if text == "flaky" && self.flaky.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(ConnectError::retriable("the registry is down"));
        }
        Ok(())
    }
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
        self.check(&text)?;
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
                self.check(text)?;
                out.extend_from_slice(text.as_bytes());
                Ok(Encoded::Appended)
            }
        }
    }
}

struct NoHeaders;

impl HeaderConverter for NoHeaders {
    fn configure(&mut self, _: &ConfigMap, _: ConverterType) -> Result<()> {
        Ok(())
    }

    fn to_connect_header(&mut self, _: &str, _: &str, _: Option<&Bytes>) -> Result<SchemaAndValue> {
        Ok(SchemaAndValue::NULL)
    }

    fn from_connect_header(
        &mut self,
        _: &str,
        _: &str,
        _: Option<&SchemaRef>,
        _: &Value,
    ) -> Result<Option<Bytes>> {
        Ok(None)
    }
}

pub(crate) fn text_chain() -> Chain {
    Chain {
        key_class: "test.TextConverter".into(),
        key: Box::new(TextConverter::default()),
        value_class: "test.TextConverter".into(),
        value: Box::new(TextConverter::default()),
        header_class: "test.NoHeaders".into(),
        header: Box::new(NoHeaders),
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
