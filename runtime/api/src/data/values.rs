//! `org.apache.kafka.connect.data.Values`: the data in a text, and the text of data. The converter of
//! headers and the transforms that infer types work with it.

mod conversion;
mod format;
mod number;
mod parser;
mod temporal;
mod tokens;

use super::{Schema, Value};
use crate::converter::SchemaAndValue;
use crate::error::Result;

pub use conversion::convert_to;
pub use format::convert_to_string;

/// The value that a text stands for, with the narrowest schema that fits: a number, a boolean, a date, a
/// list, a map, or else the text itself. The text `null` gives neither schema nor value.
///
/// Errors: only if lists and maps are nested beyond all reason, where Java runs out of stack.
pub fn parse_string(text: &str) -> Result<SchemaAndValue> {
    if text.is_empty() {
        return Ok(SchemaAndValue {
            schema: Some(Schema::string()),
            value: Value::string(""),
        });
    }
    Ok(parser::Parser::new(text)
        .parse(false)?
        .unwrap_or(SchemaAndValue::NULL))
}

#[cfg(test)]
mod tests;
