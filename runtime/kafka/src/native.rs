//! Safe handles over librdkafka's queues and events.
//!
//! rdkafka's own poll loops allocate and read the clock for each message and wake up at fixed
//! intervals. These handles do neither: a queue is polled only when it has something, and a
//! thread that waits is woken by the queue. This module and [`producer`](crate::producer)'s
//! call of `producev` hold all unsafe code of the crate.

mod complaint;
mod event;
mod group;
mod login;
mod mock;
mod offsets;
mod partitions;
mod transactions;

use std::ffi::{CStr, CString, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::Client;
use rdkafka::types::RDKafkaType;

use crate::client_config::NativeConfig;
use crate::error::ErrorCode;

pub(crate) use complaint::last_complaint;
pub(crate) use event::{Event, EventKind, Messages, NativeMessage, commit_result};
pub(crate) use group::CallError;
pub(crate) use login::LoginContext;
pub(crate) use mock::NativeMockCluster;
pub(crate) use offsets::{
    alter_group_offsets, delete_group, delete_group_offsets, end_offsets, group_offsets,
    known_end_offset, watermarks,
};
pub(crate) use partitions::PartitionList;
pub(crate) use transactions::TransactionFailure;

/// The protocol name of an error code.
pub(crate) fn error_name(code: sys::rd_kafka_resp_err_t) -> &'static str {
    // SAFETY: the library returns a pointer to a constant, terminated string for every code.
    let name = unsafe { CStr::from_ptr(sys::rd_kafka_err2name(code)) };
    name.to_str().unwrap_or("UNKNOWN")
}

/// The library's text of an error code.
pub(crate) fn error_text(code: sys::rd_kafka_resp_err_t) -> String {
    // SAFETY: the library returns a pointer to a terminated string for every code.
    let text = unsafe { CStr::from_ptr(sys::rd_kafka_err2str(code)) };
    text.to_string_lossy().into_owned()
}

/// Whether a client produces or consumes; the library makes a difference between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Producer,
    Consumer,
}

/// A librdkafka client. Dropping the last reference destroys it and may block for the time of
/// a network operation: let a thread of its own do that, never an async one.
pub(crate) struct NativeClient {
    client: Client<LoginContext>,
}

impl NativeClient {
    /// Makes a client whose events of the kinds in `events` go to queues. On failure the text
    /// names the setting that was refused; it never holds a value of a secret.
    pub(crate) fn new(
        config: &NativeConfig,
        kind: ClientKind,
        events: i32,
    ) -> Result<Arc<Self>, String> {
        let native_config = config
            .create_native_config()
            .map_err(|error| config_error(&error))?;
        // SAFETY: the configuration is alive and not yet given to a client.
        unsafe {
            sys::rd_kafka_conf_set_events(native_config.ptr(), events | sys::RD_KAFKA_EVENT_ERROR)
        };
        let kind = match kind {
            ClientKind::Producer => RDKafkaType::RD_KAFKA_PRODUCER,
            ClientKind::Consumer => RDKafkaType::RD_KAFKA_CONSUMER,
        };
        let context = LoginContext::new(config);
        context.prepare(native_config.ptr());
        let client = Client::new(config, native_config, kind, context)
            .map_err(|error| config_error(&error))?;
        // SAFETY: the client is alive and was prepared.
        unsafe { client.context().start(client.native_ptr()) }?;
        Ok(Arc::new(Self { client }))
    }

    pub(crate) fn ptr(&self) -> *mut sys::rd_kafka_t {
        self.client.native_ptr()
    }

    /// The safe client, for metadata calls.
    pub(crate) fn client(&self) -> &Client<LoginContext> {
        &self.client
    }

