//! Checks of single values, with Kafka's messages.

use super::ConfigData;
use std::fmt;
use std::sync::Arc;

/// A check of one value. It sees `None` where the value is null, also after a failed parse.
#[derive(Clone)]
#[non_exhaustive]
pub enum Validator {
    /// A number within bounds, both included; null is refused.
    Range {
        /// The least value.
        min: Option<i64>,
        /// The greatest value.
        max: Option<i64>,
    },
    /// One of these texts.
    ValidString(&'static [&'static str]),
    /// One of these texts in any case.
    CaseInsensitiveValidString(&'static [&'static str]),
    /// Not the empty string.
    NonEmptyString,
    /// A list whose items are all among these.
    ValidList(&'static [&'static str]),
    /// A list without duplicates or empty items; `allow_empty` admits no items at all.
    ListWithoutDuplicates {
        /// Whether no items are fine.
        allow_empty: bool,
    },
    /// Any check: returns why the value is refused.
    Custom(CustomValidator),
    /// Several checks; the first that refuses speaks.
    All(Vec<Validator>),
}

/// The name of a key and its value to the whole message of refusal.
pub type Check = dyn Fn(&str, Option<&ConfigData>) -> Result<(), String> + Send + Sync;

/// A check of its own kind, with the text that `valid values` shows in documentation.
#[derive(Clone)]
pub struct CustomValidator {
    /// What is valid, in a few words.
    pub description: &'static str,
    /// The check.
    pub check: Arc<Check>,
}

impl Validator {
    /// At least `min`.
    pub fn at_least(min: i64) -> Self {
        Self::Range {
            min: Some(min),
            max: None,
        }
    }

    /// From `min` to `max`.
    pub fn between(min: i64, max: i64) -> Self {
        Self::Range {
            min: Some(min),
            max: Some(max),
        }
    }

    /// A check that returns why a value is refused; the pattern of the message is added.
    pub fn custom(
        description: &'static str,
        check: impl Fn(Option<&ConfigData>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(CustomValidator {
            description,
            check: Arc::new(move |name, value| {
                check(value).map_err(|why| invalid(name, value, &why))
            }),
        })
    }

    /// Checks a value; the error is the whole message.
    pub fn ensure_valid(&self, name: &str, value: Option<&ConfigData>) -> Result<(), String> {
        let refuse = |why: &str| Err(invalid(name, value, why));
        match self {
            Self::Range { min, max } => match value {
                Some(ConfigData::Long(number)) => {
                    if let Some(min) = min.filter(|min| number < min) {
                        return refuse(&format!("Value must be at least {min}"));
                    }
                    if let Some(max) = max.filter(|max| number > max) {
                        return refuse(&format!("Value must be no more than {max}"));
                    }
                    Ok(())
                }
                Some(_) => Ok(()),
                None => refuse("Value must be non-null"),
            },
            Self::ValidString(valid) => match value {
                Some(ConfigData::String(text) | ConfigData::Class(text))
                    if valid.contains(&text.as_str()) =>
                {
                    Ok(())
                }
                _ => refuse(&format!("String must be one of: {}", valid.join(", "))),
            },
            Self::CaseInsensitiveValidString(valid) => match value {
                Some(ConfigData::String(text))
                    if valid.iter().any(|item| item.eq_ignore_ascii_case(text)) =>
                {
                    Ok(())
                }
                _ => refuse(&format!(
                    "String must be one of (case insensitive): {}",
                    valid.join(", ")
                )),
            },
            Self::NonEmptyString => match value {
                Some(ConfigData::String(text)) if text.is_empty() => {
                    refuse("String must be non-empty")
                }
                _ => Ok(()),
            },
            Self::ValidList(valid) => match value {
                Some(ConfigData::List(items)) => {
                    match items.iter().find(|item| !valid.contains(&item.as_str())) {
                        Some(item) => Err(invalid(
                            name,
                            Some(&ConfigData::String(item.clone())),
                            &format!("String must be one of: {}", valid.join(", ")),
                        )),
                        None => Ok(()),
                    }
                }
                _ => Ok(()),
            },
            Self::ListWithoutDuplicates { allow_empty } => match value {
                Some(ConfigData::List(items)) => {
                    if items.is_empty() && !allow_empty {
                        return Err(format!(
                            "Configuration '{name}' must not be empty. Valid values include: any non-empty value"
                        ));
                    }
                    let mut seen = std::collections::HashSet::new();
                    if !items.iter().all(|item| seen.insert(item)) {
                        return Err(format!(
                            "Configuration '{name}' values must not be duplicated."
                        ));
                    }
                    if items.iter().any(String::is_empty) {
                        return Err(format!("Configuration '{name}' values must not be empty."));
                    }
                    Ok(())
                }
                _ => Ok(()),
            },
            Self::Custom(custom) => (custom.check)(name, value),
            Self::All(validators) => validators
                .iter()
                .try_for_each(|validator| validator.ensure_valid(name, value)),
        }
    }
}

/// What is valid, as Kafka's documentation has it.
impl fmt::Display for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { min, max } => match (min, max) {
                (None, None) => f.write_str("[...]"),
                (Some(min), None) => write!(f, "[{min},...]"),
                (None, Some(max)) => write!(f, "[...,{max}]"),
                (Some(min), Some(max)) => write!(f, "[{min},...,{max}]"),
            },
            Self::ValidString(valid) | Self::ValidList(valid) => {
                write!(f, "[{}]", valid.join(", "))
            }
            Self::CaseInsensitiveValidString(valid) => {
                write!(f, "(case insensitive) [{}]", valid.join(", "))
            }
            Self::NonEmptyString => f.write_str("non-empty string"),
            Self::ListWithoutDuplicates { .. } => f.write_str("list without duplicates"),
            Self::Custom(custom) => f.write_str(custom.description),
            Self::All(validators) => {
                for (index, validator) in validators.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    validator.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `Invalid value V for configuration K: WHY`.
pub(super) fn invalid(name: &str, value: Option<&ConfigData>, why: &str) -> String {
    match value {
        Some(ConfigData::List(items)) => format!(
            "Invalid value [{}] for configuration {name}: {why}",
            items.join(", ")
        ),
        Some(value) => format!("Invalid value {value} for configuration {name}: {why}"),
        None => format!("Invalid value null for configuration {name}: {why}"),
    }
}
