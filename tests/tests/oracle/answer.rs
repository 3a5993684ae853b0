//! An answer as it is compared.

use std::collections::BTreeMap;
use std::fmt;

use dovetail_tests::stack::Answer;
use serde_json::Value;

/// The headers that clients look at.
const HEADERS: [&str; 3] = ["content-type", "location", "allow"];

/// Status, headers and body with the script's names; what is left may not differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparable {
    pub status: u16,
    pub headers: BTreeMap<&'static str, String>,
    pub body: Body,
}

/// A body; of JSON, the order of fields does not count.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Json(Value),
    Text(String),
}

impl Comparable {
    /// Of an answer, whose texts `neutral` puts into the script's words.
    pub fn of(answer: &Answer, neutral: impl Fn(&str) -> String) -> Self {
        let headers = HEADERS
            .into_iter()
            .filter_map(|name| {
                let value = answer.headers.get(name)?;
                let value = String::from_utf8_lossy(value.as_bytes());
                Some((name, neutral(&value)))
            })
            .collect();
        let text = neutral(&answer.text);
        let body = match serde_json::from_str(&text) {
            Ok(value) => Body::Json(normalised(value)),
            Err(_) => Body::Text(text),
        };
        Self {
            status: answer.status.as_u16(),
            headers,
            body,
        }
    }

    /// The body's JSON, for a rule that looks into it.
    pub fn json(&mut self) -> Option<&mut Value> {
        match &mut self.body {
            Body::Json(value) => Some(value),
            Body::Text(_) => None,
        }
    }

    /// The message of an error.
    pub fn message(&self) -> Option<&str> {
        match &self.body {
            Body::Json(value) => value.get("message")?.as_str(),
            Body::Text(_) => None,
        }
    }
}

impl fmt::Display for Comparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} ", self.status, self.headers)?;
        match &self.body {
            Body::Json(value) => write!(f, "{value}"),
            Body::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Lists of connector names come in the order of a hash table, which the names of this run decide.
fn normalised(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.iter().all(Value::is_string) => {
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other,
    }
}
