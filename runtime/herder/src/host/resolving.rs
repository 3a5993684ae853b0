//! Config providers come before the host: it gets configurations with the values in place.

use super::{GenerateError, HostEvent, TaskConfigsAnswer, ValuesExpiry, WorkerHost};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{ConnectError, Result};
use connect_config_providers::ConfigTransformer;
use connect_store::{ConnectorTaskId, TargetState};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Resolves the variables of configurations in the background and hands what comes of it to a host.
///
/// Values stay in the memory of what was started with them. The command loop knows variables only, so
/// that nothing of them is stored or answered; it hears how long they hold.
pub(crate) struct ResolvingHost {
    resolver: Arc<Resolver>,
}

struct Resolver {
    host: Arc<dyn WorkerHost>,
    transformer: ConfigTransformer,
    events: mpsc::UnboundedSender<HostEvent>,
    connectors: Starting<String>,
    tasks: Starting<ConnectorTaskId>,
}

impl ResolvingHost {
    pub(crate) fn new(
        host: Arc<dyn WorkerHost>,
        transformer: ConfigTransformer,
        events: mpsc::UnboundedSender<HostEvent>,
    ) -> Self {
        Self {
            resolver: Arc::new(Resolver {
                host,
                transformer,
                events,
                connectors: Starting::default(),
                tasks: Starting::default(),
            }),
        }
    }
}

impl Resolver {
    async fn connector_config(
        &self,
        connector: &str,
        raw: &ConfigMap,
    ) -> Result<(Arc<ConfigMap>, Option<Duration>)> {
        let subject = format!("connector {connector}");
        let transformed = self.transformer.transform(&subject, raw).await?;
        Ok((Arc::new(transformed.config), transformed.ttl))
    }

    async fn task_configs(
        &self,
        task: &ConnectorTaskId,
        raw_connector: &ConfigMap,
        raw_task: &ConfigMap,
    ) -> Result<(Arc<ConfigMap>, Arc<ConfigMap>, Option<Duration>)> {
        let (connector_config, connector_ttl) = self
            .connector_config(&task.connector, raw_connector)
            .await?;
        let subject = format!("task {task}");
        let transformed = self.transformer.transform(&subject, raw_task).await?;
        let ttl = connector_ttl.into_iter().chain(transformed.ttl).min();
        Ok((connector_config, Arc::new(transformed.config), ttl))
    }

    fn tell_of_expiry(
        &self,
        connector: &str,
        task: Option<&ConnectorTaskId>,
        connector_config: &ConfigMap,
        ttl: Option<Duration>,
    ) {
        let Some(ttl) = ttl.filter(|_| reloads(connector_config)) else {
            return;
        };
        // The loop is gone only when the worker ends.
        let _ = self.events.send(HostEvent::ValuesExpire(ValuesExpiry {
            connector: connector.to_string(),
            task: task.cloned(),
            ttl,
        }));
    }
}

/// `config.action.reload`: whether to restart what was started with values that have expired.
fn reloads(connector_config: &ConfigMap) -> bool {
    connector_config
        .get("config.action.reload")
        .is_none_or(|action| !action.trim().eq_ignore_ascii_case("none"))
}

/// Starts that wait for values.
struct Starting<K>(Mutex<Starts<K>>);

struct Starts<K> {
    waiting: HashMap<K, Start>,
    next_number: u64,
}

struct Start {
    /// Tells it from an earlier start of the same connector or task.
    number: u64,
    target_state: TargetState,
    resolving: AbortHandle,
}

impl<K> Default for Starting<K> {
    fn default() -> Self {
        Self(Mutex::new(Starts {
            waiting: HashMap::new(),
            next_number: 0,
        }))
    }
}

impl<K: Clone + Eq + Hash> Starting<K> {
    fn lock(&self) -> MutexGuard<'_, Starts<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spawns what `resolve` makes of the number of this start.
    fn begin<F>(&self, key: &K, target_state: TargetState, resolve: impl FnOnce(u64) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Locked until it is noted: it may be resolved at once.
        let mut starts = self.lock();
        let number = starts.next_number;
        starts.next_number += 1;
        let resolving = tokio::spawn(resolve(number)).abort_handle();
        let start = Start {
            number,
            target_state,
            resolving,
        };
        starts.waiting.insert(key.clone(), start);
    }

    /// Ends a start by `hand_over`, unless it was cancelled. No stop comes between: it finds either the
    /// start that waits or what was handed over.
    fn end(&self, key: &K, number: u64, hand_over: impl FnOnce(TargetState)) {
        let mut starts = self.lock();
        if starts.waiting.get(key).map(|start| start.number) != Some(number) {
            return;
        }
        if let Some(start) = starts.waiting.remove(key) {
            hand_over(start.target_state);
        }
    }

    /// Whether the target state was noted for a start that waits.
    fn retarget(&self, key: &K, target_state: TargetState) -> bool {
        match self.lock().waiting.get_mut(key) {
            Some(start) => {
                start.target_state = target_state;
                true
            }
            None => false,
        }
    }

