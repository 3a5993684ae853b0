//! The settings, in the words of Confluent's plugin.

use crate::generator::Generator;
use crate::quickstart::Quickstart;
use crate::schema::parse_schema;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, ParsedConfig};
use connect_api::{ConnectError, Result, Topic};
use std::sync::LazyLock;
use std::time::Duration;

const KAFKA_TOPIC_CONFIG: &str = "kafka.topic";
const MAX_INTERVAL_CONFIG: &str = "max.interval";
const ITERATIONS_CONFIG: &str = "iterations";
pub(crate) const SCHEMA_STRING_CONFIG: &str = "schema.string";
pub(crate) const SCHEMA_FILENAME_CONFIG: &str = "schema.filename";
pub(crate) const SCHEMA_KEYFIELD_CONFIG: &str = "schema.keyfield";
pub(crate) const QUICKSTART_CONFIG: &str = "quickstart";
const RANDOM_SEED_CONFIG: &str = "random.seed";

/// The settings of which exactly one must be given.
pub(crate) const SCHEMA_SOURCES: [&str; 3] = [
    SCHEMA_STRING_CONFIG,
    SCHEMA_FILENAME_CONFIG,
    QUICKSTART_CONFIG,
];

static CONFIG: LazyLock<ConfigDef> =
    LazyLock::new(|| {
        let high = |key: ConfigKey, doc: &str| key.importance(Importance::High).doc(doc);
        let text =
            |name: &str, doc: &str| high(ConfigKey::new(name, ConfigType::String).default(""), doc);
        ConfigDef::new()
        .define(high(
            ConfigKey::new(KAFKA_TOPIC_CONFIG, ConfigType::String),
            "Topic to write to",
        ))
        .define(high(
            ConfigKey::new(MAX_INTERVAL_CONFIG, ConfigType::Long).default(500),
            "Max interval between messages (ms)",
        ))
        .define(high(
            ConfigKey::new(ITERATIONS_CONFIG, ConfigType::Int).default(-1),
            "Number of messages to send from each task, or less than 1 for unlimited",
        ))
        .define(text(SCHEMA_STRING_CONFIG, "The literal JSON-encoded Avro schema to use"))
        .define(text(SCHEMA_FILENAME_CONFIG, "Filename of schema to use"))
        .define(text(SCHEMA_KEYFIELD_CONFIG, "Name of field to use as the message key"))
        .define(text(QUICKSTART_CONFIG, "Name of quickstart to use"))
        .define(
            ConfigKey::new(RANDOM_SEED_CONFIG, ConfigType::Long)
                .default_null()
                .importance(Importance::Low)
                .doc(
                    "Numeric seed for generating random data. Two connectors started with the same \
                     seed will deterministically produce the same data. Each task will generate \
                     different data than the other tasks in the same connector.",
                ),
        )
    });

pub(crate) fn config_def() -> &'static ConfigDef {
    &CONFIG
}

/// Where the schema comes from.
#[derive(Clone, Debug)]
enum SchemaSource {
    Literal(String),
    File(String),
    Quickstart(&'static Quickstart),
}

/// A fault of one setting.
pub(crate) type Fault = (&'static str, String);

/// What a task needs to know.
#[derive(Clone, Debug)]
pub(crate) struct DatagenConfig {
    pub(crate) topic: Topic,
    pub(crate) max_interval: Duration,
    /// `None` is unlimited.
    pub(crate) iterations: Option<i64>,
    pub(crate) random_seed: Option<i64>,
    key_field: String,
    source: SchemaSource,
}

/// A generator and the index of the field that becomes the key.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) generator: Generator,
    pub(crate) key_index: Option<usize>,
}

impl DatagenConfig {
    pub(crate) fn parse(config: &ConfigMap) -> Result<Self> {
        let parsed = CONFIG.parse(config)?;
        let source = SchemaSource::of(&parsed).map_err(|faults| {
            let mut messages: Vec<String> =
                faults.into_iter().map(|(_, message)| message).collect();
            messages.dedup();
            ConnectError::config(messages.join("\n"))
        })?;
        let key_field = match (parsed.string(SCHEMA_KEYFIELD_CONFIG)?, &source) {
            ("", SchemaSource::Quickstart(quickstart)) => quickstart.key_field,
            (key_field, _) => key_field,
        };
        let max_interval_ms = parsed.long(MAX_INTERVAL_CONFIG)?;
        let random_seed = match parsed.get(RANDOM_SEED_CONFIG) {
            Some(_) => Some(parsed.long(RANDOM_SEED_CONFIG)?),
            None => None,
        };
        Ok(Self {
            topic: parsed.string(KAFKA_TOPIC_CONFIG)?.into(),
            max_interval: Duration::from_millis(max_interval_ms.max(0).unsigned_abs()),
            iterations: Some(parsed.long(ITERATIONS_CONFIG)?).filter(|number| *number > 0),
            random_seed,
            key_field: key_field.to_string(),
            source,
        })
    }

