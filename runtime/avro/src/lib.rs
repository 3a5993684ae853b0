//! Avro to and from Connect data: schemas mapped as Confluent's AvroData maps them, and compiled plans
//! for values.
//!
//! * [`AvroSchema`] is a parsed schema. Its text form is the one of Java's `Schema.toString()`, which
//!   registries store and compare, so members and properties keep the order that Java gives them.
//! * [`AvroData`] maps schemas: [`AvroData::to_connect_schema`], [`AvroData::from_connect_schema`].
//! * [`ContainerWriter`] and [`ContainerReader`] write and read container files.
//! * [`Decoder`] and [`Encoder`] are plans: made once for a pair of schemas, they turn bytes into rows by
//!   position and back, with no generic tree between.
//!
//! Nothing here reads files or the network.
//!
//! # Why not the `apache-avro` crate
//!
//! Its schema type sorts properties, drops logical types that it does not know (`local-timestamp-*`
//! aside, a registered `"logicalType"` may be anything), and writes its own canonical text: the schema
//! that this worker registers would then be another one than the JVM worker's, with a new id. Its only
//! way to data is a tree of values, which costs more than the whole budget of a record. So the schema
//! type, its text and the binary form stand here; the crate is the yardstick in the benchmark and a
//! second opinion in tests.
//!
//! # Recursive schemas
//!
//! A Connect schema here is a tree, so a type that holds itself is laid out level by level: sixteen
//! levels, fewer if the whole would have more than ten thousand parts. Data that nests deeper is an
//! error that names the type. Written back, the levels fold into the one recursive Avro type.

mod config;
mod container;
mod data;
mod decode;
mod encode;

mod names;
mod resolution;
mod schema;
mod wire;

pub use config::AvroDataConfig;
pub use container::{Codec, ContainerReader, ContainerWriter};
pub use data::AvroData;
pub use decode::Decoder;
pub use encode::Encoder;

pub use resolution::incompatibilities;
pub use schema::{AvroField, AvroKind, AvroName, AvroSchema, AvroType, FieldOrder, TypeId};
