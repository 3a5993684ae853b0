//! Sink tasks: from Kafka to an outside system.

use crate::clock::Clock;
use crate::config::ConfigMap;
use crate::converter::{PlainType, RawHeader};
use crate::error::{ConnectError, Result};
use crate::record::{Offsets, SinkOrigin, SinkRecord, TimestampType, Topic, TopicPartition};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The shape in which a batch travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// [`SinkRecord`]s: the reference semantics. Every task takes it.
    Rows,
    /// The bytes of keys and values as they stand in Kafka, for tasks that look at nothing else. Only
    /// used if the value converter passes bytes or text through and no transform is configured.
    Bytes,
}

/// A batch for [`SinkTask::put`], in offset order for each partition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SinkBatch {
    /// Converted and transformed records.
    Rows(Vec<SinkRecord>),
    /// Records whose bytes are their value.
    Bytes(SinkBytes),
}

impl SinkBatch {
    /// A batch without records, as `put` gets it when nothing has arrived.
    pub const fn empty() -> Self {
        Self::Rows(Vec::new())
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(records) => records.len(),
            Self::Bytes(batch) => batch.records.len(),
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The records of a [`Form::Bytes`] batch.
#[derive(Clone, Debug)]
pub struct SinkBytes {
    /// What the values are. With [`PlainType::String`] every value is valid UTF-8.
    pub value_type: PlainType,
    /// What the keys are, if the key converter passes them through; otherwise keys are not looked at
    /// by the task (it declared so by taking this form) and stand as they are in Kafka.
    pub key_type: Option<PlainType>,
    /// The records.
    pub records: Vec<BytesRecord>,
}

/// A record of a [`Form::Bytes`] batch. Keys and values are slices of the buffer that the whole poll
/// was copied into: keeping one keeps that buffer.
#[derive(Clone, Debug)]
pub struct BytesRecord {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// Who set the timestamp.
    pub timestamp_type: TimestampType,
    /// The key; `None` is null.
    pub key: Option<Bytes>,
    /// The value; `None` is null.
    pub value: Option<Bytes>,
    /// The headers.
    pub headers: Vec<RawHeader>,
}

/// Writes records to an outside system.
///
/// One owner drives a task: no two calls overlap, and the task is never shared. The order of calls is
///
/// ```text
/// start → ( open(new partitions) | put(batch) | pre_commit(offsets) → close(lost partitions) )* → stop
/// ```
///
/// - `put` is called with an empty batch when nothing has arrived for a while, so that a task can act
///   on time; it is also called while the task is paused.
/// - Before partitions move away, the worker calls `pre_commit`, then `close` with those partitions,
///   then commits. Partitions that were lost without notice get `close` and no commit.
/// - `stop` comes last, after a final `pre_commit` and `close`, also after an error; it must not rely
///   on `start` having been successful.
#[async_trait]
pub trait SinkTask: Send {
    /// The forms of batches that `put` takes. [`Form::Rows`] is always taken. Asked once, after `start`,
    /// so that it may depend on the configuration.
    fn accepts(&self) -> &'static [Form] {
        &[Form::Rows]
    }

    /// Begins the task with its configuration. An error fails the task.
    async fn start(&mut self, context: SinkTaskContext, config: &ConfigMap) -> Result<()>;

    /// Partitions were assigned; called before any of their records. `partitions` are the new ones
    /// only, [`SinkTaskContext::assignment`] holds all.
    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    /// Takes a batch, which stays the runtime's: after a [`Retriable`](crate::ErrorKind::Retriable)
    /// error the very same batch comes again, and consumption is paused until it is taken. Any other
    /// error fails the task. Taking a batch does not promise that it is durable; `pre_commit` does.
    async fn put(&mut self, batch: &SinkBatch) -> Result<()>;

    /// Returns the offsets that may be committed: everything before them is durable outside. Offsets
    /// of partitions left out stay uncommitted; an empty map commits nothing. `current` holds, for
    /// each assigned partition, the offset after the last record that was handed to `put`; the runtime
    /// refuses anything beyond. On an error consumption goes back to the last committed offsets.
    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets>;

    /// Partitions moved away: release what is held for them. Records that `pre_commit` did not cover
    /// will be read again by their next owner.
    async fn close(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    /// Ends the task. Errors are logged.
    async fn stop(&mut self) -> Result<()>;
}

/// Reports records that a sink task cannot write, where the user asked for such reports
/// (`errors.deadletterqueue.topic.name` or `errors.log.enable`); KIP-610.
pub trait ErrantRecordReporter: Send + Sync {
    /// Reports the record that stood at `origin`. The future completes once the report is durable;
    /// the runtime waits for it before it commits past the record, so a task may drop it.
    ///
    /// Under `errors.tolerance=none` it returns the error that `put` must fail with; the task fails also
    /// if it does not. So it is with a record that is reported so late that the runtime has let go of
    /// its original bytes: report within the `put` that brought it, or before its offset is committed
    /// and many others have come.
    fn report(
        &self,
        origin: &SinkOrigin,
        error: ConnectError,
    ) -> Result<BoxFuture<'static, Result<()>>>;
}

/// What a sink task asked for since the runtime looked last.
#[derive(Debug, Default)]
pub struct SinkRequests {
    /// Positions to go back (or forward) to before the next poll.
    pub rewind: Offsets,
    /// Partitions to pause.
    pub pause: BTreeSet<TopicPartition>,
    /// Partitions to resume.
    pub resume: BTreeSet<TopicPartition>,
    /// Call `put` again after this time at the latest.
    pub timeout: Option<Duration>,
    /// Commit before the next poll.
    pub commit: bool,
}

struct SinkContextState {
    requests: SinkRequests,
    assignment: BTreeSet<TopicPartition>,
}

/// What a sink task can ask of the runtime. Requests take effect before the next poll.
#[derive(Clone)]
pub struct SinkTaskContext {
    clock: Arc<dyn Clock>,
    reporter: Option<Arc<dyn ErrantRecordReporter>>,
    state: Arc<Mutex<SinkContextState>>,
}

impl SinkTaskContext {
    /// A context; the runtime (or a test) makes one for each task.
    pub fn new(clock: Arc<dyn Clock>, reporter: Option<Arc<dyn ErrantRecordReporter>>) -> Self {
        Self {
            clock,
            reporter,
            state: Arc::new(Mutex::new(SinkContextState {
                requests: SinkRequests::default(),
                assignment: BTreeSet::new(),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, SinkContextState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time to live by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Where to report records that cannot be written; `None` unless the user asked for reports.
    pub fn errant_record_reporter(&self) -> Option<&Arc<dyn ErrantRecordReporter>> {
        self.reporter.as_ref()
    }

    /// The partitions assigned to the task.
    pub fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.state().assignment.clone()
    }

    /// Reads on from these offsets; what was consumed beyond them counts as not consumed.
    pub fn offset(&self, offsets: Offsets) {
        self.state().requests.rewind.extend(offsets);
    }

    /// Stops fetching from these partitions until [`SinkTaskContext::resume`].
    pub fn pause(&self, partitions: impl IntoIterator<Item = TopicPartition>) {
        let mut state = self.state();
        for partition in partitions {
            state.requests.resume.remove(&partition);
            state.requests.pause.insert(partition);
        }
    }

    /// Fetches from these partitions again.
    pub fn resume(&self, partitions: impl IntoIterator<Item = TopicPartition>) {
        let mut state = self.state();
        for partition in partitions {
            state.requests.pause.remove(&partition);
            state.requests.resume.insert(partition);
        }
    }

    /// Asks for the next `put` (of new records, of the same batch after a retriable error, or of an
    /// empty batch) after this time at the latest; zero counts as unset. It holds for one call.
    pub fn timeout(&self, timeout: Duration) {
        self.state().requests.timeout = (!timeout.is_zero()).then_some(timeout);
    }

    /// Asks for `pre_commit` and a commit before the next poll.
    pub fn request_commit(&self) {
        self.state().requests.commit = true;
    }

    /// For the runtime: takes the requests that came since the last call.
    pub fn take_requests(&self) -> SinkRequests {
        std::mem::take(&mut self.state().requests)
    }

    /// For the runtime: replaces the assignment that the task sees.
    pub fn set_assignment(&self, assignment: BTreeSet<TopicPartition>) {
        self.state().assignment = assignment;
    }
}
