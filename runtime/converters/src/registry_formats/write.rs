//! Connect data to bytes.

use super::config::{ID_COMPATIBILITY_STRICT, LATEST_COMPATIBILITY_STRICT};
use super::converter::Configured;
use super::errors::{self, Asking};
use super::format::{Dependency, DerivedSchema, FormatWriter, NullValue, RegistryFormat};
use super::frame::{FIRST_MESSAGE, SchemaId, encode_frame};
use super::malformed;
use super::settings::{FrameWriting, SchemaChoice, Settings};
use super::subject::{NoSubject, subject_name};
use bytes::{Bytes, BytesMut};
use connect_api::data::{SchemaRef, Value};
use connect_api::{ConnectError, Encoded, RawHeader, Result};
use connect_registry::{
    RegisteredSchema, RegistryClient, RegistryError, SchemaDefinition, SchemaReference, SchemaType,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Instant;

/// How deep the dependencies of a schema may nest.
const MAX_DEPENDENCY_DEPTH: usize = 64;

/// What a writer is kept under. Schemas are compared by address first; sources that make an equal one
/// for each record are found by comparing attributes.
#[derive(Clone, Debug)]
pub(super) struct WriterKey {
    topic: Arc<str>,
    schema: Option<SchemaRef>,
}

impl WriterKey {
    #[inline]
    fn is(&self, topic: &str, schema: Option<&SchemaRef>) -> bool {
        let same_schema = match (&self.schema, schema) {
            (Some(known), Some(schema)) => Arc::ptr_eq(known, schema),
            (None, None) => true,
            _ => false,
        };
        same_schema && *self.topic == *topic
    }

    fn equals(&self, topic: &str, schema: Option<&SchemaRef>) -> bool {
        *self.topic == *topic && self.schema.as_ref() == schema
    }
}

/// A writer, and the frame of all that it writes.
pub(super) struct WriterPlan<W> {
    writer: W,
    frame: Bytes,
}

/// What the registry knows of the schema to write with.
struct Chosen {
    schema: Arc<RegisteredSchema>,
    id: Option<i32>,
    /// The setting that asks whether the schema can read data of the derived one.
    check: Option<&'static str>,
}

impl<F: RegistryFormat> Configured<F> {
    /// Appends the bytes of one value.
    pub(super) fn write(
        &mut self,
        topic: &str,
        headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        if value.is_null()
            && self.format.null(schema.map(|schema| &**schema))? == NullValue::Tombstone
        {
            return Ok(Encoded::Null);
        }
        let Some(index) = self.find_writer(topic, schema) else {
            return Err(ConnectError::retriable(format!(
                "The schema of data for topic {topic} was not asked for yet; it is with the next \
                 batch"
            )));
        };
        let plan = match self.writers.at(index) {
            Ok(plan) => plan,
            Err(error) => return Err(error.clone()),
        };
        match self.settings.writing {
            FrameWriting::Prefix => out.extend_from_slice(&plan.frame),
            FrameWriting::Header => add_header(headers, &self.header_key, &plan.frame),
        }
        match plan.writer.write(value, out) {
            Ok(()) => Ok(Encoded::Appended),
            Err(error) => Err(errors::while_serializing(
                F::SCHEMA_TYPE,
                topic,
                errors::not_serialized(F::SCHEMA_TYPE, error),
            )),
        }
    }

    #[inline]
    fn find_writer(&mut self, topic: &str, schema: Option<&SchemaRef>) -> Option<usize> {
        if let Some(index) = self.writers.find(|key| key.is(topic, schema)) {
            return Some(index);
        }
        let index = self.writers.find(|key| key.equals(topic, schema))?;
        self.writers.key_at(index).schema = schema.cloned();
        Some(index)
    }

    /// Makes the writers that this batch needs and that are not there yet, one after the other: the
    /// order in which schemas are registered is the order of their versions.
    pub(super) async fn prepare_writers(&mut self, schemas: &[(&str, Option<&SchemaRef>)]) {
        for &(topic, schema) in schemas {
            let now = Instant::now();
            if self.find_writer(topic, schema).is_some()
                && !self.writers.is_due(now, |key| key.is(topic, schema))
            {
                continue;
            }
            let outcome = self
                .make_writer(topic, schema)
                .await
                .map_err(|error| errors::while_serializing(F::SCHEMA_TYPE, topic, error));
            let lifetime = match self.settings.choice {
                SchemaChoice::Latest | SchemaChoice::LatestWithMetadata(_) => {
                    self.settings.latest_ttl
                }
                _ => None,
            };
            let key = WriterKey {
                topic: topic.into(),
                schema: schema.cloned(),
            };
            self.writers.put(
                key,
                |key| key.is(topic, schema),
                outcome,
                Instant::now(),
                lifetime,
            );
        }
    }

    async fn make_writer(
        &mut self,
        topic: &str,
        connect: Option<&SchemaRef>,
    ) -> Result<WriterPlan<F::Writer>> {
        let DerivedSchema {
            schema: derived,
            text,
            dependencies,
        } = self.format.derive(connect)?;
        let record_name = self.format.record_name(&derived, FIRST_MESSAGE);
        let references = register_dependencies(
            &self.client,
            &self.settings,
            F::SCHEMA_TYPE,
            &dependencies,
            0,
        )
        .await?;
        let definition = Arc::new(SchemaDefinition {
            schema_type: F::SCHEMA_TYPE,
            text: text.into(),
            references,
        });
        let subject = subject_name(&self.client, &self.settings, topic, record_name.as_deref())
            .await
            .map_err(|error| match error {
                NoSubject::Registry(error) => {
                    let asking = Asking::LookingUp;
                    errors::asking_failed(F::SCHEMA_TYPE, &asking, &definition.text, &error)
                }
                NoSubject::Strategy(error) => error,
            })?;
        let chosen = choose(&self.client, &self.settings, &subject, &definition).await?;
        let schema = self.schema_to_write(&chosen, &definition, &derived).await?;
        if let Some(setting) = chosen.check {
            let reasons = self.format.incompatibilities(&schema, &derived);
            if !reasons.is_empty() {
                return Err(errors::incompatible(F::SCHEMA_TYPE, setting, &reasons));
            }
        }
        let writer = self
            .format
            .writer(connect, &schema)
            .map_err(|error| errors::not_serialized(F::SCHEMA_TYPE, error))?;
        let schema_id = match self.settings.writing {
            FrameWriting::Prefix => {
                let id = chosen.id.or(chosen.schema.id);
                SchemaId::Id(id.ok_or_else(|| malformed("Schema ID is null"))?)
            }
            FrameWriting::Header => SchemaId::Guid(chosen.schema.guid.ok_or_else(|| {
                malformed("Schema GUID is null").with_cause(ConnectError::data(format!(
                    "The registry gave no GUID for subject {subject}: HeaderSchemaIdSerializer needs a \
                     registry of version 8 or newer"
                )))
            })?),
        };
        let frame = encode_frame(schema_id, writer.message_indexes());
        Ok(WriterPlan {
            writer,
            frame: frame.into(),
        })
    }

    /// The schema to write with, parsed: the derived one unless the registry holds another text.
    async fn schema_to_write(
        &mut self,
        chosen: &Chosen,
        definition: &SchemaDefinition,
        derived: &Arc<F::Schema>,
    ) -> Result<Arc<F::Schema>> {
        let registered = &chosen.schema.definition;
        if let Some(rule) = chosen
            .schema
            .rules
            .iter()
            .find(|rule| rule.is_for_writing())
        {
            return Err(errors::not_serialized(
                F::SCHEMA_TYPE,
                errors::no_rule_executor(rule),
            ));
        }
        if self.settings.choice == SchemaChoice::LookUp || **registered == *definition {
            return Ok(derived.clone());
        }
        if registered.schema_type != F::SCHEMA_TYPE {
            return Err(errors::not_serialized(
                F::SCHEMA_TYPE,
                malformed(format!(
                    "The schema of the registry is of type {}, but this converter writes {}: check \
                     the subject name strategy and use.*",
                    registered.schema_type,
                    F::SCHEMA_TYPE
                )),
            ));
        }
        let references = self
            .client
            .resolve(&registered.references)
            .await
            .map_err(|error| {
                errors::asking_failed(F::SCHEMA_TYPE, &Asking::LookingUp, &registered.text, &error)
            })?;
        self.format
            .parse(&registered.text, &references)
            .map(Arc::new)
            .map_err(|error| errors::not_serialized(F::SCHEMA_TYPE, error))
    }
}

/// Finds or registers the schema that the settings choose.
async fn choose(
    client: &RegistryClient,
    settings: &Settings,
    subject: &str,
    definition: &Arc<SchemaDefinition>,
) -> Result<Chosen> {
    let (asking, outcome, check) = match &settings.choice {
        SchemaChoice::Register => (
            Asking::Registering,
            client
                .register(subject, definition, settings.normalize)
                .await,
            None,
        ),
        SchemaChoice::Id(id) => (
            Asking::RetrievingId,
            client.schema_by_id(*id, Some(subject)).await,
            settings
                .id_compatibility_strict
                .then_some(ID_COMPATIBILITY_STRICT),
        ),
        SchemaChoice::Guid(guid) => (
            Asking::RetrievingGuid,
            client.schema_by_guid(*guid).await,
            settings
                .id_compatibility_strict
                .then_some(ID_COMPATIBILITY_STRICT),
        ),
        SchemaChoice::LatestWithMetadata(properties) => (
            Asking::RetrievingLatestWithMetadata(properties),
            client.latest_with_metadata(subject, properties).await,
            None,
        ),
        SchemaChoice::Latest => (
            Asking::RetrievingLatest,
            client.latest(subject).await,
            settings
                .latest_compatibility_strict
                .then_some(LATEST_COMPATIBILITY_STRICT),
        ),
        SchemaChoice::LookUp => (
            Asking::LookingUp,
            client
                .look_up(subject, definition, settings.normalize, false)
                .await,
            None,
        ),
    };
    let failed = |error: RegistryError| {
        errors::asking_failed(definition.schema_type, &asking, &definition.text, &error)
    };
    let schema = outcome.map_err(failed)?;
    let id = match settings.choice {
        // By GUID the registry tells no id: the subject does.
        SchemaChoice::Guid(_) => {
            client
                .look_up(subject, &schema.definition, false, false)
                .await
                .map_err(failed)?
                .id
        }
        _ => schema.id,
    };
    Ok(Chosen { schema, id, check })
}

type References<'a> = Pin<Box<dyn Future<Output = Result<Vec<SchemaReference>>> + Send + 'a>>;

/// Registers or looks up what a schema imports, the innermost first.
fn register_dependencies<'a>(
    client: &'a RegistryClient,
    settings: &'a Settings,
    schema_type: SchemaType,
    dependencies: &'a [Dependency],
    depth: usize,
) -> References<'a> {
    Box::pin(async move {
        let mut references = Vec::with_capacity(dependencies.len());
        for dependency in dependencies {
            if depth >= MAX_DEPENDENCY_DEPTH {
                return Err(malformed(format!(
                    "The imports of a schema nest deeper than {MAX_DEPENDENCY_DEPTH}; the last one \
                     was {}",
                    dependency.name
                )));
            }
            let own = &dependency.dependencies;
            let definition = Arc::new(SchemaDefinition {
                schema_type,
                text: dependency.text.as_str().into(),
                references: register_dependencies(client, settings, schema_type, own, depth + 1)
                    .await?,
            });
            let subject = &dependency.subject;
            let normalize = settings.normalize;
            let failed = |asking: Asking<'_>, error: RegistryError| {
                errors::asking_failed(schema_type, &asking, &definition.text, &error)
            };
            if settings.choice == SchemaChoice::Register && !dependency.lookup_only {
                client
                    .register(subject, &definition, normalize)
                    .await
                    .map_err(|error| failed(Asking::Registering, error))?;
            }
            // A registration need not tell the version.
            let version = client
                .look_up(subject, &definition, normalize, false)
                .await
                .map_err(|error| failed(Asking::LookingUp, error))?
                .version;
            references.push(SchemaReference {
                name: dependency.name.clone(),
                subject: subject.clone(),
                version: version.ok_or_else(|| {
                    malformed(format!(
                        "The registry gave no version for subject {subject}"
                    ))
                })?,
            });
        }
        Ok(references)
    })
}

/// Adds the header with the frame unless the last one of its key is the same.
fn add_header(headers: &mut Vec<RawHeader>, key: &Arc<str>, frame: &Bytes) {
    let last = headers.iter().rev().find(|header| *header.key == **key);
    if last.is_some_and(|last| last.value.as_ref() == Some(frame)) {
        return;
    }
    headers.push(RawHeader {
        key: key.clone(),
        value: Some(frame.clone()),
    });
}
