//! The order in which `java.util.HashMap` iterates over string keys. It is visible: in the bytes of
//! stored offsets and task configurations, and in every schemaless JSON object.

use super::Value;
use num_bigint::Sign;

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
    bucket_order(keys.into_iter().map(java_string_hash), 16)
}

/// [`java_hash_order`] for keys of any class and a table that starts with `num_buckets`; `None` if one
/// of them has a hash that differs from one JVM to the next.
pub(super) fn java_value_hash_order<'a>(
    keys: impl IntoIterator<Item = &'a Value>,
    num_buckets: usize,
) -> Option<Vec<usize>> {
    let hashes: Option<Vec<i32>> = keys.into_iter().map(java_value_hash).collect();
    Some(bucket_order(hashes?.into_iter(), num_buckets))
}

/// `hashCode()`; `None` for byte arrays and structs, whose identity counts.
fn java_value_hash(value: &Value) -> Option<i32> {
    let of_long = |bits: i64| (bits ^ (bits.cast_unsigned() >> 32).cast_signed()) as i32;
    Some(match value {
        Value::Null => 0,
        Value::Boolean(true) => 1231,
        Value::Boolean(false) => 1237,
        Value::Int8(value) => i32::from(*value),
        Value::Int16(value) => i32::from(*value),
        Value::Int32(value) => *value,
        Value::Int64(value) | Value::Date(value) => of_long(*value),
        Value::Float32(value) if value.is_nan() => 0x7fc0_0000,
        Value::Float32(value) => value.to_bits().cast_signed(),
        Value::Float64(value) if value.is_nan() => of_long(0x7ff8_0000_0000_0000),
        Value::Float64(value) => of_long(value.to_bits().cast_signed()),
        Value::String(text) => java_string_hash(text),
        Value::Array(items) => {
            let mut hash = 1i32;
            for item in items {
                hash = hash.wrapping_mul(31).wrapping_add(java_value_hash(item)?);
            }
            hash
        }
        Value::Map(map) => {
            let mut hash = 0i32;
            for (key, value) in map.iter() {
                hash = hash.wrapping_add(java_value_hash(key)? ^ java_value_hash(value)?);
            }
            hash
        }
        Value::Decimal(decimal) => {
            let magnitude = decimal
                .unscaled
                .iter_u32_digits()
                .rev()
                .fold(0i32, |hash, digit| {
                    hash.wrapping_mul(31).wrapping_add(digit.cast_signed())
                });
            let hash = if decimal.unscaled.sign() == Sign::Minus {
                magnitude.wrapping_neg()
            } else {
                magnitude
            };
            hash.wrapping_mul(31).wrapping_add(decimal.scale)
        }
        Value::Bytes(_) | Value::Struct(_) => return None,
    })
}

fn bucket_order(hashes: impl Iterator<Item = i32>, num_buckets: usize) -> Vec<usize> {
    let hashes: Vec<u32> = hashes
        .map(|hash| {
            let hash = hash.cast_unsigned();
            hash ^ (hash >> 16)
        })
        .collect();
    let mut num_buckets = num_buckets.max(1);
    while hashes.len() > num_buckets * 3 / 4 {
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
