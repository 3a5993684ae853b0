//! Schemas from their JSON text.

use super::{
    AVRO_RUNTIME_EXCEPTION, AvroField, AvroKind, AvroName, AvroSchema, AvroType, FieldOrder,
    TypeId, primitive,
};
use crate::names::{SCHEMA_PARSE_EXCEPTION, check_name};
use connect_api::{ConnectError, Result};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// How deep types may nest. JSON ends there too, but references nest further than the text does.
pub(crate) const MAX_DEPTH: usize = 120;

const SCHEMA_MEMBERS: [&str; 10] = [
    "doc",
    "fields",
    "items",
    "name",
    "namespace",
    "size",
    "symbols",
    "values",
    "type",
    "aliases",
];
const FIELD_MEMBERS: [&str; 6] = ["default", "doc", "name", "order", "type", "aliases"];

fn refuse(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message).with_class(SCHEMA_PARSE_EXCEPTION)
}

impl AvroSchema {
    /// Parses a schema that stands alone. Defaults are not checked against their types, as a registry's
    /// client does not either: a schema that is in use can be read.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with_references(text, &[])
    }

    /// Parses a schema that names types of other schemas. Those come first, each after what it needs
    /// itself.
    pub fn parse_with_references(text: &str, references: &[&str]) -> Result<Self> {
        Self::parse_names(text, references, true)
    }

    /// Parses a schema that stands alone and whose names may be any text, as
    /// `NameValidator.NO_VALIDATION` has it: for schemas that never become Avro data.
    pub fn parse_with_any_names(text: &str) -> Result<Self> {
        Self::parse_names(text, &[], false)
    }

    fn parse_names(text: &str, references: &[&str], checks_names: bool) -> Result<Self> {
        let mut parser = Parser {
            schema: Self::empty(),
            names: HashMap::new(),
            awaited: HashMap::new(),
            checks_names,
        };
        for reference in references {
            parser.parse_text(reference)?;
        }
        let root = parser.parse_text(text)?;
        if let Some(name) = parser.awaited.keys().min() {
            return Err(refuse(format!(
                "Undefined name: \"{name}\": neither the schema nor its references define it"
            )));
        }
        parser.schema.set_root(root);
        Ok(parser.schema)
    }
}

struct Parser {
    schema: AvroSchema,
    names: HashMap<String, TypeId>,
    /// Names that were used and are not defined yet, with the place that the definition will take.
    awaited: HashMap<String, TypeId>,
    checks_names: bool,
}

impl Parser {
    fn name(&self, text: &str, namespace: Option<&str>) -> Result<AvroName> {
        match self.checks_names {
            true => AvroName::new(text, namespace),
            false => AvroName::of_any_text(text, namespace),
        }
    }

