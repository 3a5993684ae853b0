//! The half of a record that a transform works on.

use connect_api::Record;
use connect_api::data::{SchemaRef, Value};

/// Key or value: the class `$Key` or `$Value` of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// `$Key`
    Key,
    /// `$Value`
    Value,
}

impl Half {
    /// Schema and value of this half, to be changed.
    pub(crate) fn parts_mut(self, record: &mut Record) -> (&mut Option<SchemaRef>, &mut Value) {
        match self {
            Self::Key => (&mut record.key_schema, &mut record.key),
            Self::Value => (&mut record.value_schema, &mut record.value),
        }
    }
}
