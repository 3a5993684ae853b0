//! How tasks of exactly-once sources ask the herder, and through it the leader (KIP-618).

use crate::core::{Request, Response};
use crate::face::{HerderError, HerderErrorKind, HerderResult};
use crate::host::TaskFencing;
use crate::peers::{PeerClient, PeerError, PeerRequest, connector_url};
use crate::shell::{Command, FENCED_FROM_CONFIG_TOPIC, shutting_down};
use crate::signature::{MacAlgorithm, signature_of};
use async_trait::async_trait;
use connect_api::{Clock, ConnectError, Result};
use connect_store::{ConfigStore, ConnectorTaskId};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long a leader may be missing: until the group has found that it is gone, and has another one.
const LEADER_TIMEOUT: Duration = Duration::from_mins(3);
const RETRY_DELAY_MIN: Duration = Duration::from_millis(250);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);
/// How long the config topic may take to be read to its end: a read of what is committed waits for
/// transactions of a leader that is gone.
const REFRESH_TIMEOUT: Duration = Duration::from_mins(15);

/// Asks the command loop of this worker, and the leader if that is another one.
pub(crate) struct LoopFencing {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) config_store: Arc<dyn ConfigStore>,
    pub(crate) peers: Arc<dyn PeerClient>,
    /// `inter.worker.signature.algorithm`.
    pub(crate) signature_algorithm: MacAlgorithm,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why the leader has not fenced.
struct Refusal {
    message: String,
    /// Whether it may do so soon: there was no leader, or not this one, or it was busy.
    may_pass: bool,
}

impl From<HerderError> for Refusal {
    fn from(error: HerderError) -> Self {
        Self {
            may_pass: error.kind == HerderErrorKind::Conflict
                || error.message == FENCED_FROM_CONFIG_TOPIC,
            message: error.message,
        }
    }
}

impl From<PeerError> for Refusal {
    fn from(error: PeerError) -> Self {
        // 403: the session key has just changed. 500 without an answer: the leader is gone.
        let may_pass = matches!(error.status, 403 | 409 | 503)
            || error.message.starts_with("IO Error")
            || error.message == FENCED_FROM_CONFIG_TOPIC;
        Self {
            may_pass,
            message: format!("{} (status {})", error.message, error.status),
        }
    }
}

impl LoopFencing {
    async fn ask(&self, request: Request) -> HerderResult<Response> {
        let (reply, response) = oneshot::channel();
        self.commands
            .send(Command { request, reply })
            .await
            .map_err(|_| shutting_down())?;
        response.await.map_err(|_| shutting_down())?
    }

    async fn try_fence(&self, connector: &str) -> std::result::Result<(), Refusal> {
        let request = Request::FenceZombies {
            connector: connector.to_string(),
        };
        let error = match self.ask(request).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let HerderErrorKind::Forward { url } = &error.kind else {
            return Err(error.into());
        };
        let configs = self.config_store.snapshot();
        let signature = configs
            .session_key()
            .map(|key| signature_of(key, self.signature_algorithm, b""));
        let request = PeerRequest {
            method: "PUT".to_string(),
            url: connector_url(url, connector, "fence"),
            authorization: None,
            signature,
            body: None,
        };
        self.peers.send(request).await?;
        Ok(())
    }
}

#[async_trait]
impl TaskFencing for LoopFencing {
    async fn fence_zombies(&self, connector: &str) -> Result<()> {
        let (mut delay, mut waited) = (RETRY_DELAY_MIN, Duration::ZERO);
        loop {
            let Err(refusal) = self.try_fence(connector).await else {
                return Ok(());
            };
            if !refusal.may_pass || waited + delay > LEADER_TIMEOUT {
                return Err(ConnectError::fatal(format!(
                    "Failed to perform round of zombie fencing: {}",
                    refusal.message
                )));
            }
            tracing::warn!(
                connector,
                delay_ms = delay.as_millis() as u64,
                "the leader could not be asked to fence producers of earlier tasks, will retry: {}",
                refusal.message
            );
            self.clock.sleep(delay).await;
            waited += delay;
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        }
    }

    async fn verify(&self, task: &ConnectorTaskId, generation: i32) -> Result<()> {
        self.config_store
            .refresh(REFRESH_TIMEOUT)
            .await
            .map_err(|error| {
                ConnectError::fatal(format!("Failed to read to end of config topic: {error}"))
            })?;
        let request = Request::VerifyTask {
            task: task.clone(),
            generation,
        };
        self.ask(request)
            .await
            .map(drop)
            .map_err(|error| ConnectError::fatal(error.message))
    }
}

#[cfg(test)]
mod tests;
