//! The settings that the framework itself defines for connectors and for Kafka clients.
//!
//! They are data: the files in `definitions/` hold names, types, defaults, places in forms and
//! documentation as every Connect 4.3.1 worker shows them. What is checked stands here.

use super::regex::compile;
use connect_api::ConnectorType;
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigType, CustomValidator, Importance, Validator, Width,
};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

#[derive(Deserialize)]
struct Definition {
    name: String,
    #[serde(rename = "type")]
    config_type: String,
    required: bool,
    default: Option<String>,
    importance: String,
    group: Option<String>,
    order: Option<i32>,
    width: Option<String>,
    display_name: Option<String>,
    documentation: String,
}

impl Definition {
    fn into_key(self) -> ConfigKey {
        let config_type = match self.config_type.as_str() {
            "BOOLEAN" => ConfigType::Boolean,
            "INT" => ConfigType::Int,
            "SHORT" => ConfigType::Short,
            "LONG" => ConfigType::Long,
            "DOUBLE" => ConfigType::Double,
            "LIST" => ConfigType::List,
            "CLASS" => ConfigType::Class,
            "PASSWORD" => ConfigType::Password,
            _ => ConfigType::String,
        };
        let importance = match self.importance.as_str() {
            "HIGH" => Importance::High,
            "MEDIUM" => Importance::Medium,
            _ => Importance::Low,
        };
        let width = match self.width.as_deref() {
            Some("SHORT") => Width::Short,
            Some("MEDIUM") => Width::Medium,
            Some("LONG") => Width::Long,
            _ => Width::None,
        };
        let mut key = ConfigKey::new(self.name.clone(), config_type)
            .importance(importance)
            .doc(self.documentation);
        if !self.required {
            key = match self.default.as_deref().map(|text| key.parse_value(text)) {
                Some(Ok(value)) => key.default(value),
                _ => key.default_null(),
            };
        }
        if let Some(group) = self.group {
            let display_name = self.display_name.unwrap_or(self.name);
            key = key.group(group, self.order.unwrap_or(-1), width, display_name);
        }
        key
    }
}

/// Reads a file of `definitions/`; each is read once, and a test reads them all.
fn read(text: &str) -> ConfigDef {
    let definitions: Vec<Definition> =
        serde_json::from_str(text).expect("the files in definitions/ are part of the program");
    definitions
        .into_iter()
        .map(Definition::into_key)
        .fold(ConfigDef::new(), |def, key| match validator(key.name()) {
            Some(validator) => def.define(key.validator(validator)),
            None => def.define(key),
        })
}

/// What is checked of a framework key.
fn validator(key: &str) -> Option<Validator> {
    Some(match key {
        "name" => Validator::custom("non-empty string without ISO control characters", |value| {
            check_name(value)
        }),
        "tasks.max" => Validator::at_least(1),
        "config.action.reload" => Validator::ValidString(&["none", "restart"]),
        "errors.tolerance" => Validator::ValidString(&["none", "all"]),
        "transforms" => unique_aliases("non-null string, unique transformation aliases"),
        "predicates" => unique_aliases("non-null string, unique predicate aliases"),
        "topic.creation.groups" => unique_aliases("non-null string, unique topic creation groups"),
        "topics" => Validator::ListWithoutDuplicates { allow_empty: true },
        "topics.regex" => Validator::custom("valid regex", |value| match value {
            Some(ConfigData::String(pattern)) => compile(pattern)
                .map(|_| ())
                .map_err(|why| format!("Invalid regex: {why}")),
            _ => Ok(()),
        }),
        "exactly.once.support" => Validator::CaseInsensitiveValidString(&["REQUIRED", "REQUESTED"]),
        "transaction.boundary" => {
            Validator::CaseInsensitiveValidString(&["INTERVAL", "POLL", "CONNECTOR"])
        }
        "transaction.boundary.interval.ms" => nullable(Validator::at_least(0)),
        "offsets.storage.topic" => Validator::NonEmptyString,
        _ => return None,
    })
}

fn nullable(validator: Validator) -> Validator {
    Validator::Custom(CustomValidator {
        description: "[0,...]",
        check: Arc::new(move |name, value| match value {
            Some(_) => validator.ensure_valid(name, value),
            None => Ok(()),
        }),
    })
}

fn unique_aliases(description: &'static str) -> Validator {
    Validator::custom(description, |value| {
        let Some(ConfigData::List(aliases)) = value else {
            return Ok(());
        };
        let mut seen = HashSet::new();
        if aliases.iter().all(|alias| seen.insert(alias)) {
            Ok(())
        } else {
            Err("Duplicate alias provided.".to_string())
        }
    })
}

fn check_name(value: Option<&ConfigData>) -> Result<(), String> {
    let Some(ConfigData::String(name)) = value else {
        return Ok(());
    };
    if name.is_empty() {
        return Err("String may not be empty".to_string());
    }
    let control_characters: Vec<String> = name
        .chars()
        .filter(|c| c.is_control())
        .map(|c| u32::from(c).to_string())
        .collect();
    if control_characters.is_empty() {
        return Ok(());
    }
    Err(format!(
        "String may not contain control sequences but had the following ASCII chars: {}",
        control_characters.join(", ")
    ))
}

/// The settings of all connectors.
pub(super) fn connector_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> =
        LazyLock::new(|| read(include_str!("definitions/connector.json")));
    &DEF
}

/// The settings that connectors of one direction have besides.
pub(super) fn connector_type_def(connector_type: ConnectorType) -> &'static ConfigDef {
    static SINK: LazyLock<ConfigDef> =
        LazyLock::new(|| read(include_str!("definitions/sink.json")));
    static SOURCE: LazyLock<ConfigDef> =
        LazyLock::new(|| read(include_str!("definitions/source.json")));
    match connector_type {
        ConnectorType::Sink => &SINK,
        ConnectorType::Source => &SOURCE,
    }
}

/// The Kafka clients whose settings connectors may override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientType {
    Producer,
    Consumer,
    Admin,
}

impl ClientType {
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Producer => "producer.override.",
            Self::Consumer => "consumer.override.",
            Self::Admin => "admin.override.",
        }
    }

    /// The settings of the client. The files are large, so they are read when somebody overrides.
    pub fn def(self) -> &'static ConfigDef {
        static PRODUCER: LazyLock<ConfigDef> =
            LazyLock::new(|| read(include_str!("definitions/producer_client.json")));
        static CONSUMER: LazyLock<ConfigDef> =
            LazyLock::new(|| read(include_str!("definitions/consumer_client.json")));
        static ADMIN: LazyLock<ConfigDef> =
            LazyLock::new(|| read(include_str!("definitions/admin_client.json")));
        match self {
            Self::Producer => &PRODUCER,
            Self::Consumer => &CONSUMER,
            Self::Admin => &ADMIN,
        }
    }
}
