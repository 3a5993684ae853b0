//! Checks of single values, in the words of the official connector.

use crate::bson::parse_documents;
use connect_api::config::{ConfigData, Validator};

fn text(value: Option<&ConfigData>) -> &str {
    match value {
        Some(ConfigData::String(text) | ConfigData::Class(text)) => text,
        _ => "",
    }
}

/// Java names joined by dots.
fn is_class_name(name: &str) -> bool {
    name.split('.').all(|part| {
        let mut chars = part.chars();
        chars
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$')
            && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    })
}

const NO_CLASS_NAME: &str = "Does not match expected class pattern.";

/// The name of a class.
pub(crate) fn class_name() -> Validator {
    Validator::custom("the name of a class", |value| {
        match is_class_name(text(value)) {
            true => Ok(()),
            false => Err(NO_CLASS_NAME.into()),
        }
    })
}

/// Names of classes.
pub(crate) fn class_names() -> Validator {
    Validator::custom("names of classes", |value| match value {
        Some(ConfigData::List(names)) if !names.iter().all(|name| is_class_name(name)) => {
            Err(NO_CLASS_NAME.into())
        }
        _ => Ok(()),
    })
}

/// The empty text, or what `other` admits.
pub(crate) fn empty_or(other: Validator) -> Validator {
    Validator::Custom(connect_api::config::CustomValidator {
        description: "empty, or a valid value",
        check: std::sync::Arc::new(move |name, value| {
            if text(value).is_empty() {
                return Ok(());
            }
            other.ensure_valid(name, value)
        }),
    })
}

fn check_enumerator(value: &str, names: &[&str]) -> Result<(), String> {
    if names.iter().any(|name| name.eq_ignore_ascii_case(value)) {
        return Ok(());
    }
    Err(format!(
        "Invalid enumerator value. Should be one of: [{}]",
        names.join(", ")
    ))
}

/// One of these names, in any case.
pub(crate) fn enumerator(description: &'static str, names: &'static [&'static str]) -> Validator {
    Validator::custom(description, move |value| {
        check_enumerator(text(value), names)
    })
}

/// One of these names in any case, or the empty text.
pub(crate) fn enumerator_or_empty(
    description: &'static str,
    names: &'static [&'static str],
) -> Validator {
    empty_or(enumerator(description, names))
}

/// An array of documents as MongoDB's JSON, or the empty text.
pub(crate) fn json_array() -> Validator {
    Validator::custom("A valid JSON array", |value| {
        let text = text(value);
        if text.is_empty() || parse_json_array(text).is_ok() {
            return Ok(());
        }
        Err("Not a valid JSON array".into())
    })
}

/// Reads an array of documents. Backslashes that JSON does not know are taken as they are, as people
/// write regular expressions so.
pub(crate) fn parse_json_array(text: &str) -> connect_api::Result<Vec<bson::Document>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    parse_documents(text).or_else(|_| parse_documents(&text.replace('\\', "\\\\")))
}

/// A regular expression.
pub(crate) fn regex() -> Validator {
    Validator::custom("A valid regex", |value| {
        fancy_regex::Regex::new(text(value))
            .map(drop)
            .map_err(|error| format!("Invalid regex: {error}"))
    })
}
