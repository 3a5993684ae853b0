//! A polled batch in the form that the task takes.

use super::{Pending, Runner};
use crate::chain::{raw_headers, timestamp};
use crate::tolerance::{Attempts, Verdict};
use bytes::Bytes;
use connect_api::{
    BytesRecord, PlainType, Result, SinkBatch, SinkBytes, SinkRecord, TopicPartition,
};
use connect_kafka::consumer::{PolledBatch, PolledRecord};

impl Runner {
    pub(super) async fn convert(&mut self, batch: &PolledBatch) -> Result<Pending> {
        let (offsets, end_offsets) = next_offsets(batch);
        let batch = match self.bytes_form {
            Some(plain_types) if self.may_pass_as_bytes(batch) => {
                SinkBatch::Bytes(as_bytes(batch, plain_types))
            }
            _ => SinkBatch::Rows(self.as_rows(batch).await?),
        };
        Ok(Pending {
            batch,
            offsets,
            end_offsets,
            num_failures: 0,
        })
    }

    fn may_pass_as_bytes(&self, batch: &PolledBatch) -> bool {
        self.chain.headers_never_fail() || batch.iter().all(|record| record.headers().len() == 0)
    }

    async fn as_rows(&mut self, batch: &PolledBatch) -> Result<Vec<SinkRecord>> {
        self.chain.prepare_to_connect(batch).await;
        let mut records = Vec::with_capacity(batch.len());
        for polled in batch.iter() {
            // The first try stays free of what only failures need.
            match self.chain.convert_for_sink(polled) {
                Ok(Some(record)) => records.push(record),
                Ok(None) => {}
                Err(failure) => {
                    if let Some(record) = self.convert_after_failure(polled, failure).await? {
                        records.push(record);
                    }
                }
            }
        }
        Ok(records)
    }

    async fn convert_after_failure(
        &mut self,
        polled: PolledRecord<'_>,
        failure: crate::chain::ConversionError,
    ) -> Result<Option<SinkRecord>> {
        let mut attempts = Attempts::default();
        let mut failure = failure;
        loop {
            self.metrics.task().errors().record_failure();
            let describe = || {
                format!(
                    "consumed record is {{topic='{}', partition={}, offset={}, timestamp={}, timestampType={}}}",
                    polled.topic(),
                    polled.partition(),
                    polled.offset(),
                    polled.timestamp_ms(),
                    polled.timestamp_type().name()
                )
            };
            if attempts.any() {
                self.metrics.task().errors().record_retry();
            }
            match attempts
                .failed(&self.error_policy, &*self.clock, failure, &describe)
                .await
            {
                Verdict::Retry => match self.chain.convert_for_sink(polled) {
                    Ok(record) => return Ok(record),
                    Err(next) => failure = next,
                },
                Verdict::Skip => {
                    self.metrics.task().errors().record_error();
                    self.metrics.task().errors().record_skipped();
                    return Ok(None);
                }
                Verdict::Fail(error) => {
                    self.metrics.task().errors().record_error();
                    return Err(error);
                }
            }
        }
    }
}

/// For each partition of a batch the offset after its last record, and the end of the partition.
fn next_offsets(batch: &PolledBatch) -> (Vec<(TopicPartition, i64)>, Vec<Option<i64>>) {
    let mut next = vec![None; batch.partitions().len()];
    for record in batch.iter() {
        next[record.partition_index()] = Some(record.offset() + 1);
    }
    batch
        .partitions()
        .iter()
        .zip(next)
        .enumerate()
        .filter_map(|(index, (partition, offset))| {
            Some(((partition.clone(), offset?), batch.end_offset(index)))
        })
        .unzip()
}

fn as_bytes(batch: &PolledBatch, (key_type, value_type): (PlainType, PlainType)) -> SinkBytes {
    let records = batch
        .iter()
        .map(|polled| BytesRecord {
            topic: polled.topic().clone(),
            partition: polled.partition(),
            offset: polled.offset(),
            timestamp: timestamp(polled),
            timestamp_type: polled.timestamp_type(),
            key: plain(polled.key_bytes(), key_type),
            value: plain(polled.value_bytes(), value_type),
            headers: raw_headers(polled),
        })
        .collect();
    SinkBytes {
        value_type,
        key_type: Some(key_type),
        records,
    }
}

/// The bytes as the converter would give them: malformed text is replaced as Java does.
fn plain(bytes: Option<Bytes>, plain_type: PlainType) -> Option<Bytes> {
    let bytes = bytes?;
    if plain_type == PlainType::String
        && let Err(_malformed) = std::str::from_utf8(&bytes)
    {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Some(Bytes::from(text));
    }
    Some(bytes)
}

/// Keeps the records of the partitions for which `keep` holds.
pub(super) fn retain_partitions(
    batch: &mut SinkBatch,
    mut keep: impl FnMut(&TopicPartition) -> bool,
) {
    match batch {
        SinkBatch::Rows(records) => {
            records.retain(|record| keep(&record.origin.topic_partition()));
        }
        SinkBatch::Bytes(batch) => batch.records.retain(|record| {
            keep(&TopicPartition {
                topic: record.topic.clone(),
                partition: record.partition,
            })
        }),
        // The runtime makes no other form yet.
        _ => {}
    }
}
