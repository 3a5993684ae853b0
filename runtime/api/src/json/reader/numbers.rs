//! Numbers.

use super::JsonReader;
use crate::error::{ConnectError, Result};
use crate::json::error::{
    char_text, constraint, end_of_input, parse_error, unexpected_char, unrecognized_token,
};
use crate::json::number::JsonNumber;

/// Jackson's `StreamReadConstraints`.
const MAX_NUMBER_LENGTH: usize = 1000;

impl<'a> JsonReader<'a> {
    /// Takes a number. Leading zeros are accepted.
    #[inline]
    pub fn read_number(&mut self) -> Result<JsonNumber<'a>> {
        let data = self.data();
        let start = self.at;
        let negative = data.get(start) == Some(&b'-');
        let mut at = start + usize::from(negative);
        let first_digit = at;
        let mut wrapped = 0i64;
        while let Some(digit @ b'0'..=b'9') = data.get(at) {
            wrapped = wrapped
                .wrapping_mul(10)
                .wrapping_add(i64::from(digit - b'0'));
            at += 1;
        }
        if at == first_digit {
            return Err(self.no_digit_after_minus(at));
        }
        let number = if let Some(b'.' | b'e' | b'E') = data.get(at) {
            at = self.skip_fraction(at)?;
            JsonNumber::fraction(&self.text[start..at])
        } else {
            JsonNumber::integer(
                &self.text[start..at],
                if negative {
                    wrapped.wrapping_neg()
                } else {
                    wrapped
                },
            )
        };
        if at - start > MAX_NUMBER_LENGTH {
            return Err(constraint(
                "Number value length",
                at - start,
                MAX_NUMBER_LENGTH,
                "getMaxNumberLength",
            ));
        }
        if self.depth == 0
            && let Some(byte) = data.get(at)
            && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
        {
            return Err(unexpected_char(
                data,
                at,
                "Expected space separating root-level values",
            ));
        }
        self.at = at;
        Ok(number)
    }

    #[cold]
    fn no_digit_after_minus(&self, at: usize) -> ConnectError {
        let data = self.data();
        match data.get(at) {
            None => self
                .invalid_utf8()
                .unwrap_or_else(|| end_of_input(data, "Unexpected end-of-input in null")),
            Some(b'I') => unrecognized_token(self.text, self.at),
            Some(_) => parse_error(
                data,
                at,
                &format!(
                    "Unexpected character ({}) in numeric value: expected digit (0-9) to follow \
                     minus sign, for valid numeric value",
                    char_text(data, at)
                ),
            ),
        }
    }

    /// From the point or exponent on to the end of a number.
    fn skip_fraction(&self, from: usize) -> Result<usize> {
        let data = self.data();
        let skip_digits = |mut at: usize| {
            while data.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut at = from;
        if data.get(at) == Some(&b'.') {
            let end = skip_digits(at + 1);
            if end == at + 1 {
                let at = if end < data.len() { end } else { at };
                let message = format!(
                    "Unexpected character ({}) in numeric value: Decimal point not followed by a \
                     digit",
                    char_text(data, at)
                );
                return Err(parse_error(data, at, &message));
            }
            at = end;
        }
        if let Some(b'e' | b'E') = data.get(at) {
            let sign = usize::from(matches!(data.get(at + 1), Some(b'+' | b'-')));
            let first_digit = at + 1 + sign;
            let end = skip_digits(first_digit);
            if end == first_digit {
                return Err(match data.get(end) {
                    None => end_of_input(data, "Unexpected end-of-input in null"),
                    Some(_) => parse_error(
                        data,
                        end,
                        &format!(
                            "Unexpected character ({}) in numeric value: Exponent indicator not \
                             followed by a digit",
                            char_text(data, end)
                        ),
                    ),
                });
            }
            let digits = self.text[first_digit..end].trim_start_matches('0');
            if digits.len() > 10 {
                return Err(ConnectError::data(format!(
                    "Value \"{}\" can not be deserialized as `java.math.BigDecimal`, reason:  Too \
                     many nonzero exponent digits.",
                    &self.text[self.at..end]
                ))
                .with_class("java.lang.NumberFormatException"));
            }
            at = end;
        }
        Ok(at)
    }
}
