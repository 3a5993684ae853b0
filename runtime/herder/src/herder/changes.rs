//! Requests that change a connector: its configuration and its offsets.

use super::{LoopHerder, connector_not_found, connector_type};
use crate::core::{Request, Response};
use crate::face::{ConnectorInfo, Created, Herder, HerderError, HerderResult, TargetState};
use crate::host::OffsetChange;
use crate::shell::shutting_down;
use crate::validation;
use connect_api::ConnectorType;
use connect_api::config::ConfigMap;
use connect_store::State;

impl LoopHerder {
    pub(super) async fn change_offsets(
        &self,
        connector: &str,
        change: OffsetChange,
    ) -> HerderResult<String> {
        self.ask(Request::CheckStopped {
            connector: connector.to_string(),
        })
        .await?;
        let config = self.resolved_config(connector).await?;
        if self.worker.exactly_once_source_support().is_enabled() && self.is_source(&config) {
            self.fence_before_change(connector).await?;
        }
        let (host, connector) = (self.host.clone(), connector.to_string());
        // A client that goes away must not leave it half done.
        tokio::spawn(async move { host.change_offsets(&connector, &config, change).await })
            .await
            .map_err(|_| shutting_down())?
    }

    fn is_source(&self, config: &ConfigMap) -> bool {
        let class = config.get("connector.class").unwrap_or_default();
        connector_type(self.plugins, class.trim()) == ConnectorType::Source.name()
    }

    /// A task that is still at work somewhere must not write over what a user changes.
    async fn fence_before_change(&self, connector: &str) -> HerderResult<()> {
        let fenced = self.ask(Request::FenceZombies {
            connector: connector.to_string(),
        });
        if let Err(error) = fenced.await {
            tracing::error!(
                connector,
                "Failed to perform zombie fencing for source connector prior to modifying offsets: \
                 {error}"
            );
            return Err(HerderError::internal(
                "Failed to perform zombie fencing for source connector prior to modifying offsets",
            ));
        }
        // It takes a while, in which the connector may have been resumed.
        let stopped = self.ask(Request::CheckStopped {
            connector: connector.to_string(),
        });
        stopped.await.map(drop)
    }

    pub(super) async fn put_validated(
        &self,
        connector: &str,
        mut config: ConfigMap,
        initial_state: Option<TargetState>,
        replace: bool,
    ) -> HerderResult<Created<ConnectorInfo>> {
        if !config.contains_key("name") {
            config.insert("name", connector);
        }
        let infos = self.validate(&config).await?;
        validation::reject(&infos)?;
        let response = self
            .ask(Request::PutConnectorConfig {
                connector: connector.to_string(),
                config,
                initial_state,
                replace,
            })
            .await?;
        let Response::ConnectorInfo(mut created) = response else {
            return Err(HerderError::internal("unexpected response of the herder"));
        };
        if self.is_standalone() {
            self.await_tasks(connector).await?;
            created.result = self.connector_info(connector).await?;
        }
        Ok(created)
    }

    /// A standalone worker answers when the connector has started and its tasks are configured.
    async fn await_tasks(&self, connector: &str) -> HerderResult<()> {
        let mut progress = self.progress.clone();
        loop {
            progress.borrow_and_update();
            let configs = self.config_store.snapshot();
            let state = self.status_store.connector(connector);
            match state.map(|status| status.status.state) {
                Some(State::Failed) => {
                    return Err(HerderError::internal(format!(
                        "Failed to transition connector {connector} to state STARTED"
                    )));
                }
                Some(State::Running) if configs.task_count(connector) > 0 => return Ok(()),
                Some(State::Paused | State::Stopped) => return Ok(()),
                _ => {}
            }
            if progress.changed().await.is_err() {
                return Err(shutting_down());
            }
        }
    }

    /// Puts a patch over the stored configuration.
    pub(super) async fn patch(
        &self,
        connector: &str,
        patch: ConfigMap,
    ) -> HerderResult<ConnectorInfo> {
        // Another worker may not have read what the leader has written.
        self.ask(Request::Lead).await?;
        let configs = self.configured(connector)?;
        let current = configs
            .raw_connector_config(connector)
            .ok_or_else(|| connector_not_found(connector))?;
        let mut config = (**current).clone();
        for (key, value) in patch.iter() {
            match value {
                Some(value) => config.insert(key, value),
                None => {
                    config.remove(key);
                }
            }
        }
        if patch.contains_key("name") && patch.get("name").is_none() {
            return Err(HerderError::bad_request(
                "Connector configuration is invalid and contains the following 1 error(s):\n\
                 Missing required configuration \"name\" which has no default value.\n\
                 You can also find the above list of errors at the endpoint \
                 `/connector-plugins/{connectorType}/config/validate`",
            ));
        }
        let config = config.in_java_hash_order();
        self.put_validated(connector, config, None, true)
            .await
            .map(|created| created.result)
    }
}
