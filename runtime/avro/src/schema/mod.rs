//! Avro schemas.

mod default;
mod layout;
mod parse;
mod text;

use crate::names::check_name;
use connect_api::{ConnectError, Result};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub(crate) use parse::MAX_DEPTH;
pub(crate) use text::write_json;

pub(crate) const AVRO_TYPE_EXCEPTION: &str = "org.apache.avro.AvroTypeException";
pub(crate) const AVRO_RUNTIME_EXCEPTION: &str = "org.apache.avro.AvroRuntimeException";

/// The place of a type in its [`AvroSchema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u32);

/// The full name of a record, enum or fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AvroName {
    full: Arc<str>,
    /// Where the simple name starts in `full`.
    simple_at: usize,
}

impl AvroName {
    /// A name in a namespace; a name with dots brings its own. Checks the simple name.
    pub(crate) fn new(name: &str, namespace: Option<&str>) -> Result<Self> {
        check_name(name.rsplit('.').next().unwrap_or(name))?;
        Self::of_any_text(name, namespace)
    }

    /// The same without the check.
    pub(crate) fn of_any_text(name: &str, namespace: Option<&str>) -> Result<Self> {
        let (namespace, simple) = match name.rfind('.') {
            Some(dot) => (Some(&name[..dot]), &name[dot + 1..]),
            None => (namespace, name),
        };
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        if namespace.is_none() && primitive(simple).is_some() {
            return Err(ConnectError::data(format!(
                "Schemas may not be named after primitives: {simple}"
            ))
            .with_class(AVRO_TYPE_EXCEPTION));
        }
        Ok(match namespace {
            Some(namespace) => Self {
                full: format!("{namespace}.{simple}").into(),
                simple_at: namespace.len() + 1,
            },
            None => Self {
                full: simple.into(),
                simple_at: 0,
            },
        })
    }

    /// Namespace and name.
    pub fn full(&self) -> &str {
        &self.full
    }

    /// The name without the namespace.
    pub fn simple(&self) -> &str {
        &self.full[self.simple_at..]
    }

    /// The namespace.
    pub fn namespace(&self) -> Option<&str> {
        self.full[..self.simple_at].strip_suffix('.')
    }

    /// The name as it is written where `namespace` is the one around it.
    fn qualified(&self, namespace: Option<&str>) -> &str {
        let own = self.namespace();
        if own == namespace || (own.is_none() && primitive(self.simple()).is_none()) {
            self.simple()
        } else {
            self.full()
        }
    }
}

/// How values of a field sort (`order`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldOrder {
    /// `ascending`.
    #[default]
    Ascending,
    /// `descending`.
    Descending,
    /// `ignore`.
    Ignore,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct AvroField {
    /// The name.
    pub name: Arc<str>,
    /// The type.
    pub type_id: TypeId,
    /// The documentation.
    pub doc: Option<String>,
    /// The default in Avro's JSON form.
    pub default: Option<Json>,
    /// How values sort.
    pub order: FieldOrder,
    /// Other names that a writer may have used.
    pub aliases: Vec<String>,
    /// Further members, in order.
    pub props: Vec<(String, Json)>,
}

/// A type without its properties.
#[derive(Clone, Debug, PartialEq)]
pub enum AvroKind {
    /// `null`.
    Null,
    /// `boolean`.
    Boolean,
    /// `int`.
    Int,
    /// `long`.
    Long,
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// `bytes`.
    Bytes,
    /// `string`.
    String,
    /// `fixed`.
    Fixed {
        /// The number of bytes.
        size: usize,
    },
    /// `enum`.
    Enum {
        /// The symbols, in order.
        symbols: Vec<String>,
        /// What a reader takes for a symbol that it does not know.
        default: Option<String>,
    },
    /// `array`.
    Array(TypeId),
    /// `map`.
    Map(TypeId),
    /// A union of branches.
    Union(Vec<TypeId>),
    /// `record` or `error`.
    Record {
        /// The fields, in order.
        fields: Vec<AvroField>,
        /// Whether it was declared as `error`.
        is_error: bool,
    },
}

/// A type with name, documentation and properties.
#[derive(Clone, Debug, PartialEq)]
pub struct AvroType {
    /// What it is.
    pub kind: AvroKind,
    /// The name of a record, enum or fixed.
    pub name: Option<AvroName>,
    /// The documentation of a record, enum or fixed.
    pub doc: Option<String>,
    /// Other full names of a record, enum or fixed.
    pub aliases: Vec<AvroName>,
    /// Further members, in order: `logicalType`, `connect.name`, ...
    pub props: Vec<(String, Json)>,
}

impl AvroType {
    pub(crate) fn new(kind: AvroKind) -> Self {
        Self {
            kind,
            name: None,
            doc: None,
            aliases: Vec::new(),
            props: Vec::new(),
        }
    }

    pub(crate) fn named(kind: AvroKind, name: AvroName, doc: Option<String>) -> Self {
        Self {
            name: Some(name),
            doc,
            ..Self::new(kind)
        }
    }

