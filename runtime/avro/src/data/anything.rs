//! The schema of schemaless data.

use super::{KEY_FIELD, MAP_ENTRY, NAMESPACE, VALUE_FIELD};
use crate::schema::AvroSchema;
use std::sync::LazyLock;

/// The fields of `Anything`, in order. One of them at most is set.
const ANYTHING_FIELDS: [&str; 9] = [
    "boolean", "bytes", "double", "float", "int", "long", "string", "array", "map",
];

static ANYTHING: LazyLock<(AvroSchema, String)> = LazyLock::new(|| {
    let entry = format!(
        r#"{{"type":"record","name":"{MAP_ENTRY}","fields":[{{"name":"{KEY_FIELD}","type":"Anything"}},{{"name":"{VALUE_FIELD}","type":"Anything"}}]}}"#
    );
    let fields: Vec<String> = ANYTHING_FIELDS
        .iter()
        .map(|&name| {
            let field_type = match name {
                "array" => r#"{"type":"array","items":"Anything"}"#.to_string(),
                "map" => format!(r#"{{"type":"array","items":{entry}}}"#),
                _ => format!("\"{name}\""),
            };
            format!(r#"{{"name":"{name}","type":["null",{field_type}],"default":null}}"#)
        })
        .collect();
    let text = format!(
        r#"{{"type":"record","name":"Anything","namespace":"{NAMESPACE}","fields":[{}]}}"#,
        fields.join(",")
    );
    let schema = AvroSchema::parse(&text).expect("the text is a constant");
    (schema, text)
});

/// The schema of schemaless data.
pub(crate) fn anything_schema() -> &'static AvroSchema {
    &ANYTHING.0
}

/// Whether a schema is the one of schemaless data.
pub(crate) fn is_anything(schema: &AvroSchema) -> bool {
    let root = schema.root();
    root.fields().len() == ANYTHING_FIELDS.len()
        && root
            .name
            .as_ref()
            .is_some_and(|name| name.simple() == "Anything")
        && schema.to_string() == ANYTHING.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_known_again() {
        assert!(is_anything(anything_schema()));
        assert!(is_anything(
            &AvroSchema::parse(&anything_schema().to_string()).unwrap()
        ));
        assert!(!is_anything(&AvroSchema::parse("\"string\"").unwrap()));
    }
}
