//! From Connect schemas to JSON Schema: the text that is registered.

use crate::config::JsonSchemaDataConfig;
use crate::document::{MAX_DEPTH, Node};
use crate::java_order::{hash_order, of_copied_map, of_new_map};
use crate::reader::is_plain_text;
use crate::schema::JsonSchema;
use crate::union::is_union;
use crate::writer::ValueWriter;
use crate::{
    CONNECT_INDEX, CONNECT_PARAMETERS, CONNECT_TYPE, CONNECT_VERSION, GENERALIZED_ENUM, JSON_ENUM,
    JSON_ID, KEY, NAMESPACE, NULL_SYMBOL, VALUE, VARIANT,
};
use bytes::BytesMut;
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType};
use connect_api::json::DecimalFormat;
use connect_api::{ConnectError, Result};
use std::collections::HashSet;

/// The JSON Schema of data of a Connect schema, with members in the order in which Confluent's library
/// prints them: the registry tells schemas apart by their texts.
///
/// # Errors
/// A schema that nests too deep, an array or map without the schemas of its items, a default value that
/// does not fit.
pub fn derive_schema(schema: &Schema, config: &JsonSchemaDataConfig) -> Result<JsonSchema> {
    let mut derive = Derive {
        config,
        ids: HashSet::new(),
        depth: 0,
    };
    let node = derive.schema(schema, None, Optional::Shown)?;
    JsonSchema::parse(&node.to_text(), [])
}

/// Whether an optional schema becomes a choice between null and the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Optional {
    Shown,
    /// Optional or not is said elsewhere.
    Ignored,
}

struct Derive<'c> {
    config: &'c JsonSchemaDataConfig,
    /// The ids of schemas that were derived already: they are referred to.
    ids: HashSet<String>,
    depth: usize,
}

/// A schema in the making, in the order of its members.
#[derive(Default)]
struct Draft {
    /// What stands before the description: the type.
    before: Vec<(String, Node)>,
    title: Option<String>,
    description: Option<String>,
    default: Option<Node>,
    id: Option<String>,
    /// `connect.*`
    connect: Vec<(String, Node)>,
    /// What stands behind the description: other schemas.
    after: Vec<(String, Node)>,
}

impl Draft {
    fn of_type(name: &str) -> Self {
        Self {
            before: vec![member("type", text(name))],
            ..Self::default()
        }
    }

    fn one_of(schemas: Vec<Node>) -> Self {
        Self {
            after: vec![member("oneOf", Node::Array(schemas))],
            ..Self::default()
        }
    }

    fn into_node(self) -> Node {
        let mut members = self.before;
        let texts = [("title", self.title), ("description", self.description)];
        members.extend(
            texts
                .into_iter()
                .filter_map(|(name, value)| Some(member(name, text(&value?)))),
        );
        members.extend(self.default.map(|default| member("default", default)));
        members.extend(self.id.map(|id| member("id", text(&id))));
        let connect = of_new_map(self.connect, |(name, _)| name.as_str());
        members.extend(of_copied_map(connect, |(name, _)| name.as_str()));
        members.extend(self.after);
        Node::Object(members)
    }
}

fn text(value: &str) -> Node {
    Node::String(value.to_string())
}

fn member(name: &str, value: Node) -> (String, Node) {
    (name.to_string(), value)
}

fn null_schema() -> Node {
    Draft::of_type("null").into_node()
}

fn reference(id: &str) -> Node {
    Node::Object(vec![member("$ref", text(id))])
}

fn number(value: impl ToString) -> Node {
    Node::Number(value.to_string())
}

