//! The settings of the converter, checked.

use super::config::*;
use super::frame::{SchemaId, encode_frame};
use super::subject::{Fallback, SubjectNameStrategy};
use connect_api::config::ParsedConfig;
use connect_api::{ConnectError, ConverterType, Result};
use connect_registry::config::{LATEST_CACHE_TTL_SEC, MAX_SCHEMAS_PER_SUBJECT};
use connect_registry::{Guid, SchemaType};
use std::time::Duration;

/// Which schema is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SchemaChoice {
    /// The data's own, registered.
    Register,
    /// That of an id.
    Id(i32),
    /// That of a GUID.
    Guid(Guid),
    /// The latest version with these properties.
    LatestWithMetadata(Vec<(String, String)>),
    /// The latest version.
    Latest,
    /// The data's own, which must be registered.
    LookUp,
}

/// Where frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameWriting {
    /// The id before the data.
    Prefix,
    /// The GUID in a header of the record.
    Header,
}

/// Where frames are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FrameReading {
    /// In a header of the record if there is one, else before the data.
    Dual,
    /// Before the data.
    Prefix,
    /// Nowhere: this frame is that of all data.
    Config(Box<[u8]>),
}

/// The settings.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) is_key: bool,
    pub(super) choice: SchemaChoice,
    /// What data is read as, beside the schema that it was written with.
    pub(super) read_as: Option<SchemaChoice>,
    pub(super) normalize: bool,
    pub(super) id_compatibility_strict: bool,
    pub(super) latest_compatibility_strict: bool,
    pub(super) latest_ttl: Option<Duration>,
    pub(super) subject_name_strategy: SubjectNameStrategy,
    pub(super) kafka_cluster_id: Option<String>,
    pub(super) writing: FrameWriting,
    pub(super) reading: FrameReading,
    /// How many readers and how many writers are kept.
    pub(super) max_plans: usize,
}

fn text<'a>(parsed: &'a ParsedConfig, name: &str) -> Result<Option<&'a str>> {
    Ok(parsed.opt_string(name)?.filter(|text| !text.is_empty()))
}

fn invalid(name: &str, value: &str, why: &str) -> ConnectError {
    ConnectError::config(format!(
        "Invalid value {value} for configuration {name}: {why}"
    ))
}

