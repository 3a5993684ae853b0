//! `ExtractNewDocumentState`: the document after a change in place of MongoDB's change event.

use super::delete_handling::{self, DeleteHandling, Deletion};
use super::document::{Bson, Document, parse_document, parse_value};
use super::document_schema::{ArrayEncoding, DocumentConverter};
use super::field_reference::{
    self, ADD_FIELDS, ADD_FIELDS_PREFIX, ADD_HEADERS, ADD_HEADERS_PREFIX, FieldReference,
};
use super::name_adjuster::{NameAdjustment, NameKind};
use super::{VERSION, event_of, extracted, is_envelope, string_of};
use crate::requirements::require_struct;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::{Schema, Struct, Value};
use connect_api::{ConnectError, Origin, Record, Result, TRANSFORMS, Transform};
use std::sync::LazyLock;

const ARRAY_ENCODING: &str = "array.encoding";
const FLATTEN: &str = "flatten.struct";
const DELIMITER: &str = "flatten.struct.delimiter";
const REWRITE_WITH_ID: &str = "delete.tombstone.handling.mode.rewrite-with-id";
const FIELD_NAME_ADJUSTMENT: &str = "field.name.adjustment.mode";
const SANITIZE: &str = "sanitize.field.names";
const DELETED: &str = "__deleted";
const ENVELOPE_SUFFIX: &str = ".Envelope";

crate::register!(
    "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState",
    VERSION,
    config_def,
    ExtractNewDocumentState::default()
);
// Its name in Debezium before 1.0.
crate::register!(
    "io.debezium.connector.mongodb.transforms.UnwrapFromMongoDbEnvelope",
    VERSION,
    config_def,
    ExtractNewDocumentState::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let boolean = |name| {
            ConfigKey::new(name, ConfigType::Boolean)
                .default(false)
                .importance(Importance::Low)
        };
        let mut def = ConfigDef::new();
        for key in delete_handling::keys() {
            def = def.define(key);
        }
        for key in field_reference::keys() {
            def = def.define(key);
        }
        def.define(
            ConfigKey::new(ARRAY_ENCODING, ConfigType::String)
                .default("array")
                .validator(Validator::CaseInsensitiveValidString(&[
                    "array", "document",
                ]))
                .importance(Importance::Medium)
                .doc(
                    "How arrays are carried: as arrays of items of one type (`array`), or as structs \
                     with the fields `_0`, `_1` and so on (`document`).",
                ),
        )
        .define(boolean(FLATTEN).doc("Whether structs within are laid out flat."))
        .define(
            ConfigKey::new(DELIMITER, ConfigType::String)
                .default("_")
                .importance(Importance::Low)
                .doc("What joins the names of fields that are laid out flat."),
        )
        .define(boolean(REWRITE_WITH_ID).doc(
            "Whether a rewritten deletion has the id of its key as `_id`.",
        ))
        .define(
            NameAdjustment::key(FIELD_NAME_ADJUSTMENT)
                .doc("How names of fields are made fit for Avro."),
        )
        .define(boolean(SANITIZE).doc(
            "Of Debezium before 2.0: the same as `field.name.adjustment.mode` with `avro`.",
        ))
    });
    &DEF
}

#[derive(Default)]
struct ExtractNewDocumentState {
    handling: DeleteHandling,
    add_fields: Vec<FieldReference>,
    add_headers: Vec<FieldReference>,
    converter: DocumentConverter,
    rewrite_with_id: bool,
    delimiter: String,
    flatten: Option<Box<dyn Transform>>,
}

fn append(document: &mut Document, name: &str, value: Bson) {
    match document.iter_mut().find(|(known, _)| known == name) {
        Some(entry) => entry.1 = value,
        None => document.push((name.to_string(), value)),
    }
}

impl ExtractNewDocumentState {
    /// The document that an update tells: what was set and what was removed.
    fn partial_update(&self, update: &Value, id: &Bson) -> Result<Document> {
        let update = require_struct(update, "updateDescription")?;
        let mut document = match string_of(update, "updatedFields")? {
            Some(updated) => parse_document(updated)?,
            None => Document::new(),
        };
        if let Value::Array(removed) = update.get_without_default("removedFields")? {
            document.retain(|(name, _)| !removed.iter().any(|gone| gone.as_str() == Some(name)));
        }
        if !document.iter().any(|(name, _)| name == "_id") {
            document.push(("_id".to_string(), id.clone()));
        }
        if self.flatten.is_some() {
            for (name, _) in &mut document {
                *name = name.replace('.', &self.delimiter);
            }
        }
        Ok(document)
    }

    /// The document of an event, and whether the event is to be dropped.
    fn document(&self, record: &Record, id: &Bson) -> Result<Option<Document>> {
        let (schema, event) = event_of(record)?;
        let after = extracted(schema, event, "after")?.1;
        let update = match schema.field("updateDescription") {
            Some(_) => extracted(schema, event, "updateDescription")?.1,
            None => return Err(super::unknown_field("updateDescription")),
        };
        let is_deletion = after.is_null() && update.is_null();
        let source = if is_deletion {
            match self.handling.deletion {
                Deletion::Drop => return Ok(None),
                Deletion::Null | Deletion::Tombstone => return Ok(Some(Document::new())),
                Deletion::Rewrite => extracted(schema, event, "before")?.1,
            }
        } else {
            after
        };
        let mut document = match source {
            Value::Null if update.is_null() => Document::new(),
            Value::Null => self.partial_update(update, id)?,
            full => parse_document(&full.to_string())?,
        };
        if self.handling.deletion == Deletion::Rewrite {
            append(&mut document, DELETED, Bson::Boolean(is_deletion));
            if self.rewrite_with_id && !document.iter().any(|(name, _)| name == "_id") {
                document.push(("_id".to_string(), id.clone()));
            }
        }
        Ok(Some(document))
    }

