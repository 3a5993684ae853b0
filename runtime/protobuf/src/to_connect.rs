//! Protobuf messages to Connect schemas, together with the plan to read them.

mod leaf;

use crate::mapping::{
    MessageKind, declared_fields, entry_fields, has_optional_keyword, is_proto3_optional,
    is_repeated, message_kind, type_name, wrapped_field, wrapped_type,
};
use crate::options::{
    DataOptions, GENERALIZED_UNION, PROTOBUF_TAG, PROTOBUF_UNION_PREFIX, PROTOBUF_WRAPPER,
};
use crate::plan::{Body, Element, FieldPlan, Member, MessagePlan, NumberIndex, RootPlan, Shape};
use crate::recursion::Recursion;
use crate::wire::MAX_DEPTH;
use connect_api::data::{Map, Schema, SchemaBuilder, SchemaRef, Value};
use connect_api::{ConnectError, Result};
use leaf::{enum_builder, logical_builder, scalar_builder, scalar_plan, variant};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use std::collections::HashMap;
use std::sync::Arc;

/// The schema of a message as the root of a record, and the plan to read it.
pub(crate) fn root_plan(
    options: DataOptions,
    message: &MessageDescriptor,
    version: Option<i32>,
) -> Result<RootPlan> {
    if options.wrapper_for_raw_primitives
        && let Some(value) = wrapped_field(message)
    {
        let mut builder = Schema::builder(wrapped_type(&value));
        if let Some(version) = version {
            builder = builder.version(version);
        }
        return Ok(RootPlan {
            schema: builder.build()?,
            message: MessagePlan::Wrapper(scalar_plan(options, &value, None)?),
        });
    }
    let mut planner = Planner {
        options,
        root: message.full_name().to_string(),
        version,
        recursion: Recursion::of(options, message),
        first_tags: HashMap::new(),
        bodies: HashMap::new(),
    };
    planner.note_first_tags(message);
    let levels = planner.recursion.levels(None, message).unwrap_or(0);
    let body = planner.body(message, levels, 0)?;
    let mut schema = planner.struct_builder(message, &body);
    // A root that contains itself becomes optional with its own fields.
    if planner.recursion.is_recursive(message) {
        schema = schema.optional();
    }
    let schema = schema.build()?;
    Ok(RootPlan {
        message: MessagePlan::Struct(schema.clone(), body.plan),
        schema,
    })
}

/// The fields of a struct with the plan to read them; shared by all fields of the message.
#[derive(Clone)]
struct Fields {
    schemas: Arc<Vec<(Arc<str>, SchemaRef)>>,
    plan: Arc<Body>,
}

struct Planner {
    options: DataOptions,
    root: String,
    version: Option<i32>,
    recursion: Recursion,
    /// The number of the field that a message was first met in, unless that is repeated. Items of lists
    /// carry it from there.
    first_tags: HashMap<String, Option<u32>>,
    bodies: HashMap<(String, u32), Fields>,
}

/// Where a field stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    parent: &'a MessageDescriptor,
    levels: u32,
    depth: usize,
    oneof_member: bool,
}

impl Planner {
    /// Goes through the messages in the order in which the JVM does.
    fn note_first_tags(&mut self, root: &MessageDescriptor) {
        self.first_tags.insert(root.full_name().to_string(), None);
        let mut waiting: Vec<FieldDescriptor> = ordered_fields(root);
        waiting.reverse();
        while let Some(field) = waiting.pop() {
            let Kind::Message(message) = field.kind() else {
                continue;
            };
            let inner = match message_kind(self.options, &field, &message) {
                MessageKind::Struct => {
                    if self.first_tags.contains_key(message.full_name()) {
                        continue;
                    }
                    let tag = (!is_repeated(&field)).then(|| field.number());
                    self.first_tags.insert(message.full_name().to_string(), tag);
                    ordered_fields(&message)
                }
                MessageKind::Entries => declared_fields(&message),
                _ => continue,
            };
            waiting.extend(inner.into_iter().rev());
        }
    }

