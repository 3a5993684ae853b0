//! Failed requests as answers.

use crate::json;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use connect_herder::{HerderError, HerderErrorKind};
use connect_telemetry::redaction::redact;
use serde::Serialize;

pub(crate) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request that is answered with an error.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
    /// Errors from before a resource was found carry a JSON body without a type, as a JVM worker's do.
    has_content_type: bool,
    /// The worker that must answer instead.
    pub forward_to: Option<String>,
}

#[derive(Serialize)]
struct ErrorMessage<'a> {
    error_code: u16,
    message: &'a str,
}

impl Failure {
    /// An error of the resource that the request reached.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            has_content_type: true,
            forward_to: None,
        }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// An error of the routing: `HTTP 404 Not Found` and the like.
    pub fn unrouted(status: StatusCode) -> Self {
        Self {
            has_content_type: false,
            ..Self::of_status(status)
        }
    }

    /// The same words as a resource's own error.
    pub fn of_status(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self::new(status, format!("HTTP {} {reason}", status.as_u16()))
    }

    /// The status and the message.
    #[cfg(test)]
    pub fn parts(self) -> (u16, String) {
        (self.status.as_u16(), self.message)
    }

    pub fn into_response(self) -> Response<Body> {
        let body = json::to_bytes(&ErrorMessage {
            error_code: self.status.as_u16(),
            // The error of a driver may repeat a value that nobody should see.
            message: &redact(&self.message),
        });
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        if self.has_content_type {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, APPLICATION_JSON);
        }
        response
    }
}

impl From<HerderError> for Failure {
    fn from(error: HerderError) -> Self {
        let status = match error.kind {
            HerderErrorKind::BadRequest => StatusCode::BAD_REQUEST,
            HerderErrorKind::Forbidden => StatusCode::FORBIDDEN,
            HerderErrorKind::NotFound => StatusCode::NOT_FOUND,
            HerderErrorKind::Conflict => StatusCode::CONFLICT,
            HerderErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            // The router forwards it; should it not, this worker cannot complete the request now.
            HerderErrorKind::Forward { url } => {
                return Self {
                    forward_to: Some(url),
                    ..Self::new(StatusCode::CONFLICT, error.message)
                };
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.message)
    }
}
