//! The producer over librdkafka.

mod transactions;

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rdkafka::bindings as sys;
use rdkafka::bindings::rd_kafka_vtype_t as vtype;
use tokio::sync::{Notify, mpsc};

use super::{
    Deliveries, Delivery, Producer, ProducerError, ProducerHeader, ProducerRecord, RecordMetadata,
    SendError,
};
use crate::client_config::{ClientConfigError, ClientProperties, ClientType};
use crate::error::ErrorCode;
use crate::native::{ClientKind, Event, EventKind, NativeClient, NativeTopic, Queue};

/// Records without a received delivery beyond this number make [`SendError::QueueFull`]. The
/// library's own bound counts only those without an acknowledgement.
const MAX_IN_FLIGHT_RECORDS: usize = 200_000;

/// Leaves the partition to the partitioner (`RD_KAFKA_PARTITION_UA`, which the bindings lack).
const PARTITION_UNASSIGNED: i32 = -1;

impl From<ClientConfigError> for ProducerError {
    fn from(error: ClientConfigError) -> Self {
        Self::InvalidConfig(error.to_string())
    }
}

/// A [`Producer`] over librdkafka, with one thread that hands over delivery reports.
pub struct LibrdkafkaProducer {
    // `None` once the thread has been told to shut down.
    client: Option<Arc<NativeClient>>,
    topics: HashMap<Box<str>, NativeTopic>,
    deliveries: Option<Deliveries>,
    shared: Arc<Shared>,
    queue: Option<Arc<Queue>>,
    shutdown: std_mpsc::Sender<Arc<NativeClient>>,
    thread: Option<JoinHandle<()>>,
}

/// What the owner and the delivery thread both see.
struct Shared {
    in_flight_bytes: AtomicUsize,
    /// Records of which no delivery was handed over.
    num_undelivered: AtomicUsize,
    num_unreceived: Arc<AtomicUsize>,
    closing: AtomicBool,
    room: Notify,
}

pub use transactions::LibrdkafkaTransactionalProducer;

impl LibrdkafkaProducer {
    /// Makes a producer. It connects in the background; a broker that is not there shows as
    /// deliveries that fail after `delivery.timeout.ms`.
    pub fn new(properties: &ClientProperties) -> Result<Self, ProducerError> {
        let config = properties.to_native(ClientType::Producer)?;
        let client = NativeClient::new(&config, ClientKind::Producer, sys::RD_KAFKA_EVENT_DR)
            .map_err(ProducerError::InvalidConfig)?;
        let queue = Arc::new(client.main_queue());
        let (sender, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            in_flight_bytes: AtomicUsize::new(0),
            num_undelivered: AtomicUsize::new(0),
            num_unreceived: Arc::new(AtomicUsize::new(0)),
            closing: AtomicBool::new(false),
            room: Notify::new(),
        });
        let (shutdown, shutdown_receiver) = std_mpsc::channel();
        let delivery_thread = DeliveryThread {
            client_id: properties.get("client.id").unwrap_or("producer").to_owned(),
            queue: Arc::clone(&queue),
            sender,
            shared: Arc::clone(&shared),
            shutdown: shutdown_receiver,
        };
        let thread = std::thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || delivery_thread.run())
            .map_err(|error| ProducerError::InvalidConfig(format!("no thread for it: {error}")))?;
        let deliveries = Deliveries::new(receiver, Arc::clone(&shared.num_unreceived));
        Ok(Self {
            client: Some(client),
            topics: HashMap::new(),
            deliveries: Some(deliveries),
            shared,
            queue: Some(queue),
            shutdown,
            thread: Some(thread),
        })
    }

    pub(crate) fn client(&self) -> Option<&Arc<NativeClient>> {
        self.client.as_ref()
    }

    fn topic(&mut self, name: &str) -> Result<*mut sys::rd_kafka_topic_t, SendError> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic.ptr());
        }
        let client = self
            .client
            .as_ref()
            .expect("only close and drop take the client");
        let topic = client
            .topic(name)
            .map_err(|code| SendError::InvalidRecord {
                topic: name.to_owned(),
                reason: format!("its topic name is not valid: {code}"),
            })?;
        let ptr = topic.ptr();
        self.topics.insert(name.into(), topic);
        Ok(ptr)
    }

    fn refusal(&self, record: &ProducerRecord<'_>, code: ErrorCode) -> SendError {
        let topic = record.topic.to_owned();
        match code {
            ErrorCode::QUEUE_FULL => SendError::QueueFull,
            ErrorCode::MESSAGE_TOO_LARGE => SendError::RecordTooLarge {
                topic,
                num_bytes: num_bytes(record),
            },
            ErrorCode::UNKNOWN_PARTITION | ErrorCode::UNKNOWN_TOPIC => {
                SendError::UnknownPartition {
                    topic,
                    partition: record.partition.unwrap_or(-1),
                }
            }
            code => match self.client.as_ref().and_then(|client| client.fatal_error()) {
                Some((code, reason)) => SendError::Fatal { code, reason },
                None => SendError::Refused { topic, code },
            },
        }
    }

    /// Lets the thread end; it drops the client, which may block.
    fn shut_down(&mut self) -> Option<JoinHandle<()>> {
        self.topics.clear();
        let client = self.client.take()?;
        self.shared.closing.store(true, Ordering::Release);
        client.purge();
        // The thread is there until it has received this.
        _ = self.shutdown.send(client);
        if let Some(queue) = self.queue.take() {
            queue.wake();
        }
        self.thread.take()
    }
}

