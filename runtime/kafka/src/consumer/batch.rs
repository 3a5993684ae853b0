//! Polled records: one arena of bytes for each batch, and records that point into it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::Generation;
use crate::record::{TimestampType, TopicPartition};

/// Records of one poll. Key, value and header bytes lie in one shared arena: slices of it
/// ([`PolledRecord::value_bytes`]) cost no copy, and keep the whole arena alive.
#[derive(Clone, Debug, Default)]
pub struct PolledBatch {
    pub(super) generation: Generation,
    /// Counts seeks: tells whether the records were read before or after one.
    pub(super) seek_epoch: u64,
    pub(super) arena: Bytes,
    pub(super) partitions: Vec<TopicPartition>,
    /// The end of each partition as the client knew it at the poll; empty if it did not look.
    pub(super) end_offsets: Vec<i64>,
    pub(super) entries: Vec<Entry>,
    pub(super) headers: Vec<HeaderEntry>,
}

// Arena positions are 32 bits wide: consumers end a batch at some megabytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    /// `NULL` marks a null key or value, which differs from an empty one.
    len: u32,
}

const NULL: u32 = u32::MAX;

impl Span {
    fn range(self) -> Option<Range<usize>> {
        (self.len != NULL).then(|| self.start as usize..self.start as usize + self.len as usize)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) partition_index: u32,
    pub(super) offset: i64,
    timestamp_ms: i64,
    timestamp_type: TimestampType,
    key: Span,
    value: Span,
    headers_start: u32,
    num_headers: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderEntry {
    key: Span,
    value: Span,
}

impl PolledBatch {
    /// The generation in which the records were polled.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys, values and headers.
    pub fn num_bytes(&self) -> usize {
        self.arena.len()
    }

    /// The partitions that records of this batch are of;
    /// [`PolledRecord::partition_index`] points into it.
    pub fn partitions(&self) -> &[TopicPartition] {
        &self.partitions
    }

    /// The offset after the last record of a partition of [`partitions`](Self::partitions), as far as
    /// the client knew at the poll: what is behind it is the lag.
    pub fn end_offset(&self, partition_index: usize) -> Option<i64> {
        self.end_offsets
            .get(partition_index)
            .copied()
            .filter(|offset| *offset >= 0)
    }

    /// The record at `index`.
    pub fn get(&self, index: usize) -> Option<PolledRecord<'_>> {
        Some(PolledRecord {
            batch: self,
            entry: self.entries.get(index)?,
        })
    }

    /// The records in the order of polling; those of one partition are in offset order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PolledRecord<'_>> + DoubleEndedIterator {
        self.entries
            .iter()
            .map(|entry| PolledRecord { batch: self, entry })
    }

    /// Splits off the records of partitions for which `part` is true.
    pub(super) fn split_off_partitions(
        &mut self,
        mut part: impl FnMut(&TopicPartition) -> bool,
    ) -> Option<Self> {
        let parts: Vec<bool> = self.partitions.iter().map(&mut part).collect();
        if !parts.contains(&true) {
            return None;
        }
        let (off, kept): (Vec<Entry>, Vec<Entry>) = self
            .entries
            .drain(..)
            .partition(|entry| parts[entry.partition_index as usize]);
        self.entries = kept;
        (!off.is_empty()).then(|| Self {
            entries: off,
            ..self.clone_frame()
        })
    }

    fn clone_frame(&self) -> Self {
        Self {
            generation: self.generation,
            seek_epoch: self.seek_epoch,
            arena: self.arena.clone(),
            partitions: self.partitions.clone(),
            end_offsets: self.end_offsets.clone(),
            entries: Vec::new(),
            headers: self.headers.clone(),
        }
    }
}

/// A record of a [`PolledBatch`].
#[derive(Clone, Copy, Debug)]
pub struct PolledRecord<'a> {
    batch: &'a PolledBatch,
    entry: &'a Entry,
}

/// A header of a [`PolledRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Name; Kafka promises UTF-8 but does not check it.
    pub key: &'a [u8],
    /// Value; `None` is a null value.
    pub value: Option<&'a [u8]>,
}

