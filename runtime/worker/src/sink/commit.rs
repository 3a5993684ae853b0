//! Commits of a sink task: asked of the task by `pre_commit`, checked, and sent to the group.

use super::Runner;
use super::open_reports::OpenReports;
use connect_api::{Offsets, Result, TopicPartition};
use connect_kafka::record::PartitionOffset;
use std::time::Duration;

/// The commits of a task: what is committed, and what is on its way.
#[derive(Default)]
pub(super) struct Commits {
    /// The task has asked for one.
    pub(super) requested: bool,
    /// The offsets that are committed, or where reading began.
    last_committed: Offsets,
    /// Numbers commits, so that late answers of older ones are told apart.
    sequence: u64,
    in_flight: Option<InFlight>,
}

struct InFlight {
    offsets: Offsets,
    started: Duration,
}

impl Commits {
    /// A partition was assigned; reading begins at `offset`.
    pub(super) fn assigned(&mut self, partition: TopicPartition, offset: i64) {
        self.last_committed.insert(partition, offset);
    }

    /// A partition has moved away.
    pub(super) fn unassigned(&mut self, partition: &TopicPartition) {
        self.last_committed.remove(partition);
    }

    /// The task went back or forth: the offset counts as committed, as in Java, so that it is not
    /// committed until it changes.
    pub(super) fn rewound(&mut self, partition: &TopicPartition, offset: i64) {
        if self.last_committed.contains_key(partition) {
            self.last_committed.insert(partition.clone(), offset);
        }
    }

    /// When a commit that is on its way counts as failed.
    pub(super) fn times_out_at(&self, timeout: Duration) -> Option<Duration> {
        self.in_flight
            .as_ref()
            .map(|commit| commit.started + timeout)
    }

    /// Gives up a commit that takes too long; its answer will be ignored.
    pub(super) fn check_timeout(&mut self, now: Duration, timeout: Duration) {
        if self.times_out_at(timeout).is_some_and(|time| now >= time) {
            tracing::warn!(
                sequence = self.sequence,
                "Commit of offsets timed out after {} ms (offset.flush.timeout.ms); they are \
                 committed with the next round",
                timeout.as_millis()
            );
            self.in_flight = None;
            self.sequence += 1;
        }
    }

    /// How many records were handed to the task and are not committed.
    pub(super) fn num_uncommitted(&self, current: &Offsets) -> u64 {
        current
            .iter()
            .filter_map(|(partition, offset)| {
                Some((offset - self.last_committed.get(partition)?).max(0))
            })
            .sum::<i64>()
            .unsigned_abs()
    }

    /// Of the offsets that the task gives free, those that may be committed.
    fn committable(
        &self,
        provided: &Offsets,
        current: &Offsets,
        open_reports: &OpenReports,
    ) -> Offsets {
        let mut committable = Offsets::new();
        for (partition, offset) in provided {
            match current.get(partition) {
                None => tracing::warn!(
                    "Ignoring the offset {offset} that the task gave free for {partition}: the \
                     partition is not assigned to it"
                ),
                Some(consumed) if offset > consumed => tracing::warn!(
                    "Ignoring the offset {offset} that the task gave free for {partition}: only \
                     records before {consumed} were handed to it"
                ),
                Some(_) => {
                    committable.insert(partition.clone(), *offset);
                }
            }
        }
        committable.retain(|partition, offset| {
            if self.last_committed.get(partition) == Some(offset) {
                return false;
            }
            // A lower offset would do, but a sink may rely on the very ones that it gave.
            let held_back = open_reports.hold_back(partition, *offset);
            if held_back {
                tracing::warn!(
                    "The offset {offset} of {partition} is not committed yet: the dead letter queue \
                     has not acknowledged a record before it"
                );
            }
            !held_back
        });
        committable
    }
}

fn partition_offsets(offsets: &Offsets) -> Vec<PartitionOffset> {
    offsets
        .iter()
        .map(|(partition, offset)| PartitionOffset::new(partition.clone(), *offset))
        .collect()
}

impl Runner {
    /// Starts a commit if its time has come or the task has asked for one, and none is on its way.
    pub(super) async fn commit_if_due(&mut self) -> Result<()> {
        let now = self.clock.monotonic();
        if self.commits.in_flight.is_some() || !(self.commits.requested || now >= self.next_commit)
        {
            return Ok(());
        }
        self.commits.requested = false;
        self.next_commit = now + self.offset_flush_interval;
        if self.current.is_empty() {
            return Ok(());
        }
        let assigned: Vec<TopicPartition> = self.current.keys().cloned().collect();
        self.await_reports(&assigned).await;
        self.begin_commit();
        let provided = match self.task.pre_commit(&self.current).await {
            Ok(provided) => provided,
            Err(error) => {
                tracing::error!(
                    "Offset commit failed, rewinding to last committed offsets: {error}"
                );
                self.metrics
                    .task()
                    .record_offset_commit(false, Duration::ZERO);
                self.rewind_to_committed();
                return Ok(());
            }
        };
        let committable = self
            .commits
            .committable(&provided, &self.current, &self.open_reports);
        if committable.is_empty() {
            tracing::debug!("Skipping offset commit, no change since last commit");
            self.metrics
                .task()
                .record_offset_commit(true, Duration::ZERO);
            return Ok(());
        }
        let generation = self.consumer.generation();
        let offsets = partition_offsets(&committable);
        tracing::debug!(offsets = ?committable, sequence = self.commits.sequence, "Committing offsets asynchronously");
        self.commits.in_flight = Some(InFlight {
            offsets: committable,
            started: now,
        });
        let sequence = self.commits.sequence;
        if let Err(error) = self.consumer.commit_async(generation, &offsets, sequence) {
            self.on_committed(sequence, Err(error.to_string()));
        }
        Ok(())
    }

