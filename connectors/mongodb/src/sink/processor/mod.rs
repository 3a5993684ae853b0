//! The post processors: what changes documents before they are written.

mod projection;
mod renaming;
mod time_field;

pub use projection::Projection;
pub use renaming::{Mapping, RegExpRule, Renamer};
pub use time_field::TimeField;

use super::document::{ID_FIELD, SinkDocument};
use super::id_strategy::{Half, IdStrategy, PartitionText};
use bson::{Bson, Document};
use connect_api::{Result, SinkRecord, TimestampType};

/// A post processor.
#[derive(Clone, Debug)]
pub enum PostProcessor {
    /// Gives the value an `_id`.
    DocumentIdAdder {
        /// Also where it has one.
        overwrite: bool,
    },
    /// Removes fields of the key or the value.
    Project(Half, Projection),
    /// Removes fields that are null.
    NullFieldValueRemover,
    /// Adds where the record stood in Kafka.
    KafkaMetaAdder,
    /// Gives fields other names.
    Rename(Renamer),
    /// Makes a date of the field of the time.
    TimeField(TimeField),
}

impl PostProcessor {
    /// Changes the documents of a record.
    pub fn process(
        &self,
        document: &mut SinkDocument<'_>,
        record: &SinkRecord,
        id_strategy: &IdStrategy,
    ) -> Result<()> {
        match self {
            Self::DocumentIdAdder { overwrite } => {
                let Some(value) = document.value.get()? else {
                    return Ok(());
                };
                if value.contains_key(ID_FIELD) && !overwrite {
                    tracing::debug!(
                        "The value has an _id already, which stays: \
                         document.id.strategy.overwrite.existing is false"
                    );
                    return Ok(());
                }
                let (id, shared_id) = id_strategy.generate(document, record)?;
                document.set_id(id, shared_id)
            }
            Self::Project(Half::Key, projection) => document.change_key(|key| {
                projection.project(key);
                Ok(())
            }),
            Self::Project(Half::Value, projection) => document.change_value(|value| {
                projection.project(value);
                Ok(())
            }),
            Self::NullFieldValueRemover => document.change_value(|value| {
                remove_nulls(value);
                Ok(())
            }),
            Self::KafkaMetaAdder => document.change_value(|value| {
                add_kafka_metadata(value, record);
                Ok(())
            }),
            Self::Rename(renamer) if renamer.is_active() => {
                document.change_key(|key| renamer.rename("key", key))?;
                document.change_value(|value| renamer.rename("value", value))
            }
            Self::Rename(_) => Ok(()),
            Self::TimeField(field) => document.change_value(|value| {
                field.convert(value);
                Ok(())
            }),
        }
    }
}

fn add_kafka_metadata(value: &mut Document, record: &SinkRecord) {
    value.insert(
        "topic-partition-offset",
        format!(
            "{}-{}-{}",
            record.record.topic,
            PartitionText(record.record.kafka_partition),
            record.origin.kafka_offset
        ),
    );
    if let Some(timestamp) = record.record.timestamp {
        let name = match record.origin.timestamp_type {
            TimestampType::NoTimestampType => "NO_TIMESTAMP_TYPE",
            TimestampType::CreateTime => "CREATE_TIME",
            TimestampType::LogAppendTime => "LOG_APPEND_TIME",
        };
        value.insert(name, timestamp);
    }
}

/// Removes null fields of a document, of those in it, and of those in its arrays.
pub(super) fn remove_nulls(document: &mut Document) {
    retain(document, |_, value| {
        match value {
            Bson::Null => return false,
            Bson::Document(inner) => remove_nulls(inner),
            Bson::Array(items) => {
                for item in items {
                    if let Bson::Document(inner) = item {
                        remove_nulls(inner);
                    }
                }
            }
            _ => {}
        }
        true
    });
}

/// Keeps the fields for which `keep` is true, in their order.
pub(super) fn retain(document: &mut Document, mut keep: impl FnMut(&str, &mut Bson) -> bool) {
    *document = std::mem::take(document)
        .into_iter()
        .filter_map(|(name, mut value)| keep(&name, &mut value).then_some((name, value)))
        .collect();
}
