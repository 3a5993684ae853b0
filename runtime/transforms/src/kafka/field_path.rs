//! Paths to fields (KIP-821): with syntax V1 the name of a field, with V2 names separated by dots.

use crate::requirements::{require_map_mut, require_struct, require_struct_mut};
use crate::struct_edit::{default_value, field_value};
use connect_api::config::{ConfigKey, ConfigType, Importance, Validator};
use connect_api::data::{Field, Map, Schema, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};

pub(super) const FIELD_SYNTAX_VERSION: &str = "field.syntax.version";
const PURPOSE: &str = "nested field access";

/// `field.syntax.version`
pub(super) fn field_syntax_version_key() -> ConfigKey {
    ConfigKey::new(FIELD_SYNTAX_VERSION, ConfigType::String)
        .default("V1")
        .validator(Validator::CaseInsensitiveValidString(&["V1", "V2"]))
        .importance(Importance::High)
        .doc(
            "How fields are addressed. `V1`: by name, at the top of the struct or map. `V2`: also within \
             nested structs and maps, by names separated by dots; a name that has dots itself stands \
             between backticks.",
        )
}

/// The way to a field.
#[derive(Debug, Default)]
pub(super) struct FieldPath {
    steps: Vec<String>,
}

impl FieldPath {
    /// Parses a path under a value of `field.syntax.version`.
    pub(super) fn parse(text: &str, syntax_version: &str) -> Result<Self> {
        let steps = if syntax_version.eq_ignore_ascii_case("V2") {
            steps_v2(text)?
        } else {
            vec![text.to_string()]
        };
        Ok(Self { steps })
    }

    /// The last step and those before it. An empty path has none, which Java finds out only here.
    fn split(&self) -> Result<(&str, &[String])> {
        match self.steps.split_last() {
            Some((last, others)) => Ok((last, others)),
            None => Err(ConnectError::data("fromIndex(0) > toIndex(-1)")
                .with_class("java.lang.IllegalArgumentException")),
        }
    }

    /// The field at the end of the path; `None` if a field on the way is missing.
    pub(super) fn field<'a>(&self, schema: &'a Schema) -> Result<Option<&'a Field>> {
        let (last, others) = self.split()?;
        let mut schema = schema;
        for step in others {
            match look_up(schema, step)? {
                Some(field) => schema = &field.schema,
                None => return Ok(None),
            }
        }
        look_up(schema, last)
    }

    /// Takes the value at the end of the path. Defaults stand for null on the way, at its end only if
    /// `with_default`.
    pub(super) fn take_from_struct(
        &self,
        record: &mut Struct,
        with_default: bool,
    ) -> Result<Value> {
        let (last, others) = self.split()?;
        let mut record = record;
        for (index, step) in others.iter().enumerate() {
            let (schema, values) = record.parts_mut();
            let Some(field) = schema.field(step) else {
                return Ok(Value::Null);
            };
            match (values.get_mut(field.index), field.schema.default_value()) {
                (None | Some(Value::Null), None) => return Ok(Value::Null),
                (None | Some(Value::Null), Some(default)) => {
                    let default = require_struct(default, PURPOSE)?;
                    return copy_from_struct(default, &others[index + 1..], last, with_default);
                }
                (Some(value), _) => record = require_struct_mut(value, PURPOSE)?,
            }
        }
        let (schema, values) = record.parts_mut();
        let Some(field) = schema.field(last) else {
            return Ok(Value::Null);
        };
        let taken = values.get_mut(field.index).map_or(Value::Null, take);
        Ok(match taken {
            Value::Null if with_default => default_value(field).unwrap_or(Value::Null),
            taken => taken,
        })
    }

    /// Takes the value at the end of the path; null if a key on the way is missing.
    pub(super) fn take_from_map(&self, map: &mut Map) -> Result<Value> {
        let (last, others) = self.split()?;
        let mut map = map;
        for step in others {
            match map_value_mut(map, step) {
                None | Some(Value::Null) => return Ok(Value::Null),
                Some(value) => map = require_map_mut(value, PURPOSE)?,
            }
        }
        Ok(map_value_mut(map, last).map_or(Value::Null, take))
    }
}

