//! Numbers in texts.

use crate::converter::SchemaAndValue;
use crate::data::{Decimal, Schema, SchemaType, Value};
use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

/// The zeros of the scripts whose digits `Character.isDigit(char)` knows; nine digits follow each.
const ZEROS: [u32; 37] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
    0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
    0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
    0xFF10,
];

/// The value of a digit of any script.
pub(super) fn digit_value(character: char) -> Option<u8> {
    if character.is_ascii() {
        return character.to_digit(10).map(|digit| digit as u8);
    }
    let code = u32::from(character);
    let index = ZEROS.partition_point(|&zero| zero <= code).checked_sub(1)?;
    u8::try_from(code - ZEROS[index])
        .ok()
        .filter(|&digit| digit < 10)
}

pub(super) fn is_digit(character: char) -> bool {
    digit_value(character).is_some()
}

/// The same text with the digits 0 to 9.
pub(super) fn with_ascii_digits(text: &str) -> String {
    text.chars()
        .map(|character| match digit_value(character) {
            Some(digit) => char::from(b'0' + digit),
            None => character,
        })
        .collect()
}

/// A text as a number: the smallest integer type that holds it, else a float, even if digits get lost,
/// else a double, else a decimal. `None` if it is no number.
pub(super) fn parse_number(word: &str) -> Option<SchemaAndValue> {
    let text = with_ascii_digits(word);
    let decimal: Decimal = text.parse().ok()?;
    if let Some(integer) = exact_integer(&decimal) {
        return Some(smallest_integer(integer));
    }
    let some = |schema_type, value| {
        let schema = Schema::primitive(schema_type, false).ok();
        Some(SchemaAndValue { schema, value })
    };
    if decimal.scale != 0 {
        let float: f32 = text.parse().ok()?;
        if float.is_finite() {
            return some(SchemaType::Float32, Value::Float32(float));
        }
        let double: f64 = text.parse().ok()?;
        if double.is_finite() {
            return some(SchemaType::Float64, Value::Float64(double));
        }
    }
    Some(SchemaAndValue {
        schema: Decimal::builder(decimal.scale).build().ok(),
        value: Value::from(decimal),
    })
}

/// The value if it is whole and fits 64 bits. Looks at the number of digits first, so that `1e999999999`
/// costs nothing.
fn exact_integer(decimal: &Decimal) -> Option<i64> {
    if decimal.unscaled.is_zero() {
        return Some(0);
    }
    if decimal.scale <= 0 {
        let num_zeros = decimal.scale.unsigned_abs();
        if num_zeros > 18 {
            return None;
        }
        return (&decimal.unscaled * BigInt::from(10).pow(num_zeros)).to_i64();
    }
    let digits = decimal.unscaled.to_string();
    let num_fraction_digits = decimal.scale.unsigned_abs() as usize;
    let at = digits.len().checked_sub(num_fraction_digits)?;
    let (whole, fraction) = digits.split_at(at);
    if !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    whole.parse().ok()
}

fn smallest_integer(integer: i64) -> SchemaAndValue {
    let (schema, value) = if let Ok(value) = i8::try_from(integer) {
        (Schema::int8(), Value::Int8(value))
    } else if let Ok(value) = i16::try_from(integer) {
        (Schema::int16(), Value::Int16(value))
    } else if let Ok(value) = i32::try_from(integer) {
        (Schema::int32(), Value::Int32(value))
    } else {
        (Schema::int64(), Value::Int64(integer))
    };
    SchemaAndValue {
        schema: Some(schema),
        value,
    }
}
