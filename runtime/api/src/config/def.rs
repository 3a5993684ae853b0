//! The definition of settings: one declaration feeds parsing, validation, the validate endpoint and
//! the documentation.

use super::{ConfigData, ParsedConfig, Validator};
use indexmap::IndexMap;
use std::fmt;
use std::sync::Arc;

/// The type of a setting (`ConfigDef.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigType {
    /// `true` or `false`, in any case.
    Boolean,
    /// Text, trimmed.
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    /// A floating-point number.
    Double,
    /// Texts separated by commas.
    List,
    /// The name of a class.
    Class,
    /// A secret.
    Password,
}

impl ConfigType {
    /// The name in the REST API: `BOOLEAN`, `STRING`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How much a setting matters (`ConfigDef.Importance`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Importance {
    /// Nearly everybody sets it.
    High,
    /// Many do.
    Medium,
    /// Few do.
    Low,
}

impl Importance {
    /// `HIGH`, `MEDIUM` or `LOW`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// How wide a form should show a setting (`ConfigDef.Width`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// Not said.
    None,
    /// A number.
    Short,
    /// A name.
    Medium,
    /// A path or list.
    Long,
}

impl Width {
    /// `NONE`, `SHORT`, `MEDIUM` or `LONG`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Short => "SHORT",
            Self::Medium => "MEDIUM",
            Self::Long => "LONG",
        }
    }
}

/// Tells which values a form should offer for a setting, and whether to show it at all.
pub trait Recommender: Send + Sync {
    /// The values to offer, given the other settings; empty for any.
    fn valid_values(&self, name: &str, config: &ParsedConfig) -> Vec<String>;

    /// Whether the setting means anything, given the other settings.
    fn visible(&self, _name: &str, _config: &ParsedConfig) -> bool {
        true
    }
}

/// The value of a setting that is left out.
#[derive(Clone, Debug, PartialEq)]
enum DefaultValue {
    /// It must not be left out.
    Required,
    /// Null.
    Null,
    /// This value.
    Data(ConfigData),
}

/// A setting. Made by [`ConfigKey::new`] and the methods that follow it; without a default it is
/// required.
#[derive(Clone)]
pub struct ConfigKey {
    pub(super) name: String,
    pub(super) config_type: ConfigType,
    default: DefaultValue,
    pub(super) validator: Option<Validator>,
    importance: Importance,
    doc: String,
    group: Option<String>,
    order_in_group: i32,
    width: Width,
    display_name: Option<String>,
    dependents: Vec<String>,
    pub(super) recommender: Option<Arc<dyn Recommender>>,
    internal: bool,
}

impl ConfigKey {
    /// A required setting of low importance.
    pub fn new(name: impl Into<String>, config_type: ConfigType) -> Self {
        Self {
            name: name.into(),
            config_type,
            default: DefaultValue::Required,
            validator: None,
            importance: Importance::Low,
            doc: String::new(),
            group: None,
            order_in_group: -1,
            width: Width::None,
            display_name: None,
            dependents: Vec::new(),
            recommender: None,
            internal: false,
        }
    }

    /// The value when it is left out.
    #[must_use]
    pub fn default(mut self, value: impl Into<ConfigData>) -> Self {
        self.default = DefaultValue::Data(match (self.config_type, value.into()) {
            (ConfigType::Class, ConfigData::String(class)) => ConfigData::Class(class),
            (ConfigType::Password, ConfigData::String(secret)) => {
                ConfigData::Password(super::Password::new(secret))
            }
            (_, value) => value,
        });
        self
    }

    /// Null when it is left out.
    #[must_use]
    pub fn default_null(mut self) -> Self {
        self.default = DefaultValue::Null;
        self
    }

    /// How much it matters.
    #[must_use]
    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    /// What it does.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<String>) -> Self {
        self.doc = doc.into();
        self
    }

    /// The check of its value.
    #[must_use]
    pub fn validator(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Its place in a form.
    #[must_use]
    pub fn group(
        mut self,
        group: impl Into<String>,
        order_in_group: i32,
        width: Width,
        display_name: impl Into<String>,
    ) -> Self {
        self.group = Some(group.into());
        self.order_in_group = order_in_group;
        self.width = width;
        self.display_name = Some(display_name.into());
        self
    }

    /// Its label in a form, outside of any group.
    #[must_use]
    pub fn ungrouped(mut self, width: Width, display_name: impl Into<String>) -> Self {
        self.width = width;
        self.display_name = Some(display_name.into());
        self
    }

    /// The settings that depend on it.
    #[must_use]
    pub fn dependents<const N: usize>(mut self, dependents: [&str; N]) -> Self {
        self.dependents = dependents.map(str::to_string).to_vec();
        self
    }

    /// Which values to offer.
    #[must_use]
    pub fn recommender(mut self, recommender: Arc<dyn Recommender>) -> Self {
        self.recommender = Some(recommender);
        self
    }

    /// Keeps it out of the REST API and the documentation.
    #[must_use]
    pub fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type.
    pub fn config_type(&self) -> ConfigType {
        self.config_type
    }

    /// Whether it must be set.
    pub fn is_required(&self) -> bool {
        self.default == DefaultValue::Required
    }

    /// The default; `None` if it is required or null.
    pub fn default_data(&self) -> Option<&ConfigData> {
        match &self.default {
            DefaultValue::Data(value) => Some(value),
            DefaultValue::Required | DefaultValue::Null => None,
        }
    }

    /// How much it matters.
    pub fn get_importance(&self) -> Importance {
        self.importance
    }

    /// What it does.
    pub fn documentation(&self) -> &str {
        &self.doc
    }

    /// The group in a form.
    pub fn group_name(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The place within the group; -1 without one.
    pub fn order_in_group(&self) -> i32 {
        self.order_in_group
    }

    /// The width in a form.
    pub fn width(&self) -> Width {
        self.width
    }

    /// The label; the name where none was given.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }

    /// The settings that depend on it.
    pub fn dependent_names(&self) -> &[String] {
        &self.dependents
    }

    /// The check of its value.
    pub fn get_validator(&self) -> Option<&Validator> {
        self.validator.as_ref()
    }

    /// Whether it is kept out of the REST API.
    pub fn is_internal(&self) -> bool {
        self.internal
    }

    /// The same setting under another name, for example with a prefix.
    #[must_use]
    pub fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl fmt::Debug for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.config_type.name())
    }
}

/// The settings of a plugin, a connector or a worker, in the order of their definition.
#[derive(Clone, Debug, Default)]
pub struct ConfigDef {
    keys: IndexMap<String, ConfigKey>,
    groups: Vec<String>,
}

impl ConfigDef {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a setting; a later one of the same name takes its place.
    #[must_use]
    pub fn define(mut self, key: ConfigKey) -> Self {
        self.add(key);
        self
    }

    /// Adds a setting; a later one of the same name takes its place.
    pub fn add(&mut self, key: ConfigKey) {
        if let Some(group) = &key.group
            && !self.groups.contains(group)
        {
            self.groups.push(group.clone());
        }
        self.keys.insert(key.name.clone(), key);
    }

    /// Adds all settings of another definition.
    #[must_use]
    pub fn define_all(mut self, other: &Self) -> Self {
        for key in other.keys.values() {
            self.add(key.clone());
        }
        self
    }

    /// The settings, in the order of their definition.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &ConfigKey> {
        self.keys.values()
    }

    /// One setting.
    pub fn key(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.get(name)
    }

    /// The groups, in the order of their first use.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }
}
