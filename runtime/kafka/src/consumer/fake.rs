//! A sink consumer in memory, driven by a test.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::inbox::Inbox;
use super::{
    CommitError, ConsumerError, ConsumerEvent, Generation, PolledBatchBuilder, SinkConsumer,
};
use crate::record::{PartitionOffset, TimestampType, TopicPartition};

/// A record of a topic of a [`FakeConsumer`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeRecord {
    /// Key of the record.
    pub key: Option<Vec<u8>>,
    /// Value of the record.
    pub value: Option<Vec<u8>>,
    /// Headers of the record.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Creation time of the record in milliseconds.
    pub timestamp_ms: i64,
}

impl FakeRecord {
    /// A record with a value alone.
    pub fn value(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }
}

enum Step {
    Event(ConsumerEvent),
    /// There may be records to hand out.
    Records,
}

#[derive(Default)]
struct State {
    generation: Generation,
    max_poll_records: Option<usize>,
    logs: BTreeMap<TopicPartition, Vec<FakeRecord>>,
    /// Where the fetch of each assigned partition stands.
    fetch_positions: HashMap<TopicPartition, i64>,
    paused: Vec<TopicPartition>,
    committed: BTreeMap<TopicPartition, i64>,
    commits: Vec<Vec<PartitionOffset>>,
    commit_errors: Vec<CommitError>,
    num_completed_rebalances: usize,
    closed: bool,
}

/// A [`SinkConsumer`] in memory. It has the rebalances, records and errors that a test gives
/// it through its [`FakeConsumerHandle`], in that order.
pub struct FakeConsumer {
    inbox: Inbox,
    steps: mpsc::UnboundedReceiver<Step>,
    again: mpsc::UnboundedSender<Step>,
    state: Arc<Mutex<State>>,
    has_open_rebalance: bool,
}

/// A test's hand on a [`FakeConsumer`]; it outlives the consumer.
#[derive(Clone)]
pub struct FakeConsumerHandle {
    steps: mpsc::UnboundedSender<Step>,
    state: Arc<Mutex<State>>,
}

impl FakeConsumer {
    /// A consumer without assignment.
    #[allow(clippy::new_ret_no_self, reason = "a test needs both ends")]
    pub fn new() -> (Self, FakeConsumerHandle) {
        let (sender, steps) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(State::default()));
        let consumer = Self {
            inbox: Inbox::new(),
            steps,
            again: sender.clone(),
            state: Arc::clone(&state),
            has_open_rebalance: false,
        };
        let handle = FakeConsumerHandle {
            steps: sender,
            state,
        };
        (consumer, handle)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// One batch of what the assigned partitions have, oldest partition names first.
    fn poll_records(&mut self) -> Option<ConsumerEvent> {
        let batch = {
            let mut state = lock(&self.state);
            let max_poll_records = state.max_poll_records.unwrap_or(500);
            let mut builder = PolledBatchBuilder::new();
            let State {
                logs,
                fetch_positions,
                paused,
                ..
            } = &mut *state;
            for (partition, records) in logs.iter() {
                let Some(position) = fetch_positions.get_mut(partition) else {
                    continue;
                };
                if paused.contains(partition) {
                    continue;
                }
                while builder.len() < max_poll_records
                    && let Some(record) = records.get(*position as usize)
                {
                    let headers: Vec<_> = record
                        .headers
                        .iter()
                        .map(|(key, value)| super::Header {
                            key: key.as_bytes(),
                            value: value.as_deref(),
                        })
                        .collect();
                    builder.push_record(
                        partition,
                        *position,
                        record.timestamp_ms,
                        TimestampType::CreateTime,
                        record.key.as_deref(),
                        record.value.as_deref(),
                        &headers,
                    );
                    *position += 1;
                }
            }
            if builder.is_empty() {
                return None;
            }
            let mut batch = builder.finish(self.inbox.generation());
            batch.seek_epoch = self.inbox.seek_epoch();
            batch
        };
        // More may be left.
        _ = self.again.send(Step::Records);
        self.inbox.admit(batch).map(ConsumerEvent::Records)
    }

