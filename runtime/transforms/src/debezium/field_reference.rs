//! Fields of a change event that are added to what is taken out of it.

use super::null_pointer;
use crate::struct_edit::copy_schema_basics;
use connect_api::config::{ConfigKey, ConfigType, Importance};
use connect_api::data::{Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Header, Headers, Result};

pub(super) const ADD_FIELDS: &str = "add.fields";
pub(super) const ADD_FIELDS_PREFIX: &str = "add.fields.prefix";
pub(super) const ADD_HEADERS: &str = "add.headers";
pub(super) const ADD_HEADERS_PREFIX: &str = "add.headers.prefix";

/// The keys for fields and headers.
pub(super) fn keys() -> [ConfigKey; 4] {
    let list = |name, what: &str| {
        ConfigKey::new(name, ConfigType::List)
            .default(Vec::new())
            .importance(Importance::Low)
            .doc(format!(
                "Fields of the change event that are added as {what}, for example \
                 `op,source.ts_ms,table:origin`: `op`, `ts_ms` and their like of the event, others of \
                 its source, `struct.field` of any struct in it. The name is that of the field, with \
                 that of a struct that is written before it; one behind a colon takes its place."
            ))
    };
    let prefix = |name, what: &str| {
        ConfigKey::new(name, ConfigType::String)
            .default("__")
            .importance(Importance::Low)
            .doc(format!("What the names of added {what} begin with."))
    };
    [
        prefix(ADD_FIELDS_PREFIX, "fields"),
        list(ADD_FIELDS, "fields"),
        prefix(ADD_HEADERS_PREFIX, "headers"),
        list(ADD_HEADERS, "headers"),
    ]
}

/// A field of a change event with the name under which it is added.
#[derive(Clone, Debug)]
pub(super) struct FieldReference {
    /// The struct within the event that holds the field; the event itself if there is none.
    parent: Option<String>,
    pub field: String,
    pub new_name: String,
}

impl FieldReference {
    pub fn parse_all(prefix: &str, references: &[String]) -> Result<Vec<Self>> {
        references
            .iter()
            .map(|reference| reference.trim())
            .filter(|reference| !reference.is_empty())
            .map(|reference| Self::parse(prefix, reference))
            .collect()
    }

    fn parse(prefix: &str, reference: &str) -> Result<Self> {
        let unexpected = || {
            ConnectError::config(format!("Unexpected field name: {reference}"))
                .with_class("java.lang.IllegalArgumentException")
        };
        let mut parts = reference.split(':');
        let (path, alias) = (parts.next().unwrap_or_default(), parts.next());
        if parts.next().is_some() {
            return Err(unexpected());
        }
        let mut names = path.split('.');
        let first = names.next().unwrap_or_default();
        let second = names.next();
        let field = second.unwrap_or(first).to_string();
        if field.is_empty() {
            return Err(unexpected());
        }
        let new_name = match (alias, second) {
            (Some(alias), _) => format!("{prefix}{alias}"),
            (None, Some(second)) => format!("{prefix}{first}_{second}"),
            (None, None) => format!("{prefix}{first}"),
        };
        let parent = match second {
            Some(_) => Some(first),
            None => holder_of(&field),
        };
        Ok(Self {
            parent: parent.map(str::to_string),
            field,
            new_name,
        })
    }

    /// Where the field is in events of a schema, and under which schema it is added; `None` if such
    /// events have it not.
    pub fn resolve(&self, event: &Schema) -> Result<Option<ResolvedField>> {
        let parent = match &self.parent {
            None => None,
            Some(name) => Some(event.field(name).ok_or_else(|| {
                null_pointer(format!(
                    "{} cannot be added: change events of {event} have no field {name}",
                    self.field
                ))
            })?),
        };
        let in_parent = parent.and_then(|parent| parent.schema.field(&self.field));
        let field = match in_parent.or_else(|| event.field(&self.field)) {
            Some(field) => field,
            None => return Ok(None),
        };
        Ok(Some(ResolvedField {
            parent: parent.map(|parent| parent.index),
            is_in_parent: in_parent.is_some(),
            index: field.index,
            schema: optional_copy(&field.schema)?,
        }))
    }

    fn is_operation(&self) -> bool {
        self.field == "op"
    }
}

/// The struct that holds a field that is named alone.
fn holder_of(field: &str) -> Option<&'static str> {
    match field {
        "id" | "data_collection_order" | "total_order" => Some("transaction"),
        "op" | "ts_ms" | "ts_us" | "ts_ns" => None,
        "updateDescription" => Some("updateDescription"),
        _ => Some("source"),
    }
}

/// The schema without default, and optional. Of a struct the fields stay behind, as in Java.
fn optional_copy(schema: &Schema) -> Result<SchemaRef> {
    let builder = match (schema.schema_type(), schema.value_schema()) {
        (SchemaType::Array, Ok(Some(items))) => Schema::array_builder(items.clone()),
        (schema_type, _) => Schema::builder(schema_type),
    };
    copy_schema_basics(schema, builder).optional().build()
}

/// A field of the events of one schema.
#[derive(Clone, Debug)]
pub(super) struct ResolvedField {
    parent: Option<usize>,
    is_in_parent: bool,
    index: usize,
    pub schema: SchemaRef,
}

impl ResolvedField {
    /// The value of an event as it was put; null if the struct that holds it is.
    pub fn value(&self, event: &Struct) -> Value {
        let at = |record: &Struct, index: usize| record.values().get(index).cloned();
        let value = match self.parent.map(|parent| event.values().get(parent)) {
            Some(Some(Value::Struct(parent))) if self.is_in_parent => at(parent, self.index),
            Some(None | Some(Value::Null)) => None,
            _ => at(event, self.index),
        };
        value.unwrap_or(Value::Null)
    }
}

/// Adds fields of an event to the headers; of a tombstone only that it is a deletion.
pub(super) fn add_headers(
    headers: &mut Headers,
    references: &[FieldReference],
    event: Option<&Struct>,
) -> Result<()> {
    for reference in references {
        let (schema, value) = match event {
            None if reference.is_operation() => (Schema::string(), Value::from("d")),
            None => continue,
            Some(event) => match reference.resolve(event.schema())? {
                Some(field) => {
                    let value = field.value(event);
                    (field.schema, value)
                }
                None => continue,
            },
        };
        headers.push(Header::new(
            reference.new_name.as_str(),
            Some(schema),
            value,
        )?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reference: &str) -> (Option<String>, String, String) {
        let parsed = FieldReference::parse("__", reference).unwrap();
        (parsed.parent, parsed.field, parsed.new_name)
    }

    #[test]
    fn fields_are_found_where_events_have_them() {
        let of = |parent: Option<&str>, field: &str, name: &str| {
            (
                parent.map(str::to_string),
                field.to_string(),
                name.to_string(),
            )
        };
        assert_eq!(parse("op"), of(None, "op", "__op"));
        assert_eq!(parse("table"), of(Some("source"), "table", "__table"));
        assert_eq!(
            parse("source.ts_ms"),
            of(Some("source"), "ts_ms", "__source_ts_ms")
        );
        assert_eq!(parse("id:tx"), of(Some("transaction"), "id", "__tx"));
        for wrong in ["a:b:c", "", ".", "a.", ":b"] {
            assert!(FieldReference::parse("__", wrong).is_err(), "{wrong}");
        }
    }
}
