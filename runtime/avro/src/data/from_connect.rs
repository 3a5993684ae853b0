//! Connect schemas to Avro schemas.

use super::draft::Draft;
use super::{
    AVRO_ENUM, AVRO_PREFIX, CONNECT_DEFAULT, CONNECT_DOC, CONNECT_ENUM_DOC, CONNECT_INTERNAL_TYPE,
    CONNECT_NAME, CONNECT_PARAMETERS, CONNECT_RECORD_DOC, CONNECT_TYPE, CONNECT_VERSION,
    DECIMAL_PRECISION, DEFAULT_PRECISION, ENUM_DEFAULT_PREFIX, ENUM_DOC_PREFIX, FIELD_DEFAULT_FLAG,
    FIELD_DOC_PREFIX, GENERALIZED_ENUM, KEY_FIELD, LOGICAL_TYPE, MAP_ENTRY, NAMESPACE, RECORD_DOC,
    VALUE_FIELD, VARIANT, anything_schema, avro_full_name, fixed_size, has_string_keys, is_fixed,
    is_union,
};
use crate::config::AvroDataConfig;
use crate::names::{check_name, scrub_name, split_name};
use crate::schema::{AvroField, AvroKind, AvroName, AvroSchema, AvroType, FieldOrder, TypeId};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};
use serde_json::{Map as JsonMap, Value as Json};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How deep Connect schemas may nest: they are laid out from Avro to at most twice its depth.
const MAX_DEPTH: usize = 300;

pub(super) fn from_connect_schema(
    config: &AvroDataConfig,
    schema: &SchemaRef,
) -> Result<AvroSchema> {
    let mut mapper = Mapper {
        config,
        avro: AvroSchema::empty(),
        done: Vec::new(),
        open: HashMap::new(),
        seen_names: HashSet::new(),
        anything: None,
        num_default_names: 0,
        depth: 0,
    };
    let root = mapper.map(schema, false)?;
    mapper.avro.set_root(root);
    if let Some(name) = mapper.avro.ambiguous_name() {
        return Err(ConnectError::data(format!(
            "The Connect schema {schema} needs two different Avro types of the name {name}, and Avro knows \
             one type of a name. Give structs and maps with other than string keys names of their own, \
             for example with the transform SetSchemaMetadata"
        )));
    }
    Ok(mapper.avro)
}

struct Mapper<'a> {
    config: &'a AvroDataConfig,
    avro: AvroSchema,
    /// Required schemas and their types: an equal schema gets the same type.
    done: Vec<(SchemaRef, TypeId)>,
    /// The types of structs by Connect name, for structs that hold themselves.
    open: HashMap<String, TypeId>,
    seen_names: HashSet<String>,
    anything: Option<TypeId>,
    num_default_names: usize,
    depth: usize,
}

