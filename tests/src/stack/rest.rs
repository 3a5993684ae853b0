//! A client of a Connect worker's REST API, for tests.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::wait::eventually;

/// What a worker answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// The body as JSON; an empty body is `null`, one that is not JSON fails the test.
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| {
            panic!(
                "status {}, a body that is not JSON ({error}): {}",
                self.status, self.text
            )
        })
    }

    /// Fails the test, showing the body, if the status is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "the body was: {}", self.text);
        self
    }
}

/// Speaks to one worker.
#[derive(Clone, Debug)]
pub struct RestClient {
    base: String,
    client: reqwest::Client,
}

impl RestClient {
    /// Of the worker at `base`, for example `http://127.0.0.1:8083`.
    pub fn of(base: &str) -> Self {
        // No idle connections: a shared client outlives the runtime of the test that opened them.
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(100))
            .build();
        let client = client.unwrap_or_else(|error| panic!("cannot make an HTTP client: {error}"));
        Self {
            base: base.to_owned(),
            client,
        }
    }

    /// Sends a request as it is; `Err` tells why there was no answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    /// Sends bytes of any content type, for what a well-behaved client would not send.
    pub async fn send_raw(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request
            .header("Content-Type", content_type)
            .body(body.into());
        self.answer(request)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends a request with these headers and no others of its own; an empty body is none.
    pub async fn send_with_headers(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        self.answer(request)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let told = |error: reqwest::Error| format!("{error:?}");
        let response = request.send().await.map_err(told)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(told)?;
        Ok(Answer {
            status,
            headers,
            text,
        })
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.try_send(method.clone(), path, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// POST, with a JSON body if there is one.
    pub async fn post(&self, path: &str, body: Option<&Value>) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// PUT, with a JSON body if there is one.
    pub async fn put(&self, path: &str, body: Option<&Value>) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Creates a connector; waits out the 409 of a group that is still forming.
    pub async fn create_connector(&self, name: &str, config: Value) -> Answer {
        let body = json!({"name": name, "config": config});
        self.after_rebalance(async || self.post("/connectors", Some(&body)).await)
            .await
            .expect(201)
    }

    /// Creates a connector and waits until it and `num_tasks` tasks are RUNNING.
    pub async fn run_connector(&self, name: &str, config: Value, num_tasks: usize) {
        self.create_connector(name, config).await;
        self.wait_running(name, num_tasks).await;
    }

    /// Deletes a connector and waits until its name is gone.
    pub async fn delete_connector(&self, name: &str) {
        let path = format!("/connectors/{name}");
        self.after_rebalance(async || self.delete(&path).await)
            .await
            .expect(204);
        eventually(&format!("connector {name} gone"), async || {
            match self.get(&path).await.status.as_u16() {
                404 => Ok(()),
                status => Err(format!("status {status}")),
            }
        })
        .await;
    }

    /// Waits until the connector and exactly `num_tasks` tasks are RUNNING; a FAILED task ends the test.
    pub async fn wait_running(&self, name: &str, num_tasks: usize) -> Value {
        let states = vec!["RUNNING"; num_tasks];
        self.wait_status(name, |status| {
            if let Some(trace) = status["tasks"]
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|task| task["trace"].as_str())
            {
                panic!("a task of {name} failed: {trace}");
            }
            status["connector"]["state"] == "RUNNING" && task_states(status) == states
        })
        .await
    }

    /// Waits until the task is in `state`, and returns the whole status.
    pub async fn wait_task_state(&self, name: &str, task: usize, state: &str) -> Value {
        self.wait_status(name, |status| task_states(status).get(task) == Some(&state))
            .await
    }

    /// Waits until the connector itself is in `state`, and returns the whole status.
    pub async fn wait_connector_state(&self, name: &str, state: &str) -> Value {
        self.wait_status(name, |status| status["connector"]["state"] == state)
            .await
    }

    /// Waits until the connector and exactly `num_tasks` tasks are in `state`.
    pub async fn wait_states(&self, name: &str, state: &str, num_tasks: usize) -> Value {
        let states = vec![state; num_tasks];
        self.wait_status(name, |status| {
            status["connector"]["state"] == state && task_states(status) == states
        })
        .await
    }

    /// Waits until the connector's offsets are `wanted`, a list of partitions and offsets.
    pub async fn wait_offsets(&self, name: &str, wanted: Value) {
        let path = format!("/connectors/{name}/offsets");
        let wanted = json!({"offsets": wanted});
        eventually(&format!("{path} to be {wanted}"), async || {
            let answer = self.get(&path).await;
            match answer.status.is_success() && answer.json() == wanted {
                true => Ok(()),
                false => Err(format!("status {}: {}", answer.status, answer.text)),
            }
        })
        .await;
    }

    /// Waits for a status that is `right`; 404 just after the creation is waited out too.
    pub async fn wait_status(&self, name: &str, right: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/connectors/{name}/status");
        eventually(&format!("another status of connector {name}"), async || {
            let answer = self.try_send(Method::GET, &path, None).await?;
            if !answer.status.is_success() {
                return Err(format!("status {}: {}", answer.status, answer.text));
            }
            let status = answer.json();
            if right(&status) {
                Ok(status)
            } else {
                Err(answer.text)
            }
        })
        .await
    }

    /// Repeats a request that the worker refuses only because its group is being rebalanced.
    pub async fn after_rebalance(&self, request: impl AsyncFn() -> Answer) -> Answer {
        eventually("an answer that does not name a rebalance", async || {
            let answer = request().await;
            let is_rebalancing = answer.status == StatusCode::CONFLICT
                && (answer.text.contains("rebalance")
                    || answer.text.contains("stale configuration"));
            // The group of a sink that was stopped a moment ago still has its members.
            let is_stopping = answer.text.contains("tasks haven't stopped completely yet");
            if is_rebalancing || is_stopping {
                Err(answer.text)
            } else {
                Ok(answer)
            }
        })
        .await
    }
}

fn task_states(status: &Value) -> Vec<&str> {
    let tasks = status["tasks"].as_array().into_iter().flatten();
    tasks
        .map(|task| task["state"].as_str().unwrap_or_default())
        .collect()
}