    fn parse_text(&mut self, text: &str) -> Result<TypeId> {
        // A bare word is a schema too: registries hold `string` without quotes from old clients.
        let json = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(_) if primitive(text.trim()).is_some() => Json::from(text.trim()),
            Err(error) => {
                return Err(refuse(format!("The schema is not valid JSON: {error}")));
            }
        };
        self.parse_type(&json, None, 0)
    }

    fn parse_type(&mut self, json: &Json, namespace: Option<&str>, depth: usize) -> Result<TypeId> {
        if depth > MAX_DEPTH {
            return Err(refuse(format!(
                "The schema nests deeper than {MAX_DEPTH} levels"
            )));
        }
        match json {
            Json::String(name) => self.named(name, namespace),
            Json::Array(branches) => {
                let mut ids = Vec::with_capacity(branches.len());
                for branch in branches {
                    ids.push(self.parse_type(branch, namespace, depth + 1)?);
                }
                self.schema.check_union(&ids)?;
                Ok(self.schema.add(AvroType::new(AvroKind::Union(ids))))
            }
            Json::Object(members) => self.parse_object(members, namespace, depth),
            _ => Err(refuse(format!("Schema not yet supported: {json}"))),
        }
    }

    /// A primitive, or a type that is defined here: before, or further on.
    fn named(&mut self, name: &str, namespace: Option<&str>) -> Result<TypeId> {
        if let Some(kind) = primitive(name) {
            return Ok(self.schema.add(AvroType::new(kind)));
        }
        let full_name = self.name(name, namespace)?;
        if let Some(&id) = self
            .names
            .get(full_name.full())
            .or_else(|| self.names.get(name))
        {
            return Ok(id);
        }
        let key = full_name.full().to_string();
        if let Some(&id) = self.awaited.get(&key) {
            return Ok(id);
        }
        let placeholder = AvroKind::Record {
            fields: Vec::new(),
            is_error: false,
        };
        let id = self
            .schema
            .add(AvroType::named(placeholder, full_name, None));
        self.awaited.insert(key, id);
        Ok(id)
    }

    fn parse_object(
        &mut self,
        members: &Map<String, Json>,
        namespace: Option<&str>,
        depth: usize,
    ) -> Result<TypeId> {
        let word = match members.get("type") {
            Some(Json::String(word)) => word.as_str(),
            _ => {
                return Err(refuse(format!(
                    "No type: {}",
                    Json::Object(members.clone())
                )));
            }
        };
        let mut avro_type = match word {
            "record" | "error" | "enum" | "fixed" => {
                return self.parse_named(word, members, namespace, depth);
            }
            "array" => {
                let items = members.get("items").ok_or_else(|| {
                    refuse(format!(
                        "Array has no items type: {}",
                        Json::Object(members.clone())
                    ))
                })?;
                AvroType::new(AvroKind::Array(self.parse_type(
                    items,
                    namespace,
                    depth + 1,
                )?))
            }
            "map" => {
                let values = members.get("values").ok_or_else(|| {
                    refuse(format!(
                        "Map has no values type: {}",
                        Json::Object(members.clone())
                    ))
                })?;
                AvroType::new(AvroKind::Map(self.parse_type(
                    values,
                    namespace,
                    depth + 1,
                )?))
            }
            word => match primitive(word) {
                Some(kind) => AvroType::new(kind),
                // {"type": "a.B"}: a reference.
                None => return self.named(word, namespace),
            },
        };
        avro_type.props = further_members(members, &SCHEMA_MEMBERS);
        Ok(self.schema.add(avro_type))
    }

    fn parse_named(
        &mut self,
        word: &str,
        members: &Map<String, Json>,
        namespace: Option<&str>,
        depth: usize,
    ) -> Result<TypeId> {
        let text = required_text(members, "name", "No name in schema")?;
        let own = members
            .get("namespace")
            .and_then(Json::as_str)
            .or(namespace);
        let name = self.name(text, own)?;
        let doc = members.get("doc").and_then(Json::as_str).map(String::from);
        let kind = match word {
            "enum" => parse_enum(members)?,
            "fixed" => AvroKind::Fixed {
                size: members
                    .get("size")
                    .and_then(Json::as_u64)
                    .and_then(|size| i32::try_from(size).ok())
                    .and_then(|size| usize::try_from(size).ok())
                    .ok_or_else(|| {
                        refuse(format!(
                            "Invalid or no size: {}",
                            Json::Object(members.clone())
                        ))
                    })?,
            },
            _ => AvroKind::Record {
                fields: Vec::new(),
                is_error: word == "error",
            },
        };
        let mut avro_type = AvroType::named(kind, name.clone(), doc);
        avro_type.aliases = self.aliases(members, name.namespace())?;
        avro_type.props = further_members(members, &SCHEMA_MEMBERS);
        if word == "enum" {
            avro_type.props.retain(|(member, _)| member != "default");
        }
        let id = match self.awaited.remove(name.full()) {
            Some(id) => {
                *self.schema.get_mut(id) = avro_type;
                id
            }
            None => self.schema.add(avro_type),
        };
        match self.names.entry(name.full().to_string()) {
            Entry::Occupied(_) => {
                return Err(refuse(format!("Can't redefine: {}", name.full())));
            }
            Entry::Vacant(entry) => entry.insert(id),
        };
        if matches!(word, "record" | "error") {
            let parsed = self.parse_fields(members, &name, depth)?;
            if let AvroKind::Record { fields, .. } = &mut self.schema.get_mut(id).kind {
                *fields = parsed;
            }
        }
        Ok(id)
    }

    fn parse_fields(
        &mut self,
        members: &Map<String, Json>,
        record: &AvroName,
        depth: usize,
    ) -> Result<Vec<AvroField>> {
        let Some(Json::Array(list)) = members.get("fields") else {
            return Err(refuse(format!(
                "Record has no fields: {}",
                Json::Object(members.clone())
            )));
        };
        let mut fields: Vec<AvroField> = Vec::with_capacity(list.len());
        let mut positions = HashMap::with_capacity(list.len());
        for field in list {
            let Json::Object(field) = field else {
                return Err(refuse(format!("Field is no object: {field}")));
            };
            let name = required_text(field, "name", "No field name")?;
            if self.checks_names {
                check_name(name)?;
            }
            let field_type = field
                .get("type")
                .ok_or_else(|| refuse(format!("No field type: {}", Json::Object(field.clone()))))?;
            let type_id = self.parse_type(field_type, record.namespace(), depth + 1)?;
            if let Some(first) = positions.insert(name, fields.len()) {
                let text = |type_id, position| {
                    let type_name = self.schema.get(type_id).type_name().to_uppercase();
                    format!("{name} type:{type_name} pos:{position}")
                };
                return Err(refuse(format!(
                    "Duplicate field {name} in record {}: {} and {}.",
                    record.full(),
                    text(type_id, fields.len()),
                    text(fields[first].type_id, first)
                ))
                .with_class(AVRO_RUNTIME_EXCEPTION));
            }
            let order = match field.get("order").and_then(Json::as_str) {
                Some(order) if order.eq_ignore_ascii_case("descending") => FieldOrder::Descending,
                Some(order) if order.eq_ignore_ascii_case("ignore") => FieldOrder::Ignore,
                _ => FieldOrder::Ascending,
            };
            fields.push(AvroField {
                name: name.into(),
                type_id,
                doc: field.get("doc").and_then(Json::as_str).map(String::from),
                default: field
                    .get("default")
                    .map(|default| self.number_from_text(type_id, default)),
                order,
                aliases: strings(field.get("aliases")),
                props: further_members(field, &FIELD_MEMBERS),
            });
        }
        Ok(fields)
    }

    fn aliases(
        &self,
        members: &Map<String, Json>,
        namespace: Option<&str>,
    ) -> Result<Vec<AvroName>> {
        strings(members.get("aliases"))
            .iter()
            .map(|alias| self.name(alias, namespace))
            .collect()
    }

    /// A default of a float or double may be written as a string, as some writers do.
    fn number_from_text(&self, type_id: TypeId, default: &Json) -> Json {
        if let (AvroKind::Float | AvroKind::Double, Json::String(text)) =
            (&self.schema.get(type_id).kind, default)
            && let Ok(number) = text.trim().parse::<f64>()
            && number.is_finite()
        {
            return Json::from(number);
        }
        default.clone()
    }
}

