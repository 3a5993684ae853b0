//! A producer in memory, for tests of what is built on [`Producer`].

mod transactions;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use super::{
    Deliveries, Delivery, Producer, ProducerError, ProducerRecord, RecordMetadata, SendError,
};
use crate::error::ErrorCode;

pub use transactions::{FakeTransactionalProducer, FakeTransactions};

/// A record that a [`FakeProducer`] has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducedRecord {
    /// Topic of the record.
    pub topic: String,
    /// Partition that the record went to.
    pub partition: i32,
    /// Key of the record.
    pub key: Option<Bytes>,
    /// Value of the record.
    pub value: Option<Bytes>,
    /// Headers of the record.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Timestamp of the record in milliseconds, as it was given.
    pub timestamp_ms: Option<i64>,
    /// Token of the record.
    pub token: u64,
}

impl ProducedRecord {
    fn num_bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.as_ref().map_or(0, Bytes::len)
    }
}

#[derive(Default)]
struct State {
    /// Sent, in order, and not yet decided upon.
    pending: VecDeque<ProducedRecord>,
    written: Vec<ProducedRecord>,
    next_offsets: BTreeMap<(String, i32), i64>,
    hold: bool,
    max_pending: Option<usize>,
    send_errors: VecDeque<SendError>,
    delivery_errors: VecDeque<ErrorCode>,
    closed: bool,
    sender: Option<mpsc::UnboundedSender<Vec<Delivery>>>,
}

struct Shared {
    state: Mutex<State>,
    num_unreceived: Arc<AtomicUsize>,
    changed: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Decides the first `max` pending records.
    fn deliver(&self, max: usize, error: Option<ErrorCode>) -> usize {
        let mut state = self.state();
        let num_records = max.min(state.pending.len());
        let mut batch = Vec::with_capacity(num_records);
        for _ in 0..num_records {
            let Some(record) = state.pending.pop_front() else {
                break;
            };
            let token = record.token;
            let result = match error.or_else(|| state.delivery_errors.pop_front()) {
                Some(code) => Err(code),
                None => {
                    let partition = (record.topic.clone(), record.partition);
                    let next = state.next_offsets.entry(partition).or_default();
                    let metadata = RecordMetadata {
                        partition: record.partition,
                        offset: *next,
                        timestamp_ms: record.timestamp_ms.unwrap_or(-1),
                    };
                    *next += 1;
                    state.written.push(record);
                    Ok(metadata)
                }
            };
            batch.push(Delivery { token, result });
        }
        if !batch.is_empty() {
            let num_records = batch.len();
            let sent = state
                .sender
                .as_ref()
                .is_some_and(|sender| sender.send(batch).is_ok());
            if !sent {
                self.num_unreceived.fetch_sub(num_records, Ordering::AcqRel);
            }
        }
        self.changed.notify_waiters();
        num_records
    }
}

/// A [`Producer`] in memory. Records without partition go to partition 0.
pub struct FakeProducer {
    shared: Arc<Shared>,
    deliveries: Option<Deliveries>,
}

/// A test's hand on a [`FakeProducer`]; it outlives the producer.
#[derive(Clone)]
pub struct FakeProducerHandle {
    shared: Arc<Shared>,
}

impl FakeProducer {
    /// Makes a producer that acknowledges each record at once.
    #[allow(clippy::new_ret_no_self, reason = "a test needs both ends")]
    pub fn new() -> (Self, FakeProducerHandle) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let num_unreceived = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                sender: Some(sender),
                ..State::default()
            }),
            num_unreceived: Arc::clone(&num_unreceived),
            changed: Notify::new(),
        });
        let producer = Self {
            shared: Arc::clone(&shared),
            deliveries: Some(Deliveries::new(receiver, num_unreceived)),
        };
        (producer, FakeProducerHandle { shared })
    }
}

impl FakeProducerHandle {
    /// Holds acknowledgements back until [`acknowledge`](Self::acknowledge),
    /// [`fail`](Self::fail) or the end of the hold.
    pub fn hold(&self, hold: bool) {
        self.shared.state().hold = hold;
        if !hold {
            self.shared.deliver(usize::MAX, None);
        }
    }

    /// Acknowledges the first `max` of the records held back; returns how many it were.
    pub fn acknowledge(&self, max: usize) -> usize {
        self.shared.deliver(max, None)
    }