impl Derive<'_> {
    fn schema(
        &mut self,
        schema: &Schema,
        index: Option<usize>,
        optional: Optional,
    ) -> Result<Node> {
        self.derive(schema, index, optional, schema.is_optional())
    }

    /// `is_optional` counts instead of what the schema says.
    fn derive(
        &mut self,
        schema: &Schema,
        index: Option<usize>,
        optional: Optional,
        is_optional: bool,
    ) -> Result<Node> {
        // Each level of a struct is two in the text.
        if self.depth >= MAX_DEPTH / 4 {
            return Err(ConnectError::data(format!(
                "The Connect schema nests deeper than {} levels and cannot become a JSON schema",
                MAX_DEPTH / 4
            )));
        }
        self.depth += 1;
        let node = self.bounded(schema, index, optional, is_optional);
        self.depth -= 1;
        node
    }

    fn bounded(
        &mut self,
        schema: &Schema,
        index: Option<usize>,
        optional: Optional,
        is_optional: bool,
    ) -> Result<Node> {
        let id = schema.parameter(JSON_ID).map(str::to_string);
        self.ids.extend(id.clone());
        let mut draft = if schema.schema_type() != SchemaType::Struct || is_variant(schema) {
            self.simple(schema)?
        } else if is_union(schema) {
            return self.union(schema, index, id, is_optional);
        } else if is_optional {
            let some = self.derive(schema, None, Optional::Shown, false)?;
            return Ok(wrapped(Draft::one_of(vec![null_schema(), some]), index, id));
        } else {
            self.structure(schema)?
        };
        self.describe(schema, &mut draft)?;
        if optional == Optional::Shown && is_optional {
            draft = Draft::one_of(vec![null_schema(), draft.into_node()]);
        }
        Ok(wrapped(draft, index, id))
    }

    fn union(
        &mut self,
        schema: &Schema,
        index: Option<usize>,
        id: Option<String>,
        is_optional: bool,
    ) -> Result<Node> {
        let mut schemas = Vec::new();
        if is_optional {
            schemas.push(null_schema());
        }
        for field in schema.fields() {
            schemas.push(self.derive(
                &field.schema,
                Some(field.index),
                Optional::Ignored,
                false,
            )?);
        }
        Ok(wrapped(Draft::one_of(schemas), index, id))
    }

    /// A schema or, where its id was met before, a reference to it.
    fn or_reference(&mut self, schema: &Schema, index: Option<usize>) -> Result<Node> {
        match schema.parameter(JSON_ID) {
            Some(id) if self.ids.contains(id) => Ok(reference(id)),
            _ => self.schema(schema, index, Optional::Shown),
        }
    }

    fn simple(&mut self, schema: &Schema) -> Result<Draft> {
        let typed = |name: &str, connect_type: &str| {
            let mut draft = Draft::of_type(name);
            draft.connect.push(member(CONNECT_TYPE, text(connect_type)));
            draft
        };
        Ok(match schema.schema_type() {
            SchemaType::Int8 => typed("integer", "int8"),
            SchemaType::Int16 => typed("integer", "int16"),
            SchemaType::Int32 => typed("integer", "int32"),
            SchemaType::Int64 => typed("integer", "int64"),
            SchemaType::Float32 => typed("number", "float32"),
            SchemaType::Float64 => typed("number", "float64"),
            SchemaType::Boolean => Draft {
                after: vec![member("type", text("boolean"))],
                ..Draft::default()
            },
            SchemaType::String => self.string(schema),
            SchemaType::Bytes => {
                let is_number = LogicalType::of(schema) == Some(LogicalType::Decimal)
                    && self.config.decimal_format == DecimalFormat::Numeric;
                typed(if is_number { "number" } else { "string" }, "bytes")
            }
            SchemaType::Array => {
                let items = schema.value_schema()?.ok_or_else(|| untyped(schema))?;
                let items = self.or_reference(items, None)?;
                let mut draft = Draft::of_type("array");
                draft.after.push(member("items", items));
                draft
            }
            SchemaType::Map => {
                let keys = schema.key_schema()?.ok_or_else(|| untyped(schema))?;
                let values = schema.value_schema()?.ok_or_else(|| untyped(schema))?;
                self.map(keys, values)?
            }
            SchemaType::Struct => Draft::default(),
        })
    }

    fn string(&self, schema: &Schema) -> Draft {
        let parameters = schema.parameters();
        let is_enum = [GENERALIZED_ENUM, JSON_ENUM]
            .iter()
            .any(|name| schema.parameter(name).is_some());
        if !is_enum {
            return Draft::of_type("string");
        }
        let prefix = if self.config.generalized_sum_type_support {
            GENERALIZED_ENUM
        } else {
            JSON_ENUM
        };
        let symbols: Vec<&str> = parameters
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(prefix)?.strip_prefix('.'))
            .collect();
        // The hash of null is that of the empty text.
        let symbols = of_new_map(
            symbols,
            |symbol| {
                if *symbol == NULL_SYMBOL { "" } else { symbol }
            },
        );
        let symbols = symbols.into_iter().map(|symbol| match symbol {
            NULL_SYMBOL => Node::Null,
            symbol => text(symbol),
        });
        Draft {
            before: vec![member("enum", Node::Array(symbols.collect()))],
            ..Draft::default()
        }
    }

    fn map(&mut self, keys: &SchemaRef, values: &SchemaRef) -> Result<Draft> {
        let mut draft;
        if is_plain_text(keys) {
            let values = self.schema(values, None, Optional::Shown)?;
            draft = Draft::of_type("object");
            draft.after.push(member("additionalProperties", values));
        } else {
            let properties = vec![
                member(KEY, self.schema(keys, Some(0), Optional::Shown)?),
                member(VALUE, self.schema(values, Some(1), Optional::Shown)?),
            ];
            let mut entry = Draft::of_type("object");
            entry
                .after
                .push(member("properties", in_java_order(properties)));
            draft = Draft::of_type("array");
            draft.after.push(member("items", entry.into_node()));
        }
        draft.connect.push(member(CONNECT_TYPE, text("map")));
        Ok(draft)
    }

    fn structure(&mut self, schema: &Schema) -> Result<Draft> {
        let mut properties = Vec::new();
        for field in schema.fields() {
            let node = self.or_reference(&field.schema, Some(field.index))?;
            properties.push(member(&field.name, node));
        }
        let mut draft = Draft::of_type("object");
        if !self.config.object_additional_properties {
            draft
                .before
                .push(member("additionalProperties", Node::Boolean(false)));
        }
        if !properties.is_empty() {
            draft
                .after
                .push(member("properties", in_java_order(properties)));
        }
        Ok(draft)
    }

    fn describe(&self, schema: &Schema, draft: &mut Draft) -> Result<()> {
        draft.title = schema.name().map(str::to_string);
        draft.description = schema.doc().map(str::to_string);
        if let Some(version) = schema.version() {
            draft.connect.push(member(CONNECT_VERSION, number(version)));
        }
        let parameters: Vec<(String, Node)> = schema
            .parameters()
            .iter()
            .filter(|(name, _)| !name.starts_with(NAMESPACE))
            .map(|(name, value)| member(name, text(value)))
            .collect();
        if !parameters.is_empty() {
            // Through a new map into one that was made for this number of entries.
            let parameters = of_new_map(parameters, |(name, _)| name.as_str());
            let num_parameters = parameters.len();
            let parameters = hash_order(parameters, num_parameters, |(name, _)| name.as_str());
            draft
                .connect
                .push(member(CONNECT_PARAMETERS, Node::Object(parameters)));
        }
        if let Some(default) = schema.default_value() {
            let mut out = BytesMut::new();
            let schema: SchemaRef = SchemaRef::new(schema.clone());
            if ValueWriter::new(&schema, self.config).write(default, &mut out)? {
                let node = Node::parse(&String::from_utf8_lossy(&out))?;
                draft.default = Some(as_org_json_prints(node)).filter(|node| *node != Node::Null);
            }
        }
        Ok(())
    }
}

