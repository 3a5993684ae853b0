//! A copy that goes on in the middle after a restart: each collection in ranges of ids, several at once.

use super::copy::{event_stages, select_namespaces, with_namespace};
use super::copy_progress::{CopyProgress, CopyRange};
use super::failure::ServerError;
use super::reader::{Failure, Message};
use super::settings::SourceSettings;
use super::startup::CopySettings;
use crate::bson::document_from_bytes;
use crate::client::MongoConnection;
use crate::sink::Namespace;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};
use connect_api::ConnectError;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// A collection is not cut into smaller ranges.
const MIN_RANGE_NUM_DOCUMENTS: u64 = 10_000;

/// Samples of ids for each range: the more, the more even the ranges.
const NUM_SAMPLES_PER_RANGE: usize = 20;

/// The ranges stand in each stored offset until they have been read.
const MAX_NUM_RANGES: usize = 500;

/// What is handed on at once weighs no more than this, plus one document.
const MAX_CHUNK_NUM_BYTES: usize = 1024 * 1024;

/// What there is to copy. `token` is where the stream begins.
pub(super) async fn plan(
    settings: &SourceSettings,
    copy: &CopySettings,
    connection: &MongoConnection,
    token: Option<Document>,
) -> Result<CopyProgress, Failure> {
    let refuse = |message: String| Failure::Other(ConnectError::fatal(message));
    let token = token.ok_or_else(|| {
        refuse(
            "The server does not say where the change stream begins, so the copy cannot go on in the \
             middle: set dovetail.startup.mode.copy.existing.restartable=false"
                .into(),
        )
    })?;
    let namespaces = select_namespaces(&settings.stream.scope, copy, connection).await?;
    if namespaces.len() > MAX_NUM_RANGES {
        return Err(refuse(format!(
            "{} collections are too many for dovetail.startup.mode.copy.existing.restartable=true, which \
             takes {MAX_NUM_RANGES}: choose fewer with startup.mode.copy.existing.namespace.regex, or \
             divide them among several connectors",
            namespaces.len()
        )));
    }
    let max_per_collection = (MAX_NUM_RANGES / namespaces.len().max(1)).min(copy.max_threads);
    let mut ranges = Vec::new();
    for namespace in namespaces {
        let bounds = bounds(connection, &namespace, max_per_collection).await;
        let bounds = bounds.map_err(|error| failure(connection, &namespace, &error))?;
        let after = std::iter::once(None).chain(bounds.iter().cloned().map(Some));
        let up_to = bounds.iter().cloned().map(Some).chain([None]);
        ranges.extend(after.zip(up_to).map(|(after, up_to)| CopyRange {
            namespace: namespace.clone(),
            after,
            up_to,
        }));
    }
    tracing::info!("Existing data is copied in {} ranges of ids", ranges.len());
    Ok(CopyProgress::new(token, ranges))
}

/// Ids that cut a collection into ranges of about the same size; none for a small one.
async fn bounds(
    connection: &MongoConnection,
    namespace: &Namespace,
    max_num_ranges: usize,
) -> mongodb::error::Result<Vec<Bson>> {
    let database = connection.client.database(&namespace.database);
    let collection = database.collection::<Document>(&namespace.collection);
    let num_documents = collection.estimated_document_count().await?;
    let num_ranges = usize::try_from(num_documents / MIN_RANGE_NUM_DOCUMENTS)
        .unwrap_or(usize::MAX)
        .min(max_num_ranges);
    if num_ranges < 2 {
        return Ok(Vec::new());
    }
    let num_samples = i32::try_from(num_ranges * NUM_SAMPLES_PER_RANGE).unwrap_or(i32::MAX);
    let stages = [
        doc! {"$sample": {"size": num_samples}},
        doc! {"$project": {"_id": 1}},
        doc! {"$sort": {"_id": 1}},
    ];
    let mut cursor = collection.aggregate(stages).await?;
    let mut ids: Vec<Bson> = Vec::new();
    while cursor.advance().await? {
        let sample = cursor.deserialize_current()?;
        // A sample may hold a document twice.
        let id = sample.get("_id").filter(|id| ids.last() != Some(*id));
        ids.extend(id.cloned());
    }
    let step = ids.len() / num_ranges;
    if step == 0 {
        return Ok(Vec::new());
    }
    Ok((1..num_ranges)
        .map(|number| ids[number * step].clone())
        .collect())
}