    fn start_position(state: &State, partition: &TopicPartition) -> i64 {
        state.committed.get(partition).copied().unwrap_or(0)
    }

    fn begin(&mut self, event: &ConsumerEvent) {
        let (gone, new, is_assigned) = match event {
            ConsumerEvent::Assigned { partitions, .. } => (&[][..], &partitions[..], true),
            ConsumerEvent::Revoked { partitions, .. } | ConsumerEvent::Lost { partitions, .. } => {
                (&partitions[..], &[][..], true)
            }
            _ => (&[][..], &[][..], false),
        };
        self.has_open_rebalance = is_assigned;
        let mut state = lock(&self.state);
        for partition in gone {
            state.fetch_positions.remove(partition);
            state.paused.retain(|paused| paused != partition);
        }
        for partition in new {
            let position = Self::start_position(&state, partition);
            state.fetch_positions.insert(partition.clone(), position);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl FakeConsumerHandle {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn step(&self, step: Step) {
        // A consumer that is gone takes no more steps.
        _ = self.steps.send(step);
    }

    /// Appends records to a partition, from offset 0 on.
    pub fn append(
        &self,
        partition: &TopicPartition,
        records: impl IntoIterator<Item = FakeRecord>,
    ) {
        let mut state = self.state();
        state
            .logs
            .entry(partition.clone())
            .or_default()
            .extend(records);
        drop(state);
        self.step(Step::Records);
    }

    /// Sets `max.poll.records`.
    pub fn set_max_poll_records(&self, max_poll_records: usize) {
        self.state().max_poll_records = Some(max_poll_records);
    }

    /// Assigns partitions; returns the new generation.
    pub fn assign(&self, partitions: &[TopicPartition]) -> Generation {
        let generation = {
            let mut state = self.state();
            // In steps of two: the end of an assignment counts as well.
            state.generation.0 += 2;
            state.generation
        };
        self.step(Step::Event(ConsumerEvent::Assigned {
            generation,
            partitions: partitions.to_vec(),
        }));
        generation
    }

    /// Revokes partitions.
    pub fn revoke(&self, partitions: &[TopicPartition]) {
        let event = ConsumerEvent::Revoked {
            generation: self.state().generation,
            partitions: partitions.to_vec(),
        };
        self.step(Step::Event(event));
    }

    /// Takes partitions away without a chance to commit.
    pub fn lose(&self, partitions: &[TopicPartition]) {
        let event = ConsumerEvent::Lost {
            generation: self.state().generation,
            partitions: partitions.to_vec(),
        };
        self.step(Step::Event(event));
    }

    /// Hands an error to the owner.
    pub fn error(&self, error: ConsumerError) {
        self.step(Step::Event(ConsumerEvent::Error(error)));
    }

    /// Makes the next commit fail.
    pub fn fail_next_commit(&self, error: CommitError) {
        self.state().commit_errors.push(error);
    }

    /// Sets what the group has committed.
    pub fn set_committed(&self, partition: &TopicPartition, offset: i64) {
        self.state().committed.insert(partition.clone(), offset);
    }

    /// What the group has committed.
    pub fn committed(&self, partition: &TopicPartition) -> Option<i64> {
        self.state().committed.get(partition).copied()
    }

    /// All successful commits in order.
    pub fn commits(&self) -> Vec<Vec<PartitionOffset>> {
        self.state().commits.clone()
    }

    /// The paused partitions.
    pub fn paused(&self) -> Vec<TopicPartition> {
        self.state().paused.clone()
    }

    /// How many rebalance events the owner has completed.
    pub fn num_completed_rebalances(&self) -> usize {
        self.state().num_completed_rebalances
    }

    /// Whether the consumer was closed or dropped.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }
}

#[async_trait]
impl SinkConsumer for FakeConsumer {
    async fn next(&mut self) -> ConsumerEvent {
        self.complete_rebalance();
        loop {
            if let Some(batch) = self.inbox.next_ready() {
                return ConsumerEvent::Records(batch);
            }
            match self.steps.recv().await {
                Some(Step::Event(event)) => {
                    self.inbox.on_event(&event);
                    self.begin(&event);
                    return event;
                }
                Some(Step::Records) => {
                    if let Some(event) = self.poll_records() {
                        return event;
                    }
                }
                // The consumer holds a sender of its own.
                None => return ConsumerEvent::Error(ConsumerError::Closed),
            }
        }
    }

    fn complete_rebalance(&mut self) {
        self.inbox.complete_rebalance();
        if std::mem::replace(&mut self.has_open_rebalance, false) {
            self.state().num_completed_rebalances += 1;
            _ = self.again.send(Step::Records);
        }
    }

    fn assignment(&self) -> &[TopicPartition] {
        self.inbox.assignment()
    }

    fn generation(&self) -> Generation {
        self.inbox.generation()
    }

    fn commit_async(
        &mut self,
        generation: Generation,
        offsets: &[PartitionOffset],
        sequence: u64,
    ) -> Result<(), CommitError> {
        self.inbox.check_commit(generation, offsets)?;
        let result = lock(&self.state).commit(offsets);
        let event = ConsumerEvent::Committed { sequence, result };
        _ = self.again.send(Step::Event(event));
        Ok(())
    }

    async fn commit(
        &mut self,
        generation: Generation,
        offsets: &[PartitionOffset],
        _timeout: Duration,
    ) -> Result<(), CommitError> {
        self.inbox.check_commit(generation, offsets)?;
        lock(&self.state).commit(offsets)
    }

    async fn committed(
        &mut self,
        partitions: &[TopicPartition],
        _timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, ConsumerError> {
        let state = self.state();
        let committed = |partition: &TopicPartition| state.committed.get(partition).copied();
        Ok(partitions
            .iter()
            .map(|partition| (partition.clone(), committed(partition)))
            .collect())
    }

    async fn position(
        &mut self,
        partitions: &[TopicPartition],
        _timeout: Duration,
    ) -> Result<Vec<PartitionOffset>, ConsumerError> {
        let state = self.state();
        let assigned = partitions
            .iter()
            .filter(|partition| self.inbox.is_assigned(partition));
        Ok(assigned
            .map(|partition| {
                let known = self.inbox.position(partition);
                let offset = known.unwrap_or_else(|| Self::start_position(&state, partition));
                PartitionOffset::new(partition.clone(), offset)
            })
            .collect())
    }

    fn seek(&mut self, offsets: &[PartitionOffset]) {
        let (sought, _) = self.inbox.seek(offsets);
        let mut state = lock(&self.state);
        for PartitionOffset { partition, offset } in sought {
            state.fetch_positions.insert(partition, offset);
        }
        drop(state);
        // A real consumer voids what was polled before; here nothing is polled ahead.
        _ = self.again.send(Step::Records);
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        let paused = self.inbox.pause(partitions);
        self.state().paused.extend(paused);
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        self.inbox.resume(partitions);
        self.state()
            .paused
            .retain(|paused| !partitions.contains(paused));
        _ = self.again.send(Step::Records);
    }

    async fn close(self: Box<Self>, _timeout: Duration) -> Result<(), ConsumerError> {
        Ok(())
    }
}

impl State {
    fn commit(&mut self, offsets: &[PartitionOffset]) -> Result<(), CommitError> {
        if !self.commit_errors.is_empty() {
            return Err(self.commit_errors.remove(0));
        }
        for PartitionOffset { partition, offset } in offsets {
            self.committed.insert(partition.clone(), *offset);
        }
        self.commits.push(offsets.to_vec());
        Ok(())
    }
}

impl Drop for FakeConsumer {
    fn drop(&mut self) {
        self.state().closed = true;
    }
}
