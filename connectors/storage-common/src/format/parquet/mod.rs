//! `ParquetFormat`: Parquet files, laid out as parquet-avro lays out the Avro form of the schema.
//!
//! [`schema`] maps the schema and makes the columns; [`columns`] takes rows into them. Some rows at a time
//! become an Arrow batch, which the `parquet` crate encodes into the row group at hand. A row group that
//! is full is appended to the object, so that a file of any length goes out in parts.

mod columns;
mod schema;

use super::{Format, RecordView, RecordWriter, row_value};
use crate::record::RecordRef;
use arrow_array::{RecordBatch, RecordBatchOptions};
use columns::Column;
use connect_api::data::{SchemaRef, Value};
use connect_api::{ConnectError, Result, Topic};
use connect_avro::{AvroData, AvroDataConfig};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::SchemaDescriptor;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows are encoded when there are that many of them, ...
const MAX_BATCH_ROWS: usize = 1024;
/// ... or when their values have that many bytes.
const MAX_BATCH_BYTES: usize = 256 << 10;
/// A row group of that many encoded bytes is appended to the object: until then it is in memory.
const ROW_GROUP_BYTES: usize = 16 << 20;
/// As Confluent's writer sets it.
const PAGE_BYTES: usize = 64 << 10;
/// By these names Java readers find the Avro schema again.
const AVRO_SCHEMA_KEY: &str = "parquet.avro.schema";
const MODEL_KEY: &str = "writer.model.name";

/// The compression of pages, by its name in `parquet.codec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParquetCodec {
    compression: Compression,
    extension: &'static str,
}

impl ParquetCodec {
    /// The names that there is a codec for.
    pub const SUPPORTED: &'static str = "none, snappy, gzip, brotli, lz4, zstd, lz4_raw";

    /// The codec of a name; `None` for `lzo`, which no library here writes.
    pub fn from_name(name: &str) -> Option<Self> {
        let (compression, extension) = match name {
            "none" => (Compression::UNCOMPRESSED, ".parquet"),
            "snappy" => (Compression::SNAPPY, ".snappy.parquet"),
            "gzip" => (Compression::GZIP(GzipLevel::default()), ".gz.parquet"),
            "brotli" => (Compression::BROTLI(BrotliLevel::default()), ".br.parquet"),
            "lz4" => (Compression::LZ4, ".lz4.parquet"),
            // Level 3 is what Java's codec takes without a setting.
            "zstd" => (
                Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()),
                ".zstd.parquet",
            ),
            "lz4_raw" => (Compression::LZ4_RAW, ".lz4raw.parquet"),
            _ => return None,
        };
        Some(Self {
            compression,
            extension,
        })
    }
}

/// Structs as rows of Parquet.
#[derive(Clone, Debug)]
pub struct ParquetFormat {
    mapping: AvroDataConfig,
    codec: ParquetCodec,
    row_group_bytes: usize,
}

impl ParquetFormat {
    /// `enhanced.avro.schema.support` and its like, and `parquet.codec`.
    pub fn new(mapping: AvroDataConfig, codec: ParquetCodec) -> Self {
        Self {
            mapping,
            codec,
            row_group_bytes: ROW_GROUP_BYTES,
        }
    }

    fn properties(&self, avro_schema: String) -> WriterProperties {
        WriterProperties::builder()
            .set_compression(self.codec.compression)
            .set_dictionary_enabled(true)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_max_row_group_bytes(Some(self.row_group_bytes))
            .set_key_value_metadata(Some(vec![
                KeyValue::new(AVRO_SCHEMA_KEY.to_string(), avro_schema),
                KeyValue::new(MODEL_KEY.to_string(), "avro".to_string()),
            ]))
            .build()
    }
}

impl Format for ParquetFormat {
    fn extension(&self) -> &str {
        self.codec.extension
    }

    fn has_schema(&self) -> bool {
        true
    }

    /// A row is a record.
    fn envelopes(&self, view: RecordView) -> bool {
        view != RecordView::Value
    }

    fn new_writer(
        &self,
        topic: &Topic,
        schema: Option<&SchemaRef>,
    ) -> Result<Box<dyn RecordWriter>> {
        let Some(schema) = schema else {
            return Err(ConnectError::data(format!(
                "Avro schema must be a record. The values of topic {topic} have no schema, which \
                 ParquetFormat needs: use a converter with schemas (AvroConverter, or JsonConverter with \
                 value.converter.schemas.enable=true), or another format.class"
            )));
        };
        let layout = schema::layout(&AvroData::new(self.mapping.clone()), schema)
            .map_err(|error| ConnectError::data(format!("Topic {topic}: {}", error.message())))?;
        let arrow_schema = Arc::new(arrow_schema::Schema::new(layout.root.fields()));
        let sink = Sink::default();
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties(layout.avro_schema))
            .with_parquet_schema(SchemaDescriptor::new(Arc::new(layout.parquet_schema)))
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(sink.clone(), arrow_schema.clone(), options)
            .map_err(failed)?;
        Ok(Box::new(ParquetRecordWriter {
            rows: layout.root,
            num_bytes: 0,
            last_num_bytes: 0,
            arrow_schema,
            writer,
            sink,
        }))
    }
}

struct ParquetRecordWriter {
    /// Rows that are not encoded yet.
    rows: Column,
    /// The bytes of their values.
    num_bytes: usize,
    /// The same without the last row.
    last_num_bytes: usize,
    arrow_schema: arrow_schema::SchemaRef,
    writer: ArrowWriter<Sink>,
    sink: Sink,
}

impl ParquetRecordWriter {
    fn append(&mut self, value: &Value) -> Result<()> {
        let (num_rows, num_bytes) = (self.rows.len(), self.num_bytes);
        self.rows
            .append(value, &mut self.num_bytes)
            .inspect_err(|_| {
                self.rows.truncate(num_rows);
                self.num_bytes = num_bytes;
            })
    }

    fn encode(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let num_rows = self.rows.len();
        if num_rows > 0 {
            let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
            let columns = self.rows.take_fields()?;
            self.num_bytes = 0;
            let batch =
                RecordBatch::try_new_with_options(self.arrow_schema.clone(), columns, &options)
                    .map_err(|error| failed(error.into()))?;
            self.writer.write(&batch).map_err(failed)?;
        }
        out.append(&mut self.sink.bytes());
        Ok(())
    }
}

impl RecordWriter for ParquetRecordWriter {
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        // The batch with the last row stays, so that the row can be taken back.
        if self.rows.len() >= MAX_BATCH_ROWS || self.num_bytes >= MAX_BATCH_BYTES {
            self.encode(out)?;
        }
        let num_bytes = self.num_bytes;
        self.append(row_value(record)?)?;
        self.last_num_bytes = num_bytes;
        Ok(())
    }

    fn retract(&mut self, _out: &mut Vec<u8>) {
        self.rows.truncate(self.rows.len().saturating_sub(1));
        self.num_bytes = self.last_num_bytes;
    }

    fn num_bytes_held(&self) -> usize {
        self.num_bytes + self.writer.memory_size()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.encode(out)?;
        self.writer.finish().map_err(failed)?;
        out.append(&mut self.sink.bytes());
        Ok(())
    }
}

#[cold]
fn failed(error: ParquetError) -> ConnectError {
    ConnectError::fatal(format!("Records could not be encoded as Parquet: {error}"))
}

/// Where the writer, which owns what it writes to, leaves its bytes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
