//! Polled records on their way to the producer.

use super::rows::rows_of;
use super::submitted::{Kept, SubmittedOffset, Token};
use super::{Runner, TaskControl};
use crate::chain::{ConversionError, EncodedRecord};
use crate::produce_error::send_error;
use crate::report::{ConvertedRecord, Original};
use crate::tolerance::{Attempts, Verdict};
use bytes::Bytes;
use connect_api::{
    ConnectError, Encoded as Payload, Origin, Record, Result, SourceBatch, SourceBytes,
    SourceOffsets, SourceRecord,
};
use connect_kafka::producer::{ProducerHeader, ProducerRecord, SendError};
use std::time::Duration;

/// Between tries to send after a retriable failure.
const SEND_RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const SEND_RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

/// How the conversion of a record ended.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and a box would cost an allocation for each record"
)]
enum Encoded {
    /// The record after transforms, as bytes.
    Record(Record, EncodedRecord),
    /// A transform dropped it, or it was skipped.
    Dropped,
    /// The task is told to stop; nothing is decided about the record.
    Stopping,
}

/// What the transforms made of a record; `None` if one dropped it.
type Transformed = Result<Option<Record>, ConversionError>;

/// How the sending of a record or a batch ended.
pub(super) enum Sent {
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
    ) -> Result<Sent> {
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

    async fn send_bytes(&mut self, batch: SourceBytes, control: &mut TaskControl) -> Result<Sent> {
        let SourceBytes {
            topic,
            source_partition,
            values,
            source_offsets,
            timestamp,
            ..
        } = batch;
        for (index, value) in values.iter().enumerate() {
            self.begin_record(&topic)?;
            if index == 0 {
                self.ensure_topic(&topic, control).await?;
            }
            let offset = match &source_offsets {
                SourceOffsets::Int64 { field, values } => SubmittedOffset::Int64 {
                    field: field.clone(),
                    value: values.get(index).copied().unwrap_or_default(),
                },
                other => SubmittedOffset::Map(other.get(index)),
            };
            let kept = Kept {
                record: None,
                converted: self.reporters.is_enabled().then(|| {
                    Box::new(ConvertedRecord {
                        topic: topic.clone(),
                        key: None,
                        value: Some(value.clone()),
                        headers: Vec::new(),
                        timestamp_ms: timestamp,
                    })
                }),
            };
            let noted = self.offset_to_note(&offset);
            let token = self
                .submitted
                .submit(source_partition.as_ref(), offset, kept);
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
                return Ok(Sent::Stopping);
            }
            self.record_dispatched(source_partition.as_ref(), noted);
            self.record_ends(index, &topic).await?;
        }
        Ok(Sent::Yes)
    }

    async fn send_rows(
        &mut self,
        records: Vec<SourceRecord>,
        control: &mut TaskControl,
    ) -> Result<Sent> {
        let Some(transformed_ahead) = self.transform_ahead(&records, control).await else {
            return Ok(Sent::Stopping);
        };
        let mut transformed_ahead = transformed_ahead.into_iter();
        let (mut num_skipped, mut sent) = (0, Sent::Yes);
        for (index, record) in records.into_iter().enumerate() {
            let ahead = transformed_ahead.next();
            let (transformed, encoded) = match self.encode(&record, ahead, control).await? {
                Encoded::Record(transformed, encoded) => (transformed, encoded),
                Encoded::Dropped => {
                    num_skipped += 1;
                    self.record_ends(index, &record.record.topic).await?;
                    continue;
                }
                Encoded::Stopping => {
                    sent = Sent::Stopping;
                    break;
                }
            };
            self.begin_record(&transformed.topic)?;
            self.ensure_topic(&transformed.topic, control).await?;
            sent = self
                .send_encoded(record, &transformed, encoded, control)
                .await?;
            if let Sent::Stopping = sent {
                break;
            }
            self.record_ends(index, &transformed.topic).await?;
        }
        if num_skipped > 0 {
            self.metrics.record_write(num_skipped, num_skipped);
        }
        Ok(sent)
    }

    /// Transforms a whole batch if converters want to know topics and schemas of their records before:
    /// transforms may change both. Otherwise it returns nothing, and each record is transformed in its
    /// turn. `None` if the task is told to stop.
    async fn transform_ahead(
        &mut self,
        records: &[SourceRecord],
        control: &mut TaskControl,
    ) -> Option<Vec<Transformed>> {
        if !self.chain.needs_prepare() {
            return Some(Vec::new());
        }
        let transformed: Vec<Transformed> = records
            .iter()
            .map(|record| self.transform(record))
            .collect();
        let to_convert: Vec<&Record> = transformed
            .iter()
            .filter_map(|transformed| transformed.as_ref().ok()?.as_ref())
            .collect();
        let preparing = self.chain.prepare_from_connect(&to_convert);
        control.unless_stopping(preparing).await?;
        Some(transformed)
    }

    fn transform(&mut self, record: &SourceRecord) -> Transformed {
        // A copy shares all text and schemas; the original is what a retry begins with.
        self.chain
            .transform(record.record.clone(), Origin::Source(&record.origin))
    }

    /// Transforms a record once more, and lets converters resolve what it needs; `None` if the task is
    /// told to stop.
    async fn transform_again(
        &mut self,
        record: &SourceRecord,
        control: &mut TaskControl,
    ) -> Option<Transformed> {
        let transformed = self.transform(record);
        if let Ok(Some(record)) = &transformed
            && self.chain.needs_prepare()
        {
            let records = [record];
            let preparing = self.chain.prepare_from_connect(&records);
            control.unless_stopping(preparing).await?;
        }
        Some(transformed)
    }

    /// Transforms (unless that was done ahead) and converts a record. A record that was dropped counts as
    /// acknowledged.
    async fn encode(
        &mut self,
        record: &SourceRecord,
        ahead: Option<Transformed>,
        control: &mut TaskControl,
    ) -> Result<Encoded> {
        let mut attempts = Attempts::default();
        let mut transformed = match ahead {
            Some(transformed) => transformed,
            None => self.transform(record),
        };
        loop {
            let failure = match self.try_encode(transformed) {
                Ok(Some((transformed, encoded))) => {
                    return Ok(Encoded::Record(transformed, encoded));
                }
                Ok(None) => {
                    self.drop_record(record);
                    return Ok(Encoded::Dropped);
                }
                Err(failure) => failure,
            };
            let original = Original::Source {
                record,
                converted: None,
            };
            match attempts.failed(
                self.reporters.policy(),
                &*self.clock,
                self.reporters.metrics(),
                failure,
                &|| original.to_string(),
            ) {
                Verdict::Retry(delay) => {
                    if !self.wait_unless_stopping(delay, control).await {
                        return Ok(Encoded::Stopping);
                    }
                    match self.transform_again(record, control).await {
                        Some(again) => transformed = again,
                        None => return Ok(Encoded::Stopping),
                    }
                    self.reporters.metrics().record_retry();
                }
                Verdict::GiveUp(failure) => {
                    self.skip_record(record, &failure)?;
                    self.await_dead_letter_room(control).await;
                    return Ok(Encoded::Dropped);
                }
            }
        }
    }

    fn try_encode(
        &mut self,
        transformed: Transformed,
    ) -> Result<Option<(Record, EncodedRecord)>, ConversionError> {
        let Some(transformed) = transformed? else {
            return Ok(None);
        };
        self.key_buffer.clear();
        self.value_buffer.clear();
        let encoded =
            self.chain
                .encode(&transformed, &mut self.key_buffer, &mut self.value_buffer)?;
        Ok(Some((transformed, encoded)))
    }

    async fn send_encoded(
        &mut self,
        record: SourceRecord,
        transformed: &Record,
        encoded: EncodedRecord,
        control: &mut TaskControl,
    ) -> Result<Sent> {
        let timestamp_ms = match transformed.timestamp {
            None | Some(-1) => None,
            Some(timestamp) if timestamp < 0 => {
                return Err(
                    ConnectError::data(format!("Invalid record timestamp {timestamp}"))
                        .with_class("org.apache.kafka.common.InvalidRecordException"),
                );
            }
            timestamp => timestamp,
        };
        let key_buffer = self.key_buffer.split().freeze();
        let value_buffer = self.value_buffer.split().freeze();
        let source_partition = record.origin.source_partition.clone();
        let offset = SubmittedOffset::Map(record.origin.source_offset.clone());
        let kept = Kept {
            record: (self.keeps_records || self.reporters.is_enabled()).then(|| Box::new(record)),
            converted: self.reporters.dead_letter_queue().map(|_| {
                Box::new(ConvertedRecord {
                    topic: transformed.topic.clone(),
                    key: payload(&encoded.key, &key_buffer).cloned(),
                    value: payload(&encoded.value, &value_buffer).cloned(),
                    headers: encoded.headers.clone(),
                    timestamp_ms,
                })
            }),
        };
        let noted = self.offset_to_note(&offset);
        let token = self
            .submitted
            .submit(source_partition.as_ref(), offset, kept);
        self.track_topic(&transformed.topic, token);
        let key = payload(&encoded.key, &key_buffer).map(|key| &**key);
        let value = payload(&encoded.value, &value_buffer).map(|value| &**value);
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
                    topic: &transformed.topic,
                    partition: transformed.kafka_partition,
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
        if let Ok(Sent::Yes) = sent {
            self.record_dispatched(source_partition.as_ref(), noted);
        }
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
                    if control.is_stopping() || self.error.is_some() {
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
                    // What a transaction lacks, its commit would tell of.
                    let fatal = matches!(error, SendError::Fatal { .. })
                        || self.commits.transactions().is_some();
                    let error = send_error(&error);
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

    /// Waits, seeing to deliveries and commits; `false` if the task is told to stop meanwhile.
    async fn wait_unless_stopping(&mut self, delay: Duration, control: &mut TaskControl) -> bool {
        let until = self.clock.monotonic() + delay;
        loop {
            if control.is_stopping() {
                return false;
            }
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return true;
            }
            self.wait_for(left, control).await;
        }
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
        if !self.tracked_topics.contains(topic) {
            self.tracked_topics.insert(topic.clone());
            self.unacked_topics.push((token, topic.clone()));
        }
    }
}

fn unrecoverable(error: ConnectError) -> ConnectError {
    ConnectError::fatal("Unrecoverable exception trying to send").with_cause(error)
}

fn payload<'a>(encoded: &'a Payload, buffer: &'a Bytes) -> Option<&'a Bytes> {
    match encoded {
        Payload::Null => None,
        Payload::Appended => Some(buffer),
        Payload::Shared(bytes) => Some(bytes),
    }
}
