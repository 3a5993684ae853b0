//! The owner's side of a consumer: what may still be handed out of what was polled.
//!
//! Records wait between the polling thread and the owner. A rebalance, seek or pause makes
//! some of them void; this is where they are dropped or held back.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{CommitError, ConsumerEvent, Generation, PolledBatch};
use crate::record::{PartitionOffset, TopicPartition};

/// A rebalance event that the owner has not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Nothing,
    Assigned,
    Revoked,
}

/// State of the owner's side.
#[derive(Debug)]
pub(super) struct Inbox {
    generation: Generation,
    assignment: Vec<TopicPartition>,
    partitions: HashMap<TopicPartition, Partition>,
    paused: HashSet<TopicPartition>,
    seek_epoch: u64,
    /// Records of paused partitions.
    held: VecDeque<PolledBatch>,
    /// Records that were held and may be handed out now.
    ready: VecDeque<PolledBatch>,
    pending: Pending,
    revoked: Vec<TopicPartition>,
}

#[derive(Clone, Copy, Debug)]
struct Partition {
    /// Records polled in an earlier generation belong to an earlier assignment.
    since: Generation,
    /// Records polled before this seek are void.
    sought: u64,
    position: Option<i64>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            generation: Generation(0),
            assignment: Vec::new(),
            partitions: HashMap::new(),
            paused: HashSet::new(),
            seek_epoch: 0,
            held: VecDeque::new(),
            ready: VecDeque::new(),
            pending: Pending::Nothing,
            revoked: Vec::new(),
        }
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) fn assignment(&self) -> &[TopicPartition] {
        &self.assignment
    }

    pub(super) fn seek_epoch(&self) -> u64 {
        self.seek_epoch
    }

    pub(super) fn is_assigned(&self, partition: &TopicPartition) -> bool {
        self.partitions.contains_key(partition)
    }

    /// Takes note of an event that goes to the owner.
    pub(super) fn on_event(&mut self, event: &ConsumerEvent) {
        match event {
            ConsumerEvent::Assigned {
                generation,
                partitions,
            } => {
                self.generation = *generation;
                self.pending = Pending::Assigned;
                for partition in partitions {
                    let state = Partition {
                        since: *generation,
                        sought: self.seek_epoch,
                        position: None,
                    };
                    if self.partitions.insert(partition.clone(), state).is_none() {
                        self.assignment.push(partition.clone());
                    }
                }
            }
            ConsumerEvent::Revoked { partitions, .. } => {
                self.pending = Pending::Revoked;
                self.revoked = partitions.clone();
                // No more records of them, but commits until the rebalance is complete.
                self.drop_records(partitions);
            }
            ConsumerEvent::Lost { partitions, .. } => {
                self.drop_records(partitions);
                self.unassign(partitions);
            }
            ConsumerEvent::Records(_)
            | ConsumerEvent::Committed { .. }
            | ConsumerEvent::Error(_) => {}
        }
    }

    /// Completes the last rebalance event; `false` if there is none.
    pub(super) fn complete_rebalance(&mut self) -> bool {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => return false,
            Pending::Assigned => {}
            Pending::Revoked => {
                let revoked = std::mem::take(&mut self.revoked);
                self.unassign(&revoked);
            }
        }
        true
    }

    /// The part of a polled batch that may be handed out now.
    pub(super) fn admit(&mut self, mut batch: PolledBatch) -> Option<PolledBatch> {
        let Self {
            partitions,
            paused,
            revoked,
            ..
        } = self;
        let is_void = |partition: &TopicPartition| {
            let state = partitions.get(partition);
            let is_current = state.is_some_and(|state| {
                state.since <= batch.generation && state.sought <= batch.seek_epoch
            });
            !is_current || revoked.contains(partition)
        };
        let void: Vec<bool> = batch.partitions.iter().map(is_void).collect();
        if void.contains(&true) {
            let mut void = void.into_iter();
            batch.split_off_partitions(|_| void.next().unwrap_or(false));
        }
        if !paused.is_empty()
            && let Some(held) = batch.split_off_partitions(|partition| paused.contains(partition))
        {
            self.held.push_back(held);
        }
        if batch.is_empty() {
            return None;
        }
        self.advance(&batch);
        Some(batch)
    }

    /// The next batch of those that were held back.
    pub(super) fn next_ready(&mut self) -> Option<PolledBatch> {
        let batch = self.ready.pop_front()?;
        self.advance(&batch);
        Some(batch)
    }

    /// Sets positions behind the records of a batch that is handed out.
    fn advance(&mut self, batch: &PolledBatch) {
        let mut missing = batch.partitions.len();
        let mut seen = vec![false; missing];
        for entry in batch.entries.iter().rev() {
            let index = entry.partition_index as usize;
            if !std::mem::replace(&mut seen[index], true) {
                if let Some(state) = self.partitions.get_mut(&batch.partitions[index]) {
                    state.position = Some(entry.offset + 1);
                }
                missing -= 1;
                if missing == 0 {
                    return;
                }
            }
        }
    }

    /// Refuses commits of dead generations and of partitions that are not assigned.
    pub(super) fn check_commit(
        &self,
        generation: Generation,
        offsets: &[PartitionOffset],
    ) -> Result<(), CommitError> {
        if generation != self.generation || self.partitions.is_empty() {
            return Err(CommitError::DeadGeneration {
                generation,
                current: self.generation,
            });
        }
        match offsets
            .iter()
            .find(|offset| !self.is_assigned(&offset.partition))
        {
            Some(offset) => Err(CommitError::NotAssigned(offset.partition.clone())),
            None => Ok(()),
        }
    }

    /// Position of a partition, if it is known on this side.
    pub(super) fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.partitions.get(partition)?.position
    }

    pub(super) fn set_position(&mut self, partition: &TopicPartition, position: i64) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.position = Some(position);
        }
    }

    /// Voids what waits of the partitions; returns those that are assigned, and the number of
    /// this seek.
    pub(super) fn seek(&mut self, offsets: &[PartitionOffset]) -> (Vec<PartitionOffset>, u64) {
        self.seek_epoch += 1;
        let mut sought = Vec::new();
        for offset in offsets {
            if let Some(state) = self.partitions.get_mut(&offset.partition) {
                state.sought = self.seek_epoch;
                state.position = Some(offset.offset);
                sought.push(offset.clone());
            }
        }
        let partitions: Vec<_> = sought
            .iter()
            .map(|offset| offset.partition.clone())
            .collect();
        self.drop_records(&partitions);
        (sought, self.seek_epoch)
    }

    /// Returns the partitions that were not paused yet.
    pub(super) fn pause(&mut self, partitions: &[TopicPartition]) -> Vec<TopicPartition> {
        let mut added = Vec::new();
        for partition in partitions {
            if self.is_assigned(partition) && self.paused.insert(partition.clone()) {
                added.push(partition.clone());
            }
        }
        // What had become ready of them is held again, before what is held already.
        let mut held = VecDeque::new();
        for mut batch in self.ready.drain(..).collect::<Vec<_>>() {
            held.extend(batch.split_off_partitions(|partition| added.contains(partition)));
            if !batch.is_empty() {
                self.ready.push_back(batch);
            }
        }
        held.append(&mut self.held);
        self.held = held;
        added
    }

    /// Returns the partitions that were paused.
    pub(super) fn resume(&mut self, partitions: &[TopicPartition]) -> Vec<TopicPartition> {
        let removed: Vec<_> = partitions
            .iter()
            .filter(|partition| self.paused.remove(partition))
            .cloned()
            .collect();
        for mut batch in std::mem::take(&mut self.held) {
            self.ready
                .extend(batch.split_off_partitions(|partition| removed.contains(partition)));
            if !batch.is_empty() {
                self.held.push_back(batch);
            }
        }
        removed
    }

    fn drop_records(&mut self, partitions: &[TopicPartition]) {
        for batches in [&mut self.held, &mut self.ready] {
            for batch in batches.iter_mut() {
                batch.split_off_partitions(|partition| partitions.contains(partition));
            }
            batches.retain(|batch| !batch.is_empty());
        }
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.partitions.remove(partition);
            self.paused.remove(partition);
        }
        self.assignment
            .retain(|partition| self.partitions.contains_key(partition));
        if self.assignment.is_empty() {
            // Nothing is left that a commit of this generation could be for.
            self.generation.0 += 1;
        }
    }
}
