//! Maps.

use super::Value;
use std::fmt;
use std::sync::Arc;

/// A map in the order in which Java would iterate over it. Records of one shape share their keys, so a
/// map costs one allocation for its values.
///
/// Whoever fills a map that stands for a `java.util.HashMap` puts the keys into
/// [`java_hash_order`](super::java_hash_order); the order is visible in bytes and texts.
#[derive(Clone, Debug, Default)]
pub struct Map {
    keys: Arc<Vec<Value>>,
    values: Vec<Value>,
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// A map of values for keys that other maps share. Both must be equally long; what is over on
    /// either side is dropped.
    pub fn with_shared_keys(keys: Arc<Vec<Value>>, mut values: Vec<Value>) -> Self {
        if keys.len() == values.len() {
            return Self { keys, values };
        }
        values.truncate(keys.len());
        let mut keys = keys;
        Arc::make_mut(&mut keys).truncate(values.len());
        Self { keys, values }
    }

    /// The keys, in order.
    pub fn shared_keys(&self) -> &Arc<Vec<Value>> {
        &self.keys
    }

    /// The values, in the order of the keys.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, in the order of the keys.
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }

    /// Keys and values, to be taken.
    pub fn into_parts(self) -> (Arc<Vec<Value>>, Vec<Value>) {
        (self.keys, self.values)
    }

    /// Keys and values, to be changed together: for transforms, which put values under other keys. The
    /// caller answers for one value for each key.
    pub fn parts_mut(&mut self) -> (&mut Arc<Vec<Value>>, &mut Vec<Value>) {
        (&mut self.keys, &mut self.values)
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Value, &Value)> {
        self.keys.iter().zip(&self.values)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn position(&self, key: &Value) -> Option<usize> {
        self.keys.iter().position(|candidate| candidate == key)
    }

    /// The value of a key.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        self.position(key).and_then(|index| self.values.get(index))
    }

    /// The value of a string key.
    pub fn get_str(&self, key: &str) -> Option<&Value> {
        let index = self
            .keys
            .iter()
            .position(|candidate| candidate.as_str() == Some(key))?;
        self.values.get(index)
    }

    /// Sets the value of a key: in its place, or at the end if the key is new.
    pub fn insert(&mut self, key: impl Into<Value>, value: impl Into<Value>) {
        let key = key.into();
        match self.position(&key) {
            Some(index) => self.values[index] = value.into(),
            None => {
                Arc::make_mut(&mut self.keys).push(key);
                self.values.push(value.into());
            }
        }
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &Value) -> Option<Value> {
        let index = self.position(key)?;
        Arc::make_mut(&mut self.keys).remove(index);
        Some(self.values.remove(index))
    }

    /// The same entries in the order of a `java.util.HashMap`. If a key is bytes or a struct, whose
    /// place there nobody can foresee, the order stays.
    #[must_use]
    pub fn into_java_hash_order(self) -> Self {
        self.into_java_hash_order_from(16)
    }

    /// [`Map::into_java_hash_order`] for a map that was made with a table of that many buckets, a power
    /// of two: a copy of a map and a map of a given capacity begin with other tables than an empty one.
    #[must_use]
    pub fn into_java_hash_order_from(self, num_buckets: usize) -> Self {
        let order = super::java_hash::java_value_hash_order(self.keys.iter(), num_buckets);
        let Some(order) = order else {
            return self;
        };
        let keys = order
            .iter()
            .map(|&index| self.keys[index].clone())
            .collect();
        let mut values = self.values;
        let values = order
            .iter()
            .map(|&index| std::mem::replace(&mut values[index], Value::Null))
            .collect();
        Self {
            keys: Arc::new(keys),
            values,
        }
    }
}

/// Equal if the entries are, in any order, as in Java.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && ((Arc::ptr_eq(&self.keys, &other.keys) && self.values == other.values)
                || self
                    .iter()
                    .all(|(key, value)| other.get(key) == Some(value)))
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// Java's `AbstractMap.toString()`: `{a=1, b=x}`.
impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (key, value)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{key}={value}")?;
        }
        f.write_str("}")
    }
}
