//! The JSON of the registry.

use crate::schema::{Guid, RegisteredSchema, Rule, SchemaDefinition, SchemaReference, SchemaType};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A schema in an answer. Which fields are there depends on the request and the registry.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SchemaAnswer {
    subject: Option<String>,
    version: Option<i32>,
    id: Option<i32>,
    guid: Option<String>,
    schema_type: Option<String>,
    schema: Option<String>,
    references: Option<Vec<SchemaReference>>,
    metadata: Option<Metadata>,
    rule_set: Option<RuleSet>,
}

/// Migration rules are left out: they concern data that is read as another version only.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RuleSet {
    domain_rules: Option<Vec<RuleAnswer>>,
    encoding_rules: Option<Vec<RuleAnswer>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RuleAnswer {
    name: Option<String>,
    #[serde(rename = "type")]
    rule_type: Option<String>,
    mode: Option<String>,
    disabled: Option<bool>,
}

impl RuleSet {
    fn into_rules(self) -> Vec<Rule> {
        let rules = self.domain_rules.into_iter().chain(self.encoding_rules);
        rules
            .flatten()
            .filter(|rule| rule.disabled != Some(true))
            .map(|rule| Rule {
                name: rule.name.unwrap_or_default(),
                rule_type: rule.rule_type.unwrap_or_default(),
                mode: rule.mode.unwrap_or_default(),
            })
            .collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    properties: Option<BTreeMap<String, String>>,
}

/// An association of a topic with a subject.
#[derive(Debug, Deserialize)]
pub(crate) struct Association {
    pub(crate) subject: String,
}

/// An error in an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorAnswer {
    #[serde(default)]
    pub(crate) error_code: i32,
    #[serde(default)]
    pub(crate) message: String,
}

impl SchemaAnswer {
    /// The schema; `sent` is what was registered or looked up, for answers that do not repeat it.
    /// The error says what is missing.
    pub(crate) fn into_schema(
        self,
        sent: Option<&Arc<SchemaDefinition>>,
    ) -> Result<RegisteredSchema, String> {
        let definition = match (self.schema, sent) {
            (Some(text), _) => Arc::new(SchemaDefinition {
                schema_type: match self.schema_type.as_deref() {
                    None | Some("AVRO") => match sent {
                        // Registration answers with a text may leave the type out.
                        Some(sent) if self.schema_type.is_none() => sent.schema_type,
                        _ => SchemaType::Avro,
                    },
                    Some("PROTOBUF") => SchemaType::Protobuf,
                    Some("JSON") => SchemaType::Json,
                    Some(other) => return Err(format!("the schema type {other} is not known")),
                },
                text: text.into(),
                references: self.references.unwrap_or_default(),
            }),
            (None, Some(sent)) => sent.clone(),
            (None, None) => return Err("it has no schema".to_string()),
        };
        Ok(RegisteredSchema {
            id: self.id,
            guid: self.guid.as_deref().and_then(Guid::parse),
            subject: self.subject,
            version: self.version.filter(|version| *version > 0),
            definition,
            properties: self
                .metadata
                .and_then(|metadata| metadata.properties)
                .unwrap_or_default(),
            rules: self.rule_set.map(RuleSet::into_rules).unwrap_or_default(),
        })
    }
}
