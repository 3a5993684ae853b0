//! Polled records on their way to the producer.

use super::submitted::{SubmittedOffset, Token};
use super::{Runner, TaskControl};
use crate::chain::{ConversionError, EncodedRecord};
use crate::tolerance::{Attempts, Tolerance, Verdict};
use bytes::Bytes;
use connect_api::data::{Schema, Value};
use connect_api::{
    AckedRecord, ConnectError, Encoded, Origin, PlainType, Result, SourceBatch, SourceBytes,
    SourceOffsets, SourceRecord,
};
use connect_kafka::error::ErrorCode;
use connect_kafka::producer::{ProducerHeader, ProducerRecord, SendError};
use std::time::Duration;

/// Between tries to send after a retriable failure.
const SEND_RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const SEND_RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

/// What to do about a record that Kafka refused.
pub(super) fn hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC
        | ErrorCode::UNKNOWN_PARTITION => {
            "; create the topic, or set topic.creation.default.partitions and \
             topic.creation.default.replication.factor so that it is created"
        }
        ErrorCode::MESSAGE_TOO_LARGE => {
            "; raise max.message.bytes of the topic and producer.override.max.request.size"
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            "; grant the producer's principal WRITE on the topic"
        }
        _ => "",
    }
}

/// How the sending of a record ended.
enum Sent {
    Yes,
    /// The task is told to stop; the rest of the batch stays unsent.
    Stopping,
}

impl Runner {
    /// Sends a batch in order. It stops early if the task is to end: what was not sent has no committed
    /// offset and will be polled again.
    pub(super) async fn send_batch(
        &mut self,
        batch: SourceBatch,
        control: &mut TaskControl,
    ) -> Result<()> {
        match batch {
            SourceBatch::Bytes(batch) if self.passes_through(&batch) => {
                self.send_bytes(batch, control).await
            }
            SourceBatch::Bytes(batch) => self.send_rows(rows_of(batch), control).await,
            SourceBatch::Rows(records) => self.send_rows(records, control).await,
            other => Err(ConnectError::fatal(format!(
                "the task returned a batch in a form that this worker does not know: {} records",
                other.len()
            ))),
        }
    }

    fn passes_through(&self, batch: &SourceBytes) -> bool {
        self.chain.transforms.is_empty()
            && !self.keeps_records
            && self.chain.value.plain_type() == Some(batch.value_type)
    }

    async fn send_bytes(&mut self, batch: SourceBytes, control: &mut TaskControl) -> Result<()> {
        let SourceBytes {
            topic,
            source_partition,
            values,
            source_offsets,
            timestamp,
            ..
        } = batch;
        self.ensure_topic(&topic, control).await?;
        for (index, value) in values.iter().enumerate() {
            let offset = match &source_offsets {
                SourceOffsets::Int64 { field, values } => SubmittedOffset::Int64 {
                    field: field.clone(),
                    value: values.get(index).copied().unwrap_or_default(),
                },
                other => SubmittedOffset::Map(other.get(index)),
            };
            let token = self
                .submitted
                .submit(source_partition.as_ref(), offset, None);
            if index == 0 {
                // The others go to the same topic.
                self.track_topic(&topic, token);
            }
            let record = ProducerRecord {
                topic: &topic,
                partition: None,
                key: None,
                value: Some(value),
                headers: &[],
                timestamp_ms: timestamp,
                token: token.0,
            };
            if let Sent::Stopping = self.send(record, token, control).await? {
                break;
            }
        }
        Ok(())
    }

    async fn send_rows(
        &mut self,
        records: Vec<SourceRecord>,
        control: &mut TaskControl,
    ) -> Result<()> {
        self.chain.prepare_from_connect(&records).await;
        let mut num_skipped = 0;
        for record in records {
            let Some((record, encoded)) = self.encode(record).await? else {
                num_skipped += 1;
                continue;
            };
            self.ensure_topic(&record.record.topic, control).await?;
            match self.send_encoded(record, encoded, control).await? {
                Sent::Yes => {}
                Sent::Stopping => break,
            }
        }
        if num_skipped > 0 {
            self.metrics.record_write(num_skipped, num_skipped);
        }
        Ok(())
    }

