//! The values that extended JSON and the shell have words for.

use super::json_date::{parse_iso, parse_shell_date};
use super::json_reader::{Reader, regex};
use super::json_scanner::{Token, parse_error};
use bson::spec::BinarySubtype;
use bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, Timestamp, oid::ObjectId,
};
use connect_api::{ConnectError, Result};

impl Reader<'_> {
    /// The value of an object whose first name begins with `$`; `None` leaves the reader behind that
    /// name, for a document that only looks alike.
    pub(super) fn extended(&mut self, name: &str, depth: usize) -> Result<Option<Bson>> {
        Ok(Some(match name {
            "$binary" | "$type" => return self.binary(name),
            "$regex" | "$options" => return self.legacy_regex(name),
            "$uuid" => {
                let text = self.wrapped_string()?;
                let uuid = bson::Uuid::parse_str(&text)
                    .ok()
                    .filter(|_| text.len() == 36)
                    .ok_or_else(|| parse_error(format!("Invalid UUID string: {text}")))?;
                Bson::Binary(Binary {
                    subtype: BinarySubtype::Uuid,
                    bytes: uuid.bytes().to_vec(),
                })
            }
            "$code" => self.code(depth)?,
            "$date" => self.date()?,
            "$maxKey" => self.one(Bson::MaxKey)?,
            "$minKey" => self.one(Bson::MinKey)?,
            "$oid" => Bson::ObjectId(object_id(&self.wrapped_string()?)?),
            "$regularExpression" => {
                let [pattern, options] = self.pair(["pattern", "options"], Self::text)?;
                regex(pattern, &options)?
            }
            "$symbol" => Bson::Symbol(self.wrapped_string()?),
            "$timestamp" => {
                let [time, increment] = self.pair(["t", "i"], Self::integer)?;
                Bson::Timestamp(Timestamp {
                    time: time as u32,
                    increment: increment as u32,
                })
            }
            "$undefined" => {
                self.expect(&Token::Colon)?;
                let token = self.next()?;
                if token != Token::Unquoted("true".into()) {
                    return Err(parse_error(format!(
                        "JSON reader requires $undefined to have the value of true but found '{}'.",
                        token.text()
                    )));
                }
                self.expect(&Token::EndObject)?;
                Bson::Undefined
            }
            "$numberLong" => Bson::Int64(number(&self.wrapped_string()?)?),
            "$numberInt" => Bson::Int32(number(&self.wrapped_string()?)?),
            "$numberDouble" => {
                let text = self.wrapped_string()?;
                Bson::Double(match text.as_str() {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    text => number(text)?,
                })
            }
            "$numberDecimal" => Bson::Decimal128(decimal(&self.wrapped_string()?)?),
            "$dbPointer" => {
                return Err(parse_error(
                    "$dbPointer is not supported: MongoDB took the type back long ago",
                ));
            }
            _ => return Ok(None),
        }))
    }

    /// The value that a constructor of the shell makes; `None` for a name that is none.
    pub(super) fn constructor(&mut self, name: &str, is_new: bool) -> Result<Option<Bson>> {
        match name {
            "MinKey" | "MaxKey" => {
                let token = self.next()?;
                if token == Token::LeftParen {
                    self.expect(&Token::RightParen)?;
                } else {
                    self.push(token);
                }
                return Ok(Some(match name {
                    "MinKey" => Bson::MinKey,
                    _ => Bson::MaxKey,
                }));
            }
            "BinData" | "Date" | "HexData" | "ISODate" | "NumberInt" | "NumberLong"
            | "NumberDecimal" | "ObjectId" | "Timestamp" | "RegExp" | "UUID" => {}
            _ => return Ok(None),
        }
        self.expect(&Token::LeftParen)?;
        let mut arguments = Vec::new();
        loop {
            match self.next()? {
                Token::RightParen => break,
                Token::Comma => {}
                Token::EndOfFile => {
                    return Err(parse_error("JSON reader expected a ')' but found '<eof>'."));
                }
                token if arguments.len() < 8 => arguments.push(token),
                token => return Err(unexpected("a ')'", &token)),
            }
        }
        construct(name, &arguments, is_new).map(Some)
    }

    fn binary(&mut self, first: &str) -> Result<Option<Bson>> {
        let start = self.position();
        self.expect(&Token::Colon)?;
        if first == "$binary" {
            let token = self.next()?;
            if token == Token::BeginObject {
                return self.binary_object().map(Some);
            }
        }
        self.reset(start);
        // The older form; anything else is a document, for example a query with $type.
        match self.legacy_binary(first) {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                self.reset(start);
                Ok(None)
            }
        }
    }

    fn binary_object(&mut self) -> Result<Bson> {
        let mut base64 = None;
        let mut subtype = None;
        for turn in 0..2 {
            if turn > 0 {
                self.expect(&Token::Comma)?;
            }
            match self.name()?.as_str() {
                "base64" => {
                    self.expect(&Token::Colon)?;
                    base64 = Some(decode_base64(&self.text()?)?);
                }
                "subType" => {
                    self.expect(&Token::Colon)?;
                    subtype = Some(self.subtype()?);
                }
                other => {
                    return Err(parse_error(format!("Unexpected key for $binary: {other}")));
                }
            }
        }
        self.expect(&Token::EndObject)?;
        self.expect(&Token::EndObject)?;
        match (base64, subtype) {
            (Some(bytes), Some(subtype)) => Ok(Bson::Binary(Binary {
                subtype: subtype.into(),
                bytes,
            })),
            _ => Err(parse_error("$binary needs base64 and subType")),
        }
    }

    fn legacy_binary(&mut self, first: &str) -> Result<Bson> {
        self.expect(&Token::Colon)?;
        let (bytes, subtype) = if first == "$binary" {
            let bytes = decode_base64(&self.text()?)?;
            self.expect(&Token::Comma)?;
            self.expect_name("$type")?;
            self.expect(&Token::Colon)?;
            (bytes, self.subtype()?)
        } else {
            let subtype = self.subtype()?;
            self.expect(&Token::Comma)?;
            self.expect_name("$binary")?;
            self.expect(&Token::Colon)?;
            (decode_base64(&self.text()?)?, subtype)
        };
        self.expect(&Token::EndObject)?;
        Ok(Bson::Binary(Binary {
            subtype: subtype.into(),
            bytes,
        }))
    }

    fn subtype(&mut self) -> Result<u8> {
        match self.next()? {
            Token::String(text) => u32::from_str_radix(&text, 16)
                .map(|number| number as u8)
                .map_err(|_| not_a_number(&text)),
            Token::Int32(number) => Ok(number as u8),
            other => Err(unexpected("a string or number", &other)),
        }
    }

    fn legacy_regex(&mut self, first: &str) -> Result<Option<Bson>> {
        let start = self.position();
        let second = if first == "$regex" {
            "$options"
        } else {
            "$regex"
        };
        let mut read = || -> Result<Bson> {
            self.expect(&Token::Colon)?;
            let one = self.text()?;
            self.expect(&Token::Comma)?;
            self.expect_name(second)?;
            self.expect(&Token::Colon)?;
            let two = self.text()?;
            self.expect(&Token::EndObject)?;
            match first {
                "$regex" => regex(one, &two),
                _ => regex(two, &one),
            }
        };
        match read() {
            Ok(value) => Ok(Some(value)),
            // A query with $regex is a document.
            Err(_) => {
                self.reset(start);
                Ok(None)
            }
        }
    }

    fn code(&mut self, depth: usize) -> Result<Bson> {
        self.expect(&Token::Colon)?;
        let code = self.text()?;
        match self.next()? {
            Token::EndObject => Ok(Bson::JavaScriptCode(code)),
            Token::Comma => {
                self.expect_name("$scope")?;
                self.expect(&Token::Colon)?;
                let token = self.next()?;
                let scope = match self.value(token, depth + 1)? {
                    Bson::Document(scope) => scope,
                    _ => Document::new(),
                };
                self.expect(&Token::EndObject)?;
                Ok(Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope {
                    code,
                    scope,
                }))
            }
            other => Err(parse_error(format!(
                "JSON reader expected ',' or '}}' but found '{}'.",
                other.text()
            ))),
        }
    }

    fn date(&mut self) -> Result<Bson> {
        self.expect(&Token::Colon)?;
        let ms = match self.next()? {
            Token::BeginObject => {
                let name = self.name()?;
                if name != "$numberLong" {
                    return Err(parse_error(format!(
                        "JSON reader expected $numberLong within $date, but found {name}"
                    )));
                }
                number(&self.wrapped_string()?)?
            }
            Token::Int32(ms) => ms.into(),
            Token::Int64(ms) => ms,
            Token::String(text) => {
                parse_iso(&text).ok_or_else(|| parse_error("Failed to parse string as a date"))?
            }
            other => return Err(unexpected("an integer or string", &other)),
        };
        self.expect(&Token::EndObject)?;
        Ok(Bson::DateTime(DateTime::from_millis(ms)))
    }

    fn one(&mut self, value: Bson) -> Result<Bson> {
        self.expect(&Token::Colon)?;
        self.expect(&Token::Int32(1))?;
        self.expect(&Token::EndObject)?;
        Ok(value)
    }

    /// `: "text" }`.
    fn wrapped_string(&mut self) -> Result<String> {
        self.expect(&Token::Colon)?;
        let text = self.text()?;
        self.expect(&Token::EndObject)?;
        Ok(text)
    }

    /// `: { first: value, second: value } }`, in either order.
    fn pair<T: Default>(
        &mut self,
        names: [&str; 2],
        read: fn(&mut Self) -> Result<T>,
    ) -> Result<[T; 2]> {
        self.expect(&Token::Colon)?;
        self.expect(&Token::BeginObject)?;
        let name = self.name()?;
        let first = names
            .iter()
            .position(|known| *known == name)
            .ok_or_else(|| {
                parse_error(format!(
                    "Expected '{}' and '{}' fields in $timestamp document but found {name}",
                    names[0], names[1]
                ))
            })?;
        self.expect(&Token::Colon)?;
        let one = read(self)?;
        self.expect(&Token::Comma)?;
        self.expect_name(names[1 - first])?;
        self.expect(&Token::Colon)?;
        let two = read(self)?;
        self.expect(&Token::EndObject)?;
        self.expect(&Token::EndObject)?;
        Ok(if first == 0 { [one, two] } else { [two, one] })
    }

    fn integer(&mut self) -> Result<i64> {
        match self.next()? {
            Token::Int32(number) => Ok(number.into()),
            Token::Int64(number) => Ok(number),
            other => Err(unexpected("an integer", &other)),
        }
    }

    fn text(&mut self) -> Result<String> {
        match self.next()? {
            Token::String(text) => Ok(text),
            other => Err(unexpected("a string", &other)),
        }
    }

    fn name(&mut self) -> Result<String> {
        match self.next()? {
            Token::String(name) | Token::Unquoted(name) => Ok(name),
            other => Err(unexpected("a string", &other)),
        }
    }

    fn expect_name(&mut self, name: &str) -> Result<()> {
        match self.next()? {
            Token::String(found) | Token::Unquoted(found) if found == name => Ok(()),
            other => Err(parse_error(format!(
                "JSON reader expected '{name}' but found '{}'.",
                other.text()
            ))),
        }
    }
}

