//! One value as another primitive type.

use super::spec::{OUTPUT_TYPES, names};
use connect_api::data::values::{convert_to_string, parse_string};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaType, Value};
use connect_api::{ConnectError, Result};
use num_bigint::BigInt;
use std::str::FromStr;

/// The value as `target`. Numbers are cut as Java's casts do it; texts must be numbers of the type.
pub(super) fn cast(schema: Option<&Schema>, value: &Value, target: SchemaType) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let source = match schema {
        Some(schema) => schema.schema_type(),
        None => type_of(value)?,
    };
    if source != SchemaType::Bytes && !OUTPUT_TYPES.contains(&source) {
        return Err(ConnectError::data(format!(
            "Cast transformation does not support casting from {source}; supported types are {}",
            names(&[&OUTPUT_TYPES[..], &[SchemaType::Bytes]].concat())
        )));
    }
    if target == SchemaType::String {
        return Ok(match value {
            Value::String(_) => value.clone(),
            Value::Date(_) | Value::Bytes(_) => Value::from(convert_to_string(value)),
            other => match other.as_i64() {
                // One copy of the digits, where a text made bit by bit would be moved as it grows.
                Some(number) => Value::from(itoa::Buffer::new().format(number)),
                None => Value::from(other.to_string()),
            },
        });
    }
    let encoded;
    let value = match schema.and_then(LogicalType::of) {
        Some(LogicalType::Decimal) | None => value,
        Some(logical_type) => {
            let Value::Date(ms) = value else {
                return Err(crate::requirements::class_cast(value, "java.util.Date"));
            };
            encoded = logical_type.date_to_number(*ms)?;
            &encoded
        }
    };
    to_primitive(value, target)
}

/// The type that the class of a schemaless value stands for.
fn type_of(value: &Value) -> Result<SchemaType> {
    Ok(match value {
        Value::Boolean(_) => SchemaType::Boolean,
        Value::Int8(_) => SchemaType::Int8,
        Value::Int16(_) => SchemaType::Int16,
        Value::Int32(_) => SchemaType::Int32,
        Value::Int64(_) => SchemaType::Int64,
        Value::Float32(_) => SchemaType::Float32,
        Value::Float64(_) => SchemaType::Float64,
        Value::String(_) => SchemaType::String,
        Value::Bytes(_) => SchemaType::Bytes,
        Value::Array(_) => SchemaType::Array,
        Value::Map(_) => SchemaType::Map,
        Value::Struct(_) => SchemaType::Struct,
        Value::Null | Value::Decimal(_) | Value::Date(_) => {
            return Err(ConnectError::data(format!(
                "Cast transformation was passed a value of type class {} which is not supported by \
                 Connect's data API",
                value.java_class().unwrap_or("null")
            )));
        }
    })
}

/// A number in the widest type of its kind.
enum Number {
    Long(i64),
    Double(f64),
    /// Kept apart from doubles, which would round it twice.
    Decimal(Decimal),
}

fn to_primitive(value: &Value, target: SchemaType) -> Result<Value> {
    let number = match value {
        Value::Boolean(flag) => Number::Long(i64::from(*flag)),
        Value::Float32(number) => Number::Double(f64::from(*number)),
        Value::Float64(number) => Number::Double(*number),
        Value::Decimal(decimal) => Number::Decimal((**decimal).clone()),
        Value::String(text) => return parse(text, target),
        other => match other.as_i64() {
            Some(number) => Number::Long(number),
            None => {
                return Err(ConnectError::data(format!(
                    "Unexpected type in Cast transformation: class {}",
                    other.java_class().unwrap_or("null")
                )));
            }
        },
    };
    // A float's way to the small integers leads through int, a decimal's through long.
    let (as_int, as_long) = match &number {
        Number::Long(number) => (*number as i32, *number),
        Number::Double(number) => (*number as i32, *number as i64),
        Number::Decimal(decimal) => {
            let long = long_of_decimal(decimal);
            (long as i32, long)
        }
    };
    Ok(match target {
        SchemaType::Int8 => Value::Int8(as_int as i8),
        SchemaType::Int16 => Value::Int16(as_int as i16),
        SchemaType::Int32 => Value::Int32(as_int),
        SchemaType::Int64 => Value::Int64(as_long),
        SchemaType::Float32 => Value::Float32(match &number {
            Number::Long(number) => *number as f32,
            Number::Double(number) => *number as f32,
            Number::Decimal(decimal) => decimal.to_string().parse().unwrap_or(f32::NAN),
        }),
        SchemaType::Float64 => Value::Float64(match &number {
            Number::Long(number) => *number as f64,
            Number::Double(number) => *number,
            Number::Decimal(decimal) => decimal.to_string().parse().unwrap_or(f64::NAN),
        }),
        SchemaType::Boolean => Value::Boolean(as_long != 0),
        other => {
            return Err(ConnectError::data(format!(
                "{other} is not supported in the Cast transformation."
            )));
        }
    })
}

