//! Errors in the words of Confluent's converters and serializers.

use super::frame::{Frame, SchemaId};
use super::malformed;
use connect_api::{ConnectError, ErrorKind};
use connect_registry::{RegistryError, RegistryErrorKind, Rule, SchemaType};

const TIMEOUT_EXCEPTION: &str = "org.apache.kafka.common.errors.TimeoutException";
const NETWORK_EXCEPTION: &str = "org.apache.kafka.common.errors.NetworkException";
const CONNECT_EXCEPTION: &str = "java.net.ConnectException";

/// How much of a schema an error shows.
const MAX_SCHEMA_NUM_CHARS: usize = 2_000;

/// The name of the format in messages.
fn name(schema_type: SchemaType) -> &'static str {
    match schema_type {
        SchemaType::Avro => "Avro",
        SchemaType::Protobuf => "Protobuf",
        SchemaType::Json => "JSON",
    }
}

/// The error of `toConnectData` for an error of the deserializer. What is neither of serialization nor
/// a timeout passes as it is.
#[cold]
pub(super) fn while_deserializing(
    schema_type: SchemaType,
    topic: &str,
    error: ConnectError,
) -> ConnectError {
    let (failed, of_network) = match schema_type {
        SchemaType::Json => (
            format!(
                "Converting byte[] to Kafka Connect data failed due to serialization error of topic \
                 {topic}:"
            ),
            "Network connection error while deserializing data for topic",
        ),
        _ => (
            format!(
                "Failed to deserialize data for topic {topic} to {}:",
                name(schema_type)
            ),
            "Network connection error while deserializing data for topic",
        ),
    };
    wrap(
        schema_type,
        topic,
        error,
        Wrapping {
            retriable: format!("{failed} "),
            data: match schema_type {
                SchemaType::Json => format!("{failed} "),
                _ => failed,
            },
            of_network,
        },
    )
}

/// The error of `fromConnectData` for an error of the serializer, likewise.
#[cold]
pub(super) fn while_serializing(
    schema_type: SchemaType,
    topic: &str,
    error: ConnectError,
) -> ConnectError {
    let wrapping = match schema_type {
        SchemaType::Json => {
            let failed = format!(
                "Converting Kafka Connect data to byte[] failed due to serialization error of topic \
                 {topic}: "
            );
            Wrapping {
                retriable: failed.clone(),
                data: failed,
                of_network: "Network connection error while serializing Json data for topic",
            }
        }
        SchemaType::Avro | SchemaType::Protobuf => {
            let failed = format!(
                "Failed to serialize {} data from topic {topic}",
                name(schema_type)
            );
            Wrapping {
                retriable: format!("{failed} :"),
                data: format!("{failed}:"),
                of_network: match schema_type {
                    SchemaType::Avro => {
                        "Network connection error while serializing Avro data for topic"
                    }
                    _ => "Network connection error while serializing Protobuf data for topic",
                },
            }
        }
    };
    wrap(schema_type, topic, error, wrapping)
}

struct Wrapping {
    retriable: String,
    data: String,
    of_network: &'static str,
}

fn wrap(
    schema_type: SchemaType,
    topic: &str,
    error: ConnectError,
    wrapping: Wrapping,
) -> ConnectError {
    if error.kind() == ErrorKind::Config {
        let format = match schema_type {
            SchemaType::Json => "JSON Schema",
            other => name(other),
        };
        return ConnectError::config(format!(
            "Failed to access {format} data from topic {topic} : {}",
            error.message()
        ));
    }
    match error.class() {
        TIMEOUT_EXCEPTION => ConnectError::retriable(wrapping.retriable).with_cause(error),
        crate::SERIALIZATION_EXCEPTION => match error.cause() {
            Some(cause) if cause.class() == CONNECT_EXCEPTION => {
                let message = format!("{} {topic}: {}", wrapping.of_network, cause.message());
                ConnectError::retriable(message)
                    .with_class(NETWORK_EXCEPTION)
                    .with_cause(error)
            }
            _ => ConnectError::data(wrapping.data).with_cause(error),
        },
        _ => error,
    }
}

/// `SchemaId.toString()`.
fn schema_id_text(schema_type: SchemaType, frame: &Frame) -> String {
    let (id, guid) = match frame.schema_id {
        SchemaId::Id(id) => (id.to_string(), "null".to_string()),
        SchemaId::Guid(guid) => ("null".to_string(), guid.to_string()),
    };
    let indexes = match schema_type {
        SchemaType::Protobuf => format!("{:?}", frame.message_indexes),
        _ => "null".to_string(),
    };
    format!(
        "SchemaId{{schemaType='{schema_type}', id={id}, guid='{guid}', messageIndexes={indexes}}}"
    )
}

/// What of a schema was asked for when a deserializer failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lookup {
    /// The schema.
    Schema,
    /// Its version under its subject.
    Version,
}

