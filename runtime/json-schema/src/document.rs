//! JSON documents: the texts of schemas.

use bytes::Bytes;
use connect_api::json::{JsonKind, JsonReader};
use connect_api::{ConnectError, Result};
use std::collections::HashMap;

/// No schema that people write nests deeper. What walks over documents recurses so deep at most.
pub(crate) const MAX_DEPTH: usize = 128;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Boolean(bool),
    /// As it was written.
    Number(String),
    String(String),
    Array(Vec<Node>),
    /// In the order of the text; of equal names the first one's place and the last one's value count.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Reads a whole text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let input = Bytes::copy_from_slice(text.as_bytes());
        let mut reader = JsonReader::new(&input);
        if reader.peek()?.is_none() {
            return Err(ConnectError::data("The text is empty"));
        }
        read(&mut reader)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(candidate, _)| candidate == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_i32(&self) -> Option<i32> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// What Jackson calls the type of a node.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "BOOLEAN",
            Self::Number(_) => "NUMBER",
            Self::String(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// The text without blanks.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Boolean(true) => out.push_str("true"),
            Self::Boolean(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_quoted(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_quoted(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// As Java prints it in a text: strings without quotes.
    pub(crate) fn to_java_text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            other => other.to_text(),
        }
    }
}

/// As Jackson writes texts of characters. Among bytes it escapes what needs two UTF-16 units, here not.
fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn read(reader: &mut JsonReader<'_>) -> Result<Node> {
    if reader.depth() >= MAX_DEPTH {
        return Err(ConnectError::data(format!(
            "The schema nests deeper than {MAX_DEPTH} levels"
        )));
    }
    Ok(match reader.peek_value()? {
        JsonKind::Null => {
            reader.read_null()?;
            Node::Null
        }
        JsonKind::Boolean => Node::Boolean(reader.read_boolean()?),
        JsonKind::Number => Node::Number(reader.read_number()?.text().to_string()),
        JsonKind::String => Node::String(reader.read_str()?.into_owned()),
        JsonKind::Array => {
            reader.begin_array()?;
            let (mut items, mut first) = (Vec::new(), true);
            while reader.next_item(&mut first)? {
                items.push(read(reader)?);
            }
            Node::Array(items)
        }
        JsonKind::Object => {
            reader.begin_object()?;
            let mut members: Vec<(String, Node)> = Vec::new();
            let mut places: HashMap<String, usize> = HashMap::new();
            let mut first = true;
            while let Some(name) = reader.next_member(&mut first)? {
                let value = read(reader)?;
                match places.get(&*name) {
                    Some(&place) => members[place].1 = value,
                    None => {
                        places.insert(name.to_string(), members.len());
                        members.push((name.into_owned(), value));
                    }
                }
            }
            Node::Object(members)
        }
    })
}