/// `BigDecimal.longValue()`: the low 64 bits of the whole part.
fn long_of_decimal(decimal: &Decimal) -> i64 {
    const LOW_BITS: u64 = u64::MAX;
    let num_bits = i64::try_from(decimal.unscaled.bits()).unwrap_or(i64::MAX);
    // From 64 zeros on the low bits are 0. Ten is more than three bits: with so many digits behind the
    // point there is no whole part.
    if decimal.scale <= -64 || i64::from(decimal.scale).saturating_mul(3) > num_bits {
        return 0;
    }
    let power = BigInt::from(10).pow(decimal.scale.unsigned_abs());
    let whole = if decimal.scale < 0 {
        &decimal.unscaled * power
    } else {
        &decimal.unscaled / power
    };
    let low: BigInt = whole & BigInt::from(LOW_BITS);
    low.iter_u64_digits().next().unwrap_or(0).cast_signed()
}

fn parse(text: &str, target: SchemaType) -> Result<Value> {
    let parsed = match target {
        SchemaType::Boolean => Some(Value::Boolean(text.eq_ignore_ascii_case("true"))),
        SchemaType::Int8 => integer(text).map(Value::Int8),
        SchemaType::Int16 => integer(text).map(Value::Int16),
        SchemaType::Int32 => integer(text).map(Value::Int32),
        SchemaType::Int64 => integer(text).map(Value::Int64),
        SchemaType::Float32 => java_float_text(text).and_then(|text| match text {
            FloatText::Special(number) => Some(Value::Float32(number as f32)),
            FloatText::Digits(digits) => digits.parse().ok().map(Value::Float32),
        }),
        SchemaType::Float64 => java_float_text(text).and_then(|text| match text {
            FloatText::Special(number) => Some(Value::Float64(number)),
            FloatText::Digits(digits) => digits.parse().ok().map(Value::Float64),
        }),
        _ => None,
    };
    parsed.ok_or_else(|| {
        ConnectError::data(format!(
            "Value ({text}) was out of range for requested data type"
        ))
        .with_cause(
            ConnectError::data(format!("For input string: \"{text}\""))
                .with_class("java.lang.NumberFormatException"),
        )
    })
}

/// `Long.parseLong` and its like: a sign, and digits of any script.
fn integer<T: FromStr + TryFrom<i64>>(text: &str) -> Option<T> {
    if text.is_ascii() {
        return text.parse().ok();
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.chars().all(char::is_numeric) {
        return None;
    }
    let number = parse_string(text).ok()?.value.as_i64()?;
    T::try_from(number).ok()
}

enum FloatText<'a> {
    /// Not a number, infinite, or written in hexadecimal digits.
    Special(f64),
    Digits(&'a str),
}

/// What `Double.parseDouble` takes: blanks around, a type letter behind, `NaN`, `Infinity`, and
/// hexadecimal digits with a binary exponent.
fn java_float_text(text: &str) -> Option<FloatText<'_>> {
    let text = text.trim_matches(|character| character <= ' ');
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = |number: f64| if negative { -number } else { number };
    match unsigned {
        "NaN" => return Some(FloatText::Special(f64::NAN)),
        "Infinity" => return Some(FloatText::Special(signed(f64::INFINITY))),
        _ => {}
    }
    let without_letter = |text| str::strip_suffix(text, ['f', 'F', 'd', 'D']).unwrap_or(text);
    if let Some(digits) = unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"))
    {
        return hexadecimal(without_letter(digits))
            .map(|number| FloatText::Special(signed(number)));
    }
    // Only digits, one point and an exponent are left, which Rust reads as Java does.
    unsigned
        .bytes()
        .next()
        .filter(|byte| byte.is_ascii_digit() || *byte == b'.')?;
    Some(FloatText::Digits(without_letter(text)))
}

/// `1.8p3`: up to 53 bits of digits, exactly; longer ones are cut.
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa = 0u64;
    let mut shift = 0i32;
    for (place, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = digit.to_digit(16)?;
        let is_fraction = place >= whole.len();
        if mantissa >> 49 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            shift = shift.saturating_sub(if is_fraction { 4 } else { 0 });
        } else {
            shift = shift.saturating_add(if is_fraction { 0 } else { 4 });
        }
    }
    Some(mantissa as f64 * f64::from(shift.saturating_add(exponent)).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(text: &str) -> Option<f64> {
        match parse(text, SchemaType::Float64) {
            Ok(Value::Float64(number)) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn doubles_are_read_as_in_java() {
        for (text, number) in [
            (" 1.5f ", 1.5),
            ("1D", 1.0),
            (".5", 0.5),
            ("-1.e3", -1000.0),
            ("0x1.8p1", 3.0),
            ("-0X10P0d", -16.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e999", f64::INFINITY),
        ] {
            assert_eq!(double(text), Some(number), "{text}");
        }
        assert!(double("NaN").is_some_and(f64::is_nan));
        for text in [
            "", "inf", "nan", "infinity", "1.5ff", "0x1", "0xp1", "1_0", "f", "--1", "+",
        ] {
            assert_eq!(double(text), None, "{text}");
        }
    }

    #[test]
    fn the_low_bits_of_a_decimal_count() {
        let long = |text: &str| long_of_decimal(&text.parse().unwrap());
        assert_eq!(long("-1.9"), -1);
        assert_eq!(long("18446744073709551617.5"), 1);
        assert_eq!(long("-18446744073709551617"), -1);
        assert_eq!(long("1E+2000000000"), 0);
        assert_eq!(long("1E-2000000000"), 0);
        assert_eq!(long("9E+3"), 9000);
    }
}
