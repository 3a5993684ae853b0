//! `RecordIsTombstone`: holds for records whose value is null, with or without a schema.

use connect_api::config::ConfigMap;
use connect_api::{KAFKA_VERSION, Origin, Predicate, Record, Result, no_config};

crate::register_predicate!(
    "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    KAFKA_VERSION,
    no_config,
    RecordIsTombstone
);

#[derive(Default)]
struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn configure(&mut self, _config: &ConfigMap) -> Result<()> {
        Ok(())
    }

    fn test(&mut self, record: &Record, _origin: Origin<'_>) -> Result<bool> {
        Ok(record.value.is_null())
    }
}