    /// The faults of the settings that say where the schema comes from.
    pub(crate) fn schema_source_faults(config: &ConfigMap) -> Vec<Fault> {
        // Faults of single settings are found by the ConfigDef.
        match CONFIG.parse(config) {
            Ok(parsed) => SchemaSource::of(&parsed).err().unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Reads and parses the schema; iterations begin with value number `generation`. It reads a file:
    /// call it off the async threads.
    pub(crate) fn records(&self, generation: i64) -> Result<Records, Fault> {
        let (setting, text) = match &self.source {
            SchemaSource::Literal(text) => (SCHEMA_STRING_CONFIG, text.clone()),
            SchemaSource::Quickstart(quickstart) => {
                (QUICKSTART_CONFIG, quickstart.schema.to_string())
            }
            SchemaSource::File(file) => (SCHEMA_FILENAME_CONFIG, read_schema(file)?),
        };
        let generator = parse_schema(&text, generation).map_err(|why| {
            (
                setting,
                format!("Unable to parse the provided schema: {why}"),
            )
        })?;
        if self.key_field.is_empty() {
            return Ok(Records {
                generator,
                key_index: None,
            });
        }
        match generator
            .schema
            .field(&self.key_field)
            .map(|field| field.index)
        {
            Some(key_index) => Ok(Records {
                generator,
                key_index: Some(key_index),
            }),
            None => Err((
                SCHEMA_KEYFIELD_CONFIG,
                format!(
                    "The schema does not contain the field provided in 'schema.keyfield': '{}'",
                    self.key_field
                ),
            )),
        }
    }
}

fn read_schema(file: &str) -> Result<String, Fault> {
    /// No schema is as long; anything else is a mistake.
    const MAX_NUM_BYTES: u64 = 4 * 1024 * 1024;
    let fault = |why: String| (SCHEMA_FILENAME_CONFIG, why);
    let too_long = std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > MAX_NUM_BYTES);
    if too_long {
        return Err(fault(format!(
            "Unable to parse the provided schema: file '{file}' has more than {MAX_NUM_BYTES} bytes"
        )));
    }
    match (std::fs::read_to_string(file), Quickstart::by_file(file)) {
        (Ok(text), _) => Ok(text),
        (Err(_), Some(quickstart)) => Ok(quickstart.schema.to_string()),
        (Err(error), None) => Err(fault(format!(
            "Unable to find the schema file '{file}': {error}"
        ))),
    }
}

impl SchemaSource {
    fn of(parsed: &ParsedConfig) -> Result<Self, Vec<Fault>> {
        let given = SCHEMA_SOURCES.map(|name| {
            (
                name,
                parsed.opt_string(name).ok().flatten().unwrap_or_default(),
            )
        });
        let mut set = given.iter().filter(|(_, value)| !value.is_empty());
        let (source, None) = (set.next(), set.next()) else {
            return Err(not_exactly_one(
                given.iter().filter(|(_, value)| !value.is_empty()),
            ));
        };
        match source {
            None => Err(not_exactly_one(given.iter())),
            Some((SCHEMA_STRING_CONFIG, text)) => Ok(Self::Literal((*text).to_string())),
            Some((SCHEMA_FILENAME_CONFIG, file)) => Ok(Self::File((*file).to_string())),
            Some((_, name)) => Quickstart::by_name(name)
                .map(Self::Quickstart)
                .ok_or_else(|| {
                    let names = Quickstart::names();
                    let message =
                        format!("quickstart must be one out of {names}, but it is '{name}'");
                    vec![(QUICKSTART_CONFIG, message)]
                }),
        }
    }
}

fn not_exactly_one<'a>(settings: impl Iterator<Item = &'a (&'static str, &'a str)>) -> Vec<Fault> {
    let message = format!("Must set exactly one of {}", SCHEMA_SOURCES.join(", "));
    settings.map(|(name, _)| (*name, message.clone())).collect()
}
