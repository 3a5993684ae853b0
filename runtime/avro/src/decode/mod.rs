//! Avro bytes to Connect data.

mod compile;
mod plan;
mod read;
mod skip;

use crate::data::AvroData;
use crate::schema::{AvroKind, AvroSchema};
use crate::wire::Cursor;
use bytes::Bytes;
use connect_api::data::SchemaRef;
use connect_api::{Result, SchemaAndValue};
use plan::Read;

/// A plan that turns bytes of one writer's schema into Connect data.
///
/// Made once for each schema; everything that depends on schemas alone is settled then: names, positions,
/// promotions, defaults. It has no state, so threads may share it.
#[derive(Debug)]
pub struct Decoder {
    schema: Option<SchemaRef>,
    plan: Read,
    /// Bytes that are a whole message stand without their length in messages of the registry.
    is_bytes: bool,
}

impl Decoder {
    /// A plan for data that is read with the schema it was written with. `version` is the registry's
    /// version of the schema.
    pub fn new(data: &mut AvroData, writer: &AvroSchema, version: Option<i32>) -> Result<Self> {
        Self::with_reader(data, writer, writer, version)
    }

    /// A plan for data that a reader's schema may see differently: fields that are dropped, added with a
    /// default or renamed by an alias, wider numbers, other unions (Avro's schema resolution). The
    /// Connect schema is that of the reader.
    ///
    /// What cannot be resolved is an error of the datum that needs it, as in Java: two schemas that only
    /// share some branches of a union still read those.
    pub fn with_reader(
        data: &mut AvroData,
        writer: &AvroSchema,
        reader: &AvroSchema,
        version: Option<i32>,
    ) -> Result<Self> {
        let schema = data.to_connect_schema(reader, version)?;
        let compiler = compile::Compiler::new(data.config(), writer, reader);
        let plan = compiler.compile_root(schema.as_ref())?;
        Ok(Self {
            schema,
            plan,
            is_bytes: writer.root().kind == AvroKind::Bytes
                && reader.root().kind == AvroKind::Bytes,
        })
    }

    /// The schema of what is decoded; `None` for schemaless data.
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Decodes the body of a message of the registry, which follows the schema id. A schema of type
    /// `bytes` takes the whole body, without a length. Strings and bytes share its memory. What follows
    /// the datum is ignored, as in Java.
    ///
    /// Errors are of kind [`Data`](connect_api::ErrorKind::Data).
    pub fn decode_message(&self, body: &Bytes) -> Result<SchemaAndValue> {
        let whole = match &self.plan {
            Read::Bytes if self.is_bytes => Read::Fixed(body.len()),
            Read::Decimal(None, scale) if self.is_bytes => Read::Decimal(Some(body.len()), *scale),
            _ => return self.decode(body).map(|(data, _)| data),
        };
        let value = whole.read(&mut Cursor::new(body), 0)?;
        Ok(SchemaAndValue {
            schema: self.schema.clone(),
            value,
        })
    }

    /// Decodes one datum; returns it with the number of bytes that it took.
    ///
    /// Errors are of kind [`Data`](connect_api::ErrorKind::Data).
    pub fn decode(&self, input: &Bytes) -> Result<(SchemaAndValue, usize)> {
        let mut cursor = Cursor::new(input);
        let value = self.plan.read(&mut cursor, 0)?;
        // A datum that is null has no schema for Connect: it is a tombstone.
        let schema = if value.is_null() {
            None
        } else {
            self.schema.clone()
        };
        Ok((SchemaAndValue { schema, value }, cursor.position()))
    }
}
