//! `InsertHeader`: adds the same header to every record.

use crate::settings::non_null;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::values::parse_string;
use connect_api::{Header, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const HEADER: &str = "header";
const VALUE_LITERAL: &str = "value.literal";

crate::register!(
    "org.apache.kafka.connect.transforms.InsertHeader",
    KAFKA_VERSION,
    config_def,
    InsertHeader::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(
                ConfigKey::new(HEADER, ConfigType::String)
                    .validator(non_null())
                    .importance(Importance::High)
                    .doc("The key of the header."),
            )
            .define(
                ConfigKey::new(VALUE_LITERAL, ConfigType::String)
                    .validator(non_null())
                    .importance(Importance::High)
                    .doc(
                        "The value of the header, the same for all records. Its type is found out \
                         from the text: a number, a boolean, a date, a list, a map, or else a string.",
                    ),
            )
    });
    &DEF
}

#[derive(Default)]
struct InsertHeader {
    header: Option<Header>,
}

impl Transform for InsertHeader {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let literal = parse_string(config.string(VALUE_LITERAL)?)?;
        self.header = Some(Header {
            key: config.string(HEADER)?.into(),
            schema: literal.schema,
            value: literal.value,
        });
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        record.headers.extend(self.header.clone());
        Ok(Some(record))
    }
}
