//! `AvroFormat`: Avro container files.

use super::{Format, RecordWriter, row_value};
use crate::record::RecordRef;
use connect_api::data::SchemaRef;
use connect_api::{Result, Topic};
use connect_avro::{AvroData, AvroDataConfig, Codec, ContainerWriter};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Values as Avro, under the Avro form of their Connect schema.
#[derive(Clone, Debug)]
pub struct AvroFormat {
    mapping: AvroDataConfig,
    codec: Codec,
}

impl AvroFormat {
    /// `enhanced.avro.schema.support` and its like, and `avro.codec`.
    pub fn new(mapping: AvroDataConfig, codec: Codec) -> Self {
        Self { mapping, codec }
    }
}

impl Format for AvroFormat {
    /// The same for every codec, which the file itself names.
    fn extension(&self) -> &str {
        ".avro"
    }

    fn has_schema(&self) -> bool {
        true
    }

    fn new_writer(&self, _: &Topic, schema: Option<&SchemaRef>) -> Result<Box<dyn RecordWriter>> {
        Ok(Box::new(AvroRecordWriter {
            data: AvroData::new(self.mapping.clone()),
            codec: self.codec,
            schema: schema.cloned(),
            container: None,
        }))
    }
}

struct AvroRecordWriter {
    data: AvroData,
    codec: Codec,
    schema: Option<SchemaRef>,
    /// Begun with the first record, whose place in Kafka makes the sync marker.
    container: Option<ContainerWriter>,
}

impl RecordWriter for AvroRecordWriter {
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        let value = row_value(record)?;
        let container = match &mut self.container {
            Some(container) => container,
            none => {
                let (schema, sync) = (self.schema.as_ref(), sync_marker(record));
                none.insert(ContainerWriter::new(&self.data, schema, self.codec, sync)?)
            }
        };
        container.write(value, out)
    }

    fn retract(&mut self, _out: &mut Vec<u8>) {
        if let Some(container) = &mut self.container {
            container.retract();
        }
    }

    fn num_bytes_held(&self) -> usize {
        self.container
            .as_ref()
            .map_or(0, ContainerWriter::num_bytes_held)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match &mut self.container {
            Some(container) => container.finish(out),
            None => Ok(()),
        }
    }
}

/// A file that is written again after a crash has the same bytes, so the marker depends on its first
/// record alone.
fn sync_marker(record: RecordRef<'_>) -> [u8; 16] {
    let half = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (number, record.topic(), record.partition(), record.offset()).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(0) << 64 | half(1)).to_be_bytes()
}
