//! The polling thread of a sink consumer.
//!
//! It sleeps until a queue of the library gets something, the owner commands something, or
//! there is room again. Group events come through one queue and messages through another, so
//! that a slow sink does not hold up a rebalance behind records that were fetched ahead.

mod commands;
mod rebalance;

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;
use tokio::sync::mpsc;

use super::super::batch::RecordFrame;
use super::{Command, ConsumerSettings, Notice, Shared};
use crate::client_config::{ClientProperties, ClientType};
use crate::consumer::{
    CommitError, ConsumerError, ConsumerEvent, Generation, PolledBatch, PolledBatchBuilder,
    Subscription,
};
use crate::error::ErrorCode;
use crate::native::{
    ClientKind, Event, EventKind, Messages, NativeClient, NativeMessage, Queue, commit_result,
};
use crate::record::TopicPartition;

/// Java's default.
const DEFAULT_MAX_POLL_RECORDS: u64 = 500;
/// Java's default.
const DEFAULT_MAX_POLL_INTERVAL_MS: u64 = 300_000;
/// Java's default of `metadata.max.age.ms`: how often a pattern is matched with new topics.
const DEFAULT_METADATA_MAX_AGE_MS: u64 = 300_000;
/// How soon a seek is tried again that the library was not ready for.
const SEEK_RETRY: Duration = Duration::from_millis(20);
/// How long one metadata request of a pattern subscription may take.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// The thread's ends of its channels.
pub(super) struct Channels {
    pub(super) notices: mpsc::UnboundedSender<Notice>,
    pub(super) batches: mpsc::UnboundedSender<PolledBatch>,
    pub(super) commands: std_mpsc::Receiver<Command>,
    pub(super) shared: Arc<Shared>,
}

/// Where records start when a group has no offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OffsetReset {
    Earliest,
    Latest,
    None,
}

pub(super) struct Driver {
    channels: Channels,
    settings: ConsumerSettings,
    group_id: String,
    max_poll_records: usize,
    max_poll_interval: Duration,
    offset_reset: OffsetReset,
    subscription: Subscription,
    subscribed: Vec<String>,
    exclude_internal_topics: bool,
    metadata_max_age: Duration,
    next_metadata: Option<Instant>,

    generation: Generation,
    assignment: HashSet<TopicPartition>,
    paused: HashSet<TopicPartition>,
    /// Offsets chosen for partitions between the rebalance event and the assignment.
    start_offsets: HashMap<TopicPartition, i64>,
    /// Partitions of the rebalance that the owner is completing.
    being_assigned: HashSet<TopicPartition>,
    pending_seeks: HashMap<TopicPartition, i64>,
    seek_epoch: u64,
    num_rebalances: u64,
    closing: bool,

    builder: PolledBatchBuilder,
    polled: Messages,
    /// Size of a record of late, to take no more at a time than fits into a batch.
    mean_record_bytes: usize,
    /// Topic handle and partition of the message before, and its index in the batch:
    /// neighbours mostly share them.
    last_partition: Option<(usize, i32, u32)>,
    /// Partitions by the address of their topic handle and number.
    known_partitions: HashMap<(usize, i32), TopicPartition>,

    // Messages and queues before the client, as they refer to it.
    partition_queues: HashMap<TopicPartition, Queue>,
    messages: Queue,
    events: Queue,
    client: Arc<NativeClient>,
}