    /// Transforms and converts a record; `None` if it was dropped, which counts as acknowledged.
    async fn encode(
        &mut self,
        record: SourceRecord,
    ) -> Result<Option<(SourceRecord, EncodedRecord)>> {
        let mut attempts = Attempts::default();
        loop {
            let failure = match self.try_encode(&record) {
                Ok(Some((transformed, encoded))) => {
                    return Ok(Some((
                        SourceRecord {
                            record: transformed,
                            origin: record.origin,
                        },
                        encoded,
                    )));
                }
                Ok(None) => {
                    self.drop_record(record);
                    return Ok(None);
                }
                Err(failure) => failure,
            };
            let errors = self.metrics.task().errors();
            errors.record_failure();
            if attempts.any() {
                errors.record_retry();
            }
            let describe = || {
                format!(
                    "source record for topic {} from partition {} at offset {}",
                    record.record.topic,
                    Value::from(record.origin.source_partition.as_deref().cloned()),
                    Value::from(record.origin.source_offset.as_deref().cloned()),
                )
            };
            match attempts
                .failed(&self.error_policy, &*self.clock, failure, &describe)
                .await
            {
                Verdict::Retry => {}
                Verdict::Skip => {
                    let errors = self.metrics.task().errors();
                    errors.record_error();
                    errors.record_skipped();
                    self.drop_record(record);
                    return Ok(None);
                }
                Verdict::Fail(error) => {
                    self.metrics.task().errors().record_error();
                    return Err(error);
                }
            }
        }
    }

    fn try_encode(
        &mut self,
        record: &SourceRecord,
    ) -> Result<Option<(connect_api::Record, EncodedRecord)>, ConversionError> {
        // A copy shares all text and schemas; the original is what a retry begins with.
        let transformed = self
            .chain
            .transform(record.record.clone(), Origin::Source(&record.origin))?;
        let Some(transformed) = transformed else {
            return Ok(None);
        };
        self.key_buffer.clear();
        self.value_buffer.clear();
        let encoded =
            self.chain
                .encode(&transformed, &mut self.key_buffer, &mut self.value_buffer)?;
        Ok(Some((transformed, encoded)))
    }

    /// A record that will not be written: its offset may be committed once those before it are.
    fn drop_record(&mut self, record: SourceRecord) {
        let offset = SubmittedOffset::Map(record.origin.source_offset.clone());
        let token = self
            .submitted
            .submit(record.origin.source_partition.as_ref(), offset, None);
        self.submitted.acknowledge(token);
        if self.keeps_records {
            self.acked.push(AckedRecord {
                record,
                metadata: None,
            });
        }
    }

    async fn send_encoded(
        &mut self,
        record: SourceRecord,
        encoded: EncodedRecord,
        control: &mut TaskControl,
    ) -> Result<Sent> {
        let topic = record.record.topic.clone();
        let partition = record.record.kafka_partition;
        let timestamp_ms = match record.record.timestamp {
            None | Some(-1) => None,
            Some(timestamp) if timestamp < 0 => {
                return Err(
                    ConnectError::data(format!("Invalid record timestamp {timestamp}"))
                        .with_class("org.apache.kafka.common.InvalidRecordException"),
                );
            }
            timestamp => timestamp,
        };
        let source_partition = record.origin.source_partition.clone();
        let offset = SubmittedOffset::Map(record.origin.source_offset.clone());
        let kept = self.keeps_records.then(|| Box::new(record));
        let token = self
            .submitted
            .submit(source_partition.as_ref(), offset, kept);
        self.track_topic(&topic, token);
        let key_buffer = self.key_buffer.split().freeze();
        let value_buffer = self.value_buffer.split().freeze();
        let key = payload(&encoded.key, &key_buffer);
        let value = payload(&encoded.value, &value_buffer);
        let headers: Vec<ProducerHeader<'_>> = encoded
            .headers
            .iter()
            .map(|header| ProducerHeader {
                key: &header.key,
                value: header.value.as_deref(),
            })
            .collect();
        let sent = self
            .send(
                ProducerRecord {
                    topic: &topic,
                    partition,
                    key,
                    value,
                    headers: &headers,
                    timestamp_ms,
                    token: token.0,
                },
                token,
                control,
            )
            .await;
        // The producer has copied what it took, so the buffers serve the next record.
        self.key_buffer = key_buffer.try_into_mut().unwrap_or_default();
        self.value_buffer = value_buffer.try_into_mut().unwrap_or_default();
        sent
    }

