//! One request with its answer: its id, who sent it, and the line that the log has of a change.

use crate::cors::Origin;
use crate::server::Connection;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use connect_telemetry::redaction::redact;
use tokio::time::Instant;

/// Ids of requests, from clients that send one and to all.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ids of clients are not taken over: they end up in logs.
const MAX_REQUEST_ID_NUM_BYTES: usize = 128;

/// What is known of a request from its first line on.
pub(crate) struct Exchange {
    request_id: HeaderValue,
    method: Method,
    path: String,
    pub connection: Connection,
    pub origin: Origin,
    /// Who it is, once that is known.
    pub user: Option<String>,
    started: Instant,
}

impl Exchange {
    pub fn begin(request: &Request) -> Self {
        let headers = request.headers();
        Self {
            request_id: request_id(headers),
            method: request.method().clone(),
            path: request.uri().path().to_string(),
            connection: request
                .extensions()
                .get::<Connection>()
                .copied()
                .unwrap_or_default(),
            origin: Origin::of(request.method(), headers),
            user: None,
            started: Instant::now(),
        }
    }

    /// Adds the id to the answer, and tells the log what was changed, or tried to be.
    pub fn end(self, changes: bool, status: StatusCode, headers: &mut HeaderMap) {
        let request_id = self.request_id.to_str().unwrap_or_default();
        let method = &self.method;
        // A path may be a connector's name, and so whatever a client writes.
        let path = redact(&self.path);
        let duration_ms = self.started.elapsed().as_millis() as u64;
        let client = self.connection.peer.map(|peer| peer.to_string());
        let client = client.as_deref().unwrap_or("-");
        let user = self.user.as_deref().unwrap_or("-");
        if changes {
            tracing::info!(
                request_id,
                user,
                client,
                status = status.as_u16(),
                duration_ms,
                "{method} {path}"
            );
        } else {
            tracing::debug!(
                request_id,
                user,
                client,
                status = status.as_u16(),
                duration_ms,
                "{method} {path}"
            );
        }
        headers.insert(REQUEST_ID, self.request_id);
    }
}

/// The id that the client gave, if it is fit for a log, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_fit = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        !bytes.is_empty()
            && bytes.len() <= MAX_REQUEST_ID_NUM_BYTES
            && bytes.iter().all(u8::is_ascii_graphic)
    };
    if let Some(id) = headers.get(&REQUEST_ID).filter(is_fit) {
        return id.clone();
    }
    let id = format!("{:016x}", rand::random::<u64>());
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_clients_are_kept_if_they_fit_a_log() {
        let id = |sent: Option<&[u8]>| {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                let value = HeaderValue::from_bytes(sent).expect("a header value");
                headers.insert(REQUEST_ID, value);
            }
            request_id(&headers).to_str().expect("ASCII").to_string()
        };
        assert_eq!(id(Some(b"abc-1")), "abc-1");
        let long = "x".repeat(129);
        for unfit in [&b""[..], b"a b", b"\xE9", long.as_bytes()] {
            let made = id(Some(unfit));
            assert_eq!(made.len(), 16, "{made}");
            assert_ne!(made.as_bytes(), unfit);
        }
        assert_ne!(id(None), id(None));
    }
}
