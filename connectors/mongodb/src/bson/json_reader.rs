//! MongoDB's JSON to BSON, as lenient as the reader of the Java driver: names without quotes, single
//! quotes, the constructors of the shell, optional commas, both forms of extended JSON.

use super::json_scanner::{Scanner, Token, parse_error};
use bson::raw::CString;
use bson::{Bson, Document, Regex};
use connect_api::Result;

/// How deep documents and arrays may be nested: more than a server takes.
pub const MAX_JSON_DEPTH: usize = 200;

/// Reads a document. What follows it is not looked at.
pub fn parse_document(text: &str) -> Result<Document> {
    let mut reader = Reader::new(text);
    match reader.next()? {
        Token::BeginObject => match reader.object(0)? {
            Bson::Document(document) => Ok(document),
            other => Err(wrong_type(bson_type_name(&other))),
        },
        token => {
            // Only documents stand at the top, whatever else the text holds.
            let value = reader.value(token, 0)?;
            Err(wrong_type(bson_type_name(&value)))
        }
    }
}

/// Reads an array of documents, for example the stages of a pipeline.
pub fn parse_documents(text: &str) -> Result<Vec<Document>> {
    let mut reader = Reader::new(text);
    let token = reader.next()?;
    let Bson::Array(items) = reader.value(token, 0)? else {
        return Err(parse_error("Not a valid JSON array"));
    };
    items
        .into_iter()
        .map(|item| match item {
            Bson::Document(document) => Ok(document),
            other => Err(parse_error(format!(
                "An item of the array is of type {} and no document",
                bson_type_name(&other)
            ))),
        })
        .collect()
}

fn wrong_type(name: &str) -> connect_api::ConnectError {
    let (class, message) = if name == "END_OF_DOCUMENT" {
        (
            "org.bson.BsonInvalidOperationException",
            "readStartDocument can only be called when CurrentBSONType is DOCUMENT, not when \
             CurrentBSONType is END_OF_DOCUMENT."
                .to_string(),
        )
    } else {
        (
            "org.bson.BsonInvalidOperationException",
            format!(
                "readStartDocument can only be called when CurrentBSONType is DOCUMENT, not when \
                 CurrentBSONType is {name}."
            ),
        )
    };
    connect_api::ConnectError::data(message).with_class(class)
}

/// The name of the type of a value, as `BsonType` has it.
pub(crate) fn bson_type_name(value: &Bson) -> &'static str {
    match value {
        Bson::Double(_) => "DOUBLE",
        Bson::String(_) => "STRING",
        Bson::Array(_) => "ARRAY",
        Bson::Document(_) => "DOCUMENT",
        Bson::Boolean(_) => "BOOLEAN",
        Bson::Null => "NULL",
        Bson::RegularExpression(_) => "REGULAR_EXPRESSION",
        Bson::JavaScriptCode(_) => "JAVASCRIPT",
        Bson::JavaScriptCodeWithScope(_) => "JAVASCRIPT_WITH_SCOPE",
        Bson::Int32(_) => "INT32",
        Bson::Int64(_) => "INT64",
        Bson::Timestamp(_) => "TIMESTAMP",
        Bson::Binary(_) => "BINARY",
        Bson::ObjectId(_) => "OBJECT_ID",
        Bson::DateTime(_) => "DATE_TIME",
        Bson::Symbol(_) => "SYMBOL",
        Bson::Decimal128(_) => "DECIMAL128",
        Bson::Undefined => "UNDEFINED",
        Bson::MaxKey => "MAX_KEY",
        Bson::MinKey => "MIN_KEY",
        Bson::DbPointer(_) => "DB_POINTER",
    }
}