    /// Hands a record to the producer, waiting for room while its buffer is full.
    async fn send(
        &mut self,
        record: ProducerRecord<'_>,
        token: Token,
        control: &mut TaskControl,
    ) -> Result<Sent> {
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(Sent::Yes),
                Err(SendError::QueueFull) => {
                    if control.is_stopping() || self.send_error.is_some() {
                        self.submitted.withdraw(token);
                        return Ok(Sent::Stopping);
                    }
                    tokio::select! {
                        biased;
                        () = control.changed() => {}
                        deliveries = self.deliveries.recv() => {
                            if let Some(deliveries) = deliveries {
                                self.on_deliveries(&deliveries);
                            }
                        }
                        () = self.producer.wait_for_room() => {}
                    }
                }
                Err(error) => {
                    let fatal = matches!(error, SendError::Fatal { .. });
                    let error = ConnectError::fatal(error.to_string())
                        .with_class("org.apache.kafka.common.KafkaException");
                    if fatal {
                        self.submitted.withdraw(token);
                        return Err(unrecoverable(error));
                    }
                    self.on_send_failure(token, error);
                    return Ok(Sent::Yes);
                }
            }
        }
    }

    /// A record that Kafka refused: skipped under `errors.tolerance=all`, otherwise the task fails.
    pub(super) fn on_send_failure(&mut self, token: Token, error: ConnectError) {
        let errors = self.metrics.task().errors();
        errors.record_failure();
        errors.record_error();
        if self.error_policy.tolerance == Tolerance::All {
            errors.record_skipped();
            tracing::error!(
                "a record was not written and is skipped (errors.tolerance=all): {error}"
            );
            self.metrics.record_write(1, 1);
            if let Some(record) = self.submitted.acknowledge(token) {
                self.acked.push(AckedRecord {
                    record: *record,
                    metadata: None,
                });
            }
            return;
        }
        tracing::error!("a record was not written: {error}");
        self.send_error.get_or_insert(error);
    }

    async fn ensure_topic(&mut self, topic: &str, control: &mut TaskControl) -> Result<()> {
        let mut num_failures = 0u32;
        loop {
            let Some(creator) = &mut self.topic_creator else {
                return Ok(());
            };
            let error = match creator.ensure(topic).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_retriable() && !control.is_stopping() => error,
                Err(error) => return Err(unrecoverable(error)),
            };
            num_failures += 1;
            let delay = SEND_RETRY_DELAY_MIN
                .saturating_mul(1 << (num_failures - 1).min(16))
                .min(SEND_RETRY_DELAY_MAX);
            tracing::warn!(
                attempt = num_failures,
                delay_ms = delay.as_millis() as u64,
                "failed to send records, will retry: {error}"
            );
            self.wait_for(delay, control).await;
        }
    }

    fn track_topic(&mut self, topic: &connect_api::Topic, token: Token) {
        if !self.active_topics.contains(topic) {
            self.active_topics.insert(topic.clone());
            self.unacked_topics.push((token, topic.clone()));
        }
    }
}

fn unrecoverable(error: ConnectError) -> ConnectError {
    ConnectError::fatal("Unrecoverable exception trying to send").with_cause(error)
}

fn payload<'a>(encoded: &'a Encoded, buffer: &'a Bytes) -> Option<&'a [u8]> {
    match encoded {
        Encoded::Null => None,
        Encoded::Appended => Some(buffer),
        Encoded::Shared(bytes) => Some(bytes),
    }
}

/// A batch of bytes as rows, for converters and transforms that look inside.
fn rows_of(batch: SourceBytes) -> Vec<SourceRecord> {
    let schema = match batch.value_type {
        PlainType::String => Schema::string(),
        PlainType::Bytes => Schema::bytes(),
    };
    batch
        .values
        .into_iter()
        .enumerate()
        .map(|(index, bytes)| {
            let value = match batch.value_type {
                PlainType::String => match bytestring::ByteString::try_from(bytes.clone()) {
                    Ok(text) => Value::String(text),
                    Err(_malformed) => Value::string(String::from_utf8_lossy(&bytes).into_owned()),
                },
                PlainType::Bytes => Value::Bytes(bytes),
            };
            let mut record = SourceRecord::new(batch.topic.clone(), Some(schema.clone()), value);
            record.record.timestamp = batch.timestamp;
            record.origin.source_partition = batch.source_partition.clone();
            record.origin.source_offset = batch.source_offsets.get(index);
            record
        })
        .collect()
}