impl Mapper<'_> {
    /// `fromConnectSchema`; `bare` leaves out the union with null.
    fn map(&mut self, schema: &SchemaRef, bare: bool) -> Result<TypeId> {
        if self.depth > MAX_DEPTH {
            return Err(ConnectError::data(format!(
                "The Connect schema nests deeper than {MAX_DEPTH} levels"
            )));
        }
        if !is_union(schema)
            && !schema.is_optional()
            && let Some((_, id)) = self.done.iter().find(|(known, _)| known == schema)
        {
            return Ok(*id);
        }
        self.depth += 1;
        let id = self.map_type(schema, bare)?;
        self.depth -= 1;
        if !schema.is_optional() {
            self.done.push((schema.clone(), id));
        }
        Ok(id)
    }

    /// A type inside another one, or the struct around it that it repeats.
    fn map_inner(&mut self, schema: &SchemaRef, bare: bool) -> Result<TypeId> {
        match schema.name().and_then(|name| self.open.get(name)) {
            Some(&id) if bare => Ok(id),
            Some(&id) => Ok(self.or_null(schema, id)),
            None => self.map(schema, bare),
        }
    }

    fn map_value_schema(&mut self, schema: &Schema) -> Result<TypeId> {
        match schema.value_schema()? {
            None => Ok(self.anything()),
            Some(inner) => self.map_inner(inner, false),
        }
    }

    /// Takes over the types of `Anything`, once.
    fn anything(&mut self) -> TypeId {
        if let Some(id) = self.anything {
            return id;
        }
        let id = self.avro.append(anything_schema());
        self.anything = Some(id);
        id
    }

    fn add(&mut self, kind: AvroKind) -> TypeId {
        self.avro.add(AvroType::new(kind))
    }

    /// The union with null of an optional schema. The branch of the default stands first.
    fn or_null(&mut self, schema: &Schema, id: TypeId) -> TypeId {
        if !schema.is_optional() {
            return id;
        }
        let null = self.add(AvroKind::Null);
        self.add(AvroKind::Union(match schema.default_value() {
            Some(_) => vec![id, null],
            None => vec![null, id],
        }))
    }

    fn union(&mut self, branches: Vec<TypeId>) -> Result<TypeId> {
        self.avro.check_union(&branches)?;
        Ok(self.add(AvroKind::Union(branches)))
    }

    /// The Avro name of a Connect schema, or the next `ConnectDefault`.
    fn name(&mut self, name: Option<&str>) -> Result<AvroName> {
        let (namespace, simple) = self.name_parts(name);
        AvroName::new(&simple, namespace.as_deref())
    }

    fn name_parts(&mut self, name: Option<&str>) -> (Option<String>, String) {
        let Some(name) = name else {
            self.num_default_names += 1;
            let number = match self.num_default_names {
                1 => String::new(),
                number => number.to_string(),
            };
            return (
                Some(NAMESPACE.to_string()),
                format!("ConnectDefault{number}"),
            );
        };
        split_name(name, self.config.scrub_invalid_names)
    }

    fn map_type(&mut self, schema: &SchemaRef, bare: bool) -> Result<TypeId> {
        let id = match schema.schema_type() {
            SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 => self.add(AvroKind::Int),
            SchemaType::Int64 => self.add(AvroKind::Long),
            SchemaType::Float32 => self.add(AvroKind::Float),
            SchemaType::Float64 => self.add(AvroKind::Double),
            SchemaType::Boolean => self.add(AvroKind::Boolean),
            SchemaType::String => self.string_type(schema)?,
            SchemaType::Bytes => self.bytes_type(schema)?,
            SchemaType::Array => {
                let items = self.map_value_schema(schema)?;
                self.add(AvroKind::Array(items))
            }
            SchemaType::Map if has_string_keys(self.config, schema)? => {
                let values = self.map_value_schema(schema)?;
                self.add(AvroKind::Map(values))
            }
            SchemaType::Map => self.entries_type(schema)?,
            SchemaType::Struct if schema.name() == Some(VARIANT) => self.variant_type()?,
            SchemaType::Struct if is_union(schema) => return self.union_type(schema),
            SchemaType::Struct if schema.is_optional() => {
                let null = self.add(AvroKind::Null);
                let record = self.map_inner(&required(schema)?, false)?;
                return self.union(vec![null, record]);
            }
            SchemaType::Struct => self.record_type(schema)?,
        };
        self.add_properties(schema, id)?;
        Ok(if bare { id } else { self.or_null(schema, id) })
    }

    fn string_type(&mut self, schema: &Schema) -> Result<TypeId> {
        let config = self.config;
        let keeps_enums =
            config.generalized_sum_type_support || config.enhanced_avro_schema_support;
        if !keeps_enums || !super::is_enum(schema) {
            return Ok(self.add(AvroKind::String));
        }
        let parameter = if config.generalized_sum_type_support {
            GENERALIZED_ENUM
        } else {
            AVRO_ENUM
        };
        let symbols: Vec<String> = schema
            .parameters()
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(parameter)?.strip_prefix('.'))
            .map(String::from)
            .collect();
        let (_, simple) = self.name_parts(schema.name());
        let full_name = schema.parameter(parameter).ok_or_else(|| {
            ConnectError::data(format!(
                "The schema {schema} is an enum of another kind: its parameter {parameter} is missing"
            ))
        })?;
        for symbol in &symbols {
            check_name(symbol)?;
        }
        let (doc, default) = if config.discard_type_doc_default {
            (schema.parameter(CONNECT_ENUM_DOC), None)
        } else {
            (
                schema.parameter(&format!("{ENUM_DOC_PREFIX}{simple}")),
                schema.parameter(&format!("{ENUM_DEFAULT_PREFIX}{simple}")),
            )
        };
        let kind = AvroKind::Enum {
            symbols,
            default: default.map(String::from),
        };
        let name = AvroName::new(full_name, None)?;
        Ok(self
            .avro
            .add(AvroType::named(kind, name, doc.map(String::from))))
    }

    fn bytes_type(&mut self, schema: &Schema) -> Result<TypeId> {
        let mut avro_type = if is_fixed(schema) {
            let kind = AvroKind::Fixed {
                size: fixed_size(schema)?,
            };
            AvroType::named(kind, self.name(schema.name())?, None)
        } else {
            AvroType::new(AvroKind::Bytes)
        };
        if is_decimal(schema) {
            avro_type.add_prop(Decimal::SCALE_FIELD, Decimal::scale_of(schema)?)?;
            avro_type.add_prop("precision", precision_of(schema)?)?;
        }
        Ok(self.avro.add(avro_type))
    }

    /// A map of other than string keys: an array of records of key and value.
    fn entries_type(&mut self, schema: &Schema) -> Result<TypeId> {
        let mut entry = AvroType::new(AvroKind::Null);
        entry.name = Some(match schema.name() {
            None => AvroName::new(MAP_ENTRY, Some(NAMESPACE))?,
            Some(_) => {
                entry.add_prop(CONNECT_INTERNAL_TYPE, MAP_ENTRY)?;
                self.name(schema.name())?
            }
        });
        let mut fields = Vec::with_capacity(2);
        for (name, inner) in [
            (KEY_FIELD, schema.key_schema()?),
            (VALUE_FIELD, schema.value_schema()?),
        ] {
            let inner = inner.ok_or_else(|| {
                ConnectError::data(format!("The map {schema} has no schema for its {name}"))
            })?;
            fields.push(self.field(name, inner, None)?);
        }
        entry.kind = AvroKind::Record {
            fields,
            is_error: false,
        };
        let entry = self.avro.add(entry);
        Ok(self.add(AvroKind::Array(entry)))
    }

    fn variant_type(&mut self) -> Result<TypeId> {
        let mut fields = Vec::with_capacity(2);
        for name in ["metadata", "value"] {
            let type_id = self.add(AvroKind::Bytes);
            fields.push(plain_field(name, type_id));
        }
        let kind = AvroKind::Record {
            fields,
            is_error: false,
        };
        let mut avro_type =
            AvroType::named(kind, AvroName::new("confluent.type.Variant", None)?, None);
        avro_type.add_prop(LOGICAL_TYPE, "variant")?;
        Ok(self.avro.add(avro_type))
    }

    fn union_type(&mut self, schema: &Schema) -> Result<TypeId> {
        let mut branches = Vec::with_capacity(schema.fields().len() + 1);
        if schema.is_optional() {
            branches.push(self.add(AvroKind::Null));
        }
        for field in schema.fields() {
            branches.push(self.map_inner(&required(&field.schema)?, true)?);
        }
        self.union(branches)
    }

    fn record_type(&mut self, schema: &Schema) -> Result<TypeId> {
        let name = self.name(schema.name())?;
        let doc = schema.parameter(if self.config.discard_type_doc_default {
            CONNECT_RECORD_DOC
        } else {
            RECORD_DOC
        });
        let kind = AvroKind::Record {
            fields: Vec::new(),
            is_error: false,
        };
        let id = self
            .avro
            .add(AvroType::named(kind, name, doc.map(String::from)));
        if let Some(name) = schema.name() {
            self.open.insert(name.to_string(), id);
        }
        let mut mapped: Vec<AvroField> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let name = if self.config.scrub_invalid_names {
                scrub_name(&field.name)
            } else {
                Cow::Borrowed(&*field.name)
            };
            if mapped.iter().any(|known| *known.name == *name) {
                return Err(ConnectError::data(format!(
                    "Duplicate field {name} in record {}",
                    self.avro.get(id).full_name()
                ))
                .with_class(crate::schema::AVRO_RUNTIME_EXCEPTION));
            }
            let doc = schema
                .parameter(&format!("{FIELD_DOC_PREFIX}{}", field.name))
                .filter(|_| !self.config.discard_type_doc_default)
                .map(String::from);
            mapped.push(self.field(&name, &field.schema, doc)?);
        }
        if let AvroKind::Record { fields, .. } = &mut self.avro.get_mut(id).kind {
            *fields = mapped;
        }
        Ok(id)
    }

    fn field(&mut self, name: &str, schema: &SchemaRef, doc: Option<String>) -> Result<AvroField> {
        let mut default = match schema.default_value() {
            Some(value) => default_json(self.config, schema, value)?,
            None if schema.is_optional() => Some(Json::Null),
            None => None,
        };
        let was_seen = schema.name().is_some_and(|name| {
            let full_name = avro_full_name(self.config, name).into_owned();
            !self.seen_names.insert(full_name)
        });
        let doc = if self.config.discard_type_doc_default {
            schema.doc().map(String::from)
        } else {
            doc
        };
        let parameters = (self.config.connect_meta_data && was_seen)
            .then(|| self.parameters_json(schema))
            .flatten();
        let type_id = self.map(schema, false)?;
        check_name(name)?;
        if let Some(json) = default.take() {
            if self.avro.is_valid_default(type_id, &json) {
                default = Some(json);
            } else {
                tracing::warn!("Ignoring invalid default for field {name}: {json}");
            }
        }
        let mut field = plain_field(name, type_id);
        field.doc = doc;
        field.default = default;
        if let Some(parameters) = parameters.filter(|_| self.is_named(type_id)) {
            field
                .props
                .push((CONNECT_PARAMETERS.to_string(), parameters));
        }
        Ok(field)
    }

    /// Whether a type, or a branch of it, is written by its name from the second time on.
    fn is_named(&self, id: TypeId) -> bool {
        let avro_type = self.avro.get(id);
        avro_type.name.is_some()
            || avro_type
                .branches()
                .iter()
                .any(|&branch| self.avro.get(branch).name.is_some())
    }

    fn parameters_json(&self, schema: &Schema) -> Option<Json> {
        let discards = self.config.discard_type_doc_default;
        let parameters: JsonMap<String, Json> = schema
            .parameters()
            .iter()
            .filter(|(name, _)| discards || name != FIELD_DEFAULT_FLAG)
            .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
            .collect();
        (!parameters.is_empty()).then_some(Json::Object(parameters))
    }

    /// The order of these properties is part of the schema's identity.
    fn add_properties(&mut self, schema: &Schema, id: TypeId) -> Result<()> {
        let config = self.config;
        let mut props: Vec<(&str, Json)> = Vec::new();
        if config.connect_meta_data {
            if let Some(doc) = schema.doc() {
                props.push((CONNECT_DOC, doc.into()));
            }
            if let Some(version) = schema.version() {
                props.push((CONNECT_VERSION, version.into()));
            }
            if let Some(parameters) = self.parameters_json(schema) {
                props.push((CONNECT_PARAMETERS, parameters));
            }
            let is_field_default =
                !config.discard_type_doc_default && schema.parameter(FIELD_DEFAULT_FLAG).is_some();
            if let Some(default) = schema.default_value().filter(|_| !is_field_default)
                && let Some(json) = default_json(config, schema, default)?
            {
                props.push((CONNECT_DEFAULT, json));
            }
            if let Some(name) = schema.name() {
                props.push((CONNECT_NAME, name.into()));
            }
            match schema.schema_type() {
                SchemaType::Int8 => props.push((CONNECT_TYPE, "int8".into())),
                SchemaType::Int16 => props.push((CONNECT_TYPE, "int16".into())),
                _ => {}
            }
        }
        if let Some(logical_type) = logical_type(schema) {
            props.push((LOGICAL_TYPE, logical_type.into()));
        }
        for (name, value) in schema.parameters() {
            if name.starts_with(AVRO_PREFIX) {
                props.push((name, value.as_str().into()));
            }
        }
        let avro_type = self.avro.get_mut(id);
        for (name, value) in props {
            avro_type.add_prop(name, value)?;
        }
        Ok(())
    }
}

