//! Avro schemas to Connect schemas.

use super::draft::Draft;
use super::{
    AVRO_ENUM, AVRO_PREFIX, AVRO_UNION, CONNECT_DEFAULT, CONNECT_DOC, CONNECT_ENUM_DOC,
    CONNECT_NAME, CONNECT_PARAMETERS, CONNECT_RECORD_DOC, CONNECT_TYPE, CONNECT_VERSION,
    DECIMAL_PRECISION, DEFAULT_PRECISION, DEFAULT_SCHEMA_FULL_NAME, ENUM_DEFAULT_PREFIX,
    ENUM_DOC_PREFIX, FIELD_DEFAULT_FLAG, FIELD_DOC_PREFIX, FIXED_SIZE, GENERALIZED_ENUM,
    GENERALIZED_UNION, KEY_FIELD, LOGICAL_TYPE, RECORD_DOC, VALUE_FIELD, VARIANT, default_value,
    is_map_entry, is_variant, union_member_name,
};
use crate::config::AvroDataConfig;
use crate::schema::{AvroKind, AvroSchema, AvroType, MAX_DEPTH, TypeId, write_json};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType, Value};
use connect_api::{ConnectError, Result};
use serde_json::Value as Json;

/// How often a recursive type is laid out within itself, at most.
const MAX_LEVELS: usize = 16;
/// How many parts a recursive schema may have when it is laid out.
const MAX_RECURSIVE_PARTS: usize = 10_000;
/// How many parts any schema may have: types that name each other over and over grow without bound.
const MAX_PARTS: usize = 200_000;

pub(super) fn to_connect_schema(
    config: &AvroDataConfig,
    num_unions: &mut u32,
    avro: &AvroSchema,
    version: Option<i32>,
) -> Result<SchemaRef> {
    let max_levels = max_levels(avro)?;
    let mut mapper = Mapper {
        config,
        num_unions,
        avro,
        open: vec![0; avro.num_types()],
        max_levels,
        depth: 0,
    };
    mapper.map(
        avro.root_id(),
        Overrides {
            version,
            ..Overrides::default()
        },
    )
}

/// The number of levels to which recursive types can be laid out.
fn max_levels(avro: &AvroSchema) -> Result<usize> {
    let mut levels = MAX_LEVELS;
    loop {
        let mut sizer = Sizer {
            avro,
            open: vec![0; avro.num_types()],
            max_levels: levels,
            is_recursive: false,
            num_parts: 0,
        };
        let fits = sizer.count(avro.root_id(), 0);
        let limit = if sizer.is_recursive {
            MAX_RECURSIVE_PARTS
        } else {
            MAX_PARTS
        };
        if fits && sizer.num_parts <= limit {
            return Ok(levels);
        }
        if levels == 1 {
            return Err(ConnectError::data(format!(
                "The Avro schema {} is too large: laid out, it has more than {limit} parts or nests \
                 deeper than {MAX_DEPTH} levels",
                avro.root().full_name()
            )));
        }
        levels /= 2;
    }
}

/// Counts the parts of a schema as a tree, and stops when there are too many.
struct Sizer<'a> {
    avro: &'a AvroSchema,
    open: Vec<usize>,
    max_levels: usize,
    is_recursive: bool,
    num_parts: usize,
}

impl Sizer<'_> {
    fn count(&mut self, id: TypeId, depth: usize) -> bool {
        self.num_parts += 1;
        if self.num_parts > MAX_PARTS || depth > MAX_DEPTH {
            return false;
        }
        let avro = self.avro;
        match &avro.get(id).kind {
            AvroKind::Array(inner) | AvroKind::Map(inner) => self.count(*inner, depth + 1),
            AvroKind::Union(branches) => {
                branches.iter().all(|&branch| self.count(branch, depth + 1))
            }
            AvroKind::Record { fields, .. } => {
                let open = self.open[id.0 as usize];
                if open > 0 {
                    self.is_recursive = true;
                    if open >= self.max_levels {
                        return true;
                    }
                }
                self.open[id.0 as usize] += 1;
                let fits = fields
                    .iter()
                    .all(|field| self.count(field.type_id, depth + 1));
                self.open[id.0 as usize] -= 1;
                fits
            }
            _ => true,
        }
    }
}

