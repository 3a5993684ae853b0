//! From JSON Schema to Connect schemas.

mod attributes;

use crate::config::JsonSchemaDataConfig;
use crate::document::{MAX_DEPTH, Node};
use crate::java_order::of_new_map;
use crate::keywords::{Criterion, Described, Kind, Object, Part, describe};
use crate::schema::JsonSchema;
use crate::{
    CONNECT_INDEX, CONNECT_TYPE, GENERALIZED_ENUM, GENERALIZED_UNION, JSON_ENUM, JSON_ONE_OF, KEY,
    NULL_SYMBOL, VALUE, VARIANT,
};
use attributes::{finish, with_id};
use connect_api::data::{Schema, SchemaBuilder, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What references and combinations may unfold to: a few lines can refer to each other so that there is
/// no end to it.
const MAX_NUM_SCHEMAS: usize = 20_000;
/// Each level takes some of the stack.
const MAX_NUM_LEVELS: usize = 64;

/// A document of a schema, and the one that a node is in.
type Document = Option<usize>;

pub(crate) struct ToConnect<'d> {
    schema: &'d JsonSchema,
    config: &'d JsonSchemaDataConfig,
    num_schemas: usize,
    depth: usize,
    next_union: usize,
    num_ids: usize,
    /// Objects that references lead to, while they are being made and after.
    objects: HashMap<*const Node, State>,
    /// The last id of each object that more than one reference leads to.
    ids: HashMap<*const Node, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    InProgress,
    Done,
}

fn illegal(message: String) -> ConnectError {
    ConnectError::data(message).with_class("java.lang.IllegalArgumentException")
}

fn builder_error(message: &str) -> ConnectError {
    ConnectError::data(message).with_class("org.apache.kafka.connect.errors.SchemaBuilderException")
}

fn text_attribute<'d>(attributes: Option<&'d Node>, name: &str) -> Option<&'d str> {
    attributes?.get(name)?.as_str()
}

impl<'d> ToConnect<'d> {
    pub(crate) fn new(schema: &'d JsonSchema, config: &'d JsonSchemaDataConfig) -> Self {
        Self {
            schema,
            config,
            num_schemas: 0,
            depth: 0,
            next_union: 0,
            num_ids: 0,
            objects: HashMap::new(),
            ids: HashMap::new(),
        }
    }

    pub(crate) fn schema(mut self, version: Option<i32>) -> Result<SchemaRef> {
        let (document, node) = self.schema.root();
        let schema = self.node(document, node, version, false)?;
        if self.ids.is_empty() {
            return Ok(schema);
        }
        // In Java, all that refer to an object share its builder, so the last id shows everywhere. It is
        // known after the first walk.
        self.num_schemas = 0;
        self.next_union = 0;
        self.num_ids = 0;
        self.objects.clear();
        self.node(document, node, version, false)
    }

