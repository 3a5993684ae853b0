//! Events of a queue, and the messages in them.

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use rdkafka::bindings as sys;

use super::{NativeClient, PartitionList, Queue};
use crate::error::ErrorCode;
use crate::record::TimestampType;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    DeliveryReport,
    Fetch,
    Log,
    Error,
    Rebalance,
    OffsetCommit,
    ListOffsetsResult,
    ListConsumerGroupOffsetsResult,
    AlterConsumerGroupOffsetsResult,
    DeleteConsumerGroupOffsetsResult,
    DeleteGroupsResult,
    Other,
}

/// An event that was taken from a queue.
pub(crate) struct Event {
    ptr: NonNull<sys::rd_kafka_event_t>,
    // Keeps the client alive: destroying an event may give credit back to it.
    _client: Arc<NativeClient>,
}

impl Event {
    pub(super) fn from_ptr(
        ptr: *mut sys::rd_kafka_event_t,
        client: &Arc<NativeClient>,
    ) -> Option<Self> {
        Some(Self {
            ptr: NonNull::new(ptr)?,
            _client: Arc::clone(client),
        })
    }

    pub(crate) fn ptr(&self) -> *mut sys::rd_kafka_event_t {
        self.ptr.as_ptr()
    }

    pub(crate) fn kind(&self) -> EventKind {
        // SAFETY: the event is alive.
        match unsafe { sys::rd_kafka_event_type(self.ptr()) } {
            sys::RD_KAFKA_EVENT_DR => EventKind::DeliveryReport,
            sys::RD_KAFKA_EVENT_FETCH => EventKind::Fetch,
            sys::RD_KAFKA_EVENT_LOG => EventKind::Log,
            sys::RD_KAFKA_EVENT_ERROR => EventKind::Error,
            sys::RD_KAFKA_EVENT_REBALANCE => EventKind::Rebalance,
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT => EventKind::OffsetCommit,
            sys::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => EventKind::ListOffsetsResult,
            sys::RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT => {
                EventKind::ListConsumerGroupOffsetsResult
            }
            sys::RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT => {
                EventKind::AlterConsumerGroupOffsetsResult
            }
            sys::RD_KAFKA_EVENT_DELETECONSUMERGROUPOFFSETS_RESULT => {
                EventKind::DeleteConsumerGroupOffsetsResult
            }
            sys::RD_KAFKA_EVENT_DELETEGROUPS_RESULT => EventKind::DeleteGroupsResult,
            _ => EventKind::Other,
        }
    }

    /// The error of the event, if it has one.
    pub(crate) fn error(&self) -> Result<(), ErrorCode> {
        // SAFETY: the event is alive.
        super::check(unsafe { sys::rd_kafka_event_error(self.ptr()) })
    }

    /// Whether the event's error made the client unusable.
    pub(crate) fn is_fatal(&self) -> bool {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_error_is_fatal(self.ptr()) != 0 }
    }

    /// The text of the event's error.
    pub(crate) fn error_text(&self) -> String {
        // SAFETY: the event is alive; the text is terminated and lives as long as the event.
        unsafe {
            let text = sys::rd_kafka_event_error_string(self.ptr());
            if text.is_null() {
                return String::new();
            }
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }

    /// Number of messages in the event.
    pub(crate) fn num_messages(&self) -> usize {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_message_count(self.ptr()) }
    }

    /// The next message. Each message is returned once.
    pub(crate) fn next_message(&mut self) -> Option<NativeMessage<'_>> {
        // SAFETY: the event is alive and borrowed exclusively; the message returned stays
        // valid until the event is destroyed, which the borrow of `self` rules out.
        let message = unsafe { sys::rd_kafka_event_message_next(self.ptr()) };
        Some(NativeMessage {
            ptr: NonNull::new(message.cast_mut())?,
            _owner: PhantomData,
        })
    }

    /// The partitions that a rebalance or commit event names; empty without any.
    pub(crate) fn partitions(&self) -> PartitionList {
        // SAFETY: the event is alive; the list belongs to it and is copied.
        unsafe {
            let list = sys::rd_kafka_event_topic_partition_list(self.ptr());
            PartitionList::copy_of(list)
        }
    }

    /// The number given to the call that this event answers.
    pub(crate) fn opaque(&self) -> usize {
        // SAFETY: the event is alive.
        (unsafe { sys::rd_kafka_event_opaque(self.ptr()) }) as usize
    }

    /// Partition, and offset for a partition's end, that an error event is about.
    pub(crate) fn error_partition(&self) -> Option<(String, i32, i64)> {
        // SAFETY: the event is alive; the object returned is owned by the caller, read, and
        // destroyed once.
        unsafe {
            let partition = sys::rd_kafka_event_topic_partition(self.ptr());
            let found = partition.as_ref().map(|found| {
                let topic = CStr::from_ptr(found.topic).to_string_lossy().into_owned();
                (topic, found.partition, found.offset)
            });
            if !partition.is_null() {
                sys::rd_kafka_topic_partition_destroy(partition);
            }
            found
        }
    }

    /// Hands a log line of the library on, under the target `librdkafka`.
    pub(crate) fn log(&self, client_name: &str) {
        let (mut facility, mut text, mut level) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: the event is alive; the three places are written when the result is 0, the
        // strings are terminated and live as long as the event.
        let (facility, text) = unsafe {
            if sys::rd_kafka_event_log(self.ptr(), &mut facility, &mut text, &mut level) != 0 {
                return;
            }
            (
                CStr::from_ptr(facility).to_string_lossy(),
                CStr::from_ptr(text).to_string_lossy(),
            )
        };
        // Levels are those of syslog.
        match level {
            0..=3 => {
                tracing::error!(target: "librdkafka", client = client_name, "{facility}: {text}")
            }
            4 => tracing::warn!(target: "librdkafka", client = client_name, "{facility}: {text}"),
            5 | 6 => {
                tracing::info!(target: "librdkafka", client = client_name, "{facility}: {text}")
            }
            _ => tracing::debug!(target: "librdkafka", client = client_name, "{facility}: {text}"),
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours and destroyed once.
        unsafe { sys::rd_kafka_event_destroy(self.ptr.as_ptr()) };
    }
}

