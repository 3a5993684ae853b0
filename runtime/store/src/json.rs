//! JSON of schemaless values, as `JsonConverter` with `schemas.enable=false` writes and reads it.

use bytes::{Bytes, BytesMut};
use connect_api::ConnectError;
use connect_api::data::Value;
use connect_api::json::{JsonOptions, JsonParser, write_value};

/// The text of a value.
pub(crate) fn to_json(value: &Value) -> connect_api::Result<Bytes> {
    let mut text = BytesMut::new();
    write_value(value, &JsonOptions::default(), &mut text)?;
    Ok(text.freeze())
}

/// The value of a text: integers are 64-bit ones, fractions doubles.
pub(crate) fn from_json(text: &Bytes) -> connect_api::Result<Value> {
    JsonParser::new()
        .parse(text)?
        .ok_or_else(|| ConnectError::data("the text is empty"))
}
