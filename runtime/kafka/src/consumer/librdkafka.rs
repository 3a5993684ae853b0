//! The sink consumer over librdkafka: the owner's end. The polling thread is in [`driver`].

mod driver;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc as std_mpsc;
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::inbox::Inbox;
use super::{
    CommitError, ConsumerError, ConsumerEvent, Generation, PolledBatch, SinkConsumer, Subscription,
};
use crate::client_config::{ClientConfigError, ClientProperties, ClientType};
use crate::record::{PartitionOffset, TopicPartition};
use driver::Driver;

/// Settings of a [`LibrdkafkaConsumer`] that no Java property names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// Bytes of records that may wait for the owner, besides what the client library fetches
    /// ahead. Reaching it ends polling until the owner has taken some; one batch may go beyond.
    pub max_buffered_bytes: usize,
    /// A batch ends at this many bytes even if `max.poll.records` is not reached.
    pub max_batch_bytes: usize,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self {
            max_buffered_bytes: 8 << 20,
            max_batch_bytes: 4 << 20,
        }
    }
}

impl From<ClientConfigError> for ConsumerError {
    fn from(error: ClientConfigError) -> Self {
        Self::InvalidConfig(error.to_string())
    }
}

type CommittedOffsets = Result<Vec<(TopicPartition, Option<i64>)>, ConsumerError>;

/// What the owner asks of the polling thread.
enum Command {
    CompleteRebalance {
        sequence: u64,
    },
    CommitAsync {
        generation: Generation,
        offsets: Vec<PartitionOffset>,
        sequence: u64,
    },
    Commit {
        generation: Generation,
        offsets: Vec<PartitionOffset>,
        timeout: Duration,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
    Committed {
        partitions: Vec<TopicPartition>,
        timeout: Duration,
        reply: oneshot::Sender<CommittedOffsets>,
    },
    Position {
        partitions: Vec<TopicPartition>,
        timeout: Duration,
        reply: oneshot::Sender<Result<Vec<PartitionOffset>, ConsumerError>>,
    },
    Seek {
        offsets: Vec<PartitionOffset>,
        epoch: u64,
    },
    Pause(Vec<TopicPartition>),
    Resume(Vec<TopicPartition>),
    Close,
}

/// What both threads see.
#[derive(Debug)]
struct Shared {
    started: Instant,
    /// Bytes sent to the owner and not yet taken.
    buffered_bytes: AtomicUsize,
    /// The polling thread sleeps because too many bytes wait.
    is_full: AtomicBool,
    /// Since when, in milliseconds from `started`, the owner is away from `next`; 0: it waits.
    away_since_ms: AtomicU64,
}

impl Shared {
    fn now_ms(&self) -> u64 {
        // Never 0, which stands for "not away".
        self.started.elapsed().as_millis() as u64 + 1
    }
}

/// An event, with the number of the rebalance that the owner must complete.
struct Notice {
    event: ConsumerEvent,
    rebalance: Option<u64>,
}

/// A [`SinkConsumer`] over librdkafka, with one polling thread.
pub struct LibrdkafkaConsumer {
    inbox: Inbox,
    notices: mpsc::UnboundedReceiver<Notice>,
    batches: mpsc::UnboundedReceiver<PolledBatch>,
    commands: std_mpsc::Sender<Command>,
    shared: Arc<Shared>,
    waker: Thread,
    thread: Option<JoinHandle<()>>,
    rebalance: Option<u64>,
    max_buffered_bytes: usize,
}

impl LibrdkafkaConsumer {
    /// Makes a consumer and joins the group in the background.
    pub fn new(
        properties: &ClientProperties,
        subscription: Subscription,
        settings: ConsumerSettings,
    ) -> Result<Self, ConsumerError> {
        // Refused here, where a person sees it; the thread would only leave an event.
        properties.to_native(ClientType::Consumer)?;
        let (notice_sender, notices) = mpsc::unbounded_channel();
        let (batch_sender, batches) = mpsc::unbounded_channel();
        let (commands, command_receiver) = std_mpsc::channel();
        let shared = Arc::new(Shared {
            started: Instant::now(),
            buffered_bytes: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
            away_since_ms: AtomicU64::new(1),
        });
        let driver = Driver::new(
            properties,
            subscription,
            settings,
            driver::Channels {
                notices: notice_sender,
                batches: batch_sender,
                commands: command_receiver,
                shared: Arc::clone(&shared),
            },
        )?;
        let thread = std::thread::Builder::new()
            .name("kafka-consumer".to_owned())
            .spawn(move || driver.run())
            .map_err(|error| ConsumerError::InvalidConfig(format!("no thread for it: {error}")))?;
        Ok(Self {
            inbox: Inbox::new(),
            notices,
            batches,
            commands,
            shared,
            waker: thread.thread().clone(),
            thread: Some(thread),
            rebalance: None,
            max_buffered_bytes: settings.max_buffered_bytes,
        })
    }

    /// Bytes of records that were polled and wait for the owner.
    pub fn buffered_bytes(&self) -> usize {
        self.shared.buffered_bytes.load(Ordering::Acquire)
    }

    fn command(&self, command: Command) {
        // The thread ends only after `Close`; events tell the owner before.
        _ = self.commands.send(command);
        self.waker.unpark();
    }

