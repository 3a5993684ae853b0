//! What the configurations of sink and source share.

pub mod connection;
mod key_group;
mod validators;

pub use key_group::{KeyDefault, KeyGroup};
pub(crate) use validators::{
    class_name, class_names, empty_or, enumerator, enumerator_or_empty, json_array,
    parse_json_array, regex,
};

use connect_api::config::{ConfigData, ConfigValue};

/// A fault of a configuration that its definition cannot see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key.
    pub key: String,
    /// The whole message.
    pub message: String,
}

impl Fault {
    /// `Invalid value V for configuration K: WHY`.
    pub fn invalid(key: impl Into<String>, value: impl std::fmt::Display, why: &str) -> Self {
        let key = key.into();
        Self {
            message: format!("Invalid value {value} for configuration {key}: {why}"),
            key,
        }
    }

    /// A message as it is.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

/// Puts faults beside the values that they speak of.
pub(crate) fn add_faults(values: &mut Vec<ConfigValue>, faults: Vec<Fault>) {
    for fault in faults {
        match values.iter_mut().find(|value| value.name == fault.key) {
            Some(value) if value.error_messages.contains(&fault.message) => {}
            Some(value) => value.add_error(fault.message),
            None => {
                let mut value = ConfigValue::new(fault.key, None);
                value.add_error(fault.message);
                values.push(value);
            }
        }
    }
}

/// Reads values that a definition has parsed.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a>(pub(crate) &'a [ConfigValue]);

impl<'a> Values<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a ConfigData> {
        self.0
            .iter()
            .find(|value| value.name == name)
            .and_then(|value| value.value.as_ref())
    }

    /// A text; empty if it is null.
    pub(crate) fn text(self, name: &str) -> &'a str {
        match self.get(name) {
            Some(ConfigData::String(text) | ConfigData::Class(text)) => text,
            _ => "",
        }
    }

    pub(crate) fn secret(self, name: &str) -> &'a str {
        match self.get(name) {
            Some(ConfigData::Password(secret)) => secret.expose(),
            _ => "",
        }
    }

    pub(crate) fn is_true(self, name: &str) -> bool {
        self.get(name) == Some(&ConfigData::Boolean(true))
    }

    /// A number; 0 if it is null.
    pub(crate) fn number(self, name: &str) -> i64 {
        match self.get(name) {
            Some(ConfigData::Long(number)) => *number,
            _ => 0,
        }
    }

    pub(crate) fn list(self, name: &str) -> &'a [String] {
        match self.get(name) {
            Some(ConfigData::List(items)) => items,
            _ => &[],
        }
    }
}
