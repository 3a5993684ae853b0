//! The worker's REST API, used as anybody would.

use super::flows::Connector;
use serde_json::Value;
use std::time::Duration;

/// The worker may be joining its group, which takes the embedded broker some seconds.
const CREATE_ATTEMPTS: u32 = 20;
const CREATE_RETRY_DELAY: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(100);

/// A client of the REST API.
pub struct RestClient {
    url: String,
    client: reqwest::Client,
}

impl RestClient {
    /// A client of the worker at this URL.
    pub fn new(url: &str) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build();
        Ok(Self {
            url: url.trim_end_matches('/').to_string(),
            client: client.map_err(|error| error.to_string())?,
        })
    }

    /// The URL without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates a connector; waits while the group rebalances.
    pub async fn create(&self, connector: &Connector) -> Result<(), String> {
        let name = &connector.name;
        let mut attempt = 1;
        loop {
            let request = self.client.post(format!("{}/connectors", self.url));
            let answer = request.json(&connector.body()).send().await;
            let answer = answer.map_err(|error| format!("Cannot create {name}: {error}"))?;
            let status = answer.status();
            if status.is_success() {
                return Ok(());
            }
            let text = answer.text().await.unwrap_or_default();
            let may_pass = status == 409 && !text.contains("already exists");
            if !may_pass || attempt == CREATE_ATTEMPTS {
                return Err(format!("Cannot create {name}: {status} {text}"));
            }
            tracing::info!("creating {name} again after {CREATE_RETRY_DELAY:?}: {text}");
            attempt += 1;
            tokio::time::sleep(CREATE_RETRY_DELAY).await;
        }
    }

    /// The text of a resource.
    pub async fn get_text(&self, path: &str) -> Result<String, String> {
        let url = format!("{}{path}", self.url);
        let answer = self.client.get(&url).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        let answer = answer.map_err(|error| error.to_string())?;
        answer.text().await.map_err(|error| error.to_string())
    }

    /// A resource.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        serde_json::from_str(&self.get_text(path).await?).map_err(|error| error.to_string())
    }
}