    fn struct_builder(&self, message: &MessageDescriptor, fields: &Fields) -> SchemaBuilder {
        let name = type_name(self.options, message.name(), message.full_name());
        let mut builder = Schema::struct_builder().name(name);
        for (name, schema) in &*fields.schemas {
            builder = builder.field(name.clone(), schema.clone());
        }
        match self.version {
            Some(version) if message.full_name() == self.root => builder.version(version),
            _ => builder,
        }
    }

    fn body(&mut self, message: &MessageDescriptor, levels: u32, depth: usize) -> Result<Fields> {
        let key = (message.full_name().to_string(), levels);
        if let Some(fields) = self.bodies.get(&key) {
            return Ok(fields.clone());
        }
        let mut making = Making::default();
        let place = Place {
            parent: message,
            levels,
            depth,
            oneof_member: false,
        };
        let oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic());
        for (index, oneof) in oneofs.enumerate() {
            self.oneof(&mut making, place, index, &oneof)?;
        }
        for field in declared_fields(message) {
            if real_oneof(&field).is_none() {
                self.plain_field(&mut making, place, &field)?;
            }
        }
        let fields = making.finish();
        self.bodies.insert(key, fields.clone());
        Ok(fields)
    }

    fn oneof(
        &mut self,
        making: &mut Making,
        place: Place<'_>,
        index: usize,
        oneof: &OneofDescriptor,
    ) -> Result<()> {
        let place = Place {
            oneof_member: true,
            ..place
        };
        making.num_oneofs = making.num_oneofs.max(index + 1);
        let mut members = Vec::new();
        for field in members_of(oneof) {
            let (schema, shape) = self.field(place, &field)?;
            members.push((field, schema, shape));
        }
        if self.options.flatten_unions {
            for (field, schema, shape) in members {
                let slot = making.slot(field.name(), schema, Value::Null);
                let member = Member {
                    oneof: index,
                    union: None,
                };
                making.push(&field, slot, Some(member), shape);
            }
            return Ok(());
        }
        let mut union = Schema::struct_builder();
        if self.options.generalized_sum_type_support {
            union = union
                .name(oneof.name())
                .parameter(GENERALIZED_UNION, oneof.name());
        } else {
            let name = type_name(self.options, oneof.name(), oneof.full_name());
            union = union.name(format!("{PROTOBUF_UNION_PREFIX}{name}"));
        }
        for (field, schema, _) in &members {
            union = union.field(field.name(), schema.clone());
        }
        let union = union.optional().build()?;
        let name = if self.options.generate_index_for_unions {
            format!("{}_{index}", oneof.name())
        } else {
            oneof.name().to_string()
        };
        let slot = making.slot(&name, union.clone(), Value::Null);
        for (position, (field, _, shape)) in members.into_iter().enumerate() {
            let member = Member {
                oneof: index,
                union: Some((union.clone(), position)),
            };
            making.push(&field, slot, Some(member), shape);
        }
        Ok(())
    }

    fn plain_field(
        &mut self,
        making: &mut Making,
        place: Place<'_>,
        field: &FieldDescriptor,
    ) -> Result<()> {
        let (schema, shape) = self.field(place, field)?;
        let is_optional = is_proto3_optional(field)
            || (self.options.optional_for_proto2 && has_optional_keyword(field));
        let generates = self.options.generate_struct_for_nulls;
        let unset = match &shape {
            Shape::Repeated(_) => Value::Array(Vec::new()),
            Shape::Map(_) => Value::Map(Map::new()),
            Shape::Single(Element::Scalar(scalar)) if generates || !is_optional => {
                scalar.default.clone()
            }
            Shape::Single(_) => Value::Null,
        };
        // Where the unrolling ends there is nothing to make.
        if generates
            && matches!(&shape, Shape::Single(Element::Message(plan))
                if !matches!(plan, MessagePlan::TooDeep(_)))
        {
            making.generated.push(making.fields.len());
        }
        let slot = making.slot(field.name(), schema, unset);
        making.push(field, slot, None, shape);
        Ok(())
    }

    /// The schema of a field and how it is read.
    fn field(&mut self, place: Place<'_>, field: &FieldDescriptor) -> Result<(SchemaRef, Shape)> {
        let options = self.options;
        let mut is_optional = false;
        let mut is_unwrapped = false;
        let (mut builder, shape) = match field.kind() {
            Kind::Message(message) => {
                is_optional = true;
                match message_kind(options, field, &message) {
                    MessageKind::Entries => self.map(place, field, &message)?,
                    MessageKind::Logical(logical) => {
                        let builder = logical_builder(logical, field)?;
                        (
                            builder,
                            single(Element::Message(MessagePlan::Logical(logical))),
                        )
                    }
                    MessageKind::Variant => {
                        let (builder, plan) = variant(options, &message)?;
                        (builder, single(Element::Message(plan)))
                    }
                    MessageKind::Wrapper(value) => {
                        is_unwrapped = true;
                        let scalar = scalar_plan(options, &value, None)?;
                        let builder = Schema::builder(wrapped_type(&value));
                        (
                            builder,
                            single(Element::Message(MessagePlan::Wrapper(scalar))),
                        )
                    }
                    MessageKind::Struct => self.struct_field(place, field, &message)?,
                }
            }
            Kind::Enum(definition) => {
                is_optional = true;
                let scalar = scalar_plan(options, field, None)?;
                let builder = enum_builder(options, &definition);
                (builder, single(Element::Scalar(scalar)))
            }
            kind => {
                let (builder, narrow) = scalar_builder(field, &kind)?;
                let scalar = scalar_plan(options, field, narrow)?;
                (builder, single(Element::Scalar(scalar)))
            }
        };
        let shape = match shape {
            Shape::Single(element) if is_repeated(field) => {
                builder = Schema::array_builder(builder.optional().build()?);
                is_optional = true;
                Shape::Repeated(element)
            }
            shape => shape,
        };
        if place.oneof_member {
            is_optional = true;
            if options.wrapper_for_nullables && is_unwrapped {
                builder = builder.parameter(PROTOBUF_WRAPPER, "true");
            }
        } else if options.optional_for_nullables {
            is_optional |= has_optional_keyword(field);
        } else if !options.wrapper_for_nullables {
            is_optional = true;
        }
        if is_optional {
            builder = builder.optional();
        }
        let schema = builder
            .parameter(PROTOBUF_TAG, field.number().to_string())
            .build()?;
        // The value of a struct bears the very schema of its field.
        let shape = match shape {
            Shape::Single(Element::Message(MessagePlan::Struct(_, body))) => {
                single(Element::Message(MessagePlan::Struct(schema.clone(), body)))
            }
            Shape::Repeated(Element::Message(MessagePlan::Struct(_, body))) => {
                let items = schema.value_schema()?.cloned().ok_or_else(no_item_schema)?;
                Shape::Repeated(Element::Message(MessagePlan::Struct(items, body)))
            }
            shape => shape,
        };
        Ok((schema, shape))
    }

    fn struct_field(
        &mut self,
        place: Place<'_>,
        field: &FieldDescriptor,
        message: &MessageDescriptor,
    ) -> Result<(SchemaBuilder, Shape)> {
        let levels = self
            .recursion
            .levels(Some((place.parent, place.levels)), message)
            .filter(|_| place.depth < MAX_DEPTH);
        let Some(levels) = levels else {
            let name = type_name(self.options, message.name(), message.full_name());
            let plan = MessagePlan::TooDeep(message.full_name().into());
            let builder = Schema::struct_builder().name(name);
            return Ok((builder, single(Element::Message(plan))));
        };
        let fields = self.body(message, levels, place.depth + 1)?;
        let mut builder = self.struct_builder(message, &fields);
        if is_repeated(field)
            && let Some(Some(tag)) = self.first_tags.get(message.full_name())
        {
            builder = builder.parameter(PROTOBUF_TAG, tag.to_string());
        }
        // The schema is put in place once it is complete.
        let plan = MessagePlan::Struct(Schema::bytes(), fields.plan);
        Ok((builder, single(Element::Message(plan))))
    }

    fn map(
        &mut self,
        place: Place<'_>,
        field: &FieldDescriptor,
        message: &MessageDescriptor,
    ) -> Result<(SchemaBuilder, Shape)> {
        let (key, value) = entry_fields(field, message)
            .ok_or_else(|| ConnectError::data(format!("{} is not a map", field.full_name())))?;
        let place = Place {
            oneof_member: false,
            ..place
        };
        let mut making = Making::default();
        for part in [&key, &value] {
            let (schema, shape) = self.field(place, part)?;
            // What an entry does not tell has its default, be it a message.
            let unset = match &shape {
                Shape::Single(Element::Scalar(scalar)) => scalar.default.clone(),
                _ => {
                    making.generated.push(making.fields.len());
                    Value::Null
                }
            };
            let slot = making.slot(part.name(), schema, unset);
            making.push(part, slot, None, shape);
        }
        let fields = making.finish();
        let [(_, key), (_, value)] = &fields.schemas[..] else {
            return Err(ConnectError::data(format!(
                "{} is not a map",
                field.full_name()
            )));
        };
        let name = type_name(self.options, message.name(), message.full_name());
        let builder =
            Schema::map_builder(key.clone(), value.clone()).name(crate::names::map_field(name));
        Ok((builder, Shape::Map(fields.plan)))
    }
}

