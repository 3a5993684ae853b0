//! Whether a default fits its type.

use super::{AvroKind, AvroSchema, TypeId};
use serde_json::Value as Json;

impl AvroSchema {
    /// `Schema.Field`'s check of a default: for a union, any branch will do, as since Avro 1.12.
    pub(crate) fn is_valid_default(&self, id: TypeId, default: &Json) -> bool {
        match &self.get(id).kind {
            AvroKind::Null => default.is_null(),
            AvroKind::Boolean => default.is_boolean(),
            AvroKind::Int => default
                .as_i64()
                .is_some_and(|value| i32::try_from(value).is_ok()),
            AvroKind::Long => default.as_i64().is_some(),
            AvroKind::Float | AvroKind::Double => default.is_number(),
            AvroKind::Bytes | AvroKind::String | AvroKind::Fixed { .. } | AvroKind::Enum { .. } => {
                default.is_string()
            }
            AvroKind::Array(items) => default
                .as_array()
                .is_some_and(|list| list.iter().all(|item| self.is_valid_default(*items, item))),
            AvroKind::Map(values) => default.as_object().is_some_and(|members| {
                members
                    .values()
                    .all(|value| self.is_valid_default(*values, value))
            }),
            AvroKind::Union(branches) => branches
                .iter()
                .any(|&branch| self.is_valid_default(branch, default)),
            AvroKind::Record { fields, .. } => default.as_object().is_some_and(|members| {
                fields.iter().all(|field| {
                    members
                        .get(&*field.name)
                        .or(field.default.as_ref())
                        .is_some_and(|value| self.is_valid_default(field.type_id, value))
                })
            }),
        }
    }
}
