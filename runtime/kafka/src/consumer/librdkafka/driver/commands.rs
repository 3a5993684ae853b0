//! What the owner asks of the polling thread.

use std::ffi::CString;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use super::super::Command;
use super::{Driver, OffsetReset};
use crate::consumer::{CommitError, ConsumerError, ConsumerEvent, Generation};
use crate::error::ErrorCode;
use crate::native::{self, PartitionList};
use crate::record::{PartitionOffset, TopicPartition};

/// How long the library may take to move a fetch; it needs no broker for that.
const SEEK_TIMEOUT: Duration = Duration::from_secs(5);

impl Driver {
    pub(super) fn run_commands(&mut self) {
        while !self.closing {
            match self.channels.commands.try_recv() {
                Ok(command) => self.run_command(command),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.closing = true,
            }
        }
    }

    pub(super) fn run_command(&mut self, command: Command) {
        match command {
            // Of a rebalance that was given up waiting for.
            Command::CompleteRebalance { .. } => {}
            Command::CommitAsync {
                generation,
                offsets,
                sequence,
            } => {
                let started = self.check_commit(generation, &offsets).and_then(|()| {
                    let list = offset_list(&offsets);
                    self.client
                        .commit(&list, &self.events, sequence as usize)
                        .map_err(CommitError::Broker)
                });
                if let Err(error) = started {
                    self.notify(ConsumerEvent::Committed {
                        sequence,
                        result: Err(error),
                    });
                }
            }
            Command::Commit {
                generation,
                offsets,
                timeout,
                reply,
            } => {
                let result = self.check_commit(generation, &offsets).and_then(|()| {
                    if offsets.is_empty() {
                        return Ok(());
                    }
                    let result = self.client.commit_sync(&offset_list(&offsets), timeout);
                    result.map_err(|code| match code {
                        ErrorCode::TIMED_OUT => CommitError::Timeout {
                            timeout_ms: timeout.as_millis() as u64,
                        },
                        code => CommitError::Broker(code),
                    })
                });
                _ = reply.send(result);
            }
            Command::Committed {
                partitions,
                timeout,
                reply,
            } => {
                _ = reply.send(self.committed(&partitions, timeout));
            }
            Command::Position {
                partitions,
                timeout,
                reply,
            } => {
                _ = reply.send(self.positions(&partitions, timeout));
            }
            Command::Seek { offsets, epoch } => self.seek(offsets, epoch),
            Command::Pause(partitions) => self.pause(&partitions),
            Command::Resume(partitions) => self.resume(&partitions),
            Command::Close => self.closing = true,
        }
    }

    /// The owner's side has checked too, but a rebalance may have come in between.
    fn check_commit(
        &self,
        generation: Generation,
        offsets: &[PartitionOffset],
    ) -> Result<(), CommitError> {
        if generation != self.generation {
            return Err(CommitError::DeadGeneration {
                generation,
                current: self.generation,
            });
        }
        match offsets
            .iter()
            .find(|offset| !self.assignment.contains(&offset.partition))
        {
            Some(offset) => Err(CommitError::NotAssigned(offset.partition.clone())),
            None => Ok(()),
        }
    }

    fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, ConsumerError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let list = stored_list(partitions);
        let operation = "asking for committed offsets";
        self.client
            .committed(&list, timeout)
            .map_err(|code| self.call_error(code, operation, timeout))?;
        list.elements()
            .into_iter()
            .map(|(partition, offset, error)| match error {
                Ok(()) => Ok((partition, (offset >= 0).then_some(offset))),
                Err(code) => Err(self.call_error(code, operation, timeout)),
            })
            .collect()
    }

    /// Where fetching starts of partitions of which no record was handed out yet.
    fn positions(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<PartitionOffset>, ConsumerError> {
        let deadline = Instant::now() + timeout;
        let mut positions = Vec::new();
        for (partition, committed) in self.committed(partitions, timeout)? {
            let chosen = self.start_offsets.get(&partition).copied().or(committed);
            let offset = match chosen {
                Some(offset) => offset,
                None => {
                    let remaining = deadline.saturating_duration_since(Instant::now());
                    self.reset_offset(&partition, remaining)?
                }
            };
            if self.being_assigned.contains(&partition) {
                // So that the first record is the one that the owner was told of.
                self.start_offsets.insert(partition.clone(), offset);
            }
            positions.push(PartitionOffset::new(partition, offset));
        }
        Ok(positions)
    }

    fn reset_offset(
        &self,
        partition: &TopicPartition,
        timeout: Duration,
    ) -> Result<i64, ConsumerError> {
        let no_offset = || ConsumerError::NoOffset {
            group: self.group_id.clone(),
            partition: partition.clone(),
        };
        if self.offset_reset == OffsetReset::None {
            return Err(no_offset());
        }
        let topic = CString::new(&*partition.topic).map_err(|_| no_offset())?;
        let (low, high) = native::watermarks(&self.client, &topic, partition.partition, timeout)
            .map_err(|code| {
                self.call_error(code, "asking for the first and last offset", timeout)
            })?;
        Ok(if self.offset_reset == OffsetReset::Earliest {
            low
        } else {
            high
        })
    }

    fn call_error(
        &self,
        code: ErrorCode,
        operation: &'static str,
        timeout: Duration,
    ) -> ConsumerError {
        match code {
            ErrorCode::TIMED_OUT => ConsumerError::Timeout {
                operation,
                timeout_ms: timeout.as_millis() as u64,
            },
            code => ConsumerError::Broker {
                group: self.group_id.clone(),
                code,
                reason: format!("{operation}: {code}"),
            },
        }
    }

    fn seek(&mut self, offsets: Vec<PartitionOffset>, epoch: u64) {
        self.seek_epoch = epoch;
        for PartitionOffset { partition, offset } in offsets {
            if self.being_assigned.contains(&partition) {
                self.start_offsets.insert(partition, offset);
            } else if self.assignment.contains(&partition) {
                self.pending_seeks.insert(partition, offset);
            }
        }
        self.retry_seeks();
    }

    /// Seeks that the library refuses while it still looks up where to start are tried again;
    /// records of the partition are dropped until then.
    pub(super) fn retry_seeks(&mut self) {
        if self.pending_seeks.is_empty() || !self.being_assigned.is_empty() {
            return;
        }
        let list = PartitionList::with(
            self.pending_seeks
                .iter()
                .map(|(partition, offset)| (partition, *offset)),
        );
        if let Err((code, reason)) = self.client.seek(&list, SEEK_TIMEOUT) {
            return self.fail(code, format!("can't seek: {reason}"));
        }
        for (partition, offset, result) in list.elements() {
            match result {
                Ok(()) => _ = self.pending_seeks.remove(&partition),
                Err(ErrorCode::STATE | ErrorCode::TIMED_OUT) => {}
                Err(code) => {
                    self.pending_seeks.remove(&partition);
                    self.fail(code, format!("can't seek {partition} to {offset}: {code}"));
                }
            }
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        self.paused.extend(partitions.iter().cloned());
        self.change_fetching(partitions, "pause", native::NativeClient::pause);
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.paused.remove(partition);
        }
        self.change_fetching(partitions, "resume", native::NativeClient::resume);
    }

    fn change_fetching(
        &self,
        partitions: &[TopicPartition],
        what: &str,
        call: fn(&native::NativeClient, &PartitionList) -> Result<(), native::CallError>,
    ) {
        // Those that are being assigned are paused when they are.
        let assigned = partitions.iter().filter(|partition| {
            self.assignment.contains(partition) && !self.being_assigned.contains(partition)
        });
        let list = PartitionList::with(assigned.map(|it| (it, PartitionList::STORED)));
        if !list.is_empty()
            && let Err((code, reason)) = call(&self.client, &list)
        {
            self.fail(code, format!("can't {what}: {reason}"));
        }
    }
}

fn offset_list(offsets: &[PartitionOffset]) -> PartitionList {
    PartitionList::with(
        offsets
            .iter()
            .map(|offset| (&offset.partition, offset.offset)),
    )
}

fn stored_list(partitions: &[TopicPartition]) -> PartitionList {
    PartitionList::with(
        partitions
            .iter()
            .map(|partition| (partition, PartitionList::STORED)),
    )
}
