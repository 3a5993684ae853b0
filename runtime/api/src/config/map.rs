//! The map of a configuration.

use indexmap::IndexMap;

/// Settings in the order in which they were written. A value may be null: `PATCH` removes keys so, and
/// validation names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigMap {
    entries: IndexMap<String, Option<String>>,
}

impl ConfigMap {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key; `None` if the key is absent or null.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key)?.as_deref()
    }

    /// Whether the key is there, be it null.
    pub fn contains_key(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Sets a key, in its place or at the end.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.entries.insert(key.into(), Some(value.into()));
    }

    /// Sets a key to a value or null.
    pub fn insert_nullable(&mut self, key: impl Into<String>, value: Option<String>) {
        self.entries.insert(key.into(), value);
    }

    /// Removes a key; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.entries.shift_remove(key).flatten()
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Option<&str>)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_deref()))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The settings whose keys begin with `prefix`, without it.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Self {
        self.entries
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_string(), value.clone())))
            .collect()
    }

    /// Adds all settings of another map; its values win.
    pub fn extend(&mut self, other: &Self) {
        for (key, value) in &other.entries {
            self.entries.insert(key.clone(), value.clone());
        }
    }

    /// The same settings in the order of a `java.util.HashMap`.
    #[must_use]
    pub fn in_java_hash_order(&self) -> Self {
        crate::data::java_hash_order(self.keys())
            .into_iter()
            .filter_map(|index| self.entries.get_index(index))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

impl FromIterator<(String, Option<String>)> for ConfigMap {
    fn from_iter<I: IntoIterator<Item = (String, Option<String>)>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for ConfigMap {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(entries: I) -> Self {
        entries
            .into_iter()
            .map(|(key, value)| (key.to_string(), Some(value.to_string())))
            .collect()
    }
}
