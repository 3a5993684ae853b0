//! `/connectors/{name}/offsets`.

use crate::error::Failure;
use crate::json::MapJson;
use crate::router::{Call, Rest, ok};
use axum::body::{Body, Bytes};
use axum::http::{Method, Response, StatusCode};
use connect_api::ConnectError;
use connect_api::data::{Decimal, Map, Value};
use connect_api::json::{JsonKind, JsonParser, JsonReader};
use connect_herder::{ConnectorOffset, ConnectorOffsets};
use serde::Serialize;

type Answer = Result<Response<Body>, Failure>;

const NO_OFFSETS: &str = "Partitions / offsets need to be provided for an alter offsets request";
/// The Java classes of the body, by which tools and Kafka's own tests know its faults.
const OFFSETS_CLASS: &str = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets";
const OFFSET_CLASS: &str = "org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset";
const LIST_CLASS: &str =
    "java.util.ArrayList<org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset>";
const MAP_CLASS: &str = "java.util.LinkedHashMap<java.lang.String,java.lang.Object>";
/// Deeper data is no partition or offset of anybody.
const MAX_DEPTH: usize = 64;

impl Rest {
    pub(crate) async fn offsets(&self, connector: &str, call: Call) -> Answer {
        let message = if call.method == Method::DELETE {
            self.herder.reset_connector_offsets(connector).await?
        } else if call.method == Method::PATCH {
            let offsets = connector_offsets(&call.body)?;
            self.herder
                .alter_connector_offsets(connector, offsets)
                .await?
        } else {
            let offsets = self.herder.connector_offsets(connector).await?;
            let offsets = offsets.offsets.iter().map(OffsetJson::of).collect();
            return Ok(ok(&OffsetsJson { offsets }));
        };
        Ok(ok(&Message { message }))
    }
}

#[derive(Serialize)]
struct Message {
    message: String,
}

#[derive(Serialize)]
struct OffsetsJson<'a> {
    offsets: Vec<OffsetJson<'a>>,
}

#[derive(Serialize)]
struct OffsetJson<'a> {
    partition: Option<MapJson<'a>>,
    offset: Option<MapJson<'a>>,
}

impl<'a> OffsetJson<'a> {
    fn of(offset: &'a ConnectorOffset) -> Self {
        let json = |map: &'a Option<Map>| map.as_ref().map(MapJson);
        Self {
            partition: json(&offset.partition),
            offset: json(&offset.offset),
        }
    }
}

/// The body of `PATCH /connectors/{name}/offsets`.
///
/// Values of other types than asked for are 500, as Kafka's tests demand it; text that is no JSON is
/// 400 as everywhere.
fn connector_offsets(body: &Bytes) -> Result<ConnectorOffsets, Failure> {
    let mut reader = JsonReader::new(body);
    let offsets = match reader.peek().map_err(|error| no_json(&error))? {
        None | Some(JsonKind::Null) => {
            return Err(Failure::bad_request(
                "The request body is empty; send {\"offsets\":[{\"partition\":{...},\
                 \"offset\":{...}}]}",
            ));
        }
        Some(JsonKind::Object) => body_object(&mut reader)?,
        Some(kind) => return Err(wrong_type(OFFSETS_CLASS, kind)),
    };
    if !reader.rest().trim_ascii().is_empty() {
        return Err(Failure::bad_request(
            "The request body has more text behind its JSON object",
        ));
    }
    if offsets.is_empty() {
        return Err(Failure::bad_request(NO_OFFSETS));
    }
    Ok(ConnectorOffsets { offsets })
}

fn no_json(error: &ConnectError) -> Failure {
    Failure::bad_request(format!(
        "The request body is not valid: {}",
        error.message()
    ))
}

/// An error of the reader itself.
fn read<T>(result: connect_api::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| no_json(&error))
}