    /// Sends a command and waits for its answer.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command, closed: T) -> T {
        let (reply, answer) = oneshot::channel();
        self.command(command(reply));
        answer.await.unwrap_or(closed)
    }

    fn on_notice(&mut self, notice: Notice) -> ConsumerEvent {
        let Notice { event, rebalance } = notice;
        self.inbox.on_event(&event);
        self.rebalance = rebalance;
        event
    }

    fn on_batch(&mut self, batch: PolledBatch) -> Option<ConsumerEvent> {
        let num_bytes = batch.num_bytes();
        let before = self
            .shared
            .buffered_bytes
            .fetch_sub(num_bytes, Ordering::AcqRel);
        let has_room = before - num_bytes < self.max_buffered_bytes;
        if has_room && self.shared.is_full.swap(false, Ordering::AcqRel) {
            self.waker.unpark();
        }
        self.inbox.admit(batch).map(ConsumerEvent::Records)
    }
}

/// Tells the polling thread that the owner waits, for as long as it does.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn begin(shared: &'a Shared, waker: &Thread, max_away_ms: u64) -> Self {
        let away_since_ms = shared.away_since_ms.swap(0, Ordering::AcqRel);
        if shared.now_ms().saturating_sub(away_since_ms) >= max_away_ms {
            // It may have ceased to poll.
            waker.unpark();
        }
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0
            .away_since_ms
            .store(self.0.now_ms(), Ordering::Release);
    }
}

#[async_trait]
impl SinkConsumer for LibrdkafkaConsumer {
    async fn next(&mut self) -> ConsumerEvent {
        self.complete_rebalance();
        let shared = Arc::clone(&self.shared);
        // A second away is not worth a wake-up: the thread looks at its own clock.
        let _waiting = Waiting::begin(&shared, &self.waker, 1000);
        loop {
            if let Ok(notice) = self.notices.try_recv() {
                return self.on_notice(notice);
            }
            if let Some(batch) = self.inbox.next_ready() {
                return ConsumerEvent::Records(batch);
            }
            tokio::select! {
                biased;
                notice = self.notices.recv() => match notice {
                    Some(notice) => return self.on_notice(notice),
                    None => return ConsumerEvent::Error(ConsumerError::Closed),
                },
                Some(batch) = self.batches.recv() => if let Some(event) = self.on_batch(batch) {
                    return event;
                },
            }
        }
    }

    fn complete_rebalance(&mut self) {
        self.inbox.complete_rebalance();
        if let Some(sequence) = self.rebalance.take() {
            self.command(Command::CompleteRebalance { sequence });
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
        let offsets = offsets.to_vec();
        self.command(Command::CommitAsync {
            generation,
            offsets,
            sequence,
        });
        Ok(())
    }

    async fn commit(
        &mut self,
        generation: Generation,
        offsets: &[PartitionOffset],
        timeout: Duration,
    ) -> Result<(), CommitError> {
        self.inbox.check_commit(generation, offsets)?;
        let offsets = offsets.to_vec();
        self.ask(
            |reply| Command::Commit {
                generation,
                offsets,
                timeout,
                reply,
            },
            Err(CommitError::Closed),
        )
        .await
    }

    async fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, ConsumerError> {
        let partitions = partitions.to_vec();
        self.ask(
            |reply| Command::Committed {
                partitions,
                timeout,
                reply,
            },
            Err(ConsumerError::Closed),
        )
        .await
    }

    async fn position(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<PartitionOffset>, ConsumerError> {
        let unknown: Vec<_> = partitions
            .iter()
            .filter(|partition| {
                self.inbox.is_assigned(partition) && self.inbox.position(partition).is_none()
            })
            .cloned()
            .collect();
        if !unknown.is_empty() {
            let found = self
                .ask(
                    |reply| Command::Position {
                        partitions: unknown,
                        timeout,
                        reply,
                    },
                    Err(ConsumerError::Closed),
                )
                .await?;
            for found in &found {
                self.inbox.set_position(&found.partition, found.offset);
            }
        }
        Ok(partitions
            .iter()
            .filter_map(|partition| {
                let offset = self.inbox.position(partition)?;
                Some(PartitionOffset::new(partition.clone(), offset))
            })
            .collect())
    }

    fn seek(&mut self, offsets: &[PartitionOffset]) {
        let (offsets, epoch) = self.inbox.seek(offsets);
        if !offsets.is_empty() {
            self.command(Command::Seek { offsets, epoch });
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        let paused = self.inbox.pause(partitions);
        if !paused.is_empty() {
            self.command(Command::Pause(paused));
        }
    }

    fn resume(&mut self, partitions: &[TopicPartition]) {
        let resumed = self.inbox.resume(partitions);
        if !resumed.is_empty() {
            self.command(Command::Resume(resumed));
        }
    }

    async fn close(mut self: Box<Self>, timeout: Duration) -> Result<(), ConsumerError> {
        self.complete_rebalance();
        self.command(Command::Close);
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let joined = tokio::task::spawn_blocking(move || _ = thread.join());
        tokio::time::timeout(timeout, joined)
            .await
            .map(drop)
            .map_err(|_| ConsumerError::Timeout {
                operation: "leaving the group",
                timeout_ms: timeout.as_millis() as u64,
            })
    }
}

impl Drop for LibrdkafkaConsumer {
    fn drop(&mut self) {
        // The thread leaves the group by itself; nobody waits for it here.
        self.command(Command::Close);
    }
}