/// What the place of a type says about it.
#[derive(Clone, Copy, Default)]
struct Overrides<'a> {
    optional: bool,
    default: Option<&'a Json>,
    doc: Option<&'a str>,
    version: Option<i32>,
}

struct Mapper<'a> {
    config: &'a AvroDataConfig,
    num_unions: &'a mut u32,
    avro: &'a AvroSchema,
    /// How often each record is being laid out.
    open: Vec<usize>,
    max_levels: usize,
    depth: usize,
}

impl<'a> Mapper<'a> {
    fn map(&mut self, id: TypeId, place: Overrides<'a>) -> Result<SchemaRef> {
        // The size was measured before; this holds even if the two walks should ever differ.
        if self.depth > 2 * MAX_DEPTH {
            return Err(ConnectError::data(format!(
                "The Avro schema nests too deep, at {}: a map entry that holds itself has no Connect schema",
                self.avro.get(id).full_name()
            )));
        }
        self.depth += 1;
        let mapped = self.map_type(id, place);
        self.depth -= 1;
        mapped
    }

    fn map_type(&mut self, id: TypeId, mut place: Overrides<'a>) -> Result<SchemaRef> {
        let (avro, config) = (self.avro, self.config);
        let avro_type = avro.get(id);
        if let AvroKind::Union(branches) = &avro_type.kind
            && let Some((branch, optional)) = plain_branch(config, avro, branches)
        {
            return self.map(
                branch,
                Overrides {
                    optional,
                    doc: place.doc,
                    ..Overrides::default()
                },
            );
        }
        let mut draft = self.draft(id, avro_type)?;
        self.set_doc(avro_type, place.doc, &mut draft);
        set_version(avro_type, place.version, &mut draft)?;
        if config.connect_meta_data {
            set_parameters(avro_type, &mut draft)?;
        }
        for (name, value) in &avro_type.props {
            if name.starts_with(AVRO_PREFIX) {
                draft.parameter(name, java_text(value));
            }
        }
        let connect_default = avro_type.prop(CONNECT_DEFAULT);
        if place.default.is_none() {
            place.default = connect_default;
        } else if !config.discard_type_doc_default
            && config.connect_meta_data
            && connect_default.is_none()
        {
            draft.parameter(FIELD_DEFAULT_FLAG, "true");
        }
        set_name(avro_type, &mut draft)?;
        draft.optional |= place.optional;
        let schema = draft.build()?;
        let Some(json) = place.default.filter(|json| !json.is_null()) else {
            return Ok(schema);
        };
        let with_default = default_value(avro, id, &schema, json)
            .and_then(|value| draft.build_with_default(value));
        with_default.or_else(|error| {
            tracing::warn!(
                "Ignoring invalid default for schema {}: {error}",
                avro_type.full_name()
            );
            Ok(schema)
        })
    }

