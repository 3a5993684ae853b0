//! JSON Schema to and from Connect data, mapped as Confluent's JsonSchemaData maps them.
//!
//! Pure: texts and bytes in, schemas and values out, without network and files.
//!
//! - [`JsonSchema`] is a schema of the registry with the documents that it refers to.
//! - [`JsonSchema::to_connect`] is the Connect schema of its data, [`ValueReader`] reads such data.
//! - [`derive_schema`] is the JSON Schema of data of a Connect schema, [`ValueWriter`] writes such data.
//! - [`SchemaValidator`] says whether data is what a schema asks for.
//!
//! Neither texts nor data are trusted: how deep they nest and how much a schema unfolds to is bounded.

mod changes;
mod config;
mod derive;
mod document;
mod java_order;
mod keywords;
mod reader;
mod schema;
mod to_connect;
mod union;
mod validator;
mod writer;

pub use config::JsonSchemaDataConfig;
pub use derive::derive_schema;
pub use reader::ValueReader;
pub use schema::JsonSchema;
pub use validator::SchemaValidator;
pub use writer::ValueWriter;

/// The beginning of the names and parameters that this mapping makes up.
const NAMESPACE: &str = "io.confluent.connect.json";
/// A schema that is referred to from within itself carries its id in this parameter.
const JSON_ID: &str = "io.confluent.connect.json.Id";
const JSON_ENUM: &str = "io.confluent.connect.json.Enum";
const JSON_ONE_OF: &str = "io.confluent.connect.json.OneOf";
const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
const VARIANT: &str = "org.apache.kafka.connect.data.Variant";

const CONNECT_TYPE: &str = "connect.type";
const CONNECT_VERSION: &str = "connect.version";
const CONNECT_PARAMETERS: &str = "connect.parameters";
const CONNECT_INDEX: &str = "connect.index";

/// The members of the objects that stand for the entries of a map whose keys are no texts.
const KEY: &str = "key";
const VALUE: &str = "value";
/// Stands for null among the symbols of an enum.
const NULL_SYMBOL: &str = "<NULL>";
