//! Parsing and validation against a [`ConfigDef`], all faults at once.

use super::validators::invalid;
use super::{ConfigData, ConfigDef, ConfigKey, ConfigMap, ConfigType, Password, Validator};
use crate::error::{ConnectError, Result};
use indexmap::IndexSet;
use std::borrow::Cow;
use std::collections::HashMap;

/// The outcome of one setting, as the validate endpoint shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigValue {
    /// The name.
    pub name: String,
    /// The parsed value; `None` is null.
    pub value: Option<ConfigData>,
    /// The values to offer.
    pub recommended_values: Vec<String>,
    /// What is wrong with it.
    pub error_messages: Vec<String>,
    /// Whether it means anything, given the other settings.
    pub visible: bool,
}

impl ConfigValue {
    /// A value without faults.
    pub fn new(name: impl Into<String>, value: Option<ConfigData>) -> Self {
        Self {
            name: name.into(),
            value,
            recommended_values: Vec::new(),
            error_messages: Vec::new(),
            visible: true,
        }
    }

    /// Adds a fault.
    pub fn add_error(&mut self, message: impl Into<String>) {
        self.error_messages.push(message.into());
    }
}

/// The parsed values of a configuration.
#[derive(Clone, Debug, Default)]
pub struct ParsedConfig {
    values: HashMap<String, Option<ConfigData>>,
}

impl ParsedConfig {
    /// The value of a setting; `None` if it is null or not defined.
    pub fn get(&self, name: &str) -> Option<&ConfigData> {
        self.values.get(name)?.as_ref()
    }

    fn defined(&self, name: &str) -> Result<Option<&ConfigData>> {
        self.values
            .get(name)
            .map(Option::as_ref)
            .ok_or_else(|| ConnectError::config(format!("Unknown configuration '{name}'")))
    }

    /// A text, class name or null.
    pub fn opt_string(&self, name: &str) -> Result<Option<&str>> {
        match self.defined(name)? {
            Some(ConfigData::String(text) | ConfigData::Class(text)) => Ok(Some(text)),
            None => Ok(None),
            Some(_) => Err(wrong_type(name, "a text")),
        }
    }

    /// A text or class name.
    pub fn string(&self, name: &str) -> Result<&str> {
        self.opt_string(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number.
    pub fn long(&self, name: &str) -> Result<i64> {
        match self.defined(name)? {
            Some(ConfigData::Long(number)) => Ok(*number),
            None => Err(missing(name)),
            Some(_) => Err(wrong_type(name, "a number")),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &str) -> Result<bool> {
        match self.defined(name)? {
            Some(ConfigData::Boolean(value)) => Ok(*value),
            None => Err(missing(name)),
            Some(_) => Err(wrong_type(name, "true or false")),
        }
    }

    /// A list; empty if null.
    pub fn list(&self, name: &str) -> Result<&[String]> {
        match self.defined(name)? {
            Some(ConfigData::List(items)) => Ok(items),
            None => Ok(&[]),
            Some(_) => Err(wrong_type(name, "a list")),
        }
    }

    /// A secret or null.
    pub fn password(&self, name: &str) -> Result<Option<&Password>> {
        match self.defined(name)? {
            Some(ConfigData::Password(secret)) => Ok(Some(secret)),
            None => Ok(None),
            Some(_) => Err(wrong_type(name, "a password")),
        }
    }
}

fn wrong_type(name: &str, wanted: &str) -> ConnectError {
    ConnectError::config(format!("Configuration '{name}' is not defined as {wanted}"))
}

fn missing(name: &str) -> ConnectError {
    ConnectError::config(format!(
        "Missing required configuration \"{name}\" which has no default value."
    ))
}

impl ConfigDef {
    /// Validates every setting of the definition, in its order, each with all its faults. Keys that the
    /// definition does not know are left alone.
    pub fn validate(&self, config: &ConfigMap) -> Vec<ConfigValue> {
        let mut parsed = ParsedConfig::default();
        let mut outcomes: Vec<ConfigValue> = self
            .keys()
            .map(|key| {
                let outcome = key.validate(config);
                parsed
                    .values
                    .insert(key.name.clone(), outcome.value.clone());
                outcome
            })
            .collect();
        for (key, outcome) in self.keys().zip(&mut outcomes) {
            if let Some(recommender) = &key.recommender {
                outcome.recommended_values = recommender.valid_values(&key.name, &parsed);
                outcome.visible = recommender.visible(&key.name, &parsed);
            }
        }
        outcomes
    }

    /// The parsed values, or an error of kind [`Config`](crate::ErrorKind::Config) that names every
    /// fault. Items that come twice in a list without duplicates are a fault only where settings are
    /// validated; here they are dropped with a warning, so that what runs under an older worker goes on.
    pub fn parse(&self, config: &ConfigMap) -> Result<ParsedConfig> {
        let outcomes = self.validate(&self.without_duplicates(config));
        let faults: Vec<&str> = outcomes
            .iter()
            .flat_map(|outcome| outcome.error_messages.iter().map(String::as_str))
            .collect();
        if !faults.is_empty() {
            return Err(ConnectError::config(faults.join("\n")));
        }
        Ok(ParsedConfig {
            values: outcomes
                .into_iter()
                .map(|outcome| (outcome.name, outcome.value))
                .collect(),
        })
    }
}

impl ConfigDef {
    fn without_duplicates<'a>(&self, config: &'a ConfigMap) -> Cow<'a, ConfigMap> {
        let mut config = Cow::Borrowed(config);
        for key in self.keys() {
            let Some(Validator::ListWithoutDuplicates { .. }) = &key.validator else {
                continue;
            };
            let Some(Ok(ConfigData::List(items))) =
                config.get(&key.name).map(|text| key.parse_value(text))
            else {
                continue;
            };
            let distinct: IndexSet<&str> = items.iter().map(String::as_str).collect();
            if distinct.len() < items.len() {
                let distinct: Vec<&str> = distinct.into_iter().collect();
                tracing::warn!(
                    "The setting '{}' names some items more than once; each counts once: {}",
                    key.name,
                    distinct.join(",")
                );
                config
                    .to_mut()
                    .insert(key.name.as_str(), distinct.join(","));
            }
        }
        config
    }
}

impl ConfigKey {
    fn validate(&self, config: &ConfigMap) -> ConfigValue {
        let mut outcome = ConfigValue::new(self.name.clone(), None);
        if config.contains_key(&self.name) {
            match config.get(&self.name) {
                Some(text) => match self.parse_value(text) {
                    Ok(value) => outcome.value = Some(value),
                    Err(message) => outcome.add_error(message),
                },
                None => outcome.value = None,
            }
        } else if self.is_required() {
            outcome.add_error(missing(&self.name).message());
        } else {
            outcome.value = self.default_data().cloned();
        }
        if let Some(validator) = &self.validator
            && let Err(message) = validator.ensure_valid(&self.name, outcome.value.as_ref())
        {
            outcome.add_error(message);
        }
        outcome
    }

