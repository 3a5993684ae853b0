//! What is asked of the server when a change stream is opened.

use super::keys;
use super::open_stream::OpenStream;
use super::scope::Scope;
use super::startup::{StartupMode, read_pipeline};
use crate::bson::parse_document;
use crate::config::{Fault, Values};
use bson::{Document, Timestamp, doc};
use mongodb::Client;
use mongodb::options::{
    AggregateOptions, Collation, FullDocumentBeforeChangeType, FullDocumentType,
};
use std::time::Duration;

pub(super) const FULL_DOCUMENT_MODES: &[&str] =
    &["default", "updateLookup", "whenAvailable", "required"];
pub(super) const FULL_DOCUMENT_BEFORE_CHANGE_MODES: &[&str] =
    &["default", "off", "whenAvailable", "required"];

/// What a change stream shows.
#[derive(Clone, Debug)]
pub struct ChangeStreamSettings {
    /// What is watched.
    pub scope: Scope,
    /// Stages behind the stream.
    pub pipeline: Vec<Document>,
    /// How many events come at once; `None` leaves it to the server.
    pub batch_size: Option<u32>,
    /// How long the server waits for events.
    pub await_time: Duration,
    /// What updates carry; `None` is the server's default.
    pub full_document: Option<FullDocumentType>,
    /// Whether events carry the document as it was.
    pub full_document_before_change: Option<FullDocumentBeforeChangeType>,
    /// Whether there are events of indexes and options.
    pub show_expanded_events: bool,
    /// The collation of the pipeline.
    pub collation: Option<Collation>,
    /// Whether the server splits large events.
    pub split_large_events: bool,
    /// How long the server may give no answer at all; `None` for ever.
    pub stall_timeout: Option<Duration>,
}

/// Where a stream begins.
#[derive(Clone, Debug, PartialEq)]
pub enum StartAt {
    /// Behind the event of a resume token.
    After(Document),
    /// At a moment.
    OperationTime(Timestamp),
    /// With the next change.
    Now,
}

impl StartAt {
    /// Where a stream without a token begins.
    pub fn of_mode(mode: &StartupMode) -> Self {
        match mode {
            StartupMode::Timestamp(Some(time)) => Self::OperationTime(*time),
            _ => Self::Now,
        }
    }
}

/// Reads a collation. Names that MongoDB does not know are left out, as the official connector does.
pub(super) fn parse_collation(text: &str) -> Result<Option<Collation>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    const NAMES: &[&str] = &[
        "locale",
        "caseLevel",
        "caseFirst",
        "strength",
        "numericOrdering",
        "alternate",
        "maxVariable",
        "normalization",
        "backwards",
    ];
    let mut document = parse_document(text).map_err(|error| error.message().to_string())?;
    let unknown: Vec<String> = document
        .keys()
        .filter(|name| !NAMES.contains(&name.as_str()))
        .cloned()
        .collect();
    for name in unknown {
        document.remove(name);
    }
    bson::deserialize_from_document(document)
        .map(Some)
        .map_err(|error| format!("This is no collation: {error}"))
}

impl ChangeStreamSettings {
    pub(super) fn read(scope: Scope, values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let pipeline = read_pipeline(values, keys::PIPELINE, faults);
        let collation_text = values.text(keys::COLLATION);
        let collation = parse_collation(collation_text).unwrap_or_else(|why| {
            faults.push(Fault::invalid(keys::COLLATION, collation_text, &why));
            None
        });
        let full_document = match values.text(keys::FULL_DOCUMENT) {
            _ if values.is_true(keys::PUBLISH_FULL_DOCUMENT_ONLY) => {
                Some(FullDocumentType::UpdateLookup)
            }
            "updateLookup" => Some(FullDocumentType::UpdateLookup),
            "whenAvailable" => Some(FullDocumentType::WhenAvailable),
            "required" => Some(FullDocumentType::Required),
            _ => None,
        };
        let full_document_before_change = match values.text(keys::FULL_DOCUMENT_BEFORE_CHANGE) {
            "whenAvailable" => Some(FullDocumentBeforeChangeType::WhenAvailable),
            "required" => Some(FullDocumentBeforeChangeType::Required),
            "off" => Some(FullDocumentBeforeChangeType::Off),
            _ => None,
        };
        let unsigned = |key| u64::try_from(values.number(key)).unwrap_or(0);
        (faults.len() == before).then(|| Self {
            scope,
            pipeline,
            batch_size: u32::try_from(unsigned(keys::BATCH_SIZE))
                .ok()
                .filter(|size| *size > 0),
            await_time: Duration::from_millis(unsigned(keys::POLL_AWAIT_TIME_MS)),
            full_document,
            full_document_before_change,
            show_expanded_events: values.is_true(keys::SHOW_EXPANDED_EVENTS),
            collation,
            split_large_events: values.is_true(keys::SPLIT_LARGE_EVENTS),
            stall_timeout: Some(Duration::from_millis(unsigned(keys::STALL_TIMEOUT_MS)))
                .filter(|timeout| !timeout.is_zero()),
        })
    }

    /// Opens a stream.
    pub(super) async fn open(
        &self,
        client: &Client,
        start: &StartAt,
    ) -> mongodb::error::Result<OpenStream> {
        let mut pipeline = vec![doc! {"$changeStream": self.stage(start)?}];
        pipeline.extend_from_slice(&self.pipeline);
        if self.split_large_events {
            pipeline.push(doc! {"$changeStreamSplitLargeEvent": {}});
        }
        let mut options = AggregateOptions::default();
        options.max_await_time = Some(self.await_time);
        options.batch_size = self.batch_size;
        options.collation = self.collation.clone();
        let cursor = match &self.scope {
            Scope::Collection(namespace) => {
                let database = client.database(&namespace.database);
                let collection = database.collection::<Document>(&namespace.collection);
                let aggregate = collection.aggregate(pipeline).with_options(options);
                aggregate.batch().await?
            }
            scope => {
                let name = match scope {
                    Scope::Database(name) => name.as_str(),
                    _ => "admin",
                };
                let database = client.database(name);
                let aggregate = database.aggregate(pipeline).with_options(options);
                aggregate.batch().await?
            }
        };
        Ok(OpenStream::new(cursor))
    }

    fn stage(&self, start: &StartAt) -> mongodb::error::Result<Document> {
        let mut stage = Document::new();
        if matches!(self.scope, Scope::Deployment) {
            stage.insert("allChangesForCluster", true);
        }
        if let Some(mode) = &self.full_document {
            stage.insert("fullDocument", bson::serialize_to_bson(mode)?);
        }
        if let Some(mode) = &self.full_document_before_change {
            stage.insert("fullDocumentBeforeChange", bson::serialize_to_bson(mode)?);
        }
        // Servers before 6.0 do not know the name.
        if self.show_expanded_events {
            stage.insert("showExpandedEvents", true);
        }
        match start {
            StartAt::After(token) => stage.insert("startAfter", token.clone()),
            StartAt::OperationTime(time) => stage.insert("startAtOperationTime", *time),
            StartAt::Now => None,
        };
        Ok(stage)
    }
}