fn plain_field(name: &str, type_id: TypeId) -> AvroField {
    AvroField {
        name: name.into(),
        type_id,
        doc: None,
        default: None,
        order: FieldOrder::Ascending,
        aliases: Vec::new(),
        props: Vec::new(),
    }
}

fn is_decimal(schema: &Schema) -> bool {
    schema
        .name()
        .is_some_and(|name| name.eq_ignore_ascii_case(Decimal::NAME))
}

fn precision_of(schema: &Schema) -> Result<i64> {
    match schema.parameter(DECIMAL_PRECISION) {
        None => Ok(DEFAULT_PRECISION),
        Some(text) => text.parse::<i32>().map(i64::from).map_err(|_| {
            ConnectError::data(format!(
                "The schema parameter {DECIMAL_PRECISION} must be a number but is \"{text}\""
            ))
        }),
    }
}

fn logical_type(schema: &Schema) -> Option<&'static str> {
    let name = schema.name()?;
    let is = |logical: LogicalType| name.eq_ignore_ascii_case(logical.schema_name());
    if is(LogicalType::Decimal) {
        return Some("decimal");
    }
    if is(LogicalType::Time) {
        return Some("time-millis");
    }
    if is(LogicalType::Timestamp) {
        return Some("timestamp-millis");
    }
    is(LogicalType::Date).then_some("date")
}