/// Copies the ranges that are left, several at once.
pub(super) async fn copy_ranges(
    settings: &Arc<SourceSettings>,
    copy: &CopySettings,
    progress: &CopyProgress,
    connection: &MongoConnection,
    sender: &mpsc::Sender<Message>,
) -> Result<(), Failure> {
    let permits = Arc::new(Semaphore::new(copy.max_threads));
    let chunk_len = copy.chunk_len(settings.max_batch_size);
    let mut copies = JoinSet::new();
    for (number, range) in progress.ranges() {
        let stages = range_stages(&settings.stream.pipeline, copy, range);
        let (connection, sender) = (connection.clone(), sender.clone());
        let (permits, allow_disk_use) = (permits.clone(), copy.allow_disk_use);
        let namespace = range.namespace.clone();
        copies.spawn(async move {
            let _permit = permits.acquire().await;
            let database = connection.client.database(&namespace.database);
            let collection = database.collection::<RawDocumentBuf>(&namespace.collection);
            let told = |error| failure(&connection, &namespace, &error);
            let opening = collection.aggregate(stages).allow_disk_use(allow_disk_use);
            let mut cursor = opening.await.map_err(told)?;
            let (mut documents, mut num_bytes) = (Vec::new(), 0);
            while cursor.advance().await.map_err(told)? {
                // The last chunk is known as such: nothing is handed on before another document is there.
                if documents.len() >= chunk_len || num_bytes >= MAX_CHUNK_NUM_BYTES {
                    num_bytes = 0;
                    let documents = std::mem::take(&mut documents);
                    send(&sender, number, documents, false).await?;
                }
                let bytes = cursor.current().as_bytes();
                num_bytes += bytes.len();
                let document = document_from_bytes(bytes).map_err(Failure::Other)?;
                documents.push(with_namespace(document));
            }
            send(&sender, number, documents, true).await
        });
    }
    while let Some(copied) = copies.join_next().await {
        match copied {
            Ok(outcome) => outcome?,
            Err(error) => {
                let message = format!("Copying existing data ended: {error}");
                return Err(Failure::Other(ConnectError::fatal(message)));
            }
        }
    }
    Ok(())
}

async fn send(
    sender: &mpsc::Sender<Message>,
    range: usize,
    documents: Vec<Document>,
    is_end: bool,
) -> Result<(), Failure> {
    let message = Message::CopiedOfRange {
        range,
        documents,
        is_end,
    };
    sender.send(message).await.map_err(|_| Failure::Stopped)
}

fn failure(
    connection: &MongoConnection,
    namespace: &Namespace,
    error: &mongodb::error::Error,
) -> Failure {
    let what = format!("Copying the collection {namespace} of {}", connection.hosts);
    Failure::Other(ServerError::new(&what, error).error)
}

/// The stages that read a range in the order of its ids.
fn range_stages(stages: &[Document], copy: &CopySettings, range: &CopyRange) -> Vec<Document> {
    // The comparison of expressions has one order for ids of all types; that of queries keeps to one type.
    let compare = |operator: &str, id: &Option<Bson>| {
        let id = id.clone()?;
        Some(Bson::Document(doc! {operator: ["$_id", {"$literal": id}]}))
    };
    let bounds = [compare("$gt", &range.after), compare("$lte", &range.up_to)];
    let bounds: Vec<Bson> = bounds.into_iter().flatten().collect();
    let mut pipeline = Vec::new();
    if !bounds.is_empty() {
        pipeline.push(doc! {"$match": {"$expr": {"$and": bounds}}});
    }
    pipeline.push(doc! {"$sort": {"_id": 1}});
    pipeline.extend(event_stages(stages, copy, &range.namespace));
    pipeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_between_its_bounds_in_order() {
        let copy = CopySettings::default();
        let stages = |after: Option<Bson>, up_to: Option<Bson>| {
            let namespace = Namespace::new("d", "c").unwrap();
            let range = CopyRange {
                namespace,
                after,
                up_to,
            };
            let mut stages = range_stages(&[], &copy, &range);
            stages.truncate(2);
            stages
        };
        assert_eq!(
            stages(Some("$a".into()), Some(7.into())),
            [
                doc! {"$match": {"$expr": {"$and": [
                    {"$gt": ["$_id", {"$literal": "$a"}]},
                    {"$lte": ["$_id", {"$literal": 7}]},
                ]}}},
                doc! {"$sort": {"_id": 1}}
            ]
        );
        assert_eq!(stages(None, None)[0], doc! {"$sort": {"_id": 1}});
    }
}
