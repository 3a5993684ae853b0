//! Requests for offsets that rdkafka has no safe call for.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;

use super::{Event, EventKind, NativeClient, PartitionList, Queue, timeout_ms};
use crate::error::ErrorCode;
use crate::record::{PartitionOffset, TopicPartition};

/// What the library says of a partition whose leader it cannot learn.
const NO_SUCH_ENTRY: ErrorCode = ErrorCode::new(-156);

/// Options of a request, with a timeout.
struct Options(*mut sys::rd_kafka_AdminOptions_t);

impl Options {
    fn new(client: &NativeClient, operation: sys::rd_kafka_admin_op_t, timeout: Duration) -> Self {
        // The library wants whole milliseconds of at most an hour.
        let timeout_ms = timeout_ms(timeout).clamp(1, 3_600_000);
        let mut text = [0; 128];
        // SAFETY: the client is alive; the text is only written within its size.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client.ptr(), operation);
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options,
                timeout_ms,
                text.as_mut_ptr(),
                text.len(),
            );
            Self(options)
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the options are ours and destroyed once.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0) };
    }
}

/// Waits for the answer of a request. Blocks.
fn answer(queue: &Queue, kind: EventKind, timeout: Duration) -> Result<Event, ErrorCode> {
    // The library answers at its own timeout; a little more for the answer's way.
    let deadline = Instant::now() + timeout + Duration::from_secs(1);
    loop {
        let remaining = deadline.saturating_duration_since(Instant::now());
        match queue.poll(Some(remaining)) {
            Some(event) if event.kind() == kind => {
                event.error()?;
                return Ok(event);
            }
            _ if remaining.is_zero() => return Err(ErrorCode::TIMED_OUT),
            _ => {}
        }
    }
}

/// The next offset of each partition, regardless of open transactions. Blocks.
pub(crate) fn end_offsets(
    client: &Arc<NativeClient>,
    topic: &str,
    num_partitions: i32,
    timeout: Duration,
) -> Result<BTreeMap<i32, i64>, ErrorCode> {
    let mut partitions = PartitionList::new();
    for partition in 0..num_partitions {
        let latest = sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64;
        partitions.push(topic, partition, latest);
    }
    let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
    let options = Options::new(client, operation, timeout);
    let queue = client.new_queue();
    // SAFETY: client, list, options and queue are alive; the library copies what it keeps. The
    // error object, if any, is taken over.
    unsafe {
        let level = sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED;
        let error = sys::rd_kafka_AdminOptions_set_isolation_level(options.0, level);
        super::take_error(error).map_err(|(code, _)| code)?;
        sys::rd_kafka_ListOffsets(client.ptr(), partitions.ptr(), options.0, queue.ptr());
    }
    let event =
        answer(&queue, EventKind::ListOffsetsResult, timeout).map_err(|code| match code {
            // Of a topic created a moment ago not every broker knows the leaders yet.
            NO_SUCH_ENTRY => ErrorCode::UNKNOWN_PARTITION,
            code => code,
        })?;
    let mut offsets = BTreeMap::new();
    // SAFETY: the event is alive and of the kind asked for; infos belong to it, `num_infos` of
    // them, each with a partition.
    unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(event.ptr());
        let mut num_infos = 0;
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &mut num_infos);
        for index in 0..num_infos {
            let info = *infos.add(index);
            let partition = &*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info);
            super::check(partition.err)?;
            offsets.insert(partition.partition, partition.offset);
        }
    }
    if offsets.len() < num_partitions as usize {
        return Err(ErrorCode::UNKNOWN_PARTITION);
    }
    Ok(offsets)
}

