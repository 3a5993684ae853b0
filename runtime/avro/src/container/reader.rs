//! Reading a container file.

use super::{CODEC_KEY, Codec, MAGIC, SCHEMA_KEY, SYNC_NUM_BYTES};
use crate::decode::Decoder;
use crate::schema::AvroSchema;
use crate::wire::Cursor;
use bytes::Bytes;
use connect_api::{ConnectError, Result, SchemaAndValue};

/// How many bytes a block may have after decompression, unless told otherwise.
const MAX_BLOCK_NUM_BYTES: usize = 256 << 20;

/// How many records without any bytes a file may claim: their number costs the writer nothing.
const MAX_EMPTY_RECORDS: u64 = 1 << 16;

#[cold]
fn broken(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message).with_class("java.io.IOException")
}

/// Reads a file block by block. Only the block at hand is decompressed.
#[derive(Debug)]
pub struct ContainerReader {
    file: Bytes,
    at: usize,
    schema: AvroSchema,
    codec: Codec,
    metadata: Vec<(String, Bytes)>,
    sync_marker: Bytes,
    max_block_num_bytes: usize,
    block: Bytes,
    num_left: u64,
    /// Where the block at hand begins, for messages.
    block_at: usize,
    num_empty_records: u64,
}

impl ContainerReader {
    /// Reads the header of a file.
    pub fn new(file: Bytes) -> Result<Self> {
        if file.get(..MAGIC.len()) != Some(&MAGIC[..]) {
            return Err(broken("Not an Avro data file."));
        }
        let body = file.slice(MAGIC.len()..);
        let mut cursor = Cursor::new(&body);
        let mut metadata = Vec::new();
        loop {
            let count = cursor.read_block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                metadata.push((cursor.read_string()?.to_string(), cursor.read_bytes()?));
            }
        }
        let sync_marker = cursor.read_fixed(SYNC_NUM_BYTES)?;
        let at = MAGIC.len() + cursor.position();
        let entry = |name: &str| {
            metadata
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| String::from_utf8_lossy(value))
        };
        let schema = entry(SCHEMA_KEY)
            .ok_or_else(|| broken("The Avro data file has no avro.schema in its header"))?;
        Ok(Self {
            schema: AvroSchema::parse(&schema)?,
            codec: match entry(CODEC_KEY) {
                None => Codec::Null,
                Some(name) => Codec::from_name(&name).ok_or_else(|| {
                    broken(format!(
                        "Unrecognized codec: {name}. Known are {}",
                        Codec::ALL.map(Codec::name).join(", ")
                    ))
                })?,
            },
            metadata,
            sync_marker,
            max_block_num_bytes: MAX_BLOCK_NUM_BYTES,
            block: Bytes::new(),
            num_left: 0,
            block_at: at,
            num_empty_records: 0,
            at,
            file,
        })
    }

    /// The same reader with another bound for the size of a block after decompression.
    #[must_use]
    pub fn with_max_block_num_bytes(mut self, max_block_num_bytes: usize) -> Self {
        self.max_block_num_bytes = max_block_num_bytes;
        self
    }

    /// The schema that the file was written with.
    pub fn schema(&self) -> &AvroSchema {
        &self.schema
    }

    /// How blocks are compressed.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The entries of the header.
    pub fn metadata(&self) -> &[(String, Bytes)] {
        &self.metadata
    }

    /// The next record, or `None` at the end of the file. `decoder` must have been made for the file's
    /// schema as the writer's.
    ///
    /// An error of a record leaves its block unreadable: [`ContainerReader::skip_block`] goes on with
    /// the next one. An error of a block ends the file.
    pub fn next(&mut self, decoder: &Decoder) -> Result<Option<SchemaAndValue>> {
        while self.num_left == 0 {
            if !self.next_block()? {
                return Ok(None);
            }
        }
        let (data, num_bytes) = decoder.decode(&self.block).map_err(|error| {
            ConnectError::data(format!(
                "The block at byte {} of the Avro data file cannot be read",
                self.block_at
            ))
            .with_cause(error)
        })?;
        if num_bytes == 0 {
            self.num_empty_records += 1;
            if self.num_empty_records > MAX_EMPTY_RECORDS {
                return Err(broken(format!(
                    "The Avro data file has more than {MAX_EMPTY_RECORDS} records without content"
                )));
            }
        }
        self.block = self.block.slice(num_bytes..);
        self.num_left -= 1;
        Ok(Some(data))
    }

    /// Leaves out the rest of the block at hand.
    pub fn skip_block(&mut self) {
        self.num_left = 0;
    }

    fn next_block(&mut self) -> Result<bool> {
        let rest = self.file.slice(self.at..);
        if rest.is_empty() {
            return Ok(false);
        }
        let mut cursor = Cursor::new(&rest);
        let count = cursor.read_long()?;
        let data = cursor.read_bytes()?;
        let marker = cursor.read_fixed(SYNC_NUM_BYTES)?;
        self.block_at = self.at;
        self.at += cursor.position();
        if marker != self.sync_marker {
            return Err(broken(format!(
                "Invalid sync! The block at byte {} of the Avro data file does not end with the file's \
                 marker",
                self.block_at
            )));
        }
        self.num_left = u64::try_from(count).map_err(|_| {
            broken(format!(
                "A block of the Avro data file claims {count} records"
            ))
        })?;
        self.block = match self.codec {
            Codec::Null => data,
            codec => codec.decompress(&data, self.max_block_num_bytes)?.into(),
        };
        Ok(true)
    }
}
