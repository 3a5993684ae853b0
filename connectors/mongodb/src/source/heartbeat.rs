//! Records that tell the position of a stream without changes.

use super::offset::{OffsetKind, offset, token_text};
use bson::Document;
use connect_api::data::{Map, Schema, Value};
use connect_api::{SourceRecord, Topic};
use std::sync::Arc;

/// Tells when a heartbeat is due.
#[derive(Clone, Debug)]
pub(super) struct Heartbeat {
    /// The pause between two; 0 or less for none.
    pub(super) interval_ms: i64,
    /// Their topic.
    pub(super) topic: Topic,
    last_ms: i64,
    last_token: String,
}

impl Heartbeat {
    pub(super) fn new(interval_ms: i64, topic: Topic) -> Self {
        Self {
            interval_ms,
            topic,
            last_ms: 0,
            last_token: String::new(),
        }
    }

    /// The record of this moment, if one is due.
    pub(super) fn record(
        &mut self,
        now_ms: i64,
        token: Option<&Document>,
        partition: &Arc<Map>,
    ) -> Option<SourceRecord> {
        if self.interval_ms <= 0 || now_ms.saturating_sub(self.last_ms) <= self.interval_ms {
            return None;
        }
        let token = token?;
        self.last_ms = now_ms;
        let text = token_text(token);
        if text == self.last_token {
            return None;
        }
        let mut record = SourceRecord::new(
            self.topic.clone(),
            Some(Schema::optional_bytes()),
            Value::Null,
        );
        record.record.key_schema = Some(Schema::string());
        record.record.key = Value::string(text.as_str());
        record.origin.source_partition = Some(partition.clone());
        record.origin.source_offset = Some(Arc::new(offset(token, OffsetKind::Heartbeat)));
        self.last_token = text;
        Some(record)
    }
}
