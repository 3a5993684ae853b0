//! The text of a schema, as Java's `Schema.toString()` prints it.

use super::{AvroKind, AvroName, AvroSchema, AvroType, FieldOrder, TypeId};
use connect_api::data::push_double;
use serde_json::Value as Json;
use std::collections::HashSet;

pub(super) fn schema_text(schema: &AvroSchema, root: TypeId) -> String {
    let mut writer = Writer {
        schema,
        known: HashSet::new(),
        out: Vec::with_capacity(256),
    };
    writer.write_type(root, None);
    String::from_utf8(writer.out).expect("all pieces are strings")
}

/// Appends a string as Jackson writes it into text: only quotes, backslashes and control characters are
/// escaped. (Into bytes, which [`connect_api::json`] is for, it also escapes what UTF-16 needs two units
/// for.)
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{C}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\0'..='\u{1F}' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Appends JSON with Jackson's number texts and escapes.
pub(crate) fn write_json(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (None, None, Some(value)) => {
                let mut text = String::with_capacity(24);
                push_double(value, &mut text);
                out.extend_from_slice(text.as_bytes());
            }
            _ => out.extend_from_slice(number.to_string().as_bytes()),
        },
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json(item, out);
            }
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                write_json(member, out);
            }
            out.push(b'}');
        }
        Json::Null | Json::Bool(_) => out.extend_from_slice(json.to_string().as_bytes()),
    }
}

struct Writer<'a> {
    schema: &'a AvroSchema,
    /// The named types that were written already: from then on their names stand for them.
    known: HashSet<&'a str>,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn member(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        write_string(name, &mut self.out);
        self.out.push(b':');
    }

    fn string_member(&mut self, name: &str, value: &str) {
        self.member(name);
        write_string(value, &mut self.out);
    }

    fn write_type(&mut self, id: TypeId, namespace: Option<&'a str>) {
        let schema = self.schema;
        let avro_type = schema.get(id);
        if let Some(name) = &avro_type.name
            && !self.known.insert(name.full())
        {
            write_string(name.qualified(namespace), &mut self.out);
            return;
        }
        if let AvroKind::Union(branches) = &avro_type.kind {
            self.push("[");
            for (index, &branch) in branches.iter().enumerate() {
                if index > 0 {
                    self.push(",");
                }
                self.write_type(branch, namespace);
            }
            self.push("]");
            return;
        }
        let is_word = avro_type.name.is_none()
            && !matches!(avro_type.kind, AvroKind::Array(_) | AvroKind::Map(_));
        if is_word && avro_type.props.is_empty() {
            write_string(avro_type.type_name(), &mut self.out);
            return;
        }
        self.push("{");
        self.write_members(avro_type, namespace);
        self.push("}");
    }

    fn write_members(&mut self, avro_type: &'a AvroType, namespace: Option<&'a str>) {
        let word = match avro_type.kind {
            AvroKind::Record { is_error: true, .. } => "error",
            _ => avro_type.type_name(),
        };
        self.string_member("type", word);
        if let Some(name) = &avro_type.name {
            self.write_name(name, namespace);
        }
        if let Some(doc) = &avro_type.doc {
            self.string_member("doc", doc);
        }
        match &avro_type.kind {
            AvroKind::Record { .. } => {
                let own = avro_type.name.as_ref().and_then(AvroName::namespace);
                self.write_fields(avro_type, own);
            }
            AvroKind::Enum { symbols, default } => {
                self.member("symbols");
                self.write_strings(symbols.iter().map(String::as_str));
                if let Some(default) = default {
                    self.string_member("default", default);
                }
            }
            AvroKind::Fixed { size } => {
                self.member("size");
                self.push(&size.to_string());
            }
            AvroKind::Array(items) => {
                self.member("items");
                self.write_type(*items, namespace);
            }
            AvroKind::Map(values) => {
                self.member("values");
                self.write_type(*values, namespace);
            }
            _ => {}
        }
        self.write_props(&avro_type.props);
        if !avro_type.aliases.is_empty() {
            let own = avro_type.name.as_ref().and_then(AvroName::namespace);
            self.member("aliases");
            self.write_strings(avro_type.aliases.iter().map(|alias| alias.qualified(own)));
        }
    }

    fn write_name(&mut self, name: &AvroName, namespace: Option<&str>) {
        self.string_member("name", name.simple());
        match name.namespace() {
            own if own == namespace => {}
            Some(own) => self.string_member("namespace", own),
            None => self.string_member("namespace", ""),
        }
    }

    fn write_fields(&mut self, record: &'a AvroType, namespace: Option<&'a str>) {
        self.member("fields");
        self.push("[");
        for (index, field) in record.fields().iter().enumerate() {
            self.push(if index > 0 { ",{" } else { "{" });
            self.string_member("name", &field.name);
            self.member("type");
            self.write_type(field.type_id, namespace);
            if let Some(doc) = &field.doc {
                self.string_member("doc", doc);
            }
            if let Some(default) = &field.default {
                self.member("default");
                write_json(default, &mut self.out);
            }
            match field.order {
                FieldOrder::Ascending => {}
                FieldOrder::Descending => self.string_member("order", "descending"),
                FieldOrder::Ignore => self.string_member("order", "ignore"),
            }
            if !field.aliases.is_empty() {
                self.member("aliases");
                self.write_strings(field.aliases.iter().map(String::as_str));
            }
            self.write_props(&field.props);
            self.push("}");
        }
        self.push("]");
    }

    fn write_strings<'b>(&mut self, texts: impl Iterator<Item = &'b str>) {
        self.push("[");
        for (index, text) in texts.enumerate() {
            if index > 0 {
                self.push(",");
            }
            write_string(text, &mut self.out);
        }
        self.push("]");
    }

    fn write_props(&mut self, props: &[(String, Json)]) {
        for (name, value) in props {
            self.member(name);
            write_json(value, &mut self.out);
        }
    }
}
