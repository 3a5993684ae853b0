//! The definitions of the keys, group by group.

use super::*;
use crate::config::connection::{CONNECTION_URI, uri_validator};
use crate::config::{
    KeyDefault, KeyGroup, class_name, class_names, empty_or, enumerator, enumerator_or_empty,
    json_array, regex,
};
use crate::sink::date_time::DateTimePattern;
use connect_api::config::{ConfigData, ConfigType, Importance, Validator};

const PROJECTION_TYPES: &[&str] = &["none", "blacklist", "whitelist", "allowlist", "blocklist"];
const TOLERANCES: &[&str] = &["none", "data", "all"];
const GRANULARITIES: &[&str] = &["seconds", "minutes", "hours"];

use ConfigType::{Boolean, Int, List, Long, Password, String as Text};
use Importance::{High, Low, Medium};

pub(super) fn connector_keys() -> ConfigDef {
    KeyGroup::new("Connection")
        .key(
            TOPICS,
            List,
            High,
            Vec::<String>::new(),
            None,
            "The Kafka topics",
            "The topics to read, separated by commas.",
        )
        .key(
            TOPICS_REGEX,
            Text,
            High,
            "",
            Some(regex()),
            "Topics regex",
            "A regular expression of the topics to read, in place of topics.",
        )
        .key(
            CONNECTION_URI,
            Password,
            High,
            "mongodb://localhost:27017",
            Some(uri_validator()),
            "MongoDB Connection URI",
            "The connection string, as the official drivers take it.",
        )
        .into_def()
}

pub(super) fn encryption_keys() -> ConfigDef {
    let off = Validator::custom("false", |value| match value {
        Some(ConfigData::Boolean(true)) => {
            Err("Client-side field level encryption is not built in here".into())
        }
        _ => Ok(()),
    });
    KeyGroup::new("Client-Side Field Level Encryption")
        .key(
            CSFLE_ENABLED,
            Boolean,
            Medium,
            false,
            Some(off),
            "Enable CS-FLE",
            "Whether fields are encrypted before they leave. Not built in: true is refused.",
        )
        .key(
            CSFLE_KEY_VAULT_NAMESPACE,
            Text,
            Medium,
            "",
            None,
            "CS-FLE Key vault namespace",
            "See csfle.enabled.",
        )
        .key(
            CSFLE_LOCAL_MASTER_KEY,
            Password,
            Medium,
            "",
            None,
            "CS-FLE local master key",
            "See csfle.enabled.",
        )
        .key(
            CSFLE_SCHEMA_MAP,
            Text,
            Medium,
            "",
            None,
            "CS-FLE schema map",
            "See csfle.enabled.",
        )
        .key(
            CSFLE_BYPASS_QUERY_ANALYSIS,
            Boolean,
            Low,
            true,
            None,
            "CS-FLE bypass query analysis",
            "See csfle.enabled.",
        )
        .into_def()
}

pub(super) fn override_keys() -> ConfigDef {
    let not_itself = Validator::custom("Topic override", |value| match value {
        Some(ConfigData::String(text)) if !text.is_empty() => Err(
            "This configuration shouldn't be set directly: write topic.override.TOPIC.KEY, for \
             example topic.override.orders.collection"
                .into(),
        ),
        _ => Ok(()),
    });
    KeyGroup::new("Overrides")
        .key(
            TOPIC_OVERRIDE,
            Text,
            Low,
            "",
            Some(not_itself),
            "Per topic configuration overrides.",
            "topic.override.TOPIC.KEY sets a key for one topic. Every key can be set so, except \
             connection.uri and topics.",
        )
        .into_def()
}

pub(super) fn namespace_keys() -> ConfigDef {
    let names = KeyGroup::new("Namespace")
        .key(
            DATABASE,
            Text,
            High,
            KeyDefault::Required,
            Some(Validator::NonEmptyString),
            "The MongoDB database name.",
            "The database to write to.",
        )
        .key(
            COLLECTION,
            Text,
            High,
            "",
            None,
            "The default MongoDB collection name",
            "The collection to write to; without it, each topic goes to a collection of its name.",
        )
        .into_def();
    let mapping = KeyGroup::new("Namespace mapping")
        .key(NAMESPACE_MAPPER, Text, High, DEFAULT_NAMESPACE_MAPPER, Some(class_name()),
            "The namespace mapper class",
            "What decides on database and collection: DefaultNamespaceMapper goes by database and \
             collection, FieldPathNamespaceMapper by fields of the record.")
        .key(KEY_DATABASE_FIELD, Text, Medium, "", None,
            "The key field to use as the destination database name.",
            "The path of the field of the key that names the database.")
        .key(KEY_COLLECTION_FIELD, Text, Medium, "", None,
            "The key field to use as the destination collection name.",
            "The path of the field of the key that names the collection.")
        .key(VALUE_DATABASE_FIELD, Text, Medium, "", None,
            "The value field to use as the destination database name.",
            "The path of the field of the value that names the database.")
        .key(VALUE_COLLECTION_FIELD, Text, Medium, "", None,
            "The value field to use as the destination collection name.",
            "The path of the field of the value that names the collection.")
        .key(NAMESPACE_ERROR_IF_INVALID, Boolean, Medium, false, None,
            "Throw an error if the mapped field is missing or invalid.",
            "Whether a record without the field, or with another type than text in it, is an error; \
             otherwise it goes to database and collection.")
        .into_def();
    names.define_all(&mapping)
}

