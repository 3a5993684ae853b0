//! The tokens of MongoDB's JSON: JSON, and what its shell writes.

use bson::Bson;
use connect_api::ConnectError;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    LeftParen,
    RightParen,
    Colon,
    Comma,
    String(String),
    Unquoted(String),
    Int32(i32),
    Int64(i64),
    Double(f64),
    Regex { pattern: String, options: String },
    EndOfFile,
}

impl Token {
    /// The token as messages name it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::BeginObject => "{".into(),
            Self::EndObject => "}".into(),
            Self::BeginArray => "[".into(),
            Self::EndArray => "]".into(),
            Self::LeftParen => "(".into(),
            Self::RightParen => ")".into(),
            Self::Colon => ":".into(),
            Self::Comma => ",".into(),
            Self::String(text) | Self::Unquoted(text) => text.clone(),
            Self::Int32(number) => number.to_string(),
            Self::Int64(number) => number.to_string(),
            Self::Double(number) => connect_api::data::double_to_java_string(*number),
            Self::Regex { pattern, .. } => pattern.clone(),
            Self::EndOfFile => "<eof>".into(),
        }
    }

    /// The name of the kind of token in messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::BeginObject => "BEGIN_OBJECT",
            Self::EndObject => "END_OBJECT",
            Self::BeginArray => "BEGIN_ARRAY",
            Self::EndArray => "END_ARRAY",
            Self::LeftParen => "LEFT_PAREN",
            Self::RightParen => "RIGHT_PAREN",
            Self::Colon => "COLON",
            Self::Comma => "COMMA",
            Self::String(_) => "STRING",
            Self::Unquoted(_) => "UNQUOTED_STRING",
            Self::Int32(_) => "INT32",
            Self::Int64(_) => "INT64",
            Self::Double(_) => "DOUBLE",
            Self::Regex { .. } => "REGULAR_EXPRESSION",
            Self::EndOfFile => "END_OF_FILE",
        }
    }

    /// The value of a token that is one by itself.
    pub(super) fn plain_value(&self) -> Option<Bson> {
        Some(match self {
            Self::String(text) => Bson::String(text.clone()),
            Self::Int32(number) => Bson::Int32(*number),
            Self::Int64(number) => Bson::Int64(*number),
            Self::Double(number) => Bson::Double(*number),
            _ => return None,
        })
    }
}

/// `org.bson.json.JsonParseException`.
pub(super) fn parse_error(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message).with_class("org.bson.json.JsonParseException")
}

