//! `SimpleHeaderConverter`: header values as texts whose type is guessed.

use crate::utf8::decode_lossy;
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, Value, values};
use connect_api::{
    ConverterType, HeaderConverter, HeaderConverterPlugin, KAFKA_VERSION, Result, SchemaAndValue,
    no_config,
};

/// The default converter of headers: [`values`] both ways.
#[derive(Debug, Default)]
pub struct SimpleHeaderConverter;

#[linkme::distributed_slice(connect_api::HEADER_CONVERTERS)]
#[linkme(crate = connect_api::registry::linkme)]
static SIMPLE_HEADER_CONVERTER: HeaderConverterPlugin = HeaderConverterPlugin {
    class: "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    version: KAFKA_VERSION,
    config_def: no_config,
    create: || Box::new(SimpleHeaderConverter),
};

impl HeaderConverter for SimpleHeaderConverter {
    fn configure(&mut self, _config: &ConfigMap, _converter_type: ConverterType) -> Result<()> {
        Ok(())
    }

    fn to_connect_header(
        &mut self,
        topic: &str,
        key: &str,
        value: Option<&Bytes>,
    ) -> Result<SchemaAndValue> {
        let Some(bytes) = value else {
            return Ok(SchemaAndValue::NULL);
        };
        match values::parse_string(&decode_lossy(bytes)) {
            Ok(parsed) => Ok(parsed),
            Err(error) => {
                tracing::warn!(
                    topic,
                    header = key,
                    %error,
                    "Failed to deserialize value for header, so using byte array"
                );
                Ok(SchemaAndValue {
                    schema: Some(Schema::bytes()),
                    value: Value::Bytes(bytes.clone()),
                })
            }
        }
    }

    fn from_connect_header(
        &mut self,
        _topic: &str,
        _key: &str,
        _schema: Option<&SchemaRef>,
        value: &Value,
    ) -> Result<Option<Bytes>> {
        if value.is_null() {
            return Ok(None);
        }
        Ok(Some(values::convert_to_string(value).into()))
    }
}