    /// The queue of events that belong to no other queue; logs and errors among them.
    pub(crate) fn main_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is alive; the library returns a new reference to the queue.
        let queue = unsafe { sys::rd_kafka_queue_get_main(self.ptr()) };
        Queue::from_ptr(queue, self).expect("every client has a main queue")
    }

    /// The queue of group events of a consumer with `group.id`; logs and errors come there too.
    pub(crate) fn consumer_queue(self: &Arc<Self>) -> Option<Queue> {
        // SAFETY: the client is alive; the library returns a new reference or null.
        unsafe {
            sys::rd_kafka_poll_set_consumer(self.ptr());
            Queue::from_ptr(sys::rd_kafka_queue_get_consumer(self.ptr()), self)
        }
    }

    /// The queue of one partition's messages.
    pub(crate) fn partition_queue(self: &Arc<Self>, topic: &CStr, partition: i32) -> Option<Queue> {
        // SAFETY: client and topic name are alive; the library returns a new reference or null.
        let queue =
            unsafe { sys::rd_kafka_queue_get_partition(self.ptr(), topic.as_ptr(), partition) };
        Queue::from_ptr(queue, self)
    }

    /// A new queue.
    pub(crate) fn new_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is alive; allocation failure aborts inside the library.
        let queue = unsafe { sys::rd_kafka_queue_new(self.ptr()) };
        Queue::from_ptr(queue, self).expect("the library never returns a null queue here")
    }

    /// A topic handle.
    pub(crate) fn topic(self: &Arc<Self>, name: &str) -> Result<NativeTopic, ErrorCode> {
        let name = CString::new(name).map_err(|_| ErrorCode::UNKNOWN_TOPIC)?;
        // SAFETY: client and name are alive; a null configuration means the client's default.
        let topic =
            unsafe { sys::rd_kafka_topic_new(self.ptr(), name.as_ptr(), std::ptr::null_mut()) };
        NonNull::new(topic)
            .map(|ptr| NativeTopic {
                ptr,
                _client: Arc::clone(self),
            })
            // SAFETY: reads a thread-local of the library.
            .ok_or_else(|| unsafe { sys::rd_kafka_last_error() }.into())
    }

    /// The error that made the client unusable, if any.
    pub(crate) fn fatal_error(&self) -> Option<(ErrorCode, String)> {
        let (code, reason) = self.client.fatal_error()?;
        Some((code.into(), reason))
    }

    /// Blocks until all messages are delivered or failed; another thread must serve the
    /// delivery queue meanwhile.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), ErrorCode> {
        // SAFETY: the client is alive, and it is a producer.
        check(unsafe { sys::rd_kafka_flush(self.ptr(), timeout_ms(timeout)) })
    }

    /// Fails all messages in queue and in flight.
    pub(crate) fn purge(&self) {
        let flags = sys::RD_KAFKA_PURGE_F_QUEUE | sys::RD_KAFKA_PURGE_F_INFLIGHT;
        // SAFETY: the client is alive, and it is a producer.
        let code = unsafe { sys::rd_kafka_purge(self.ptr(), flags) };
        if let Err(code) = check(code) {
            tracing::warn!("records in flight could not be dropped: {code}");
        }
    }
}

/// Turns a code into a result.
pub(crate) fn check(code: sys::rd_kafka_resp_err_t) -> Result<(), ErrorCode> {
    match code {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code.into()),
    }
}

/// Takes over an error object of the library.
pub(crate) fn take_error(error: *mut sys::rd_kafka_error_t) -> Result<(), (ErrorCode, String)> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the object is not null and owned by the caller; it is destroyed once, here,
    // after its text was copied.
    unsafe {
        let code = sys::rd_kafka_error_code(error).into();
        let reason = CStr::from_ptr(sys::rd_kafka_error_string(error))
            .to_string_lossy()
            .into_owned();
        sys::rd_kafka_error_destroy(error);
        Err((code, reason))
    }
}

