//! Bytes to Connect data.

use super::converter::Configured;
use super::errors::{self, Lookup};
use super::format::{FormatReader, ReaderSpec, RegistryFormat};
use super::frame::{FIRST_MESSAGE, Frame, SchemaId, decode_frame, frame_length};
use super::malformed;
use super::settings::{FrameReading, SchemaChoice, Settings};
use super::subject::{NoSubject, subject_name};
use bytes::Bytes;
use connect_api::{ConnectError, RawMessage, Result, SchemaAndValue};
use connect_registry::{
    RegisteredSchema, RegistryClient, RegistryError, ResolvedReference, SchemaType,
};
use futures::stream::{self, StreamExt};
use std::future::Future;
use std::sync::Arc;
use tokio::time::Instant;

/// How many requests for the schemas of a batch are under way at a time.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// What a reader is kept under: the bytes of the frame say all about the schema, and the topic decides
/// about the subject, and so about the version of the Connect schema.
#[derive(Clone, Debug)]
pub(super) struct ReaderKey {
    topic: Arc<str>,
    frame: Box<[u8]>,
}

impl ReaderKey {
    #[inline]
    fn is(&self, topic: &str, frame: &[u8]) -> bool {
        *self.frame == *frame && *self.topic == *topic
    }
}

/// A schema with all that it imports.
struct Fetched {
    schema: Arc<RegisteredSchema>,
    references: Vec<ResolvedReference>,
}

/// What the subject knows of a schema.
struct OfSubject {
    version: Option<i32>,
    /// What data is read as, if it is not read as it was written.
    reader_schema: Option<Fetched>,
}

/// A reader that is being made.
struct Pending<T> {
    key: ReaderKey,
    frame: Frame,
    outcome: Result<T>,
}

impl<F: RegistryFormat> Configured<F> {
    const WITH_INDEXES: bool = matches!(F::SCHEMA_TYPE, SchemaType::Protobuf);

    /// Turns one record into Connect data.
    pub(super) fn read(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        let Some(payload) = message.payload else {
            return Ok(SchemaAndValue::NULL);
        };
        let topic = message.topic;
        let (frame, start) =
            locate::<F>(&self.settings.reading, &self.header_key, message, payload)
                .map_err(|error| errors::while_deserializing(F::SCHEMA_TYPE, topic, error))?;
        let Some(index) = self.readers.find(|key| key.is(topic, frame)) else {
            return Err(not_resolved::<F>(topic, frame));
        };
        let reader = match self.readers.at(index) {
            Ok(reader) => reader,
            Err(error) => return Err(error.clone()),
        };
        let outcome = if start == 0 {
            reader.read(payload)
        } else {
            reader.read(&payload.slice(start..))
        };
        outcome.map_err(|error| unreadable::<F>(topic, frame, error))
    }