/// Cuts a text into tokens. It can go back to a place that it was at.
pub(super) struct Scanner<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Goes back to a position that [`Scanner::position`] told.
    pub(super) fn reset(&mut self, position: usize) {
        self.position = position;
    }

    fn peek(&self) -> Option<char> {
        match self.text.as_bytes().get(self.position) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            Some(_) => self.text[self.position..].chars().next(),
            None => None,
        }
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token, ConnectError> {
        while self.peek().is_some_and(is_java_whitespace) {
            self.bump();
        }
        let start = self.position;
        let Some(first) = self.bump() else {
            return Ok(Token::EndOfFile);
        };
        Ok(match first {
            '{' => Token::BeginObject,
            '}' => Token::EndObject,
            '[' => Token::BeginArray,
            ']' => Token::EndArray,
            '(' => Token::LeftParen,
            ')' => Token::RightParen,
            ':' => Token::Colon,
            ',' => Token::Comma,
            '\'' | '"' => return self.string(first),
            '/' => return self.regex(),
            '-' | '0'..='9' => return self.number(start, first),
            '$' | '_' => self.unquoted(start),
            letter if letter.is_alphabetic() => self.unquoted(start),
            other => {
                // Java counts UTF-16 units, from 1.
                let position = self.text[..start].encode_utf16().count() + 1;
                return Err(parse_error(format!(
                    "Invalid JSON input. Position: {position}. Character: '{other}'."
                )));
            }
        })
    }

    fn unquoted(&mut self, start: usize) -> Token {
        while self
            .peek()
            .is_some_and(|c| c == '$' || c == '_' || c.is_alphanumeric())
        {
            self.bump();
        }
        Token::Unquoted(self.text[start..self.position].to_string())
    }

    fn string(&mut self, quote: char) -> Result<Token, ConnectError> {
        let mut text = String::new();
        let mut high_surrogate: Option<u32> = None;
        loop {
            let start = self.position;
            // The stretch without anything special is copied at once.
            let rest = &self.text.as_bytes()[start..];
            let plain = rest
                .iter()
                .position(|&byte| byte == b'\\' || byte == quote as u8)
                .ok_or_else(|| parse_error("End of file in JSON string."))?;
            if plain > 0 {
                flush_surrogate(&mut text, &mut high_surrogate);
                text.push_str(&self.text[start..start + plain]);
                self.position += plain;
            }
            if self.bump() == Some(quote) {
                flush_surrogate(&mut text, &mut high_surrogate);
                return Ok(Token::String(text));
            }
            let escaped = match self.bump() {
                Some(c @ ('\'' | '"' | '\\' | '/')) => c,
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('u') => {
                    let unit = self.hex_unit()?;
                    push_unit(&mut text, &mut high_surrogate, unit);
                    continue;
                }
                Some(other) => {
                    return Err(parse_error(format!(
                        "Invalid escape sequence in JSON string '\\{other}'."
                    )));
                }
                None => return Err(parse_error("End of file in JSON string.")),
            };
            flush_surrogate(&mut text, &mut high_surrogate);
            text.push(escaped);
        }
    }

    fn hex_unit(&mut self) -> Result<u32, ConnectError> {
        let mut unit = 0;
        let start = self.position;
        for _ in 0..4 {
            let digit = self.bump().and_then(|c| c.to_digit(16)).ok_or_else(|| {
                ConnectError::data(format!(
                    "For input string: \"{}\" under radix 16",
                    &self.text[start..self.position]
                ))
                .with_class("java.lang.NumberFormatException")
            })?;
            unit = unit * 16 + digit;
        }
        Ok(unit)
    }

    fn regex(&mut self) -> Result<Token, ConnectError> {
        let start = self.position;
        let invalid = |position: usize| {
            parse_error(format!(
                "Invalid JSON regular expression. Position: {position}."
            ))
        };
        loop {
            match self.bump() {
                Some('\\') => {
                    self.bump();
                }
                Some('/') => break,
                Some(_) => {}
                None => return Err(invalid(self.position)),
            }
        }
        let pattern = self.text[start..self.position - 1].to_string();
        let start = self.position;
        while self
            .peek()
            .is_some_and(|c| matches!(c, 'i' | 'm' | 'x' | 's'))
        {
            self.bump();
        }
        if !self.is_at_delimiter() {
            return Err(invalid(self.position));
        }
        // BSON keeps options in alphabetical order.
        let mut options: Vec<char> = self.text[start..self.position].chars().collect();
        options.sort_unstable();
        Ok(Token::Regex {
            pattern,
            options: options.into_iter().collect(),
        })
    }

    fn is_at_delimiter(&self) -> bool {
        self.peek()
            .is_none_or(|c| matches!(c, ',' | '}' | ']' | ')') || is_java_whitespace(c))
    }

    fn skip_digits(&mut self) -> bool {
        let start = self.position;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.bump();
        }
        self.position > start
    }

    fn number(&mut self, start: usize, first: char) -> Result<Token, ConnectError> {
        let invalid = || parse_error("Invalid JSON number");
        if first == '-' {
            if self.text[self.position..].starts_with("Infinity") {
                self.position += "Infinity".len();
                return match self.is_at_delimiter() {
                    true => Ok(Token::Double(f64::NEG_INFINITY)),
                    false => Err(invalid()),
                };
            }
            if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
                return Err(invalid());
            }
        }
        self.skip_digits();
        let mut is_double = false;
        if self.peek() == Some('.') {
            is_double = true;
            self.bump();
            if !self.skip_digits() {
                return Err(invalid());
            }
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            is_double = true;
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            if !self.skip_digits() {
                return Err(invalid());
            }
        }
        if !self.is_at_delimiter() {
            return Err(invalid());
        }
        let lexeme = &self.text[start..self.position];
        if is_double {
            return lexeme.parse().map(Token::Double).map_err(|_| invalid());
        }
        let number: i64 = lexeme.parse().map_err(|_| {
            ConnectError::data(format!("For input string: \"{lexeme}\""))
                .with_class("java.lang.NumberFormatException")
        })?;
        Ok(i32::try_from(number).map_or(Token::Int64(number), Token::Int32))
    }
}

/// `Character.isWhitespace`: no-break spaces are none.
fn is_java_whitespace(c: char) -> bool {
    match c {
        '\u{1c}'..='\u{1f}' => true,
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
        _ => c.is_whitespace(),
    }
}

fn push_unit(text: &mut String, high_surrogate: &mut Option<u32>, unit: u32) {
    if let Some(high) = *high_surrogate
        && (0xDC00..0xE000).contains(&unit)
    {
        *high_surrogate = None;
        let code = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
        text.push(char::from_u32(code).unwrap_or('?'));
        return;
    }
    flush_surrogate(text, high_surrogate);
    match char::from_u32(unit) {
        Some(c) => text.push(c),
        None if unit < 0xDC00 => *high_surrogate = Some(unit),
        None => text.push('?'),
    }
}

/// Half a pair without the other half is `?`, as Java encodes it.
fn flush_surrogate(text: &mut String, high_surrogate: &mut Option<u32>) {
    if high_surrogate.take().is_some() {
        text.push('?');
    }
}
