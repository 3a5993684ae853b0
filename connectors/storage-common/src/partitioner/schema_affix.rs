//! A folder with the name of the value's schema, before or behind those of another partitioner.

use super::Partitioner;
use crate::record::RecordRef;
use connect_api::{Clock, Result};
use std::sync::Arc;

/// Where the folder of the schema stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaAffix {
    /// Before the others.
    Prefix,
    /// Behind the others.
    Suffix,
}

/// `schema_name=<name, or null>` beside what another partitioner says.
pub struct SchemaPartitioner {
    inner: Box<dyn Partitioner>,
    affix: SchemaAffix,
    delim: String,
    last: Option<Arc<str>>,
}

impl SchemaPartitioner {
    /// `delim` is `directory.delim`.
    pub fn new(inner: Box<dyn Partitioner>, affix: SchemaAffix, delim: String) -> Self {
        Self {
            inner,
            affix,
            delim,
            last: None,
        }
    }
}

impl Partitioner for SchemaPartitioner {
    fn timestamp(&mut self, record: RecordRef<'_>, clock: &dyn Clock) -> Result<Option<i64>> {
        self.inner.timestamp(record, clock)
    }

    fn encode(&mut self, record: RecordRef<'_>, timestamp_ms: Option<i64>) -> Result<Arc<str>> {
        let inner = self.inner.encode(record, timestamp_ms)?;
        let name = record
            .value_schema()
            .and_then(|schema| schema.name())
            .unwrap_or("null");
        let delim = &self.delim;
        let text = match self.affix {
            SchemaAffix::Prefix => format!("schema_name={name}{delim}{inner}"),
            SchemaAffix::Suffix => format!("{inner}{delim}schema_name={name}"),
        };
        Ok(match &self.last {
            Some(last) if **last == *text => last.clone(),
            _ => self.last.insert(text.into()).clone(),
        })
    }
}
