//! The order in which `java.util.HashMap` iterates over string keys. It is visible: in the bytes of
//! stored offsets and task configurations, and in every schemaless JSON object.

/// `String.hashCode()`: over UTF-16 code units.
pub fn java_string_hash(text: &str) -> i32 {
    if text.is_ascii() {
        return text.bytes().fold(0i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(i32::from(unit))
        });
    }
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// For keys in the order of their insertion into a `new HashMap<>()`, the order of iteration, as
/// indices into the input. Keys must be distinct.
///
/// The table starts with 16 buckets and doubles when three quarters are filled; within a bucket the
/// order of insertion stays. (A bucket that Java turned into a tree, from nine colliding keys on, may
/// differ.)
pub fn java_hash_order<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let hashes: Vec<u32> = keys
        .into_iter()
        .map(|key| {
            let hash = java_string_hash(key).cast_unsigned();
            hash ^ (hash >> 16)
        })
        .collect();
    let mut num_buckets = 16usize;
    while hashes.len() > num_buckets / 4 * 3 {
        num_buckets *= 2;
    }
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    // A stable sort keeps the order of insertion within a bucket; splitting buckets on growth does too.
    order.sort_by_key(|&index| hashes[index] as usize & (num_buckets - 1));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_mirror_maker_partitions() {
        let keys = ["topic", "partition", "cluster"];
        let order: Vec<&str> = java_hash_order(keys).into_iter().map(|i| keys[i]).collect();
        assert_eq!(order, ["cluster", "partition", "topic"]);
        let keys = ["database", "server"];
        let order: Vec<&str> = java_hash_order(keys).into_iter().map(|i| keys[i]).collect();
        assert_eq!(order, ["server", "database"]);
    }

    #[test]
    fn hash_counts_utf16_units() {
        assert_eq!(java_string_hash(""), 0);
        assert_eq!(java_string_hash("abc"), 96354);
        assert_eq!(java_string_hash("😀"), 0xD83D_i32 * 31 + 0xDE00_i32);
    }
}
