//! A log in memory, for tests of what is built on [`CompactedLog`].

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{CompactedLog, LogAck, LogError, LogRecord, RecordCallback};
use crate::error::ErrorCode;
use crate::producer::RecordMetadata;

/// A topic in memory that several [`MemoryLog`]s share, as several workers share a topic.
pub struct MemoryTopic {
    name: Arc<str>,
    num_partitions: i32,
    state: Mutex<TopicState>,
}

#[derive(Default)]
struct TopicState {
    // In the order of writing over all partitions; offsets count within each.
    records: Vec<LogRecord>,
    write_error: Option<ErrorCode>,
}

impl MemoryTopic {
    /// Makes an empty topic.
    pub fn new(name: &str, num_partitions: i32) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            num_partitions,
            state: Mutex::default(),
        })
    }

    /// All records in the order of writing; nothing is ever compacted.
    pub fn records(&self) -> Vec<LogRecord> {
        self.state().records.clone()
    }

    /// Makes writes fail with `code` until it is `None` again.
    pub fn fail_writes(&self, code: Option<ErrorCode>) {
        self.state().write_error = code;
    }

    /// Appends a record as any other writer would, to a partition of the test's choice. Logs
    /// see it at their next [`read_to_end`](CompactedLog::read_to_end) or
    /// [`poll`](MemoryLog::poll).
    pub fn append(
        &self,
        partition: i32,
        key: Option<Bytes>,
        value: Option<Bytes>,
    ) -> RecordMetadata {
        let mut state = self.state();
        let offset = state
            .records
            .iter()
            .filter(|record| record.partition == partition)
            .count() as i64;
        let timestamp_ms = state.records.len() as i64;
        state.records.push(LogRecord {
            topic: Arc::clone(&self.name),
            partition,
            offset,
            timestamp_ms,
            key,
            value,
        });
        RecordMetadata {
            partition,
            offset,
            timestamp_ms,
        }
    }

    fn state(&self) -> MutexGuard<'_, TopicState> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A [`CompactedLog`] over a [`MemoryTopic`]. It reads when it is asked to
/// ([`read_to_end`](CompactedLog::read_to_end), [`poll`](Self::poll)) and after own writes, so
/// that a test decides when another worker's record is seen.
pub struct MemoryLog {
    topic: Arc<MemoryTopic>,
    reader: Arc<Mutex<Reader>>,
}

#[derive(Default)]
struct Reader {
    callback: Option<RecordCallback>,
    num_read: usize,
}

impl MemoryLog {
    /// Opens a log of `topic`.
    pub fn new(topic: &Arc<MemoryTopic>) -> Self {
        Self {
            topic: Arc::clone(topic),
            reader: Arc::default(),
        }
    }

    /// Reads what other logs of the topic have written.
    pub fn poll(&self) -> Result<(), LogError> {
        read(&self.topic, &self.reader)
    }

    fn not_running(&self) -> LogError {
        LogError::NotRunning {
            topic: self.topic.name.to_string(),
        }
    }
}

fn read(topic: &MemoryTopic, reader: &Mutex<Reader>) -> Result<(), LogError> {
    let mut reader = reader
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let Reader { callback, num_read } = &mut *reader;
    let Some(callback) = callback else {
        return Err(LogError::NotRunning {
            topic: topic.name.to_string(),
        });
    };
    let new: Vec<LogRecord> = topic.state().records[*num_read..].to_vec();
    *num_read += new.len();
    new.into_iter().for_each(callback);
    Ok(())
}

#[async_trait]
impl CompactedLog for MemoryLog {
    async fn start(&self, on_record: RecordCallback) -> Result<(), LogError> {
        {
            let mut reader = self
                .reader
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            reader.callback = Some(on_record);
        }
        self.poll()
    }

    fn send(&self, key: Option<Bytes>, value: Option<Bytes>) -> LogAck {
        let running = {
            let reader = self
                .reader
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            reader.callback.is_some()
        };
        if !running {
            let error = self.not_running();
            return Box::pin(async { Err(error) });
        }
        let error = self.topic.state().write_error;
        if let Some(code) = error {
            let topic = self.topic.name.to_string();
            return Box::pin(async move { Err(LogError::NotWritten { topic, code }) });
        }
        let partition = match &key {
            Some(key) => murmur2_partition(key, self.topic.num_partitions),
            None => 0,
        };
        let metadata = self.topic.append(partition, key, value);
        let (topic, reader) = (Arc::clone(&self.topic), Arc::clone(&self.reader));
        Box::pin(async move {
            read(&topic, &reader)?;
            Ok(metadata)
        })
    }

    async fn read_to_end(&self, _timeout: Duration) -> Result<(), LogError> {
        self.poll()
    }

    fn topic(&self) -> &str {
        &self.topic.name
    }

    fn num_partitions(&self) -> i32 {
        let reader = self
            .reader
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if reader.callback.is_some() {
            self.topic.num_partitions
        } else {
            0
        }
    }

    async fn stop(&self) {
        let mut reader = self
            .reader
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        reader.callback = None;
    }
}

/// The partition that Java's default partitioner chooses for a key.
fn murmur2_partition(key: &[u8], num_partitions: i32) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ key.len() as u32;
    let mut chunks = key.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    (hash & 0x7fff_ffff) as i32 % num_partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Hashes as the Java clients' `Utils.murmur2` test lists them.
    #[test]
    fn partitions_are_those_of_java() {
        let hashes: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ];
        for (key, hash) in hashes {
            let expected = (hash & 0x7fff_ffff) % 25;
            assert_eq!(murmur2_partition(key.as_bytes(), 25), expected, "{key}");
        }
    }
}
