//! Protobuf to and from Connect data: schemas mapped as Confluent's ProtobufData maps them, and compiled plans for values.
//!
//! Nothing here reads or writes anything but the bytes that it is given. [`ProtobufData`] holds the
//! choices of the mapping; it makes a [`Decoder`] for a message type and an [`Encoder`] for a Connect
//! schema. Making one costs much and using it little, so callers keep them.

mod compatibility;
mod decode;
mod definition;
mod encode;
mod from_connect;
mod known;
mod logical;
mod mapping;
mod meta;
mod names;
mod options;
mod plan;
mod recursion;
mod schema;
mod source;
mod to_connect;
mod wire;

pub use compatibility::incompatibilities;
pub use decode::Decoder;
pub use encode::Encoder;
pub use known::{is_known_import, known_text};
pub use options::DataOptions;
pub use schema::{ProtobufSchema, Reference};

use connect_api::Result;
use connect_api::data::SchemaRef;
use prost_reflect::MessageDescriptor;

/// The mapping between Protobuf and Connect under given options.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProtobufData {
    options: DataOptions,
}

impl ProtobufData {
    /// The mapping under the given options.
    pub fn new(options: DataOptions) -> Self {
        Self { options }
    }

    /// What reads messages of a type. `version` becomes the version of the schema.
    pub fn decoder(&self, message: &MessageDescriptor, version: Option<i32>) -> Result<Decoder> {
        to_connect::root_plan(self.options, message, version).map(Decoder::new)
    }

    /// What writes values of a schema. Lists and maps cannot be the root of a record:
    /// `Unsupported root schema of type ARRAY`.
    pub fn encoder(&self, schema: &SchemaRef) -> Result<Encoder> {
        Encoder::new(self.options, schema)
    }
}

#[cfg(test)]
mod tests;
