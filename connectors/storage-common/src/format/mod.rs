//! Formats: the bytes of objects.

mod avro;
mod bytes;
mod json;
mod parquet;
mod view;

pub use avro::AvroFormat;
pub use bytes::ByteArrayFormat;
pub use json::JsonFormat;
pub use parquet::{ParquetCodec, ParquetFormat};
pub use view::RecordView;
pub(crate) use view::ViewMaker;

use crate::record::RecordRef;
use connect_api::data::{SchemaRef, Value};
use connect_api::{ConnectError, PlainType, Result, Topic};

/// The compression of a whole object, over what the format wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// Gzip with a level from 0 to 9, or its default.
    Gzip {
        /// The level.
        level: Option<u32>,
    },
}

impl Compression {
    /// What is added to the extension of an object.
    pub fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip { .. } => ".gz",
        }
    }
}

/// A format of objects. Shared by all tasks; each file has a writer of its own.
pub trait Format: Send + Sync {
    /// The extension of objects without that of the compression, for example `.json`.
    fn extension(&self) -> &str;

    /// Whether a file has the one schema of its first record. If not, a change of schema is no reason to
    /// end it.
    fn has_schema(&self) -> bool {
        false
    }

    /// Whether keys or headers are put into a struct, because the format takes nothing else.
    fn envelopes(&self, _view: RecordView) -> bool {
        false
    }

    /// Whether values of that type are written from their bytes, so that the task can take batches of
    /// bytes.
    fn takes_bytes(&self) -> bool {
        false
    }

    /// The writer of one file; `schema` is that of the values of all its records.
    fn new_writer(
        &self,
        topic: &Topic,
        schema: Option<&SchemaRef>,
    ) -> Result<Box<dyn RecordWriter>>;
}

/// Writes the records of one file.
///
/// Order of calls: `write` for each record, then `finish` once, or drop. What is ready is appended to
/// `out`, from which the caller takes it away between calls; a writer of row groups may keep the rest.
pub trait RecordWriter: Send {
    /// Writes a record. After an error the file is as if the record had never come, and the writer goes
    /// on with the next one. An error of kind [`Data`](connect_api::ErrorKind::Data) is about the one
    /// record.
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> Result<()>;

    /// Takes back the record of the last `write`, which succeeded and whose `out` is untouched since:
    /// the file of its key could not take it, so that the lines of the two would no longer match.
    fn retract(&mut self, out: &mut Vec<u8>);

    /// How many bytes it keeps beside `out`, about.
    fn num_bytes_held(&self) -> usize {
        0
    }

    /// Ends the file.
    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// The value of a row, for formats that take no bytes.
pub(crate) fn row_value(record: RecordRef<'_>) -> Result<&Value> {
    record.value().ok_or_else(|| {
        ConnectError::fatal(format!(
            "Record {record} came as bytes to a format that takes rows only"
        ))
    })
}

/// The name of a schema type in messages about plain values.
pub(crate) fn plain_type_name(plain_type: PlainType) -> &'static str {
    match plain_type {
        PlainType::String => "STRING",
        PlainType::Bytes => "BYTES",
    }
}

#[cfg(test)]
mod tests;