impl Driver {
    pub(super) fn new(
        properties: &ClientProperties,
        subscription: Subscription,
        settings: ConsumerSettings,
        channels: Channels,
    ) -> Result<Self, ConsumerError> {
        let number = |key, default| properties.number(ClientType::Consumer, key, default);
        let config = properties.to_native(ClientType::Consumer)?;
        let Some(group_id) = config.get("group.id").filter(|id| !id.is_empty()) else {
            return Err(ConsumerError::InvalidConfig(
                "group.id is missing".to_owned(),
            ));
        };
        let kinds = sys::RD_KAFKA_EVENT_REBALANCE | sys::RD_KAFKA_EVENT_OFFSET_COMMIT;
        let client = NativeClient::new(&config, ClientKind::Consumer, kinds)
            .map_err(ConsumerError::InvalidConfig)?;
        let no_queue = || ConsumerError::InvalidConfig("it has no group queue".to_owned());
        let events = client.consumer_queue().ok_or_else(no_queue)?;
        let messages = client.new_queue();
        Ok(Self {
            channels,
            settings,
            group_id: group_id.to_owned(),
            max_poll_records: number("max.poll.records", DEFAULT_MAX_POLL_RECORDS)?.max(1) as usize,
            max_poll_interval: Duration::from_millis(number(
                "max.poll.interval.ms",
                DEFAULT_MAX_POLL_INTERVAL_MS,
            )?),
            offset_reset: match config.get("auto.offset.reset") {
                Some("earliest") => OffsetReset::Earliest,
                Some("error") => OffsetReset::None,
                _ => OffsetReset::Latest,
            },
            subscription,
            subscribed: Vec::new(),
            exclude_internal_topics: properties.get("exclude.internal.topics") != Some("false"),
            metadata_max_age: Duration::from_millis(number(
                "metadata.max.age.ms",
                DEFAULT_METADATA_MAX_AGE_MS,
            )?),
            next_metadata: None,
            generation: Generation(0),
            assignment: HashSet::new(),
            paused: HashSet::new(),
            start_offsets: HashMap::new(),
            being_assigned: HashSet::new(),
            pending_seeks: HashMap::new(),
            seek_epoch: 0,
            num_rebalances: 0,
            closing: false,
            builder: PolledBatchBuilder::new(),
            polled: Messages::default(),
            // Unknown: begin with one.
            mean_record_bytes: usize::MAX,
            last_partition: None,
            known_partitions: HashMap::new(),
            partition_queues: HashMap::new(),
            messages,
            events,
            client,
        })
    }

    /// Polls until the owner closes the consumer.
    pub(super) fn run(mut self) {
        let thread = std::thread::current();
        let waker = thread.clone();
        self.events.set_on_nonempty(move || waker.unpark());
        self.messages.set_on_nonempty(move || thread.unpark());
        self.subscribe();
        while !self.closing {
            self.run_commands();
            self.match_topics();
            let mut has_polled = false;
            if !self.is_owner_gone() {
                while let Some(event) = self.events.poll(Some(Duration::ZERO)) {
                    self.handle_event(event);
                }
                self.retry_seeks();
                has_polled = !self.closing && self.has_room() && self.poll_messages();
            }
            if !has_polled && !self.closing {
                std::thread::park_timeout(self.sleep_time());
            }
        }
        self.leave_group();
    }

    /// How long to sleep when nothing wakes the thread.
    fn sleep_time(&self) -> Duration {
        // The library counts the time since the last poll, also when there is nothing to poll.
        let mut time = self.max_poll_interval / 3;
        if !self.pending_seeks.is_empty() {
            time = time.min(SEEK_RETRY);
        }
        if let Some(next) = self.next_metadata {
            time = time.min(next.saturating_duration_since(Instant::now()));
        }
        // 0 would spin.
        time.max(Duration::from_millis(1))
    }

    /// Whether the owner has not come back for its next batch for `max.poll.interval.ms`. Then
    /// polling ends, and the library gives the partitions up, as Java does.
    fn is_owner_gone(&self) -> bool {
        let shared = &self.channels.shared;
        match shared.away_since_ms.load(Ordering::Acquire) {
            0 => false,
            since_ms => {
                let away_ms = shared.now_ms().saturating_sub(since_ms);
                u128::from(away_ms) > self.max_poll_interval.as_millis()
            }
        }
    }

    fn has_room(&self) -> bool {
        let shared = &self.channels.shared;
        let max_buffered_bytes = self.settings.max_buffered_bytes;
        if shared.buffered_bytes.load(Ordering::Acquire) < max_buffered_bytes {
            return true;
        }
        shared.is_full.store(true, Ordering::Release);
        // Again: the owner may have taken the last batch just before it could see the mark.
        shared.buffered_bytes.load(Ordering::Acquire) < max_buffered_bytes
    }

