//! Schemaless maps put together anew, in the order in which Java's `HashMap` would have them.
//!
//! Every transform of Kafka copies the map and changes the copy. The order of the result depends on the
//! size of the table that the copy begins with and on the order in which keys came into it. Maps of one
//! shape share their keys, so the order is found once for each shape.

use connect_api::Result;
use connect_api::data::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// As many shapes are kept.
const MAX_SHAPES: usize = 16;
/// Maps with more keys are data rather than records: each may have its own.
const MAX_KEYS: usize = 256;

/// The buckets that `new HashMap<>(map)` begins with (from JDK 19 on).
fn buckets_of_copy(num_keys: usize) -> usize {
    if num_keys == 0 {
        16
    } else {
        (num_keys * 4).div_ceil(3).next_power_of_two()
    }
}

/// The buckets that `new HashMap<>(capacity)` begins with.
pub(crate) fn buckets_of_capacity(capacity: usize) -> usize {
    capacity.max(1).next_power_of_two()
}

/// Where a value of a new map comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The value at this index of the old map.
    Old(usize),
    /// The value that was put, by its number.
    New(usize),
}

/// Keys in the order of their insertion, each with the source of its value.
#[derive(Debug, Default)]
pub(crate) struct Insertions {
    entries: Vec<(Value, Source)>,
    /// Positions by key, from the time on that a scan would take long.
    positions: HashMap<String, usize>,
}

const MAX_SCANNED: usize = 32;

impl Insertions {
    fn position(&self, key: &Value) -> Option<usize> {
        match key.as_str() {
            Some(text) if self.entries.len() > MAX_SCANNED => self.positions.get(text).copied(),
            _ => self.entries.iter().position(|(known, _)| known == key),
        }
    }

    /// `put`: a key that is there keeps its place.
    pub(crate) fn put(&mut self, key: Value, source: Source) {
        if let Some(position) = self.position(&key) {
            self.entries[position].1 = source;
            return;
        }
        self.entries.push((key, source));
        if self.entries.len() > MAX_SCANNED {
            let first_unknown = self.positions.len();
            for (position, (key, _)) in self.entries.iter().enumerate().skip(first_unknown) {
                if let Some(text) = key.as_str() {
                    self.positions.insert(text.to_string(), position);
                }
            }
        }
    }

    /// The entries in the order of insertion (`LinkedHashMap`).
    pub(crate) fn in_order(self) -> MapEdit {
        let (keys, sources) = self.entries.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        MapEdit::new(keys, sources)
    }

    /// The entries in the order of a `HashMap` that began with that many buckets.
    pub(crate) fn in_hash_order(self, num_buckets: usize) -> MapEdit {
        let (keys, sources) = self.entries.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let places = (0..keys.len() as i64).map(Value::Int64).collect();
        let (keys, places) = Map::with_shared_keys(Arc::new(keys), places)
            .into_java_hash_order_from(num_buckets)
            .into_parts();
        let sources = places
            .iter()
            .filter_map(|place| sources.get(usize::try_from(place.as_i64()?).ok()?).copied())
            .collect();
        MapEdit { keys, sources }.simplified()
    }
}

/// How maps of one shape are changed.
#[derive(Debug)]
pub(crate) struct MapEdit {
    keys: Arc<Vec<Value>>,
    /// One for each key; empty if all values stay where they are.
    sources: Vec<Source>,
}

impl MapEdit {
    fn new(keys: Vec<Value>, sources: Vec<Source>) -> Self {
        Self {
            keys: Arc::new(keys),
            sources,
        }
        .simplified()
    }

    fn simplified(mut self) -> Self {
        let unchanged = |(index, source): (usize, &Source)| *source == Source::Old(index);
        if self.sources.iter().enumerate().all(unchanged) {
            self.sources.clear();
        }
        self
    }

    /// `new HashMap<>(map)`, then `put` for each of the new keys, in order.
    pub(crate) fn copy_and_put<'a>(
        keys: &[Value],
        new_keys: impl IntoIterator<Item = &'a Value>,
    ) -> Self {
        let mut insertions = Insertions::default();
        for (index, key) in keys.iter().enumerate() {
            insertions.put(key.clone(), Source::Old(index));
        }
        for (number, key) in new_keys.into_iter().enumerate() {
            insertions.put(key.clone(), Source::New(number));
        }
        insertions.in_hash_order(buckets_of_copy(keys.len()))
    }

    /// `new HashMap<>(map)`, then `remove` for the keys that `is_removed` tells.
    pub(crate) fn copy_and_remove(keys: &[Value], is_removed: impl Fn(&Value) -> bool) -> Self {
        let mut insertions = Insertions::default();
        for (index, key) in keys.iter().enumerate() {
            if !is_removed(key) {
                insertions.put(key.clone(), Source::Old(index));
            }
        }
        // Removing makes no table smaller.
        insertions.in_hash_order(buckets_of_copy(keys.len()))
    }

    /// The keys of the maps that it makes.
    pub(crate) fn keys(&self) -> &Arc<Vec<Value>> {
        &self.keys
    }

    /// Changes a map of the shape that the edit was made for; `new` are the values of the new keys, by
    /// their numbers.
    pub(crate) fn apply(&self, map: &mut Map, new: &mut [Value]) {
        let (keys, values) = map.parts_mut();
        if !self.sources.is_empty() {
            let take = |values: &mut [Value], index: usize| {
                values
                    .get_mut(index)
                    .map_or(Value::Null, |value| std::mem::replace(value, Value::Null))
            };
            let edited = self.sources.iter().map(|source| match *source {
                Source::Old(index) => take(values, index),
                Source::New(number) => take(new, number),
            });
            *values = edited.collect();
        }
        values.truncate(self.keys.len());
        *keys = self.keys.clone();
    }
}

