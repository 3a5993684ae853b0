//! The order in which Java's hash maps put the members of schemas. It shows in derived texts, and in the
//! fields of structs whose properties have no `connect.index`.

use connect_api::data::java_string_hash;

/// Entries in the order of a `HashMap` whose table begins with `num_buckets`.
pub(crate) fn hash_order<T>(
    mut entries: Vec<T>,
    num_buckets: usize,
    key: impl Fn(&T) -> &str,
) -> Vec<T> {
    let mut num_buckets = num_buckets.next_power_of_two();
    while entries.len() * 4 > num_buckets * 3 {
        num_buckets *= 2;
    }
    // The order within a bucket stays.
    entries.sort_by_cached_key(|entry| {
        let hash = java_string_hash(key(entry)).cast_unsigned();
        (hash ^ (hash >> 16)) as usize & (num_buckets - 1)
    });
    entries
}

/// Entries in the order of `new HashMap<>()` after they were put there one by one.
pub(crate) fn of_new_map<T>(entries: Vec<T>, key: impl Fn(&T) -> &str) -> Vec<T> {
    hash_order(entries, 16, key)
}

/// Entries in the order of `new HashMap<>(map)`.
pub(crate) fn of_copied_map<T>(entries: Vec<T>, key: impl Fn(&T) -> &str) -> Vec<T> {
    // The copy reserves `size / 0.75 + 1` places.
    let num_buckets = entries.len() * 4 / 3 + 1;
    hash_order(entries, num_buckets, key)
}