    fn subscribe(&mut self) {
        match &self.subscription {
            Subscription::Topics(topics) => {
                let topics = topics.clone();
                self.subscribe_to(topics);
            }
            Subscription::Matching(_) => self.next_metadata = Some(Instant::now()),
        }
    }

    fn subscribe_to(&mut self, topics: Vec<String>) {
        match self.client.subscribe(&topics) {
            Ok(()) => self.subscribed = topics,
            Err((code, reason)) => self.fail(code, format!("can't subscribe: {reason}")),
        }
    }

    /// Matches a pattern with the topics there are, when the time has come.
    fn match_topics(&mut self) {
        let Subscription::Matching(matches) = &self.subscription else {
            return;
        };
        if self.next_metadata.is_none_or(|next| Instant::now() < next) {
            return;
        }
        let found = self.client.client().fetch_metadata(None, METADATA_TIMEOUT);
        let mut retry_in = self.metadata_max_age;
        match found {
            Ok(metadata) => {
                let is_internal =
                    |name: &str| matches!(name, "__consumer_offsets" | "__transaction_state");
                let mut topics: Vec<String> = metadata
                    .topics()
                    .iter()
                    .map(|topic| topic.name())
                    .filter(|name| !(self.exclude_internal_topics && is_internal(name)))
                    .filter(|name| matches(name))
                    .map(str::to_owned)
                    .collect();
                topics.sort();
                if topics != self.subscribed {
                    tracing::info!(
                        "group {} subscribes to the {} topics that match its pattern",
                        self.group_id,
                        topics.len()
                    );
                    self.subscribe_to(topics);
                }
            }
            Err(error) => {
                retry_in = retry_in.min(METADATA_TIMEOUT);
                tracing::warn!(
                    "group {}: the topics can't be listed, trying again in {retry_in:?}: {error}",
                    self.group_id
                );
            }
        }
        self.next_metadata = Some(Instant::now() + retry_in);
    }

    fn notify(&self, event: ConsumerEvent) {
        // An owner that is gone has sent `Close`.
        _ = self.channels.notices.send(Notice {
            event,
            rebalance: None,
        });
    }

    fn fail(&self, code: ErrorCode, reason: String) {
        self.notify(ConsumerEvent::Error(ConsumerError::Broker {
            group: self.group_id.clone(),
            code,
            reason,
        }));
    }

    fn handle_event(&mut self, event: Event) {
        match event.kind() {
            EventKind::Rebalance => self.rebalance(&event),
            EventKind::OffsetCommit => self.notify(ConsumerEvent::Committed {
                sequence: event.opaque() as u64,
                result: commit_result(&event).map_err(CommitError::Broker),
            }),
            EventKind::Error => self.handle_error(&event),
            EventKind::Log => event.log(&self.group_id),
            // A message that was on its way before its queue was forwarded.
            EventKind::Fetch => self.handle_early_message(event),
            _ => {}
        }
    }

    fn handle_error(&self, event: &Event) {
        let Err(code) = event.error() else {
            return;
        };
        if event.is_fatal() {
            return self.fail(code, event.error_text());
        }
        let partition = event
            .error_partition()
            .map(|(topic, partition, _)| TopicPartition::new(topic, partition));
        self.on_error(code, event.error_text(), partition);
    }

    fn on_error(&self, code: ErrorCode, reason: String, partition: Option<TopicPartition>) {
        /// `RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET`: no valid offset, and none may be chosen.
        const AUTO_OFFSET_RESET: ErrorCode = ErrorCode::new(-140);
        if code == ErrorCode::PARTITION_EOF {
            return;
        }
        if code == AUTO_OFFSET_RESET
            && let Some(partition) = partition
        {
            return self.notify(ConsumerEvent::Error(ConsumerError::NoOffset {
                group: self.group_id.clone(),
                partition,
            }));
        }
        if code.is_retriable() {
            // The library tries again by itself, with its own back-off.
            return tracing::warn!("consumer of group {}: {reason}", self.group_id);
        }
        self.fail(code, reason);
    }

