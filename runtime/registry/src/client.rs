//! The client: what converters ask the registry for, with caches.

use crate::cache::SingleFlight;
use crate::config::ClientConfig;
use crate::connection::{Connection, HttpConnection};
use crate::error::{RegistryError, RegistryErrorKind};
use crate::failover::Failover;
use crate::mock::MockRegistry;
use crate::request::Request;
use crate::schema::{Guid, RegisteredSchema, ResolvedReference, SchemaDefinition, SchemaReference};
use crate::wire::{Association, SchemaAnswer};
use connect_api::Result as ConnectResult;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How deep references may nest.
const MAX_REFERENCE_DEPTH: usize = 64;

/// How many schemas one schema may import, directly or through others.
const MAX_REFERENCES: usize = 1_000;

/// How much text of schemas is kept.
const MAX_SCHEMAS_NUM_BYTES: u64 = 64 << 20;
const MAX_LATEST_NUM_BYTES: u64 = 16 << 20;
const MAX_ASSOCIATIONS: u64 = 1_000;
const MAX_ASSOCIATIONS_NUM_BYTES: u64 = 1 << 20;

/// The outcome of a request.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// A client of a Schema Registry. Clones share connections and caches.
///
/// Each method asks the registry unless the answer is in a cache; concurrent calls for the same are one
/// request. Failures that may pass are repeated, then the next address is asked
/// (`max.retries`, `retries.*`, `schema.registry.url`); what comes back in the end is the last error.
/// Errors are not kept.
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    failover: Failover,
    schemas: SingleFlight<Key, Arc<RegisteredSchema>, RegistryError>,
    latest: SingleFlight<Key, (Arc<RegisteredSchema>, Instant), RegistryError>,
    latest_ttl: Option<Duration>,
    associations: SingleFlight<Key, Arc<[String]>, RegistryError>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Id(i32, Option<String>),
    Guid(Guid),
    Registered(String, Arc<SchemaDefinition>, bool),
    LookedUp(String, Arc<SchemaDefinition>, bool, bool),
    Version(String, i32),
    Latest(String),
    LatestWithMetadata(String, Vec<(String, String)>),
    Associations(String, String, &'static str),
}

impl Key {
    fn num_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Id(_, subject) => subject.as_ref().map_or(0, String::len),
                Self::Guid(_) => 0,
                Self::Registered(subject, definition, _)
                | Self::LookedUp(subject, definition, _, _) => {
                    subject.len() + definition.text.len()
                }
                Self::Version(subject, _) | Self::Latest(subject) => subject.len(),
                Self::LatestWithMetadata(subject, properties) => {
                    let properties = properties
                        .iter()
                        .map(|(key, value)| key.len() + value.len());
                    subject.len() + properties.sum::<usize>()
                }
                Self::Associations(namespace, topic, _) => namespace.len() + topic.len(),
            }
    }
}

fn num_bytes(schema: &RegisteredSchema) -> usize {
    let references = schema.definition.references.iter();
    size_of::<RegisteredSchema>()
        + schema.definition.text.len()
        + references
            .map(|reference| reference.name.len() + reference.subject.len())
            .sum::<usize>()
}

impl RegistryClient {
    /// A client over HTTP or, for `mock://SCOPE`, of a registry within this process. Nothing is asked
    /// yet. Errors are of kind [`Config`](connect_api::ErrorKind::Config).
    pub fn new(config: &ClientConfig) -> ConnectResult<Self> {
        let scope = config.urls.first().and_then(|url| url.mock_scope());
        let connection: Box<dyn Connection> = match scope {
            Some(scope) => Box::new(MockRegistry::of_scope(scope)),
            None => Box::new(HttpConnection::new(config)?),
        };
        // A schema is kept by id, by version and by content.
        const KEYS_OF_A_SCHEMA: u64 = 4;
        let max_schemas = config.max_schemas.saturating_mul(KEYS_OF_A_SCHEMA);
        Ok(Self {
            inner: Arc::new(Inner {
                failover: Failover::new(
                    connection,
                    config.urls.clone(),
                    config.retry,
                    config.randomize_urls,
                ),
                schemas: SingleFlight::new(
                    max_schemas,
                    MAX_SCHEMAS_NUM_BYTES,
                    |key: &Key, schema: &Arc<_>| key.num_bytes() + num_bytes(schema),
                ),
                latest: SingleFlight::new(
                    config.max_latest,
                    MAX_LATEST_NUM_BYTES,
                    |key: &Key, (schema, _): &(Arc<_>, Instant)| {
                        key.num_bytes() + num_bytes(schema)
                    },
                ),
                latest_ttl: config.latest_ttl,
                associations: SingleFlight::new(
                    MAX_ASSOCIATIONS,
                    MAX_ASSOCIATIONS_NUM_BYTES,
                    |key: &Key, subjects: &Arc<[String]>| {
                        key.num_bytes() + subjects.iter().map(String::len).sum::<usize>()
                    },
                ),
            }),
        })
    }

