//! Schemas that were read or written before; bounded in number and bytes.

use super::write_schema::write_schema;
use bytes::Bytes;
use connect_api::Result;
use connect_api::data::SchemaRef;
use connect_api::json::JsonOptions;
use std::collections::HashMap;

/// The texts that one cache keeps. When it is full, everything is forgotten: a task with that many
/// schemas gains little from a finer choice.
const MAX_NUM_BYTES: usize = 16 << 20;

/// Schemas by the text of the member `schema`, so that equal texts give the same schema.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    by_text: HashMap<Bytes, SchemaRef>,
    num_bytes: usize,
    last: Option<(Bytes, SchemaRef)>,
}

impl Schemas {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_text.len()
    }

    /// The schema that was used last if the text begins with its text, and the length of that.
    #[inline]
    pub(super) fn known_prefix(&self, text: &[u8]) -> Option<(SchemaRef, usize)> {
        // An object in JSON ends with its closing brace: no longer one begins with it.
        let (known, schema) = self.last.as_ref()?;
        text.starts_with(known)
            .then(|| (schema.clone(), known.len()))
    }

    /// The schema of a text.
    pub(super) fn get(&mut self, text: &Bytes) -> Option<SchemaRef> {
        let (text, schema) = self.by_text.get_key_value(text)?;
        self.last = Some((text.clone(), schema.clone()));
        Some(schema.clone())
    }

    /// Keeps a schema.
    pub(super) fn insert(&mut self, text: &Bytes, schema: SchemaRef, max_schemas: usize) {
        if text.len() > MAX_NUM_BYTES || max_schemas == 0 {
            return;
        }
        if self.by_text.len() >= max_schemas || self.num_bytes + text.len() > MAX_NUM_BYTES {
            self.by_text.clear();
            self.num_bytes = 0;
        }
        // A copy: a slice would keep the whole record alive.
        let text = Bytes::copy_from_slice(text);
        self.num_bytes += text.len();
        self.last = Some((text.clone(), schema.clone()));
        self.by_text.insert(text, schema);
    }
}

/// What stands before the payload, by schema. The schemas are kept too, so that an address is not
/// reused.
#[derive(Debug, Default)]
pub(super) struct SchemaTexts {
    by_address: HashMap<usize, usize>,
    entries: Vec<(SchemaRef, Vec<u8>)>,
    num_bytes: usize,
    last: usize,
}

impl SchemaTexts {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// `{"schema":S,"payload":`
    #[inline]
    pub(super) fn envelope_opening(
        &mut self,
        schema: &SchemaRef,
        options: &JsonOptions,
        max_schemas: usize,
    ) -> Result<&[u8]> {
        let is_last = self
            .entries
            .get(self.last)
            .is_some_and(|(last, _)| SchemaRef::ptr_eq(last, schema));
        if !is_last {
            self.find(schema, options, max_schemas)?;
        }
        Ok(&self.entries[self.last].1)
    }

    fn find(
        &mut self,
        schema: &SchemaRef,
        options: &JsonOptions,
        max_schemas: usize,
    ) -> Result<()> {
        if let Some(&index) = self.by_address.get(&SchemaRef::as_ptr(schema).addr()) {
            self.last = index;
            return Ok(());
        }
        let mut text = Vec::with_capacity(256);
        text.extend_from_slice(b"{\"schema\":");
        write_schema(schema, None, options, &mut text)?;
        text.extend_from_slice(b",\"payload\":");
        if self.entries.len() >= max_schemas.max(1) || self.num_bytes + text.len() > MAX_NUM_BYTES {
            self.by_address.clear();
            self.entries.clear();
            self.num_bytes = 0;
        }
        self.last = self.entries.len();
        self.num_bytes += text.len();
        self.by_address
            .insert(SchemaRef::as_ptr(schema).addr(), self.last);
        self.entries.push((schema.clone(), text));
        Ok(())
    }
}
