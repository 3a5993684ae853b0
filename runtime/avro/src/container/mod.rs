//! Avro object container files, over bytes: a header with the schema, then blocks of data, each with its
//! number of records, compressed as the header says, and followed by the file's sync marker.

mod codec;
mod reader;
mod writer;

pub use codec::Codec;
pub use reader::ContainerReader;
pub use writer::ContainerWriter;

/// The first four bytes of a file.
const MAGIC: [u8; 4] = *b"Obj\x01";
const SYNC_NUM_BYTES: usize = 16;
const SCHEMA_KEY: &str = "avro.schema";
const CODEC_KEY: &str = "avro.codec";

#[cfg(test)]
mod tests;
