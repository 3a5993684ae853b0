//! The names that files would have if they began at one of the records since the last rotation. Where no
//! object may take the place of another, a replay goes on at the first of them that is free.

use crate::object_name::ObjectNaming;
use crate::upload::UploadContext;
use connect_api::{Result, TopicPartition};
use std::sync::Arc;

/// The records since the last rotation, as far as they are looked at.
#[derive(Default)]
pub(super) struct Candidates {
    /// `max.files.scan.limit`.
    limit: usize,
    naming: Option<(ObjectNaming, TopicPartition)>,
    extension: String,
    offsets: Vec<(i64, Arc<str>)>,
}

impl Candidates {
    pub(super) fn new(
        limit: usize,
        naming: ObjectNaming,
        partition: TopicPartition,
        extension: String,
    ) -> Self {
        Self {
            limit,
            naming: Some((naming, partition)),
            extension,
            offsets: Vec::new(),
        }
    }

    /// Takes the records so far and begins anew.
    pub(super) fn take(&mut self) -> Self {
        Self {
            limit: self.limit,
            naming: self.naming.clone(),
            extension: self.extension.clone(),
            offsets: std::mem::take(&mut self.offsets),
        }
    }

    /// A record came; the same one may come again.
    pub(super) fn add(&mut self, offset: i64, encoded_partition: &Arc<str>) {
        let is_new = self.offsets.last().is_none_or(|(last, _)| *last < offset);
        if is_new && self.offsets.len() < self.limit {
            self.offsets.push((offset, encoded_partition.clone()));
        }
    }

    /// The first offset after `taken` whose name is free, or that nothing is known of.
    pub(super) async fn next_free(&self, taken: i64, context: &UploadContext) -> Result<i64> {
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let end = taken.saturating_add(1).saturating_add(limit);
        for offset in taken.saturating_add(1)..end {
            let known = self
                .offsets
                .binary_search_by_key(&offset, |(offset, _)| *offset);
            let (Ok(index), Some((naming, partition))) = (known, &self.naming) else {
                return Ok(offset);
            };
            let key = naming.object_key(partition, &self.offsets[index].1, offset, &self.extension);
            let what = format!("The look-up of {key}");
            let exists = context
                .settings
                .retry
                .run(&*context.clock, &what, || context.store.exists(&key))
                .await?;
            if !exists {
                return Ok(offset);
            }
        }
        Ok(end)
    }
}
