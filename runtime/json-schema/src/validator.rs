//! Whether data is what its schema says: `json.fail.invalid.schema`.

use crate::schema::JsonSchema;
use connect_api::{ConnectError, Result};
use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value;

/// How many faults of one record an error names.
const MAX_FAULTS: usize = 5;

/// Checks data against one schema. Making one costs much and using it little, so callers keep it.
#[derive(Debug)]
pub struct SchemaValidator {
    validator: Validator,
}

/// Looks documents up among those that came with the schema, and nowhere else.
struct References(JsonSchema);

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> std::result::Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let text = self
            .0
            .document_text(uri.as_str())
            .ok_or("it is not among the references of the schema")?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl SchemaValidator {
    /// A schema without `$schema` is of draft 7, as Confluent's converter has it.
    ///
    /// # Errors
    /// A schema that breaks the rules of its draft, or refers to what did not come with it.
    pub fn new(schema: &JsonSchema) -> Result<Self> {
        let refused = |why: String| {
            ConnectError::data(format!(
                "The JSON schema cannot be used to check data: {why}"
            ))
        };
        let value: Value = serde_json::from_str(&schema.canonical_text())
            .map_err(|error| refused(error.to_string()))?;
        let mut options = jsonschema::options().with_retriever(References(schema.clone()));
        if value.get("$schema").is_none() {
            options = options.with_draft(Draft::Draft7);
        }
        let validator = options
            .build(&value)
            .map_err(|error| refused(format!("at {}: {error}", place(error.instance_path()))))?;
        Ok(Self { validator })
    }

    /// Checks one JSON text.
    ///
    /// # Errors
    /// A text that is not JSON or not what the schema says; the message has places and rules, not data.
    pub fn validate(&self, json: &[u8]) -> Result<()> {
        let value: Value = serde_json::from_slice(json).map_err(|error| {
            ConnectError::data(format!("The data cannot be checked as JSON: {error}"))
        })?;
        let faults: Vec<String> = self
            .validator
            .iter_errors(&value)
            .take(MAX_FAULTS)
            .map(|error| format!("at {}: {}", place(error.instance_path()), error.masked()))
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(ConnectError::data(format!(
            "The JSON does not match its schema: {}",
            faults.join("; ")
        )))
    }
}

fn place(path: &impl std::fmt::Display) -> String {
    match path.to_string() {
        root if root.is_empty() => "the root".to_string(),
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validator(schema: &str, references: &[(&str, &str)]) -> Result<SchemaValidator> {
        SchemaValidator::new(&JsonSchema::parse(schema, references.iter().copied())?)
    }

    #[test]
    fn data_is_checked_by_every_rule_and_named_by_place_only() {
        let schema = r#"{"type":"object","properties":{
            "id":{"type":"integer","minimum":1},
            "name":{"type":"string","pattern":"^[a-z]+$"},
            "tags":{"type":"array","items":{"enum":["x","y"]}}
        },"required":["id"],"additionalProperties":false}"#;
        let validator = validator(schema, &[]).unwrap();
        validator
            .validate(br#"{"id":1,"name":"abc","tags":["x"]}"#)
            .unwrap();
        for (json, at) in [
            (r#"{"name":"abc"}"#, "the root"),
            (r#"{"id":0}"#, "/id"),
            (r#"{"id":"s3cret"}"#, "/id"),
            (r#"{"id":1,"name":"S3CRET"}"#, "/name"),
            (r#"{"id":1,"tags":["x","s3cret"]}"#, "/tags/1"),
            (r#""s3cret""#, "the root"),
        ] {
            let error = validator.validate(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(&format!("at {at}: ")), "{json}: {error}");
            assert!(!error.to_lowercase().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn many_faults_are_cut_and_text_that_is_no_json_is_one() {
        let validator = validator(r#"{"items":{"type":"string"}}"#, &[]).unwrap();
        let many = format!("[{}1]", "1,".repeat(1000));
        let error = validator.validate(many.as_bytes()).unwrap_err().to_string();
        assert_eq!(error.matches("at /").count(), MAX_FAULTS, "{error}");
        for text in ["", "{", "\u{feff}1", &"[".repeat(100_000)] {
            assert!(validator.validate(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn references_come_with_the_schema_or_are_missing() {
        let root = r##"{"properties":{"at":{"$ref":"place.json#/definitions/point"}}}"##;
        let place = r#"{"definitions":{"point":{"type":"object","required":["x"]}}}"#;
        let checked = validator(root, &[("place.json", place)]).unwrap();
        checked.validate(br#"{"at":{"x":1}}"#).unwrap();
        assert!(checked.validate(br#"{"at":{}}"#).is_err());
        let with_id = r#"{"$id":"http://example.com/root.json","$ref":"place.json"}"#;
        validator(with_id, &[("place.json", place)]).unwrap();
        for lost in [root, r#"{"$ref":"http://127.0.0.1:1/x.json"}"#] {
            let error = validator(lost, &[]).unwrap_err().to_string();
            assert!(error.contains("cannot be used to check data"), "{error}");
        }
    }

    #[test]
    fn drafts_are_those_of_the_schema_and_7_without_one() {
        // `exclusiveMinimum` is a number from draft 6 on, a switch before.
        let new = validator(r#"{"exclusiveMinimum":3}"#, &[]).unwrap();
        assert!(new.validate(b"3").is_err());
        let old = r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":3,"exclusiveMinimum":true}"#;
        let old = validator(old, &[]).unwrap();
        assert!(old.validate(b"3").is_err() && old.validate(b"4").is_ok());
        assert!(validator(r#"{"type":"no such type"}"#, &[]).is_err());
    }

    #[test]
    fn schemas_that_hold_themselves_are_checked_too() {
        let tree =
            r##"{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}}"##;
        let validator = validator(tree, &[]).unwrap();
        validator.validate(br#"{"next":{"next":{"v":1}}}"#).unwrap();
        assert!(
            validator
                .validate(br#"{"next":{"next":{"v":""}}}"#)
                .is_err()
        );
    }
}
