//! Schemas of the registry and the documents that they refer to.

use crate::changes;
use crate::config::JsonSchemaDataConfig;
use crate::document::Node;
use crate::to_connect::ToConnect;
use connect_api::data::SchemaRef;
use connect_api::{ConnectError, Result};

/// A JSON Schema with the documents that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonSchema {
    root: Node,
    /// By the name that the schema uses.
    references: Vec<(String, Node)>,
}

/// A place in one of the documents: of the root (`None`) or of a reference, and the value there.
pub(crate) type Place<'d> = (Option<usize>, &'d Node);

impl JsonSchema {
    /// Parses a schema. `references` are the documents that it refers to, directly or through others, by
    /// the names that they are referred to with.
    ///
    /// # Errors
    /// A text that is not JSON, or neither an object nor a boolean, or nests too deep.
    pub fn parse<'t>(
        text: &str,
        references: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self> {
        let root = parse(text, "The JSON schema")?;
        if !matches!(root, Node::Object(_) | Node::Boolean(_)) {
            return Err(ConnectError::data(format!(
                "Invalid JSON schema: expected an object or boolean at the root, found {}",
                root.kind_name()
            )));
        }
        let references = references
            .into_iter()
            .map(|(name, text)| {
                let document = parse(
                    text,
                    &format!("The JSON schema {name}, which is referred to,"),
                )?;
                Ok((name.to_string(), document))
            })
            .collect::<Result<_>>()?;
        Ok(Self { root, references })
    }

    /// The text without blanks; members are in the order of the text.
    pub fn canonical_text(&self) -> String {
        self.root.to_text()
    }

    /// `title`, which subject name strategies take for the name of the record.
    pub fn name(&self) -> Option<&str> {
        self.root.get("title").and_then(Node::as_str)
    }

    /// The Connect schema of its data. `version` is that of the subject; `connect.version` goes before it.
    ///
    /// # Errors
    /// What Connect cannot express, among it schemas that refer to themselves; references that lead
    /// nowhere; keywords of the wrong type; a schema that unfolds to too much.
    pub fn to_connect(
        &self,
        config: &JsonSchemaDataConfig,
        version: Option<i32>,
    ) -> Result<SchemaRef> {
        ToConnect::new(self, config).schema(version)
    }

    /// Why data that was written with `writer` could not be read with this schema; empty if nothing is
    /// known against it. Types of properties and required ones are compared.
    pub fn incompatibilities_with(&self, writer: &Self) -> Vec<String> {
        changes::incompatibilities(self, writer)
    }

    pub(crate) fn root(&self) -> Place<'_> {
        (None, &self.root)
    }

    fn document(&self, document: Option<usize>) -> &Node {
        match document {
            Some(index) => &self.references[index].1,
            None => &self.root,
        }
    }

    /// What `$ref` means, written in one of the documents.
    pub(crate) fn resolve(&self, from: Option<usize>, target: &str) -> Result<Place<'_>> {
        let unknown = || {
            ConnectError::data(format!(
                "The JSON schema refers to {target}, which is neither in it nor among its references"
            ))
        };
        let (base, fragment) = target.split_once('#').unwrap_or((target, ""));
        let document = if base.is_empty() {
            from
        } else {
            self.document_named(from, base).ok_or_else(unknown)?
        };
        let root = self.document(document);
        if fragment.is_empty() {
            return Ok((document, root));
        }
        let found = if fragment.starts_with('/') {
            pointer(root, fragment)
        } else {
            with_anchor(root, fragment)
        };
        Ok((document, found.ok_or_else(unknown)?))
    }

    /// The text of the document of a name, as references within the schema write it.
    pub(crate) fn document_text(&self, name: &str) -> Option<String> {
        let document = self.document_named(None, name.trim_end_matches('#'))?;
        Some(self.document(document).to_text())
    }

    /// The document of a name: as it is written, by its id, or relative to the id of the one it is in.
    fn document_named(&self, from: Option<usize>, name: &str) -> Option<Option<usize>> {
        let is_id = |node: &Node, name: &str| {
            node.get("$id")
                .or_else(|| node.get("id"))
                .and_then(Node::as_str)
                .is_some_and(|id| id.trim_end_matches('#') == name)
        };
        let find = |name: &str| {
            if is_id(&self.root, name) {
                return Some(None);
            }
            let index = self
                .references
                .iter()
                .position(|(candidate, node)| candidate == name || is_id(node, name));
            index.map(Some)
        };
        let relative = || {
            let base = self.document(from);
            let id = base.get("$id").or_else(|| base.get("id"))?.as_str()?;
            let folder = &id[..=id.rfind('/')?];
            find(&format!("{folder}{}", name.trim_start_matches("./")))
        };
        let last_part = || {
            // Names of references are often the last part of what the schema writes.
            let short = name.rsplit('/').next()?;
            let is_short =
                |(candidate, _): &(String, Node)| candidate.rsplit('/').next() == Some(short);
            self.references.iter().position(is_short).map(Some)
        };
        find(name).or_else(relative).or_else(last_part)
    }
}

fn parse(text: &str, what: &str) -> Result<Node> {
    Node::parse(text)
        .map_err(|error| ConnectError::data(format!("{what} is not valid")).with_cause(error))
}

/// A JSON pointer. What stands below `$defs` is found below `definitions` too.
fn pointer<'d>(root: &'d Node, pointer: &str) -> Option<&'d Node> {
    let mut node = root;
    for (depth, part) in pointer.split('/').skip(1).enumerate() {
        let part = percent_decoded(part).replace("~1", "/").replace("~0", "~");
        node = match node {
            Node::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            Node::Object(_) => match node.get(&part) {
                Some(child) => child,
                None if depth == 0 && part == "$defs" => node.get("definitions")?,
                None => return None,
            },
            _ => return None,
        };
    }
    Some(node)
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_string();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The schema with `"$id": "#name"` or `"$anchor": "name"`.
fn with_anchor<'d>(node: &'d Node, name: &str) -> Option<&'d Node> {
    let id = node
        .get("$id")
        .or_else(|| node.get("id"))
        .and_then(Node::as_str);
    if id.and_then(|id| id.strip_prefix('#')) == Some(name)
        || node.get("$anchor").and_then(Node::as_str) == Some(name)
    {
        return Some(node);
    }
    match node {
        Node::Object(members) => members
            .iter()
            .find_map(|(_, child)| with_anchor(child, name)),
        Node::Array(items) => items.iter().find_map(|child| with_anchor(child, name)),
        _ => None,
    }
}