/// The class name without its package.
fn simple_name(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

impl Settings {
    pub(super) fn new(
        parsed: &ParsedConfig,
        converter_type: ConverterType,
        schema_type: SchemaType,
    ) -> Result<Self> {
        let is_key = converter_type == ConverterType::Key;
        let of_side = |key, value| if is_key { key } else { value };
        refuse_java(parsed)?;
        let metadata = match text(parsed, USE_LATEST_WITH_METADATA)? {
            Some(text) => Some(SchemaChoice::LatestWithMetadata(properties(text)?)),
            None => None,
        };
        let latest = parsed
            .boolean(USE_LATEST_VERSION)?
            .then_some(SchemaChoice::Latest);
        let read_as = metadata.or(latest);
        let id = i32::try_from(parsed.long(USE_SCHEMA_ID)?)
            .ok()
            .filter(|id| *id >= 0);
        let guid = match text(parsed, USE_SCHEMA_GUID)? {
            Some(text) => Some(
                Guid::parse(text).ok_or_else(|| invalid(USE_SCHEMA_GUID, text, "it is no GUID"))?,
            ),
            None => None,
        };
        let choice = if parsed.boolean(AUTO_REGISTER_SCHEMAS)? {
            SchemaChoice::Register
        } else if let Some(id) = id {
            SchemaChoice::Id(id)
        } else if let Some(guid) = guid {
            SchemaChoice::Guid(guid)
        } else {
            read_as.clone().unwrap_or(SchemaChoice::LookUp)
        };
        let strategy = of_side(KEY_SUBJECT_NAME_STRATEGY, VALUE_SUBJECT_NAME_STRATEGY);
        let serializer = of_side(KEY_SCHEMA_ID_SERIALIZER, VALUE_SCHEMA_ID_SERIALIZER);
        let deserializer = of_side(KEY_SCHEMA_ID_DESERIALIZER, VALUE_SCHEMA_ID_DESERIALIZER);
        Ok(Self {
            is_key,
            choice,
            read_as,
            normalize: parsed.boolean(NORMALIZE_SCHEMAS)?,
            id_compatibility_strict: parsed.boolean(ID_COMPATIBILITY_STRICT)?,
            latest_compatibility_strict: parsed.boolean(LATEST_COMPATIBILITY_STRICT)?,
            latest_ttl: u64::try_from(parsed.long(LATEST_CACHE_TTL_SEC)?)
                .ok()
                .map(Duration::from_secs),
            subject_name_strategy: subject_name_strategy(parsed, strategy)?,
            kafka_cluster_id: text(parsed, KAFKA_CLUSTER_ID)?.map(str::to_string),
            writing: match simple_name(parsed.string(serializer)?) {
                "PrefixSchemaIdSerializer" => FrameWriting::Prefix,
                "HeaderSchemaIdSerializer" => FrameWriting::Header,
                other => {
                    let why = "it must be PrefixSchemaIdSerializer or HeaderSchemaIdSerializer";
                    return Err(invalid(serializer, other, why));
                }
            },
            reading: match simple_name(parsed.string(deserializer)?) {
                "DualSchemaIdDeserializer" => FrameReading::Dual,
                "PrefixSchemaIdDeserializer" => FrameReading::Prefix,
                "ConfigSchemaIdDeserializer" => FrameReading::Config(
                    configured_frame(parsed, id, guid, schema_type)?.into_boxed_slice(),
                ),
                other => {
                    let why = "it must be DualSchemaIdDeserializer, PrefixSchemaIdDeserializer or \
                               ConfigSchemaIdDeserializer";
                    return Err(invalid(deserializer, other, why));
                }
            },
            max_plans: usize::try_from(parsed.long(MAX_SCHEMAS_PER_SUBJECT)?)
                .unwrap_or(1)
                .max(1),
        })
    }
}

fn refuse_java(parsed: &ParsedConfig) -> Result<()> {
    for name in [RULE_EXECUTORS, RULE_ACTIONS] {
        let classes = parsed.list(name)?;
        if !classes.is_empty() {
            let why =
                "rules of data contracts are Java classes, which cannot run here; leave it out";
            return Err(invalid(name, &classes.join(","), why));
        }
    }
    if parsed.boolean(SCHEMA_BACKUP_ENABLED)? {
        let why = "the backup envelope is not supported; leave it out";
        return Err(invalid(SCHEMA_BACKUP_ENABLED, "true", why));
    }
    Ok(())
}

fn subject_name_strategy(parsed: &ParsedConfig, name: &str) -> Result<SubjectNameStrategy> {
    let class = parsed.string(name)?;
    Ok(match simple_name(class) {
        "TopicNameStrategy" => SubjectNameStrategy::Topic,
        "RecordNameStrategy" => SubjectNameStrategy::Record,
        "TopicRecordNameStrategy" => SubjectNameStrategy::TopicRecord,
        "AssociatedNameStrategy" => {
            let fallback = parsed.string(FALLBACK_TYPE)?;
            SubjectNameStrategy::Associated(match fallback.to_ascii_uppercase().as_str() {
                "TOPIC" => Fallback::Topic,
                "RECORD" => Fallback::Record,
                "TOPIC_RECORD" => Fallback::TopicRecord,
                "NONE" => Fallback::None,
                _ => {
                    let why = "it must be TOPIC, RECORD, TOPIC_RECORD or NONE";
                    return Err(invalid(FALLBACK_TYPE, fallback, why));
                }
            })
        }
        _ => {
            let why = "it must be TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy or \
                       AssociatedNameStrategy of io.confluent.kafka.serializers.subject";
            return Err(invalid(name, class, why));
        }
    })
}

/// `key1=value1,key2=value2`
fn properties(text: &str) -> Result<Vec<(String, String)>> {
    text.split(',')
        .map(|property| {
            let (key, value) = property.split_once('=').ok_or_else(|| {
                let why = "it must be key=value, several with commas between";
                invalid(USE_LATEST_WITH_METADATA, text, why)
            })?;
            Ok((key.trim().to_string(), value.trim().to_string()))
        })
        .collect()
}

/// The frame of all data, for `ConfigSchemaIdDeserializer`.
fn configured_frame(
    parsed: &ParsedConfig,
    id: Option<i32>,
    guid: Option<Guid>,
    schema_type: SchemaType,
) -> Result<Vec<u8>> {
    let schema_id = match (id, guid) {
        (Some(id), _) => SchemaId::Id(id),
        (None, Some(guid)) => SchemaId::Guid(guid),
        (None, None) => {
            return Err(ConnectError::config(format!(
                "ConfigSchemaIdDeserializer needs {USE_SCHEMA_ID} or {USE_SCHEMA_GUID}"
            )));
        }
    };
    let indexes: Vec<i32> = match text(parsed, USE_MESSAGE_INDEXES)? {
        Some(text) => text
            .split(',')
            .map(|index| index.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| invalid(USE_MESSAGE_INDEXES, text, "it must be numbers with commas"))?,
        None => vec![0],
    };
    let indexes = (schema_type == SchemaType::Protobuf).then_some(&indexes[..]);
    Ok(encode_frame(schema_id, indexes))
}

#[cfg(test)]
mod tests {
    use super::super::registry_config_def;
    use super::*;
    use connect_api::config::ConfigMap;

    fn settings(entries: &[(&str, &str)]) -> Result<Settings> {
        let mut config = ConfigMap::from_iter([("schema.registry.url", "mock://settings")]);
        config.extend(&ConfigMap::from_iter(entries.iter().copied()));
        let parsed = registry_config_def().parse(&config)?;
        Settings::new(&parsed, ConverterType::Value, SchemaType::Protobuf)
    }

    #[test]
    fn the_first_choice_that_is_set_counts() {
        const GUID: &str = "00000000-0000-0000-0000-00000000002a";
        let metadata = SchemaChoice::LatestWithMetadata(vec![
            ("app".to_string(), "a=b".to_string()),
            ("v".to_string(), "2".to_string()),
        ]);
        let all = [
            ("auto.register.schemas", "true", SchemaChoice::Register),
            ("use.schema.id", "7", SchemaChoice::Id(7)),
            ("use.schema.guid", GUID, SchemaChoice::Guid(Guid(42))),
            ("use.latest.with.metadata", "app=a=b, v=2", metadata),
            ("use.latest.version", "true", SchemaChoice::Latest),
        ];
        for first in 0..=all.len() {
            let mut entries = vec![("auto.register.schemas", "false")];
            entries.extend(all[first..].iter().map(|(name, value, _)| (*name, *value)));
            let expected = all
                .get(first)
                .map_or(&SchemaChoice::LookUp, |(_, _, choice)| choice);
            assert_eq!(settings(&entries).unwrap().choice, *expected, "{entries:?}");
        }
        assert_eq!(settings(&[]).unwrap().choice, SchemaChoice::Register);
    }

    #[test]
    fn names_of_classes_are_known_with_and_without_their_package() {
        let strategy = |class: &str| {
            settings(&[("value.subject.name.strategy", class)])
                .map(|settings| settings.subject_name_strategy)
        };
        let package = "io.confluent.kafka.serializers.subject";
        assert_eq!(
            strategy(&format!("{package}.TopicRecordNameStrategy")).unwrap(),
            SubjectNameStrategy::TopicRecord
        );
        assert_eq!(
            settings(&[]).unwrap().subject_name_strategy,
            SubjectNameStrategy::Associated(Fallback::Topic)
        );
        assert!(
            strategy("com.example.MyStrategy")
                .unwrap_err()
                .to_string()
                .starts_with(
                    "Invalid value com.example.MyStrategy for configuration \
                     value.subject.name.strategy: it must be TopicNameStrategy"
                )
        );
    }

    #[test]
    fn data_without_frames_has_the_configured_one() {
        const CONFIG: (&str, &str) = ("value.schema.id.deserializer", "ConfigSchemaIdDeserializer");
        let reading = |entries: &[(&str, &str)]| settings(entries).map(|settings| settings.reading);
        assert_eq!(
            reading(&[
                CONFIG,
                ("use.schema.id", "9"),
                ("use.message.indexes", "1, 0")
            ])
            .unwrap(),
            FrameReading::Config(Box::from([0, 0, 0, 0, 9, 4, 2, 0]))
        );
        assert_eq!(
            reading(&[CONFIG]).unwrap_err().to_string(),
            "ConfigSchemaIdDeserializer needs use.schema.id or use.schema.guid"
        );
    }

    #[test]
    fn what_only_java_can_do_is_refused() {
        for (name, value) in [
            ("rule.executors", "encrypt"),
            ("rule.actions", "dlq"),
            ("schema.backup.enabled", "true"),
            ("value.schema.id.serializer", "com.example.Mine"),
            ("value.schema.id.deserializer", "com.example.Mine"),
            ("use.schema.guid", "not-one"),
            ("use.latest.with.metadata", "no equals sign"),
            ("subject.name.strategy.fallback.type", "SOMETIMES"),
        ] {
            let error = settings(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind(), connect_api::ErrorKind::Config);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
