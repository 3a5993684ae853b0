//! Bytes of offset keys and values, and what may stand in them.

use crate::json::{from_json, to_json};
use bytes::Bytes;
use connect_api::ConnectError;
use connect_api::data::{Map, Value};

/// The key `["connector",{partition}]`. The order of the fields is that of the map.
pub(crate) fn encode_key(connector: &str, partition: Option<&Map>) -> Result<Bytes, ConnectError> {
    let partition = match partition {
        Some(partition) => {
            validate(partition)?;
            Value::Map(partition.clone())
        }
        None => Value::Null,
    };
    to_json(&Value::Array(vec![Value::string(connector), partition]))
}

/// The bytes of an offset; none for no offset, which removes the entry.
pub(crate) fn encode_offset(offset: Option<&Map>) -> Result<Option<Bytes>, ConnectError> {
    let Some(offset) = offset else {
        return Ok(None);
    };
    validate(offset)?;
    to_json(&Value::Map(offset.clone())).map(Some)
}

/// The connector and partition of a key.
pub(crate) fn decode_key(key: &Bytes) -> Result<(String, Option<Map>), String> {
    let Value::Array(parts) = from_json(key).map_err(|error| error.to_string())? else {
        return Err("it is not an array".into());
    };
    let [connector, partition] = <[Value; 2]>::try_from(parts)
        .map_err(|parts| format!("it has {} elements instead of 2", parts.len()))?;
    let Value::String(connector) = connector else {
        return Err("its first element is not the name of a connector".into());
    };
    match partition {
        Value::Map(partition) => Ok((connector.to_string(), Some(partition))),
        Value::Null => Ok((connector.to_string(), None)),
        _ => Err("its second element is not an object".into()),
    }
}

/// The offset in a value; `None` where the bytes stand for null.
pub(crate) fn decode_offset(value: &Bytes) -> Result<Option<Map>, ConnectError> {
    match from_json(value)? {
        Value::Map(offset) => Ok(Some(offset)),
        Value::Null => Ok(None),
        _ => Err(ConnectError::data("Offsets must be specified as a Map")),
    }
}

/// What comes back after a map was written and read: integers as 64-bit ones, bytes as Base64 text.
pub(crate) fn normalize(map: &Map) -> Result<Map, ConnectError> {
    validate(map)?;
    Ok(decode_offset(&to_json(&Value::Map(map.clone()))?)?.unwrap_or_default())
}

/// Refuses what offsets and partitions may not hold.
pub(crate) fn validate(map: &Map) -> Result<(), ConnectError> {
    for (key, value) in map.iter() {
        let Value::String(key) = key else {
            return Err(ConnectError::data("Offsets may only use String keys"));
        };
        let contained = match value {
            Value::Array(_) => "ARRAY",
            Value::Map(_) => "MAP",
            Value::Struct(_) => "STRUCT",
            Value::Decimal(_) => "class java.math.BigDecimal",
            Value::Date(_) => "class java.util.Date",
            _ => continue,
        };
        return Err(ConnectError::data(format!(
            "Offsets may only contain primitive types as values, but field {key} contains \
             {contained}"
        )));
    }
    Ok(())
}
