//! Whether data of one schema can be read with another.

use crate::document::{MAX_DEPTH, Node};
use crate::keywords::{Kind, Object, Part, describe};
use crate::schema::JsonSchema;

/// What is known against reading data of `writer` with `reader`.
pub(crate) fn incompatibilities(reader: &JsonSchema, writer: &JsonSchema) -> Vec<String> {
    let mut found = Vec::new();
    let (_, reader_root) = reader.root();
    let (_, writer_root) = writer.root();
    compare(reader, reader_root, writer, writer_root, "#", 0, &mut found);
    found
}

/// More differences say nothing new.
const MAX_NUM_FOUND: usize = 20;

fn compare(
    reader: &JsonSchema,
    reader_node: &Node,
    writer: &JsonSchema,
    writer_node: &Node,
    path: &str,
    depth: usize,
    found: &mut Vec<String>,
) {
    // What is not compared, because it is odd or refers elsewhere, is not held against a schema.
    if depth > MAX_DEPTH || found.len() >= MAX_NUM_FOUND {
        return;
    }
    let (Ok(reader_schema), Ok(writer_schema)) = (describe(reader_node), describe(writer_node))
    else {
        return;
    };
    match (&reader_schema.kind, &writer_schema.kind) {
        (Kind::Object(new), Kind::Object(old)) => {
            properties(reader, new, writer, old, path, depth, found);
        }
        (Kind::Array { items: Some(new) }, Kind::Array { items: Some(old) }) => {
            let path = format!("{path}/items");
            compare(reader, new, writer, old, &path, depth + 1, found);
        }
        (new, old) => {
            if let (Some(new), Some(old)) = (type_name(new), type_name(old))
                && new != old
                && (new, old) != ("number", "integer")
            {
                found.push(format!("{path}: the type is {new}, but the data has {old}"));
            }
        }
    }
}

fn properties(
    reader: &JsonSchema,
    new: &Object<'_>,
    writer: &JsonSchema,
    old: &Object<'_>,
    path: &str,
    depth: usize,
    found: &mut Vec<String>,
) {
    for (name, node) in new.properties {
        let path = format!("{path}/properties/{name}");
        match old.properties.iter().find(|(other, _)| other == name) {
            Some((_, old_node)) => {
                if new.requires(name) && !old.requires(name) && node.get("default").is_none() {
                    found.push(format!("{path}: it is required, but the data may lack it"));
                }
                compare(reader, node, writer, old_node, &path, depth + 1, found);
            }
            None if new.requires(name) && node.get("default").is_none() => {
                found.push(format!("{path}: it is required, but the data lacks it"));
            }
            None => {}
        }
    }
}

/// The type that a schema has; `None` where several are possible.
fn type_name(kind: &Kind<'_>) -> Option<&'static str> {
    Some(match kind {
        Kind::Boolean => "boolean",
        Kind::Number { is_integer: true } => "integer",
        Kind::Number { is_integer: false } => "number",
        Kind::String => "string",
        Kind::Null => "null",
        Kind::Array { .. } => "array",
        Kind::Object(_) => "object",
        // `{"type": "string", "enum": [...]}`: the last part is the type.
        Kind::Combined(_, parts) => match parts.last() {
            Some(Part::Implied(kind)) if parts.len() == 2 => return type_name(kind),
            _ => return None,
        },
        _ => return None,
    })
}
