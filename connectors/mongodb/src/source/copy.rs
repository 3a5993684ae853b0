//! Copies the documents that are there before the first change is read.

use super::failure::ServerError;
use super::reader::{Failure, Message};
use super::scope::Scope;
use super::settings::SourceSettings;
use super::startup::CopySettings;
use crate::bson::document_from_bytes;
use crate::client::MongoConnection;
use crate::sink::Namespace;
use bson::raw::RawDocumentBuf;
use bson::{Document, doc};
use connect_api::ConnectError;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// The name that the namespace has while the server works on it: a stage of the user's must not see it as
/// part of the document.
const NAMESPACE_ON_THE_WAY: &str = "__";

/// The most that copied documents weigh before they are handed on.
const MAX_CHUNK_NUM_BYTES: usize = 1024 * 1024;

/// Copies every namespace of the scope, several at once.
pub(super) async fn copy_existing(
    settings: &Arc<SourceSettings>,
    copy: &CopySettings,
    connection: &MongoConnection,
    sender: &mpsc::Sender<Message>,
) -> Result<(), Failure> {
    let namespaces = select_namespaces(&settings.stream.scope, copy, connection).await?;
    let names: Vec<String> = namespaces.iter().map(Namespace::to_string).collect();
    tracing::info!("Copying existing data of {}", names.join(", "));
    let permits = Arc::new(Semaphore::new(copy.max_threads));
    let chunk_len = copy.chunk_len(settings.max_batch_size);
    let mut copies = JoinSet::new();
    for namespace in namespaces {
        let pipeline = event_stages(&settings.stream.pipeline, copy, &namespace);
        let allow_disk_use = copy.allow_disk_use;
        let (connection, sender) = (connection.clone(), sender.clone());
        let permits = permits.clone();
        copies.spawn(async move {
            let _permit = permits.acquire().await;
            let copied = CopiedNamespace {
                connection: &connection,
                namespace: &namespace,
                chunk_len,
            };
            copied.copy(pipeline, allow_disk_use, &sender).await
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

struct CopiedNamespace<'c> {
    connection: &'c MongoConnection,
    namespace: &'c Namespace,
    chunk_len: usize,
}

impl CopiedNamespace<'_> {
    fn failure(&self, error: &mongodb::error::Error) -> Failure {
        let what = format!(
            "Copying the collection {} of {}",
            self.namespace, self.connection.hosts
        );
        Failure::Other(ServerError::new(&what, error).error)
    }

    async fn copy(
        &self,
        pipeline: Vec<Document>,
        allow_disk_use: bool,
        sender: &mpsc::Sender<Message>,
    ) -> Result<(), Failure> {
        let database = self.connection.client.database(&self.namespace.database);
        let collection = database.collection::<RawDocumentBuf>(&self.namespace.collection);
        let mut cursor = collection
            .aggregate(pipeline)
            .allow_disk_use(allow_disk_use)
            .await
            .map_err(|error| self.failure(&error))?;
        let mut chunk = Vec::new();
        let mut num_bytes = 0;
        while cursor
            .advance()
            .await
            .map_err(|error| self.failure(&error))?
        {
            let bytes = cursor.current().as_bytes();
            num_bytes += bytes.len();
            let document = document_from_bytes(bytes).map_err(Failure::Other)?;
            chunk.push(with_namespace(document));
            if chunk.len() >= self.chunk_len || num_bytes >= MAX_CHUNK_NUM_BYTES {
                num_bytes = 0;
                send(sender, std::mem::take(&mut chunk)).await?;
            }
        }
        if chunk.is_empty() {
            return Ok(());
        }
        send(sender, chunk).await
    }
}

async fn send(sender: &mpsc::Sender<Message>, documents: Vec<Document>) -> Result<(), Failure> {
    let message = Message::Copied(documents);
    sender.send(message).await.map_err(|_| Failure::Stopped)
}

/// Gives the namespace its name, in its place.
pub(super) fn with_namespace(document: Document) -> Document {
    document
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            NAMESPACE_ON_THE_WAY => ("ns".to_string(), value),
            _ => (name, value),
        })
        .collect()
}

/// The stages that make documents look like events of insertion.
pub(super) fn event_stages(
    stages: &[Document],
    copy: &CopySettings,
    namespace: &Namespace,
) -> Vec<Document> {
    let mut pipeline = copy.pipeline.clone();
    pipeline.push(doc! {"$replaceRoot": {"newRoot": {
        "_id": {"_id": "$_id", "copyingData": true},
        "operationType": "insert",
        "ns": {"db": &*namespace.database, "coll": &*namespace.collection},
        "documentKey": {"_id": "$_id"},
        "fullDocument": "$$ROOT",
    }}});
    pipeline.extend_from_slice(stages);
    pipeline.push(doc! {"$addFields": {NAMESPACE_ON_THE_WAY: "$ns"}});
    pipeline.push(doc! {"$project": {"ns": 0}});
    pipeline
}

/// The namespaces to copy.
pub(super) async fn select_namespaces(
    scope: &Scope,
    copy: &CopySettings,
    connection: &MongoConnection,
) -> Result<Vec<Namespace>, Failure> {
    let failure = |error: mongodb::error::Error| {
        let what = format!("Listing databases and collections of {}", connection.hosts);
        Failure::Other(ServerError::new(&what, &error).error)
    };
    let client = &connection.client;
    let databases = match scope {
        Scope::Collection(namespace) => return Ok(filtered(vec![namespace.clone()], copy)),
        Scope::Database(database) => vec![database.clone()],
        Scope::Deployment => {
            let is_internal = |name: &String| {
                ["admin", "config", "local"]
                    .iter()
                    .any(|internal| name.starts_with(internal))
            };
            let mut names = client.list_database_names().await.map_err(failure)?;
            names.retain(|name| !is_internal(name));
            names
        }
    };
    let mut namespaces = Vec::new();
    for database in databases {
        let handle = client.database(&database);
        for collection in handle.list_collection_names().await.map_err(failure)? {
            if !collection.starts_with("system.") {
                let namespace = Namespace::new(database.as_str(), collection);
                namespaces.push(namespace.map_err(Failure::Other)?);
            }
        }
    }
    Ok(filtered(namespaces, copy))
}

fn filtered(mut namespaces: Vec<Namespace>, copy: &CopySettings) -> Vec<Namespace> {
    if let Some(regex) = &copy.namespace_regex {
        namespaces.retain(|namespace| regex.is_match(&namespace.to_string()).unwrap_or(false));
    }
    namespaces
}
