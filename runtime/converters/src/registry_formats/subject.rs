//! Under which subject a schema stands.

use super::malformed;
use super::settings::Settings;
use connect_api::Result;
use connect_registry::{RegistryClient, RegistryError};

/// How the subject is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectNameStrategy {
    /// `TOPIC-key` or `TOPIC-value`.
    Topic,
    /// The name of the record.
    Record,
    /// `TOPIC-NAME`
    TopicRecord,
    /// What the registry associates with the topic.
    Associated(Fallback),
}

/// What counts without an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    Topic,
    Record,
    TopicRecord,
    /// Nothing: it is an error.
    None,
}

/// Why there is no subject.
pub(super) enum NoSubject {
    /// The registry could not be asked.
    Registry(RegistryError),
    /// The strategy has none for this schema.
    Strategy(connect_api::ConnectError),
}

impl SubjectNameStrategy {
    /// Whether the name of the record may be asked for.
    pub(super) fn uses_schema(self) -> bool {
        matches!(
            self,
            Self::Record
                | Self::TopicRecord
                | Self::Associated(Fallback::Record | Fallback::TopicRecord)
        )
    }

    fn class(self) -> &'static str {
        match self {
            Self::Topic => "io.confluent.kafka.serializers.subject.TopicNameStrategy",
            Self::Record | Self::Associated(Fallback::Record) => {
                "io.confluent.kafka.serializers.subject.RecordNameStrategy"
            }
            Self::TopicRecord | Self::Associated(Fallback::TopicRecord) => {
                "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy"
            }
            Self::Associated(_) => super::config::ASSOCIATED_NAME_STRATEGY,
        }
    }
}

/// The subject of the schema whose record has this name.
pub(super) async fn subject_name(
    client: &RegistryClient,
    settings: &Settings,
    topic: &str,
    record_name: Option<&str>,
) -> Result<String, NoSubject> {
    let strategy = settings.subject_name_strategy;
    let SubjectNameStrategy::Associated(fallback) = strategy else {
        return without_registry(settings, strategy, topic, record_name);
    };
    let associated = client
        .associated_subjects(settings.kafka_cluster_id.as_deref(), topic, settings.is_key)
        .await
        .map_err(NoSubject::Registry)?;
    match (&associated[..], fallback) {
        ([subject], _) => Ok(subject.clone()),
        ([], Fallback::None) => Err(NoSubject::Strategy(malformed(format!(
            "No associated subject found for topic {topic}"
        )))),
        ([], _) => without_registry(settings, strategy, topic, record_name),
        _ => Err(NoSubject::Strategy(malformed(format!(
            "Multiple associated subjects found for topic {topic}"
        )))),
    }
}

fn without_registry(
    settings: &Settings,
    strategy: SubjectNameStrategy,
    topic: &str,
    record_name: Option<&str>,
) -> Result<String, NoSubject> {
    let side = if settings.is_key { "key" } else { "value" };
    if !strategy.uses_schema() {
        return Ok(format!("{topic}-{side}"));
    }
    let Some(name) = record_name else {
        return Err(NoSubject::Strategy(malformed(format!(
            "In configuration {side}.subject.name.strategy = {}, the message {side} must only be a \
             record schema",
            strategy.class()
        ))));
    };
    Ok(match strategy {
        SubjectNameStrategy::TopicRecord
        | SubjectNameStrategy::Associated(Fallback::TopicRecord) => format!("{topic}-{name}"),
        _ => name.to_string(),
    })
}
