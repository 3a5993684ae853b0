//! `java.math.BigDecimal` to BSON's 128-bit decimal.

use bson::Decimal128;
use connect_api::data::Decimal;
use connect_api::{ConnectError, Result};

const MIN_EXPONENT: i64 = -6176;
const MAX_EXPONENT: i64 = 6111;
const MAX_DIGITS: usize = 34;

/// Converts a decimal. One that does not fit without loss is an error.
pub fn to_decimal128(decimal: &Decimal) -> Result<Decimal128> {
    let negative = decimal.unscaled.sign() == num_bigint::Sign::Minus;
    let mut digits = decimal.unscaled.magnitude().to_string();
    let mut exponent = -i64::from(decimal.scale);
    let no_fit = |what: &str| {
        ConnectError::data(format!(
            "Exponent is out of range for Decimal128 encoding{what}"
        ))
        .with_class("java.lang.NumberFormatException")
    };
    if digits == "0" {
        exponent = exponent.clamp(MIN_EXPONENT, MAX_EXPONENT);
    }
    while exponent < MIN_EXPONENT || digits.len() > MAX_DIGITS {
        if !digits.ends_with('0') || digits.len() == 1 {
            return Err(ConnectError::data(
                "Conversion to Decimal128 would require inexact rounding",
            )
            .with_class("java.lang.NumberFormatException"));
        }
        digits.pop();
        exponent += 1;
    }
    while exponent > MAX_EXPONENT {
        if digits.len() >= MAX_DIGITS {
            return Err(no_fit(""));
        }
        digits.push('0');
        exponent -= 1;
    }
    let sign = if negative { "-" } else { "" };
    format!("{sign}{digits}E{exponent}")
        .parse()
        .map_err(|error: bson::error::Error| no_fit(&format!(": {error}")))
}

/// Converts a decimal of a document. What `java.math.BigDecimal` has no value for is an error.
pub fn from_decimal128(decimal: Decimal128) -> Result<Decimal> {
    let text = decimal.to_string();
    let what = if text.ends_with("NaN") {
        "NaN"
    } else if text.contains("Inf") {
        "Infinity"
    } else {
        let parsed: Decimal = text.parse()?;
        if !text.starts_with('-') || parsed.unscaled.sign() != num_bigint::Sign::NoSign {
            return Ok(parsed);
        }
        "Negative zero"
    };
    Err(
        ConnectError::data(format!("{what} can not be converted to a BigDecimal"))
            .with_class("java.lang.ArithmeticException"),
    )
}