    /// `ConfigDef.parseType`; the error is the whole message.
    pub fn parse_value(&self, text: &str) -> Result<ConfigData, String> {
        let text = text.trim();
        let not_a_number = || {
            invalid(
                &self.name,
                Some(&ConfigData::String(text.to_string())),
                &format!("Not a number of type {}", self.config_type.name()),
            )
        };
        // Java's parsers take a leading plus sign, as Rust's do.
        let number = |min: i64, max: i64| {
            text.parse::<i64>()
                .ok()
                .filter(|number| (min..=max).contains(number))
                .map(ConfigData::Long)
                .ok_or_else(not_a_number)
        };
        match self.config_type {
            ConfigType::Boolean if text.eq_ignore_ascii_case("true") => {
                Ok(ConfigData::Boolean(true))
            }
            ConfigType::Boolean if text.eq_ignore_ascii_case("false") => {
                Ok(ConfigData::Boolean(false))
            }
            ConfigType::Boolean => Err(invalid(
                &self.name,
                Some(&ConfigData::String(text.to_string())),
                "Expected value to be either true or false",
            )),
            ConfigType::String => Ok(ConfigData::String(text.to_string())),
            ConfigType::Class => Ok(ConfigData::Class(text.to_string())),
            ConfigType::Password => Ok(ConfigData::Password(Password::new(text))),
            ConfigType::Short => number(i16::MIN.into(), i16::MAX.into()),
            ConfigType::Int => number(i32::MIN.into(), i32::MAX.into()),
            ConfigType::Long => number(i64::MIN, i64::MAX),
            ConfigType::Double => text
                .parse::<f64>()
                .map(ConfigData::Double)
                .map_err(|_| not_a_number()),
            ConfigType::List if text.is_empty() => Ok(ConfigData::List(Vec::new())),
            ConfigType::List => Ok(ConfigData::List(
                text.split(',')
                    .map(|item| item.trim().to_string())
                    .collect(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Importance;
    use super::*;

    fn def() -> ConfigDef {
        ConfigDef::new()
            .define(ConfigKey::new("name", ConfigType::String).importance(Importance::High))
            .define(
                ConfigKey::new("tasks.max", ConfigType::Int)
                    .default(1)
                    .validator(Validator::at_least(1)),
            )
            .define(ConfigKey::new("topics", ConfigType::List).default(Vec::new()))
            .define(ConfigKey::new("secret", ConfigType::Password).default_null())
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let config = ConfigMap::from_iter([("tasks.max", "abc"), ("unknown", "x")]);
        let error = def().parse(&config).unwrap_err();
        assert_eq!(
            error.message(),
            "Missing required configuration \"name\" which has no default value.\n\
             Invalid value abc for configuration tasks.max: Not a number of type INT\n\
             Invalid value null for configuration tasks.max: Value must be non-null"
        );
    }

    #[test]
    fn items_that_come_twice_are_refused_by_validation_only() {
        let def = ConfigDef::new().define(
            ConfigKey::new("fields", ConfigType::List)
                .validator(Validator::ListWithoutDuplicates { allow_empty: false }),
        );
        let config = ConfigMap::from_iter([("fields", "b, a,b")]);
        assert_eq!(def.validate(&config)[0].error_messages.len(), 1);
        let parsed = def.parse(&config).unwrap();
        assert_eq!(parsed.list("fields").unwrap(), ["b", "a"]);
    }

    #[test]
    fn values_are_trimmed_and_lists_split() {
        let config = ConfigMap::from_iter([
            ("name", " x "),
            ("topics", " a , b,c "),
            ("secret", "s3cret"),
            ("tasks.max", " +7 "),
        ]);
        let parsed = def().parse(&config).unwrap();
        assert_eq!(parsed.string("name").unwrap(), "x");
        assert_eq!(parsed.list("topics").unwrap(), ["a", "b", "c"]);
        assert_eq!(parsed.long("tasks.max").unwrap(), 7);
        let secret = parsed.password("secret").unwrap().unwrap();
        assert_eq!(secret.expose(), "s3cret");
        assert_eq!(format!("{parsed:?}").find("s3cret"), None);
        assert!(parsed.string("nonsense").is_err());
    }
}
