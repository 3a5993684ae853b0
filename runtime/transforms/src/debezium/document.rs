//! Documents of MongoDB in extended JSON, as Debezium carries them in change events.

use base64::Engine as _;
use bytes::Bytes;
use chrono::DateTime;
use connect_api::{ConnectError, Result};
use serde_json::{Map, Value as Json};

/// A document: names and values in their order.
pub(super) type Document = Vec<(String, Bson)>;

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bson {
    Null,
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Double(f64),
    String(String),
    Binary(Bytes),
    ObjectId(String),
    Decimal128(String),
    /// Milliseconds since the epoch.
    DateTime(i64),
    /// Seconds since the epoch.
    Timestamp(i64),
    JavaScript(String),
    Regex {
        pattern: String,
        options: String,
    },
    Array(Vec<Bson>),
    Document(Document),
    /// A value without a counterpart in Connect, by its name.
    Other(&'static str),
}

fn malformed(what: &str) -> ConnectError {
    ConnectError::data(format!("A document of a change event is malformed: {what}"))
        .with_class("org.bson.json.JsonParseException")
}

/// Reads a document. The reader bounds how deep values may stand in each other.
pub(super) fn parse_document(text: &str) -> Result<Document> {
    match parse_value(text)? {
        Bson::Document(document) => Ok(document),
        _ => Err(malformed("it is no object")),
    }
}

/// Reads a value of a document.
pub(super) fn parse_value(text: &str) -> Result<Bson> {
    // What the reader says may hold the data, so only the place is told.
    let json: Json = serde_json::from_str(text)
        .map_err(|error| malformed(&format!("no JSON at column {}", error.column())))?;
    read(json)
}

fn read(json: Json) -> Result<Bson> {
    Ok(match json {
        Json::Null => Bson::Null,
        Json::Bool(value) => Bson::Boolean(value),
        Json::String(text) => Bson::String(text),
        Json::Number(number) => match number.as_i64() {
            Some(number) => match i32::try_from(number) {
                Ok(number) => Bson::Int32(number),
                Err(_) => Bson::Int64(number),
            },
            None => Bson::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::Array(items) => Bson::Array(items.into_iter().map(read).collect::<Result<_>>()?),
        Json::Object(members) => match special(&members)? {
            Some(value) => value,
            None => Bson::Document(
                members
                    .into_iter()
                    .map(|(name, value)| Ok((name, read(value)?)))
                    .collect::<Result<_>>()?,
            ),
        },
    })
}

/// A value of a type that JSON has not, which stands as an object with a member like `$oid`.
fn special(members: &Map<String, Json>) -> Result<Option<Bson>> {
    let Some((name, value)) = members.iter().next() else {
        return Ok(None);
    };
    let text = || match value {
        Json::String(text) => Ok(text.clone()),
        other => Err(malformed(&format!("{name} is no text but {}", kind(other)))),
    };
    let number = |wanted: &str| malformed(&format!("{name} is no {wanted}"));
    Ok(Some(match name.as_str() {
        "$oid" => Bson::ObjectId(text()?),
        "$numberInt" => Bson::Int32(text()?.parse().map_err(|_| number("int"))?),
        "$numberLong" => Bson::Int64(text()?.parse().map_err(|_| number("long"))?),
        "$numberDouble" => Bson::Double(match text()?.as_str() {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            other => other.parse().map_err(|_| number("double"))?,
        }),
        "$numberDecimal" => Bson::Decimal128(text()?),
        "$date" => Bson::DateTime(date(value)?),
        "$timestamp" => {
            let seconds = value.get("t").and_then(Json::as_i64);
            Bson::Timestamp(seconds.ok_or_else(|| number("timestamp"))?)
        }
        "$binary" => {
            let encoded = match value {
                Json::Object(inner) => inner.get("base64").and_then(Json::as_str),
                other => other.as_str(),
            };
            let decoded = base64::engine::general_purpose::STANDARD
                .decode(encoded.ok_or_else(|| number("binary"))?)
                .map_err(|_| number("base64 text"))?;
            Bson::Binary(decoded.into())
        }
        "$uuid" => {
            let digits: String = text()?.replace('-', "");
            let byte = |at: usize| {
                digits
                    .get(at..at + 2)
                    .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            };
            let bytes: Option<Vec<u8>> = (0..16).map(|index| byte(index * 2)).collect();
            Bson::Binary(bytes.ok_or_else(|| number("UUID"))?.into())
        }
        "$regex" => Bson::Regex {
            pattern: text()?,
            options: options(members.get("$options")),
        },
        "$regularExpression" => Bson::Regex {
            pattern: options(value.get("pattern")),
            options: options(value.get("options")),
        },
        "$code" if !members.contains_key("$scope") => Bson::JavaScript(text()?),
        "$code" => Bson::Other("JAVASCRIPT_WITH_SCOPE"),
        "$undefined" => Bson::Other("UNDEFINED"),
        "$minKey" => Bson::Other("MIN_KEY"),
        "$maxKey" => Bson::Other("MAX_KEY"),
        "$symbol" => Bson::Other("SYMBOL"),
        _ => return Ok(None),
    }))
}

fn options(json: Option<&Json>) -> String {
    json.and_then(Json::as_str).unwrap_or_default().to_string()
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// Milliseconds, as a number or as a text of ISO 8601.
fn date(json: &Json) -> Result<i64> {
    let parsed = match json {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|date| date.timestamp_millis()),
        Json::Object(inner) => inner
            .get("$numberLong")
            .and_then(Json::as_str)
            .and_then(|text| text.parse().ok()),
        _ => None,
    };
    parsed.ok_or_else(|| malformed("$date is no date"))
}
