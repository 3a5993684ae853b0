//! The log over librdkafka: a producer, and a consumer of all partitions without a group.

mod reader;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::{CompactedLog, LogAck, LogError, RecordCallback};
use crate::client_config::{ClientProperties, ClientType, NativeConfig};
use crate::error::ErrorCode;
use crate::native::{self, ClientKind, NativeClient};
use crate::producer::{
    Deliveries, Delivery, LibrdkafkaProducer, Producer, ProducerError, ProducerRecord,
    RecordMetadata, SendError,
};
use reader::{Reader, ReaderHandle};

/// How long a topic may be missing: it may be about to be created, by another worker too.
const TOPIC_LOOKUP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the end of the topic is sought at the start, when brokers are not up yet.
const START_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// How long one request may take before it is asked again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_BACKOFF: Duration = Duration::from_millis(250);
const MAX_RETRY_BACKOFF: Duration = Duration::from_secs(10);

/// Settings of a [`KafkaLog`].
#[derive(Clone, Debug)]
pub struct KafkaLogConfig {
    /// The topic; it exists, or appears when it is asked for (see
    /// [`ensure_topic`](super::ensure_topic)).
    pub topic: String,
    /// Properties of the producer. What the log depends on (`acks`, order, no idempotence) is
    /// set by the log. `None` for a log that is only read: what is sent is refused.
    pub producer: Option<ClientProperties>,
    /// Properties of the consumer. The log reads from the beginning and never commits.
    /// `isolation.level` is the caller's choice. `fetch.max.wait.ms` defaults to 10000 here:
    /// brokers answer at once when there is something, so a long wait only saves work.
    pub consumer: ClientProperties,
}

/// A [`CompactedLog`] on a Kafka topic.
pub struct KafkaLog {
    config: KafkaLogConfig,
    num_partitions: AtomicI32,
    running: Arc<Mutex<Option<Running>>>,
}

struct Running {
    producer: Option<LibrdkafkaProducer>,
    asking: Asking,
    waiting: Waiting,
    next_token: u64,
    reader: ReaderHandle,
    thread: JoinHandle<()>,
}

/// The client that asks for the end of the topic.
#[derive(Clone)]
enum Asking {
    /// That of the producer, which is flushed before.
    Producer(Arc<NativeClient>),
    /// That of the consumer, where there is no producer.
    Consumer(Arc<NativeClient>),
}

