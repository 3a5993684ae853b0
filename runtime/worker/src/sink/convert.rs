//! A polled batch in the form that the task takes.

use super::{Pending, Runner};
use crate::chain::{ConversionError, raw_headers, timestamp};
use crate::report::{ConsumedRecord, Original, Settle};
use crate::task::TaskControl;
use crate::tolerance::{Attempts, Verdict};
use bytes::Bytes;
use connect_api::{
    BytesRecord, PlainType, Result, SinkBatch, SinkBytes, SinkRecord, TopicPartition,
};
use connect_kafka::consumer::{PolledBatch, PolledRecord};

impl Runner {
    /// `None` if the task is told to end meanwhile.
    pub(super) async fn convert(
        &mut self,
        batch: &PolledBatch,
        control: &mut TaskControl,
    ) -> Result<Option<Pending>> {
        let (offsets, end_offsets) = next_offsets(batch);
        let batch = match self.bytes_form {
            Some(plain_types) if self.may_pass_as_bytes(batch) => {
                SinkBatch::Bytes(as_bytes(batch, plain_types))
            }
            _ => match self.as_rows(batch, control).await? {
                Some(records) => SinkBatch::Rows(records),
                None => return Ok(None),
            },
        };
        Ok(Some(Pending {
            batch,
            offsets,
            end_offsets,
            num_failures: 0,
        }))
    }

    fn may_pass_as_bytes(&self, batch: &PolledBatch) -> bool {
        self.chain.headers_never_fail() || batch.iter().all(|record| record.headers().len() == 0)
    }

    async fn as_rows(
        &mut self,
        batch: &PolledBatch,
        control: &mut TaskControl,
    ) -> Result<Option<Vec<SinkRecord>>> {
        if self.chain.needs_prepare() {
            let preparing = self.chain.prepare_to_connect(batch.iter());
            if control.unless_stopping(preparing).await.is_none() {
                return Ok(None);
            }
        }
        let mut records = Vec::with_capacity(batch.len());
        for polled in batch.iter() {
            // The first try stays free of what only failures need.
            match self.chain.convert_for_sink(polled) {
                Ok(Some(record)) => records.push(record),
                Ok(None) => {}
                Err(failure) => match self.convert_after_failure(polled, failure, control).await? {
                    Converted::Record(record) => records.push(*record),
                    Converted::Dropped => {}
                    Converted::Stopping => return Ok(None),
                },
            }
        }
        Ok(Some(records))
    }

    async fn convert_after_failure(
        &mut self,
        polled: PolledRecord<'_>,
        failure: ConversionError,
        control: &mut TaskControl,
    ) -> Result<Converted> {
        let record = ConsumedRecord::from(polled);
        let original = Original::Consumed(&record);
        let mut attempts = Attempts::default();
        let mut failure = failure;
        loop {
            match attempts.failed(
                self.reporters.policy(),
                &*self.clock,
                self.reporters.metrics(),
                failure,
                &|| original.to_string(),
            ) {
                Verdict::Retry(delay) => {
                    let pause = self.clock.sleep(delay);
                    if control.unless_stopping(pause).await.is_none() {
                        return Ok(Converted::Stopping);
                    }
                    // What could not be resolved for the batch may be there now.
                    if self.chain.needs_prepare() {
                        let preparing = self.chain.prepare_to_connect(std::iter::once(polled));
                        if control.unless_stopping(preparing).await.is_none() {
                            return Ok(Converted::Stopping);
                        }
                    }
                    self.reporters.metrics().record_retry();
                    match self.chain.convert_for_sink(polled) {
                        Ok(Some(record)) => return Ok(Converted::Record(Box::new(record))),
                        Ok(None) => return Ok(Converted::Dropped),
                        Err(next) => failure = next,
                    }
                }
                Verdict::GiveUp(failure) => {
                    let settle =
                        self.open_report(polled.topic_partition().clone(), polled.offset());
                    self.reporters.give_up(original, &failure, settle)?;
                    if let Some(queue) = self.reporters.dead_letter_queue()
                        && control.unless_stopping(queue.room()).await.is_none()
                    {
                        return Ok(Converted::Stopping);
                    }
                    return Ok(Converted::Dropped);
                }
            }
        }
    }

    /// A report of a record that holds its offset back until it is durable.
    fn open_report(&self, partition: TopicPartition, offset: i64) -> Settle {
        if self.reporters.dead_letter_queue().is_none() {
            return Settle::ignored();
        }
        let id = self.open_reports.open(partition.clone(), offset);
        let open_reports = self.open_reports.clone();
        Settle::new(move |result| open_reports.settle(&partition, id, result))
    }
}

/// How a record ended that did not get through at once.
enum Converted {
    Record(Box<SinkRecord>),
    Dropped,
    /// The task is to end; nothing is decided about the record.
    Stopping,
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
