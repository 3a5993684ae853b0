//! What kind of schema the keywords of an object make, by the rules of the library that Confluent reads
//! schemas with (everit): keywords that stand side by side make a combination of all.

use crate::document::Node;
use connect_api::{ConnectError, Result};

/// A schema: its kind, and the object whose other members (title, default and so on) describe it. Parts
/// of a combination that nobody wrote as such have none.
pub(crate) struct Described<'d> {
    pub kind: Kind<'d>,
    pub attributes: Option<&'d Node>,
}

/// How schemas are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criterion {
    All,
    Any,
    One,
}

/// The kinds of schemas.
pub(crate) enum Kind<'d> {
    Boolean,
    Number {
        is_integer: bool,
    },
    String,
    Null,
    Const(&'d Node),
    Enum(&'d [Node]),
    Array {
        items: Option<&'d Node>,
    },
    Object(Object<'d>),
    Combined(Criterion, Vec<Part<'d>>),
    /// `$ref`.
    Reference(&'d str),
    /// No keyword that says anything.
    Empty,
    /// A kind that has no counterpart in Connect, by the name of its class in Java.
    Unsupported(&'static str),
}

/// A schema within a combination.
pub(crate) enum Part<'d> {
    /// One that stands there.
    Written(&'d Node),
    /// One that some of the keywords make.
    Implied(Kind<'d>),
}

/// The keywords of objects.
#[derive(Clone, Copy)]
pub(crate) struct Object<'d> {
    pub properties: &'d [(String, Node)],
    pub required: &'d [Node],
    /// `additionalProperties`, if it is a schema.
    pub additional: Option<&'d Node>,
}

impl Object<'_> {
    pub(crate) fn requires(&self, name: &str) -> bool {
        self.required
            .iter()
            .any(|required| required.as_str() == Some(name))
    }
}

const ARRAY_KEYWORDS: [&str; 6] = [
    "items",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
];
const OBJECT_KEYWORDS: [&str; 8] = [
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
];
const NUMBER_KEYWORDS: [&str; 5] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
const STRING_KEYWORDS: [&str; 4] = ["minLength", "maxLength", "pattern", "format"];
const CONDITIONAL_KEYWORDS: [&str; 3] = ["if", "then", "else"];

fn malformed(keyword: &str, wanted: &str, node: &Node) -> ConnectError {
    ConnectError::data(format!(
        "Invalid JSON schema: {keyword} must be {wanted}, but it is of type {}",
        node.kind_name()
    ))
}

/// The schema that a JSON value is.
pub(crate) fn describe(node: &Node) -> Result<Described<'_>> {
    let members = match node {
        Node::Boolean(true) => {
            return Ok(Described {
                kind: Kind::Empty,
                attributes: None,
            });
        }
        Node::Boolean(false) => {
            return Ok(Described {
                kind: Kind::Unsupported("org.everit.json.schema.FalseSchema"),
                attributes: None,
            });
        }
        Node::Object(members) => members,
        other => return Err(malformed("a schema", "an object or a boolean", other)),
    };
    if let Some(reference) = node.get("$ref") {
        let target = reference
            .as_str()
            .ok_or_else(|| malformed("$ref", "a text", reference))?;
        return Ok(Described {
            kind: Kind::Reference(target),
            attributes: Some(node),
        });
    }
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    if let Some(symbols) = node.get("enum") {
        let symbols = symbols
            .as_array()
            .ok_or_else(|| malformed("enum", "an array", symbols))?;
        kinds.push(Kind::Enum(symbols));
    }
    for (keyword, criterion) in [
        ("oneOf", Criterion::One),
        ("anyOf", Criterion::Any),
        ("allOf", Criterion::All),
    ] {
        if let Some(schemas) = node.get(keyword) {
            let schemas = schemas
                .as_array()
                .ok_or_else(|| malformed(keyword, "an array", schemas))?;
            let parts = schemas.iter().map(Part::Written).collect();
            kinds.push(Kind::Combined(criterion, parts));
        }
    }
    if members.iter().any(|(name, _)| name == "not") {
        kinds.push(Kind::Unsupported("org.everit.json.schema.NotSchema"));
    }
    if let Some(value) = node.get("const") {
        kinds.push(Kind::Const(value));
    }
    match node.get("type") {
        Some(Node::String(name)) => kinds.push(of_type(name, node)?),
        Some(Node::Array(names)) => {
            let parts = names
                .iter()
                .map(|name| {
                    let text = name
                        .as_str()
                        .ok_or_else(|| malformed("type", "texts", name))?;
                    Ok(Part::Implied(of_type(text, node)?))
                })
                .collect::<Result<_>>()?;
            kinds.push(Kind::Combined(Criterion::Any, parts));
        }
        Some(other) => return Err(malformed("type", "a text or an array", other)),
        None => {}
    }
    implied_by_keywords(node, &mut kinds)?;
    let kind = match kinds.len() {
        0 => Kind::Empty,
        1 => kinds.remove(0),
        _ => Kind::Combined(
            Criterion::All,
            kinds.into_iter().map(Part::Implied).collect(),
        ),
    };
    Ok(Described {
        kind,
        attributes: Some(node),
    })
}

/// The types whose keywords an explicit type has taken already.
fn takes(node: &Node, names: &[&str]) -> bool {
    let is_named = |name: &Node| name.as_str().is_some_and(|name| names.contains(&name));
    match node.get("type") {
        Some(Node::Array(types)) => types.iter().any(is_named),
        Some(name) => is_named(name),
        None => false,
    }
}

/// Keywords of a type that `type` does not name make a schema of that type beside it.
fn implied_by_keywords<'d>(node: &'d Node, kinds: &mut Vec<Kind<'d>>) -> Result<()> {
    let has_any = |keywords: &[&str]| keywords.iter().any(|keyword| node.get(keyword).is_some());
    if has_any(&ARRAY_KEYWORDS) && !takes(node, &["array"]) {
        kinds.push(array(node));
    }
    if has_any(&OBJECT_KEYWORDS) && !takes(node, &["object"]) {
        kinds.push(object(node)?);
    }
    if has_any(&NUMBER_KEYWORDS) && !takes(node, &["number", "integer"]) {
        kinds.push(Kind::Number { is_integer: false });
    }
    if has_any(&STRING_KEYWORDS) && !takes(node, &["string"]) {
        kinds.push(Kind::String);
    }
    if has_any(&CONDITIONAL_KEYWORDS) {
        kinds.push(Kind::Unsupported(
            "org.everit.json.schema.ConditionalSchema",
        ));
    }
    Ok(())
}

fn of_type<'d>(name: &str, node: &'d Node) -> Result<Kind<'d>> {
    Ok(match name {
        "string" => Kind::String,
        "integer" => Kind::Number { is_integer: true },
        "number" => Kind::Number { is_integer: false },
        "boolean" => Kind::Boolean,
        "null" => Kind::Null,
        "array" => array(node),
        "object" => object(node)?,
        _ => {
            return Err(ConnectError::data(format!(
                "Invalid JSON schema: unknown type: [{name}]"
            )));
        }
    })
}

/// The items of a tuple have no common schema.
fn array(node: &Node) -> Kind<'_> {
    Kind::Array {
        items: node
            .get("items")
            .filter(|items| !matches!(items, Node::Array(_))),
    }
}

fn object(node: &Node) -> Result<Kind<'_>> {
    let properties = match node.get("properties") {
        Some(properties) => properties
            .as_object()
            .ok_or_else(|| malformed("properties", "an object", properties))?,
        None => &[],
    };
    let required = match node.get("required") {
        Some(required) => required
            .as_array()
            .ok_or_else(|| malformed("required", "an array", required))?,
        None => &[],
    };
    Ok(Kind::Object(Object {
        properties,
        required,
        additional: node
            .get("additionalProperties")
            .filter(|schema| matches!(schema, Node::Object(_))),
    }))
}
