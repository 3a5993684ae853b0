//! `Filter`: drops every record that comes to it; a predicate decides which do.

use connect_api::config::ConfigMap;
use connect_api::{KAFKA_VERSION, Origin, Record, Result, Transform, no_config};

crate::register!(
    "org.apache.kafka.connect.transforms.Filter",
    KAFKA_VERSION,
    no_config,
    Filter
);

struct Filter;

impl Transform for Filter {
    fn configure(&mut self, _config: &ConfigMap) -> Result<()> {
        Ok(())
    }

    fn apply(&mut self, _record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        Ok(None)
    }
}