fn wrong_type(class: &str, found: JsonKind) -> Failure {
    let message = match found {
        JsonKind::Object | JsonKind::Array => {
            let (name, token) = match found {
                JsonKind::Object => ("Object", "START_OBJECT"),
                _ => ("Array", "START_ARRAY"),
            };
            format!(
                "Cannot deserialize value of type `{class}` from {name} value (token \
                 `JsonToken.{token}`)"
            )
        }
        _ => {
            let (name, argument) = match found {
                JsonKind::String => ("String", "String"),
                JsonKind::Boolean => ("Boolean", "boolean/Boolean"),
                _ => ("Number", "int/Int"),
            };
            format!(
                "Cannot construct instance of `{class}` (although at least one Creator exists): no \
                 {argument}-argument constructor/factory method to deserialize from {name} value"
            )
        }
    };
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
}

fn unknown_field(field: &str, class: &str, known: &str) -> Failure {
    Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "Unrecognized field \"{field}\" (class {class}), not marked as ignorable ({known})"
        ),
    )
}

fn body_object(reader: &mut JsonReader<'_>) -> Result<Vec<ConnectorOffset>, Failure> {
    read(reader.begin_object())?;
    let (mut offsets, mut first) = (Vec::new(), true);
    while let Some(field) = read(reader.next_member(&mut first))? {
        if field != "offsets" {
            let known = "one known property: \"offsets\"";
            return Err(unknown_field(&field, OFFSETS_CLASS, known));
        }
        offsets = match read(reader.peek_value())? {
            JsonKind::Null => {
                read(reader.read_null())?;
                Vec::new()
            }
            JsonKind::Array => list(reader)?,
            kind => return Err(wrong_type(LIST_CLASS, kind)),
        };
    }
    Ok(offsets)
}

fn list(reader: &mut JsonReader<'_>) -> Result<Vec<ConnectorOffset>, Failure> {
    read(reader.begin_array())?;
    let (mut offsets, mut first) = (Vec::new(), true);
    while read(reader.next_item(&mut first))? {
        match read(reader.peek_value())? {
            JsonKind::Object => offsets.push(offset(reader)?),
            JsonKind::Null => {
                read(reader.read_null())?;
                return Err(Failure::bad_request(
                    "An element of \"offsets\" is null; send \
                     {\"partition\":{...},\"offset\":{...}}",
                ));
            }
            kind => return Err(wrong_type(OFFSET_CLASS, kind)),
        }
    }
    Ok(offsets)
}

fn offset(reader: &mut JsonReader<'_>) -> Result<ConnectorOffset, Failure> {
    read(reader.begin_object())?;
    let mut offset = ConnectorOffset {
        partition: None,
        offset: None,
    };
    let mut first = true;
    while let Some(field) = read(reader.next_member(&mut first))? {
        match &*field {
            "partition" => offset.partition = map(reader)?,
            "offset" => offset.offset = map(reader)?,
            _ => {
                let known = "2 known properties: \"partition\", \"offset\"";
                return Err(unknown_field(&field, OFFSET_CLASS, known));
            }
        }
    }
    Ok(offset)
}

fn map(reader: &mut JsonReader<'_>) -> Result<Option<Map>, Failure> {
    match read(reader.peek_value())? {
        JsonKind::Null => read(reader.read_null()).map(|()| None),
        JsonKind::Object => {
            read(JsonParser::new().read_map(reader, |_, reader| value(reader))).map(Some)
        }
        kind => Err(wrong_type(MAP_CLASS, kind)),
    }
}