impl<'a> PolledRecord<'a> {
    /// The topic and partition.
    pub fn topic_partition(&self) -> &'a TopicPartition {
        &self.batch.partitions[self.entry.partition_index as usize]
    }

    /// Position of [`topic_partition`](Self::topic_partition) in
    /// [`PolledBatch::partitions`], for per-partition state in a plain vector.
    pub fn partition_index(&self) -> usize {
        self.entry.partition_index as usize
    }

    /// The topic.
    pub fn topic(&self) -> &'a Arc<str> {
        &self.topic_partition().topic
    }

    /// The partition number.
    pub fn partition(&self) -> i32 {
        self.topic_partition().partition
    }

    /// The offset.
    pub fn offset(&self) -> i64 {
        self.entry.offset
    }

    /// The timestamp in milliseconds since the epoch, `-1` if there is none.
    pub fn timestamp_ms(&self) -> i64 {
        self.entry.timestamp_ms
    }

    /// What the timestamp tells.
    pub fn timestamp_type(&self) -> TimestampType {
        self.entry.timestamp_type
    }

    /// The key; `None` is a null key.
    pub fn key(&self) -> Option<&'a [u8]> {
        Some(&self.batch.arena[self.entry.key.range()?])
    }

    /// The value; `None` is a null value.
    pub fn value(&self) -> Option<&'a [u8]> {
        Some(&self.batch.arena[self.entry.value.range()?])
    }

    /// The key as a slice that shares the arena.
    pub fn key_bytes(&self) -> Option<Bytes> {
        Some(self.batch.arena.slice(self.entry.key.range()?))
    }

    /// The value as a slice that shares the arena.
    pub fn value_bytes(&self) -> Option<Bytes> {
        Some(self.batch.arena.slice(self.entry.value.range()?))
    }

    /// The headers in order; names may repeat.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = Header<'a>> + use<'a> {
        let arena = &self.batch.arena;
        self.header_entries().iter().map(|header| Header {
            key: header.key.range().map_or(&[], |range| &arena[range]),
            value: header.value.range().map(|range| &arena[range]),
        })
    }

    /// Value of the header at `index` as a slice that shares the arena.
    pub fn header_value_bytes(&self, index: usize) -> Option<Bytes> {
        let range = self.header_entries().get(index)?.value.range()?;
        Some(self.batch.arena.slice(range))
    }

    fn header_entries(&self) -> &'a [HeaderEntry] {
        let start = self.entry.headers_start as usize;
        &self.batch.headers[start..start + self.entry.num_headers as usize]
    }
}

/// Fills a [`PolledBatch`].
#[derive(Debug, Default)]
pub struct PolledBatchBuilder {
    arena: BytesMut,
    partitions: Vec<TopicPartition>,
    partition_indexes: HashMap<TopicPartition, u32>,
    entries: Vec<Entry>,
    headers: Vec<HeaderEntry>,
    headers_start: u32,
    /// Size of the batch before: the next arena is made that large at its first record.
    expected_num_bytes: usize,
}

/// A larger arena than this is not made in advance: it would lie idle behind small batches.
const MAX_RESERVED_BYTES: usize = 1 << 20;

/// A record without its bytes, for [`PolledBatchBuilder::push`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordFrame {
    pub partition_index: u32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub timestamp_type: TimestampType,
}

impl PolledBatchBuilder {
    /// Starts a batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of records so far.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record so far.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys, values and headers so far.
    pub fn num_bytes(&self) -> usize {
        self.arena.len()
    }

    pub(crate) fn partition_index(&mut self, partition: &TopicPartition) -> u32 {
        if let Some(index) = self.partition_indexes.get(partition) {
            return *index;
        }
        let index = self.partitions.len() as u32;
        self.partitions.push(partition.clone());
        self.partition_indexes.insert(partition.clone(), index);
        index
    }

    /// Adds a header to the record that the next [`push`](Self::push) completes.
    pub(crate) fn push_header(&mut self, key: &[u8], value: Option<&[u8]>) {
        let key = self.copy(Some(key));
        let value = self.copy(value);
        self.headers.push(HeaderEntry { key, value });
    }

    pub(crate) fn push(&mut self, frame: RecordFrame, key: Option<&[u8]>, value: Option<&[u8]>) {
        if self.entries.is_empty() {
            self.arena.reserve(self.expected_num_bytes);
        }
        let key = self.copy(key);
        let value = self.copy(value);
        let num_headers = self.headers.len() as u32 - self.headers_start;
        self.entries.push(Entry {
            partition_index: frame.partition_index,
            offset: frame.offset,
            timestamp_ms: frame.timestamp_ms,
            timestamp_type: frame.timestamp_type,
            key,
            value,
            headers_start: self.headers_start,
            num_headers,
        });
        self.headers_start += num_headers;
    }

