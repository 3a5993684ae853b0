//! Converters of values that convert headers too.

use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{SchemaRef, Value};
use connect_api::{
    Converter, ConverterType, Encoded, HeaderConverter, RawMessage, Result, SchemaAndValue,
};

/// A header converter that treats each header as the value of a record without headers.
#[derive(Default)]
pub(crate) struct AsHeaderConverter<C>(C);

impl<C: Converter> HeaderConverter for AsHeaderConverter<C> {
    fn configure(&mut self, config: &ConfigMap, converter_type: ConverterType) -> Result<()> {
        self.0.configure(config, converter_type)
    }

    fn to_connect_header(
        &mut self,
        topic: &str,
        _key: &str,
        value: Option<&Bytes>,
    ) -> Result<SchemaAndValue> {
        self.0.to_connect_data(RawMessage {
            topic,
            headers: &[],
            payload: value,
        })
    }

    fn from_connect_header(
        &mut self,
        topic: &str,
        _key: &str,
        schema: Option<&SchemaRef>,
        value: &Value,
    ) -> Result<Option<Bytes>> {
        let mut out = BytesMut::new();
        let encoded = self
            .0
            .from_connect_data(topic, &mut Vec::new(), schema, value, &mut out)?;
        Ok(match encoded {
            Encoded::Null => None,
            Encoded::Appended => Some(out.freeze()),
            Encoded::Shared(bytes) => Some(bytes),
        })
    }
}