fn num_bytes(record: &ProducerRecord<'_>) -> usize {
    record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)
}

fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((std::ptr::null_mut(), 0), |bytes| {
        (bytes.as_ptr().cast_mut().cast(), bytes.len())
    })
}

/// Makes the library's header list, owned by the caller.
fn native_headers(
    headers: &[ProducerHeader<'_>],
) -> Result<*mut sys::rd_kafka_headers_t, &'static str> {
    if headers.is_empty() {
        return Ok(std::ptr::null_mut());
    }
    if headers.iter().any(|header| header.key.contains('\0')) {
        return Err("a header name has a zero byte");
    }
    // SAFETY: the list is new and ours; names and values are copied by the library, which
    // takes lengths and no terminators. A null value is given as a null pointer.
    unsafe {
        let list = sys::rd_kafka_headers_new(headers.len());
        for header in headers {
            let (value, len) = parts(header.value);
            sys::rd_kafka_header_add(
                list,
                header.key.as_ptr().cast(),
                header.key.len() as isize,
                value,
                len as isize,
            );
        }
        Ok(list)
    }
}

#[async_trait]
impl Producer for LibrdkafkaProducer {
    fn send(&mut self, record: ProducerRecord<'_>) -> Result<(), SendError> {
        if self.shared.num_unreceived.load(Ordering::Relaxed) >= MAX_IN_FLIGHT_RECORDS {
            return Err(SendError::QueueFull);
        }
        let topic = self.topic(record.topic)?;
        let headers =
            native_headers(record.headers).map_err(|reason| SendError::InvalidRecord {
                topic: record.topic.to_owned(),
                reason: reason.to_owned(),
            })?;
        let num_bytes = num_bytes(&record);
        // Counted first: the delivery may come before the call below returns.
        self.shared
            .in_flight_bytes
            .fetch_add(num_bytes, Ordering::Relaxed);
        self.shared.num_undelivered.fetch_add(1, Ordering::Relaxed);
        self.shared.num_unreceived.fetch_add(1, Ordering::Relaxed);
        let client = self
            .client
            .as_ref()
            .expect("only close and drop take the client");
        let (value, value_len) = parts(record.value);
        let (key, key_len) = parts(record.key);
        // SAFETY: the arguments follow the library's list of types for each tag; client and
        // topic are alive, the bytes are copied before the call returns, and the headers are
        // taken over only on success. `END` closes the list.
        let code = unsafe {
            sys::rd_kafka_producev(
                client.ptr(),
                vtype::RD_KAFKA_VTYPE_RKT,
                topic,
                vtype::RD_KAFKA_VTYPE_PARTITION,
                record.partition.unwrap_or(PARTITION_UNASSIGNED),
                vtype::RD_KAFKA_VTYPE_MSGFLAGS,
                sys::RD_KAFKA_MSG_F_COPY,
                vtype::RD_KAFKA_VTYPE_VALUE,
                value,
                value_len,
                vtype::RD_KAFKA_VTYPE_KEY,
                key,
                key_len,
                vtype::RD_KAFKA_VTYPE_OPAQUE,
                record.token as usize as *mut c_void,
                vtype::RD_KAFKA_VTYPE_TIMESTAMP,
                // 0 stands for now. A record of the first millisecond of 1970 can't be told
                // from it; the library offers no other way.
                record.timestamp_ms.unwrap_or(0),
                vtype::RD_KAFKA_VTYPE_HEADERS,
                headers,
                vtype::RD_KAFKA_VTYPE_END,
            )
        };
        crate::native::check(code).map_err(|code| {
            if !headers.is_null() {
                // SAFETY: the library has not taken the headers over.
                unsafe { sys::rd_kafka_headers_destroy(headers) };
            }
            self.shared
                .in_flight_bytes
                .fetch_sub(num_bytes, Ordering::Relaxed);
            self.shared.num_undelivered.fetch_sub(1, Ordering::Relaxed);
            self.shared.num_unreceived.fetch_sub(1, Ordering::Relaxed);
            self.refusal(&record, code)
        })
    }

    fn deliveries(&mut self) -> Option<Deliveries> {
        self.deliveries.take()
    }

    async fn wait_for_room(&mut self) {
        // Deliveries come within `delivery.timeout.ms`, which may be weeks: look again at
        // times in case the room was made between the refusal and this call.
        const LOOK_AGAIN: Duration = Duration::from_millis(100);
        _ = tokio::time::timeout(LOOK_AGAIN, self.shared.room.notified()).await;
    }