    /// Makes the readers that this batch needs and that are not there yet.
    pub(super) async fn prepare_readers(&mut self, messages: &[RawMessage<'_>]) {
        let now = Instant::now();
        let mut pending: Vec<ReaderKey> = Vec::new();
        for message in messages {
            let Some(payload) = message.payload else {
                continue;
            };
            // What has no frame fails by itself when it is converted.
            let Ok((frame, _)) =
                locate::<F>(&self.settings.reading, &self.header_key, *message, payload)
            else {
                continue;
            };
            if !pending.iter().any(|key| key.is(message.topic, frame))
                && self.readers.is_due(now, |key| key.is(message.topic, frame))
            {
                pending.push(ReaderKey {
                    topic: message.topic.into(),
                    frame: frame.into(),
                });
            }
        }
        if !pending.is_empty() {
            self.make_readers(pending).await;
        }
    }

    async fn make_readers(&mut self, keys: Vec<ReaderKey>) {
        let (client, settings) = (&self.client, &self.settings);
        let fetched = concurrently(keys.into_iter().map(|key| {
            let (client, settings) = (client.clone(), settings.clone());
            async move {
                let frame = decode_frame(&key.frame, Self::WITH_INDEXES);
                match frame {
                    Ok(frame) => Some(Pending {
                        outcome: fetch::<F>(&client, &settings, &key, &frame).await,
                        key,
                        frame,
                    }),
                    // Its length was found before, so it can be decoded.
                    Err(_) => None,
                }
            }
        }))
        .await;
        let mut parsed = Vec::with_capacity(fetched.len());
        for pending in fetched.into_iter().flatten() {
            parsed.push(self.parse(pending));
        }
        let (client, settings) = (&self.client, &self.settings);
        let of_subjects = concurrently(parsed.into_iter().map(|pending| {
            let (client, settings) = (client.clone(), settings.clone());
            async move {
                let Pending {
                    key,
                    frame,
                    outcome,
                } = pending;
                let outcome = match outcome {
                    Ok((schema, record_name, fetched)) => {
                        let name = record_name.as_deref();
                        ask_subject::<F>(&client, &settings, &key, &frame, &fetched, name)
                            .await
                            .map(|of_subject| (schema, of_subject))
                    }
                    Err(error) => Err(error),
                };
                Pending {
                    key,
                    frame,
                    outcome,
                }
            }
        }))
        .await;
        let now = Instant::now();
        for Pending {
            key,
            frame,
            outcome,
        } in of_subjects
        {
            let reader = outcome
                .and_then(|(schema, of_subject)| self.compile(&frame, &schema, of_subject))
                .map_err(|error| errors::while_deserializing(F::SCHEMA_TYPE, &key.topic, error));
            let lifetime = self.settings.read_as.as_ref().and(self.settings.latest_ttl);
            let known = key.clone();
            self.readers.put(
                key,
                |key| key.is(&known.topic, &known.frame),
                reader,
                now,
                lifetime,
            );
        }
    }

    /// Parses a schema, and names its record if the subject depends on it.
    #[allow(clippy::type_complexity, reason = "one step of four, used once")]
    fn parse(
        &mut self,
        pending: Pending<Fetched>,
    ) -> Pending<(Arc<F::Schema>, Option<String>, Fetched)> {
        let Pending {
            key,
            frame,
            outcome,
        } = pending;
        let outcome = outcome.and_then(|fetched| {
            let schema = self.parse_fetched(&fetched, &frame)?;
            let record_name = if self.settings.subject_name_strategy.uses_schema() {
                self.format.record_name(&schema, indexes_of(&frame))
            } else {
                None
            };
            Ok((schema, record_name, fetched))
        });
        Pending {
            key,
            frame,
            outcome,
        }
    }

    fn parse_fetched(&self, fetched: &Fetched, frame: &Frame) -> Result<Arc<F::Schema>> {
        let definition = &fetched.schema.definition;
        if definition.schema_type != F::SCHEMA_TYPE {
            let error = malformed(format!(
                "The schema is of type {}, but this converter reads {}: check the class of the \
                 converter",
                definition.schema_type,
                F::SCHEMA_TYPE
            ));
            return Err(errors::not_deserialized(F::SCHEMA_TYPE, frame, error));
        }
        if let Some(rule) = fetched
            .schema
            .rules
            .iter()
            .find(|rule| rule.is_for_reading())
        {
            return Err(errors::not_deserialized(
                F::SCHEMA_TYPE,
                frame,
                errors::no_rule_executor(rule),
            ));
        }
        self.format
            .parse(&definition.text, &fetched.references)
            .map(Arc::new)
            .map_err(|error| errors::not_deserialized(F::SCHEMA_TYPE, frame, error))
    }

    fn compile(
        &mut self,
        frame: &Frame,
        schema: &Arc<F::Schema>,
        of_subject: OfSubject,
    ) -> Result<F::Reader> {
        let reader_schema = match &of_subject.reader_schema {
            Some(fetched) => Some(self.parse_fetched(fetched, frame)?),
            None => None,
        };
        let spec = ReaderSpec {
            schema,
            reader_schema: reader_schema.as_ref(),
            version: of_subject.version,
            message_indexes: indexes_of(frame),
        };
        self.format
            .reader(&spec)
            .map_err(|error| errors::not_deserialized(F::SCHEMA_TYPE, frame, error))
    }
}

/// Runs futures, a few at a time; the outcomes come in the order of the futures.
async fn concurrently<T, I>(futures: I) -> Vec<T>
where
    I: Iterator,
    I::Item: Future<Output = T>,
{
    stream::iter(futures)
        .buffered(MAX_CONCURRENT_REQUESTS)
        .collect()
        .await
}

fn indexes_of(frame: &Frame) -> &[i32] {
    if frame.message_indexes.is_empty() {
        FIRST_MESSAGE
    } else {
        &frame.message_indexes
    }
}

/// The frame of a record, and where its data begins.
#[inline]
fn locate<'a, F: RegistryFormat>(
    reading: &'a FrameReading,
    header_key: &str,
    message: RawMessage<'a>,
    payload: &'a Bytes,
) -> Result<(&'a [u8], usize)> {
    match reading {
        FrameReading::Config(frame) => return Ok((frame, 0)),
        FrameReading::Dual => {
            let header = message
                .headers
                .iter()
                .rev()
                .find(|header| *header.key == *header_key);
            if let Some(frame) = header.and_then(|header| header.value.as_ref()) {
                let num_bytes = frame_length(frame, Configured::<F>::WITH_INDEXES)?;
                return Ok((&frame[..num_bytes], 0));
            }
        }
        FrameReading::Prefix => {}
    }
    let num_bytes = frame_length(payload, Configured::<F>::WITH_INDEXES)?;
    Ok((&payload[..num_bytes], num_bytes))
}