impl Asking {
    fn client(&self) -> &Arc<NativeClient> {
        match self {
            Self::Producer(client) | Self::Consumer(client) => client,
        }
    }
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<RecordMetadata, ErrorCode>>>>>;

impl KafkaLog {
    /// Makes a log; nothing is connected before [`start`](CompactedLog::start).
    pub fn new(config: KafkaLogConfig) -> Self {
        Self {
            config,
            num_partitions: AtomicI32::new(0),
            running: Arc::default(),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        lock(&self.running)
    }

    fn not_running(&self) -> LogError {
        LogError::NotRunning {
            topic: self.config.topic.clone(),
        }
    }

    fn invalid_config(&self, reason: impl ToString) -> LogError {
        LogError::InvalidConfig {
            topic: self.config.topic.clone(),
            reason: reason.to_string(),
        }
    }

    fn new_producer(&self) -> Result<Option<LibrdkafkaProducer>, LogError> {
        let Some(mut properties) = self.config.producer.clone() else {
            return Ok(None);
        };
        properties.extend([
            ("acks", "all"),
            ("enable.idempotence", "false"),
            ("max.in.flight.requests.per.connection", "1"),
            ("delivery.timeout.ms", "2147483647"),
        ]);
        let producer = LibrdkafkaProducer::new(&properties).map_err(|error| match error {
            ProducerError::InvalidConfig(reason) => self.invalid_config(reason),
            other => self.invalid_config(other),
        })?;
        Ok(Some(producer))
    }

    fn consumer_config(&self) -> Result<NativeConfig, LogError> {
        let mut properties = self.config.consumer.clone();
        // Longer than Java's 500, as several logs lie idle in every worker. Not much longer: a partition
        // that a broker begins to lead is not read there before the wait for the others is over.
        properties.set_default("fetch.max.wait.ms", "2000");
        properties.set("auto.offset.reset", "earliest");
        properties.set_default("max.partition.fetch.bytes", "262144");
        let mut config = properties
            .to_native(ClientType::Consumer)
            .map_err(|error| self.invalid_config(error))?;
        config.remove("group.id");
        config.set("enable.partition.eof", "true");
        // Several logs lie idle in every worker: keep little ahead.
        config.set("queued.min.messages", "2000");
        config.set("queued.max.messages.kbytes", "2048");
        Ok(config)
    }

    /// Number of partitions of the topic, as soon as it exists. Blocks.
    fn find_topic(client: &NativeClient, topic: &str) -> Result<i32, LogError> {
        let begin = Instant::now();
        let mut backoff = RETRY_BACKOFF;
        loop {
            let found = client.client().fetch_metadata(Some(topic), REQUEST_TIMEOUT);
            let code = match &found {
                Err(error) => error.rdkafka_error_code().map(ErrorCode::from),
                Ok(metadata) => {
                    let found = metadata.topics().iter().find(|found| found.name() == topic);
                    match found.map(|found| (found.error(), found.partitions().len())) {
                        Some((None, num_partitions)) if num_partitions > 0 => {
                            return Ok(num_partitions as i32);
                        }
                        Some((Some(code), _)) => Some(code.into()),
                        _ => None,
                    }
                }
            };
            if let Some(code) = code.filter(|code| code.is_authorization()) {
                let topic = topic.to_owned();
                return Err(LogError::NotReadable { topic, code });
            }
            if begin.elapsed() + backoff > TOPIC_LOOKUP_TIMEOUT {
                return Err(LogError::TopicNotFound {
                    topic: topic.to_owned(),
                    timeout_ms: TOPIC_LOOKUP_TIMEOUT.as_millis() as u64,
                });
            }
            let reason = code.map_or("not there".to_owned(), |code| code.to_string());
            tracing::info!("looking for topic {topic} again in {backoff:?}: {reason}");
            std::thread::sleep(backoff);
            backoff = (backoff * 2).min(MAX_RETRY_BACKOFF);
        }
    }

    /// Reads to the present end. Several may do so at a time.
    async fn read(
        &self,
        asking: Asking,
        reader: ReaderHandle,
        timeout: Duration,
    ) -> Result<(), LogError> {
        let begin = Instant::now();
        let remaining = || timeout.saturating_sub(begin.elapsed());
        let timed_out = || LogError::Timeout {
            topic: self.config.topic.clone(),
            timeout_ms: timeout.as_millis() as u64,
        };
        // Own records come back by reading; they must be in the topic before its end is asked for.
        if let Asking::Producer(client) = &asking {
            crate::producer::flush_client(Arc::clone(client), remaining())
                .await
                .map_err(|_| timed_out())?;
        }
        let (mut backoff, mut is_retry) = (RETRY_BACKOFF, false);
        let end_offsets = loop {
            let (client, topic) = (Arc::clone(asking.client()), self.config.topic.clone());
            let num_partitions = self.num_partitions();
            let request_timeout = remaining().min(REQUEST_TIMEOUT);
            let request = tokio::task::spawn_blocking(move || {
                if is_retry {
                    // librdkafka asks with the leader and epoch it has cached, and keeps them when
                    // the broker refuses them, as after a restart: only new metadata replace them.
                    // Where they can't be had, the request below tells why.
                    let _ = client
                        .client()
                        .fetch_metadata(Some(&topic), request_timeout);
                }
                native::end_offsets(&client, &topic, num_partitions, request_timeout)
            });
            match request.await.unwrap_or(Err(ErrorCode::FAIL)) {
                Ok(end_offsets) => break end_offsets,
                Err(code) if !code.is_retriable() => {
                    let topic = self.config.topic.clone();
                    return Err(LogError::NotReadable { topic, code });
                }
                Err(_) if remaining() <= backoff => return Err(timed_out()),
                Err(code) => {
                    let topic = &self.config.topic;
                    tracing::warn!(
                        "asking for the end of topic {topic} again in {backoff:?}: {code}"
                    );
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(MAX_RETRY_BACKOFF);
                    is_retry = true;
                }
            }
        };
        match tokio::time::timeout(remaining(), reader.read_to(end_offsets)).await {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(code))) => Err(LogError::NotReadable {
                topic: self.config.topic.clone(),
                code,
            }),
            Ok(None) => Err(self.not_running()),
            Err(_) => Err(timed_out()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Resolves the futures of sent records.
async fn acknowledge(mut deliveries: Deliveries, waiting: Waiting) {
    while let Some(batch) = deliveries.recv().await {
        let mut waiting = lock(&waiting);
        for Delivery { token, result } in batch {
            if let Some(sender) = waiting.remove(&token) {
                _ = sender.send(result);
            }
        }
    }
    lock(&waiting).clear();
}

#[async_trait]
impl CompactedLog for KafkaLog {
    async fn start(&self, on_record: RecordCallback) -> Result<(), LogError> {
        let mut producer = self.new_producer()?;
        let consumer_config = self.consumer_config()?;
        let topic = self.config.topic.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let client =
                NativeClient::new(&consumer_config, ClientKind::Consumer, 0).map_err(|reason| {
                    LogError::InvalidConfig {
                        topic: topic.clone(),
                        reason,
                    }
                })?;
            let num_partitions = Self::find_topic(&client, &topic)?;
            let reader = Reader::new(Arc::clone(&client), &topic, num_partitions, on_record)
                .map_err(|code| LogError::NotReadable { topic, code })?;
            Ok::<_, LogError>((client, reader, num_partitions))
        });
        let (consumer_client, reader, num_partitions) =
            opened.await.map_err(|_| self.not_running())??;
        self.num_partitions.store(num_partitions, Ordering::Release);
        let handle = reader.handle();
        let thread = std::thread::Builder::new()
            .name("kafka-log".to_owned())
            .spawn(move || reader.run())
            .map_err(|error| self.invalid_config(format!("no thread for it: {error}")))?;
        let waiting = Waiting::default();
        let asking = match &mut producer {
            Some(producer) => {
                let deliveries = producer
                    .deliveries()
                    .expect("nobody has taken them from a new producer");
                tokio::spawn(acknowledge(deliveries, Arc::clone(&waiting)));
                let client = producer.client().expect("a new producer has its client");
                Asking::Producer(Arc::clone(client))
            }
            None => Asking::Consumer(consumer_client),
        };
        *self.running() = Some(Running {
            producer,
            asking: asking.clone(),
            waiting,
            next_token: 0,
            reader: handle.clone(),
            thread,
        });
        self.read(asking, handle, START_TIMEOUT).await
    }

    fn send(&self, key: Option<Bytes>, value: Option<Bytes>) -> LogAck {
        let topic = self.config.topic.clone();
        let mut running = self.running();
        let Some(running) = running.as_mut() else {
            let error = self.not_running();
            return Box::pin(async { Err(error) });
        };
        let Some(producer) = running.producer.as_mut() else {
            let error = self.invalid_config("it is only read here");
            return Box::pin(async { Err(error) });
        };
        let token = running.next_token;
        running.next_token += 1;
        let (sender, receiver) = oneshot::channel();
        lock(&running.waiting).insert(token, sender);
        let sent = producer.send(ProducerRecord {
            topic: &self.config.topic,
            partition: None,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &[],
            timestamp_ms: None,
            token,
        });
        if let Err(error) = sent {
            lock(&running.waiting).remove(&token);
            let code = match error {
                SendError::QueueFull => ErrorCode::QUEUE_FULL,
                SendError::RecordTooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
                SendError::UnknownPartition { .. } => ErrorCode::UNKNOWN_PARTITION,
                SendError::Fatal { code, .. } | SendError::Refused { code, .. } => code,
                SendError::InvalidRecord { .. } => ErrorCode::UNKNOWN_TOPIC,
            };
            return Box::pin(async move { Err(LogError::NotWritten { topic, code }) });
        }
        Box::pin(async move {
            match receiver.await {
                Ok(Ok(metadata)) => Ok(metadata),
                Ok(Err(code)) => Err(LogError::NotWritten { topic, code }),
                Err(_) => Err(LogError::NotRunning { topic }),
            }
        })
    }

    async fn read_to_end(&self, timeout: Duration) -> Result<(), LogError> {
        let (asking, reader) = match self.running().as_ref() {
            Some(running) => (running.asking.clone(), running.reader.clone()),
            None => return Err(self.not_running()),
        };
        self.read(asking, reader, timeout).await
    }

    fn topic(&self) -> &str {
        &self.config.topic
    }

    fn num_partitions(&self) -> i32 {
        self.num_partitions.load(Ordering::Acquire)
    }

    async fn stop(&self) {
        let Some(running) = self.running().take() else {
            return;
        };
        let Running {
            producer,
            asking,
            reader,
            thread,
            ..
        } = running;
        let consumer = match asking {
            // The producer's client ends with the producer.
            Asking::Producer(_) => None,
            Asking::Consumer(client) => Some(client),
        };
        if let Some(producer) = producer {
            // As long as Java's `KafkaBasedLog.stop` leaves to its producer.
            let flushed = Box::new(producer).close(Duration::from_secs(30)).await;
            if let Err(error) = flushed {
                tracing::warn!("topic {}: {error}", self.config.topic);
            }
        }
        let stopped = tokio::task::spawn_blocking(move || {
            reader.stop();
            _ = thread.join();
            // The last to let go of the consumer destroys it, and that may block.
            drop((reader, consumer));
        });
        _ = stopped.await;
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        if let Some(running) = self.running().take() {
            running.reader.stop();
        }
    }
}