fn construct(name: &str, arguments: &[Token], is_new: bool) -> Result<Bson> {
    Ok(match (name, arguments) {
        (
            "BinData",
            [
                Token::Int32(subtype),
                Token::String(text) | Token::Unquoted(text),
            ],
        ) => Bson::Binary(Binary {
            subtype: (*subtype as u8).into(),
            bytes: decode_base64(text)?,
        }),
        ("HexData", [Token::Int32(subtype), Token::String(text)]) => Bson::Binary(Binary {
            subtype: (*subtype as u8).into(),
            bytes: decode_hex(text)?,
        }),
        ("UUID", [Token::String(text)]) => Bson::Binary(Binary {
            subtype: BinarySubtype::Uuid,
            bytes: decode_hex(&text.replace('-', ""))?,
        }),
        ("ObjectId", [Token::String(text)]) => Bson::ObjectId(object_id(text)?),
        ("NumberInt", [Token::Int32(number)]) => Bson::Int32(*number),
        ("NumberInt", [Token::String(text)]) => Bson::Int32(number(text)?),
        ("NumberLong", [Token::Int32(number)]) => Bson::Int64((*number).into()),
        ("NumberLong", [Token::Int64(number)]) => Bson::Int64(*number),
        ("NumberLong", [Token::String(text)]) => Bson::Int64(number(text)?),
        ("NumberDecimal", [token @ (Token::Int32(_) | Token::Int64(_) | Token::Double(_))]) => {
            Bson::Decimal128(decimal(&token.text())?)
        }
        ("NumberDecimal", [Token::String(text)]) => Bson::Decimal128(decimal(text)?),
        ("Timestamp", [Token::Int32(time), Token::Int32(increment)]) => {
            Bson::Timestamp(Timestamp {
                time: *time as u32,
                increment: *increment as u32,
            })
        }
        ("RegExp", [Token::String(pattern)]) => regex(pattern.clone(), "")?,
        ("RegExp", [Token::String(pattern), Token::String(options)]) => {
            regex(pattern.clone(), options)?
        }
        ("ISODate", []) => Bson::DateTime(DateTime::now()),
        ("ISODate", [Token::String(text)]) => {
            Bson::DateTime(DateTime::from_millis(parse_iso(text).ok_or_else(|| {
                parse_error(format!("Failed to parse string as a date: {text}"))
            })?))
        }
        ("Date", []) if is_new => Bson::DateTime(DateTime::now()),
        ("Date", numbers) if is_new => Bson::DateTime(DateTime::from_millis(
            parse_shell_date(numbers).map_err(parse_error)?,
        )),
        // Without `new` the shell makes a text of the time of day, whatever the arguments.
        ("Date", _) => Bson::String(super::json_date::format_shell(
            DateTime::now().timestamp_millis(),
        )),
        (_, arguments) => {
            let found = arguments.first().map_or_else(|| ")".into(), Token::text);
            return Err(parse_error(format!(
                "JSON reader expected the arguments of {name} but found '{found}'."
            )));
        }
    })
}

