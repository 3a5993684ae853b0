//! `/connectors` and `/health`.

use crate::body;
use crate::client::{SIGNATURE, SIGNATURE_ALGORITHM};
use crate::error::Failure;
use crate::location::connector_path;
use crate::path::task_number;
use crate::resource::Resource;
use crate::router::{Call, Rest, answer, empty, ok};
use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use connect_api::config::ConfigMap;
use connect_herder::{
    ActiveTopics, ConnectorInfo, ConnectorStateInfo, ConnectorTaskId, Created, HerderErrorKind,
    HerderHealth, HerderResult, InternalRequest, RestRole, RestartRequest, TargetState,
};
use indexmap::IndexMap;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

/// What stands in place of a secret.
const HIDDEN: &str = "[hidden]";

/// How many failed connectors and tasks `/health` names.
const MAX_NUM_FAILED_NAMES: usize = 20;

/// How long `/health` waits for the herder.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

const FAILED: &str = "FAILED";

type Answer = Result<Response<Body>, Failure>;

impl Rest {
    pub(crate) async fn connectors(&self, resource: &Resource, call: Call) -> Answer {
        let herder = &self.herder;
        match resource {
            Resource::Connectors if call.method == Method::POST => self.create(call).await,
            Resource::Connectors => self.list(&call).await,
            Resource::Connector(name) if call.method == Method::DELETE => {
                herder.delete_connector(name).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Resource::Connector(name) => Ok(ok(&self.info(name, &call).await?)),
            Resource::Config(name) => self.config(name, call).await,
            Resource::Status(name) => Ok(ok(&herder.connector_status(name).await?)),
            Resource::Restart(name) => self.restart(name, &call).await,
            Resource::Pause(name) => {
                herder.set_target_state(name, TargetState::Paused).await?;
                Ok(empty(StatusCode::ACCEPTED))
            }
            Resource::Resume(name) => {
                herder.set_target_state(name, TargetState::Started).await?;
                Ok(empty(StatusCode::ACCEPTED))
            }
            Resource::Stop(name) => {
                herder.set_target_state(name, TargetState::Stopped).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Resource::Tasks(name) if call.method == Method::POST => {
                let configs = body::task_configs(&call.body)?;
                let request = internal_request(&call);
                herder.put_task_configs(name, configs, &request).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Resource::Tasks(name) => {
                let mut tasks = herder.task_configs(name).await?;
                for task in &mut tasks {
                    self.mask(&call, &mut task.config);
                }
                Ok(ok(&tasks))
            }
            Resource::Fence(name) => {
                let request = internal_request(&call);
                herder.fence_zombies(name, &request).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Resource::TaskStatus(name, number) => {
                Ok(ok(&herder.task_status(&task(name, number)?).await?))
            }
            Resource::TaskRestart(name, number) => {
                herder.restart_task(&task(name, number)?).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Resource::Topics(name) => {
                Ok(ok(&TopicsJson(herder.connector_active_topics(name).await?)))
            }
            Resource::TopicsReset(name) => {
                herder.reset_connector_active_topics(name).await?;
                Ok(empty(StatusCode::ACCEPTED))
            }
            Resource::Offsets(name) => self.offsets(name, call).await,
            _ => Err(Failure::unrouted(StatusCode::NOT_FOUND)),
        }
    }

    /// With `expand` an object of connectors, in which one without a status is left out.
    async fn list(&self, call: &Call) -> Answer {
        let names = self.herder.connectors().await?;
        let expansions: Vec<&str> = call.query.all("expand").collect();
        if expansions.is_empty() {
            return Ok(ok(&names));
        }
        let mut connectors = IndexMap::new();
        for name in names {
            match self.expand(&name, &expansions, call).await {
                Ok(expanded) => {
                    connectors.insert(name, expanded);
                }
                Err(error) if error.kind == HerderErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ok(&MapOf(&connectors)))
    }

    async fn info(&self, name: &str, call: &Call) -> HerderResult<ConnectorInfo> {
        let mut info = self.herder.connector_info(name).await?;
        self.mask(call, &mut info.config);
        Ok(info)
    }

    /// Hides secrets from those who may only read, if the worker is set so. References to config
    /// providers are no secrets.
    fn mask(&self, call: &Call, config: &mut ConfigMap) {
        if !self.options.masks_secrets || call.access.role >= RestRole::Writer {
            return;
        }
        for key in self.herder.secret_settings(config) {
            config.insert(key, HIDDEN);
        }
    }

    async fn expand(&self, name: &str, expansions: &[&str], call: &Call) -> HerderResult<Expanded> {
        let mut expanded = Expanded::default();
        for expansion in expansions {
            let part = match *expansion {
                "status" => ExpandedPart::Status(self.herder.connector_status(name).await?),
                "info" => ExpandedPart::Info(self.info(name, call).await?),
                _ => continue,
            };
            expanded.0.insert((*expansion).to_string(), part);
        }
        Ok(expanded)
    }

    async fn create(&self, call: Call) -> Answer {
        let create = body::create_connector(&call.body)?;
        let name = create.name.unwrap_or_default().trim().to_string();
        let mut config = create.config;
        put_name(&name, &mut config)?;
        let created = self
            .herder
            .put_connector_config(&name, config, create.initial_state, false)
            .await?;
        Ok(created_answer(&call, &name, &created))
    }

    async fn config(&self, name: &str, call: Call) -> Answer {
        if call.method == Method::PUT {
            let mut config = body::config(&call.body)?;
            put_name(name, &mut config)?;
            let created = self
                .herder
                .put_connector_config(name, config, None, true)
                .await?;
            return Ok(created_answer(&call, name, &created));
        }
        if call.method == Method::PATCH {
            let Some(patch) = body::optional_config(&call.body)? else {
                // A connector that is not there is the graver fault.
                self.herder.connector_info(name).await?;
                return Err(body::empty());
            };
            let info = self.herder.patch_connector_config(name, patch).await?;
            return Ok(ok(&info));
        }
        let info = self.info(name, &call).await?;
        let config: IndexMap<&str, Option<&str>> = info.config.iter().collect();
        Ok(ok(&MapOf(&config)))
    }

    async fn restart(&self, name: &str, call: &Call) -> Answer {
        let request = RestartRequest {
            only_failed: call.query.boolean("onlyFailed", false),
            include_tasks: call.query.boolean("includeTasks", false),
        };
        if !request.only_failed && !request.include_tasks {
            self.herder.restart_connector(name).await?;
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        let plan = self
            .herder
            .restart_connector_and_tasks(name, request)
            .await?;
        Ok(answer(StatusCode::ACCEPTED, &plan))
    }

    /// What has failed, if anything has: `/health?tasks=true`.
    async fn failures(&self) -> HerderResult<Option<String>> {
        let (mut names, mut num_failed) = (Vec::new(), 0usize);
        for connector in self.herder.connectors().await? {
            // One without a status yet has not failed.
            let Ok(status) = self.herder.connector_status(&connector).await else {
                continue;
            };
            let tasks = status.tasks.iter().filter(|task| task.state == FAILED);
            let tasks = tasks.map(|task| format!("task {connector}-{}", task.id));
            let own = (status.connector.state == FAILED).then(|| format!("connector {connector}"));
            for name in own.into_iter().chain(tasks) {
                num_failed += 1;
                if names.len() < MAX_NUM_FAILED_NAMES {
                    names.push(name);
                }
            }
        }
        if num_failed == 0 {
            return Ok(None);
        }
        let more = match num_failed - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Ok(Some(format!("FAILED: {}{more}", names.join(", "))))
    }

    pub(crate) async fn health(&self, call: &Call) -> Response<Body> {
        let health = match timeout(HEALTH_TIMEOUT, self.herder.health()).await {
            Ok(health) => health,
            Err(_) => {
                let stage = self.herder.stage().unwrap_or_default();
                if self.was_healthy.load(Ordering::Relaxed) {
                    HerderHealth::Unhealthy(stage)
                } else {
                    HerderHealth::Starting(stage)
                }
            }
        };
        let mut failures = None;
        if health == HerderHealth::Healthy {
            self.was_healthy.store(true, Ordering::Relaxed);
            if call.query.boolean("tasks", false) {
                failures = match self.failures().await {
                    Ok(failures) => failures,
                    Err(error) => Some(error.message),
                };
            }
        }
        let (code, status, message) = match health {
            HerderHealth::Healthy if failures.is_some() => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "unhealthy",
                failures.unwrap_or_default(),
            ),
            HerderHealth::Healthy => {
                let message = "Worker has completed startup and is ready to handle requests.";
                (StatusCode::OK, "healthy", message.to_string())
            }
            HerderHealth::Starting(stage) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "starting",
                format!("Worker is still starting up. {stage}"),
            ),
            HerderHealth::Unhealthy(stage) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "unhealthy",
                format!(
                    "Worker was unable to handle this request and may be unable to handle other \
                     requests. {stage}"
                ),
            ),
        };
        let message = message.trim_end().to_string();
        answer(code, &WorkerStatus { status, message })
    }
}

/// The name within a configuration must be the one outside of it; it is put there if it is missing.
fn put_name(name: &str, config: &mut ConfigMap) -> Result<(), Failure> {
    match config.get("name") {
        Some(included) if included != name => Err(Failure::bad_request(format!(
            "Connector name configuration ({included}) doesn't match connector name in the URL \
             ({name})"
        ))),
        Some(_) => Ok(()),
        None => {
            config.insert("name", name);
            Ok(())
        }
    }
}

fn internal_request(call: &Call) -> InternalRequest {
    let header = |name: &str| Some(call.headers.get(name)?.to_str().ok()?.to_string());
    InternalRequest {
        body: call.body.clone(),
        signature: header(SIGNATURE),
        signature_algorithm: header(SIGNATURE_ALGORITHM),
    }
}

fn task(connector: &str, number: &str) -> Result<ConnectorTaskId, Failure> {
    let task = task_number(number).ok_or_else(|| Failure::of_status(StatusCode::NOT_FOUND))?;
    Ok(ConnectorTaskId {
        connector: connector.to_string(),
        task,
    })
}

fn created_answer(call: &Call, name: &str, created: &Created<ConnectorInfo>) -> Response<Body> {
    if !created.created {
        return ok(&created.result);
    }
    let mut response = answer(StatusCode::CREATED, &created.result);
    let location = format!("{}{}", call.base_url, connector_path(name));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

#[derive(Serialize)]
struct WorkerStatus {
    status: &'static str,
    message: String,
}

enum ExpandedPart {
    Status(ConnectorStateInfo),
    Info(ConnectorInfo),
}

impl Serialize for ExpandedPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Status(status) => status.serialize(serializer),
            Self::Info(info) => info.serialize(serializer),
        }
    }
}

#[derive(Default)]
struct Expanded(IndexMap<String, ExpandedPart>);

impl Serialize for Expanded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MapOf(&self.0).serialize(serializer)
    }
}

/// A map in its own order.
struct MapOf<'a, K, V>(&'a IndexMap<K, V>);

impl<K: Serialize, V: Serialize> Serialize for MapOf<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

struct TopicsJson(ActiveTopics);

impl Serialize for TopicsJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Topics<'a> {
            topics: &'a [String],
        }
        let mut map = serializer.serialize_map(Some(1))?;
        let topics = &self.0.topics;
        map.serialize_entry(&self.0.connector, &Topics { topics })?;
        map.end()
    }
}
