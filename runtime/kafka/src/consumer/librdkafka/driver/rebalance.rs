//! Rebalances: the owner is told and waited for, with a deadline; then the library goes on.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::super::{Command, Notice};
use super::Driver;
use crate::consumer::ConsumerEvent;
use crate::error::ErrorCode;
use crate::native::{Event, EventKind, PartitionList};
use crate::record::TopicPartition;

/// `RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS`
const ASSIGN_PARTITIONS: ErrorCode = ErrorCode::new(-175);
/// `RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS`
const REVOKE_PARTITIONS: ErrorCode = ErrorCode::new(-174);
/// How long leaving the group may take when the coordinator does not answer.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(10);

impl Driver {
    pub(super) fn rebalance(&mut self, event: &Event) {
        let list = event.partitions();
        match event.error() {
            Err(ASSIGN_PARTITIONS) => self.on_assigned(&list),
            Err(REVOKE_PARTITIONS) => self.on_revoked(&list),
            Err(code) => {
                self.fail(
                    code,
                    format!("the rebalance failed: {}", event.error_text()),
                );
                // The library waits for an answer whatever the error.
                self.unassign(&PartitionList::new(), false);
            }
            Ok(()) => {}
        }
    }

    fn on_assigned(&mut self, list: &PartitionList) {
        let partitions = list.partitions();
        let cooperative = self.client.is_cooperative();
        self.generation.0 += 1;
        // Topic handles may be new ones at old addresses.
        self.known_partitions.clear();
        self.start_offsets.clear();
        self.being_assigned = partitions.iter().cloned().collect();
        self.assignment.extend(partitions.iter().cloned());
        self.wait_for_owner(ConsumerEvent::Assigned {
            generation: self.generation,
            partitions: partitions.clone(),
        });
        self.being_assigned.clear();
        self.forward(&partitions);
        let start_offsets = std::mem::take(&mut self.start_offsets);
        let list = PartitionList::with(partitions.iter().map(|partition| {
            let offset = start_offsets.get(partition).copied();
            (partition, offset.unwrap_or(PartitionList::STORED))
        }));
        if let Err((code, reason)) = self.client.assign(&list, cooperative) {
            return self.fail(
                code,
                format!("can't take the assigned partitions: {reason}"),
            );
        }
        let paused = self
            .paused
            .iter()
            .filter(|partition| partitions.contains(partition));
        let paused =
            PartitionList::with(paused.map(|partition| (partition, PartitionList::STORED)));
        if !paused.is_empty()
            && let Err((code, reason)) = self.client.pause(&paused)
        {
            self.fail(code, format!("can't pause: {reason}"));
        }
    }

    fn on_revoked(&mut self, list: &PartitionList) {
        let partitions = list.partitions();
        let cooperative = self.client.is_cooperative();
        let generation = self.generation;
        if self.client.assignment_lost() {
            self.forget(&partitions);
            self.wait_for_owner(ConsumerEvent::Lost {
                generation,
                partitions: partitions.clone(),
            });
        } else {
            self.wait_for_owner(ConsumerEvent::Revoked {
                generation,
                partitions: partitions.clone(),
            });
            self.forget(&partitions);
        }
        self.unassign(list, cooperative);
    }

    /// Makes commits for the partitions fail from now on.
    fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.assignment.remove(partition);
            self.paused.remove(partition);
            self.pending_seeks.remove(partition);
            self.partition_queues.remove(partition);
        }
        if self.assignment.is_empty() {
            self.generation.0 += 1;
        }
    }

    fn unassign(&mut self, list: &PartitionList, cooperative: bool) {
        if let Err((code, reason)) = self.client.unassign(list, cooperative) {
            self.fail(
                code,
                format!("can't give up the revoked partitions: {reason}"),
            );
        }
    }

    /// Tells the owner of a rebalance, and does what it asks for until it is done or the
    /// deadline has passed.
    fn wait_for_owner(&mut self, event: ConsumerEvent) {
        self.num_rebalances += 1;
        let rebalance = self.num_rebalances;
        let deadline = Instant::now() + self.max_poll_interval;
        let notice = Notice {
            event,
            rebalance: Some(rebalance),
        };
        if self.channels.notices.send(notice).is_err() {
            return;
        }
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            match self.channels.commands.recv_timeout(remaining) {
                Ok(Command::CompleteRebalance { sequence }) if sequence == rebalance => return,
                Ok(command) => self.run_command(command),
                Err(RecvTimeoutError::Timeout) => {
                    return tracing::error!(
                        "group {}: the task did not complete the rebalance within {:?} \
                         (max.poll.interval.ms); it goes on without the task, whose later commits \
                         are refused",
                        self.group_id,
                        self.max_poll_interval
                    );
                }
                Err(RecvTimeoutError::Disconnected) => self.closing = true,
            }
            if self.closing {
                return;
            }
        }
    }

    /// Leaves the group, so that others need not wait for the session to time out.
    pub(super) fn leave_group(mut self) {
        if let Err((_, reason)) = self.client.close(&self.events) {
            return tracing::warn!("group {} could not be left: {reason}", self.group_id);
        }
        let deadline = Instant::now() + LEAVE_TIMEOUT;
        while !self.client.is_closed() {
            if Instant::now() >= deadline {
                return tracing::warn!(
                    "group {}: the coordinator did not answer for {LEAVE_TIMEOUT:?}; others take \
                     over the partitions when the session times out",
                    self.group_id
                );
            }
            match self.events.poll(Some(Duration::from_millis(100))) {
                // The owner has given up its partitions before it closed the consumer.
                Some(event) if event.kind() == EventKind::Rebalance => {
                    let cooperative = self.client.is_cooperative();
                    self.unassign(&event.partitions(), cooperative);
                }
                Some(event) if event.kind() == EventKind::Log => event.log(&self.group_id),
                _ => {}
            }
        }
    }
}