fn unexpected(expected: &str, found: &Token) -> ConnectError {
    parse_error(format!(
        "JSON reader expected {expected} but found '{}'.",
        found.text()
    ))
}

fn not_a_number(text: &str) -> ConnectError {
    parse_error(format!(
        "Exception converting value '{text}' to type java.lang.Long"
    ))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| not_a_number(text))
}

fn decimal(text: &str) -> Result<Decimal128> {
    text.parse().map_err(|_| {
        parse_error(format!(
            "Exception converting value '{text}' to type org.bson.types.Decimal128"
        ))
    })
}

fn object_id(text: &str) -> Result<ObjectId> {
    ObjectId::parse_str(text).map_err(|_| {
        ConnectError::data(format!(
            "invalid hexadecimal representation of an ObjectId: [{text}]"
        ))
        .with_class("java.lang.IllegalArgumentException")
    })
}

fn decode_base64(text: &str) -> Result<Vec<u8>> {
    bson_base64(text).ok_or_else(|| {
        ConnectError::data(format!("Illegal base64 text '{text}'"))
            .with_class("java.lang.IllegalArgumentException")
    })
}

fn bson_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    LENIENT.decode(text).ok()
}

fn decode_hex(text: &str) -> Result<Vec<u8>> {
    let padded = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_string()
    };
    let illegal = || {
        ConnectError::data(format!(
            "A hex string can only contain the characters 0-9, A-F, a-f: {text}"
        ))
        .with_class("java.lang.IllegalArgumentException")
    };
    padded
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
            Some(digit(pair[0])? * 16 + digit(pair[1])?)
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(illegal)
}