    /// Waits until what was reported is durable, so that the offsets behind it can be committed.
    async fn await_reports(&mut self, partitions: &[TopicPartition]) {
        let timeout = self.clock.sleep(self.offset_flush_timeout);
        tokio::select! {
            biased;
            () = self.open_reports.settled(partitions) => {}
            // What is still open holds its partition back.
            () = timeout => {}
        }
    }

    fn begin_commit(&mut self) {
        self.commits.sequence += 1;
        self.metrics.set_offset_commit_seq_no(self.commits.sequence);
    }

    /// The answer to an asynchronous commit.
    pub(super) fn on_committed(&mut self, sequence: u64, result: Result<(), String>) {
        if sequence != self.commits.sequence {
            tracing::debug!(sequence, "the answer to an outdated commit is ignored");
            self.metrics.record_offset_commit_skip();
            return;
        }
        let Some(commit) = self.commits.in_flight.take() else {
            return;
        };
        let elapsed = self.clock.monotonic().saturating_sub(commit.started);
        match result {
            Ok(()) => {
                for (partition, offset) in commit.offsets {
                    if self.current.contains_key(&partition) {
                        self.commits.last_committed.insert(partition, offset);
                    }
                }
                if let Some(reporter) = &self.errant_reporter {
                    reporter.forget_before(&self.commits.last_committed);
                }
                self.metrics.task().record_offset_commit(true, elapsed);
                self.metrics.record_offset_commit_completion();
                self.metrics
                    .set_active_count(self.commits.num_uncommitted(&self.current));
            }
            Err(reason) => {
                tracing::error!(
                    sequence,
                    "Commit of offsets threw an unexpected exception: {reason}; they are committed \
                     with the next round"
                );
                self.metrics
                    .task()
                    .record_offset_commit(false, Duration::ZERO);
            }
        }
    }

    /// Before partitions move away: what the task gives free is committed, then the task lets go.
    pub(super) async fn commit_and_close(&mut self, partitions: &[TopicPartition]) {
        let current: Offsets = self
            .current
            .iter()
            .filter(|(partition, _)| partitions.contains(partition))
            .map(|(partition, offset)| (partition.clone(), *offset))
            .collect();
        // A commit that is on its way cannot overtake this one: the coordinator keeps their order.
        self.commits.in_flight = None;
        self.await_reports(partitions).await;
        self.begin_commit();
        let provided = if current.is_empty() {
            Ok(Offsets::new())
        } else {
            self.task.pre_commit(&current).await
        };
        if let Err(error) = self.task.close(partitions).await {
            tracing::warn!("close of {} partitions failed: {error}", partitions.len());
        }
        match provided {
            Ok(provided) => self.commit_now(&provided, &current).await,
            Err(error) => {
                tracing::warn!(
                    "Offset commit failed during close; the next owner reads on from the last \
                     committed offsets: {error}"
                );
                self.metrics
                    .task()
                    .record_offset_commit(false, Duration::ZERO);
            }
        }
        for partition in partitions {
            self.current.remove(partition);
            self.commits.unassigned(partition);
        }
        self.open_reports.forget(partitions);
        if let Some(reporter) = &self.errant_reporter {
            reporter.forget_before(&self.commits.last_committed);
        }
    }

    async fn commit_now(&mut self, provided: &Offsets, current: &Offsets) {
        let committable = self
            .commits
            .committable(provided, current, &self.open_reports);
        if committable.is_empty() {
            return;
        }
        let started = self.clock.monotonic();
        let outcome = self
            .consumer
            .commit(
                self.consumer.generation(),
                &partition_offsets(&committable),
                self.offset_flush_timeout,
            )
            .await;
        match outcome {
            Ok(()) => {
                let elapsed = self.clock.monotonic().saturating_sub(started);
                self.metrics.task().record_offset_commit(true, elapsed);
                self.metrics.record_offset_commit_completion();
            }
            Err(error) => {
                tracing::warn!(
                    offsets = ?committable,
                    "offsets could not be committed before the partitions moved away, their records \
                     will be delivered again: {error}"
                );
                self.metrics
                    .task()
                    .record_offset_commit(false, Duration::ZERO);
            }
        }
    }

    fn rewind_to_committed(&mut self) {
        let committed = self.commits.last_committed.clone();
        self.seek(&committed);
        self.drop_pending_of(&committed.keys().cloned().collect());
        self.current.extend(committed);
    }
}