    fn cancel(&self, keys: &[K]) {
        let mut starts = self.lock();
        for key in keys {
            if let Some(start) = starts.waiting.remove(key) {
                start.resolving.abort();
            }
        }
    }

    fn cancel_all(&self) {
        for (_, start) in self.lock().waiting.drain() {
            start.resolving.abort();
        }
    }
}

#[async_trait]
impl WorkerHost for ResolvingHost {
    fn set_generation(&self, generation: i32) {
        self.resolver.host.set_generation(generation);
    }

    fn start_connector(&self, connector: &str, config: Arc<ConfigMap>, target_state: TargetState) {
        let (resolver, name) = (self.resolver.clone(), connector.to_string());
        let starting = &self.resolver.connectors;
        starting.begin(&name.clone(), target_state, |number| async move {
            let resolved = resolver.connector_config(&name, &config).await;
            resolver
                .connectors
                .end(&name, number, |target_state| match resolved {
                    Ok((config, ttl)) => {
                        resolver.tell_of_expiry(&name, None, &config, ttl);
                        resolver.host.start_connector(&name, config, target_state);
                    }
                    Err(error) => resolver.host.fail_connector(&name, error),
                });
        });
    }

    fn fail_connector(&self, connector: &str, error: ConnectError) {
        self.resolver.host.fail_connector(connector, error);
    }

    fn transition_connector(&self, connector: &str, target_state: TargetState) {
        let name = connector.to_string();
        if !self.resolver.connectors.retarget(&name, target_state) {
            self.resolver
                .host
                .transition_connector(connector, target_state);
        }
    }

    async fn stop_connectors(&self, connectors: Vec<String>) {
        self.resolver.connectors.cancel(&connectors);
        self.resolver.host.stop_connectors(connectors).await;
    }

    fn generate_task_configs(&self, connector: &str, config: Arc<ConfigMap>, inquiry: u64) {
        let (resolver, name) = (self.resolver.clone(), connector.to_string());
        tokio::spawn(async move {
            match resolver.connector_config(&name, &config).await {
                Ok((config, _)) => {
                    resolver.host.generate_task_configs(&name, config, inquiry);
                }
                Err(error) => {
                    let answer = TaskConfigsAnswer {
                        connector: name,
                        inquiry,
                        result: Err(GenerateError {
                            message: error.to_string(),
                            retry: true,
                        }),
                    };
                    let _ = resolver.events.send(HostEvent::TaskConfigs(answer));
                }
            }
        });
    }

    fn start_task(
        &self,
        task: &ConnectorTaskId,
        connector_config: Arc<ConfigMap>,
        task_config: Arc<ConfigMap>,
        generation: i32,
        target_state: TargetState,
    ) {
        let (resolver, id) = (self.resolver.clone(), task.clone());
        let starting = &self.resolver.tasks;
        starting.begin(task, target_state, |number| async move {
            let resolved = resolver
                .task_configs(&id, &connector_config, &task_config)
                .await;
            resolver
                .tasks
                .end(&id, number, |target_state| match resolved {
                    Ok((connector_config, task_config, ttl)) => {
                        resolver.tell_of_expiry(&id.connector, Some(&id), &connector_config, ttl);
                        resolver.host.start_task(
                            &id,
                            connector_config,
                            task_config,
                            generation,
                            target_state,
                        );
                    }
                    Err(error) => resolver.host.fail_task(&id, error),
                });
        });
    }

    async fn fence_producers(
        &self,
        connector: &str,
        config: Arc<ConfigMap>,
        num_tasks: i32,
    ) -> Result<()> {
        let (config, _) = self.resolver.connector_config(connector, &config).await?;
        let host = &self.resolver.host;
        host.fence_producers(connector, config, num_tasks).await
    }

    fn fail_task(&self, task: &ConnectorTaskId, error: ConnectError) {
        self.resolver.host.fail_task(task, error);
    }

    fn set_task_target_state(&self, task: &ConnectorTaskId, target_state: TargetState) {
        if !self.resolver.tasks.retarget(task, target_state) {
            self.resolver.host.set_task_target_state(task, target_state);
        }
    }

    async fn stop_tasks(&self, tasks: Vec<ConnectorTaskId>) {
        self.resolver.tasks.cancel(&tasks);
        self.resolver.host.stop_tasks(tasks).await;
    }

    fn mark_restarting(&self, connector: Option<&str>, tasks: &[ConnectorTaskId]) {
        self.resolver.host.mark_restarting(connector, tasks);
    }

    fn has_failed(&self, connector: &str, task: Option<&ConnectorTaskId>) -> bool {
        self.resolver.host.has_failed(connector, task)
    }

    fn repeat_statuses(&self, connectors: &[String], tasks: &[ConnectorTaskId]) {
        self.resolver.host.repeat_statuses(connectors, tasks);
    }

    async fn shut_down(&self) {
        self.resolver.connectors.cancel_all();
        self.resolver.tasks.cancel_all();
        self.resolver.host.shut_down().await;
    }
}

#[cfg(test)]
mod tests;
