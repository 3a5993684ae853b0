//! The setting `spec`.

use crate::settings::split_at_colons;
use connect_api::data::{SchemaType, java_hash_order};
use connect_api::{ConnectError, Result};

/// What is cast to what.
pub(super) enum Casts {
    /// The whole key or value.
    Whole(SchemaType),
    /// Fields by name, in the order of a `java.util.HashMap`: so missing ones are added.
    Fields(Vec<(String, SchemaType)>),
}

/// The types that data can be cast to, in the order of Kafka's messages.
pub(super) const OUTPUT_TYPES: [SchemaType; 8] = [
    SchemaType::Int8,
    SchemaType::Int16,
    SchemaType::Int32,
    SchemaType::Int64,
    SchemaType::Float32,
    SchemaType::Float64,
    SchemaType::Boolean,
    SchemaType::String,
];

/// The names of types as Java prints a set of them.
pub(super) fn names(types: &[SchemaType]) -> String {
    let names: Vec<&str> = types.iter().map(|known| known.name()).collect();
    format!("[{}]", names.join(", "))
}

pub(super) fn parse_spec(items: &[String]) -> Result<Casts> {
    if items.is_empty() {
        return Err(ConnectError::config(
            "Must specify at least one field to cast.",
        ));
    }
    let mut whole = None;
    let mut fields: Vec<(String, SchemaType)> = Vec::new();
    for item in items {
        match split_at_colons(item).as_slice() {
            [target] => whole = Some(output_type(target)?),
            [field, target] => {
                let (field, target) = (java_trim(field), output_type(target)?);
                match fields.iter_mut().find(|(known, _)| known == field) {
                    Some(known) => known.1 = target,
                    None => fields.push((field.to_string(), target)),
                }
            }
            [] => {
                return Err(ConnectError::config(format!(
                    "Invalid type found in casting spec: {item}"
                )));
            }
            _ => {
                return Err(ConnectError::config(format!(
                    "Invalid value {} for configuration renames: Invalid rename mapping: {item}",
                    list_text(items)
                )));
            }
        }
    }
    if let Some(target) = whole {
        if items.len() > 1 {
            return Err(ConnectError::config(
                "Cast transformations that specify a type to cast the entire value to may only \
                 specify a single cast in their spec",
            ));
        }
        return Ok(Casts::Whole(target));
    }
    let order = java_hash_order(fields.iter().map(|(name, _)| name.as_str()));
    Ok(Casts::Fields(
        order
            .into_iter()
            .filter_map(|index| fields.get(index).cloned())
            .collect(),
    ))
}

/// `List.toString()`
fn list_text(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

/// `String.trim()`
fn java_trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

fn output_type(text: &str) -> Result<SchemaType> {
    const TYPES: [SchemaType; 12] = [
        SchemaType::Int8,
        SchemaType::Int16,
        SchemaType::Int32,
        SchemaType::Int64,
        SchemaType::Float32,
        SchemaType::Float64,
        SchemaType::Boolean,
        SchemaType::String,
        SchemaType::Bytes,
        SchemaType::Array,
        SchemaType::Map,
        SchemaType::Struct,
    ];
    let text = java_trim(text);
    let upper_case = text.to_uppercase();
    let Some(target) = TYPES.into_iter().find(|known| known.name() == upper_case) else {
        // Kafka gives the cause where the value belongs, and the message where the key does.
        return Err(ConnectError::config(format!(
            "Invalid value java.lang.IllegalArgumentException: No enum constant \
             org.apache.kafka.connect.data.Schema.Type.{upper_case} for configuration Invalid type \
             found in casting spec: {text}"
        )));
    };
    if !OUTPUT_TYPES.contains(&target) {
        return Err(ConnectError::config(format!(
            "Cast transformation does not support casting to {target}; supported types are {}",
            names(&OUTPUT_TYPES)
        )));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(items: &[&str]) -> String {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        match parse_spec(&items) {
            Ok(_) => "none".to_string(),
            Err(error) => error.message().to_string(),
        }
    }

    #[test]
    fn faults_are_named_in_kafkas_words() {
        assert_eq!(error(&[]), "Must specify at least one field to cast.");
        assert!(error(&["a:"]).ends_with("Invalid type found in casting spec: a"));
        assert_eq!(error(&["::"]), "Invalid type found in casting spec: ::");
        assert_eq!(
            error(&["x:int8", "a:b:c"]),
            "Invalid value [x:int8, a:b:c] for configuration renames: Invalid rename mapping: a:b:c"
        );
        assert_eq!(error(&[" a : Int8 "]), "none");
    }
}