/// The deserializer's error for one of the registry.
#[cold]
pub(super) fn lookup_failed(
    schema_type: SchemaType,
    is_key: bool,
    frame: &Frame,
    lookup: Lookup,
    error: &RegistryError,
) -> ConnectError {
    let id = schema_id_text(schema_type, frame);
    let answered = matches!(error.kind(), RegistryErrorKind::Status { .. });
    let message = match (schema_type, answered, lookup) {
        (SchemaType::Avro, _, lookup) => {
            let side = if is_key { "key" } else { "value" };
            let what = match lookup {
                Lookup::Schema => "schema",
                Lookup::Version => "schema version",
            };
            format!("Error retrieving Avro {side} {what} for id {id}")
        }
        (_, true, _) => format!("Error retrieving {} schema for id {id}", name(schema_type)),
        (_, false, _) => not_deserialized_text(schema_type, &id),
    };
    error.to_kafka_error(message)
}

fn not_deserialized_text(schema_type: SchemaType, id: &str) -> String {
    format!(
        "Error deserializing {} message for id {id}",
        name(schema_type)
    )
}

/// The deserializer's error for bytes that do not fit their schema, or for a schema that cannot be
/// used. Only errors of serialization are wrapped.
#[cold]
pub(super) fn not_deserialized(
    schema_type: SchemaType,
    frame: &Frame,
    error: ConnectError,
) -> ConnectError {
    if error.class() != crate::SERIALIZATION_EXCEPTION {
        return error;
    }
    malformed(not_deserialized_text(
        schema_type,
        &schema_id_text(schema_type, frame),
    ))
    .with_cause(error)
}

/// The serializer's error for values that do not fit their schema. Only errors of serialization are
/// wrapped.
#[cold]
pub(super) fn not_serialized(schema_type: SchemaType, error: ConnectError) -> ConnectError {
    if error.class() != crate::SERIALIZATION_EXCEPTION {
        return error;
    }
    malformed(not_serialized_text(schema_type)).with_cause(error)
}

fn not_serialized_text(schema_type: SchemaType) -> String {
    format!("Error serializing {} message", name(schema_type))
}

/// What a serializer did when the registry failed.
#[derive(Clone, Debug)]
pub(super) enum Asking<'a> {
    Registering,
    LookingUp,
    RetrievingId,
    RetrievingGuid,
    RetrievingLatest,
    RetrievingLatestWithMetadata(&'a [(String, String)]),
}

/// The serializer's error for one of the registry.
#[cold]
pub(super) fn asking_failed(
    schema_type: SchemaType,
    asking: &Asking<'_>,
    schema: &str,
    error: &RegistryError,
) -> ConnectError {
    let format = name(schema_type);
    if !matches!(error.kind(), RegistryErrorKind::Status { .. }) {
        return error.to_kafka_error(not_serialized_text(schema_type));
    }
    let is_avro = schema_type == SchemaType::Avro;
    let colon = if is_avro { "" } else { ": " };
    let what = match asking {
        Asking::Registering => format!("Error registering {format} schema{colon}"),
        Asking::LookingUp => format!("Error retrieving {format} schema{colon}"),
        Asking::RetrievingId => "Error retrieving schema ID".to_string(),
        Asking::RetrievingGuid => "Error retrieving schema GUID".to_string(),
        Asking::RetrievingLatest if is_avro => {
            "Error retrieving latest version of Avro schema".to_string()
        }
        Asking::RetrievingLatest => "Error retrieving latest version: ".to_string(),
        Asking::RetrievingLatestWithMetadata(properties) => {
            let properties: Vec<String> = properties
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!(
                "Error retrieving latest with metadata '{{{}}}'",
                properties.join(", ")
            )
        }
    };
    let mut message = what;
    message.extend(schema.chars().take(MAX_SCHEMA_NUM_CHARS));
    if schema.chars().nth(MAX_SCHEMA_NUM_CHARS).is_some() {
        message.push_str("...");
    }
    error.to_kafka_error(message)
}

/// The error of data whose schema has a rule that nothing here can carry out; encrypting is one.
#[cold]
pub(super) fn no_rule_executor(rule: &Rule) -> ConnectError {
    malformed(format!("Rule failed: {}", rule.name)).with_cause(
        ConnectError::data(format!(
            "Could not find rule executor of type {}. Rules of data contracts are Java classes, which \
             cannot run here: disable the rule in the registry, or use another subject",
            rule.rule_type
        ))
        .with_class("io.confluent.kafka.schemaregistry.rules.RuleException"),
    )
}

/// The error of a schema that another one cannot stand for.
#[cold]
pub(super) fn incompatible(
    schema_type: SchemaType,
    setting: &str,
    reasons: &[String],
) -> ConnectError {
    let see_log = match setting {
        super::config::LATEST_COMPATIBILITY_STRICT => ". See log file for more details.",
        _ => "",
    };
    let message = format!(
        "Incompatible schema of type '{schema_type}'. Set {setting}=false to disable this check{see_log}"
    );
    tracing::error!(reasons = reasons.join(","), "{message}");
    malformed(not_serialized_text(schema_type))
        .with_cause(ConnectError::data(message).with_class("java.io.IOException"))
}
