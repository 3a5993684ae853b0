//! Settings that several transforms have.

use connect_api::ConnectError;
use connect_api::config::{ConfigData, ConfigKey, ConfigType, Importance, Validator};
use connect_java::regex::{Pattern, PatternSyntaxException};

pub(crate) const REPLACE_NULL_WITH_DEFAULT: &str = "replace.null.with.default";

/// `replace.null.with.default`
pub(crate) fn replace_null_with_default_key() -> ConfigKey {
    ConfigKey::new(REPLACE_NULL_WITH_DEFAULT, ConfigType::Boolean)
        .default(true)
        .importance(Importance::Medium)
        .doc(
            "What is read from a field that is null although its schema has a default value: the \
             default value if true, null if false.",
        )
}

/// A required list of names, none of them empty or twice in it.
pub(crate) fn names_key(name: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::List)
        .validator(Validator::ListWithoutDuplicates { allow_empty: false })
        .importance(Importance::High)
}

/// `NonEmptyListValidator`
pub(crate) fn non_empty_list() -> Validator {
    Validator::custom("non-empty list", |value| match value {
        Some(ConfigData::List(items)) if !items.is_empty() => Ok(()),
        _ => Err("Empty list".to_string()),
    })
}

/// `ConfigDef.NonNullValidator`
pub(crate) fn non_null() -> Validator {
    Validator::custom("non-null string", |value| match value {
        Some(_) => Ok(()),
        None => Err("entry must be non null".to_string()),
    })
}

/// `RegexValidator`
pub(crate) fn valid_regex() -> Validator {
    Validator::custom("valid regex", |value| match value {
        Some(ConfigData::String(pattern)) => match Pattern::compile(pattern) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("Invalid regex: {error}")),
        },
        _ => Err("Invalid regex: null".to_string()),
    })
}

/// A pattern that is none, found where settings were validated before.
pub(crate) fn regex_error(error: PatternSyntaxException) -> ConnectError {
    ConnectError::config(error.to_string()).with_class("java.util.regex.PatternSyntaxException")
}

/// `String.split(":")`: empty parts at the end are dropped.
pub(crate) fn split_at_colons(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 1 {
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::split_at_colons;

    #[test]
    fn parts_are_those_of_java() {
        assert_eq!(split_at_colons("a:b"), ["a", "b"]);
        assert_eq!(split_at_colons("a:"), ["a"]);
        assert_eq!(split_at_colons(":b"), ["", "b"]);
        assert_eq!(split_at_colons(""), [""]);
        assert!(split_at_colons("::").is_empty());
    }
}
