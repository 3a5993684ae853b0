//! Request bodies. Here are all the lexical rules of configurations that come as JSON: numbers and
//! booleans become the text that was written, the last of several equal keys counts, null stays null.
//! What the text means is the business of the settings themselves: they trim it.

use crate::error::Failure;
use connect_api::config::ConfigMap;
use connect_herder::TargetState;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

const CREATE_FIELDS: [&str; 3] = ["config", "name", "initial_state"];

/// The body of `POST /connectors`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CreateConnector {
    pub name: Option<String>,
    pub config: ConfigMap,
    pub initial_state: Option<TargetState>,
}

/// Fields in order with the text of their values; the last of several equal ones counts.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = indexmap::IndexMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    fields.insert(name, value);
                }
                Ok(Fields(fields.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// The fields of the one JSON object that a body must be; `None` for an empty body or `null`.
fn fields(body: &[u8]) -> Result<Option<Fields>, Failure> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| {
        Failure::bad_request(format!(
            "The request body is not UTF-8: byte {} is wrong",
            error.valid_up_to()
        ))
    })?;
    if text.trim().is_empty() || text.trim() == "null" {
        return Ok(None);
    }
    serde_json::from_str(text)
        .map(Some)
        .map_err(|error| Failure::bad_request(format!("The request body is not valid: {error}")))
}

/// The text of a scalar as it was written; `None` for null.
fn scalar(name: &str, value: &RawValue) -> Result<Option<String>, Failure> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map(Some).map_err(|error| {
            Failure::bad_request(format!("The text of '{name}' is not valid: {error}"))
        }),
        Some(b'{') => Err(wrong_type(name, "an object")),
        Some(b'[') => Err(wrong_type(name, "a list")),
        Some(b'n') => Ok(None),
        _ => Ok(Some(text.to_string())),
    }
}

fn wrong_type(name: &str, found: &str) -> Failure {
    Failure::bad_request(format!(
        "The value of '{name}' is {found}; it must be a text, a number or a boolean (several values \
         are written as one text with commas)"
    ))
}

fn config_of(fields: Fields) -> Result<ConfigMap, Failure> {
    fields
        .0
        .into_iter()
        .map(|(name, value)| {
            let text = scalar(&name, &value)?;
            Ok((name, text))
        })
        .collect()
}

/// A body that is a configuration; `None` for an empty body or `null`.
pub(crate) fn optional_config(body: &[u8]) -> Result<Option<ConfigMap>, Failure> {
    fields(body)?.map(config_of).transpose()
}

/// A body that is a configuration.
pub(crate) fn config(body: &[u8]) -> Result<ConfigMap, Failure> {
    optional_config(body)?.ok_or_else(empty)
}

/// The body of `POST /connectors/{name}/tasks`: a list of configurations, one for each task.
pub(crate) fn task_configs(body: &[u8]) -> Result<Vec<ConfigMap>, Failure> {
    let configs: Vec<Fields> = serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("The request body is not valid: {error}")))?;
    configs.into_iter().map(config_of).collect()
}

/// The refusal of a body without content.
pub(crate) fn empty() -> Failure {
    Failure::bad_request(
        "The request body is empty; send the configuration as JSON, for example \
         {\"connector.class\":\"FileStreamSink\",\"topics\":\"t\"}",
    )
}

/// The body of `POST /connectors`.
pub(crate) fn create_connector(body: &[u8]) -> Result<CreateConnector, Failure> {
    let Some(fields) = fields(body)? else {
        return Err(Failure::bad_request(
            "The request body is empty; send {\"name\":\"...\",\"config\":{...}}",
        ));
    };
    let mut create = CreateConnector {
        name: None,
        config: ConfigMap::new(),
        initial_state: None,
    };
    let mut has_config = false;
    for (field, value) in fields.0 {
        match field.as_str() {
            "name" => create.name = scalar(&field, &value)?,
            "config" => {
                if let Some(config) = optional_config(value.get().as_bytes())? {
                    create.config = config;
                    has_config = true;
                }
            }
            "initial_state" => create.initial_state = initial_state(scalar(&field, &value)?)?,
            _ => {
                return Err(Failure::bad_request(format!(
                    "Unrecognized field \"{field}\" (known are {}). A configuration without \
                     \"name\" and \"config\" around it is for PUT /connectors/{{name}}/config",
                    CREATE_FIELDS.map(|name| format!("\"{name}\"")).join(", ")
                )));
            }
        }
    }
    if !has_config {
        return Err(Failure::bad_request(
            "The request body has no \"config\"; send {\"name\":\"...\",\"config\":{...}}",
        ));
    }
    Ok(create)
}

