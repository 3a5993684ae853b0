//! Connect's data model: schemas, values, structs, and the texts that Java makes of them.

mod java_hash;
mod java_text;
mod logical;
mod map;
mod projector;
mod schema;
mod structs;
mod validate;
mod value;
pub mod values;

pub use java_hash::{java_hash_order, java_string_hash};
pub use java_text::{double_to_java_string, float_to_java_string, push_double, push_float};
pub use logical::{Decimal, LogicalType};
pub use map::Map;
pub use projector::project;
pub use schema::{Field, Schema, SchemaBuilder, SchemaRef, SchemaType};
pub use structs::Struct;
pub use validate::validate_value;
pub use value::Value;
