//! Requests that are repeated and that go from one address to the next.

use crate::config::RetryConfig;
use crate::connection::Connection;
use crate::error::{RegistryError, RegistryErrorKind};
use crate::request::Request;
use crate::url::BaseUrl;
use crate::wire::ErrorAnswer;
use rand::RngExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::warn;

/// A registry at several addresses.
pub(crate) struct Failover {
    connection: Box<dyn Connection>,
    urls: Vec<BaseUrl>,
    retry: RetryConfig,
    /// The address that answered last; others are asked only when it fails.
    current: AtomicUsize,
}

impl Failover {
    /// `urls` is not empty.
    pub(crate) fn new(
        connection: Box<dyn Connection>,
        urls: Vec<BaseUrl>,
        retry: RetryConfig,
        randomize_urls: bool,
    ) -> Self {
        let first = if randomize_urls {
            rand::rng().random_range(0..urls.len().max(1))
        } else {
            0
        };
        Self {
            connection,
            urls,
            retry,
            current: AtomicUsize::new(first),
        }
    }

    /// Sends a request until it has an answer: at each address the first time and `max_retries` times
    /// more, as long as the failure is one that may pass; then at the next address. The answer is the
    /// JSON of a success.
    pub(crate) async fn send(&self, request: &Request) -> Result<Vec<u8>, RegistryError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut last_error = None;
        for step in 0..self.urls.len() {
            let index = (first + step) % self.urls.len();
            match self.send_to(&self.urls[index], request).await {
                Ok(body) => {
                    self.current.store(index, Ordering::Relaxed);
                    return Ok(body);
                }
                Err(error) if !error.is_retriable() => return Err(error),
                Err(error) => {
                    if step + 1 < self.urls.len() {
                        warn!(%error, "This Schema Registry does not answer; asking the next one");
                    }
                    last_error = Some(error);
                }
            }
        }
        Err(last_error.unwrap_or_else(|| RegistryError {
            kind: RegistryErrorKind::Network,
            message: "There is no address of a Schema Registry".to_string(),
            request: String::new(),
            advice: "Set schema.registry.url",
        }))
    }

    async fn send_to(&self, url: &BaseUrl, request: &Request) -> Result<Vec<u8>, RegistryError> {
        let mut num_retries = 0;
        loop {
            let error = match self.send_once(url, request).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            if !error.is_retriable() || num_retries >= self.retry.max_retries {
                return Err(error);
            }
            let wait = wait_before_retry(self.retry, num_retries);
            num_retries += 1;
            warn!(
                %error,
                wait_ms = wait.as_millis() as u64,
                retry = num_retries,
                max_retries = self.retry.max_retries,
                "A request to the Schema Registry failed and is repeated"
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(&self, url: &BaseUrl, request: &Request) -> Result<Vec<u8>, RegistryError> {
        let answer = self.connection.send(url, request).await.map_err(|error| {
            error.into_registry_error(request.method.name(), &url.join(request))
        })?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let (message, error_code) = match serde_json::from_slice::<ErrorAnswer>(&answer.body) {
            Ok(error) if !error.message.is_empty() => (error.message, error.error_code),
            Ok(error) => ("Error".to_string(), error.error_code),
            Err(_) => (unparsed(&answer.body), UNPARSED_ERROR_CODE),
        };
        Err(RegistryError {
            kind: RegistryErrorKind::Status {
                status: answer.status,
                error_code,
            },
            message,
            request: format!("{} {}", request.method.name(), url.join(request)),
            advice: request.advice(answer.status),
        })
    }
}

/// Confluent's client gives this code to an error that is not the registry's.
const UNPARSED_ERROR_CODE: i32 = 50005;

/// The beginning of an answer that is no error of a registry, such as the page of a proxy.
fn unparsed(body: &[u8]) -> String {
    const MAX_NUM_CHARS: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MAX_NUM_CHARS)]);
    let text = text.trim();
    if text.is_empty() {
        return "Error".to_string();
    }
    let shown: String = text.chars().take(MAX_NUM_CHARS).collect();
    format!("Unable to parse error message from schema registry: '({shown})'")
}

/// A random part of a wait that doubles with each repetition up to the longest.
fn wait_before_retry(retry: RetryConfig, num_retries: u32) -> Duration {
    let longest = longest_wait(retry, num_retries);
    if longest.is_zero() {
        return longest;
    }
    let most = u64::try_from(longest.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    Duration::from_millis(rand::rng().random_range(1..=most))
}

fn longest_wait(retry: RetryConfig, num_retries: u32) -> Duration {
    let factor = 1u32.checked_shl(num_retries).unwrap_or(u32::MAX);
    retry.wait.saturating_mul(factor).min(retry.max_wait)
}

#[cfg(test)]
mod tests;
