//! The converter over Schema Registry, whatever the format.

use super::format::RegistryFormat;
use super::frame::{KEY_SCHEMA_ID_HEADER, VALUE_SCHEMA_ID_HEADER};
use super::plans::Plans;
use super::read::ReaderKey;
use super::settings::Settings;
use super::write::{WriterKey, WriterPlan};
use async_trait::async_trait;
use bytes::BytesMut;
use connect_api::config::ConfigMap;
use connect_api::data::{SchemaRef, Value};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, RawHeader, RawMessage, Result, SchemaAndValue,
};
use connect_registry::RegistryClient;
use connect_registry::config::{ClientConfig, with_plain_names};
use std::sync::Arc;

/// Data of a format whose schemas stand in Schema Registry: each record names its schema by an id.
///
/// `prepare_to_connect` fetches the schemas of a batch that were not seen before, each once, and
/// compiles readers; `prepare_from_connect` registers or looks up the schemas of values and compiles
/// writers. A conversion asks nobody: it finds its reader or writer, or the error that there was. After
/// an error the registry is asked again with the first batch that comes at least a second later, then
/// two, and so on up to ten. A batch is one call of `prepare_*`: to retry a single record, announce it
/// again.
///
/// The schemas that `prepare_from_connect` is given are those that are written, after all transforms:
/// they are registered. A null that becomes a tombstone must not be announced without a schema, because
/// it would be taken for schemaless data. A `prepare_*` call may be given up at any await; what it did
/// not finish is done by the next one.
pub struct RegistryConverter<F: RegistryFormat> {
    configured: Option<Configured<F>>,
}

/// A converter with its settings.
pub(super) struct Configured<F: RegistryFormat> {
    pub(super) format: F,
    pub(super) settings: Arc<Settings>,
    pub(super) client: RegistryClient,
    pub(super) readers: Plans<ReaderKey, F::Reader>,
    pub(super) writers: Plans<WriterKey, WriterPlan<F::Writer>>,
    /// The header that may hold the frame.
    pub(super) header_key: Arc<str>,
}

impl<F: RegistryFormat> Default for RegistryConverter<F> {
    fn default() -> Self {
        Self { configured: None }
    }
}

impl<F: RegistryFormat> RegistryConverter<F> {
    fn configured(&mut self) -> Result<&mut Configured<F>> {
        self.configured
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("The converter was used before it was configured"))
    }
}

impl<F: RegistryFormat> Configured<F> {
    fn new(config: &ConfigMap, converter_type: ConverterType) -> Result<Self> {
        let config = with_plain_names(config);
        let parsed = F::config_def().parse(&config)?;
        let settings = Settings::new(&parsed, converter_type, F::SCHEMA_TYPE)?;
        let client = RegistryClient::new(&ClientConfig::new(&parsed, &config)?)?;
        Ok(Self {
            format: F::new(&parsed, converter_type)?,
            client,
            readers: Plans::new(settings.max_plans),
            writers: Plans::new(settings.max_plans),
            header_key: Arc::from(if settings.is_key {
                KEY_SCHEMA_ID_HEADER
            } else {
                VALUE_SCHEMA_ID_HEADER
            }),
            settings: Arc::new(settings),
        })
    }
}

#[async_trait]
impl<F: RegistryFormat> Converter for RegistryConverter<F> {
    fn configure(&mut self, config: &ConfigMap, converter_type: ConverterType) -> Result<()> {
        self.configured = Some(Configured::new(config, converter_type)?);
        Ok(())
    }

    fn needs_prepare(&self) -> bool {
        true
    }

    async fn prepare_to_connect(&mut self, messages: &[RawMessage<'_>]) {
        if let Some(configured) = &mut self.configured {
            configured.prepare_readers(messages).await;
        }
    }

    async fn prepare_from_connect(&mut self, schemas: &[(&str, Option<&SchemaRef>)]) {
        if let Some(configured) = &mut self.configured {
            configured.prepare_writers(schemas).await;
        }
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        self.configured()?.read(message)
    }

    fn from_connect_data(
        &mut self,
        topic: &str,
        headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        self.configured()?.write(topic, headers, schema, value, out)
    }
}
