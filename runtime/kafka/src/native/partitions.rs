//! Lists of partitions with offsets, as the library takes and returns them.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::sync::Arc;

use rdkafka::bindings as sys;

use crate::error::ErrorCode;
use crate::record::TopicPartition;

/// An owned list of partitions with an offset and an error each.
pub(crate) struct PartitionList {
    ptr: NonNull<sys::rd_kafka_topic_partition_list_t>,
}

// SAFETY: a list is plain memory with one owner.
unsafe impl Send for PartitionList {}

impl PartitionList {
    /// Offset that stands for "the group's committed one".
    pub(crate) const STORED: i64 = sys::RD_KAFKA_OFFSET_INVALID as i64;
    /// Offset that stands for the first record.
    pub(crate) const BEGINNING: i64 = sys::RD_KAFKA_OFFSET_BEGINNING as i64;
    pub(crate) fn new() -> Self {
        // SAFETY: allocation failure aborts inside the library.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(0) };
        Self {
            ptr: NonNull::new(list).expect("the library never returns a null list"),
        }
    }

    /// Lists partitions, each with an offset. Topic names with a zero byte are left out: no
    /// broker can have such a topic.
    pub(crate) fn with<'a>(
        partitions: impl IntoIterator<Item = (&'a TopicPartition, i64)>,
    ) -> Self {
        let mut list = Self::new();
        for (partition, offset) in partitions {
            list.push(&partition.topic, partition.partition, offset);
        }
        list
    }

    /// Copies a list that belongs to another object; null gives an empty list.
    ///
    /// # Safety
    ///
    /// `list` is null or valid during the call.
    pub(super) unsafe fn copy_of(list: *const sys::rd_kafka_topic_partition_list_t) -> Self {
        if list.is_null() {
            return Self::new();
        }
        // SAFETY: the caller promises a valid list; the copy is owned by us.
        let copy = unsafe { sys::rd_kafka_topic_partition_list_copy(list) };
        Self {
            ptr: NonNull::new(copy).expect("the library never returns a null copy"),
        }
    }

    pub(crate) fn push(&mut self, topic: &str, partition: i32, offset: i64) {
        let Ok(topic) = CString::new(topic) else {
            return;
        };
        // SAFETY: list and name are alive; the new element belongs to the list, and is only
        // written to before the next call on it.
        unsafe {
            let element =
                sys::rd_kafka_topic_partition_list_add(self.ptr(), topic.as_ptr(), partition);
            (*element).offset = offset;
        }
    }

    pub(crate) fn ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.ptr.as_ptr()
    }

    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: the list is alive.
        unsafe { self.ptr.as_ref() }.cnt == 0
    }

    /// The elements: partition, offset and error of each.
    pub(crate) fn elements(&self) -> Vec<(TopicPartition, i64, Result<(), ErrorCode>)> {
        // Neighbours mostly share a topic, and then its name.
        let mut topic: Arc<str> = Arc::from("");
        // SAFETY: the list is alive and holds `cnt` elements at `elems`; topics are terminated.
        unsafe {
            let list = self.ptr.as_ref();
            (0..list.cnt as usize)
                .map(|index| {
                    let element = &*list.elems.add(index);
                    let name = CStr::from_ptr(element.topic).to_string_lossy();
                    if *topic != *name {
                        topic = Arc::from(&*name);
                    }
                    (
                        TopicPartition::new(Arc::clone(&topic), element.partition),
                        element.offset,
                        super::check(element.err),
                    )
                })
                .collect()
        }
    }

    /// The partitions alone.
    pub(crate) fn partitions(&self) -> Vec<TopicPartition> {
        self.elements()
            .into_iter()
            .map(|(partition, ..)| partition)
            .collect()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: the list is ours and destroyed once.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.ptr.as_ptr()) };
    }
}