    /// Fails the first `max` of the records held back; returns how many it were.
    pub fn fail(&self, max: usize, code: ErrorCode) -> usize {
        self.shared.deliver(max, Some(code))
    }

    /// Makes the next delivery fail.
    pub fn fail_next_delivery(&self, code: ErrorCode) {
        self.shared.state().delivery_errors.push_back(code);
    }

    fn will_fail_next_delivery(&self) -> bool {
        !self.shared.state().delivery_errors.is_empty()
    }

    /// Makes the next `send` fail.
    pub fn fail_next_send(&self, error: SendError) {
        self.shared.state().send_errors.push_back(error);
    }

    /// Answers [`SendError::QueueFull`] while this many records are held back.
    pub fn set_max_pending(&self, max_pending: Option<usize>) {
        self.shared.state().max_pending = max_pending;
        self.shared.changed.notify_waiters();
    }

    /// The acknowledged records in the order of acknowledgement.
    pub fn written(&self) -> Vec<ProducedRecord> {
        self.shared.state().written.clone()
    }

    /// The records held back.
    pub fn pending(&self) -> Vec<ProducedRecord> {
        self.shared.state().pending.iter().cloned().collect()
    }

    /// Whether the producer was closed or dropped.
    pub fn is_closed(&self) -> bool {
        self.shared.state().closed
    }
}

#[async_trait]
impl Producer for FakeProducer {
    fn send(&mut self, record: ProducerRecord<'_>) -> Result<(), SendError> {
        let hold = {
            let mut state = self.shared.state();
            if let Some(error) = state.send_errors.pop_front() {
                return Err(error);
            }
            if state
                .max_pending
                .is_some_and(|max| state.pending.len() >= max)
            {
                return Err(SendError::QueueFull);
            }
            let invalid = |reason: &str| SendError::InvalidRecord {
                topic: record.topic.to_owned(),
                reason: reason.to_owned(),
            };
            if record.topic.is_empty() || record.topic.contains('\0') {
                return Err(invalid("its topic name is not valid"));
            }
            if record
                .headers
                .iter()
                .any(|header| header.key.contains('\0'))
            {
                return Err(invalid("a header name has a zero byte"));
            }
            state.pending.push_back(ProducedRecord {
                topic: record.topic.to_owned(),
                partition: record.partition.unwrap_or(0),
                key: record.key.map(Bytes::copy_from_slice),
                value: record.value.map(Bytes::copy_from_slice),
                headers: record
                    .headers
                    .iter()
                    .map(|header| {
                        (
                            header.key.to_owned(),
                            header.value.map(Bytes::copy_from_slice),
                        )
                    })
                    .collect(),
                timestamp_ms: record.timestamp_ms,
                token: record.token,
            });
            self.shared.num_unreceived.fetch_add(1, Ordering::AcqRel);
            state.hold
        };
        if !hold {
            self.shared.deliver(usize::MAX, None);
        }
        Ok(())
    }

    fn deliveries(&mut self) -> Option<Deliveries> {
        self.deliveries.take()
    }

    async fn wait_for_room(&mut self) {
        let changed = self.shared.changed.notified();
        let full = {
            let state = self.shared.state();
            state
                .max_pending
                .is_some_and(|max| state.pending.len() >= max)
        };
        if full {
            changed.await;
        }
    }

    async fn flush(&mut self, timeout: Duration) -> Result<(), ProducerError> {
        let empty = async {
            loop {
                let mut changed = std::pin::pin!(self.shared.changed.notified());
                changed.as_mut().enable();
                if self.shared.state().pending.is_empty() {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, empty)
            .await
            .map_err(|_| ProducerError::FlushTimeout {
                num_in_flight: self.shared.state().pending.len(),
                timeout_ms: timeout.as_millis() as u64,
            })
    }

    fn in_flight_bytes(&self) -> usize {
        let state = self.shared.state();
        state.pending.iter().map(ProducedRecord::num_bytes).sum()
    }

    fn in_flight_records(&self) -> usize {
        self.shared.num_unreceived.load(Ordering::Acquire)
    }

    async fn close(mut self: Box<Self>, timeout: Duration) -> Result<(), ProducerError> {
        self.flush(timeout).await
    }
}

impl Drop for FakeProducer {
    fn drop(&mut self) {
        self.shared
            .deliver(usize::MAX, Some(ErrorCode::PURGED_IN_QUEUE));
        let mut state = self.shared.state();
        state.closed = true;
        state.sender = None;
    }
}