/// The outcome of a commit: the request's own error, else the first of a partition.
pub(crate) fn commit_result(event: &Event) -> Result<(), ErrorCode> {
    match event.error() {
        // Nothing to commit: the broker has it already.
        Err(ErrorCode::NO_OFFSET) => Ok(()),
        Err(code) => Err(code),
        Ok(()) => event
            .partitions()
            .elements()
            .into_iter()
            .try_for_each(|(_, _, error)| error),
    }
}

/// Messages taken from a queue in one call, without an event for each. One call reads the
/// clock and updates positions once, which is most of the cost of a small message.
#[derive(Default)]
pub(crate) struct Messages {
    messages: Vec<NonNull<sys::rd_kafka_message_t>>,
}

// SAFETY: messages may be read and destroyed on any thread; they have one owner.
unsafe impl Send for Messages {}

impl Messages {
    /// Replaces the messages by at most `max` that the queue has now. The queue must be one of
    /// messages only: other events would be handled by the library without the caller.
    pub(crate) fn take_from(&mut self, queue: &Queue, max: usize) {
        self.clear();
        self.messages.reserve(max);
        // SAFETY: the queue is alive, and there is room for `max` pointers; the library fills
        // in as many as it returns, none of them null, and hands the messages over. A pointer
        // that may not be null has the same layout as one that may.
        unsafe {
            let start = self
                .messages
                .as_mut_ptr()
                .cast::<*mut sys::rd_kafka_message_t>();
            let num_messages = sys::rd_kafka_consume_batch_queue(queue.ptr(), 0, start, max);
            self.messages
                .set_len(usize::try_from(num_messages).unwrap_or(0));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = NativeMessage<'_>> {
        self.messages.iter().map(|ptr| NativeMessage {
            ptr: *ptr,
            _owner: PhantomData,
        })
    }

    fn clear(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: the message is ours and destroyed once.
            unsafe { sys::rd_kafka_message_destroy(message.as_ptr()) };
        }
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A message of an event, or of [`Messages`].
pub(crate) struct NativeMessage<'a> {
    ptr: NonNull<sys::rd_kafka_message_t>,
    _owner: PhantomData<&'a sys::rd_kafka_message_t>,
}

impl<'a> NativeMessage<'a> {
    fn raw(&self) -> &'a sys::rd_kafka_message_t {
        // SAFETY: the message lives as long as the borrow of its owner.
        unsafe { self.ptr.as_ref() }
    }

    /// The message's error.
    pub(crate) fn error(&self) -> Result<(), ErrorCode> {
        // SAFETY: `err` is a C enum of 32 bits at the start of the message. It is read as a
        // number because a newer broker may send codes that the enum lacks.
        let code = unsafe {
            std::ptr::addr_of!((*self.ptr.as_ptr()).err)
                .cast::<i32>()
                .read()
        };
        if code == 0 {
            Ok(())
        } else {
            Err(ErrorCode::new(code))
        }
    }

