//! Statuses on a compacted topic, shared by the workers of a cluster.

use super::StatusStore;
use super::cache::StatusCache;
use super::codec::{StatusRecord, Subject, decode, encode_status, encode_topic};
use super::types::{ConnectorStatus, Status, TaskStatus, TopicStatus};
use crate::ConnectorTaskId;
use crate::error::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use connect_kafka::log::{CompactedLog, LogAck, LogRecord};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

const FIRST_RETRY_BACKOFF: Duration = Duration::from_millis(100);
const MAX_RETRY_BACKOFF: Duration = Duration::from_secs(10);

/// Keeps statuses on the status topic (`KafkaStatusBackingStore`).
pub struct KafkaStatusStore {
    log: Arc<dyn CompactedLog>,
    shared: Arc<Shared>,
}

struct Shared {
    /// Held while a write is decided on and handed to the log, so that records go out in the order of
    /// the calls. Apart from `state`, which the log's reading waits for.
    sending: Mutex<()>,
    state: Mutex<StoreState>,
    /// The number of writes that are neither durable nor given up.
    num_in_flight: watch::Sender<usize>,
    is_stopped: watch::Sender<bool>,
}

#[derive(Default)]
struct StoreState {
    cache: StatusCache,
    /// What was last written of each subject that has not been removed since.
    entries: HashMap<Subject, u64>,
    last_sequence: u64,
    /// The group's generation that was written last.
    generation: i32,
    /// Writes are driven there; none before the start.
    runtime: Option<Handle>,
}

/// A write on its way.
struct Write {
    subject: Subject,
    key: Bytes,
    value: Option<Bytes>,
    sequence: u64,
    /// The status, and whether it must be safe; none for topics, which are written in any generation.
    status: Option<(Status, bool)>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, StoreState> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, record: &LogRecord) {
        let Some(decoded) = decode(record.key.as_ref(), record.value.as_ref()) else {
            return;
        };
        let mut state = self.lock();
        match decoded {
            StatusRecord::Connector(status) => state.cache.put_connector(status),
            StatusRecord::Task(status) => {
                let cached = state.cache.task_status(&status.id);
                if StatusCache::is_stale(cached, &status.status) {
                    tracing::debug!(
                        task = %status.id,
                        worker_id = status.status.worker_id,
                        "a late UNASSIGNED was ignored: the task runs in a later generation"
                    );
                } else {
                    state.cache.put_task(status);
                }
            }
            StatusRecord::Topic(status) => state.cache.put_topic(status),
            StatusRecord::Removed(subject) => state.remove(&subject),
        }
    }

    fn lock_sending(&self) -> MutexGuard<'_, ()> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a record and watches over it, for a caller that holds `sending`.
    fn send(self: &Arc<Self>, log: &Arc<dyn CompactedLog>, write: Write) {
        let Some(runtime) = self.lock().runtime.clone() else {
            tracing::error!(
                topic = log.topic(),
                key = %String::from_utf8_lossy(&write.key),
                "a status was dropped, because the status store is not running"
            );
            return;
        };
        let ack = log.send(Some(write.key.clone()), write.value.clone());
        self.num_in_flight.send_modify(|number| *number += 1);
        let shared = Arc::clone(self);
        let log = Arc::clone(log);
        runtime.spawn(async move {
            shared.deliver(&log, ack, write).await;
            shared.num_in_flight.send_modify(|number| *number -= 1);
        });
    }

    async fn deliver(&self, log: &Arc<dyn CompactedLog>, mut ack: LogAck, write: Write) {
        let mut backoff = FIRST_RETRY_BACKOFF;
        let mut stopped = self.is_stopped.subscribe();
        while let Err(error) = ack.await {
            let key = String::from_utf8_lossy(&write.key);
            if !error.is_retriable() {
                tracing::error!(key = &*key, "a status was not written: {error}");
                return;
            }
            tracing::warn!(
                key = &*key,
                backoff_ms = backoff.as_millis() as u64,
                "a status is written again after a pause: {error}"
            );
            tokio::select! {
                () = tokio::time::sleep(backoff) => {}
                _ = stopped.wait_for(|is_stopped| *is_stopped) => return,
            }
            backoff = (backoff * 2).min(MAX_RETRY_BACKOFF);
            let _sending = self.lock_sending();
            if !self.lock().is_wanted(&write) {
                tracing::info!(
                    key = &*key,
                    "a status is out of date and was not written again"
                );
                return;
            }
            ack = log.send(Some(write.key.clone()), write.value.clone());
        }
    }
}

impl StoreState {
    fn remove(&mut self, subject: &Subject) {
        self.entries.remove(subject);
        match subject {
            Subject::Connector(connector) => {
                self.cache.remove_connector(connector);
                for task in self.cache.tasks(connector) {
                    self.entries.remove(&Subject::Task(task.id.clone()));
                    self.cache.remove_task(&task.id);
                }
            }
            Subject::Task(id) => self.cache.remove_task(id),
            Subject::Topic { topic, connector } => self.cache.remove_topic(topic, connector),
        }
    }

