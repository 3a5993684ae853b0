//! Connect data to Avro bytes.

mod compile;
mod plan;
mod write;

use crate::data::AvroData;
use crate::schema::{AvroKind, AvroSchema};
use bytes::BytesMut;
use connect_api::Result;
use connect_api::data::{SchemaRef, Value};
use plan::Slot;

/// A plan that turns values of one Connect schema into bytes of one Avro schema.
///
/// Made once for each pair of schemas. It has no state, so threads may share it.
#[derive(Debug)]
pub struct Encoder {
    schema: Option<SchemaRef>,
    plan: Slot,
    /// Bytes that are a whole message stand without their length in messages of the registry.
    is_bytes: bool,
}

impl Encoder {
    /// A plan for values of `schema` (`None`: schemaless) in the form of `wire`.
    ///
    /// `wire` is what [`AvroData::from_connect_schema`] made of the schema, or another schema that was
    /// looked up instead. Then fields go by position, branches of unions by the names that the
    /// schema's own Avro form has, and numbers are narrowed or widened in silence, as Java's writer does
    /// it. What cannot be written so is an error of the datum that holds it.
    ///
    /// Errors: the Connect schema has no Avro form.
    pub fn new(data: &AvroData, schema: Option<&SchemaRef>, wire: &AvroSchema) -> Result<Self> {
        let own = data.from_connect_schema(schema)?;
        let compiler = compile::Compiler::new(data.config(), &own, wire);
        Ok(Self {
            schema: schema.cloned(),
            plan: compiler.compile_root(schema)?,
            is_bytes: wire.root().kind == AvroKind::Bytes,
        })
    }

    /// The schema of the values; `None` for schemaless data.
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Appends the body of a message of the registry, which follows the schema id. Returns `false` and
    /// appends nothing for a null that the schema allows: it is a tombstone, a message without a body.
    /// Bytes as a whole message stand without a length.
    ///
    /// Errors are of kind [`Data`](connect_api::ErrorKind::Data) and leave a part of the datum in `out`.
    pub fn encode_message(&self, value: &Value, out: &mut BytesMut) -> Result<bool> {
        if value.is_null()
            && self
                .schema
                .as_ref()
                .is_none_or(|schema| schema.is_optional())
        {
            return Ok(false);
        }
        if self.is_bytes && self.plan.write_raw(value, out)? {
            return Ok(true);
        }
        self.plan.write(value, out)?;
        Ok(true)
    }

    /// Appends one datum.
    ///
    /// Errors are of kind [`Data`](connect_api::ErrorKind::Data) and leave a part of the datum in `out`.
    pub fn encode(&self, value: &Value, out: &mut BytesMut) -> Result<()> {
        self.plan.write(value, out)
    }
}
