//! Calls of a consumer in a group.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;

use super::{EventKind, NativeClient, PartitionList, Queue, check, take_error, timeout_ms};
use crate::error::ErrorCode;

/// A failed call, with what the library says about it.
pub(crate) type CallError = (ErrorCode, String);

fn call(code: sys::rd_kafka_resp_err_t) -> Result<(), CallError> {
    check(code).map_err(|code| (code, code.to_string()))
}

impl NativeClient {
    /// Joins the group for these topics; without any, leaves it.
    pub(crate) fn subscribe(&self, topics: &[String]) -> Result<(), CallError> {
        let mut list = PartitionList::new();
        for topic in topics {
            list.push(topic, -1, PartitionList::STORED);
        }
        // SAFETY: client and list are alive; the library copies the list.
        call(unsafe { sys::rd_kafka_subscribe(self.ptr(), list.ptr()) })
    }

    /// Whether the group uses the cooperative protocol.
    pub(crate) fn is_cooperative(&self) -> bool {
        // SAFETY: the client is alive; the result is null or a constant, terminated string.
        unsafe {
            let protocol = sys::rd_kafka_rebalance_protocol(self.ptr());
            !protocol.is_null() && std::ffi::CStr::from_ptr(protocol) == c"COOPERATIVE"
        }
    }

    /// Whether the partitions of the last revocation belong to others already.
    pub(crate) fn assignment_lost(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { sys::rd_kafka_assignment_lost(self.ptr()) != 0 }
    }

    /// Starts to fetch the partitions, from the offsets in the list.
    pub(crate) fn assign(&self, list: &PartitionList, cooperative: bool) -> Result<(), CallError> {
        // SAFETY: client and list are alive; the library copies the list.
        unsafe {
            if cooperative {
                take_error(sys::rd_kafka_incremental_assign(self.ptr(), list.ptr()))
            } else {
                call(sys::rd_kafka_assign(self.ptr(), list.ptr()))
            }
        }
    }

    /// Stops to fetch the partitions of the list, or all if the group is not cooperative.
    pub(crate) fn unassign(
        &self,
        list: &PartitionList,
        cooperative: bool,
    ) -> Result<(), CallError> {
        // SAFETY: client and list are alive; a null list stands for all partitions.
        unsafe {
            if cooperative {
                take_error(sys::rd_kafka_incremental_unassign(self.ptr(), list.ptr()))
            } else {
                call(sys::rd_kafka_assign(self.ptr(), std::ptr::null()))
            }
        }
    }

    /// Commits offsets; the answer comes to `queue` with `opaque`.
    pub(crate) fn commit(
        &self,
        offsets: &PartitionList,
        queue: &Queue,
        opaque: usize,
    ) -> Result<(), ErrorCode> {
        // SAFETY: client, list and queue are alive; the list is copied, and the opaque is a
        // number that the library hands back.
        check(unsafe {
            sys::rd_kafka_commit_queue(
                self.ptr(),
                offsets.ptr(),
                queue.ptr(),
                None,
                opaque as *mut c_void,
            )
        })
    }

    /// Commits offsets and waits for the answer.
    pub(crate) fn commit_sync(
        self: &Arc<Self>,
        offsets: &PartitionList,
        timeout: Duration,
    ) -> Result<(), ErrorCode> {
        let queue = self.new_queue();
        self.commit(offsets, &queue, 0)?;
        let deadline = std::time::Instant::now() + timeout;
        loop {
            let remaining = deadline.saturating_duration_since(std::time::Instant::now());
            match queue.poll(Some(remaining)) {
                Some(event) if event.kind() == EventKind::OffsetCommit => {
                    return super::commit_result(&event);
                }
                _ if remaining.is_zero() => return Err(ErrorCode::TIMED_OUT),
                _ => {}
            }
        }
    }

    /// Fills in the group's committed offsets. Blocks.
    pub(crate) fn committed(
        &self,
        partitions: &PartitionList,
        timeout: Duration,
    ) -> Result<(), ErrorCode> {
        // SAFETY: client and list are alive; offsets are written into the list.
        check(unsafe { sys::rd_kafka_committed(self.ptr(), partitions.ptr(), timeout_ms(timeout)) })
    }

    /// Moves the fetch of assigned partitions; each element of the list has its own result.
    pub(crate) fn seek(&self, offsets: &PartitionList, timeout: Duration) -> Result<(), CallError> {
        // SAFETY: client and list are alive; errors are written into the list.
        take_error(unsafe {
            sys::rd_kafka_seek_partitions(self.ptr(), offsets.ptr(), timeout_ms(timeout))
        })
    }

    pub(crate) fn pause(&self, partitions: &PartitionList) -> Result<(), CallError> {
        // SAFETY: client and list are alive.
        call(unsafe { sys::rd_kafka_pause_partitions(self.ptr(), partitions.ptr()) })
    }

    pub(crate) fn resume(&self, partitions: &PartitionList) -> Result<(), CallError> {
        // SAFETY: client and list are alive.
        call(unsafe { sys::rd_kafka_resume_partitions(self.ptr(), partitions.ptr()) })
    }

    /// Begins to leave the group; `queue` must be served until [`is_closed`](Self::is_closed).
    pub(crate) fn close(&self, queue: &Queue) -> Result<(), CallError> {
        // SAFETY: client and queue are alive.
        take_error(unsafe { sys::rd_kafka_consumer_close_queue(self.ptr(), queue.ptr()) })
    }

    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { sys::rd_kafka_consumer_closed(self.ptr()) != 0 }
    }
}
