//! Numbers as Jackson's nodes give them out.

use super::error::JSON_PARSE_EXCEPTION;
use crate::data::Decimal;
use crate::error::{ConnectError, Result};

/// A number of a JSON text.
#[derive(Clone, Copy, Debug)]
pub struct JsonNumber<'a> {
    text: &'a str,
    /// For a number without fraction and exponent its lowest 64 bits.
    wrapped: Option<i64>,
}

impl<'a> JsonNumber<'a> {
    pub(super) fn integer(text: &'a str, wrapped: i64) -> Self {
        Self {
            text,
            wrapped: Some(wrapped),
        }
    }

    /// The number in a text of [`Decimal`], which has no plus sign before it.
    pub(crate) fn of_decimal(text: &'a str) -> Self {
        Self::fraction(text)
    }

    pub(super) fn fraction(text: &'a str) -> Self {
        Self {
            text,
            wrapped: None,
        }
    }

    /// The number as it was written.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether it has neither fraction nor exponent.
    pub fn is_integral(&self) -> bool {
        self.wrapped.is_some()
    }

    /// `longValue()`: the whole part, of which only the lowest 64 bits stay.
    pub fn to_long(&self) -> i64 {
        self.wrapped.unwrap_or_else(|| self.truncated())
    }

    /// `intValue()`: the whole part, of which only the lowest 32 bits stay.
    pub fn to_int(&self) -> i32 {
        self.to_long() as i32
    }

    /// The value if it is an integral number of 32 bits, as `isInt()` asks.
    pub fn to_exact_int(&self) -> Option<i32> {
        self.wrapped.and_then(|_| self.text.parse().ok())
    }

    /// `doubleValue()`. There is no negative zero, because Java's `BigDecimal` has none.
    pub fn to_double(&self) -> f64 {
        let value: f64 = self.text.parse().unwrap_or(0.0);
        if value == 0.0 && self.is_zero() {
            0.0
        } else {
            value
        }
    }

    /// `floatValue()`.
    pub fn to_float(&self) -> f32 {
        let value: f32 = self.text.parse().unwrap_or(0.0);
        if value == 0.0 && self.is_zero() {
            0.0
        } else {
            value
        }
    }

    /// `decimalValue()`, with all digits.
    pub fn to_decimal(&self) -> Result<Decimal> {
        self.text.parse().map_err(|error: ConnectError| {
            ConnectError::data(format!("Malformed numeric value ({})", self.text))
                .with_class(JSON_PARSE_EXCEPTION)
                .with_cause(error)
        })
    }

    fn mantissa_and_exponent(&self) -> (&'a str, &'a str) {
        self.text.split_once(['e', 'E']).unwrap_or((self.text, ""))
    }

    fn is_zero(&self) -> bool {
        let (mantissa, _) = self.mantissa_and_exponent();
        mantissa
            .bytes()
            .all(|byte| matches!(byte, b'0' | b'.' | b'-'))
    }

    /// `BigDecimal.longValue()`.
    fn truncated(&self) -> i64 {
        let (mantissa, exponent) = self.mantissa_and_exponent();
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let num_whole_digits = (whole.len() as i64).saturating_add(exponent);
        let mut value = 0u64;
        let mut num_digits = 0i64;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if num_digits >= num_whole_digits {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            num_digits += 1;
        }
        // Ten to the power of 64 is a multiple of two to the power of 64: more zeros leave nothing.
        for _ in 0..(num_whole_digits - num_digits).clamp(0, 64) {
            value = value.wrapping_mul(10);
        }
        let value = value.cast_signed();
        if negative {
            value.wrapping_neg()
        } else {
            value
        }
    }
}
