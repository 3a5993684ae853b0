//! Avro schemas with `arg.properties`, which say how values are made, to generators.

use crate::generator::{Generator, Kind, Length, NumberType};
use crate::hints::Hints;
use crate::json_value::to_value;
use connect_api::data::{Decimal, LogicalType, Schema, SchemaBuilder, SchemaType, Value};
use serde_json::Value as Json;
use std::collections::HashMap;

pub(crate) const ARG_PROPERTIES: &str = "arg.properties";
/// Types in one another; a record that holds itself ends here.
const MAX_DEPTH: usize = 32;
/// What one record may hold at most: primitive values, and bytes of a text.
pub(crate) const MAX_NUM_VALUES: usize = 1_000_000;
pub(crate) const MAX_TEXT_NUM_BYTES: usize = 1024 * 1024;
/// Types of a schema, counted where they are used.
const MAX_NUM_TYPES: usize = 10_000;

pub(crate) type Outcome<T> = Result<T, String>;

/// Makes a generator of the records that a schema describes. Iterations begin with value number
/// `generation`. The error tells what is wrong with the schema.
pub(crate) fn parse_schema(text: &str, generation: i64) -> Outcome<Generator> {
    let json: Json = serde_json::from_str(&without_comments(text))
        .map_err(|error| format!("it is not JSON: {error}"))?;
    let mut parser = Parser {
        generation,
        named: HashMap::new(),
        num_types: 0,
    };
    let generator = parser.parse(&json, &Place::outermost())?;
    match generator.schema.schema_type() {
        SchemaType::Struct => Ok(generator),
        other => Err(format!("it describes {other} values, not records")),
    }
}

