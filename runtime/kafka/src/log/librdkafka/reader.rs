//! The reading side of a log: one thread that sleeps until there is something.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::{LogRecord, RecordCallback};
use crate::error::ErrorCode;
use crate::native::{Event, EventKind, NativeClient, NativeTopic, PartitionList, Queue};

enum Command {
    ReadTo {
        end_offsets: BTreeMap<i32, i64>,
        done: oneshot::Sender<Result<(), ErrorCode>>,
    },
    Stop,
}

/// Commands to a [`Reader`].
#[derive(Clone)]
pub(super) struct ReaderHandle {
    commands: Sender<Command>,
    queue: Arc<Queue>,
}

impl ReaderHandle {
    /// Waits until all records before `end_offsets` have gone to the callback; `None` if the
    /// reader has stopped.
    pub(super) async fn read_to(
        &self,
        end_offsets: BTreeMap<i32, i64>,
    ) -> Option<Result<(), ErrorCode>> {
        let (done, answer) = oneshot::channel();
        self.commands
            .send(Command::ReadTo { end_offsets, done })
            .ok()?;
        self.queue.wake();
        answer.await.ok()
    }

    /// Makes the reader's thread end.
    pub(super) fn stop(&self) {
        // An error means that it has ended already.
        _ = self.commands.send(Command::Stop);
        self.queue.wake();
    }
}

/// How far a partition was read.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Last delivered offset + 1.
    next: i64,
    /// Offset at which the broker last said that there is nothing more. It passes the control
    /// and aborted records that `next` never passes, because they are not delivered.
    end: i64,
}

impl Progress {
    fn has_reached(self, end_offset: i64) -> bool {
        self.next >= end_offset || self.end >= end_offset
    }
}

/// A wait for all records before some offsets.
struct Wait {
    end_offsets: BTreeMap<i32, i64>,
    done: oneshot::Sender<Result<(), ErrorCode>>,
}

/// Reads all partitions of a topic from their beginning.
pub(super) struct Reader {
    topic_name: Arc<str>,
    on_record: RecordCallback,
    progress: BTreeMap<i32, Progress>,
    waits: Vec<Wait>,
    commands: Receiver<Command>,
    handle: ReaderHandle,
    topic: NativeTopic,
    // Last, so that it goes after the topic.
    _client: Arc<NativeClient>,
}

impl Reader {
    /// Starts to fetch. Blocks.
    pub(super) fn new(
        client: Arc<NativeClient>,
        topic_name: &str,
        num_partitions: i32,
        on_record: RecordCallback,
    ) -> Result<Self, ErrorCode> {
        let queue = client.new_queue();
        // Logs and errors of the client come with the records.
        client.main_queue().forward_to(&queue);
        let topic = client.topic(topic_name)?;
        let mut progress = BTreeMap::new();
        for partition in 0..num_partitions {
            topic.consume_start(partition, PartitionList::BEGINNING, &queue)?;
            progress.insert(partition, Progress::default());
        }
        let (sender, commands) = channel();
        Ok(Self {
            topic_name: topic_name.into(),
            on_record,
            progress,
            waits: Vec::new(),
            commands,
            handle: ReaderHandle {
                commands: sender,
                queue: Arc::new(queue),
            },
            topic,
            _client: client,
        })
    }

    pub(super) fn handle(&self) -> ReaderHandle {
        self.handle.clone()
    }

    /// Reads until [`ReaderHandle::stop`].
    pub(super) fn run(mut self) {
        loop {
            if let Some(event) = self.handle.queue.poll(None) {
                self.handle_event(event);
            }
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::ReadTo { end_offsets, done } => {
                        self.waits.push(Wait { end_offsets, done });
                        self.finish_waits();
                    }
                    Command::Stop => {
                        for partition in self.progress.keys() {
                            self.topic.consume_stop(*partition);
                        }
                        return;
                    }
                }
            }
        }
    }

    fn handle_event(&mut self, mut event: Event) {
        match event.kind() {
            EventKind::Fetch => {
                while let Some(message) = event.next_message() {
                    let (partition, offset) = (message.partition(), message.offset());
                    if let Err(code) = message.error() {
                        tracing::warn!("{}-{partition} at {offset}: {code}", self.topic_name);
                        continue;
                    }
                    let record = LogRecord {
                        topic: Arc::clone(&self.topic_name),
                        partition,
                        offset,
                        timestamp_ms: message.timestamp().0,
                        key: message.key().map(Bytes::copy_from_slice),
                        value: message.value().map(Bytes::copy_from_slice),
                    };
                    (self.on_record)(record);
                    self.progress.entry(partition).or_default().next = offset + 1;
                }
                self.finish_waits();
            }
            EventKind::Error => self.handle_error(&event),
            EventKind::Log => event.log(&self.topic_name),
            _ => {}
        }
    }

    fn handle_error(&mut self, event: &Event) {
        let Err(code) = event.error() else {
            return;
        };
        if code == ErrorCode::PARTITION_EOF {
            if let Some((_, partition, offset)) = event.error_partition() {
                self.progress.entry(partition).or_default().end = offset;
                self.finish_waits();
            }
            return;
        }
        let reason = event.error_text();
        if code.is_retriable() {
            // The library tries again by itself, with its own back-off.
            tracing::warn!("reading topic {}: {reason}", self.topic_name);
            return;
        }
        tracing::error!("reading topic {} failed: {reason}", self.topic_name);
        for wait in self.waits.drain(..) {
            _ = wait.done.send(Err(code));
        }
    }

    fn finish_waits(&mut self) {
        let progress = &self.progress;
        for wait in self.waits.extract_if(.., |wait| {
            // A caller that waits no longer must not stay here for ever.
            wait.done.is_closed()
                || wait.end_offsets.iter().all(|(partition, end_offset)| {
                    progress
                        .get(partition)
                        .is_some_and(|progress| progress.has_reached(*end_offset))
                })
        }) {
            _ = wait.done.send(Ok(()));
        }
    }
}