pub(super) fn write_keys() -> ConfigDef {
    KeyGroup::new("Writes")
        .key(
            DELETE_ON_NULL_VALUES,
            Boolean,
            Medium,
            false,
            None,
            "Delete on null values",
            "Whether a record without a value deletes the document that its key names.",
        )
        .key(
            WRITEMODEL_STRATEGY,
            Text,
            Low,
            DEFAULT_WRITEMODEL_STRATEGY,
            Some(class_name()),
            "The writeModel strategy",
            "How a value is written.",
        )
        .key(
            DELETE_WRITEMODEL_STRATEGY,
            Text,
            Low,
            DEFAULT_DELETE_WRITEMODEL_STRATEGY,
            Some(class_name()),
            "The delete writeModel strategy",
            "How a record without a value is written, with delete.on.null.values.",
        )
        .key(
            MAX_BATCH_SIZE,
            Int,
            Medium,
            0,
            Some(Validator::at_least(0)),
            "The maximum batch size",
            "How many records go into one bulk write at most; 0 for as many as were read at once.",
        )
        .key(
            BULK_WRITE_ORDERED,
            Boolean,
            Medium,
            true,
            None,
            "Use ordered bulk writes",
            "Whether records are written in their order and the first error ends a bulk write.",
        )
        .key(
            RATE_LIMITING_TIMEOUT,
            Int,
            Low,
            0,
            Some(Validator::at_least(0)),
            "The rate limiting timeout",
            "The pause in milliseconds after some bulk writes.",
        )
        .key(
            RATE_LIMITING_EVERY_N,
            Int,
            Low,
            0,
            Some(Validator::at_least(0)),
            "The rate limiting batch number",
            "After how many bulk writes a pause comes; 0 for none.",
        )
        .into_def()
}

pub(super) fn processing_keys() -> ConfigDef {
    let projection = || Some(enumerator("the type of a projection", PROJECTION_TYPES));
    let chain = KeyGroup::new("Post Processing")
        .key(
            POST_PROCESSOR_CHAIN,
            List,
            Low,
            vec![DOCUMENT_ID_ADDER.to_string()],
            Some(class_names()),
            "The post processor chain",
            "What changes documents before they are written, one after the other.",
        )
        .key(
            KEY_PROJECTION_TYPE,
            Text,
            Low,
            "none",
            projection(),
            "The key projection type",
            "AllowList or BlockList: what key.projection.list names.",
        )
        .key(
            KEY_PROJECTION_LIST,
            Text,
            Low,
            "",
            None,
            "The key projection list",
            "Paths of fields of the key, separated by commas.",
        )
        .key(
            VALUE_PROJECTION_TYPE,
            Text,
            Low,
            "none",
            projection(),
            "The value projection type",
            "AllowList or BlockList: what value.projection.list names.",
        )
        .key(
            VALUE_PROJECTION_LIST,
            Text,
            Low,
            "",
            None,
            "The value projection list",
            "Paths of fields of the value, separated by commas.",
        )
        .key(
            FIELD_RENAMER_MAPPING,
            Text,
            Low,
            "[]",
            Some(json_array()),
            "The field renamer mapping",
            "New names for RenameByMapping, as JSON: \
             `[{\"oldName\":\"value.a\",\"newName\":\"b\"}]`.",
        )
        .key(
            FIELD_RENAMER_REGEXP,
            Text,
            Low,
            "[]",
            Some(json_array()),
            "The field renamer regex",
            "Rules for RenameByRegExp, as JSON: \
             `[{\"regexp\":\"^value\\\\\\\\..*$\",\"pattern\":\"_\",\"replace\":\"\"}]`.",
        )
        .into_def();
    let transformer = KeyGroup::new("Field Value Transformation")
        .key(
            FIELD_VALUE_TRANSFORMER,
            Text,
            Medium,
            "",
            Some(empty_or(class_name())),
            "Field value transformer class",
            "A Java class of your own. There is none here: a value is refused.",
        )
        .key(
            FIELD_VALUE_TRANSFORMER_FIELDS,
            Text,
            Medium,
            "",
            None,
            "Fields to transform",
            "See field.value.transformer.",
        )
        .into_def();
    chain.define_all(&transformer)
}