    /// What the type itself says.
    fn draft(&mut self, id: TypeId, avro_type: &'a AvroType) -> Result<Draft> {
        let logical_type = avro_type.string_prop(LOGICAL_TYPE);
        let is = |name: &str| logical_type.is_some_and(|word| word.eq_ignore_ascii_case(name));
        Ok(match &avro_type.kind {
            AvroKind::Boolean => Draft::new(SchemaType::Boolean),
            AvroKind::Bytes => bytes_draft(avro_type, is("decimal"))?,
            AvroKind::Fixed { size } => {
                let mut draft = bytes_draft(avro_type, is("decimal"))?;
                draft.parameter(FIXED_SIZE, size.to_string());
                draft
            }
            AvroKind::Double => Draft::new(SchemaType::Float64),
            AvroKind::Float => Draft::new(SchemaType::Float32),
            AvroKind::Int if is("date") => Draft::logical(LogicalType::Date),
            AvroKind::Int if is("time-millis") => Draft::logical(LogicalType::Time),
            AvroKind::Int if logical_type.is_some() => Draft::new(SchemaType::Int32),
            AvroKind::Int => Draft::new(match avro_type.string_prop(CONNECT_TYPE) {
                None => SchemaType::Int32,
                Some("int8") => SchemaType::Int8,
                Some("int16") => SchemaType::Int16,
                Some(_) => {
                    return Err(ConnectError::data(
                        "Connect type annotation for Avro int field is null",
                    ));
                }
            }),
            AvroKind::Long if is("timestamp-millis") => Draft::logical(LogicalType::Timestamp),
            AvroKind::Long => Draft::new(SchemaType::Int64),
            AvroKind::String => Draft::new(SchemaType::String),
            AvroKind::Array(items) => self.array_draft(*items)?,
            AvroKind::Map(values) => Draft {
                key_schema: Some(Schema::string()),
                value_schema: Some(self.map(*values, Overrides::default())?),
                ..Draft::new(SchemaType::Map)
            },
            AvroKind::Record { .. } => self.record_draft(id, avro_type)?,
            AvroKind::Enum { symbols, default } => {
                self.enum_draft(avro_type, symbols, default.as_deref())
            }
            AvroKind::Union(branches) => self.union_draft(branches)?,
            AvroKind::Null => {
                return Err(ConnectError::data(
                    "Standalone null schemas are not supported by this converter",
                ));
            }
        })
    }

    fn array_draft(&mut self, items: TypeId) -> Result<Draft> {
        let item_type = self.avro.get(items);
        if !is_map_entry(item_type) {
            return Ok(Draft {
                value_schema: Some(self.map(items, Overrides::default())?),
                ..Draft::new(SchemaType::Array)
            });
        }
        let field = |name: &str| item_type.fields().iter().find(|field| &*field.name == name);
        let (Some(key), Some(value), 2) = (
            field(KEY_FIELD),
            field(VALUE_FIELD),
            item_type.fields().len(),
        ) else {
            return Err(ConnectError::data(
                "Found map encoded as array of key-value pairs, but array elements do not match the \
                 expected format.",
            ));
        };
        Ok(Draft {
            key_schema: Some(self.map(key.type_id, Overrides::default())?),
            value_schema: Some(self.map(value.type_id, Overrides::default())?),
            ..Draft::new(SchemaType::Map)
        })
    }

    fn record_draft(&mut self, id: TypeId, avro_type: &'a AvroType) -> Result<Draft> {
        let mut draft = Draft::new(SchemaType::Struct);
        if is_variant(self.avro, avro_type) {
            draft.name = Some(VARIANT.to_string());
            draft.fields.push(("metadata".to_string(), Schema::bytes()));
            draft.fields.push(("value".to_string(), Schema::bytes()));
            return Ok(draft);
        }
        let open = self.open[id.0 as usize];
        if open >= self.max_levels {
            return Ok(draft);
        }
        self.open[id.0 as usize] += 1;
        let keeps_docs = !self.config.discard_type_doc_default && self.config.connect_meta_data;
        if keeps_docs && let Some(doc) = &avro_type.doc {
            draft.parameter(RECORD_DOC, doc.as_str());
        }
        for field in avro_type.fields() {
            if keeps_docs && let Some(doc) = &field.doc {
                draft.parameter(&format!("{FIELD_DOC_PREFIX}{}", field.name), doc.as_str());
            }
            let mut schema = self.map(
                field.type_id,
                Overrides {
                    default: field.default.as_ref(),
                    doc: field.doc.as_deref(),
                    ..Overrides::default()
                },
            )?;
            let parameters = field
                .props
                .iter()
                .find(|(name, _)| name == CONNECT_PARAMETERS);
            if self.config.connect_meta_data
                && let Some((_, Json::Object(parameters))) = parameters
            {
                schema = with_field_parameters(schema, parameters)?;
            }
            draft.fields.push((field.name.to_string(), schema));
        }
        self.open[id.0 as usize] -= 1;
        Ok(draft)
    }