fn is_variant(schema: &Schema) -> bool {
    schema.name() == Some(VARIANT)
}

fn wrapped(mut draft: Draft, index: Option<usize>, id: Option<String>) -> Node {
    draft.id = id;
    if let Some(index) = index {
        draft.connect.push(member(CONNECT_INDEX, number(index)));
    }
    draft.into_node()
}

fn in_java_order(properties: Vec<(String, Node)>) -> Node {
    Node::Object(of_new_map(properties, |(name, _)| name.as_str()))
}

fn untyped(schema: &Schema) -> ConnectError {
    ConnectError::data(format!(
        "A {} whose items have no schema cannot become a JSON schema",
        schema.schema_type()
    ))
}

/// Default values go through Java's org.json on their way into the text: zeros at the end of fractions
/// get lost, members come in the order of a hash map.
fn as_org_json_prints(node: Node) -> Node {
    match node {
        Node::Number(number) => Node::Number(as_java_number(&number)),
        Node::Array(items) => Node::Array(items.into_iter().map(as_org_json_prints).collect()),
        Node::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, as_org_json_prints(value)))
                .collect();
            Node::Object(of_new_map(members, |(name, _)| name.as_str()))
        }
        other => other,
    }
}

fn as_java_number(number: &str) -> String {
    if !number.contains('.') && !number.contains(['e', 'E']) {
        return number.to_string();
    }
    let number = if number.contains('.') && !number.contains(['e', 'E']) {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    match number.parse::<Decimal>() {
        Ok(decimal) => decimal.to_string(),
        Err(_) => number.to_string(),
    }
}