    /// The schema with this id. The subject, if it is known, tells the context in which the id counts.
    pub async fn schema_by_id(
        &self,
        id: i32,
        subject: Option<&str>,
    ) -> Result<Arc<RegisteredSchema>> {
        let key = Key::Id(id, subject.map(str::to_string));
        self.kept(key, async {
            let mut schema = self
                .schema(Request::schema_by_id(id, subject), None)
                .await?;
            // The answer leaves out what was asked for.
            schema.id = Some(id);
            Ok(schema)
        })
        .await
    }

    /// The schema with this GUID.
    pub async fn schema_by_guid(&self, guid: Guid) -> Result<Arc<RegisteredSchema>> {
        self.kept(Key::Guid(guid), async {
            let mut schema = self.schema(Request::schema_by_guid(guid), None).await?;
            schema.guid = Some(guid);
            Ok(schema)
        })
        .await
    }

    /// Registers a schema under a subject, or finds it there.
    pub async fn register(
        &self,
        subject: &str,
        definition: &Arc<SchemaDefinition>,
        normalize: bool,
    ) -> Result<Arc<RegisteredSchema>> {
        let key = Key::Registered(subject.to_string(), definition.clone(), normalize);
        self.kept(key, async {
            let request = Request::register(subject, definition, normalize);
            let mut schema = self.schema(request, Some(definition)).await?;
            schema.subject.get_or_insert_with(|| subject.to_string());
            Ok(schema)
        })
        .await
    }

    /// Finds a schema under a subject by its content; `deleted` counts deleted versions in.
    pub async fn look_up(
        &self,
        subject: &str,
        definition: &Arc<SchemaDefinition>,
        normalize: bool,
        deleted: bool,
    ) -> Result<Arc<RegisteredSchema>> {
        let key = Key::LookedUp(subject.to_string(), definition.clone(), normalize, deleted);
        self.kept(key, async {
            let request = Request::look_up(subject, definition, normalize, deleted);
            self.schema(request, Some(definition)).await
        })
        .await
    }

    /// A version of a subject, also a deleted one.
    pub async fn version(&self, subject: &str, version: i32) -> Result<Arc<RegisteredSchema>> {
        let key = Key::Version(subject.to_string(), version);
        self.kept(key, async {
            self.schema(Request::version(subject, Some(version)), None)
                .await
        })
        .await
    }

    /// The latest version of a subject, kept for `latest.cache.ttl.sec`.
    pub async fn latest(&self, subject: &str) -> Result<Arc<RegisteredSchema>> {
        let key = Key::Latest(subject.to_string());
        self.kept_latest(key, Request::version(subject, None)).await
    }

    /// The latest version of a subject whose metadata has all these properties, kept likewise.
    pub async fn latest_with_metadata(
        &self,
        subject: &str,
        properties: &[(String, String)],
    ) -> Result<Arc<RegisteredSchema>> {
        let key = Key::LatestWithMetadata(subject.to_string(), properties.to_vec());
        self.kept_latest(key, Request::latest_with_metadata(subject, properties))
            .await
    }

