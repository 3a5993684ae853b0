//! `HasHeaderKey`: holds for records with a header of a given key.

use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::{KAFKA_VERSION, Origin, Predicate, Record, Result};
use std::sync::LazyLock;

const NAME: &str = "name";

crate::register_predicate!(
    "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    KAFKA_VERSION,
    config_def,
    HasHeaderKey
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(NAME, ConfigType::String)
                .validator(Validator::NonEmptyString)
                .importance(Importance::Medium)
                .doc("The key of the header."),
        )
    });
    &DEF
}

#[derive(Default)]
struct HasHeaderKey {
    name: String,
}

impl Predicate for HasHeaderKey {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        self.name = config_def().parse(config)?.string(NAME)?.to_string();
        Ok(())
    }

    fn test(&mut self, record: &Record, _origin: Origin<'_>) -> Result<bool> {
        Ok(record
            .headers
            .iter()
            .any(|header| *header.key == *self.name))
    }
}