fn initial_state(text: Option<String>) -> Result<Option<TargetState>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.to_ascii_uppercase().as_str() {
        "RUNNING" => Ok(Some(TargetState::Started)),
        "PAUSED" => Ok(Some(TargetState::Paused)),
        "STOPPED" => Ok(Some(TargetState::Stopped)),
        _ => Err(Failure::bad_request(format!(
            "The initial_state '{text}' is none of RUNNING, PAUSED, STOPPED"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(body: &str) -> Vec<(String, Option<String>)> {
        config(body.as_bytes())
            .expect("a valid body")
            .iter()
            .map(|(key, value)| (key.to_string(), value.map(str::to_string)))
            .collect()
    }

    #[test]
    fn scalars_become_the_text_that_was_written() {
        let entry = |key: &str, value: Option<&str>| (key.to_string(), value.map(str::to_string));
        assert_eq!(
            entries(r#"{"a":1.50,"b":true,"c":"x\u00e9","d":null,"e":1e5,"a":-0,"f":" y "}"#),
            [
                entry("a", Some("-0")),
                entry("b", Some("true")),
                entry("c", Some("xé")),
                entry("d", None),
                entry("e", Some("1e5")),
                entry("f", Some(" y ")),
            ]
        );
        assert_eq!(entries("\u{feff}{}"), []);
    }

    #[test]
    fn what_is_no_map_of_scalars_is_refused() {
        let bodies: [&[u8]; 10] = [
            b"",
            b" \n",
            b"null",
            b"{",
            b"[1]",
            b"{} x",
            b"{} {}",
            b"{\"a\":{}}",
            b"{\"a\":[1]}",
            b"{\"a\":\"\xE9\"}",
        ];
        for body in bodies {
            assert!(config(body).is_err(), "{body:?}");
        }
        let trailing_comma = config(b"{\"a\":1,}")
            .expect_err("it is refused")
            .into_response();
        assert_eq!(trailing_comma.status(), 400);
    }

    #[test]
    fn creation_takes_three_fields_and_no_other() {
        let create =
            create_connector(br#"{"name":" x ","config":{"a":1},"initial_state":"paused"}"#)
                .expect("a valid body");
        assert_eq!(create.name.as_deref(), Some(" x "));
        assert_eq!(create.config.get("a"), Some("1"));
        assert_eq!(create.initial_state, Some(TargetState::Paused));
        let bodies: [&[u8]; 5] = [
            b"",
            br#"{"name":"x"}"#,
            br#"{"name":"x","config":null}"#,
            br#"{"name":"x","config":{},"foo":1}"#,
            br#"{"name":"x","config":{},"initial_state":"ASLEEP"}"#,
        ];
        for body in bodies {
            assert!(create_connector(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn task_configurations_are_a_list_of_maps() {
        let configs = task_configs(br#"[{"a":"1","b":null},{}]"#).expect("a valid body");
        assert_eq!(configs.len(), 2);
        assert_eq!(configs[0].get("a"), Some("1"));
        assert!(configs[0].contains_key("b"));
        assert_eq!(task_configs(b"[]").expect("a valid body"), []);
        let bodies: [&[u8]; 5] = [b"", b"{}", b"null", br#"[{"a":{}}]"#, b"[{}] x"];
        for body in bodies {
            assert!(task_configs(body).is_err(), "{body:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in proptest::collection::vec(0u8.., 0..200)) {
            let _ = create_connector(&body);
            let _ = task_configs(&body);
            let _ = config(&body);
        }

        #[test]
        fn any_text_survives(key in ".*", text in ".*") {
            let body = serde_json::json!({ key.clone(): text.clone() }).to_string();
            let config = config(body.as_bytes()).expect("a valid body");
            proptest::prop_assert_eq!(config.get(&key), Some(text.as_str()));
        }
    }
}
