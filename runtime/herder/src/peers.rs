//! How a worker speaks to other workers.

use crate::signature::RequestSignature;
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::config::ConfigMap;
use serde::{Serialize, Serializer};
use std::fmt;

/// A request to another worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRequest {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The header `Authorization` of the client for whom the request is forwarded.
    pub authorization: Option<String>,
    /// The signature of a request that workers make of themselves.
    pub signature: Option<RequestSignature>,
    /// A body in JSON.
    pub body: Option<Bytes>,
}

/// What another worker answered: a status from 200 to 299, and a body in JSON, which is empty under 204.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAnswer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Why there is no such answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerError {
    /// The status that the other worker answered with, or 500.
    pub status: u16,
    /// The other worker's own message, or what went wrong on the way.
    pub message: String,
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PeerError {}

/// Sends requests to other workers (`RestClient` of Kafka Connect).
///
/// May be called from several tasks at a time. Every call ends: within a bounded time there is an answer
/// or an error. Redirects are not followed, and nothing is tried twice: who asks knows whether that
/// would do harm.
#[async_trait]
pub trait PeerClient: Send + Sync {
    /// Sends a request.
    async fn send(&self, request: PeerRequest) -> Result<PeerAnswer, PeerError>;
}

/// The body of `POST /connectors/{connector}/tasks`.
pub(crate) fn task_configs_body(configs: &[ConfigMap]) -> Bytes {
    struct Config<'a>(&'a ConfigMap);
    impl Serialize for Config<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter())
        }
    }
    let configs: Vec<Config<'_>> = configs.iter().map(Config).collect();
    serde_json::to_vec(&configs)
        .expect("a list of maps of texts is JSON")
        .into()
}

/// The URL of a connector's resource at another worker, whatever characters the name has.
pub(crate) fn connector_url(worker_url: &str, connector: &str, resource: &str) -> String {
    let base = worker_url.trim_end_matches('/');
    format!("{base}/connectors/{}/{resource}", path_segment(connector))
}

/// A text as one segment of a path.
pub fn path_segment(text: &str) -> String {
    use fmt::Write as _;
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_segment() {
        let url = connector_url("http://h:8083/", "a b/é;{x}?#%", "tasks");
        assert_eq!(
            url,
            "http://h:8083/connectors/a%20b%2F%C3%A9%3B%7Bx%7D%3F%23%25/tasks"
        );
    }

    #[test]
    fn task_configurations_are_a_list_of_maps() {
        let mut config = ConfigMap::from_iter([("b", "1"), ("a", "\u{1f}")]);
        config.insert_nullable("n", None);
        let body = task_configs_body(&[config, ConfigMap::new()]);
        assert_eq!(&body[..], br#"[{"b":"1","a":"\u001f","n":null},{}]"#);
        assert_eq!(&task_configs_body(&[])[..], b"[]");
    }
}
