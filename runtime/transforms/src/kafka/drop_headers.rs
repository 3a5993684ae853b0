//! `DropHeaders`: removes headers by their keys.

use crate::settings::names_key;
use connect_api::config::{ConfigDef, ConfigMap};
use connect_api::{KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const HEADERS: &str = "headers";

crate::register!(
    "org.apache.kafka.connect.transforms.DropHeaders",
    KAFKA_VERSION,
    config_def,
    DropHeaders::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(names_key(HEADERS).doc("The keys of the headers to remove."))
    });
    &DEF
}

#[derive(Default)]
struct DropHeaders {
    headers: Vec<String>,
}

impl Transform for DropHeaders {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        self.headers = config_def().parse(config)?.list(HEADERS)?.to_vec();
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        record
            .headers
            .retain(|header| !self.headers.iter().any(|dropped| **dropped == *header.key));
        Ok(Some(record))
    }
}