/// Avro's parser takes `//` and `/* */` comments.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(next) = rest.chars().next() {
        if !in_string && rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        if !in_string && rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
            continue;
        }
        let mut len = next.len_utf8();
        match next {
            '"' => in_string = !in_string,
            '\\' if in_string => len += rest[len..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// Where in the schema a type stands.
#[derive(Clone)]
pub(crate) struct Place {
    /// The names of the fields that lead here, for errors.
    pub(crate) path: String,
    namespace: String,
    depth: usize,
    /// How many values of this type a record may hold.
    pub(crate) num_values: usize,
    optional: bool,
    doc: Option<String>,
    default: Option<Json>,
}

impl Place {
    fn outermost() -> Self {
        Self {
            path: "the schema".to_string(),
            namespace: String::new(),
            depth: 0,
            num_values: 1,
            optional: false,
            doc: None,
            default: None,
        }
    }

    /// A type within this one.
    pub(crate) fn inner(&self, path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            depth: self.depth + 1,
            optional: false,
            doc: None,
            default: None,
            ..self.clone()
        }
    }

    pub(crate) fn fault<T>(&self, why: impl std::fmt::Display) -> Outcome<T> {
        Err(format!("{}: {why}", self.path))
    }
}

struct Parser {
    generation: i64,
    /// The definitions of named types with the namespace around them.
    named: HashMap<String, (Json, String)>,
    num_types: usize,
}

impl Parser {
    fn parse(&mut self, json: &Json, place: &Place) -> Outcome<Generator> {
        self.num_types += 1;
        if place.depth > MAX_DEPTH || self.num_types > MAX_NUM_TYPES {
            return place.fault("types are nested too deeply, or a record holds itself");
        }
        let empty = serde_json::Map::new();
        match json {
            Json::String(name) => self.parse_type(name, &empty, place),
            Json::Array(branches) => self.parse_union(branches, place),
            Json::Object(object) => match object.get("type") {
                Some(Json::String(name)) => self.parse_type(name, object, place),
                Some(inner) => self.parse(inner, place),
                None => place.fault("'type' is missing"),
            },
            _ => place.fault("a type is a name, an object or a list"),
        }
    }

    fn parse_type(
        &mut self,
        name: &str,
        object: &serde_json::Map<String, Json>,
        place: &Place,
    ) -> Outcome<Generator> {
        let hints = Hints::of(object, place)?;
        let mut generator = match name {
            "null" => Generator {
                schema: Schema::optional_string(),
                kind: Kind::Null,
            },
            "boolean" => {
                let kind = hints.boolean(self.generation)?;
                made(Schema::builder(SchemaType::Boolean), kind, place)?
            }
            "int" | "long" | "float" | "double" => self.parse_number(name, object, &hints)?,
            "bytes" if is_logical(object, "decimal") => {
                let scale = object.get("scale").and_then(Json::as_i64).unwrap_or(0);
                let scale = i32::try_from(scale).or_else(|_| place.fault("'scale' is too big"))?;
                let precision = object.get("precision").and_then(Json::as_u64).unwrap_or(18);
                let kind = hints.decimal(scale, precision)?;
                made(Decimal::builder(scale), kind, place)?
            }
            "bytes" => {
                let kind = Kind::Bytes(hints.length(hints.text_bound())?);
                made(Schema::builder(SchemaType::Bytes), kind, place)?
            }
            "string" => {
                let kind = hints.text(self.generation)?;
                made(Schema::builder(SchemaType::String), kind, place)?
            }
            "array" => self.parse_array(object, &hints)?,
            "map" => self.parse_map(object, &hints)?,
            "record" | "enum" | "fixed" => self.parse_named(name, object, place)?,
            reference => return self.parse_reference(reference, place),
        };
        if let Some(options) = hints.options(&generator.schema)? {
            generator.kind = Kind::Options(options);
        }
        Ok(generator)
    }

    fn parse_number(
        &mut self,
        name: &str,
        object: &serde_json::Map<String, Json>,
        hints: &Hints<'_>,
    ) -> Outcome<Generator> {
        let (schema_type, number_type) = match name {
            "int" if is_logical(object, "date") => (SchemaType::Int32, NumberType::Date),
            "int" if is_logical(object, "time-millis") => (SchemaType::Int32, NumberType::Time),
            "int" => (SchemaType::Int32, NumberType::Int32),
            "long" if is_logical(object, "timestamp-millis") => {
                (SchemaType::Int64, NumberType::Timestamp)
            }
            "long" => (SchemaType::Int64, NumberType::Int64),
            "float" => (SchemaType::Float32, NumberType::Float32),
            _ => (SchemaType::Float64, NumberType::Float64),
        };
        let mut builder = Schema::builder(schema_type);
        let logical = match number_type {
            NumberType::Date => Some(LogicalType::Date),
            NumberType::Time => Some(LogicalType::Time),
            NumberType::Timestamp => Some(LogicalType::Timestamp),
            _ => None,
        };
        if let Some(logical) = logical {
            builder = builder.name(logical.schema_name()).version(1);
        }
        made(
            builder,
            hints.number(number_type, self.generation)?,
            hints.place,
        )
    }

    fn parse_array(
        &mut self,
        object: &serde_json::Map<String, Json>,
        hints: &Hints<'_>,
    ) -> Outcome<Generator> {
        let place = hints.place;
        let Some(items) = object.get("items") else {
            return place.fault("an array has no 'items'");
        };
        let (length, inner) = hints.collection("items")?;
        let items = Box::new(self.parse(items, &inner)?);
        let builder = Schema::array_builder(items.schema.clone());
        made(builder, Kind::Array { items, length }, place)
    }

    fn parse_map(
        &mut self,
        object: &serde_json::Map<String, Json>,
        hints: &Hints<'_>,
    ) -> Outcome<Generator> {
        let place = hints.place;
        let Some(values) = object.get("values") else {
            return place.fault("a map has no 'values'");
        };
        let (length, inner) = hints.collection("values")?;
        let key_hints = serde_json::json!({
            "type": "string",
            ARG_PROPERTIES: hints.get("keys").cloned().unwrap_or_else(|| serde_json::json!({})),
        });
        let keys = Box::new(self.parse(&key_hints, &place.inner(format!("{} keys", place.path)))?);
        let values = Box::new(self.parse(values, &inner)?);
        let builder = Schema::map_builder(keys.schema.clone(), values.schema.clone());
        made(
            builder,
            Kind::Map {
                keys,
                values,
                length,
            },
            place,
        )
    }

    fn parse_named(
        &mut self,
        kind: &str,
        object: &serde_json::Map<String, Json>,
        place: &Place,
    ) -> Outcome<Generator> {
        let Some(name) = object.get("name").and_then(Json::as_str) else {
            return place.fault(format!("a {kind} has no 'name'"));
        };
        let namespace = match (name.rsplit_once('.'), object.get("namespace")) {
            (Some((namespace, _)), _) => namespace.to_string(),
            (None, Some(Json::String(namespace))) => namespace.clone(),
            (None, _) => place.namespace.clone(),
        };
        let full_name = full_name(name, &namespace);
        let definition = (Json::Object(object.clone()), place.namespace.clone());
        self.named.insert(full_name.clone(), definition);
        let mut place = Place {
            namespace,
            ..place.clone()
        };
        let doc = object.get("doc").and_then(Json::as_str).map(str::to_string);
        place.doc = place.doc.or(doc);
        match kind {
            "record" => self.parse_record(&full_name, object, &place),
            "enum" => parse_enum(full_name, object, &place),
            _ => {
                let size = object.get("size").and_then(Json::as_u64);
                let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
                    return place.fault("a fixed has no 'size'");
                };
                if size > MAX_TEXT_NUM_BYTES {
                    return place.fault(format!("'size' is beyond {MAX_TEXT_NUM_BYTES}"));
                }
                let builder = Schema::builder(SchemaType::Bytes)
                    .name(full_name)
                    .parameter("connect.fixed.size", size.to_string());
                let length = Length {
                    min: size,
                    max: size,
                };
                made(builder, Kind::Bytes(length), &place)
            }
        }
    }

    fn parse_record(
        &mut self,
        full_name: &str,
        object: &serde_json::Map<String, Json>,
        place: &Place,
    ) -> Outcome<Generator> {
        let Some(Json::Array(fields)) = object.get("fields") else {
            return place.fault("a record has no list 'fields'");
        };
        let mut builder = Schema::struct_builder().name(full_name);
        let mut generators = Vec::with_capacity(fields.len());
        for field in fields {
            let Some(name) = field.get("name").and_then(Json::as_str) else {
                return place.fault("a field has no 'name'");
            };
            let mut inner = place.inner(format!("field '{name}'"));
            inner.doc = field.get("doc").and_then(Json::as_str).map(str::to_string);
            inner.default = field.get("default").cloned();
            let Some(field_type) = field.get("type") else {
                return inner.fault("'type' is missing");
            };
            let generator = self.parse(field_type, &inner)?;
            builder = builder.field(name, generator.schema.clone());
            generators.push(generator);
        }
        made(builder, Kind::Record(generators), place)
    }

    fn parse_reference(&mut self, name: &str, place: &Place) -> Outcome<Generator> {
        let in_namespace = full_name(name, &place.namespace);
        let definition = self
            .named
            .get(&in_namespace)
            .or_else(|| self.named.get(name));
        let Some((definition, namespace)) = definition.cloned() else {
            return place.fault(format!("type '{name}' is not known"));
        };
        let place = Place {
            namespace,
            depth: place.depth + 1,
            ..place.clone()
        };
        self.parse(&definition, &place)
    }

    fn parse_union(&mut self, branches: &[Json], place: &Place) -> Outcome<Generator> {
        let is_null = |branch: &Json| {
            branch.as_str() == Some("null") || branch.get("type") == Some(&Json::from("null"))
        };
        let has_null = branches.iter().any(is_null);
        let mut inner = place.clone();
        inner.depth += 1;
        inner.optional |= has_null;
        let mut others = branches.iter().filter(|branch| !is_null(branch));
        let (Some(only), None) = (others.next(), others.next()) else {
            return place.fault("a union must be of one type, or of null and one type");
        };
        let value = self.parse(only, &inner)?;
        let schema = value.schema.clone();
        let null = has_null.then(|| Generator {
            schema: schema.clone(),
            kind: Kind::Null,
        });
        let kind = Kind::Union(null.into_iter().chain([value]).collect());
        Ok(Generator { schema, kind })
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') {
        return name.to_string();
    }
    format!("{namespace}.{name}")
}

