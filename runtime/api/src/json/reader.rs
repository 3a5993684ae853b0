//! A pull parser over the bytes of one record.

use super::error::{
    VALUES, char_text, constraint, end_between_entries, end_of_input, is_word_byte, parse_error,
    unclosed, unexpected_char, unexpected_close, unrecognized_token,
};
use super::number::JsonNumber;
use super::scan::find_string_end;
use crate::error::{ConnectError, Result};
use bytes::Bytes;
use bytestring::ByteString;
use std::borrow::Cow;

/// Jackson's `StreamReadConstraints`.
const MAX_NESTING_DEPTH: usize = 1000;
const MAX_NUMBER_LENGTH: usize = 1000;
const MAX_NAME_LENGTH: usize = 50_000;
const MAX_STRING_LENGTH: usize = 100_000_000;

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// `[`.
    Array,
    /// `{`.
    Object,
}

impl JsonKind {
    /// The name that Jackson prints: `NULL`, `BOOLEAN`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::Number => "NUMBER",
            Self::String => "STRING",
            Self::Array => "ARRAY",
            Self::Object => "OBJECT",
        }
    }
}

/// Reads one JSON text piece by piece, and copies nothing that it can share.
///
/// [`peek`](Self::peek) tells what comes next; exactly one of the `read_*`, `begin_*` and
/// [`skip_value`](Self::skip_value) methods must then take it. After `begin_object`, call
/// [`next_member`](Self::next_member), and after `begin_array`
/// [`next_item`](Self::next_item), before each value until they say that there is none.
///
/// Errors are of kind [`Data`](crate::ErrorKind::Data) and carry Jackson's class and message. After
/// one, only [`rewind`](Self::rewind) makes sense. What follows the first value is not looked at.
#[derive(Clone, Debug)]
pub struct JsonReader<'a> {
    input: &'a Bytes,
    /// The input up to the first byte that is not UTF-8.
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> JsonReader<'a> {
    /// A reader at the beginning of a text.
    pub fn new(input: &'a Bytes) -> Self {
        let text = match std::str::from_utf8(input) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&input[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self {
            input,
            text,
            at: if text.starts_with('\u{FEFF}') { 3 } else { 0 },
            depth: 0,
        }
    }

    /// The position of the next byte.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The bytes from `start` up to the position, shared with the input.
    pub fn slice_from(&self, start: usize) -> Bytes {
        self.input.slice(start.min(self.at)..self.at)
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.data()[self.at..]
    }

    /// Passes over bytes of which the caller knows that they are whole values.
    pub fn advance(&mut self, num_bytes: usize) {
        self.at = (self.at + num_bytes).min(self.text.len());
    }

    /// Goes back to a position at the same depth.
    pub fn rewind(&mut self, position: usize, depth: usize) {
        self.at = position.min(self.text.len());
        self.depth = depth;
    }

    /// The number of open arrays and objects.
    pub fn depth(&self) -> usize {
        self.depth
    }

    #[inline]
    fn data(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline]
    fn skip_whitespace(&mut self) {
        let data = self.data();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = data.get(self.at) {
            self.at += 1;
        }
    }

    /// The error of bytes that are not UTF-8, if that is where the text ends.
    #[cold]
    fn invalid_utf8(&self) -> Option<ConnectError> {
        let bad = self.input.get(self.text.len()..)?;
        let (&first, rest) = bad.split_first()?;
        let num_following = match first {
            0xC2..=0xDF => 1,
            0xE0..=0xEF => 2,
            0xF0..=0xF7 => 3,
            _ => 0,
        };
        let (what, byte, at) = match rest
            .iter()
            .take(num_following)
            .position(|byte| byte & 0xC0 != 0x80)
        {
            Some(index) => ("middle", rest[index], index + 2),
            None if rest.len() < num_following => {
                return Some(end_of_input(
                    self.input,
                    "Unexpected end-of-input in VALUE_STRING",
                ));
            }
            None => ("start", first, 1),
        };
        Some(parse_error(
            self.input,
            self.text.len() + at,
            &format!("Invalid UTF-8 {what} byte 0x{byte:02x}"),
        ))
    }

    /// What comes next; `None` at the end of a text without a value.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<JsonKind>> {
        self.skip_whitespace();
        let kind = match self.data().get(self.at) {
            Some(b'"') => JsonKind::String,
            Some(b'0'..=b'9' | b'-') => JsonKind::Number,
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b't' | b'f') => JsonKind::Boolean,
            Some(b'n') => JsonKind::Null,
            Some(_) => return Err(self.no_value()),
            None => return self.end_before_value(),
        };
        Ok(Some(kind))
    }

    /// What comes next, where a value must come.
    #[inline]
    pub fn peek_value(&mut self) -> Result<JsonKind> {
        match self.peek()? {
            Some(kind) => Ok(kind),
            None => Err(end_between_entries(self.data(), false)),
        }
    }

    #[cold]
    fn end_before_value(&self) -> Result<Option<JsonKind>> {
        let data = self.data();
        // Jackson takes the byte for a character here.
        if let Some(&byte) = self.input.get(data.len())
            && char::from(byte).is_alphabetic()
        {
            let message = format!(
                "Unrecognized token '{}': was expecting {VALUES}",
                char::from(byte)
            );
            return Err(parse_error(data, data.len(), &message));
        }
        match self.invalid_utf8() {
            Some(error) => Err(error),
            None if self.depth > 0 => {
                let is_behind_comma = data.trim_ascii_end().ends_with(b",");
                Err(end_between_entries(data, is_behind_comma))
            }
            None => Ok(None),
        }
    }

    /// A byte that begins no value.
    #[cold]
    fn no_value(&self) -> ConnectError {
        let data = self.data();
        let (byte, at) = (data[self.at], self.at);
        match byte {
            b'}' | b']' if self.depth == 0 => unexpected_close(data, at),
            b'}' | b']' | b',' => unexpected_char(data, at, "expected a value"),
            b'+' => {
                let message = format!(
                    "Unexpected character ({}) in numeric value: JSON spec does not allow numbers \
                     to have plus signs: enable \
                     `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow",
                    char_text(data, at)
                );
                parse_error(data, at + 1, &message)
            }
            b'/' => unexpected_char(
                data,
                at,
                "maybe a (non-standard) comment? (not recognized as one since Feature \
                 'ALLOW_COMMENTS' not enabled for parser)",
            ),
            byte if is_word_byte(byte) => unrecognized_token(self.text, at),
            _ => unexpected_char(data, at, &format!("expected a valid value {VALUES}")),
        }
    }

    fn read_word(&mut self, word: &str) -> Result<()> {
        let data = self.data();
        let end = self.at + word.len();
        let matches = data.get(self.at..end) == Some(word.as_bytes());
        if !matches || data.get(end).is_some_and(|&byte| is_word_byte(byte)) {
            return Err(unrecognized_token(self.text, self.at));
        }
        self.at = end;
        Ok(())
    }

    /// Takes `null`.
    pub fn read_null(&mut self) -> Result<()> {
        self.read_word("null")
    }

    /// Takes `true` or `false`.
    pub fn read_boolean(&mut self) -> Result<bool> {
        let value = self.data().get(self.at) == Some(&b't');
        self.read_word(if value { "true" } else { "false" })?;
        Ok(value)
    }

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

    /// Takes a string that is only looked at.
    #[inline]
    pub fn read_str(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at + 1;
        let end = find_string_end(self.data(), start);
        if self.data().get(end) == Some(&b'"') {
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
        if self.data().get(end) == Some(&b'"') {
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
        if text.len() > MAX_STRING_LENGTH {
            return Err(constraint(
                "String value length",
                text.len(),
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

    fn begin(&mut self) -> Result<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_NESTING_DEPTH {
            return Err(constraint(
                "Document nesting depth",
                self.depth,
                MAX_NESTING_DEPTH,
                "getMaxNestingDepth",
            ));
        }
        Ok(())
    }

    /// Takes `{`.
    pub fn begin_object(&mut self) -> Result<()> {
        self.begin()
    }

    /// Takes `[`.
    pub fn begin_array(&mut self) -> Result<()> {
        self.begin()
    }

    /// Takes a closing bracket, or the comma before the next entry unless it is the first. Returns
    /// whether there is an entry.
    #[inline]
    fn next_entry(&mut self, first: bool, close: u8, kind: &str) -> Result<bool> {
        self.skip_whitespace();
        let data = self.data();
        match data.get(self.at) {
            Some(&byte) if byte == close => {
                self.at += 1;
                self.depth = self.depth.saturating_sub(1);
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                self.skip_whitespace();
                Ok(true)
            }
            Some(b'}' | b']') => Err(unexpected_close(data, self.at)),
            Some(_) if first => Ok(true),
            Some(_) => Err(unexpected_char(
                data,
                self.at,
                &format!("was expecting comma to separate {kind} entries"),
            )),
            None => Err(self.invalid_utf8().unwrap_or_else(|| unclosed(data))),
        }
    }

    /// The name of the next member, up to and with its colon; `None` after the closing brace. `first`
    /// is to be true at the beginning and is set to false.
    #[inline]
    pub fn next_member(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>> {
        if !self.next_entry(std::mem::take(first), b'}', "Object")? {
            return Ok(None);
        }
        if self.data().get(self.at) != Some(&b'"') {
            return Err(self.no_name());
        }
        let start = self.at;
        let name = self
            .read_str()
            .map_err(|error| self.in_name(error, start))?;
        if name.len() > MAX_NAME_LENGTH {
            return Err(constraint(
                "Name length",
                name.len(),
                MAX_NAME_LENGTH,
                "getMaxNameLength",
            ));
        }
        self.skip_whitespace();
        if self.data().get(self.at) != Some(&b':') {
            return Err(self.no_colon());
        }
        self.at += 1;
        Ok(Some(name))
    }

    #[cold]
    fn no_name(&self) -> ConnectError {
        let data = self.data();
        if self.at >= data.len() {
            return self
                .invalid_utf8()
                .unwrap_or_else(|| end_between_entries(data, true));
        }
        unexpected_char(
            data,
            self.at,
            "was expecting double-quote to start field name",
        )
    }

    #[cold]
    fn no_colon(&self) -> ConnectError {
        let data = self.data();
        if self.at >= data.len() {
            return self
                .invalid_utf8()
                .unwrap_or_else(|| end_between_entries(data, false));
        }
        unexpected_char(
            data,
            self.at,
            "was expecting a colon to separate field name and value",
        )
    }

    /// The same error in the words for names.
    #[cold]
    fn in_name(&self, error: ConnectError, start: usize) -> ConnectError {
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

    /// Whether there is another item; after the closing bracket there is none. `first` as with
    /// [`next_member`](Self::next_member).
    #[inline]
    pub fn next_item(&mut self, first: &mut bool) -> Result<bool> {
        self.next_entry(std::mem::take(first), b']', "Array")
    }

    /// Takes any value and drops it.
    pub fn skip_value(&mut self) -> Result<()> {
        match self.peek_value()? {
            JsonKind::Null => self.read_null(),
            JsonKind::Boolean => self.read_boolean().map(drop),
            JsonKind::Number => self.read_number().map(drop),
            JsonKind::String => self.read_str().map(drop),
            JsonKind::Array => {
                self.begin_array()?;
                let mut first = true;
                while self.next_item(&mut first)? {
                    self.skip_value()?;
                }
                Ok(())
            }
            JsonKind::Object => {
                self.begin_object()?;
                let mut first = true;
                while self.next_member(&mut first)?.is_some() {
                    self.skip_value()?;
                }
                Ok(())
            }
        }
    }
}

fn find_control(data: &[u8], from: usize) -> usize {
    (from..data.len())
        .find(|&index| data[index] < 0x20)
        .unwrap_or(data.len())
}
