//! The definitions of the keys, group by group.

use super::*;
use crate::config::connection::{CONNECTION_URI, uri_validator};
use crate::config::{
    KeyDefault, KeyGroup, class_name, empty_or, enumerator, enumerator_or_empty, json_array, regex,
};
use crate::source::avro_schema::check_avro_schema;
use crate::source::change_stream::parse_collation;
use crate::source::change_stream::{FULL_DOCUMENT_BEFORE_CHANGE_MODES, FULL_DOCUMENT_MODES};
use crate::source::startup::parse_operation_time;
use connect_api::config::ConfigType::{Boolean, Int, Long, Password, String as Text};
use connect_api::config::Importance::{High, Low, Medium};
use connect_api::config::{ConfigData, CustomValidator, Validator};

const OUTPUT_FORMATS: &[&str] = &["json", "bson", "schema"];
const STARTUP_MODES: &[&str] = &["latest", "timestamp", "copy_existing"];
const TOLERANCES: &[&str] = &["none", "all"];

/// A text that a function finds no fault with.
fn checked(
    description: &'static str,
    check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
) -> Validator {
    Validator::custom(description, move |value| match value {
        Some(ConfigData::String(text)) => check(text),
        _ => Ok(()),
    })
}

fn one_of(description: &'static str, names: &'static [&'static str]) -> Validator {
    empty_or(checked(description, move |text| {
        match names.contains(&text) {
            true => Ok(()),
            false => Err(format!(
                "Invalid enumerator value. Should be one of: [{}]",
                names.join(", ")
            )),
        }
    }))
}

/// Null, or a number from 1 on.
fn null_or_at_least_1() -> Validator {
    let at_least_1 = Validator::at_least(1);
    Validator::Custom(CustomValidator {
        description: "[1,...]",
        check: std::sync::Arc::new(move |name, value| match value {
            None => Ok(()),
            value => at_least_1.ensure_valid(name, value),
        }),
    })
}

pub(super) fn connector_keys() -> ConfigDef {
    KeyGroup::new("Connection")
        .key(
            CONNECTION_URI,
            Password,
            High,
            "mongodb://localhost:27017,localhost:27018,localhost:27019",
            Some(uri_validator()),
            "MongoDB Connection URI",
            "The connection string, as the official drivers take it.",
        )
        .key(
            DATABASE,
            Text,
            Medium,
            "",
            None,
            "The database to watch.",
            "The database to watch; without it, all databases.",
        )
        .key(
            COLLECTION,
            Text,
            Medium,
            "",
            None,
            "The collection to watch.",
            "The collection of the database to watch; without it, all of its collections.",
        )
        .into_def()
}

pub(super) fn change_stream_keys() -> ConfigDef {
    KeyGroup::new("Change stream")
        .key(PIPELINE, Text, Medium, "[]", Some(json_array()),
            "The pipeline to apply to the change stream",
            "Stages that the server applies to the events, as a JSON array: \
             `[{\"$match\": {\"operationType\": \"insert\"}}]`.")
        .key(BATCH_SIZE, Int, Medium, 0, Some(Validator::at_least(0)),
            "The cursor batch size",
            "How many events the server sends at once at most; 0 leaves it to the server.")
        .key(PUBLISH_FULL_DOCUMENT_ONLY, Boolean, High, false, None,
            "Publish only the `fullDocument` field",
            "Whether the value is the changed document and not the event around it. The document of an \
             update is looked up then, as with change.stream.full.document=updateLookup.")
        .key(TOMBSTONE_ON_DELETE, Boolean, Medium, false, None,
            "Send a null value on a delete event. Requires publish.full.document.only=true.",
            "Whether an event without a document makes a record without a value. Only with \
             publish.full.document.only=true.")
        .key(DOCUMENT_KEY_AS_KEY, Boolean, Medium, true, None,
            "Use the `documentKey` for the source record key",
            "Whether the key of a record is that of the document. Otherwise, and for events without a \
             document, it is the resume token.")
        .key(FULL_DOCUMENT_BEFORE_CHANGE, Text, High, "",
            Some(one_of("a mode of pre-images", FULL_DOCUMENT_BEFORE_CHANGE_MODES)),
            "The `fullDocumentBeforeChange` configuration.",
            "Whether events carry the document as it was before (MongoDB 6.0): off, whenAvailable, or \
             required. The collection must keep pre-images.")
        .key(FULL_DOCUMENT, Text, High, "",
            Some(one_of("a mode of documents of updates", FULL_DOCUMENT_MODES)),
            "Set what to return for update operations",
            "What updates carry beside the changed fields: updateLookup the document as it is when the \
             event is read, whenAvailable or required the one right after the change (MongoDB 6.0).")
        .key(SHOW_EXPANDED_EVENTS, Boolean, Medium, false, None,
            "The `showExpandedEvents` configuration.",
            "Whether there are events of indexes, collections and options, too (MongoDB 6.0).")
        .key(COLLATION, Text, High, "",
            Some(checked("A valid JSON document representing a collation", |text| {
                parse_collation(text).map(drop)
            })),
            "The collation options",
            "The collation of the pipeline, as JSON: `{\"locale\": \"en\"}`.")
        .key(POLL_MAX_BATCH_SIZE, Int, Low, 1000, Some(Validator::at_least(1)),
            "The maximum batch size",
            "How many events are read before they are handed on.")
        .key(POLL_AWAIT_TIME_MS, Long, Low, 5000, Some(Validator::at_least(1)),
            "Poll await time (ms)",
            "How long the server waits for events before it answers that there are none.")
        .key(SPLIT_LARGE_EVENTS, Boolean, Low, false, None,
            "Split large events",
            "Whether the server sends events above 16 MB in parts, which are put together here \
             (MongoDB 6.0.9 or 7.0). Without it, such an event fails the task. Dovetail only.")
        .key(STALL_TIMEOUT_MS, Long, Low, 0, Some(Validator::at_least(0)),
            "Stall timeout (ms)",
            "How long the server may give no answer at all, not even that there are no changes. Then the \
             stream is opened again, and if that brings no answer either, the task fails. Well above \
             poll.await.time.ms; 0 waits for ever. Dovetail only.")
        .into_def()
}

pub(super) fn topic_keys() -> ConfigDef {
    KeyGroup::new("Topic mapping")
        .key(TOPIC_MAPPER, Text, High, DEFAULT_TOPIC_MAPPER, Some(class_name()),
            "The topic mapper class",
            "What names topics. Other classes than DefaultTopicMapper are refused: there is no Java.")
        .key(TOPIC_SEPARATOR, Text, Low, ".", None, "The topic separator",
            "What stands between the parts of a topic's name.")
        .key(TOPIC_PREFIX, Text, Low, "", None, "The topic prefix",
            "What topics' names begin with: PREFIX.database.collection.")
        .key(TOPIC_SUFFIX, Text, Low, "", None, "The topic suffix",
            "What topics' names end with: database.collection.SUFFIX.")
        .key(TOPIC_NAMESPACE_MAP, Text, High, "", None, "The namespace to topic map",
            "Other names for topics, as a JSON object from namespaces to names. Tried in this order: \
             `db.coll` for one collection; `db` for a database, whose collections follow behind the \
             name; `/REGEX` for namespaces that match, whose names may have the variables {db}, {sep}, \
             {coll}, {sep_coll}, {coll_sep} and {sep_coll_sep}; `*` for all. topic.prefix and \
             topic.suffix are added.")
        .into_def()
}

pub(super) fn schema_keys() -> ConfigDef {
    let format = || Some(enumerator("an output format", OUTPUT_FORMATS));
    let avro = || Some(checked("A valid Avro schema definition", check_avro_schema));
    KeyGroup::new("Schema")
        .key(OUTPUT_FORMAT_KEY, Text, High, "json", format(), "The key output format",
            "What keys are: json (a string), bson (bytes) or schema (a struct).")
        .key(OUTPUT_FORMAT_VALUE, Text, High, "json", format(), "The value output format",
            "What values are: json (a string), bson (bytes) or schema (a struct).")
        .key(OUTPUT_SCHEMA_INFER_VALUE, Boolean, Medium, false, None,
            "Enable Infer Schemas for the value",
            "Whether the schema of a value is inferred from the document, each by itself. Only with \
             output.format.value=schema.")
        .key(OUTPUT_SCHEMA_KEY, Text, High, DEFAULT_KEY_SCHEMA, avro(),
            "The Avro schema definition for the key.",
            "The schema of keys, in Avro's notation. Its fields are looked up in the event; a name with \
             dots is a path: documentKey._id.")
        .key(OUTPUT_SCHEMA_VALUE, Text, High, DEFAULT_VALUE_SCHEMA, avro(),
            "The Avro schema definition for the value.",
            "The schema of values, in Avro's notation.")
        .key(OUTPUT_JSON_FORMATTER, Text, Medium, DEFAULT_JSON_FORMATTER, Some(class_name()),
            "The json formatter class",
            "The notation of JSON: DefaultJson (MongoDB's first one), ExtendedJson (types beside all \
             values) or SimplifiedJson (plain strings), with their package.")
        .into_def()
}

pub(super) fn startup_keys() -> ConfigDef {
    let empty_regex = || Some(empty_or(regex()));
    let at_least_1 = || Some(Validator::at_least(1));
    KeyGroup::new("Startup")
        .key(STARTUP_MODE, Text, Medium, "",
            Some(enumerator_or_empty("a startup mode", STARTUP_MODES)),
            "The start up behavior when there is no source offset available.",
            "Where to begin without a stored offset: latest with the next change, timestamp with those \
             since a moment, copy_existing with all documents that are there, and then the changes \
             since.")
        .key(START_AT_OPERATION_TIME, Text, Medium, "",
            Some(empty_or(checked("a moment", |text| parse_operation_time(text).map(drop)))),
            "The `startAtOperationTime` configuration.",
            "The moment of startup.mode=timestamp: seconds since the epoch (30), a date \
             (1970-01-01T00:00:30Z) or a BSON timestamp ({\"$timestamp\": {\"t\": 30, \"i\": 0}}). 0 is \
             the beginning of the oplog.")
        .key(COPY_MAX_THREADS, Int, Medium, KeyDefault::Null, Some(null_or_at_least_1()),
            "Copy existing max number of threads",
            "How many collections are copied at once. The number of processors unless it is set.")
        .key(COPY_QUEUE_SIZE, Int, Medium, 16000, at_least_1(), "Copy existing queue size",
            "How many copied documents may wait to be handed on.")
        .key(COPY_PIPELINE, Text, Medium, "", Some(json_array()), "Copy existing initial pipeline",
            "Stages for copying alone, as a JSON array; they come before those of pipeline and may use \
             indexes.")
        .key(COPY_NAMESPACE_REGEX, Text, Medium, "", empty_regex(), "Copy existing namespace regex",
            "Only namespaces (database.collection) in which this is found are copied.")
        .key(COPY_ALLOW_DISK_USE, Boolean, Medium, true, None,
            "Copy existing allow disk use with the copying aggregation",
            "Whether the server may use its disk for the stages of copying.")
        .key(COPY_RESTARTABLE, Boolean, Low, false, None, "Copy existing restartable",
            "Whether a copy goes on in the middle after a restart. Collections are read in the order of \
             their `_id` then, large ones in as many ranges at once as \
             startup.mode.copy.existing.max.threads says. Dovetail only; the official connector begins \
             such a copy anew.")
        .key(OLD_COPY, Boolean, Medium, false, None, "Copy existing data",
            "Deprecated: startup.mode=copy_existing, which wins.")
        .key(OLD_COPY_MAX_THREADS, Int, Medium, KeyDefault::Null, Some(null_or_at_least_1()),
            "Copy existing max number of threads",
            "Deprecated: startup.mode.copy.existing.max.threads, which wins.")
        .key(OLD_COPY_QUEUE_SIZE, Int, Medium, 16000, at_least_1(), "Copy existing queue size",
            "Deprecated: startup.mode.copy.existing.queue.size, which wins.")
        .key(OLD_COPY_PIPELINE, Text, Medium, "", Some(json_array()),
            "Copy existing initial pipeline",
            "Deprecated: startup.mode.copy.existing.pipeline, which wins.")
        .key(OLD_COPY_NAMESPACE_REGEX, Text, Medium, "", empty_regex(),
            "Copy existing namespace regex",
            "Deprecated: startup.mode.copy.existing.namespace.regex, which wins.")
        .key(OLD_COPY_ALLOW_DISK_USE, Boolean, Medium, true, None,
            "Copy existing allow disk use with the copying aggregation",
            "Deprecated: startup.mode.copy.existing.allow.disk.use, which wins.")
        .into_def()
}

pub(super) fn error_keys() -> ConfigDef {
    let tolerance = || Some(enumerator("what is tolerated", TOLERANCES));
    let errors = KeyGroup::new("Errors")
        .key(ERRORS_TOLERANCE, Text, Medium, "none", tolerance(), "Error Tolerance",
            "none: the first error fails the task. all: events that cannot be converted are skipped, \
             and a stream whose resume token is lost begins anew, with a gap.")
        .key(MONGO_ERRORS_TOLERANCE, Text, Medium, "none", tolerance(), "Error Tolerance",
            "The same for this connector alone, in place of the framework's.")
        .key(ERRORS_LOG_ENABLE, Boolean, Medium, false, None, "Log Errors",
            "Whether tolerated errors are logged.")
        .key(MONGO_ERRORS_LOG_ENABLE, Boolean, Medium, false, None, "Log Errors",
            "The same for this connector alone, in place of the framework's.")
        .key(DEAD_LETTER_TOPIC, Text, Medium, "", None, "Output errors to the dead letter queue",
            "The topic for events that cannot be converted, as JSON; empty for none. Only with \
             errors.tolerance=all.")
        .key(MONGO_DEAD_LETTER_TOPIC, Text, Medium, "", None,
            "Output errors to the dead letter queue",
            "The same for this connector alone, in place of the framework's.")
        .key(HEARTBEAT_INTERVAL_MS, Long, Medium, 0, Some(Validator::at_least(0)),
            "Heartbeat interval",
            "How often a record tells the position of the stream while there are no changes, so that \
             the stored offset does not grow old; 0 for never.")
        .key(HEARTBEAT_TOPIC_NAME, Text, Medium, "__mongodb_heartbeats",
            Some(Validator::NonEmptyString), "The heartbeat topic name",
            "The topic of those records.")
        .into_def();
    let partition = KeyGroup::new("Partition")
        .key(OFFSET_PARTITION_NAME, Text, Medium, "", None, "Offset partition name",
            "A name for the stored offset in place of the one made of hosts and namespace; a new name \
             begins anew.")
        .into_def();
    errors.define_all(&partition)
}
