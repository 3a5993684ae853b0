//! A file that takes records: the object of their values, and where the user wants them those of their
//! keys and headers, line for line.

use crate::format::{Format, RecordView, RecordWriter, ViewMaker};
use crate::record::RecordRef;
use crate::schema_compatibility::Fit;
use crate::upload::ObjectUploader;
use connect_api::data::SchemaRef;
use connect_api::{ConnectError, Result, Topic};
use std::sync::Arc;

/// What the objects of a file look like.
#[derive(Clone)]
pub struct FileFormats {
    /// Those of values.
    pub value: Arc<dyn Format>,
    /// Those of keys, where keys are stored.
    pub keys: Option<Arc<dyn Format>>,
    /// Those of headers, where headers are stored.
    pub headers: Option<Arc<dyn Format>>,
}

impl FileFormats {
    /// Values only.
    pub fn of_values(value: Arc<dyn Format>) -> Self {
        Self {
            value,
            keys: None,
            headers: None,
        }
    }

    /// Whether records may come as bytes.
    pub fn takes_bytes(&self) -> bool {
        self.value.takes_bytes() && self.keys.is_none() && self.headers.is_none()
    }

    fn keys_have_schema(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.has_schema())
    }
}

/// One object of an open file.
pub(super) struct ObjectWriter {
    pub(super) key: String,
    view: ViewMaker,
    writer: Box<dyn RecordWriter>,
    pub(super) buffer: Vec<u8>,
    /// Exists once a chunk was handed over.
    pub(super) uploader: Option<ObjectUploader>,
}

impl ObjectWriter {
    pub(super) fn is_of_values(&self) -> bool {
        self.view.view() == RecordView::Value
    }

    /// Ends the object: what is left is in the buffer.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.writer.finish(&mut self.buffer)
    }
}

/// The files of one encoded partition.
pub(super) struct OpenFile {
    pub(super) is_tombstone: bool,
    /// The schema of the values.
    pub(super) schema: Option<SchemaRef>,
    /// The last other schema that was held against it.
    pub(super) checked: Option<(SchemaRef, Fit)>,
    /// The schema of the keys, where their format has one.
    key_schema: Option<SchemaRef>,
    pub(super) start_offset: i64,
    pub(super) end_offset: i64,
    pub(super) num_records: u64,
    /// Values first, then keys, then headers: the order in which they are completed.
    pub(super) objects: Vec<ObjectWriter>,
}

impl OpenFile {
    /// A file that begins with `record`; nothing of it is written yet. `name_of` makes the name of an
    /// object from what stands behind the offset.
    pub(super) fn open(
        formats: &FileFormats,
        topic: &Topic,
        record: RecordRef<'_>,
        is_tombstone: bool,
        compression_extension: &str,
        name_of: impl Fn(&str) -> String,
    ) -> Result<Self> {
        let key_schema = match record {
            RecordRef::Row(row) if formats.keys_have_schema() => row.record.key_schema.clone(),
            _ => None,
        };
        let mut objects = Vec::with_capacity(1);
        let views = [
            // A tombstone has no value.
            (RecordView::Value, Some(&formats.value), !is_tombstone),
            (RecordView::Key, formats.keys.as_ref(), true),
            (RecordView::Headers, formats.headers.as_ref(), true),
        ];
        for (view, format, is_stored) in views {
            let (Some(format), true) = (format, is_stored) else {
                continue;
            };
            let mut view = ViewMaker::new(view, format.envelopes(view));
            let infix = view.view().infix();
            let writer = match (view.view(), record) {
                (RecordView::Value, _) => format.new_writer(topic, record.value_schema())?,
                (_, RecordRef::Row(row)) => {
                    let viewed = view.record(row)?;
                    format.new_writer(topic, viewed.record.value_schema.as_ref())?
                }
                _ => return Err(came_as_bytes(record)),
            };
            objects.push(ObjectWriter {
                key: name_of(&format!(
                    "{infix}{}{compression_extension}",
                    format.extension()
                )),
                view,
                writer,
                buffer: Vec::new(),
                uploader: None,
            });
        }
        Ok(Self {
            is_tombstone,
            schema: record.value_schema().cloned(),
            checked: None,
            key_schema,
            start_offset: record.offset(),
            end_offset: record.offset(),
            num_records: 0,
            objects,
        })
    }

    /// Whether the key of the record can stand in the file of keys.
    pub(super) fn takes_key(&self, formats: &FileFormats, record: RecordRef<'_>) -> bool {
        match record {
            RecordRef::Row(row) if formats.keys_have_schema() => {
                row.record.key_schema == self.key_schema
            }
            _ => true,
        }
    }

    /// Writes the record to every object, or to none.
    pub(super) fn write(&mut self, record: RecordRef<'_>) -> Result<()> {
        match (&mut self.objects[..], record) {
            ([object], _) if object.is_of_values() => {
                object.writer.write(record, &mut object.buffer)?;
            }
            (objects, RecordRef::Row(row)) => {
                // What a record lacks is found before anything is written.
                let viewed = objects
                    .iter_mut()
                    .map(|object| object.view.record(row))
                    .collect::<Result<Vec<_>>>()?;
                for index in 0..objects.len() {
                    let object = &mut objects[index];
                    let written = object
                        .writer
                        .write(RecordRef::Row(&viewed[index]), &mut object.buffer);
                    if let Err(error) = written {
                        for object in &mut objects[..index] {
                            object.writer.retract(&mut object.buffer);
                        }
                        return Err(error);
                    }
                }
            }
            _ => return Err(came_as_bytes(record)),
        }
        self.end_offset = record.offset();
        self.num_records += 1;
        Ok(())
    }

    /// Whether an object has that much to hand over.
    pub(super) fn has_chunk(&self, chunk_bytes: usize) -> bool {
        self.objects
            .iter()
            .any(|object| object.buffer.len() >= chunk_bytes)
    }

    /// How much memory it takes, about.
    pub(super) fn num_bytes_held(&self) -> usize {
        self.objects
            .iter()
            .map(|object| object.buffer.len() + object.writer.num_bytes_held())
            .sum()
    }
}

fn came_as_bytes(record: RecordRef<'_>) -> ConnectError {
    ConnectError::fatal(format!(
        "Record {record} came as bytes to a task that takes rows only"
    ))
}
