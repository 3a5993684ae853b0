//! The HTTP client with which workers speak to each other.

use async_trait::async_trait;
use bytes::Bytes;
use connect_api::{ConnectError, Result};
use connect_herder::{PeerAnswer, PeerClient, PeerError, PeerRequest};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use reqwest::{Method, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::time::Duration;

/// The signature of an internal request.
pub(crate) const SIGNATURE: &str = "X-Connect-Authorization";
/// The algorithm of the signature.
pub(crate) const SIGNATURE_ALGORITHM: &str = "X-Connect-Request-Signature-Algorithm";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// As long as a worker may take for a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// The largest answer: configurations and statuses of one connector.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Speaks HTTP to other workers.
#[derive(Clone, Debug)]
pub struct RestClient {
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct ErrorMessage {
    error_code: u16,
    message: Option<String>,
}

impl RestClient {
    /// A client without connections.
    ///
    /// # Errors
    /// The certificates of this machine cannot be read.
    pub fn new() -> Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // Workers reach each other directly, whatever the environment says.
            .no_proxy()
            .build()
            .map_err(|error| {
                ConnectError::fatal(format!(
                    "Failed to start RestClient, with which workers speak to each other: {error}"
                ))
            })?;
        Ok(Self { client })
    }

    async fn try_send(&self, request: PeerRequest) -> std::result::Result<PeerAnswer, PeerError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|error| failure(format!("Error trying to forward REST request: {error}")))?;
        let mut outgoing = self
            .client
            .request(method, &request.url)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "kafka-connect");
        if let Some(authorization) = request.authorization {
            outgoing = outgoing.header(AUTHORIZATION, authorization);
        }
        if let Some(signature) = request.signature {
            outgoing = outgoing
                .header(SIGNATURE, signature.signature)
                .header(SIGNATURE_ALGORITHM, signature.algorithm);
        }
        if let Some(body) = request.body {
            outgoing = outgoing.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = outgoing.send().await.map_err(|error| io_error(&error))?;
        let status = response.status().as_u16();
        match status {
            204 => Ok(PeerAnswer {
                status,
                body: Bytes::new(),
            }),
            200..300 => {
                let body = body(response).await?;
                serde_json::from_slice::<IgnoredAny>(&body).map_err(|error| io_error(&error))?;
                Ok(PeerAnswer { status, body })
            }
            400.. => {
                let body = body(response).await?;
                let error: ErrorMessage =
                    serde_json::from_slice(&body).map_err(|error| io_error(&error))?;
                Err(PeerError {
                    status: error.error_code,
                    message: error.message.unwrap_or_default(),
                })
            }
            _ => Err(failure(format!(
                "Unexpected status code when handling forwarded request: {status}"
            ))),
        }
    }
}

fn failure(message: String) -> PeerError {
    PeerError {
        status: 500,
        message,
    }
}

fn io_error(error: &dyn std::error::Error) -> PeerError {
    // The library's own text is about the request; its causes tell what happened to it.
    let mut message = format!("IO Error trying to forward REST request: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    failure(message)
}

async fn body(mut response: Response) -> std::result::Result<Bytes, PeerError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| io_error(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(failure(format!(
                "IO Error trying to forward REST request: the answer is larger than \
                 {MAX_ANSWER_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

#[async_trait]
impl PeerClient for RestClient {
    async fn send(&self, request: PeerRequest) -> std::result::Result<PeerAnswer, PeerError> {
        let what = format!("{} {}", request.method, request.url);
        let answer = self.try_send(request).await;
        if let Err(error) = &answer {
            tracing::error!(
                status = error.status,
                "Error forwarding REST request {what}: {error}"
            );
        }
        answer
    }
}
