//! A Protobuf file that was made from a Connect schema, and its text as the registry keeps it.

use std::fmt::Write;

/// A file in the syntax `proto3`.
#[derive(Debug, Default)]
pub(crate) struct FileDefinition {
    pub package: Option<String>,
    pub imports: Vec<&'static str>,
    pub messages: Vec<MessageDefinition>,
}

/// A message with what is declared in it.
#[derive(Debug, Default)]
pub(crate) struct MessageDefinition {
    pub name: String,
    pub fields: Vec<FieldDefinition>,
    pub oneofs: Vec<OneofDefinition>,
    pub messages: Vec<MessageDefinition>,
    pub enums: Vec<EnumDefinition>,
}

/// A field.
#[derive(Debug)]
pub(crate) struct FieldDefinition {
    pub label: Option<&'static str>,
    pub type_name: String,
    pub name: String,
    pub number: i32,
    /// Confluent's parameters of the field.
    pub params: Vec<(&'static str, String)>,
}

/// A oneof.
#[derive(Debug)]
pub(crate) struct OneofDefinition {
    pub name: String,
    pub fields: Vec<FieldDefinition>,
}

/// An enum.
#[derive(Debug)]
pub(crate) struct EnumDefinition {
    pub name: String,
    pub values: Vec<(String, i32)>,
}

impl FileDefinition {
    /// The text. Which text a schema has decides about its id, so every blank counts.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::from("syntax = \"proto3\";\n");
        if let Some(package) = &self.package {
            line(&mut text, 0, &format!("package {package};"));
        }
        if !self.imports.is_empty() {
            text.push('\n');
            for import in &self.imports {
                line(&mut text, 0, &format!("import \"{import}\";"));
            }
        }
        if !self.messages.is_empty() {
            text.push('\n');
            for message in &self.messages {
                message.print(&mut text, 0);
            }
        }
        text
    }
}

impl MessageDefinition {
    fn print(&self, text: &mut String, level: usize) {
        let mut body = String::new();
        let inner = level + 1;
        if !self.fields.is_empty() {
            blank(&mut body, level);
            for field in &self.fields {
                field.print(&mut body, inner);
            }
        }
        if !self.oneofs.is_empty() {
            blank(&mut body, level);
            for oneof in &self.oneofs {
                oneof.print(&mut body, inner);
            }
        }
        if !self.messages.is_empty() || !self.enums.is_empty() {
            blank(&mut body, level);
            for message in &self.messages {
                message.print(&mut body, inner);
            }
            for definition in &self.enums {
                definition.print(&mut body, inner);
            }
        }
        print_block(text, level, &format!("message {}", self.name), &body);
    }
}

impl OneofDefinition {
    fn print(&self, text: &mut String, level: usize) {
        let mut body = String::new();
        if !self.fields.is_empty() {
            blank(&mut body, level);
            for field in &self.fields {
                field.print(&mut body, level + 1);
            }
        }
        print_block(text, level, &format!("oneof {}", self.name), &body);
    }
}

impl EnumDefinition {
    fn print(&self, text: &mut String, level: usize) {
        let mut body = String::new();
        if !self.values.is_empty() {
            blank(&mut body, level);
            for (symbol, number) in &self.values {
                line(&mut body, level + 1, &format!("{symbol} = {number};"));
            }
        }
        print_block(text, level, &format!("enum {}", self.name), &body);
    }
}

impl FieldDefinition {
    fn print(&self, text: &mut String, level: usize) {
        let label = self
            .label
            .map_or(String::new(), |label| format!("{label} "));
        let start = format!("{label}{} {} = {}", self.type_name, self.name, self.number);
        if self.params.is_empty() {
            line(text, level, &format!("{start};"));
            return;
        }
        line(
            text,
            level,
            &format!("{start} [(confluent.field_meta) = {{"),
        );
        line(text, level + 1, "params: [");
        for (index, (key, value)) in self.params.iter().enumerate() {
            let key_line = format!("key: {}", quoted(key));
            let value_line = format!("value: {}", quoted(value));
            // Precision and scale came before the key did, and old texts are to stay as they are.
            let (first, second) = match *key {
                crate::options::META_PRECISION | crate::options::META_SCALE => {
                    (value_line, key_line)
                }
                _ => (key_line, value_line),
            };
            line(text, level + 2, "{");
            line(text, level + 3, &format!("{first},"));
            line(text, level + 3, &second);
            let comma = if index + 1 < self.params.len() {
                ","
            } else {
                ""
            };
            line(text, level + 2, &format!("}}{comma}"));
        }
        line(text, level + 1, "]");
        line(text, level, "}];");
    }
}

/// `HEAD {}` or a block; the body stands indented already and begins with the end of the first line.
fn print_block(text: &mut String, level: usize, head: &str, body: &str) {
    indent(text, level);
    let _ = write!(text, "{head} {{");
    if body.is_empty() {
        text.push_str("}\n");
    } else {
        text.push_str(body);
        line(text, level, "}");
    }
}

/// The blank line between the parts of a body; the first one only ends the line of the head. Within
/// nested messages it is indented like any other line.
fn blank(body: &mut String, level: usize) {
    if !body.is_empty() {
        indent(body, level);
    }
    body.push('\n');
}

fn line(text: &mut String, level: usize, content: &str) {
    indent(text, level);
    text.push_str(content);
    text.push('\n');
}

fn indent(text: &mut String, level: usize) {
    for _ in 0..level {
        text.push_str("  ");
    }
}

fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for letter in value.chars() {
        match letter {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '"' => quoted.push_str("\\\""),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