/// A value of a partition or an offset. Whole numbers beyond 64 bits become decimals, so that they can
/// be told from those that are stored.
fn value(reader: &mut JsonReader<'_>) -> connect_api::Result<Value> {
    match reader.peek_value()? {
        JsonKind::Number => {
            let number = reader.read_number()?;
            if !number.is_integral() {
                return Ok(Value::Float64(number.to_double()));
            }
            match number.text().parse() {
                Ok(value) => Ok(Value::Int64(value)),
                Err(_) => number.to_decimal().map(|value: Decimal| value.into()),
            }
        }
        JsonKind::Array => {
            reader.begin_array()?;
            if reader.depth() > MAX_DEPTH {
                return Err(ConnectError::data("an offset is nested too deep"));
            }
            let (mut items, mut first) = (Vec::new(), true);
            while reader.next_item(&mut first)? {
                items.push(value(reader)?);
            }
            Ok(Value::Array(items))
        }
        JsonKind::Object => {
            if reader.depth() > MAX_DEPTH {
                return Err(ConnectError::data("an offset is nested too deep"));
            }
            JsonParser::new()
                .read_map(reader, |_, reader| value(reader))
                .map(Value::Map)
        }
        _ => JsonParser::new().read(reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Result<Vec<ConnectorOffset>, (u16, String)> {
        let body = Bytes::from(body.to_string());
        match connector_offsets(&body) {
            Ok(offsets) => Ok(offsets.offsets),
            Err(failure) => Err(failure.parts()),
        }
    }

    #[test]
    fn offsets_are_read_in_order() {
        let offsets = parsed(
            r#"{"offsets":[{"partition":{"a":1,"b":"x"},"offset":{"p":2.5,"n":null,"t":true}},
               {"offset":null,"partition":{}},{}, {"partition":{"big":99999999999999999999}}]} "#,
        )
        .expect("valid offsets");
        assert_eq!(offsets.len(), 4);
        let partition = offsets[0].partition.as_ref().expect("a map");
        assert_eq!(partition.get_str("a"), Some(&Value::Int64(1)));
        assert_eq!(partition.get_str("b"), Some(&Value::string("x")));
        let offset = offsets[0].offset.as_ref().expect("a map");
        assert_eq!(offset.get_str("p"), Some(&Value::Float64(2.5)));
        assert_eq!(offset.get_str("n"), Some(&Value::Null));
        assert_eq!(offset.get_str("t"), Some(&Value::Boolean(true)));
        assert_eq!(offsets[1].partition, Some(Map::new()));
        assert_eq!(
            offsets[2],
            ConnectorOffset {
                partition: None,
                offset: None
            }
        );
        let big = offsets[3]
            .partition
            .as_ref()
            .and_then(|map| map.get_str("big"));
        assert_eq!(
            big.map(ToString::to_string).as_deref(),
            Some("99999999999999999999")
        );
    }

    #[test]
    fn faults_have_the_status_that_kafka_tests_for() {
        for (body, status, text) in [
            (
                "[]",
                500,
                "Cannot deserialize value of type `org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets` from Array value",
            ),
            ("{}", 400, NO_OFFSETS),
            (r#"{"offsets":null}"#, 400, NO_OFFSETS),
            (r#"{"offsets":[]}"#, 400, NO_OFFSETS),
            (
                r#"{"key":[]}"#,
                500,
                "Unrecognized field \"key\" (class org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets), not marked as ignorable (one known property: \"offsets\")",
            ),
            (
                r#"{"offsets":{}}"#,
                500,
                "Cannot deserialize value of type `java.util.ArrayList<",
            ),
            (
                r#"{"offsets":[123]}"#,
                500,
                "Cannot construct instance of `org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset`",
            ),
            (
                r#"{"offsets":[{"key":"val"}]}"#,
                500,
                "Unrecognized field \"key\"",
            ),
            (
                r#"{"offsets":[{"partition":[]]}]}"#,
                500,
                "Cannot deserialize value of type `java.util.LinkedHashMap<",
            ),
            (r#"{"offsets":[null]}"#, 400, "is null"),
            ("", 400, "empty"),
            ("null", 400, "empty"),
            ("{", 400, "not valid"),
            (r#"{"offsets":[{}]} x"#, 400, "more text"),
            ("\"x\"", 500, "Cannot construct instance"),
        ] {
            let (found, message) = parsed(body).expect_err(body);
            assert_eq!(found, status, "{body}: {message}");
            assert!(message.contains(text), "{body}: {message}");
        }
    }

    #[test]
    fn deep_data_is_refused() {
        let deep = "[".repeat(500);
        let error = parsed(&format!(r#"{{"offsets":[{{"partition":{{"a":{deep}"#));
        assert_eq!(error.expect_err("it is refused").0, 400);
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in "[\\[\\]{}:,\"a1. nul]{0,40}|.*") {
            let _ = parsed(&body);
            let _ = parsed(&format!(r#"{{"offsets":[{{"partition":{{"a":{body}"#));
        }
    }
}
