//! What becomes of records that cannot be written.

use super::super::bulk::{BulkWrite, StatementError, WriteConcernError};
use super::super::topic_settings::{Tolerance, TopicSettings};
use super::tolerates_whole_commands;
use crate::bson::{JsonMode, document_to_json};
use connect_api::{ConnectError, ErrantRecordReporter, Result, SinkRecord};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Reports errors as the settings of a topic want it.
pub(super) struct Reports<'a> {
    pub(super) reporter: Option<&'a Arc<dyn ErrantRecordReporter>>,
    pub(super) settings: &'a TopicSettings,
}

/// `topic-partition@offset`.
fn place(record: &SinkRecord) -> String {
    let origin = &record.origin;
    format!(
        "{}-{}@{}",
        origin.original_topic, origin.original_kafka_partition, origin.kafka_offset
    )
}

/// The error of a record, with the place of the record around it.
pub(super) fn with_place(record: &SinkRecord, error: ConnectError) -> PlacedError {
    PlacedError {
        place: place(record),
        error: bounded(error),
    }
}

/// The official texts show whole documents. A dead letter must still fit into its topic.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

fn bounded(error: ConnectError) -> ConnectError {
    let cause = error.cause().cloned().map(bounded);
    let message = error.message();
    let error = if message.len() > MAX_MESSAGE_BYTES {
        let shown = &message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)];
        let text = format!("{shown}… ({} bytes in all)", message.len());
        ConnectError::new(error.kind(), error.class().to_string(), text)
    } else {
        error
    };
    match cause {
        Some(cause) => error.with_cause(cause),
        None => error,
    }
}

/// An error and the place of its record. A dead letter carries the error alone, as its headers name
/// the place already; a failed task tells both.
pub(super) struct PlacedError {
    place: String,
    error: ConnectError,
}

impl PlacedError {
    fn into_error(self) -> ConnectError {
        ConnectError::data(format!(
            "The record at {} cannot be written: {}",
            self.place,
            self.error.to_java_string()
        ))
        .with_cause(self.error)
    }
}

impl Reports<'_> {
    /// Reports the error of one record, or returns it if it ends the task.
    pub(super) fn tolerate(&self, record: &SinkRecord, error: PlacedError) -> Result<()> {
        if self.settings.tolerance == Tolerance::None {
            return Err(error.into_error());
        }
        self.report(record, error.error)
    }

    /// The runtime waits for the report itself before it commits past the record.
    fn report(&self, record: &SinkRecord, error: ConnectError) -> Result<()> {
        let error = bounded(error);
        if self.settings.log_errors {
            tracing::error!(
                "The record at {} cannot be written and is skipped: {}",
                place(record),
                error.to_java_string()
            );
        }
        match self.reporter {
            Some(reporter) => reporter.report(&record.origin, error).map(drop),
            None => Ok(()),
        }
    }

    /// Looks at what the server refused. `places` leads from the statements to the records.
    pub(super) fn outcome(
        &self,
        write: &BulkWrite,
        places: &[usize],
        records: &[SinkRecord],
    ) -> Result<()> {
        if write.errors.is_empty() && write.concern_error.is_none() {
            return Ok(());
        }
        let errors: HashMap<usize, &StatementError> = write
            .errors
            .iter()
            .map(|error| (error.member, error))
            .collect();
        let skipped: BTreeSet<usize> = write.skipped.iter().copied().collect();
        let record_of = |member: usize| places.get(member).and_then(|place| records.get(*place));
        if self.settings.tolerance == Tolerance::None {
            return Err(failure(write, &errors, skipped.len(), record_of));
        }
        for member in 0..places.len() {
            let Some(record) = record_of(member) else {
                continue;
            };
            let error = if let Some(error) = errors.get(&member) {
                write_exception(error)
            } else if skipped.contains(&member) {
                write_skipped_exception()
            } else if let Some(error) = &write.concern_error {
                write_concern_exception(error)
            } else {
                continue;
            };
            self.report(record, error)?;
        }
        Ok(())
    }

    /// The error of a whole command: under `errors.tolerance=all` that of each record that it left
    /// unwritten.
    pub(super) fn whole_command<'r>(
        &self,
        records: impl Iterator<Item = &'r SinkRecord>,
        error: ConnectError,
    ) -> Result<()> {
        if tolerates_whole_commands(self.settings.tolerance) {
            for record in records {
                self.report(record, error.clone())?;
            }
            return Ok(());
        }
        let places: Vec<String> = records.take(1).map(place).collect();
        let from = match places.first() {
            Some(place) => format!(" (from the record at {place} on)"),
            None => String::new(),
        };
        let why = match self.settings.tolerance {
            Tolerance::Data => "non Data Error, fail the connector.",
            _ => "The records cannot be written",
        };
        Err(ConnectError::data(format!("{why}{from}: {}", error.message())).with_cause(error))
    }
}

fn failure<'r>(
    write: &BulkWrite,
    errors: &HashMap<usize, &StatementError>,
    num_skipped: usize,
    record_of: impl Fn(usize) -> Option<&'r SinkRecord>,
) -> ConnectError {
    let first = errors.keys().min().copied();
    let at = first
        .and_then(&record_of)
        .map_or_else(|| "unknown".to_string(), place);
    let namespace = write.namespace();
    match (first.and_then(|first| errors.get(&first)), &write.concern_error) {
        (Some(error), _) => ConnectError::data(format!(
            "The server refused the record at {at} for {namespace}: code {}: {}. {}{} record(s) of the \
             bulk write failed, {num_skipped} were not tried",
            error.code,
            error.message,
            hint(error.code),
            errors.len()
        ))
        .with_cause(write_exception(error)),
        (None, Some(error)) => ConnectError::data(format!(
            "The server wrote to {namespace}, but did not reach the write concern: code {} {}: {}. \
             Check w and wtimeoutMS of connection.uri and the members of the replica set",
            error.code, error.code_name, error.message
        ))
        .with_cause(write_concern_exception(error)),
        (None, None) => ConnectError::data(format!("A bulk write to {namespace} failed")),
    }
}

fn hint(code: i32) -> &'static str {
    match code {
        11000 => {
            "A document with this _id or unique key is there already: an id strategy that goes by the \
             record, or a strategy that replaces, lets records come twice. "
        }
        121 => "The document does not pass the validation of the collection. ",
        66 => "The update would change the _id of a document. ",
        2 | 9 | 14 | 52 | 54 | 56 => "The server does not take the document as it is. ",
        _ => "",
    }
}

const DLQ: &str = "com.mongodb.kafka.connect.sink.dlq.";

fn write_exception(error: &StatementError) -> ConnectError {
    ConnectError::data(format!(
        "v=1, code={}, message={}, details={}",
        error.code,
        error.message,
        document_to_json(&error.details, JsonMode::Relaxed)
    ))
    .with_class(format!("{DLQ}WriteException"))
}

fn write_concern_exception(error: &WriteConcernError) -> ConnectError {
    ConnectError::data(format!(
        "v=1, code={}, codeName={}, message={}, details={}",
        error.code,
        error.code_name,
        error.message,
        document_to_json(&error.details, JsonMode::Relaxed)
    ))
    .with_class(format!("{DLQ}WriteConcernException"))
}

fn write_skipped_exception() -> ConnectError {
    ConnectError::data("")
        .with_class(format!("{DLQ}WriteSkippedException"))
        .without_message()
}
