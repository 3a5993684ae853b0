//! `ExtractField`: one field in place of the struct or map that holds it.

use super::field_path::{FIELD_SYNTAX_VERSION, FieldPath, field_syntax_version_key};
use crate::half::Half;
use crate::requirements::{require_map_mut, require_struct, require_struct_mut};
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::Value;
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const FIELD: &str = "field";
const PURPOSE: &str = "field extraction";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.ExtractField",
    KAFKA_VERSION,
    config_def,
    ExtractField::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(
                ConfigKey::new(FIELD, ConfigType::String)
                    .importance(Importance::Medium)
                    .doc("The field to extract."),
            )
            .define(replace_null_with_default_key())
            .define(field_syntax_version_key())
    });
    &DEF
}

struct ExtractField {
    half: Half,
    path: FieldPath,
    original_path: String,
    replace_null_with_default: bool,
}

impl ExtractField {
    fn new(half: Half) -> Self {
        Self {
            half,
            path: FieldPath::default(),
            original_path: String::new(),
            replace_null_with_default: true,
        }
    }
}

impl Transform for ExtractField {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.original_path = config.string(FIELD)?.to_string();
        self.path = FieldPath::parse(&self.original_path, config.string(FIELD_SYNTAX_VERSION)?)?;
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        let holder = match (&*schema, value) {
            (_, Value::Null) => None,
            (None, value) => {
                let map = require_map_mut(value, PURPOSE)?;
                let extracted = self.path.take_from_map(map)?;
                *value = extracted;
                None
            }
            (Some(_), value) => {
                require_struct(value, PURPOSE)?;
                Some(value)
            }
        };
        if let Some(from) = schema {
            let field = self.path.field(from)?.ok_or_else(|| {
                ConnectError::data(format!("Unknown field: {}", self.original_path))
                    .with_class("java.lang.IllegalArgumentException")
            })?;
            let field_schema = field.schema.clone();
            if let Some(value) = holder {
                let record = require_struct_mut(value, PURPOSE)?;
                let extracted = self
                    .path
                    .take_from_struct(record, self.replace_null_with_default)?;
                *value = extracted;
            }
            *schema = Some(field_schema);
        }
        Ok(Some(record))
    }
}
