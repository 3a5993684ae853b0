//! Groups of keys with little text for each.

use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigType, Importance, Validator, Width,
};

/// The value of a key that is left out.
pub enum KeyDefault {
    /// It must be set.
    Required,
    /// None: what it stands for depends on the machine.
    Null,
    /// This value.
    Data(ConfigData),
}

macro_rules! from {
    ($($type:ty),*) => {
        $(impl From<$type> for KeyDefault {
            fn from(value: $type) -> Self {
                Self::Data(value.into())
            }
        })*
    };
}

from!(&str, bool, i64, Vec<String>);

/// Collects the keys of a group in the order of a form.
pub struct KeyGroup {
    name: &'static str,
    order: i32,
    def: ConfigDef,
}

impl KeyGroup {
    /// An empty group.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            order: 0,
            def: ConfigDef::new(),
        }
    }

    /// Adds a key.
    #[must_use]
    #[allow(clippy::too_many_arguments)]
    pub fn key(
        mut self,
        name: &str,
        config_type: ConfigType,
        importance: Importance,
        default: impl Into<KeyDefault>,
        validator: Option<Validator>,
        display_name: &str,
        doc: &str,
    ) -> Self {
        self.order += 1;
        let mut key = ConfigKey::new(name, config_type)
            .importance(importance)
            .doc(doc)
            .group(self.name, self.order, Width::Medium, display_name);
        key = match default.into() {
            KeyDefault::Required => key,
            KeyDefault::Null => key.default_null(),
            KeyDefault::Data(value) => key.default(value),
        };
        if let Some(validator) = validator {
            key = key.validator(validator);
        }
        self.def.add(key);
        self
    }

    /// The keys.
    pub fn into_def(self) -> ConfigDef {
        self.def
    }
}