    fn handle_early_message(&mut self, mut event: Event) {
        if let Some(message) = event.next_message() {
            self.push(&message);
        }
        self.send_batch();
    }

    /// Hands over one batch, if there is any message.
    fn poll_messages(&mut self) -> bool {
        let mut polled = std::mem::take(&mut self.polled);
        loop {
            let max_bytes = self
                .settings
                .max_batch_bytes
                .saturating_sub(self.builder.num_bytes());
            let max_records = self.max_poll_records - self.builder.len();
            if max_bytes == 0 || max_records == 0 {
                break;
            }
            let max = (max_bytes / self.mean_record_bytes.max(1)).clamp(1, max_records);
            polled.take_from(&self.messages, max);
            if polled.is_empty() {
                break;
            }
            polled.iter().for_each(|message| self.push(&message));
            if !self.builder.is_empty() {
                self.mean_record_bytes = self.builder.num_bytes() / self.builder.len();
            }
        }
        self.polled = polled;
        self.send_batch()
    }

    fn send_batch(&mut self) -> bool {
        if self.builder.is_empty() {
            return false;
        }
        self.last_partition = None;
        let mut batch = self.builder.finish(self.generation);
        batch.seek_epoch = self.seek_epoch;
        batch.end_offsets = batch
            .partitions()
            .iter()
            .map(|partition| crate::native::known_end_offset(&self.client, partition))
            .collect();
        let shared = &self.channels.shared;
        shared
            .buffered_bytes
            .fetch_add(batch.num_bytes(), Ordering::AcqRel);
        _ = self.channels.batches.send(batch);
        true
    }

    fn push(&mut self, message: &NativeMessage<'_>) {
        if let Err(code) = message.error() {
            return self.handle_message_error(message, code);
        }
        let Some(partition_index) = self.partition_index(message) else {
            return;
        };
        message.for_each_header(|key, value| self.builder.push_header(key, value));
        let (timestamp_ms, timestamp_type) = message.timestamp();
        let frame = RecordFrame {
            partition_index,
            offset: message.offset(),
            timestamp_ms,
            timestamp_type,
        };
        self.builder.push(frame, message.key(), message.value());
    }

    /// Index of the message's partition in the batch; `None` if its records are void.
    fn partition_index(&mut self, message: &NativeMessage<'_>) -> Option<u32> {
        let (topic, partition) = (message.topic_address(), message.partition());
        if let Some((last_topic, last_partition, index)) = self.last_partition
            && (last_topic, last_partition) == (topic, partition)
        {
            return Some(index);
        }
        let found = self
            .known_partitions
            .entry((topic, partition))
            .or_insert_with(|| TopicPartition::new(message.topic_name(), partition));
        // Records from before a seek that the library has not done yet.
        if self.pending_seeks.contains_key(found) {
            return None;
        }
        let index = self.builder.partition_index(found);
        self.last_partition = Some((topic, partition, index));
        Some(index)
    }

    /// The library reports errors of a partition as messages with their text as value.
    fn handle_message_error(&self, message: &NativeMessage<'_>, code: ErrorCode) {
        let partition = TopicPartition::new(message.topic_name(), message.partition());
        let text = String::from_utf8_lossy(message.value().unwrap_or_default());
        let reason = format!(
            "{partition} at offset {}: {text} ({code})",
            message.offset()
        );
        self.on_error(code, reason, Some(partition));
    }

    /// Makes messages of the partitions come through the message queue.
    fn forward(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            let Ok(topic) = CString::new(&*partition.topic) else {
                continue;
            };
            if let Some(queue) = self.client.partition_queue(&topic, partition.partition) {
                queue.forward_to(&self.messages);
                self.partition_queues.insert(partition.clone(), queue);
            }
        }
    }
}