fn parse_enum(members: &Map<String, Json>) -> Result<AvroKind> {
    let Some(Json::Array(list)) = members.get("symbols") else {
        return Err(refuse(format!(
            "Enum has no symbols: {}",
            Json::Object(members.clone())
        )));
    };
    let mut symbols: Vec<String> = Vec::with_capacity(list.len());
    let mut seen = std::collections::HashSet::with_capacity(list.len());
    for symbol in list {
        let symbol = symbol
            .as_str()
            .ok_or_else(|| refuse(format!("Enum symbol is no string: {symbol}")))?;
        check_name(symbol)?;
        if !seen.insert(symbol) {
            return Err(refuse(format!("Duplicate enum symbol: {symbol}")));
        }
        symbols.push(symbol.to_string());
    }
    let default = members
        .get("default")
        .and_then(Json::as_str)
        .map(String::from);
    if let Some(default) = &default
        && !symbols.contains(default)
    {
        return Err(refuse(format!(
            "The Enum Default: {default} is not in the enum symbol set: [{}]",
            symbols.join(", ")
        )));
    }
    Ok(AvroKind::Enum { symbols, default })
}

fn required_text<'a>(members: &'a Map<String, Json>, name: &str, what: &str) -> Result<&'a str> {
    members
        .get(name)
        .and_then(Json::as_str)
        .ok_or_else(|| refuse(format!("{what}: {}", Json::Object(members.clone()))))
}

fn strings(json: Option<&Json>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in json.and_then(Json::as_array).into_iter().flatten() {
        if let Some(text) = text.as_str()
            && !texts.iter().any(|known| known == text)
        {
            texts.push(text.to_string());
        }
    }
    texts
}

fn further_members(members: &Map<String, Json>, reserved: &[&str]) -> Vec<(String, Json)> {
    members
        .iter()
        .filter(|(name, _)| !reserved.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