/// Fetches the schema of a frame.
async fn fetch<F: RegistryFormat>(
    client: &RegistryClient,
    settings: &Settings,
    key: &ReaderKey,
    frame: &Frame,
) -> Result<Fetched> {
    let failed = |error: RegistryError| {
        errors::lookup_failed(
            F::SCHEMA_TYPE,
            settings.is_key,
            frame,
            Lookup::Schema,
            &error,
        )
    };
    let schema = match frame.schema_id {
        SchemaId::Guid(guid) => client.schema_by_guid(guid).await,
        SchemaId::Id(id) if settings.subject_name_strategy.uses_schema() => {
            client.schema_by_id(id, None).await
        }
        SchemaId::Id(id) => {
            let subject = subject_name(client, settings, &key.topic, None)
                .await
                .map_err(|error| no_subject(error, failed))?;
            client.schema_by_id(id, Some(&subject)).await
        }
    }
    .map_err(failed)?;
    let references = client
        .resolve(&schema.definition.references)
        .await
        .map_err(failed)?;
    Ok(Fetched { schema, references })
}

fn no_subject(error: NoSubject, failed: impl Fn(RegistryError) -> ConnectError) -> ConnectError {
    match error {
        NoSubject::Registry(error) => failed(error),
        NoSubject::Strategy(error) => error,
    }
}

/// Asks for the version of a schema under its subject, and for what it shall be read as.
async fn ask_subject<F: RegistryFormat>(
    client: &RegistryClient,
    settings: &Settings,
    key: &ReaderKey,
    frame: &Frame,
    fetched: &Fetched,
    record_name: Option<&str>,
) -> Result<OfSubject> {
    let failed = |error: RegistryError| {
        errors::lookup_failed(
            F::SCHEMA_TYPE,
            settings.is_key,
            frame,
            Lookup::Version,
            &error,
        )
    };
    let subject = subject_name(client, settings, &key.topic, record_name)
        .await
        .map_err(|error| no_subject(error, failed))?;
    let version = match fetched.schema.confluent_version() {
        Some(version) => Some(version),
        None => {
            let definition = &fetched.schema.definition;
            client
                .look_up(&subject, definition, false, true)
                .await
                .map_err(failed)?
                .version
        }
    };
    let reader_schema = match &settings.read_as {
        Some(SchemaChoice::LatestWithMetadata(properties)) => {
            Some(client.latest_with_metadata(&subject, properties).await)
        }
        Some(_) => Some(client.latest(&subject).await),
        None => None,
    };
    let reader_schema = match reader_schema {
        Some(schema) => {
            let schema = schema.map_err(failed)?;
            let references = client
                .resolve(&schema.definition.references)
                .await
                .map_err(failed)?;
            Some(Fetched { schema, references })
        }
        None => None,
    };
    Ok(OfSubject {
        version,
        reader_schema,
    })
}

#[cold]
fn unreadable<F: RegistryFormat>(topic: &str, frame: &[u8], error: ConnectError) -> ConnectError {
    let error = match decode_frame(frame, Configured::<F>::WITH_INDEXES) {
        Ok(frame) => errors::not_deserialized(F::SCHEMA_TYPE, &frame, error),
        Err(_) => error,
    };
    errors::while_deserializing(F::SCHEMA_TYPE, topic, error)
}

#[cold]
fn not_resolved<F: RegistryFormat>(topic: &str, frame: &[u8]) -> ConnectError {
    let id = match decode_frame(frame, Configured::<F>::WITH_INDEXES) {
        Ok(frame) => match frame.schema_id {
            SchemaId::Id(id) => id.to_string(),
            SchemaId::Guid(guid) => guid.to_string(),
        },
        Err(_) => "unknown".to_string(),
    };
    ConnectError::retriable(format!(
        "The schema {id} of data in topic {topic} was not asked for yet; it is with the next batch"
    ))
}