    fn schema_name(&self, record: &Record) -> String {
        let name = record
            .value_schema
            .as_ref()
            .and_then(|schema| schema.name());
        let name = name.unwrap_or_default();
        let name = name.strip_suffix(ENVELOPE_SUFFIX).unwrap_or(name);
        let parts = name
            .split('.')
            .map(|part| self.converter.field_names.adjust(part, NameKind::Schema));
        parts.collect::<Vec<_>>().join(".")
    }

    fn with_document(
        &mut self,
        mut record: Record,
        id: Bson,
        document: Document,
    ) -> Result<Record> {
        let key: Document = vec![("id".to_string(), id)];
        let schema = self
            .converter
            .add_fields(Schema::struct_builder(), None, &key)?
            .build()?;
        let mut key_struct = Struct::new(schema.clone())?;
        self.converter.put_values(&mut key_struct, &key)?;
        let (value_schema, value) = if document.is_empty() {
            (None, Value::Null)
        } else {
            let name = self.schema_name(&record);
            let builder = Schema::struct_builder().name(name.as_str());
            let mut builder = self.converter.add_fields(builder, Some(&name), &document)?;
            let (event_schema, event) = event_of(&record)?;
            let mut added = Vec::new();
            let mut missing = None;
            for reference in &self.add_fields {
                match reference.resolve(event_schema)? {
                    Some(field) => {
                        builder = builder.field(reference.new_name.as_str(), field.schema.clone());
                        added.push((&reference.new_name, field.value(event)));
                    }
                    None => missing = missing.or(Some(&reference.field)),
                }
            }
            let schema = builder.build()?;
            let mut value = Struct::new(schema.clone())?;
            self.converter.put_values(&mut value, &document)?;
            if let Some(field) = missing {
                return Err(ConnectError::data(format!(
                    "{field} is not a valid field name"
                )));
            }
            for (name, field) in added {
                value.put(name, field)?;
            }
            (Some(schema), Value::from(value))
        };
        record.key_schema = Some(schema);
        record.key = key_struct.into();
        record.value_schema = value_schema;
        record.value = value;
        Ok(record)
    }
}

impl Transform for ExtractNewDocumentState {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let given = config;
        let config = config_def().parse(config)?;
        let delimiter = config.string(DELIMITER)?.to_string();
        let flatten = if config.boolean(FLATTEN)? {
            let class = "org.apache.kafka.connect.transforms.Flatten$Value";
            let plugin = TRANSFORMS.iter().find(|plugin| plugin.class == class);
            let mut flatten = plugin
                .map(|plugin| (plugin.create)())
                .ok_or_else(|| ConnectError::config(format!("{class} is not linked in")))?;
            flatten.configure(&[("delimiter", delimiter.as_str())].into_iter().collect())?;
            Some(flatten)
        } else {
            None
        };
        let adjustment = NameAdjustment::parse(config.string(FIELD_NAME_ADJUSTMENT)?);
        *self = Self {
            handling: DeleteHandling::of(&config, given)?,
            add_fields: FieldReference::parse_all(
                config.string(ADD_FIELDS_PREFIX)?,
                config.list(ADD_FIELDS)?,
            )?,
            add_headers: FieldReference::parse_all(
                config.string(ADD_HEADERS_PREFIX)?,
                config.list(ADD_HEADERS)?,
            )?,
            converter: DocumentConverter {
                arrays: match config.string(ARRAY_ENCODING)?.trim() {
                    encoding if encoding.eq_ignore_ascii_case("document") => {
                        ArrayEncoding::Document
                    }
                    _ => ArrayEncoding::Array,
                },
                field_names: if adjustment == NameAdjustment::None && config.boolean(SANITIZE)? {
                    NameAdjustment::Avro
                } else {
                    adjustment
                },
            },
            rewrite_with_id: config.boolean(REWRITE_WITH_ID)?,
            delimiter,
            flatten,
        };
        Ok(())
    }

    fn apply(&mut self, mut record: Record, origin: Origin<'_>) -> Result<Option<Record>> {
        let key_name = record.key_schema.as_ref().and_then(|schema| schema.name());
        if !key_name.is_some_and(|name| name.ends_with(".Key")) {
            return Ok(Some(record));
        }
        if !self.add_headers.is_empty() {
            let event = match &record.value {
                Value::Null => None,
                value => Some(require_struct(value, "field extraction")?),
            };
            field_reference::add_headers(&mut record.headers, &self.add_headers, event)?;
        }
        let key = require_struct(&record.key, "field extraction")?;
        let (_, id) = extracted(key.schema(), key, "id")?;
        let is_tombstone = record.value.is_null();
        if is_tombstone && self.handling.drop_tombstones {
            return Ok(None);
        }
        if !is_tombstone && !is_envelope(&record) {
            return Ok(Some(record));
        }
        let id = parse_value(&id.to_string())?;
        let document = if is_tombstone {
            Some(Document::new())
        } else {
            self.document(&record, &id)?
        };
        let Some(document) = document else {
            return Ok(None);
        };
        let record = self.with_document(record, id, document)?;
        match &mut self.flatten {
            Some(flatten) => flatten.apply(record, origin),
            None => Ok(Some(record)),
        }
    }
}