    fn next_sequence(&mut self, subject: Subject) -> u64 {
        self.last_sequence += 1;
        self.entries.insert(subject, self.last_sequence);
        self.last_sequence
    }

    fn cached(&self, subject: &Subject) -> Option<&Status> {
        match subject {
            Subject::Connector(connector) => self.cache.connector_status(connector),
            Subject::Task(id) => self.cache.task_status(id),
            Subject::Topic { .. } => None,
        }
    }

    /// Whether a write that failed is worth another try: nothing newer was written, the subject was
    /// not removed, and the worker is still in the generation that it speaks of.
    fn is_wanted(&self, write: &Write) -> bool {
        if self.entries.get(&write.subject) != Some(&write.sequence) {
            return false;
        }
        let Some((status, is_safe)) = &write.status else {
            return true;
        };
        status.generation == self.generation
            && (!is_safe || StatusCache::is_safe(self.cached(&write.subject), status))
    }
}

impl KafkaStatusStore {
    /// A store on a log of the status topic, which the store starts and stops.
    pub fn new(log: Arc<dyn CompactedLog>) -> Self {
        Self {
            log,
            shared: Arc::new(Shared {
                sending: Mutex::default(),
                state: Mutex::default(),
                num_in_flight: watch::Sender::new(0),
                is_stopped: watch::Sender::new(false),
            }),
        }
    }

    fn put(&self, subject: Subject, status: Status, is_safe: bool) {
        let value = match encode_status(&status) {
            Ok(value) => value,
            Err(error) => {
                tracing::error!(?subject, "a status was not written: {error}");
                return;
            }
        };
        let _sending = self.shared.lock_sending();
        let mut state = self.shared.lock();
        state.generation = status.generation;
        if is_safe && !StatusCache::is_safe(state.cached(&subject), &status) {
            tracing::debug!(
                ?subject,
                state = status.state.name(),
                "a status was not written: another worker has written one of a later generation"
            );
            return;
        }
        let write = Write {
            key: subject.key(),
            sequence: state.next_sequence(subject.clone()),
            subject,
            value,
            status: Some((status, is_safe)),
        };
        drop(state);
        self.shared.send(&self.log, write);
    }

    fn write_topic(&self, topic: &str, connector: &str, value: Option<Bytes>) {
        let subject = Subject::Topic {
            topic: topic.to_string(),
            connector: connector.to_string(),
        };
        let _sending = self.shared.lock_sending();
        let sequence = self.shared.lock().next_sequence(subject.clone());
        let write = Write {
            key: subject.key(),
            sequence,
            subject,
            value,
            status: None,
        };
        self.shared.send(&self.log, write);
    }
}

#[async_trait]
impl StatusStore for KafkaStatusStore {
    async fn start(&self) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        self.log
            .start(Box::new(move |record| shared.read(&record)))
            .await?;
        self.shared.lock().runtime = Some(Handle::current());
        Ok(())
    }

    async fn stop(&self) {
        self.shared.lock().runtime = None;
        self.shared.is_stopped.send_replace(true);
        self.log.stop().await;
    }

    async fn flush(&self) -> StoreResult<()> {
        let mut num_in_flight = self.shared.num_in_flight.subscribe();
        // The sender lives as long as the store.
        let _ = num_in_flight.wait_for(|number| *number == 0).await;
        Ok(())
    }

    fn put_connector(&self, status: ConnectorStatus) {
        self.put(Subject::Connector(status.connector), status.status, false);
    }

    fn put_connector_safe(&self, status: ConnectorStatus) {
        self.put(Subject::Connector(status.connector), status.status, true);
    }

    fn put_task(&self, status: TaskStatus) {
        self.put(Subject::Task(status.id), status.status, false);
    }

    fn put_task_safe(&self, status: TaskStatus) {
        self.put(Subject::Task(status.id), status.status, true);
    }

    fn put_topic(&self, status: TopicStatus) {
        match encode_topic(&status) {
            Ok(value) => self.write_topic(&status.topic, &status.connector, Some(value)),
            Err(error) => tracing::error!(
                topic = status.topic,
                connector = status.connector,
                "that the connector uses the topic was not written: {error}"
            ),
        }
    }

    fn delete_topic(&self, topic: &str, connector: &str) {
        self.write_topic(topic, connector, None);
    }

    fn connector(&self, connector: &str) -> Option<ConnectorStatus> {
        self.shared.lock().cache.connector(connector)
    }

    fn task(&self, task: &ConnectorTaskId) -> Option<TaskStatus> {
        self.shared.lock().cache.task(task)
    }

    fn tasks(&self, connector: &str) -> Vec<TaskStatus> {
        self.shared.lock().cache.tasks(connector)
    }

    fn topic(&self, topic: &str, connector: &str) -> Option<TopicStatus> {
        self.shared.lock().cache.topic(topic, connector)
    }

    fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        self.shared.lock().cache.topics(connector)
    }

    fn connectors(&self) -> Vec<String> {
        self.shared.lock().cache.connectors()
    }
}