    /// Adds a record with all its parts.
    #[allow(clippy::too_many_arguments, reason = "a record has that many parts")]
    pub fn push_record(
        &mut self,
        partition: &TopicPartition,
        offset: i64,
        timestamp_ms: i64,
        timestamp_type: TimestampType,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) {
        for header in headers {
            self.push_header(header.key, header.value);
        }
        let frame = RecordFrame {
            partition_index: self.partition_index(partition),
            offset,
            timestamp_ms,
            timestamp_type,
        };
        self.push(frame, key, value);
    }

    /// Completes the batch. The builder is empty again afterwards and can be reused.
    pub fn finish(&mut self, generation: Generation) -> PolledBatch {
        let arena = std::mem::take(&mut self.arena).freeze();
        self.expected_num_bytes = arena.len().min(MAX_RESERVED_BYTES);
        self.headers_start = 0;
        self.partition_indexes.clear();
        let num_records = self.entries.len();
        PolledBatch {
            generation,
            seek_epoch: 0,
            arena,
            partitions: std::mem::take(&mut self.partitions),
            end_offsets: Vec::new(),
            entries: std::mem::replace(&mut self.entries, Vec::with_capacity(num_records)),
            headers: std::mem::take(&mut self.headers),
        }
    }

    fn copy(&mut self, bytes: Option<&[u8]>) -> Span {
        let start = self.arena.len() as u32;
        match bytes {
            None => Span { start, len: NULL },
            Some(bytes) => {
                self.arena.extend_from_slice(bytes);
                Span {
                    start,
                    len: bytes.len() as u32,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition::new("topic", number)
    }

    type Parts = (
        i32,
        Option<Vec<u8>>,
        Option<Vec<u8>>,
        Vec<(Vec<u8>, Option<Vec<u8>>)>,
    );

    fn some_bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20))
    }

    fn some_records() -> impl Strategy<Value = Vec<Parts>> {
        let header = (proptest::collection::vec(any::<u8>(), 0..5), some_bytes());
        let record = (
            0..3i32,
            some_bytes(),
            some_bytes(),
            proptest::collection::vec(header, 0..3),
        );
        proptest::collection::vec(record, 0..20)
    }

    fn build(records: &[Parts]) -> PolledBatch {
        let mut builder = PolledBatchBuilder::default();
        for (offset, (number, key, value, headers)) in records.iter().enumerate() {
            let headers: Vec<Header<'_>> = headers
                .iter()
                .map(|(key, value)| Header {
                    key,
                    value: value.as_deref(),
                })
                .collect();
            builder.push_record(
                &partition(*number),
                offset as i64,
                7,
                TimestampType::CreateTime,
                key.as_deref(),
                value.as_deref(),
                &headers,
            );
        }
        builder.finish(Generation(3))
    }

    fn parts(batch: &PolledBatch) -> Vec<(i64, Parts)> {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        batch
            .iter()
            .map(|record| {
                let headers = record
                    .headers()
                    .map(|header| (header.key.to_vec(), owned(header.value)))
                    .collect();
                let parts = (
                    record.partition(),
                    owned(record.key()),
                    owned(record.value()),
                    headers,
                );
                (record.offset(), parts)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn records_come_out_as_they_went_in(records in some_records()) {
            let batch = build(&records);
            let expected: Vec<_> = (0i64..).zip(records).collect();
            prop_assert_eq!(parts(&batch), expected);
        }

        #[test]
        fn split_keeps_every_record_once(records in some_records(), number in 0..3i32) {
            let mut kept = build(&records);
            let off = kept.split_off_partitions(|each| each.partition == number);
            let off = off.as_ref().map(parts).unwrap_or_default();
            prop_assert!(off.iter().all(|(_, parts)| parts.0 == number));
            prop_assert!(parts(&kept).iter().all(|(_, parts)| parts.0 != number));
            let mut both = parts(&kept);
            both.extend(off);
            both.sort_by_key(|(offset, _)| *offset);
            let expected: Vec<_> = (0i64..).zip(records).collect();
            prop_assert_eq!(both, expected);
        }
    }

    #[test]
    fn slices_share_the_arena() {
        let batch = build(&[(0, None, Some(b"value".to_vec()), Vec::new())]);
        let record = batch.get(0).unwrap();
        let slice = record.value_bytes().unwrap();
        assert_eq!(slice.as_ptr(), record.value().unwrap().as_ptr());
        assert_eq!(record.key_bytes(), None);
    }
}
