//! Writes to the config topic, and the leader's right to them.

use super::Shell;
use crate::core::Write;
use crate::face::{HerderError, HerderResult};
use bytes::Bytes;
use connect_store::{SessionKey, StoreError, StoreResult, TargetState};
use rand::Rng;
use std::time::Duration;

/// How long a write may take to be read back.
const WRITE_READ_BACK_TIMEOUT: Duration = Duration::from_secs(30);

/// What a client is told whose request came to a worker that is, or looks like, no leader any more.
pub(crate) const FENCED_FROM_CONFIG_TOPIC: &str = "Failed to write to config topic; this may be due to \
                                                   a transient error and the request can be safely \
                                                   retried";

/// Whether this worker may write to the config topic, where that is for the leader alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WritePrivilege {
    /// Another worker leads.
    None,
    /// It has fenced the leader before; it led last in this generation.
    Claimed { generation: i32 },
    /// It leads, and must claim the right, maybe once more: a write has failed, or the claim.
    Unclaimed,
}

impl Shell {
    /// This worker leads its group from now on, or does not. A new leader fences the one before, who may
    /// not know yet that it is none any more.
    pub(super) async fn note_leadership(&mut self, is_leader: bool, generation: i32) {
        let led_before = WritePrivilege::Claimed {
            generation: generation - 1,
        };
        if !is_leader {
            self.write_privilege = WritePrivilege::None;
        } else if self.write_privilege == led_before {
            // Nobody else can have led in between.
            self.write_privilege = WritePrivilege::Claimed { generation };
        } else {
            self.write_privilege = WritePrivilege::Unclaimed;
            if let Err(error) = self.claim_write_privilege().await {
                tracing::warn!(
                    "Unable to claim write privileges for config topic. Will retry with the next write \
                     if still the leader: {error}"
                );
            }
        }
    }

    async fn claim_write_privilege(&mut self) -> StoreResult<()> {
        if self.write_privilege != WritePrivilege::Unclaimed {
            return Ok(());
        }
        let stage = self.parts.stage.clone();
        let _stage = stage.enter("claiming write privileges for the config topic");
        self.parts.config_store.claim_write_privileges().await?;
        self.write_privilege = WritePrivilege::Claimed {
            generation: self.generation,
        };
        Ok(())
    }

    pub(super) async fn write(&mut self, write: Write) -> HerderResult<()> {
        let written = match self.claim_write_privilege().await {
            Ok(()) => self.write_once(write).await,
            Err(error) => Err(error),
        };
        if written.is_err() && self.write_privilege != WritePrivilege::None {
            // It may have been fenced by a leader of the past that has only just woken up. If there is a
            // new one, this worker will have heard of it by the time of its next write.
            self.write_privilege = WritePrivilege::Unclaimed;
        }
        written.map_err(store_error)
    }

    fn new_session_key(&self) -> SessionKey {
        let config = &self.parts.core.session_keys;
        let mut key = vec![0; config.num_bytes];
        rand::rng().fill_bytes(&mut key);
        SessionKey {
            key: Bytes::from(key),
            algorithm: config.algorithm.name().to_string(),
            creation_timestamp_ms: self.parts.clock.now_ms(),
        }
    }

    async fn write_once(&self, write: Write) -> StoreResult<()> {
        let store = &self.parts.config_store;
        let _stage = self.parts.stage.enter("writing to the config topic");
        match write {
            Write::Connector {
                connector,
                config,
                target_state,
            } => {
                store
                    .put_connector_config(&connector, &config, target_state)
                    .await
            }
            Write::RemoveConnector { connector } => store.remove_connector_config(&connector).await,
            Write::TaskConfigs { connector, configs } => {
                store.put_task_configs(&connector, &configs).await
            }
            Write::Stop { connector } => {
                store.put_task_configs(&connector, &[]).await?;
                store
                    .put_target_state(&connector, TargetState::Stopped)
                    .await?;
                store.refresh(WRITE_READ_BACK_TIMEOUT).await
            }
            Write::Restart(request) => store.put_restart_request(&request).await,
            Write::SessionKey => store.put_session_key(&self.new_session_key()).await,
            Write::TaskCount {
                connector,
                num_tasks,
            } => store.put_task_count_record(&connector, num_tasks).await,
        }
    }
}

fn store_error(error: StoreError) -> HerderError {
    match error {
        StoreError::Fenced { .. } => {
            tracing::warn!("Failed to write to config topic as leader: {error}");
            HerderError::internal(FENCED_FROM_CONFIG_TOPIC)
        }
        error => HerderError::internal(error.to_string()),
    }
}
