//! Connectors and tasks that do nothing, and fail after a while if told so.

use crate::config::{DELAY_MS_CONFIG, MOCK_MODE_CONFIG, number_or};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{
    Clock, ConnectError, ConnectorContext, ErrorKind, Offsets, Result, SinkBatch, SinkConnector,
    SinkTask, SinkTaskContext, SourceBatch, SourceConnector, SourceTask, SourceTaskContext,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const CONNECTOR_FAILURE: &str = "connector-failure";
const TASK_FAILURE: &str = "task-failure";
const DEFAULT_FAILURE_DELAY_MS: i64 = 15_000;
/// A sink task wants to be called at least this often, so that it fails close to its time.
const MAX_SINK_TIMEOUT: Duration = Duration::from_millis(250);
const POLL_WAIT: Duration = Duration::from_secs(1);

/// `new RuntimeException()`.
fn failure() -> ConnectError {
    ConnectError::new(ErrorKind::Fatal, "java.lang.RuntimeException", "").without_message()
}

fn failure_delay(config: &ConfigMap) -> Result<Duration> {
    let delay_ms: i64 = number_or(config, DELAY_MS_CONFIG, DEFAULT_FAILURE_DELAY_MS)?;
    // A time in the past is now, as in Java.
    Ok(Duration::from_millis(delay_ms.max(0).unsigned_abs()))
}

/// What the source and the sink connector do alike.
#[derive(Default)]
struct MockConnector {
    config: ConfigMap,
    pending_failure: Option<JoinHandle<()>>,
}

impl MockConnector {
    fn start(&mut self, context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.config = config.clone();
        if config.get(MOCK_MODE_CONFIG) == Some(CONNECTOR_FAILURE) {
            let delay = context.clock().sleep(failure_delay(config)?);
            self.pending_failure = Some(tokio::spawn(async move {
                delay.await;
                context.raise_error(failure());
            }));
        }
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(pending) = self.pending_failure.take() {
            pending.abort();
        }
    }
}

#[derive(Default)]
pub(crate) struct MockSourceConnector(MockConnector);

#[async_trait]
impl SourceConnector for MockSourceConnector {
    async fn start(&mut self, context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.0.start(context, config)
    }

    fn task_configs(&self, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.0.config.clone()])
    }

    fn new_task(&self) -> Box<dyn SourceTask> {
        Box::new(MockSourceTask::default())
    }

    async fn stop(&mut self) -> Result<()> {
        self.0.stop();
        Ok(())
    }
}

#[derive(Default)]
pub(crate) struct MockSinkConnector(MockConnector);

#[async_trait]
impl SinkConnector for MockSinkConnector {
    async fn start(&mut self, context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.0.start(context, config)
    }

    fn task_configs(&self, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.0.config.clone()])
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(MockSinkTask::default())
    }

    async fn stop(&mut self) -> Result<()> {
        self.0.stop();
        Ok(())
    }
}

/// The moment at which a task fails.
struct ScheduledFailure {
    clock: Arc<dyn Clock>,
    start: Duration,
    delay: Duration,
}

impl ScheduledFailure {
    fn of(config: &ConfigMap, clock: &Arc<dyn Clock>) -> Result<Option<Self>> {
        if config.get(MOCK_MODE_CONFIG) != Some(TASK_FAILURE) {
            return Ok(None);
        }
        Ok(Some(Self {
            clock: clock.clone(),
            start: clock.monotonic(),
            delay: failure_delay(config)?,
        }))
    }

    /// The error once more time than the delay went by.
    fn check(&self) -> Result<()> {
        match self.clock.monotonic().saturating_sub(self.start) > self.delay {
            true => Err(failure()),
            false => Ok(()),
        }
    }

    fn remaining(&self) -> Duration {
        let just_after = self.delay + Duration::from_millis(1);
        (self.start + just_after).saturating_sub(self.clock.monotonic())
    }
}

/// The task of `org.apache.kafka.connect.tools.MockSourceConnector`.
#[derive(Default)]
pub struct MockSourceTask {
    clock: Option<Arc<dyn Clock>>,
    failure: Option<ScheduledFailure>,
}

#[async_trait]
impl SourceTask for MockSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        self.failure = ScheduledFailure::of(config, context.clock())?;
        self.clock = Some(context.clock().clone());
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        let mut wait = POLL_WAIT;
        if let Some(failure) = &self.failure {
            failure.check()?;
            wait = wait.min(failure.remaining());
        }
        // The JVM's task returns at once and keeps a core busy.
        if let Some(clock) = &self.clock {
            clock.sleep(wait).await;
        }
        Ok(SourceBatch::empty())
    }

    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The task of `org.apache.kafka.connect.tools.MockSinkConnector`.
#[derive(Default)]
pub struct MockSinkTask {
    context: Option<SinkTaskContext>,
    failure: Option<ScheduledFailure>,
}

