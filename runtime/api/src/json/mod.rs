//! JSON as the JVM worker writes and reads it (Jackson's rules and Java's number texts).
//!
//! Converters, the internal topics and connectors that write JSON share this layer, because other
//! programs compare its bytes: keys of stored offsets are looked up byte by byte.
//!
//! * [`write_value`] and [`write_with_schema`] append the text of Connect data, without a tree in
//!   between.
//! * [`JsonParser`] reads schemaless data; [`JsonReader`] is the pull parser below it, for those who
//!   know what they expect; [`read_scalar`] and [`read_logical`] read what a schema asks for.

mod base64_text;
mod coercion;
mod error;
mod keys;
mod number;
mod parser;
mod reader;
mod scan;
mod writer;

pub use base64_text::{decode_base64, write_base64};
pub use coercion::{
    missing_value, not_a_struct, not_an_object, read_logical, read_scalar, wrong_representation,
};
pub use error::JSON_PARSE_EXCEPTION;
pub use number::JsonNumber;
pub use parser::JsonParser;
pub use reader::{JsonKind, JsonReader};
pub use writer::{
    write_double, write_float, write_integer, write_string, write_value, write_with_schema,
};

/// How the logical type Decimal is written (`decimal.format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecimalFormat {
    /// The bytes of the unscaled value in Base64.
    #[default]
    Base64,
    /// A number with as many digits after the point as its scale says.
    Numeric,
}

/// What the writer may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonOptions {
    /// How decimals are written.
    pub decimal_format: DecimalFormat,
    /// Whether null is written as the default value of its schema, where there is one.
    pub replace_null_with_default: bool,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            decimal_format: DecimalFormat::Base64,
            replace_null_with_default: true,
        }
    }
}

#[cfg(test)]
mod tests;