fn no_item_schema() -> ConnectError {
    ConnectError::data("a list was made without the schema of its items")
}

fn single(element: Element) -> Shape {
    Shape::Single(element)
}

/// The fields in the order of the struct: members of oneofs first.
fn ordered_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic());
    let mut fields: Vec<FieldDescriptor> = oneofs.flat_map(|oneof| members_of(&oneof)).collect();
    let others = declared_fields(message).into_iter();
    fields.extend(others.filter(|field| real_oneof(field).is_none()));
    fields
}

fn members_of(oneof: &OneofDescriptor) -> Vec<FieldDescriptor> {
    let mut fields = declared_fields(oneof.parent_message());
    fields.retain(|field| field.containing_oneof().as_ref() == Some(oneof));
    fields
}

fn real_oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field
        .containing_oneof()
        .filter(|oneof| !oneof.is_synthetic())
}

/// A message in the making.
#[derive(Default)]
struct Making {
    schemas: Vec<(Arc<str>, SchemaRef)>,
    unset: Vec<Value>,
    fields: Vec<FieldPlan>,
    required: Vec<usize>,
    generated: Vec<usize>,
    num_oneofs: usize,
}

impl Making {
    fn slot(&mut self, name: &str, schema: SchemaRef, unset: Value) -> usize {
        self.schemas.push((name.into(), schema));
        self.unset.push(unset);
        self.schemas.len() - 1
    }

    fn push(&mut self, field: &FieldDescriptor, slot: usize, member: Option<Member>, shape: Shape) {
        if field.is_required() {
            self.required.push(self.fields.len());
        }
        self.fields.push(FieldPlan {
            number: field.number(),
            name: field.name().into(),
            slot,
            member,
            shape,
        });
    }

    fn finish(self) -> Fields {
        let plan = Body {
            unset: self.unset,
            index: NumberIndex::of(&self.fields),
            fields: self.fields,
            required: self.required,
            generated: self.generated,
            num_oneofs: self.num_oneofs,
        };
        Fields {
            schemas: Arc::new(self.schemas),
            plan: Arc::new(plan),
        }
    }
}
