//! What the client asks the registry for.

use crate::schema::{Guid, SchemaDefinition, SchemaType};
use serde::Serialize;
use std::borrow::Cow;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Asks only.
    Get,
    /// Registers, or looks up by content.
    Post,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request, without the address of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The parts of the path, not yet encoded.
    pub(crate) segments: Vec<Cow<'static, str>>,
    /// The parameters, not yet encoded.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The JSON to send.
    pub(crate) body: Option<String>,
    /// What to do if the registry does not know it (404).
    pub(crate) advice_if_unknown: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [crate::schema::SchemaReference],
    schema: &'a str,
}

fn body(definition: &SchemaDefinition) -> String {
    let body = DefinitionBody {
        // Registries before 5.5 know Avro only and refuse the field.
        schema_type: (definition.schema_type != SchemaType::Avro)
            .then(|| definition.schema_type.name()),
        references: &definition.references,
        schema: &definition.text,
    };
    serde_json::to_string(&body).expect("texts and numbers are always JSON")
}

impl Request {
    fn get(segments: Vec<Cow<'static, str>>, advice_if_unknown: &'static str) -> Self {
        Self {
            method: Method::Get,
            segments,
            query: Vec::new(),
            body: None,
            advice_if_unknown,
        }
    }

    fn post(
        segments: Vec<Cow<'static, str>>,
        definition: &SchemaDefinition,
        advice_if_unknown: &'static str,
    ) -> Self {
        Self {
            method: Method::Post,
            segments,
            query: Vec::new(),
            body: Some(body(definition)),
            advice_if_unknown,
        }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// A schema by its number; the subject tells the context that the number counts in.
    pub(crate) fn schema_by_id(id: i32, subject: Option<&str>) -> Self {
        let request = Self::get(
            vec!["schemas".into(), "ids".into(), id.to_string().into()],
            "The data was written with another registry, or its schema was deleted there for good: \
             check schema.registry.url",
        )
        .with("fetchMaxId", false);
        match subject {
            Some(subject) => request.with("subject", subject),
            None => request,
        }
    }

    /// A schema by its GUID.
    pub(crate) fn schema_by_guid(guid: Guid) -> Self {
        Self::get(
            vec!["schemas".into(), "guids".into(), guid.to_string().into()],
            "The data was written with another registry, or this one is older than 8.0 and knows no \
             GUIDs: check schema.registry.url",
        )
    }

    /// Registers a schema, or finds it registered.
    pub(crate) fn register(subject: &str, definition: &SchemaDefinition, normalize: bool) -> Self {
        Self::post(
            vec![
                "subjects".into(),
                subject.to_string().into(),
                "versions".into(),
            ],
            definition,
            "There is no Schema Registry at this address: check schema.registry.url and its path",
        )
        .with("normalize", normalize)
    }

    /// Looks a schema up under a subject by its content.
    pub(crate) fn look_up(
        subject: &str,
        definition: &SchemaDefinition,
        normalize: bool,
        deleted: bool,
    ) -> Self {
        Self::post(
            vec!["subjects".into(), subject.to_string().into()],
            definition,
            "The subject does not hold this schema: register it there, set \
             auto.register.schemas=true, or check the subject name strategy",
        )
        .with("normalize", normalize)
        .with("deleted", deleted)
    }

    /// A version of a subject; `None` is the latest.
    pub(crate) fn version(subject: &str, version: Option<i32>) -> Self {
        let (version, deleted) = match version {
            Some(version) => (version.to_string().into(), true),
            None => ("latest".into(), false),
        };
        let request = Self::get(
            vec![
                "subjects".into(),
                subject.to_string().into(),
                "versions".into(),
                version,
            ],
            "Register the schema under this subject, or check the subject name strategy",
        );
        if deleted {
            request.with("deleted", true)
        } else {
            request
        }
    }

    /// The latest version of a subject whose metadata has these properties.
    pub(crate) fn latest_with_metadata(subject: &str, properties: &[(String, String)]) -> Self {
        let mut request = Self::get(
            vec![
                "subjects".into(),
                subject.to_string().into(),
                "metadata".into(),
            ],
            "No version of the subject has these properties: check use.latest.with.metadata",
        );
        for (key, value) in properties {
            request = request.with("key", key).with("value", value);
        }
        request.with("deleted", true)
    }

    /// The subjects that are associated with a topic.
    pub(crate) fn associations(namespace: &str, topic: &str, association_type: &str) -> Self {
        Self::get(
            vec![
                "associations".into(),
                "resources".into(),
                namespace.to_string().into(),
                topic.to_string().into(),
            ],
            "",
        )
        .with("resourceType", "topic")
        .with("associationType", association_type)
    }

    /// What to do about a status.
    pub(crate) fn advice(&self, status: u16) -> &'static str {
        match status {
            401 => {
                "The registry does not know these credentials: check basic.auth.* or bearer.auth.* of \
                 the converter"
            }
            403 => "These credentials may not do that: grant the right in the registry",
            404 => self.advice_if_unknown,
            408 | 500 | 502 | 503 | 504 => {
                "The registry has trouble of its own: look into its log; the request is repeated"
            }
            409 => {
                "The schema is not compatible with the earlier ones of the subject: change it, or the \
                 compatibility level of the subject"
            }
            422 => "The registry does not take this schema: see its reason",
            429 => "The registry limits requests: raise retries.max.wait.ms or the limit",
            _ => "Check schema.registry.url and what stands between here and the registry",
        }
    }
}