/// The library's timeouts are whole milliseconds in 32 bits.
pub(crate) fn timeout_ms(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

fn config_error(error: &rdkafka::error::KafkaError) -> String {
    match error {
        // The library's text of a refused value repeats the value, which may be a secret.
        rdkafka::error::KafkaError::ClientConfig(_, _, key, _) => {
            format!("the value of {key} (client library's name) is not valid")
        }
        rdkafka::error::KafkaError::ClientCreation(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// A topic handle of a client.
pub(crate) struct NativeTopic {
    ptr: NonNull<sys::rd_kafka_topic_t>,
    // Keeps the client alive for as long as the handle.
    _client: Arc<NativeClient>,
}

// SAFETY: the library's objects may be used from any thread; a topic handle is only counted.
unsafe impl Send for NativeTopic {}
// SAFETY: as above.
unsafe impl Sync for NativeTopic {}

impl NativeTopic {
    pub(crate) fn ptr(&self) -> *mut sys::rd_kafka_topic_t {
        self.ptr.as_ptr()
    }

    /// Starts to fetch a partition into `queue`, without a group.
    pub(crate) fn consume_start(
        &self,
        partition: i32,
        offset: i64,
        queue: &Queue,
    ) -> Result<(), ErrorCode> {
        // SAFETY: topic and queue are alive and of the same client.
        let code = unsafe {
            sys::rd_kafka_consume_start_queue(self.ptr(), partition, offset, queue.ptr.as_ptr())
        };
        // SAFETY: reads a thread-local that the failed call has set.
        if code == 0 {
            Ok(())
        } else {
            Err(unsafe { sys::rd_kafka_last_error() }.into())
        }
    }

    /// Ends what [`consume_start`](Self::consume_start) began.
    pub(crate) fn consume_stop(&self, partition: i32) {
        // SAFETY: the topic is alive; stopping a partition that is not started only fails.
        unsafe { sys::rd_kafka_consume_stop(self.ptr(), partition) };
    }
}

impl Drop for NativeTopic {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and the client still lives.
        unsafe { sys::rd_kafka_topic_destroy(self.ptr.as_ptr()) };
    }
}

type NonemptyCallback = Box<dyn Fn() + Send + Sync>;

/// A queue of events.
pub(crate) struct Queue {
    ptr: NonNull<sys::rd_kafka_queue_t>,
    // Boxed twice: the library keeps one thin pointer.
    #[allow(clippy::redundant_allocation)]
    on_nonempty: Option<Box<NonemptyCallback>>,
    client: Arc<NativeClient>,
}

// SAFETY: the library's queues may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above; the callback is `Sync`.
unsafe impl Sync for Queue {}

impl Queue {
    fn from_ptr(ptr: *mut sys::rd_kafka_queue_t, client: &Arc<NativeClient>) -> Option<Self> {
        Some(Self {
            ptr: NonNull::new(ptr)?,
            on_nonempty: None,
            client: Arc::clone(client),
        })
    }

    pub(crate) fn ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.ptr.as_ptr()
    }

    /// Waits for an event; `None` timeout waits until [`wake`](Self::wake). Returns early,
    /// without an event, when woken.
    pub(crate) fn poll(&self, timeout: Option<Duration>) -> Option<Event> {
        let timeout_ms = timeout.map_or(-1, timeout_ms);
        // SAFETY: the queue is alive; the event returned is owned by the caller.
        let event = unsafe { sys::rd_kafka_queue_poll(self.ptr.as_ptr(), timeout_ms) };
        Event::from_ptr(event, &self.client)
    }

    /// Makes a present or the next [`poll`](Self::poll) return at once.
    pub(crate) fn wake(&self) {
        // SAFETY: the queue is alive.
        unsafe { sys::rd_kafka_queue_yield(self.ptr.as_ptr()) };
    }

    /// Makes events of this queue appear in `target`.
    pub(crate) fn forward_to(&self, target: &Queue) {
        // SAFETY: both queues are alive; the library counts its own references.
        unsafe { sys::rd_kafka_queue_forward(self.ptr.as_ptr(), target.ptr.as_ptr()) };
    }

    /// Has `callback` called, from a thread of the library, when the queue gets its first
    /// event after being empty. It must not block.
    pub(crate) fn set_on_nonempty(&mut self, callback: impl Fn() + Send + Sync + 'static) {
        unsafe extern "C" fn call(_: *mut sys::rd_kafka_t, opaque: *mut c_void) {
            // SAFETY: `opaque` points to the callback that the queue owns; `Queue::drop`
            // removes it from the library before it is freed.
            let callback = unsafe { &*opaque.cast::<NonemptyCallback>() };
            callback();
        }
        let callback: Box<NonemptyCallback> = Box::new(Box::new(callback));
        let opaque = std::ptr::from_ref::<NonemptyCallback>(&callback)
            .cast_mut()
            .cast();
        // SAFETY: the queue is alive, and `opaque` stays valid until the callback is replaced
        // or removed. The library calls it under the queue's lock, so none is running after.
        unsafe { sys::rd_kafka_queue_cb_event_enable(self.ptr.as_ptr(), Some(call), opaque) };
        self.on_nonempty = Some(callback);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the queue is alive; the reference is ours and the client still lives.
        unsafe {
            if self.on_nonempty.is_some() {
                sys::rd_kafka_queue_cb_event_enable(self.ptr.as_ptr(), None, std::ptr::null_mut());
            }
            sys::rd_kafka_queue_destroy(self.ptr.as_ptr());
        }
    }
}
