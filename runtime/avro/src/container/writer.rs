//! Writing a container file.

use super::{CODEC_KEY, Codec, MAGIC, SCHEMA_KEY, SYNC_NUM_BYTES};
use crate::data::AvroData;
use crate::encode::Encoder;
use crate::wire::{write_bytes, write_long};
use bytes::BytesMut;
use connect_api::Result;
use connect_api::data::{SchemaRef, Value};

/// From how many bytes on a block ends, as Java's writer has it.
const BLOCK_NUM_BYTES: usize = 64_000;

/// Writes a file of values of one Connect schema. A finished block is handed out with the value
/// after it; no more than one block is held.
#[derive(Debug)]
pub struct ContainerWriter {
    encoder: Encoder,
    codec: Codec,
    sync_marker: [u8; SYNC_NUM_BYTES],
    /// The file's first bytes, until they are handed out.
    header: Vec<u8>,
    block: BytesMut,
    num_values: i64,
    /// Where the last value begins in the block.
    last_start: usize,
}

impl ContainerWriter {
    /// A file of values of `schema` (`None`: schemaless) in their own Avro form.
    ///
    /// `sync_marker` ends each block; readers that begin in the middle look for it, so it should be
    /// unlikely in data. Files that shall have the same bytes need the same one.
    ///
    /// Errors: the schema has no Avro form.
    pub fn new(
        data: &AvroData,
        schema: Option<&SchemaRef>,
        codec: Codec,
        sync_marker: [u8; SYNC_NUM_BYTES],
    ) -> Result<Self> {
        let avro = data.from_connect_schema(schema)?;
        let mut header = MAGIC.to_vec();
        write_long(2, &mut header);
        for (key, value) in [(SCHEMA_KEY, &*avro.to_string()), (CODEC_KEY, codec.name())] {
            write_bytes(key.as_bytes(), &mut header);
            write_bytes(value.as_bytes(), &mut header);
        }
        write_long(0, &mut header);
        header.extend_from_slice(&sync_marker);
        Ok(Self {
            encoder: Encoder::new(data, schema, &avro)?,
            codec,
            sync_marker,
            header,
            block: BytesMut::new(),
            num_values: 0,
            last_start: 0,
        })
    }

    /// Takes a value; appends to `out` what of the file is finished without it. After an error the file
    /// is as if the value had never come.
    pub fn write(&mut self, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        // The block with the last value stays, so that the value can be taken back.
        if self.block.len() >= BLOCK_NUM_BYTES {
            self.end_block(out)?;
        }
        let num_bytes = self.block.len();
        if let Err(error) = self.encoder.encode(value, &mut self.block) {
            self.block.truncate(num_bytes);
            return Err(error);
        }
        self.last_start = num_bytes;
        self.num_values += 1;
        Ok(())
    }

    /// Takes back the value of the last [`write`](Self::write), which succeeded. To be called once for
    /// it, before anything else.
    pub fn retract(&mut self) {
        self.block.truncate(self.last_start);
        self.num_values -= 1;
    }

    /// The size of what is not handed out yet.
    pub fn num_bytes_held(&self) -> usize {
        self.header.len() + self.block.len()
    }

    /// Appends the rest of the file to `out`. More values may follow, in a new block.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        out.append(&mut self.header);
        self.end_block(out)
    }

    fn end_block(&mut self, out: &mut Vec<u8>) -> Result<()> {
        out.append(&mut self.header);
        if self.num_values == 0 {
            return Ok(());
        }
        let compressed;
        let data: &[u8] = match self.codec {
            Codec::Null => &self.block,
            codec => {
                compressed = codec.compress(&self.block)?;
                &compressed
            }
        };
        write_long(self.num_values, out);
        write_bytes(data, out);
        out.extend_from_slice(&self.sync_marker);
        self.block.clear();
        self.num_values = 0;
        Ok(())
    }
}