/// The same schema without `optional`.
fn required(schema: &SchemaRef) -> Result<SchemaRef> {
    if !schema.is_optional() {
        return Ok(schema.clone());
    }
    let mut draft = Draft::of(schema)?;
    draft.optional = false;
    let bare = draft.build()?;
    match schema.default_value() {
        None => Ok(bare),
        Some(Value::Struct(record)) => {
            let record = Struct::from_values(bare, record.values().to_vec());
            draft.build_with_default(record.into())
        }
        Some(default) => draft.build_with_default(default.clone()),
    }
}

/// A default in Avro's JSON form; `None` where JSON has no word for it (NaN and the infinities).
fn default_json(config: &AvroDataConfig, schema: &Schema, value: &Value) -> Result<Option<Json>> {
    let number = |value: f64| serde_json::Number::from_f64(value).map(Json::Number);
    let latin1 = |bytes: &[u8]| Json::String(bytes.iter().map(|&byte| char::from(byte)).collect());
    let missing = || ConnectError::data(format!("The schema {schema} lacks a part of its own"));
    Ok(Some(match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Int8(value) => (*value).into(),
        Value::Int16(value) => (*value).into(),
        Value::Int32(value) => (*value).into(),
        Value::Int64(value) => (*value).into(),
        Value::Float32(value) => return Ok(number(f64::from(*value))),
        Value::Float64(value) => return Ok(number(*value)),
        Value::String(text) => (&**text).into(),
        Value::Bytes(bytes) => latin1(bytes),
        Value::Decimal(decimal) => latin1(&decimal.to_logical_bytes(schema)?),
        Value::Date(ms) => {
            let logical = LogicalType::of(schema).unwrap_or(LogicalType::Timestamp);
            logical.date_to_number(*ms)?.as_i64().into()
        }
        Value::Array(items) => {
            let item_schema = schema.value_schema()?.ok_or_else(missing)?;
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                match default_json(config, item_schema, item)? {
                    Some(json) => list.push(json),
                    None => return Ok(None),
                }
            }
            Json::Array(list)
        }
        Value::Map(map) => {
            let key_schema = schema.key_schema()?.ok_or_else(missing)?;
            let value_schema = schema.value_schema()?.ok_or_else(missing)?;
            let has_string_keys = has_string_keys(config, schema)?;
            let (mut members, mut pairs) = (JsonMap::new(), Vec::new());
            for (key, value) in map.iter() {
                let Some(value) = default_json(config, value_schema, value)? else {
                    return Ok(None);
                };
                if has_string_keys {
                    members.insert(key.as_str().unwrap_or_default().to_string(), value);
                } else if let Some(key) = default_json(config, key_schema, key)? {
                    pairs.push(Json::Array(vec![key, value]));
                } else {
                    return Ok(None);
                }
            }
            if has_string_keys {
                Json::Object(members)
            } else {
                Json::Array(pairs)
            }
        }
        Value::Struct(record) => return struct_json(config, schema, record),
    }))
}

fn struct_json(config: &AvroDataConfig, schema: &Schema, record: &Struct) -> Result<Option<Json>> {
    let mut members = JsonMap::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let value = record.get_at(index);
        if is_union(schema) {
            // Java takes the first member whatever it holds; only the one that is set makes sense.
            if !value.is_null() {
                return default_json(config, &field.schema, value);
            }
            continue;
        }
        let Some(json) = default_json(config, &field.schema, value)? else {
            return Ok(None);
        };
        let name = if config.scrub_invalid_names {
            scrub_name(&field.name)
        } else {
            Cow::Borrowed(&*field.name)
        };
        members.insert(name.into_owned(), json);
    }
    Ok(Some(if is_union(schema) {
        Json::Null
    } else {
        Json::Object(members)
    }))
}
