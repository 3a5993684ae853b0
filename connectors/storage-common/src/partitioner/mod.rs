//! Partitioners: the folder below the topic that a record goes to.

mod field;
mod schema_affix;
mod time_based;

pub use field::{FieldAndTimeBasedPartitioner, FieldPartitioner, FieldSettings};
pub use schema_affix::{SchemaAffix, SchemaPartitioner};
pub use time_based::{TimeBasedPartitioner, TimeBasedSettings};

use crate::record::RecordRef;
use connect_api::{Clock, Result};
use std::sync::Arc;

/// The package of the partitioners.
pub const PARTITIONER_PACKAGE: &str = "io.confluent.connect.storage.partitioner.";

/// Says which file of a Kafka partition a record belongs to. Each Kafka partition has its own
/// instance, which sees the records in their order.
///
/// An error of kind [`Data`](connect_api::ErrorKind::Data) is about the one record: it is reported
/// where the user asked for reports and fails the task otherwise.
pub trait Partitioner: Send {
    /// The time of the record, which rotation by time goes by; `None` from partitioners that do not
    /// know time.
    fn timestamp(&mut self, _record: RecordRef<'_>, _clock: &dyn Clock) -> Result<Option<i64>> {
        Ok(None)
    }

    /// The encoded partition, for example `partition=3` or `year=2024/month=02`. `timestamp_ms` is
    /// what [`timestamp`](Self::timestamp) said. Equal partitions should share one allocation.
    fn encode(&mut self, record: RecordRef<'_>, timestamp_ms: Option<i64>) -> Result<Arc<str>>;
}

/// `partition=<number of the Kafka partition>`.
#[derive(Default)]
pub struct DefaultPartitioner {
    encoded: Option<(i32, Arc<str>)>,
}

impl Partitioner for DefaultPartitioner {
    fn encode(&mut self, record: RecordRef<'_>, _timestamp_ms: Option<i64>) -> Result<Arc<str>> {
        let partition = record.partition();
        match &self.encoded {
            Some((of, encoded)) if *of == partition => Ok(encoded.clone()),
            _ => {
                let encoded: Arc<str> = format!("partition={partition}").into();
                self.encoded = Some((partition, encoded.clone()));
                Ok(encoded)
            }
        }
    }
}

#[cfg(test)]
mod tests;