pub(super) fn id_keys() -> ConfigDef {
    let projection = || {
        Some(enumerator_or_empty(
            "the type of a projection",
            PROJECTION_TYPES,
        ))
    };
    KeyGroup::new("Id Strategies")
        .key(
            ID_STRATEGY,
            Text,
            High,
            DEFAULT_ID_STRATEGY,
            Some(empty_or(class_name())),
            "The document id strategy",
            "Where the _id of a document comes from.",
        )
        .key(
            ID_OVERWRITE_EXISTING,
            Boolean,
            High,
            false,
            None,
            "The document id strategy overwrite existing setting",
            "Whether the strategy takes the place of an _id that the value has.",
        )
        .key(
            ID_UUID_FORMAT,
            Text,
            High,
            "string",
            Some(enumerator("the form of a UUID", &["string", "binary"])),
            "The document id strategy uuid format",
            "The form of UuidStrategy: String or Binary.",
        )
        .key(
            ID_PARTIAL_KEY_TYPE,
            Text,
            Low,
            "",
            projection(),
            "The document id strategy key projection",
            "AllowList or BlockList for PartialKeyStrategy; key.projection.type if empty.",
        )
        .key(
            ID_PARTIAL_KEY_LIST,
            Text,
            Low,
            "",
            None,
            "The document id strategy key projection list",
            "The fields for PartialKeyStrategy; key.projection.list if empty.",
        )
        .key(
            ID_PARTIAL_VALUE_TYPE,
            Text,
            Low,
            "",
            projection(),
            "The document id strategy value projection",
            "AllowList or BlockList for PartialValueStrategy; value.projection.type if empty.",
        )
        .key(
            ID_PARTIAL_VALUE_LIST,
            Text,
            Low,
            "",
            None,
            "The document id strategy value projection list",
            "The fields for PartialValueStrategy; value.projection.list if empty.",
        )
        .into_def()
}

pub(super) fn error_keys() -> ConfigDef {
    let tolerance = || Some(enumerator("what is tolerated", TOLERANCES));
    let errors = KeyGroup::new("Errors")
        .key(ERRORS_TOLERANCE, Text, Medium, "none", tolerance(), "Error Tolerance",
            "none: the first error fails the task. all: records that cannot be written are skipped. \
             data: so are records that the server refuses, while other errors fail the task.")
        .key(MONGO_ERRORS_TOLERANCE, Text, Medium, "none", tolerance(), "Error Tolerance",
            "The same for this connector alone, in place of the framework's.")
        .key(ERRORS_LOG_ENABLE, Boolean, Medium, false, None, "Log Errors",
            "Whether tolerated errors are logged.")
        .key(MONGO_ERRORS_LOG_ENABLE, Boolean, Medium, false, None, "Log Errors",
            "The same for this connector alone, in place of the framework's.")
        .into_def();
    let cdc = KeyGroup::new("Change Data Capture")
        .key(
            CDC_HANDLER,
            Text,
            Low,
            "",
            Some(empty_or(class_name())),
            "The CDC handler",
            "What reads records as changes of another database. With it, the strategies and post \
             processors have no effect.",
        )
        .into_def();
    errors.define_all(&cdc)
}

pub(super) fn timeseries_keys() -> ConfigDef {
    let format = Validator::custom("A valid DateTimeFormatter format", |value| match value {
        Some(ConfigData::String(pattern)) => DateTimePattern::parse(pattern, "").map(drop),
        _ => Ok(()),
    });
    KeyGroup::new("Time series")
        .key(TIMESERIES_TIMEFIELD, Text, Low, "", None, "The field used for time",
            "The field that holds the time; it makes the collection one of time series.")
        .key(TIMESERIES_METAFIELD, Text, Low, "", None, "The field describing the series",
            "The field that tells series apart.")
        .key(TIMESERIES_EXPIRE_AFTER_SECONDS, Long, Low, 0, Some(Validator::at_least(0)),
            "The data expiry time in seconds", "After how many seconds documents are deleted; 0 never.")
        .key(TIMESERIES_GRANULARITY, Text, Low, "",
            Some(enumerator_or_empty("a granularity", GRANULARITIES)), "The data expiry time",
            "How far apart measurements are: seconds, minutes or hours.")
        .key(TIMESERIES_AUTO_CONVERT, Boolean, Low, false, None,
            "Convert the field to a BSON datetime type.",
            "Whether numbers (milliseconds) and texts in the field of the time become dates.")
        .key(TIMESERIES_DATE_FORMAT, Text, Low, DEFAULT_DATE_FORMAT, Some(format),
            "The DateTimeFormatter pattern for the date.",
            "How texts are read, as a pattern of Java's DateTimeFormatter.")
        .key(TIMESERIES_LANGUAGE_TAG, Text, Low, "", None,
            "The DateTimeFormatter locale language tag to use: Defaults to using the neutral Locale.ROOT.",
            "The language of names of months and days.")
        .into_def()
}