fn take(value: &mut Value) -> Value {
    std::mem::replace(value, Value::Null)
}

fn map_value_mut<'a>(map: &'a mut Map, key: &str) -> Option<&'a mut Value> {
    let index = map
        .shared_keys()
        .iter()
        .position(|candidate| candidate.as_str() == Some(key))?;
    map.values_mut().get_mut(index)
}

/// The rest of the way through a default value, which stays where it is.
fn copy_from_struct(
    record: &Struct,
    others: &[String],
    last: &str,
    with_default: bool,
) -> Result<Value> {
    let mut record = record;
    for step in others {
        let Some(field) = record.schema().field(step) else {
            return Ok(Value::Null);
        };
        match record.get_at(field.index) {
            Value::Null => return Ok(Value::Null),
            value => record = require_struct(value, PURPOSE)?,
        }
    }
    Ok(match record.schema().field(last) {
        Some(field) => field_value(record, field.index, with_default),
        None => Value::Null,
    })
}

fn look_up<'a>(schema: &'a Schema, name: &str) -> Result<Option<&'a Field>> {
    if schema.schema_type() != SchemaType::Struct {
        return Err(ConnectError::data(
            "Cannot look up fields on non-struct type",
        ));
    }
    Ok(schema.field(name))
}

/// The names of a path in syntax V2. A backtick at the beginning of a name opens it, and one before a dot
/// or the end closes it, unless a backslash stands before that.
fn steps_v2(path: &str) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let rest = &path[at..];
        if let Some(quoted) = rest.strip_prefix('`') {
            let (name, length) = quoted_name(quoted).ok_or_else(|| {
                let position = path[..at].encode_utf16().count();
                ConnectError::config(format!(
                    "Incomplete backtick pair in path: [{path}], consider adding a backslash before \
                     backtick at position {position} to escape it"
                ))
            })?;
            steps.push(name);
            // The opening backtick, the closing one, and the dot behind it.
            at += length + 3;
        } else {
            let name = rest.split('.').next().unwrap_or(rest);
            steps.push(name.to_string());
            at += name.len() + 1;
        }
    }
    if path.ends_with('.') {
        steps.push(String::new());
    }
    Ok(steps)
}

/// The name up to its closing backtick, and how many bytes it takes; `None` if it is never closed.
fn quoted_name(text: &str) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut start = 0;
    let mut from = 0;
    loop {
        let at = from + text[from..].find('`')?;
        let is_escaped = text[..at].ends_with('\\');
        match text[at + 1..].chars().next() {
            None if is_escaped => return None,
            None | Some('.') if !is_escaped => {
                name.push_str(&text[start..at]);
                return Some((name, at));
            }
            Some('.') => {
                name.push_str(&text[start..at - 1]);
                name.push('`');
                start = at + 1;
            }
            // One within the name.
            _ => {}
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_as_in_java() {
        for (path, steps) in [
            ("a", vec!["a"]),
            ("a.b", vec!["a", "b"]),
            ("a..b", vec!["a", "", "b"]),
            ("a.", vec!["a", ""]),
            (".", vec!["", ""]),
            ("`a.b`.c", vec!["a.b", "c"]),
            ("`a.b`.", vec!["a.b", ""]),
            ("`a`b`.c", vec!["a`b", "c"]),
            ("a`b`", vec!["a`b`"]),
            (r"`a\`.b`.c", vec!["a`.b", "c"]),
            ("", vec![]),
        ] {
            assert_eq!(FieldPath::parse(path, "v2").unwrap().steps, steps, "{path}");
        }
        assert_eq!(FieldPath::parse("a.b", "V1").unwrap().steps, ["a.b"]);
        let error = FieldPath::parse("x.`a", "V2").unwrap_err();
        assert_eq!(
            error.message(),
            "Incomplete backtick pair in path: [x.`a], consider adding a backslash before backtick at \
             position 2 to escape it"
        );
        assert!(FieldPath::parse(r"`a\`", "V2").is_err());
        assert!(FieldPath::parse("`", "V2").is_err());
    }
}