    async fn flush(&mut self, timeout: Duration) -> Result<(), ProducerError> {
        let client = Arc::clone(self.client.as_ref().expect("only close and drop take it"));
        flush_client(client, timeout).await?;
        // The library counts a record as done when its report is ready; wait until it is also
        // handed over.
        loop {
            let mut handed_over = std::pin::pin!(self.shared.room.notified());
            handed_over.as_mut().enable();
            if self.shared.num_undelivered.load(Ordering::Acquire) == 0 {
                return Ok(());
            }
            handed_over.await;
        }
    }

    fn in_flight_bytes(&self) -> usize {
        self.shared.in_flight_bytes.load(Ordering::Relaxed)
    }

    fn in_flight_records(&self) -> usize {
        self.shared.num_unreceived.load(Ordering::Relaxed)
    }

    async fn close(mut self: Box<Self>, timeout: Duration) -> Result<(), ProducerError> {
        let flushed = self.flush(timeout).await;
        if let Some(thread) = self.shut_down() {
            _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        flushed
    }
}

/// Flushes on a thread where blocking is allowed.
pub(crate) async fn flush_client(
    client: Arc<NativeClient>,
    timeout: Duration,
) -> Result<(), ProducerError> {
    let blocking = tokio::task::spawn_blocking(move || {
        let begin = Instant::now();
        client
            .flush(timeout)
            .map_err(|code| match client.fatal_error() {
                Some((code, reason)) => ProducerError::Fatal { code, reason },
                // Only a timeout or a fatal error ends a flush.
                None => {
                    tracing::debug!("flush ended after {:?}: {code}", begin.elapsed());
                    ProducerError::FlushTimeout {
                        // SAFETY: the client is alive.
                        num_in_flight: unsafe { sys::rd_kafka_outq_len(client.ptr()) }.max(0)
                            as usize,
                        timeout_ms: timeout.as_millis() as u64,
                    }
                }
            })
    });
    match blocking.await {
        Ok(result) => result,
        // The runtime is shutting down.
        Err(_) => Err(ProducerError::FlushTimeout {
            num_in_flight: 0,
            timeout_ms: 0,
        }),
    }
}

impl Drop for LibrdkafkaProducer {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Takes delivery reports from the library and hands them to the owner.
struct DeliveryThread {
    client_id: String,
    queue: Arc<Queue>,
    sender: mpsc::UnboundedSender<Vec<Delivery>>,
    shared: Arc<Shared>,
    shutdown: std_mpsc::Receiver<Arc<NativeClient>>,
}

impl DeliveryThread {
    fn run(self) {
        while !self.shared.closing.load(Ordering::Acquire) {
            if let Some(event) = self.queue.poll(None) {
                self.handle(event);
            }
        }
        // What was purged comes as failed deliveries; each record gets one.
        let client = self.shutdown.recv();
        if let Ok(client) = &client {
            let deadline = Instant::now() + Duration::from_secs(5);
            // SAFETY: the client is alive.
            while unsafe { sys::rd_kafka_outq_len(client.ptr()) } > 0 && Instant::now() < deadline {
                if let Some(event) = self.queue.poll(Some(Duration::from_millis(100))) {
                    self.handle(event);
                }
            }
        }
        // The queue goes before the client.
        drop(self.queue);
        drop(client);
    }

    fn handle(&self, mut event: Event) {
        match event.kind() {
            EventKind::DeliveryReport => self.deliver(&mut event),
            EventKind::Log => event.log(&self.client_id),
            EventKind::Error => tracing::warn!(
                client = %self.client_id,
                "producer: {}",
                event.error_text()
            ),
            _ => {}
        }
    }

    fn deliver(&self, event: &mut Event) {
        let mut batch = Vec::with_capacity(event.num_messages());
        let mut num_bytes = 0;
        while let Some(message) = event.next_message() {
            num_bytes += message.num_bytes();
            let result = message.error().map(|()| RecordMetadata {
                partition: message.partition(),
                offset: message.offset(),
                timestamp_ms: message.timestamp().0,
            });
            batch.push(Delivery {
                token: message.token() as u64,
                result,
            });
        }
        self.shared
            .in_flight_bytes
            .fetch_sub(num_bytes, Ordering::Relaxed);
        if !batch.is_empty() {
            let num_records = batch.len();
            if self.sender.send(batch).is_err() {
                // Nobody receives: the records must not count as in flight for ever.
                self.shared
                    .num_unreceived
                    .fetch_sub(num_records, Ordering::AcqRel);
            }
            self.shared
                .num_undelivered
                .fetch_sub(num_records, Ordering::AcqRel);
        }
        self.shared.room.notify_waiters();
    }
}

const _: () = assert!(
    size_of::<usize>() >= size_of::<u64>(),
    "tokens travel through the library as pointers"
);