/// All committed offsets of a group. Blocks.
pub(crate) fn group_offsets(
    client: &Arc<NativeClient>,
    group_id: &str,
    timeout: Duration,
) -> Result<Vec<PartitionOffset>, ErrorCode> {
    let group_id = CString::new(group_id).map_err(|_| ErrorCode::INVALID_GROUP_ID)?;
    let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
    let options = Options::new(client, operation, timeout);
    let queue = client.new_queue();
    // SAFETY: client, name, options and queue are alive; the library copies the request, which
    // is destroyed once. A null list asks for all partitions.
    unsafe {
        let mut request =
            sys::rd_kafka_ListConsumerGroupOffsets_new(group_id.as_ptr(), std::ptr::null());
        sys::rd_kafka_ListConsumerGroupOffsets(
            client.ptr(),
            &mut request,
            1,
            options.0,
            queue.ptr(),
        );
        sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
    }
    let event = answer(&queue, EventKind::ListConsumerGroupOffsetsResult, timeout)?;
    // SAFETY: the event is alive and of the kind asked for; groups and lists belong to it.
    let list = unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.ptr());
        let mut num_groups = 0;
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut num_groups);
        group_outcome(groups, num_groups)?
    };
    list.elements()
        .into_iter()
        // A partition without commit has a negative offset.
        .filter(|(_, offset, error)| *offset >= 0 || error.is_err())
        .map(|(partition, offset, error)| error.map(|()| PartitionOffset::new(partition, offset)))
        .collect()
}

/// The partitions of the one group that was asked about, or its error.
///
/// # Safety
///
/// `groups` points to `num_groups` results, which are valid during the call.
unsafe fn group_outcome(
    groups: *mut *const sys::rd_kafka_group_result_t,
    num_groups: usize,
) -> Result<PartitionList, ErrorCode> {
    if num_groups == 0 {
        return Ok(PartitionList::new());
    }
    // SAFETY: the caller promises at least one valid result; its error and its list belong to it.
    unsafe {
        let group = *groups;
        let error = sys::rd_kafka_group_result_error(group);
        if !error.is_null() {
            return Err(sys::rd_kafka_error_code(error).into());
        }
        Ok(PartitionList::copy_of(
            sys::rd_kafka_group_result_partitions(group),
        ))
    }
}

/// The first error of a partition.
fn all_succeeded(partitions: &PartitionList) -> Result<(), ErrorCode> {
    partitions
        .elements()
        .into_iter()
        .try_for_each(|(_, _, error)| error)
}

/// Commits offsets for a group without members. Blocks.
pub(crate) fn alter_group_offsets(
    client: &Arc<NativeClient>,
    group_id: &str,
    offsets: &[PartitionOffset],
    timeout: Duration,
) -> Result<(), ErrorCode> {
    let group_id = CString::new(group_id).map_err(|_| ErrorCode::INVALID_GROUP_ID)?;
    let list = PartitionList::with(offsets.iter().map(|one| (&one.partition, one.offset)));
    let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;
    let options = Options::new(client, operation, timeout);
    let queue = client.new_queue();
    // SAFETY: client, name, list, options and queue are alive; the library copies the request,
    // which is destroyed once.
    unsafe {
        let mut request =
            sys::rd_kafka_AlterConsumerGroupOffsets_new(group_id.as_ptr(), list.ptr());
        sys::rd_kafka_AlterConsumerGroupOffsets(
            client.ptr(),
            &mut request,
            1,
            options.0,
            queue.ptr(),
        );
        sys::rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    }
    let event = answer(&queue, EventKind::AlterConsumerGroupOffsetsResult, timeout)?;
    // SAFETY: the event is alive and of the kind asked for; groups and lists belong to it.
    let list = unsafe {
        let result = sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.ptr());
        let mut num_groups = 0;
        let groups = sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &mut num_groups);
        group_outcome(groups, num_groups)?
    };
    all_succeeded(&list)
}

