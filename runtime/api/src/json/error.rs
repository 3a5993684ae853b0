//! Errors of the reader, in Jackson's words and under its class names.

use crate::error::ConnectError;

/// The class of most errors.
pub const JSON_PARSE_EXCEPTION: &str = "com.fasterxml.jackson.core.JsonParseException";
const JSON_EOF_EXCEPTION: &str = "com.fasterxml.jackson.core.io.JsonEOFException";
const CONSTRAINTS_EXCEPTION: &str = "com.fasterxml.jackson.core.exc.StreamConstraintsException";

/// What a value may be, in messages.
pub(super) const VALUES: &str =
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// `[Source: ...; line: L, column: C]` of the byte at `at`, both counted from 1.
pub(super) fn location(data: &[u8], at: usize) -> String {
    let before = &data[..at.min(data.len())];
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1);
    format!(
        "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: \
         {line}, column: {}]",
        at - start + 1
    )
}

#[cold]
pub(super) fn parse_error(data: &[u8], at: usize, message: &str) -> ConnectError {
    ConnectError::data(format!("{message}\n at {}", location(data, at)))
        .with_class(JSON_PARSE_EXCEPTION)
}

#[cold]
pub(super) fn end_of_input(data: &[u8], message: &str) -> ConnectError {
    parse_error(data, data.len(), message).with_class(JSON_EOF_EXCEPTION)
}

#[cold]
pub(super) fn constraint(what: &str, value: usize, maximum: usize, getter: &str) -> ConnectError {
    ConnectError::data(format!(
        "{what} ({value}) exceeds the maximum allowed ({maximum}, from \
         `StreamReadConstraints.{getter}()`)"
    ))
    .with_class(CONSTRAINTS_EXCEPTION)
}

/// A character as Jackson shows it: `'x' (code 120)`.
pub(super) fn char_text(data: &[u8], at: usize) -> String {
    let byte = data.get(at).copied().unwrap_or(0);
    match byte {
        0..0x20 => format!("(CTRL-CHAR, code {byte})"),
        // Jackson takes the byte for a character here.
        _ => format!("'{}' (code {byte})", char::from(byte)),
    }
}

#[cold]
pub(super) fn unexpected_char(data: &[u8], at: usize, why: &str) -> ConnectError {
    let byte = data.get(at).copied().unwrap_or(0);
    if byte < 0x20 && !why.starts_with("Expected space") {
        return parse_error(
            data,
            at + 1,
            &format!(
                "Illegal character ((CTRL-CHAR, code {byte})): only regular white space (\\r, \\n, \
                 \\t) is allowed between tokens"
            ),
        );
    }
    let message = format!("Unexpected character ({}): {why}", char_text(data, at));
    parse_error(data, at, &message)
}

/// Whether a byte goes on with a word in the sense of `Character.isJavaIdentifierPart`.
pub(super) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cold]
pub(super) fn unrecognized_token(text: &str, at: usize) -> ConnectError {
    const MAX_TOKEN_CHARS: usize = 256;
    let data = text.as_bytes();
    let first = usize::from(data.get(at) == Some(&b'-'));
    let end = (at + first..data.len())
        .find(|&index| !is_word_byte(data[index]))
        .unwrap_or(data.len());
    let mut token: String = text
        .get(at..end)
        .unwrap_or_default()
        .chars()
        .take(MAX_TOKEN_CHARS)
        .collect();
    if end - at > token.len() {
        token.push_str("...");
    }
    if matches!(token.as_str(), "NaN" | "Infinity" | "-Infinity") {
        let message = format!(
            "Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to \
             allow"
        );
        return parse_error(data, end, &message);
    }
    let message = format!("Unrecognized token '{token}': was expecting {VALUES}");
    parse_error(data, at, &message)
}

/// The containers that are open at `end` in a text that is correct up to there: for each its opening
/// bracket and position. Only errors ask for it, so the reader keeps no such stack.
pub(super) fn open_containers(data: &[u8], end: usize) -> Vec<(u8, usize)> {
    let mut open = Vec::new();
    let mut at = 0;
    while at < end.min(data.len()) {
        match data[at] {
            bracket @ (b'{' | b'[') => open.push((bracket, at)),
            b'}' | b']' => {
                open.pop();
            }
            b'"' => {
                at += 1;
                while at < data.len() && data[at] != b'"' {
                    at += if data[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    open
}

const fn container_name(bracket: u8) -> &'static str {
    if bracket == b'{' { "Object" } else { "Array" }
}

/// A `}` or `]` that closes nothing.
#[cold]
pub(super) fn unexpected_close(data: &[u8], at: usize) -> ConnectError {
    let marker = char::from(data[at]);
    let message = match open_containers(data, at).last() {
        Some(&(bracket, start)) => format!(
            "Unexpected close marker '{marker}': expected '{}' (for {} starting at {})",
            if bracket == b'{' { '}' } else { ']' },
            container_name(bracket),
            location(data, start)
        ),
        None => format!(
            "Unexpected close marker '{marker}': no open {} to close",
            if marker == '}' { "Object" } else { "Array" }
        ),
    };
    parse_error(data, at, &message)
}

/// The text ends where a member, an item or a closing bracket should follow.
#[cold]
pub(super) fn unclosed(data: &[u8]) -> ConnectError {
    match open_containers(data, data.len()).last() {
        Some(&(bracket, start)) => end_of_input(
            data,
            &format!(
                "Unexpected end-of-input: expected close marker for {} (start marker at {})",
                container_name(bracket),
                location(data, start)
            ),
        ),
        None => end_of_input(data, "Unexpected end-of-input"),
    }
}

/// The text ends where a value or a name should follow. Jackson has another class for it behind a comma.
#[cold]
pub(super) fn end_between_entries(data: &[u8], is_behind_comma: bool) -> ConnectError {
    let error = match open_containers(data, data.len()).last() {
        Some(&(bracket, _)) => end_of_input(
            data,
            &format!(
                "Unexpected end-of-input within/between {} entries",
                container_name(bracket)
            ),
        ),
        None => end_of_input(data, "No content to map due to end-of-input"),
    };
    if is_behind_comma {
        error.with_class(JSON_PARSE_EXCEPTION)
    } else {
        error
    }
}