    fn enum_draft(&self, avro_type: &AvroType, symbols: &[String], default: Option<&str>) -> Draft {
        let mut draft = Draft::new(SchemaType::String);
        let config = self.config;
        let name = avro_type.name.as_ref();
        let simple = name.map(|name| name.simple()).unwrap_or_default();
        if config.connect_meta_data {
            if let Some(doc) = &avro_type.doc {
                if config.discard_type_doc_default {
                    draft.parameter(CONNECT_ENUM_DOC, doc.as_str());
                } else {
                    draft.parameter(&format!("{ENUM_DOC_PREFIX}{simple}"), doc.as_str());
                }
            }
            if !config.discard_type_doc_default
                && let Some(default) = default
            {
                draft.parameter(&format!("{ENUM_DEFAULT_PREFIX}{simple}"), default);
            }
        }
        let generalized = config.generalized_sum_type_support;
        let parameter = if generalized {
            GENERALIZED_ENUM
        } else {
            AVRO_ENUM
        };
        draft.parameter(parameter, name.map(|name| name.full()).unwrap_or_default());
        for (index, symbol) in symbols.iter().enumerate() {
            let value = if generalized {
                index.to_string()
            } else {
                symbol.clone()
            };
            draft.parameter(&format!("{parameter}.{symbol}"), value);
        }
        draft
    }

    fn union_draft(&mut self, branches: &'a [TypeId]) -> Result<Draft> {
        let mut draft = Draft::new(SchemaType::Struct);
        if self.config.generalized_sum_type_support {
            let name = format!("connect_union_{}", self.num_unions);
            *self.num_unions += 1;
            draft.parameter(GENERALIZED_UNION, name.as_str());
            draft.name = Some(name);
        } else {
            draft.name = Some(AVRO_UNION.to_string());
        }
        for (index, &branch) in branches.iter().enumerate() {
            let branch_type = self.avro.get(branch);
            if branch_type.kind == AvroKind::Null {
                draft.optional = true;
                continue;
            }
            let name = union_member_name(self.config, branch_type, index);
            if draft.fields.iter().any(|(known, _)| *known == name) {
                return Err(ConnectError::data(
                    "Multiple union schemas map to the Connect union field name",
                ));
            }
            let place = Overrides {
                optional: true,
                ..Overrides::default()
            };
            let schema = self.map(branch, place)?;
            draft.fields.push((name, schema));
        }
        Ok(draft)
    }

    fn set_doc(&self, avro_type: &AvroType, place_doc: Option<&str>, draft: &mut Draft) {
        let connect_doc = avro_type.string_prop(CONNECT_DOC);
        if self.config.discard_type_doc_default {
            let own_doc = avro_type.doc.as_deref();
            draft.doc = place_doc.or(own_doc).or(connect_doc).map(String::from);
            if self.config.connect_meta_data
                && let Some(doc) = own_doc
            {
                draft.parameter(CONNECT_RECORD_DOC, doc);
            }
        } else if self.config.connect_meta_data {
            draft.doc = connect_doc.map(String::from);
        }
    }
}

/// The branch that stands for a whole union, and whether null is allowed beside it.
pub(crate) fn plain_branch(
    config: &AvroDataConfig,
    avro: &AvroSchema,
    branches: &[TypeId],
) -> Option<(TypeId, bool)> {
    let is_null = |id: TypeId| {
        let branch = avro.get(id);
        branch.kind == AvroKind::Null && branch.props.is_empty()
    };
    match *branches {
        [only] if config.flatten_singleton_unions => Some((only, false)),
        [first, second] if is_null(first) => Some((second, true)),
        [first, second] if is_null(second) => Some((first, true)),
        _ => None,
    }
}

fn bytes_draft(avro_type: &AvroType, is_decimal: bool) -> Result<Draft> {
    if !is_decimal {
        return Ok(Draft::new(SchemaType::Bytes));
    }
    let mut draft = Draft::decimal(
        avro_type
            .prop(Decimal::SCALE_FIELD)
            .and_then(int)
            .unwrap_or(0),
    );
    if let Some(precision) = avro_type.prop("precision") {
        let precision = int(precision).ok_or_else(|| {
            ConnectError::data(
                "precision property must be a JSON Integer. \
                 https://avro.apache.org/docs/1.9.1/spec.html#Decimal",
            )
        })?;
        if i64::from(precision) != DEFAULT_PRECISION {
            draft.parameter(DECIMAL_PRECISION, precision.to_string());
        }
    }
    Ok(draft)
}

