//! Parsed values of settings.

use std::fmt;

/// A secret: its text never shows in logs, errors or validation results.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Password(String);

impl Password {
    /// What is shown in place of the secret.
    pub const HIDDEN: &'static str = "[hidden]";

    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HIDDEN)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HIDDEN)
    }
}

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigData {
    /// Of type BOOLEAN.
    Boolean(bool),
    /// Of type STRING.
    String(String),
    /// Of type SHORT, INT or LONG.
    Long(i64),
    /// Of type DOUBLE.
    Double(f64),
    /// Of type LIST.
    List(Vec<String>),
    /// Of type CLASS: a class name.
    Class(String),
    /// Of type PASSWORD.
    Password(Password),
}

/// `ConfigDef.convertToString`: as validation results show it; passwords hidden.
impl fmt::Display for ConfigData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::String(value) | Self::Class(value) => f.write_str(value),
            Self::Long(value) => value.fmt(f),
            Self::Double(value) => f.write_str(&crate::data::double_to_java_string(*value)),
            Self::List(values) => f.write_str(&values.join(",")),
            Self::Password(value) => value.fmt(f),
        }
    }
}

impl From<bool> for ConfigData {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for ConfigData {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<f64> for ConfigData {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<&str> for ConfigData {
    fn from(value: &str) -> Self {
        Self::String(value.to_string())
    }
}

impl From<String> for ConfigData {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<String>> for ConfigData {
    fn from(value: Vec<String>) -> Self {
        Self::List(value)
    }
}

impl From<Password> for ConfigData {
    fn from(value: Password) -> Self {
        Self::Password(value)
    }
}