    /// The subjects that are associated with the keys or values of a topic in the Kafka cluster with
    /// this id; none if the registry knows no associations.
    pub async fn associated_subjects(
        &self,
        kafka_cluster_id: Option<&str>,
        topic: &str,
        is_key: bool,
    ) -> Result<Arc<[String]>> {
        const ANY_CLUSTER: &str = "-";
        let namespace = kafka_cluster_id.unwrap_or(ANY_CLUSTER);
        let association_type = if is_key { "key" } else { "value" };
        let key = Key::Associations(namespace.to_string(), topic.to_string(), association_type);
        let fetch = async {
            let request = Request::associations(namespace, topic, association_type);
            match self.ask::<Vec<Association>>(&request).await {
                Ok(associations) => Ok(associations
                    .into_iter()
                    .map(|association| association.subject)
                    .collect()),
                // Registries before 8.1 have no associations.
                Err(error) if error.status() == Some(404) => Ok(Arc::from([])),
                Err(error) => Err(error),
            }
        };
        self.inner
            .associations
            .get_or_fetch(key, |_| true, fetch)
            .await
    }

    /// All that these references lead to, each name once, those without references of their own first.
    pub async fn resolve(&self, references: &[SchemaReference]) -> Result<Vec<ResolvedReference>> {
        let mut resolution = Resolution {
            client: self,
            names: HashSet::new(),
            resolved: Vec::new(),
        };
        resolution.add(references, 0).await?;
        Ok(resolution.resolved)
    }

    async fn kept(
        &self,
        key: Key,
        fetch: impl Future<Output = Result<RegisteredSchema>>,
    ) -> Result<Arc<RegisteredSchema>> {
        let fetch = async { fetch.await.map(Arc::new) };
        self.inner.schemas.get_or_fetch(key, |_| true, fetch).await
    }

    async fn kept_latest(&self, key: Key, request: Request) -> Result<Arc<RegisteredSchema>> {
        let is_fresh = |(_, fetched_at): &(Arc<RegisteredSchema>, Instant)| {
            self.inner
                .latest_ttl
                .is_none_or(|ttl| fetched_at.elapsed() < ttl)
        };
        let fetch = async {
            let schema = self.schema(request, None).await?;
            Ok((Arc::new(schema), Instant::now()))
        };
        let (schema, _) = self.inner.latest.get_or_fetch(key, is_fresh, fetch).await?;
        Ok(schema)
    }

    async fn schema(
        &self,
        request: Request,
        sent: Option<&Arc<SchemaDefinition>>,
    ) -> Result<RegisteredSchema> {
        let answer: SchemaAnswer = self.ask(&request).await?;
        answer
            .into_schema(sent)
            .map_err(|why| unreadable(&request, &why))
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let body = self.inner.failover.send(request).await?;
        serde_json::from_slice(&body).map_err(|error| unreadable(request, &error.to_string()))
    }
}

#[cold]
fn unreadable(request: &Request, why: &str) -> RegistryError {
    RegistryError {
        kind: RegistryErrorKind::UnreadableAnswer,
        message: format!("The answer is not that of a Schema Registry: {why}"),
        request: format!("{} /{}", request.method.name(), request.segments.join("/")),
        advice: "Check schema.registry.url and its path",
    }
}

/// References on their way to being resolved.
struct Resolution<'a> {
    client: &'a RegistryClient,
    /// What was met so far, so that a circle ends.
    names: HashSet<String>,
    resolved: Vec<ResolvedReference>,
}

impl Resolution<'_> {
    fn add<'b>(
        &'b mut self,
        references: &'b [SchemaReference],
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'b>> {
        Box::pin(async move {
            for reference in references {
                if !self.names.insert(reference.name.clone()) {
                    continue;
                }
                if depth >= MAX_REFERENCE_DEPTH || self.names.len() > MAX_REFERENCES {
                    return Err(RegistryError {
                        kind: RegistryErrorKind::References,
                        message: format!(
                            "The references of a schema nest deeper than {MAX_REFERENCE_DEPTH} or are \
                             more than {MAX_REFERENCES}; the last one was {} (subject {}, version {})",
                            reference.name, reference.subject, reference.version
                        ),
                        request: String::new(),
                        advice: "Make the schema import less",
                    });
                }
                let schema = self
                    .client
                    .version(&reference.subject, reference.version)
                    .await?;
                self.add(&schema.definition.references, depth + 1).await?;
                self.resolved.push(ResolvedReference {
                    name: reference.name.clone(),
                    subject: reference.subject.clone(),
                    version: reference.version,
                    text: schema.definition.text.clone(),
                });
            }
            Ok(())
        })
    }
}