fn is_logical(object: &serde_json::Map<String, Json>, name: &str) -> bool {
    object.get("logicalType").and_then(Json::as_str) == Some(name)
}

fn parse_enum(
    full_name: String,
    object: &serde_json::Map<String, Json>,
    place: &Place,
) -> Outcome<Generator> {
    // How Confluent's AvroData marks the texts of an enum.
    const ENUM: &str = "io.confluent.connect.avro.Enum";
    let symbols = object.get("symbols").and_then(Json::as_array);
    let symbols: Option<Vec<&str>> =
        symbols.and_then(|symbols| symbols.iter().map(Json::as_str).collect());
    let Some(symbols) = symbols.filter(|symbols| !symbols.is_empty()) else {
        return place.fault("an enum has no list 'symbols' of texts");
    };
    let mut builder = Schema::builder(SchemaType::String)
        .name(full_name.as_str())
        .parameter(ENUM, full_name);
    for symbol in &symbols {
        builder = builder.parameter(format!("{ENUM}.{symbol}"), *symbol);
    }
    let options = symbols.into_iter().map(Value::from).collect();
    made(builder, Kind::Options(options), place)
}

/// Finishes a schema with what the place says of it.
fn made(builder: SchemaBuilder, kind: Kind, place: &Place) -> Outcome<Generator> {
    let mut builder = builder;
    if place.optional {
        builder = builder.optional();
    }
    if let Some(doc) = &place.doc {
        builder = builder.doc(doc.as_str());
    }
    let build = |builder: SchemaBuilder| builder.build().or_else(|error| place.fault(error));
    let schema = match &place.default {
        None | Some(Json::Null) => build(builder)?,
        Some(default) => {
            let without = build(builder.clone())?;
            build(builder.default_value(to_value(default, &without, place)?))?
        }
    };
    Ok(Generator { schema, kind })
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
