//! Numbers as Java prints them (`Double.toString`, `Float.toString`, from JDK 19 on: the shortest
//! digits that tell the number from its neighbours).

use std::fmt::Write;

/// `Double.toString`.
pub fn double_to_java_string(value: f64) -> String {
    let mut text = String::with_capacity(24);
    push_double(value, &mut text);
    text
}

/// `Float.toString`.
pub fn float_to_java_string(value: f32) -> String {
    let mut text = String::with_capacity(16);
    push_float(value, &mut text);
    text
}

/// Appends `Double.toString(value)`.
pub fn push_double(value: f64, out: &mut String) {
    if value.is_subnormal() {
        push_subnormal(value, ryu::Buffer::new().format_finite(value), out);
    } else if value.is_finite() && value != 0.0 {
        push_shortest(ryu::Buffer::new().format_finite(value), out);
    } else {
        push_special(value, out);
    }
}

/// Appends `Float.toString(value)`.
pub fn push_float(value: f32, out: &mut String) {
    if value.is_subnormal() {
        push_subnormal(value, ryu::Buffer::new().format_finite(value), out);
    } else if value.is_finite() && value != 0.0 {
        push_shortest(ryu::Buffer::new().format_finite(value), out);
    } else {
        push_special(f64::from(value), out);
    }
}

/// Two digits are printed anyway, so of two digits Java takes the nearest ones, also where one digit
/// would tell the number from its neighbours, which lie far apart here.
fn push_subnormal<T: std::fmt::LowerExp + std::str::FromStr + PartialEq>(
    value: T,
    shortest: &str,
    out: &mut String,
) {
    let two_digits = format!("{value:.1e}");
    if two_digits.parse().ok() == Some(value) {
        push_shortest(&two_digits, out);
    } else {
        push_shortest(shortest, out);
    }
}

fn push_special(value: f64, out: &mut String) {
    out.push_str(if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "Infinity"
    } else if value == f64::NEG_INFINITY {
        "-Infinity"
    } else if value.is_sign_negative() {
        "-0.0"
    } else {
        "0.0"
    });
}

/// `text` is a non-zero number in the form of ryu: `-12.5`, `1e21`, `1.5e-7`.
fn push_shortest(text: &str, out: &mut String) {
    let (sign, text) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().unwrap_or(0)),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = String::with_capacity(20);
    digits.push_str(whole);
    digits.push_str(fraction);
    let leading_zeros = digits.len() - digits.trim_start_matches('0').len();
    // The number is 0.DIGITS times ten to the power of `point`.
    let point = whole.len() as i32 + exponent - leading_zeros as i32;
    let digits = digits.trim_matches('0');
    out.push_str(sign);
    if (-2..=7).contains(&point) {
        push_plain(digits, point, out);
    } else {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        // Writing to a String does not fail.
        let _ = write!(out, "{first}.{rest}E{}", point - 1);
    }
}

fn push_plain(digits: &str, point: i32, out: &mut String) {
    if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(digits);
        return;
    }
    let point = point.unsigned_abs() as usize;
    if digits.len() <= point {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', point - digits.len()));
        out.push_str(".0");
    } else {
        out.push_str(&digits[..point]);
        out.push('.');
        out.push_str(&digits[point..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_as_java_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.002, "0.002"),
            (0.0001, "1.0E-4"),
            (0.00099999, "9.9999E-4"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (12_345_678.9, "1.23456789E7"),
            (1e10, "1.0E10"),
            (1e-5, "1.0E-5"),
            (-12.5, "-12.5"),
            (1.5e40, "1.5E40"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_to_java_string(value), text);
        }
        assert_eq!(float_to_java_string(12.2), "12.2");
        assert_eq!(float_to_java_string(1.234_567_9e8), "1.2345679E8");
    }

    proptest! {
        #[test]
        fn text_reads_back(value in proptest::num::f64::NORMAL) {
            let text = double_to_java_string(value);
            prop_assert_eq!(text.parse::<f64>().ok(), Some(value), "{}", text);
        }
    }
}