/// Removes committed offsets of a group. Blocks.
pub(crate) fn delete_group_offsets(
    client: &Arc<NativeClient>,
    group_id: &str,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> Result<(), ErrorCode> {
    let group_id = CString::new(group_id).map_err(|_| ErrorCode::INVALID_GROUP_ID)?;
    let list = PartitionList::with(partitions.iter().map(|one| (one, PartitionList::STORED)));
    let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS;
    let options = Options::new(client, operation, timeout);
    let queue = client.new_queue();
    // SAFETY: client, name, list, options and queue are alive; the library copies the request,
    // which is destroyed once.
    unsafe {
        let mut request =
            sys::rd_kafka_DeleteConsumerGroupOffsets_new(group_id.as_ptr(), list.ptr());
        sys::rd_kafka_DeleteConsumerGroupOffsets(
            client.ptr(),
            &mut request,
            1,
            options.0,
            queue.ptr(),
        );
        sys::rd_kafka_DeleteConsumerGroupOffsets_destroy(request);
    }
    let event = answer(&queue, EventKind::DeleteConsumerGroupOffsetsResult, timeout)?;
    // SAFETY: the event is alive and of the kind asked for; groups and lists belong to it.
    let list = unsafe {
        let result = sys::rd_kafka_event_DeleteConsumerGroupOffsets_result(event.ptr());
        let mut num_groups = 0;
        let groups =
            sys::rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &mut num_groups);
        group_outcome(groups, num_groups)?
    };
    all_succeeded(&list)
}

/// Deletes a group without members. Blocks.
pub(crate) fn delete_group(
    client: &Arc<NativeClient>,
    group_id: &str,
    timeout: Duration,
) -> Result<(), ErrorCode> {
    let group_id = CString::new(group_id).map_err(|_| ErrorCode::INVALID_GROUP_ID)?;
    let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETEGROUPS;
    let options = Options::new(client, operation, timeout);
    let queue = client.new_queue();
    // SAFETY: client, name, options and queue are alive; the library copies the request, which
    // is destroyed once.
    unsafe {
        let mut request = sys::rd_kafka_DeleteGroup_new(group_id.as_ptr());
        sys::rd_kafka_DeleteGroups(client.ptr(), &mut request, 1, options.0, queue.ptr());
        sys::rd_kafka_DeleteGroup_destroy(request);
    }
    let event = answer(&queue, EventKind::DeleteGroupsResult, timeout)?;
    // SAFETY: the event is alive and of the kind asked for; groups belong to it.
    unsafe {
        let result = sys::rd_kafka_event_DeleteGroups_result(event.ptr());
        let mut num_groups = 0;
        let groups = sys::rd_kafka_DeleteGroups_result_groups(result, &mut num_groups);
        group_outcome(groups, num_groups).map(drop)
    }
}

/// First and next offset of a partition. Blocks.
pub(crate) fn watermarks(
    client: &NativeClient,
    topic: &CStr,
    partition: i32,
    timeout: Duration,
) -> Result<(i64, i64), ErrorCode> {
    let (mut low, mut high) = (0, 0);
    // SAFETY: client and name are alive; both places are written by the call.
    let code = unsafe {
        sys::rd_kafka_query_watermark_offsets(
            client.ptr(),
            topic.as_ptr(),
            partition,
            &mut low,
            &mut high,
            timeout_ms(timeout),
        )
    };
    super::check(code).map(|()| (low, high))
}

/// The end of a partition as the last fetch told it; negative if there was none. Never blocks.
pub(crate) fn known_end_offset(
    client: &NativeClient,
    partition: &crate::record::TopicPartition,
) -> i64 {
    let Ok(topic) = std::ffi::CString::new(&*partition.topic) else {
        return -1;
    };
    let (mut low, mut high) = (-1, -1);
    // SAFETY: client and name are alive; both places are written by the call, which only reads what
    // the library keeps in memory.
    let code = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            client.ptr(),
            topic.as_ptr(),
            partition.partition,
            &mut low,
            &mut high,
        )
    };
    if super::check(code).is_ok() { high } else { -1 }
}