/// `((Number) value).intValue()`.
fn int(json: &Json) -> Option<i32> {
    json.as_i64()
        .map(|value| value as i32)
        .or_else(|| json.as_f64().map(|value| value as i32))
}

fn set_version(avro_type: &AvroType, version: Option<i32>, draft: &mut Draft) -> Result<()> {
    let version = match avro_type.prop(CONNECT_VERSION) {
        Some(json) => int(json).ok_or_else(|| {
            ConnectError::data(format!(
                "Invalid Connect version found: {}",
                java_text(json)
            ))
        })?,
        None => version.unwrap_or(-1),
    };
    if version < 0 {
        return Ok(());
    }
    if let Some(own) = draft.version.filter(|&own| own != version) {
        return Err(ConnectError::data(format!(
            "Mismatched versions: version already added to SchemaBuilder ({own}) differs from version \
             in source schema ({version})"
        )));
    }
    draft.version = Some(version);
    Ok(())
}

fn set_parameters(avro_type: &AvroType, draft: &mut Draft) -> Result<()> {
    let Some(json) = avro_type.prop(CONNECT_PARAMETERS) else {
        return Ok(());
    };
    let Json::Object(parameters) = json else {
        return Err(ConnectError::data(format!(
            "Expected JSON object for schema parameters but found: {}",
            java_text(json)
        )));
    };
    for (name, value) in parameters {
        let Json::String(value) = value else {
            return Err(ConnectError::data(format!(
                "Expected schema parameter values to be strings but found: {}",
                java_text(value)
            )));
        };
        draft.parameter(name, value.as_str());
    }
    Ok(())
}

fn set_name(avro_type: &AvroType, draft: &mut Draft) -> Result<()> {
    let name = match avro_type.prop(CONNECT_NAME) {
        Some(Json::String(name)) => Some(name.as_str()),
        Some(json) => {
            return Err(ConnectError::data(format!(
                "Invalid schema name: {}",
                java_text(json)
            )));
        }
        None => {
            // The names of these two come from the registry's types and from Connect; the Avro name
            // beside them is only a label.
            let is_labelled = match avro_type.kind {
                AvroKind::Fixed { .. } => draft.name.as_deref() == Some(Decimal::NAME),
                _ => draft.name.as_deref() == Some(VARIANT),
            };
            let name = avro_type.name.as_ref().map(|name| name.full());
            name.filter(|_| !is_labelled)
        }
    };
    let Some(name) = name.filter(|name| !name.starts_with(DEFAULT_SCHEMA_FULL_NAME)) else {
        return Ok(());
    };
    if let Some(own) = draft.name.as_deref().filter(|own| *own != name) {
        return Err(ConnectError::data(format!(
            "Mismatched names: name already added to SchemaBuilder ({own}) differs from name in source \
             schema ({name})"
        )));
    }
    draft.name = Some(name.to_string());
    Ok(())
}

/// The schema of a field whose parameters differ from those that its type has elsewhere.
fn with_field_parameters(
    schema: SchemaRef,
    parameters: &serde_json::Map<String, Json>,
) -> Result<SchemaRef> {
    let is_same = parameters
        .iter()
        .all(|(name, value)| schema.parameter(name) == Some(java_text(value).as_str()));
    if is_same {
        return Ok(schema);
    }
    let mut draft = Draft::of(&schema)?;
    for (name, value) in parameters {
        draft.parameter(name, java_text(value));
    }
    match schema.default_value() {
        // A struct as default belongs to the schema without these parameters.
        Some(default) if !matches!(default, Value::Struct(_)) => {
            draft.build_with_default(default.clone())
        }
        _ => draft.build(),
    }
}

/// `toString()` of the object that Java makes of JSON.
fn java_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(java_text).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name}={}", java_text(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        _ => {
            let mut text = Vec::new();
            write_json(json, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}
