//! Confluent's parameters of a field, from its options.

use prost_reflect::{FieldDescriptor, MapKey, Value};
use std::collections::HashMap;

/// The parameters in the option `confluent.field_meta`.
pub(crate) struct FieldMeta {
    params: HashMap<String, String>,
}

impl FieldMeta {
    pub(crate) fn of(field: &FieldDescriptor) -> Self {
        Self {
            params: params(field).unwrap_or_default(),
        }
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }
}

fn params(field: &FieldDescriptor) -> Option<HashMap<String, String>> {
    let extension = field
        .parent_pool()
        .get_extension_by_name("confluent.field_meta")?;
    let options = field.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let meta = options.get_extension(&extension);
    let params = meta.as_message()?.get_field_by_name("params")?;
    let params = params.as_map()?.iter().filter_map(|entry| match entry {
        (MapKey::String(key), Value::String(value)) => Some((key.clone(), value.clone())),
        _ => None,
    });
    Some(params.collect())
}
