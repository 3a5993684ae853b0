//! Between Connect data, JSON text and BSON.

mod decimal;
mod from_connect;
mod json_date;
mod json_extended;
mod json_reader;
mod json_scanner;
mod json_writer;
mod raw;

pub use decimal::{from_decimal128, to_decimal128};
pub use from_connect::to_document;
pub use json_date::{format_iso, format_iso_of_java, parse_iso};
pub(crate) use json_reader::bson_type_name;
pub use json_reader::{MAX_JSON_DEPTH, parse_document, parse_documents};
pub use json_writer::{JsonMode, document_to_json, value_to_json};
pub use raw::{MAX_BSON_DEPTH, document_from_bytes};

#[cfg(test)]
mod tests;
