//! Strings and names.

use super::JsonReader;
use crate::error::{ConnectError, Result};
use crate::json::error::{char_text, constraint, end_of_input, parse_error, unexpected_char};
use crate::json::scan::find_string_end;
use bytestring::ByteString;
use std::borrow::Cow;

/// Jackson's `StreamReadConstraints`.
const MAX_STRING_LENGTH: usize = 20_000_000;

impl<'a> JsonReader<'a> {
    /// Takes a string that is only looked at.
    #[inline]
    pub fn read_str(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at + 1;
        let end = find_string_end(self.data(), start);
        if self.data().get(end) == Some(&b'"') && end - start <= MAX_STRING_LENGTH {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.read_escaped(start, end).map(Cow::Owned)
    }

    /// Takes a string that is kept: a slice of the input if it holds no escape.
    #[inline]
    pub fn read_string(&mut self) -> Result<ByteString> {
        let start = self.at + 1;
        let end = find_string_end(self.data(), start);
        if self.data().get(end) == Some(&b'"') && end - start <= MAX_STRING_LENGTH {
            self.at = end + 1;
            let bytes = self.input.slice(start..end);
            debug_assert!(self.text.is_char_boundary(start) && self.text.is_char_boundary(end));
            // SAFETY: `text` is the valid prefix of `input`, and both ends of the slice lie beside an
            // ASCII quote in it.
            return Ok(unsafe { ByteString::from_bytes_unchecked(bytes) });
        }
        self.read_escaped(start, end).map(ByteString::from)
    }

    /// The string from `start` on whose first special byte stands at `special`.
    #[cold]
    fn read_escaped(&mut self, start: usize, special: usize) -> Result<String> {
        let data = self.data();
        let mut text = String::with_capacity(special - start + 16);
        let (mut from, mut at) = (start, special);
        loop {
            text.push_str(&self.text[from..at]);
            match data.get(at) {
                None => {
                    return Err(self.invalid_utf8().unwrap_or_else(|| {
                        end_of_input(data, "Unexpected end-of-input in VALUE_STRING")
                    }));
                }
                Some(b'"') => break,
                Some(b'\\') => at = self.unescape(at + 1, &mut text)?,
                Some(code) => {
                    return Err(parse_error(
                        data,
                        at,
                        &format!(
                            "Illegal unquoted character ((CTRL-CHAR, code {code})): has to be \
                             escaped using backslash to be included in string value"
                        ),
                    ));
                }
            }
            from = at;
            at = find_string_end(data, from);
        }
        self.at = at + 1;
        if text.len() > MAX_STRING_LENGTH && text.encode_utf16().count() > MAX_STRING_LENGTH {
            return Err(constraint(
                "String value length",
                text.encode_utf16().count(),
                MAX_STRING_LENGTH,
                "getMaxStringLength",
            ));
        }
        Ok(text)
    }

    /// Appends the character of the escape whose letter stands at `at`; returns where it ends.
    fn unescape(&self, at: usize, text: &mut String) -> Result<usize> {
        let data = self.data();
        let Some(&letter) = data.get(at) else {
            return Err(end_of_input(
                data,
                "Unexpected end-of-input in character escape sequence",
            ));
        };
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unescape_unit(at + 1, text),
            _ => {
                let message = format!("Unrecognized character escape {}", char_text(data, at));
                return Err(parse_error(data, at, &message));
            }
        };
        text.push(character);
        Ok(at + 1)
    }

    fn hex_unit(&self, at: usize) -> Result<u32> {
        let data = self.data();
        let mut unit = 0;
        for index in at..at + 4 {
            let Some(&byte) = data.get(index) else {
                return Err(end_of_input(
                    data,
                    "Unexpected end-of-input in character escape sequence",
                ));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(unexpected_char(
                    data,
                    index,
                    "expected a hex-digit for character escape sequence",
                ));
            };
            unit = unit << 4 | digit;
        }
        Ok(unit)
    }

    /// The four digits of a `\u` escape, and those of a second one if both make one character. Half
    /// of a pair, which Java can hold and UTF-8 can't, becomes U+FFFD.
    fn unescape_unit(&self, at: usize, text: &mut String) -> Result<usize> {
        let unit = self.hex_unit(at)?;
        let end = at + 4;
        if (0xD800..0xDC00).contains(&unit)
            && let Some([b'\\', b'u']) = self.data().get(end..end + 2)
        {
            let low = self.hex_unit(end + 2)?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(end + 6);
            }
        }
        text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(end)
    }

    /// The same error in the words for names.
    #[cold]
    pub(super) fn in_name(&self, error: ConnectError, start: usize) -> ConnectError {
        let data = self.data();
        let message = error.message();
        if message.starts_with("Unexpected end-of-input in VALUE_STRING") {
            return end_of_input(data, "Unexpected end-of-input in field name");
        }
        if message.starts_with("Invalid UTF-8 start") {
            let text = message.lines().next().unwrap_or_default();
            return parse_error(self.input, data.len() + 2, text);
        }
        if message.starts_with("Illegal unquoted character") {
            let at = find_control(data, start + 1);
            let code = data.get(at).copied().unwrap_or(0);
            return parse_error(
                data,
                at,
                &format!(
                    "Illegal unquoted character ((CTRL-CHAR, code {code})): has to be escaped \
                     using backslash to be included in name"
                ),
            );
        }
        error
    }
}

fn find_control(data: &[u8], from: usize) -> usize {
    (from..data.len())
        .find(|&index| data[index] < 0x20)
        .unwrap_or(data.len())
}
