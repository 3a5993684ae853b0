//! From a JSON Schema to a [`Plan`].

use super::plan::{Plan, StructPlan};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaBuilder, SchemaRef, SchemaType};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Deeper ones are taken for recursive, which Connect schemas of this transform cannot be.
const MAX_DEPTH: usize = 64;

type Outcome<T> = Result<T, String>;

struct Reading<'a> {
    document: &'a Json,
    excluded: &'a [String],
}

/// The plan of the schema in a text. The error says what is wrong and where.
pub(super) fn plan_of(text: &str, excluded: &[String]) -> Outcome<Plan> {
    let document: Json =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let reading = Reading {
        document: &document,
        excluded,
    };
    reading.plan(&document, "#", false, 0)
}

fn built(builder: SchemaBuilder, place: &str) -> Outcome<SchemaRef> {
    builder
        .build()
        .map_err(|error| format!("{place}: {}", error.message()))
}

impl<'a> Reading<'a> {
    /// What a `$ref` within the document stands for.
    fn resolved(&self, node: &'a Json, place: &str) -> Outcome<&'a Map<String, Json>> {
        let mut node = node;
        for _ in 0..MAX_DEPTH {
            let object = node
                .as_object()
                .ok_or_else(|| format!("{place} is not an object"))?;
            let Some(reference) = object.get("$ref").and_then(Json::as_str) else {
                return Ok(object);
            };
            let pointer = reference
                .strip_prefix('#')
                .ok_or_else(|| format!("{place}: $ref {reference} leaves the document"))?;
            node = self
                .document
                .pointer(pointer)
                .ok_or_else(|| format!("{place}: $ref {reference} points to nothing"))?;
        }
        Err(format!("{place}: its $ref goes round in a circle"))
    }

    fn plan(&self, node: &'a Json, place: &str, optional: bool, depth: usize) -> Outcome<Plan> {
        if depth > MAX_DEPTH {
            return Err(format!("{place} is nested deeper than {MAX_DEPTH} levels"));
        }
        let node = self.resolved(node, place)?;
        let text = |key: &str| {
            node.get(key)
                .and_then(Json::as_str)
                .filter(|text| !text.is_empty())
        };
        let described = |mut builder: SchemaBuilder, is_logical: bool| {
            // A logical type has its name already.
            if let (Some(title), false) = (text("title"), is_logical) {
                builder = builder.name(title);
            }
            if let Some(description) = text("description") {
                builder = builder.doc(description);
            }
            if optional {
                builder.optional()
            } else {
                builder
            }
        };
        let plain = |schema_type| built(described(Schema::builder(schema_type), false), place);
        let logical = |logical: LogicalType| {
            let schema = logical.schema(optional);
            match text("description") {
                None => Ok(schema),
                Some(_) => built(
                    described(
                        Schema::builder(schema.schema_type())
                            .name(schema.name().unwrap_or_default())
                            .version(schema.version().unwrap_or(1)),
                        true,
                    ),
                    place,
                ),
            }
        };
        match (text("type"), text("format")) {
            (Some("object"), _) => self.object(node, described, place, depth),
            (Some("array"), _) => {
                let items = node
                    .get("items")
                    .ok_or_else(|| format!("{place}: an array without items"))?;
                let items = self.plan(items, &format!("{place}/items"), false, depth + 1)?;
                let builder = Schema::array_builder(items.schema().clone());
                Ok(Plan::Array {
                    schema: built(described(builder, false), place)?,
                    items: Box::new(items),
                })
            }
            (Some("integer"), _) => plain(SchemaType::Int64).map(Plan::Integer),
            (Some("number"), _) => plain(SchemaType::Float64).map(Plan::Number),
            (Some("boolean"), _) => plain(SchemaType::Boolean).map(Plan::Boolean),
            (Some("string"), Some("date")) => logical(LogicalType::Date).map(Plan::Date),
            (Some("string"), Some("time")) => logical(LogicalType::Time).map(Plan::Time),
            (Some("string"), Some("date-time")) => {
                logical(LogicalType::Timestamp).map(Plan::Timestamp)
            }
            (Some("string"), Some("decimal")) => {
                let scale = match node.get("scale") {
                    Some(Json::Number(number)) => number.as_i64(),
                    Some(Json::String(text)) => text.parse().ok(),
                    _ => None,
                };
                let scale = scale
                    .and_then(|scale| i32::try_from(scale).ok())
                    .ok_or_else(|| {
                        format!("{place}: format decimal needs a whole number as scale")
                    })?;
                let schema = built(described(Decimal::builder(scale), true), place)?;
                Ok(Plan::Decimal { schema, scale })
            }
            (Some("string"), None) if text("contentEncoding") == Some("base64") => {
                plain(SchemaType::Bytes).map(Plan::Bytes)
            }
            (Some("string"), _) => plain(SchemaType::String).map(Plan::Text),
            (other, _) => Err(format!(
                "Schema type is not supported. {place} has {}; name one type of object, array, integer, \
                 number, boolean, string, or leave it out by json.exclude.locations",
                other.map_or("no single type".to_string(), |name| format!("type {name}"))
            )),
        }
    }

    fn object(
        &self,
        node: &'a Map<String, Json>,
        described: impl Fn(SchemaBuilder, bool) -> SchemaBuilder,
        place: &str,
        depth: usize,
    ) -> Outcome<Plan> {
        let required: Vec<&str> = node
            .get("required")
            .and_then(Json::as_array)
            .map(|names| names.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        // The origin sorts the fields by name.
        let properties: BTreeMap<&String, &Json> = node
            .get("properties")
            .and_then(Json::as_object)
            .map(|properties| properties.iter().collect())
            .unwrap_or_default();
        let mut builder = described(Schema::struct_builder(), false);
        let (mut fields, mut positions) = (Vec::new(), std::collections::HashMap::new());
        for (name, property) in properties {
            let place = format!("{place}/properties/{name}");
            if self.excluded.contains(&place) {
                continue;
            }
            let optional = !required.contains(&name.as_str());
            let field = self.plan(property, &place, optional, depth + 1)?;
            builder = builder.field(name.as_str(), field.schema().clone());
            positions.insert(name.clone(), fields.len());
            fields.push(field);
        }
        Ok(Plan::Struct(StructPlan {
            schema: built(builder, place)?,
            fields,
            positions,
        }))
    }
}
