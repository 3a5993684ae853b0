//! A pull parser over the bytes of one record.

mod numbers;
mod strings;

use super::error::{
    VALUES, char_text, constraint, end_between_entries, end_of_input, is_word_byte, parse_error,
    unclosed, unexpected_char, unexpected_close, unrecognized_token,
};
use crate::error::{ConnectError, Result};
use bytes::Bytes;
use std::borrow::Cow;

/// Jackson's `StreamReadConstraints`.
const MAX_NESTING_DEPTH: usize = 1000;
const MAX_NAME_LENGTH: usize = 50_000;

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