/// What was found out about shapes of maps, for those seen last. A shape is known by the address of its
/// keys, and if that is new by the keys themselves. `variant` tells edits of one shape apart.
#[derive(Debug)]
pub(crate) struct ShapeCache<T> {
    entries: Vec<Entry<T>>,
    last: usize,
    oldest: usize,
}

#[derive(Debug)]
struct Entry<T> {
    keys: Arc<Vec<Value>>,
    variant: u8,
    made: T,
}

impl<T> Default for ShapeCache<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            last: 0,
            oldest: 0,
        }
    }
}

impl<T> ShapeCache<T> {
    /// What belongs to the shape; `make` finds it out if the shape is new. Its error is not kept.
    #[inline]
    pub(crate) fn get_or_make(
        &mut self,
        keys: &Arc<Vec<Value>>,
        variant: u8,
        make: impl FnOnce(&[Value]) -> Result<T>,
    ) -> Result<&T> {
        let is_last = self
            .entries
            .get(self.last)
            .is_some_and(|entry| Arc::ptr_eq(&entry.keys, keys) && entry.variant == variant);
        if !is_last {
            self.last = match self.find(keys, variant) {
                Some(index) => index,
                None => {
                    let made = make(keys)?;
                    self.keep(Entry {
                        keys: keys.clone(),
                        variant,
                        made,
                    })
                }
            };
        }
        Ok(&self.entries[self.last].made)
    }

    fn find(&mut self, keys: &Arc<Vec<Value>>, variant: u8) -> Option<usize> {
        let same_address = self
            .entries
            .iter()
            .position(|entry| entry.variant == variant && Arc::ptr_eq(&entry.keys, keys));
        if same_address.is_some() {
            return same_address;
        }
        let index = self
            .entries
            .iter()
            .position(|entry| entry.variant == variant && entry.keys == *keys)?;
        self.entries[index].keys = keys.clone();
        Some(index)
    }

    fn keep(&mut self, entry: Entry<T>) -> usize {
        // A map of very many keys takes the place of the last one of its kind.
        let too_many = |entry: &Entry<T>| entry.keys.len() > MAX_KEYS;
        if too_many(&entry)
            && let Some(index) = self.entries.iter().position(too_many)
        {
            self.entries[index] = entry;
            return index;
        }
        if self.entries.len() < MAX_SHAPES {
            self.entries.push(entry);
            return self.entries.len() - 1;
        }
        let index = self.oldest;
        self.oldest = (index + 1) % MAX_SHAPES;
        self.entries[index] = entry;
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings<const N: usize>(texts: [&str; N]) -> Vec<Value> {
        texts.map(Value::from).to_vec()
    }

    fn edited(edit: &MapEdit, map: Map, new: &mut [Value]) -> String {
        let mut map = map;
        edit.apply(&mut map, new);
        map.to_string()
    }

    #[test]
    fn tables_are_as_large_as_javas() {
        assert_eq!(
            [0, 1, 2, 3, 4, 6, 7, 12, 13].map(buckets_of_copy),
            [16, 2, 4, 4, 8, 8, 16, 16, 32]
        );
        assert_eq!([0, 1, 3, 4, 5].map(buckets_of_capacity), [1, 1, 4, 4, 8]);
    }

    #[test]
    fn a_put_overwrites_in_place_and_adds_in_hash_order() {
        let map: Map = [("b", 1), ("a", 2)].into_iter().collect();
        let new_keys = strings(["a", "c"]);
        let edit = MapEdit::copy_and_put(map.shared_keys(), &new_keys);
        let mut new = [Value::Int32(7), Value::Int32(8)];
        assert_eq!(edited(&edit, map, &mut new), "{a=7, b=1, c=8}");
    }

    #[test]
    fn a_map_that_stays_is_not_put_together_anew() {
        let map: Map = [("a", 1), ("b", 2)].into_iter().collect();
        let edit = MapEdit::copy_and_put(map.shared_keys(), &[]);
        assert!(edit.sources.is_empty());
        assert_eq!(edited(&edit, map, &mut []), "{a=1, b=2}");
    }

    #[test]
    fn many_keys_are_found_without_a_scan() {
        let keys: Vec<Value> = (0..5_000).map(|n| Value::from(format!("key{n}"))).collect();
        let edit = MapEdit::copy_and_put(&keys, &keys);
        assert_eq!(edit.keys.len(), keys.len());
        assert!(edit.sources.iter().all(|s| matches!(s, Source::New(_))));
    }

    #[test]
    fn shapes_are_known_by_address_and_by_keys() {
        let mut cache = ShapeCache::default();
        let mut num_made = 0;
        let (a, same_as_a) = (Arc::new(strings(["a"])), Arc::new(strings(["a"])));
        for (keys, variant) in [(&a, 0), (&same_as_a, 0), (&a, 1), (&a, 0)] {
            let made = cache.get_or_make(keys, variant, |_| {
                num_made += 1;
                Ok(variant)
            });
            assert_eq!(*made.unwrap(), variant);
        }
        assert_eq!(num_made, 2);
        for index in 0..100 {
            let keys = Arc::new(vec![
                Value::Int32(index);
                if index % 2 == 0 { 1 } else { 300 }
            ]);
            cache.get_or_make(&keys, 0, |_| Ok(0)).unwrap();
        }
        assert_eq!(cache.entries.len(), MAX_SHAPES);
        let large = cache.entries.iter().filter(|e| e.keys.len() > MAX_KEYS);
        assert_eq!(large.count(), 1);
    }
}
