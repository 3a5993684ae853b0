//! The REST API of a Connect worker, Dovetail's or the JVM's, as its clients use it.

mod connection;

pub use connection::Connection;

use connection::Credentials;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// No worker answers with more; what claims to be one is not read to the end.
const MAX_ANSWER_NUM_BYTES: usize = 256 << 20;

/// How requests are repeated that fail for a reason that passes.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// The pause before the second try; each further one is twice as long.
    pub first_delay: Duration,
    /// The longest pause.
    pub max_delay: Duration,
    /// How long after the first try another one may begin.
    pub give_up_after: Duration,
}

impl Retries {
    /// One try.
    pub const NONE: Self = Self {
        first_delay: Duration::ZERO,
        max_delay: Duration::ZERO,
        give_up_after: Duration::ZERO,
    };
}

/// Why a request failed.
#[derive(Debug)]
pub struct ApiError {
    cause: Cause,
    message: String,
    answer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Nobody took the request.
    NotSent,
    /// It was sent, and no answer came.
    NoAnswer,
    /// It can never be sent, or the answer is none of a worker's.
    Unusable,
    /// The worker answered so.
    Status(StatusCode),
}

impl ApiError {
    /// Whether the worker has no such thing.
    pub fn is_not_found(&self) -> bool {
        self.cause == Cause::Status(StatusCode::NOT_FOUND)
    }

    /// Whether the worker took the request for a faulty one, or has no such resource.
    pub fn is_refused(&self) -> bool {
        matches!(self.cause, Cause::Status(status) if status == StatusCode::BAD_REQUEST
            || status == StatusCode::NOT_FOUND
            || status == StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What the worker says, without the request.
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// Whether the same request may succeed later. A request that must not be done twice is repeated
    /// only where the worker has surely not done it.
    fn may_pass(&self, method: &Method) -> bool {
        let may_repeat = *method != Method::POST;
        match self.cause {
            Cause::NotSent => true,
            Cause::NoAnswer => may_repeat,
            Cause::Unusable => false,
            // A rebalance, unless a connector of that name is in the way.
            Cause::Status(StatusCode::CONFLICT) => !self.message.contains("already exists"),
            Cause::Status(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => true,
            Cause::Status(StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) => may_repeat,
            Cause::Status(StatusCode::INTERNAL_SERVER_ERROR) => {
                may_repeat && self.message.contains("timed out")
            }
            Cause::Status(_) => false,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

/// A client of one worker.
pub struct WorkerApi {
    url: Url,
    client: reqwest::Client,
    credentials: Option<Credentials>,
    retries: Retries,
    notice: fn(&str),
}

impl WorkerApi {
    /// A client for a command that was given how to connect. Repeated tries are told on standard error.
    ///
    /// # Errors
    /// What was given cannot be used: no URL, a file that cannot be read, no password.
    pub fn open(
        connection: &Connection,
        timeout: Duration,
        retries: Retries,
    ) -> Result<Self, String> {
        let (url, credentials) = connection.address()?;
        Ok(Self {
            url,
            client: connection.client(timeout)?,
            credentials,
            retries,
            notice: crate::output::tell,
        })
    }

    /// A client of a worker in this process. Repeated tries are logged.
    pub fn of_own_worker(url: &str, timeout: Duration, retries: Retries) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .no_proxy()
            .build();
        Ok(Self {
            url: Url::parse(url).map_err(|error| format!("{url}: {error}"))?,
            client: client.map_err(|error| error.to_string())?,
            credentials: None,
            retries,
            notice: |text| tracing::info!("{text}"),
        })
    }

    /// The URL without a slash at its end, and without a password.
    pub fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// GET; the segments of the path are encoded as it needs.
    pub async fn get(&self, path: &[&str], query: &str) -> Result<String, ApiError> {
        self.send(Method::GET, path, query, None).await
    }

    /// GET of JSON.
    pub async fn get_json(&self, path: &[&str], query: &str) -> Result<Value, ApiError> {
        let text = self.get(path, query).await?;
        self.json(&text)
    }

    fn json(&self, text: &str) -> Result<Value, ApiError> {
        serde_json::from_str(text).map_err(|error| ApiError {
            cause: Cause::Unusable,
            message: self.is_no_worker(&error),
            answer: String::new(),
        })
    }

    /// PUT; answers JSON.
    pub async fn put_json(&self, path: &[&str], body: &Value) -> Result<Value, ApiError> {
        let text = self.put(path, body).await?;
        self.json(&text)
    }

    /// PUT.
    pub async fn put(&self, path: &[&str], body: &Value) -> Result<String, ApiError> {
        self.send(Method::PUT, path, "", Some(body)).await
    }

    /// POST.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<String, ApiError> {
        self.send(Method::POST, path, "", Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &[&str]) -> Result<String, ApiError> {
        self.send(Method::DELETE, path, "", None).await
    }

    /// What to say of an answer that cannot be read.
    pub fn is_no_worker(&self, error: &serde_json::Error) -> String {
        format!(
            "{} does not answer as a Connect worker does: {error}",
            self.url()
        )
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &str,
        body: Option<&Value>,
    ) -> Result<String, ApiError> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let give_up_at = Instant::now() + self.retries.give_up_after;
        let mut delay = self.retries.first_delay;
        loop {
            let error = match self.send_once(method.clone(), url.clone(), body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.may_pass(&method) || Instant::now() + delay >= give_up_at {
                return Err(error);
            }
            (self.notice)(&format!("{error} (trying again in {delay:?})"));
            sleep(delay).await;
            delay = (delay * 2).min(self.retries.max_delay);
        }
    }

    async fn send_once(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<String, ApiError> {
        let mut request = self.client.request(method.clone(), url.clone());
        if let Some(Credentials { user, password }) = &self.credentials {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable = |error: reqwest::Error| ApiError {
            cause: match error.is_connect() {
                true => Cause::NotSent,
                false => Cause::NoAnswer,
            },
            message: format!(
                "Cannot reach a worker at {url}: {}. Is it running, and is --url its REST API?",
                with_causes(&error.without_url())
            ),
            answer: String::new(),
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if answer.len() + chunk.len() > MAX_ANSWER_NUM_BYTES {
                return Err(ApiError {
                    cause: Cause::Unusable,
                    message: format!("{method} {url} is answered without an end"),
                    answer: String::new(),
                });
            }
            answer.extend_from_slice(&chunk);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if status.is_success() {
            return Ok(answer);
        }
        let hint = match status {
            StatusCode::UNAUTHORIZED => " (set DOVETAIL_USER and DOVETAIL_PASSWORD)",
            _ => "",
        };
        let answer = message(&answer);
        Err(ApiError {
            cause: Cause::Status(status),
            message: format!("{method} {url} was answered {status}{hint}: {answer}"),
            answer,
        })
    }
}

/// The error with what it says of its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The text within a worker's answer, or what a proxy before it says, cut.
fn message(answer: &str) -> String {
    const MAX_NUM_CHARS: usize = 4_000;

    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }

    let text = match serde_json::from_str(answer) {
        Ok(Refusal { message }) => message,
        Err(_) => answer.trim().to_string(),
    };
    match text.char_indices().nth(MAX_NUM_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
pub mod scripted;
#[cfg(test)]
mod tests;