    fn node(
        &mut self,
        document: Document,
        node: &'d Node,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        self.described(
            document,
            &describe(node)?,
            Some(node),
            version,
            force_optional,
        )
    }

    fn part(
        &mut self,
        document: Document,
        part: &Part<'d>,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        match part {
            Part::Written(node) => self.node(document, node, version, force_optional),
            Part::Implied(kind) => self.kind(document, kind, None, None, version, force_optional),
        }
    }

    fn described(
        &mut self,
        document: Document,
        described: &Described<'d>,
        identity: Option<&'d Node>,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        self.kind(
            document,
            &described.kind,
            described.attributes,
            identity,
            version,
            force_optional,
        )
    }

    fn kind(
        &mut self,
        document: Document,
        kind: &Kind<'d>,
        attributes: Option<&'d Node>,
        identity: Option<&'d Node>,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        self.num_schemas += 1;
        if self.num_schemas > MAX_NUM_SCHEMAS {
            return Err(ConnectError::data(format!(
                "The JSON schema unfolds to more than {MAX_NUM_SCHEMAS} schemas"
            )));
        }
        if self.depth >= MAX_NUM_LEVELS {
            return Err(ConnectError::data(format!(
                "The JSON schema unfolds to more than {MAX_NUM_LEVELS} levels"
            )));
        }
        self.depth += 1;
        let schema = self.unbounded_kind(
            document,
            kind,
            attributes,
            identity,
            version,
            force_optional,
        );
        self.depth -= 1;
        schema
    }

    fn unbounded_kind(
        &mut self,
        document: Document,
        kind: &Kind<'d>,
        attributes: Option<&'d Node>,
        identity: Option<&'d Node>,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        let connect_type = text_attribute(attributes, CONNECT_TYPE);
        let builder = match kind {
            Kind::Boolean => Schema::builder(SchemaType::Boolean),
            Kind::Number { is_integer } => Schema::builder(match connect_type {
                None if *is_integer => SchemaType::Int64,
                None => SchemaType::Float64,
                Some("int8") => SchemaType::Int8,
                Some("int16") => SchemaType::Int16,
                Some("int32") => SchemaType::Int32,
                Some("int64") => SchemaType::Int64,
                Some("float32") => SchemaType::Float32,
                Some("float64") => SchemaType::Float64,
                Some("bytes") => SchemaType::Bytes,
                Some(other) => return Err(illegal(format!("Unsupported type {other}"))),
            }),
            Kind::String => Schema::builder(match connect_type {
                Some("bytes") => SchemaType::Bytes,
                _ => SchemaType::String,
            }),
            Kind::Const(value) => self.symbols(std::slice::from_ref(*value)),
            Kind::Enum(values) => self.symbols(values),
            Kind::Combined(criterion, parts) => {
                if let [part] = parts.as_slice()
                    && self.config.flatten_singleton_unions
                {
                    return self.part(document, part, None, false);
                }
                if *criterion == Criterion::All {
                    return self.all_of(document, parts, identity, version, force_optional);
                }
                match self.union(document, parts, version)? {
                    Union::Optional(schema) => return Ok(schema),
                    Union::Struct(builder) => *builder,
                }
            }
            Kind::Array { items } => self.array(document, *items, connect_type)?,
            Kind::Object(object) if connect_type == Some("map") => {
                let values = object
                    .additional
                    .ok_or_else(|| builder_error("valueSchema cannot be null."))?;
                let value_schema = self.node(document, values, None, false)?;
                Schema::map_builder(Schema::string(), value_schema)
            }
            Kind::Object(object) => self.structure(document, object, identity)?,
            Kind::Reference(target) => {
                return self.reference(document, target, version, force_optional);
            }
            Kind::Empty => Schema::struct_builder()
                .name(VARIANT)
                .field("metadata", Schema::bytes())
                .field("value", Schema::bytes()),
            Kind::Null => return Err(unsupported("org.everit.json.schema.NullSchema")),
            Kind::Unsupported(class) => return Err(unsupported(class)),
        };
        let is_named = matches!(kind, Kind::Empty | Kind::Combined(..));
        let id = identity.and_then(|node| self.ids.get(&std::ptr::from_ref(node)));
        let id = id.map(|id| format!("#id{id}"));
        finish(builder, is_named, attributes, version, force_optional, id)
    }

    /// The symbols of an enum as parameters.
    fn symbols(&self, values: &[Node]) -> SchemaBuilder {
        let generalized = self.config.generalized_sum_type_support;
        let prefix = if generalized {
            GENERALIZED_ENUM
        } else {
            JSON_ENUM
        };
        let mut builder = Schema::builder(SchemaType::String).parameter(prefix, "");
        for (index, value) in values.iter().enumerate() {
            let symbol = match value {
                Node::Null => NULL_SYMBOL.to_string(),
                value => value.to_java_text(),
            };
            let text = if generalized {
                index.to_string()
            } else {
                symbol.clone()
            };
            builder = builder.parameter(format!("{prefix}.{symbol}"), text);
        }
        builder
    }

    /// One of several schemas, or of none.
    fn union(
        &mut self,
        document: Document,
        parts: &[Part<'d>],
        version: Option<i32>,
    ) -> Result<Union> {
        let generalized = self.config.generalized_sum_type_support;
        let name = if generalized {
            self.next_union += 1;
            format!("connect_union_{}", self.next_union - 1)
        } else {
            JSON_ONE_OF.to_string()
        };
        let mut others = Vec::new();
        for part in parts {
            if !is_null(part)? {
                others.push(part);
            }
        }
        let has_null = others.len() < parts.len();
        if parts.len() == 2 && has_null {
            // Two nulls have no type at all.
            let other = others
                .first()
                .ok_or_else(|| unsupported("org.everit.json.schema.NullSchema"))?;
            return self
                .part(document, other, version, true)
                .map(Union::Optional);
        }
        let mut builder = Schema::struct_builder().name(name.as_str());
        if generalized {
            builder = builder.parameter(GENERALIZED_UNION, name.as_str());
        }
        if has_null {
            builder = builder.optional();
        }
        for (index, part) in others.into_iter().enumerate() {
            let field = if generalized {
                format!("connect_union_field_{index}")
            } else {
                format!("{name}.field.{index}")
            };
            let schema = self.part(document, part, None, true)?;
            builder = builder.field(field, schema);
        }
        Ok(Union::Struct(Box::new(builder)))
    }

    fn array(
        &mut self,
        document: Document,
        items: Option<&'d Node>,
        connect_type: Option<&str>,
    ) -> Result<SchemaBuilder> {
        let items = items
            .ok_or_else(|| ConnectError::data("Array schema did not specify the items type"))?;
        let described = describe(items)?;
        if connect_type == Some("map")
            && let Kind::Object(entry) = &described.kind
        {
            let mut side = |name: &str| {
                let node = entry.properties.iter().find(|(member, _)| member == name);
                let (_, node) =
                    node.ok_or_else(|| builder_error(&format!("{name}Schema cannot be null.")))?;
                self.node(document, node, None, false)
            };
            return Ok(Schema::map_builder(side(KEY)?, side(VALUE)?));
        }
        let schema = self.described(document, &described, Some(items), None, false)?;
        Ok(Schema::array_builder(schema))
    }

    fn structure(
        &mut self,
        document: Document,
        object: &Object<'d>,
        identity: Option<&'d Node>,
    ) -> Result<SchemaBuilder> {
        let identity = identity.map(std::ptr::from_ref);
        if let Some(identity) = identity {
            self.objects.insert(identity, State::InProgress);
        }
        let mut by_index: BTreeMap<i32, &'d (String, Node)> = BTreeMap::new();
        for property in in_java_order(object.properties) {
            let index = property.1.get(CONNECT_INDEX).and_then(Node::as_i32);
            let index = index.unwrap_or(i32::try_from(by_index.len()).unwrap_or(i32::MAX));
            by_index.insert(index, property);
        }
        let mut builder = Schema::struct_builder();
        for (name, node) in by_index.into_values() {
            let optional = self.config.use_optional_for_nonrequired && !object.requires(name);
            let schema = self.node(document, node, None, optional)?;
            builder = builder.field(name.as_str(), schema);
        }
        if let Some(identity) = identity {
            self.objects.insert(identity, State::Done);
        }
        Ok(builder)
    }

    fn reference(
        &mut self,
        document: Document,
        target: &'d str,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        let (document, node) = self.schema.resolve(document, target)?;
        let identity = std::ptr::from_ref(node);
        match self.objects.get(&identity) {
            Some(State::InProgress) => {
                return Err(ConnectError::data(format!(
                    "The JSON schema refers to itself at {target}; a schema without end cannot be a \
                     Connect schema here"
                )));
            }
            Some(State::Done) => {
                self.num_ids += 1;
                let last = self.ids.entry(identity).or_default();
                *last = (*last).max(self.num_ids);
                let id = format!("#id{last}");
                let schema = self.node(document, node, version, force_optional)?;
                return with_id(&schema, id);
            }
            None => {}
        }
        self.node(document, node, version, force_optional)
    }

    /// A combination of all: the properties of all objects in it make a struct; else the part that says
    /// most decides.
    fn all_of(
        &mut self,
        document: Document,
        parts: &[Part<'d>],
        identity: Option<&'d Node>,
        version: Option<i32>,
        force_optional: bool,
    ) -> Result<SchemaRef> {
        let mut properties = Properties::default();
        for part in parts {
            self.collect(document, part, &mut properties, &mut HashSet::new(), 0)?;
        }
        if !properties.order.is_empty() {
            let identity = identity.map(std::ptr::from_ref);
            if let Some(identity) = identity {
                self.objects.insert(identity, State::InProgress);
            }
            let mut builder = Schema::struct_builder();
            for name in &properties.order {
                let (document, node, is_required) = properties.by_name[name];
                let optional = self.config.use_optional_for_nonrequired && !is_required;
                let schema = self.node(document, node, None, optional)?;
                builder = builder.field(*name, schema);
            }
            if force_optional {
                builder = builder.optional();
            }
            if let Some(identity) = identity {
                self.objects.insert(identity, State::Done);
            }
            return builder.build();
        }
        let decisive = decisive_part(parts)?;
        match decisive {
            Some(part) => self.part(document, part, version, force_optional),
            None => Err(illegal("Unsupported criterion allOf".to_string())),
        }
    }

    fn collect(
        &self,
        document: Document,
        part: &Part<'d>,
        properties: &mut Properties<'d>,
        visited: &mut HashSet<*const Node>,
        depth: usize,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let described;
        let kind = match part {
            Part::Written(node) => {
                if !visited.insert(std::ptr::from_ref(*node)) {
                    return Ok(());
                }
                described = describe(node)?;
                &described.kind
            }
            Part::Implied(kind) => kind,
        };
        match kind {
            Kind::Combined(Criterion::All, parts) => {
                for part in parts {
                    self.collect(document, part, properties, visited, depth + 1)?;
                }
            }
            Kind::Object(object) => {
                for (name, node) in in_java_order(object.properties) {
                    properties.put(name, document, node, object.requires(name));
                }
            }
            Kind::Reference(target) => {
                let (document, node) = self.schema.resolve(document, target)?;
                self.collect(
                    document,
                    &Part::Written(node),
                    properties,
                    visited,
                    depth + 1,
                )?;
            }
            _ => {}
        }
        Ok(())
    }
}

enum Union {
    /// Null or one schema.
    Optional(SchemaRef),
    Struct(Box<SchemaBuilder>),
}

fn unsupported(class: &str) -> ConnectError {
    ConnectError::data(format!("Unsupported schema type {class}"))
}

fn is_null(part: &Part<'_>) -> Result<bool> {
    Ok(match part {
        Part::Implied(kind) => matches!(kind, Kind::Null),
        Part::Written(node) => matches!(describe(node)?.kind, Kind::Null),
    })
}

/// Properties in the order in which Java's maps have them after a schema was read.
fn in_java_order(properties: &[(String, Node)]) -> Vec<&(String, Node)> {
    of_new_map(properties.iter().collect(), |(name, _)| name.as_str())
}

/// The properties of a combination of all, each at its first place with its last schema.
#[derive(Default)]
struct Properties<'d> {
    order: Vec<&'d str>,
    by_name: HashMap<&'d str, (Document, &'d Node, bool)>,
}