impl MockSinkTask {
    fn request_next_call(&self) {
        if let (Some(context), Some(failure)) = (&self.context, &self.failure) {
            context.timeout(failure.delay.min(MAX_SINK_TIMEOUT));
        }
    }
}

#[async_trait]
impl SinkTask for MockSinkTask {
    async fn start(&mut self, context: SinkTaskContext, config: &ConfigMap) -> Result<()> {
        self.failure = ScheduledFailure::of(config, context.clock())?;
        self.context = Some(context);
        self.request_next_call();
        Ok(())
    }

    async fn put(&mut self, _batch: &SinkBatch) -> Result<()> {
        if let Some(failure) = &self.failure {
            failure.check()?;
        }
        self.request_next_call();
        Ok(())
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        Ok(current.clone())
    }

    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::{PausedClock, StoredOffset};
    use connect_api::ConnectorEvent;
    use std::sync::Mutex;

    fn config(mode: &str, delay_ms: &str) -> ConfigMap {
        ConfigMap::from_iter([("mock_mode", mode), ("delay_ms", delay_ms)])
    }

    fn assert_is_failure(error: &ConnectError) {
        assert_eq!(error.trace(), "java.lang.RuntimeException\n");
    }

    #[tokio::test(start_paused = true)]
    async fn source_task_fails_after_the_delay() {
        let mut task = MockSourceTask::default();
        let context =
            SourceTaskContext::new(Arc::new(PausedClock::new()), Arc::new(StoredOffset(None)));
        let start = tokio::time::Instant::now();
        task.start(context, &config(TASK_FAILURE, "2500"))
            .await
            .expect("starts");
        let error = loop {
            match task.poll().await {
                Ok(batch) => assert!(batch.is_empty()),
                Err(error) => break error,
            }
        };
        assert_is_failure(&error);
        assert_eq!(start.elapsed(), Duration::from_millis(2501));
    }

    #[tokio::test(start_paused = true)]
    async fn sink_task_fails_after_the_delay_and_asks_to_be_called() {
        let mut task = MockSinkTask::default();
        let context = SinkTaskContext::new(Arc::new(PausedClock::new()), None);
        let config = ConfigMap::from_iter([("mock_mode", TASK_FAILURE)]);
        task.start(context.clone(), &config).await.expect("starts");
        assert_eq!(context.take_requests().timeout, Some(MAX_SINK_TIMEOUT));
        tokio::time::advance(Duration::from_millis(
            DEFAULT_FAILURE_DELAY_MS.unsigned_abs(),
        ))
        .await;
        task.put(&SinkBatch::empty()).await.expect("not yet");
        assert_eq!(context.take_requests().timeout, Some(MAX_SINK_TIMEOUT));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_is_failure(&task.put(&SinkBatch::empty()).await.expect_err("fails"));
    }

    #[tokio::test(start_paused = true)]
    async fn other_modes_do_nothing() {
        let mut task = MockSinkTask::default();
        let context = SinkTaskContext::new(Arc::new(PausedClock::new()), None);
        task.start(context.clone(), &config(CONNECTOR_FAILURE, "0"))
            .await
            .expect("starts");
        tokio::time::advance(Duration::from_secs(60)).await;
        task.put(&SinkBatch::empty()).await.expect("taken");
        assert_eq!(context.take_requests().timeout, None);
    }

    #[tokio::test(start_paused = true)]
    async fn connector_raises_its_error_unless_it_is_stopped() {
        for stops in [false, true] {
            let raised: Arc<Mutex<Vec<ConnectError>>> = Arc::default();
            let events = raised.clone();
            let context = ConnectorContext::new(
                Arc::new(PausedClock::new()),
                Arc::new(move |event| {
                    if let ConnectorEvent::RaiseError(error) = event {
                        events.lock().expect("no panic").push(error);
                    }
                }),
            );
            let mut connector = MockSourceConnector::default();
            let started = connector
                .start(context, &config(CONNECTOR_FAILURE, "100"))
                .await;
            started.expect("starts");
            assert_eq!(connector.task_configs(5).expect("one task").len(), 1);
            if stops {
                connector.stop().await.expect("stops");
            }
            tokio::time::sleep(Duration::from_millis(101)).await;
            let raised = raised.lock().expect("no panic");
            assert_eq!(raised.len(), usize::from(!stops));
            raised.iter().for_each(assert_is_failure);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_delay_is_refused_by_name() {
        let mut task = MockSinkTask::default();
        let context = SinkTaskContext::new(Arc::new(PausedClock::new()), None);
        let error = task
            .start(context, &config(TASK_FAILURE, "soon"))
            .await
            .expect_err("refused");
        assert_eq!(error.class(), "java.lang.NumberFormatException");
        assert!(error.message().contains("'delay_ms'"), "{error}");
    }
}
