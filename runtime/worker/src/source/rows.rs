//! Batches of bytes as rows.

use connect_api::data::{Schema, Value};
use connect_api::{PlainType, SourceBytes, SourceRecord};

/// A batch of bytes as rows, for converters and transforms that look inside.
pub(super) fn rows_of(batch: SourceBytes) -> Vec<SourceRecord> {
    let schema = match batch.value_type {
        PlainType::String => Schema::string(),
        PlainType::Bytes => Schema::bytes(),
    };
    batch
        .values
        .into_iter()
        .enumerate()
        .map(|(index, bytes)| {
            let value = match batch.value_type {
                PlainType::String => match bytestring::ByteString::try_from(bytes.clone()) {
                    Ok(text) => Value::String(text),
                    Err(_malformed) => Value::string(String::from_utf8_lossy(&bytes).into_owned()),
                },
                PlainType::Bytes => Value::Bytes(bytes),
            };
            let mut record = SourceRecord::new(batch.topic.clone(), Some(schema.clone()), value);
            record.record.timestamp = batch.timestamp;
            record.origin.source_partition = batch.source_partition.clone();
            record.origin.source_offset = batch.source_offsets.get(index);
            record
        })
        .collect()
}