    /// A property.
    pub fn prop(&self, name: &str) -> Option<&Json> {
        self.props
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value)
    }

    /// A property that is a string.
    pub fn string_prop(&self, name: &str) -> Option<&str> {
        self.prop(name).and_then(Json::as_str)
    }

    /// Adds a property; one of that name stays in its place, as `addProp` with the same value does.
    pub(crate) fn add_prop(&mut self, name: &str, value: impl Into<Json>) -> Result<()> {
        let value = value.into();
        match self.prop(name) {
            None => self.props.push((name.to_string(), value)),
            Some(old) if *old == value => {}
            Some(_) => {
                return Err(
                    ConnectError::data(format!("Can't overwrite property: {name}"))
                        .with_class(AVRO_RUNTIME_EXCEPTION),
                );
            }
        }
        Ok(())
    }

    /// The type's word in Avro: `int`, `record`, `union`, ...
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            AvroKind::Null => "null",
            AvroKind::Boolean => "boolean",
            AvroKind::Int => "int",
            AvroKind::Long => "long",
            AvroKind::Float => "float",
            AvroKind::Double => "double",
            AvroKind::Bytes => "bytes",
            AvroKind::String => "string",
            AvroKind::Fixed { .. } => "fixed",
            AvroKind::Enum { .. } => "enum",
            AvroKind::Array(_) => "array",
            AvroKind::Map(_) => "map",
            AvroKind::Union(_) => "union",
            AvroKind::Record { .. } => "record",
        }
    }

    /// The full name of a named type, the type's word of any other: what tells branches apart.
    pub fn full_name(&self) -> &str {
        self.name
            .as_ref()
            .map_or_else(|| self.type_name(), AvroName::full)
    }

    /// The fields of a record; of other types none.
    pub fn fields(&self) -> &[AvroField] {
        match &self.kind {
            AvroKind::Record { fields, .. } => fields,
            _ => &[],
        }
    }

    /// The branches of a union; of other types none.
    pub fn branches(&self) -> &[TypeId] {
        match &self.kind {
            AvroKind::Union(branches) => branches,
            _ => &[],
        }
    }
}

/// The type of a primitive name.
pub(crate) fn primitive(name: &str) -> Option<AvroKind> {
    Some(match name {
        "null" => AvroKind::Null,
        "boolean" => AvroKind::Boolean,
        "int" => AvroKind::Int,
        "long" => AvroKind::Long,
        "float" => AvroKind::Float,
        "double" => AvroKind::Double,
        "bytes" => AvroKind::Bytes,
        "string" => AvroKind::String,
        _ => return None,
    })
}

/// A parsed schema. Types refer to each other by [`TypeId`], so a type may hold itself.
///
/// `Display` is Java's `Schema.toString()`.
#[derive(Clone, Debug)]
pub struct AvroSchema {
    types: Vec<AvroType>,
    root: TypeId,
}

impl AvroSchema {
    pub(crate) fn empty() -> Self {
        Self {
            types: Vec::new(),
            root: TypeId(0),
        }
    }

    pub(crate) fn add(&mut self, avro_type: AvroType) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).expect("memory ends before 2^32 types"));
        self.types.push(avro_type);
        id
    }

    /// Takes over all types of another schema; returns where its outermost one went.
    pub(crate) fn append(&mut self, other: &Self) -> TypeId {
        let offset = u32::try_from(self.types.len()).expect("memory ends before 2^32 types");
        let moved = |id: TypeId| TypeId(id.0 + offset);
        for avro_type in &other.types {
            let mut avro_type = avro_type.clone();
            match &mut avro_type.kind {
                AvroKind::Array(inner) | AvroKind::Map(inner) => *inner = moved(*inner),
                AvroKind::Union(branches) => {
                    branches
                        .iter_mut()
                        .for_each(|branch| *branch = moved(*branch));
                }
                AvroKind::Record { fields, .. } => {
                    fields
                        .iter_mut()
                        .for_each(|field| field.type_id = moved(field.type_id));
                }
                _ => {}
            }
            self.types.push(avro_type);
        }
        moved(other.root)
    }

    pub(crate) fn get_mut(&mut self, id: TypeId) -> &mut AvroType {
        &mut self.types[id.0 as usize]
    }

    pub(crate) fn set_root(&mut self, root: TypeId) {
        self.root = root;
    }

    /// The outermost type.
    pub fn root(&self) -> &AvroType {
        self.get(self.root)
    }

    /// The place of the outermost type.
    pub fn root_id(&self) -> TypeId {
        self.root
    }

    /// A type; `id` must come from this schema.
    pub fn get(&self, id: TypeId) -> &AvroType {
        &self.types[id.0 as usize]
    }

    /// All types, those of fields and items among them.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &AvroType> {
        self.types.iter()
    }

    /// The text of a type as a schema of its own; `id` must come from this schema.
    pub fn text_of(&self, id: TypeId) -> String {
        text::schema_text(self, id)
    }

    pub(crate) fn num_types(&self) -> usize {
        self.types.len()
    }

    /// The position of the branch with a full name or type's word, as `Schema.getIndexNamed`.
    pub(crate) fn branch_named(&self, branches: &[TypeId], name: &str) -> Option<usize> {
        branches
            .iter()
            .position(|&branch| self.get(branch).full_name() == name)
    }

    /// Checks the branches of a union: none is a union, and no two have the same name.
    pub(crate) fn check_union(&self, branches: &[TypeId]) -> Result<()> {
        let runtime =
            |text: String| Err(ConnectError::data(text).with_class(AVRO_RUNTIME_EXCEPTION));
        let mut names = HashMap::with_capacity(branches.len());
        for &branch in branches {
            let branch = self.get(branch);
            if matches!(branch.kind, AvroKind::Union(_)) {
                let texts: Vec<String> = branches
                    .iter()
                    .map(|&id| text::schema_text(self, id))
                    .collect();
                return runtime(format!("Nested union: [{}]", texts.join(",")));
            }
            if names.insert(branch.full_name(), ()).is_some() {
                return runtime(format!("Duplicate in union:{}", branch.full_name()));
            }
        }
        Ok(())
    }

    /// Whether two schemas describe the same data in the same words: their texts are equal.
    pub fn is_same(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl PartialEq for AvroSchema {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

impl fmt::Display for AvroSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::schema_text(self, self.root))
    }
}

impl std::str::FromStr for AvroSchema {
    type Err = ConnectError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}