impl<'d> Properties<'d> {
    fn put(&mut self, name: &'d str, document: Document, node: &'d Node, is_required: bool) {
        if self
            .by_name
            .insert(name, (document, node, is_required))
            .is_none()
        {
            self.order.push(name);
        }
    }
}

/// The part of a combination without properties that is taken for the whole.
fn decisive_part<'p, 'd>(parts: &'p [Part<'d>]) -> Result<Option<&'p Part<'d>>> {
    let (mut constant, mut symbols, mut number, mut string) = (None, None, None, None);
    let (mut combined, mut reference) = (None, None);
    for part in parts {
        let described;
        let kind = match part {
            Part::Implied(kind) => kind,
            Part::Written(node) => {
                described = describe(node)?;
                &described.kind
            }
        };
        let place = match kind {
            Kind::Const(_) => &mut constant,
            Kind::Enum(_) => &mut symbols,
            Kind::Number { .. } => &mut number,
            Kind::String => &mut string,
            Kind::Combined(..) => &mut combined,
            Kind::Reference(_) => &mut reference,
            _ => continue,
        };
        *place = Some(part);
    }
    Ok(if combined.is_some() {
        combined
    } else if constant.is_some() {
        string.or(number)
    } else if let Some(symbols) = symbols {
        if string.is_some() {
            Some(symbols)
        } else {
            number
        }
    } else if string.is_some() {
        number.or(string)
    } else {
        reference
    })
}