    /// Address of the topic handle: equal for messages of the same topic.
    pub(crate) fn topic_address(&self) -> usize {
        self.raw().rkt as usize
    }

    /// Name of the topic.
    pub(crate) fn topic_name(&self) -> String {
        let topic = self.raw().rkt;
        if topic.is_null() {
            return String::new();
        }
        // SAFETY: a message holds a reference to its topic; the name is terminated.
        let name = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(topic)) };
        name.to_string_lossy().into_owned()
    }

    pub(crate) fn partition(&self) -> i32 {
        self.raw().partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.raw().offset
    }

    pub(crate) fn key(&self) -> Option<&'a [u8]> {
        let raw = self.raw();
        bytes(raw.key, raw.key_len)
    }

    pub(crate) fn value(&self) -> Option<&'a [u8]> {
        let raw = self.raw();
        bytes(raw.payload, raw.len)
    }

    /// Bytes of key and value; also known where the bytes themselves are gone.
    pub(crate) fn num_bytes(&self) -> usize {
        let raw = self.raw();
        raw.len + raw.key_len
    }

    /// The token of a delivery report.
    pub(crate) fn token(&self) -> usize {
        self.raw()._private as usize
    }

    pub(crate) fn timestamp(&self) -> (i64, TimestampType) {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive; `kind` is written by the call.
        let timestamp = unsafe { sys::rd_kafka_message_timestamp(self.ptr.as_ptr(), &mut kind) };
        match kind {
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => {
                (timestamp, TimestampType::CreateTime)
            }
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => {
                (timestamp, TimestampType::LogAppendTime)
            }
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => {
                (-1, TimestampType::NoTimestampType)
            }
        }
    }

    /// Calls `each` with name and value of every header.
    pub(crate) fn for_each_header(&self, each: impl FnMut(&[u8], Option<&[u8]>)) {
        if self.is_known_without_headers() {
            debug_assert!(self.headers().is_none(), "the peek and the parser agree");
            return;
        }
        if let Some(headers) = self.headers() {
            headers.for_each(each);
        }
    }

    /// Whether a look at one byte tells that there is no header.
    ///
    /// The library can only parse headers, and allocates a buffer to find that there are none:
    /// 12 % of the cost of reading a record of 300 bytes.
    fn is_known_without_headers(&self) -> bool {
        let raw = self.raw();
        // SAFETY: the message is alive.
        let leader_epoch = unsafe { sys::rd_kafka_message_leader_epoch(self.ptr.as_ptr()) };
        // Only record batches of format 2 have the leader's epoch (else it is negative).
        if raw.payload.is_null() || leader_epoch < 0 {
            return false;
        }
        // SAFETY: in format 2 the number of headers follows the value, as a varint of at least
        // one byte, and the library points into the received (or decompressed) batch, which is
        // one piece of memory that lives as long as the message.
        (unsafe { raw.payload.cast::<u8>().add(raw.len).read() }) == 0
    }

    /// Parses the headers.
    fn headers(&self) -> Option<Headers<'a>> {
        let mut list = std::ptr::null_mut();
        // SAFETY: the message is alive and keeps the list, which is written on success.
        let code = unsafe { sys::rd_kafka_message_headers(self.ptr.as_ptr(), &mut list) };
        super::check(code).ok()?;
        Some(Headers {
            list: NonNull::new(list)?,
            _owner: PhantomData,
        })
    }
}

/// The headers of a message.
struct Headers<'a> {
    list: NonNull<sys::rd_kafka_headers_t>,
    _owner: PhantomData<&'a sys::rd_kafka_message_t>,
}

impl Headers<'_> {
    fn for_each(&self, mut each: impl FnMut(&[u8], Option<&[u8]>)) {
        let (mut name, mut value, mut len) = (std::ptr::null(), std::ptr::null(), 0);
        for index in 0.. {
            // SAFETY: the list is alive; on success names and values are written, stay valid
            // while it is, and are only read within `each`. Names are terminated.
            unsafe {
                let list = self.list.as_ptr();
                let code =
                    sys::rd_kafka_header_get_all(list, index, &mut name, &mut value, &mut len);
                if super::check(code).is_err() {
                    return;
                }
                each(
                    CStr::from_ptr(name).to_bytes(),
                    bytes(value.cast_mut(), len),
                );
            }
        }
    }
}

fn bytes<'a>(start: *mut c_void, len: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: the library's pair of pointer and length describes bytes of a live message; a
    // pointer that is not null is valid for the length, 0 included.
    Some(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}