/// Tokens with one step back.
pub(super) struct Reader<'a> {
    scanner: Scanner<'a>,
    pushed: Option<Token>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            scanner: Scanner::new(text),
            pushed: None,
        }
    }

    pub(super) fn next(&mut self) -> Result<Token> {
        match self.pushed.take() {
            Some(token) => Ok(token),
            None => self.scanner.next(),
        }
    }

    pub(super) fn push(&mut self, token: Token) {
        self.pushed = Some(token);
    }

    /// Where the reader stands; only asked right after a token was taken from the scanner.
    pub(super) fn position(&self) -> usize {
        self.scanner.position()
    }

    pub(super) fn reset(&mut self, position: usize) {
        self.pushed = None;
        self.scanner.reset(position);
    }

    /// Takes a token that must be this one.
    pub(super) fn expect(&mut self, expected: &Token) -> Result<()> {
        let token = self.next()?;
        if token == *expected {
            return Ok(());
        }
        if token.kind() == expected.kind() {
            return Err(parse_error(format!(
                "JSON reader expected '{}' but found '{}'.",
                expected.text(),
                token.text()
            )));
        }
        Err(parse_error(format!(
            "JSON reader expected token type '{}' but found '{}'.",
            expected.kind(),
            token.text()
        )))
    }

    /// The value that a token begins.
    pub(super) fn value(&mut self, token: Token, depth: usize) -> Result<Bson> {
        if let Some(value) = token.plain_value() {
            return Ok(value);
        }
        match token {
            Token::BeginObject => self.object(depth),
            Token::BeginArray => self.array(depth),
            Token::Regex { pattern, options } => regex(pattern, &options),
            Token::Unquoted(word) => self.word(word),
            other => Err(expected_value(&other)),
        }
    }

    fn word(&mut self, word: String) -> Result<Bson> {
        Ok(match word.as_str() {
            "true" => Bson::Boolean(true),
            "false" => Bson::Boolean(false),
            "null" => Bson::Null,
            "undefined" => Bson::Undefined,
            "Infinity" => Bson::Double(f64::INFINITY),
            "NaN" => Bson::Double(f64::NAN),
            "new" => match self.next()? {
                Token::Unquoted(name) => self
                    .constructor(&name, true)?
                    .ok_or_else(|| expected_type(&name))?,
                other => return Err(expected_type(&other.text())),
            },
            name => self
                .constructor(name, false)?
                .ok_or_else(|| expected_value(&Token::Unquoted(word.clone())))?,
        })
    }

    fn array(&mut self, depth: usize) -> Result<Bson> {
        check_depth(depth)?;
        let mut items = Vec::new();
        loop {
            let token = self.next()?;
            if token == Token::EndArray {
                return Ok(Bson::Array(items));
            }
            items.push(self.value(token, depth + 1)?);
            self.skip_comma()?;
        }
    }

    fn skip_comma(&mut self) -> Result<()> {
        let token = self.next()?;
        if token != Token::Comma {
            self.push(token);
        }
        Ok(())
    }

    /// What stands after `{`: a document, or the value that extended JSON writes as one.
    fn object(&mut self, depth: usize) -> Result<Bson> {
        check_depth(depth)?;
        let name = self.next()?;
        if let Token::String(text) | Token::Unquoted(text) = &name
            && text.starts_with('$')
        {
            let text = text.clone();
            if let Some(value) = self.extended(&text, depth)? {
                return Ok(value);
            }
        }
        self.push(name);
        let mut document = Document::new();
        loop {
            let name = match self.next()? {
                Token::String(name) | Token::Unquoted(name) => name,
                Token::EndObject => return Ok(Bson::Document(document)),
                other => {
                    return Err(parse_error(format!(
                        "JSON reader was expecting a name but found '{}'.",
                        other.text()
                    )));
                }
            };
            let colon = self.next()?;
            if colon != Token::Colon {
                return Err(parse_error(format!(
                    "JSON reader was expecting ':' but found '{}'.",
                    colon.text()
                )));
            }
            let token = self.next()?;
            let value = self.value(token, depth + 1)?;
            document.insert(name, value);
            self.skip_comma()?;
        }
    }
}

/// A regular expression; BSON cannot hold a zero character in it.
pub(super) fn regex(pattern: String, options: &str) -> Result<Bson> {
    let mut sorted: Vec<char> = options.chars().collect();
    sorted.sort_unstable();
    let options: String = sorted.into_iter().collect();
    let c_string =
        |text: String| CString::try_from(text).map_err(|error| parse_error(error.to_string()));
    Ok(Bson::RegularExpression(Regex {
        pattern: c_string(pattern)?,
        options: c_string(options)?,
    }))
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_JSON_DEPTH {
        return Err(parse_error(format!(
            "The document is nested more than {MAX_JSON_DEPTH} levels deep, which no server takes"
        )));
    }
    Ok(())
}

fn expected_value(token: &Token) -> connect_api::ConnectError {
    parse_error(format!(
        "JSON reader was expecting a value but found '{}'.",
        token.text()
    ))
}

fn expected_type(found: &str) -> connect_api::ConnectError {
    parse_error(format!(
        "JSON reader expected a type name but found '{found}'."
    ))
}
