//! The connection of a member to its coordinator: found, given up, and taken leave of.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::LeaveGroupRequest;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{Course, Member};
use crate::group::events::GroupEvent;
use crate::group::requests::{self, Asker};
use crate::wire::{Backoff, BrokerConnection, ClusterClient, Coordinator, WireError};

impl Member {
    /// Gives the connection up, so that the coordinator is looked for again.
    pub(super) fn coordinator_failed(&mut self, error: WireError) -> Course<()> {
        self.coordinator = None;
        if error.is_refusal() || matches!(error, WireError::UnsupportedVersion { .. }) {
            return Err(self.refused(error));
        }
        info!(
            group_id = self.config.group_id,
            "Group coordinator is unavailable or invalid due to cause: {error}. Rediscovery will be attempted."
        );
        Ok(())
    }

    /// Finds the coordinator and connects to it, for as long as it takes. Tells the herder once
    /// if that takes longer than the group waits.
    pub(super) async fn ensure_coordinator(&mut self) -> Course<()> {
        if self
            .coordinator
            .as_ref()
            .is_some_and(BrokerConnection::is_usable)
        {
            return Ok(());
        }
        self.coordinator = None;
        let since = *self.unreachable_since.get_or_insert_with(Instant::now);
        let search = search_coordinator(self.client.clone(), self.config.group_id.clone());
        let mut search = std::pin::pin!(search);
        let found = if self.holds_assignment {
            let deadline = since + self.config.coordinator_patience();
            match tokio::time::timeout_at(deadline, &mut search).await {
                Ok(found) => found,
                Err(_) => {
                    self.report_coordinator_lost(since).await?;
                    search.await
                }
            }
        } else {
            search.await
        };
        let (coordinator, connection) = found.map_err(|error| self.refused(error))?;
        self.coordinator_found(&coordinator, connection);
        Ok(())
    }

    pub(super) fn coordinator_found(
        &mut self,
        coordinator: &Coordinator,
        connection: BrokerConnection,
    ) {
        info!(
            group_id = self.config.group_id,
            "Discovered group coordinator {} (id: {})", coordinator.address, coordinator.node_id
        );
        self.coordinator_address = Some(coordinator.address.clone());
        self.coordinator = Some(connection);
        self.unreachable_since = None;
        self.last_good_beat = Instant::now();
        self.next_beat = self.last_good_beat;
    }

    async fn report_coordinator_lost(&mut self, since: Instant) -> Course<()> {
        let unreachable = since.elapsed();
        info!(
            group_id = self.config.group_id,
            "Broker coordinator was unreachable for {}ms. Revoking previous assignment to avoid running tasks while not being a member the group",
            unreachable.as_millis()
        );
        self.holds_assignment = false;
        self.rejoin = Some("the group coordinator was unreachable".to_owned());
        self.tell(GroupEvent::CoordinatorLost { unreachable }).await
    }

    /// Tells the coordinator, if it can be reached, and forgets the membership in any case. The
    /// broker would give the member up after the session timeout, so that longer is never waited.
    pub(super) async fn leave_group(&mut self, reason: &str) {
        let member_id = std::mem::take(&mut self.member_id);
        let generation = self
            .generation
            .take()
            .map_or(-1, |generation| generation.id);
        self.rejoin = Some("the member left the group before".to_owned());
        if member_id.is_empty() {
            return;
        }
        let group_id = self.config.group_id.as_str();
        let limit = self
            .client
            .settings()
            .request_timeout
            .min(self.config.session_timeout);
        let open = self.coordinator.take().filter(BrokerConnection::is_usable);
        let address = self.coordinator_address.clone();
        let client = &self.client;
        let attempt = async {
            let mut connection = match (open, address) {
                (Some(connection), _) => connection,
                (None, Some(address)) => client.connect(&address).await?,
                (None, None) => return Ok(()),
            };
            info!(
                group_id,
                "Member {member_id} sending LeaveGroup request to coordinator {} due to {reason}",
                connection.broker()
            );
            let asker = Asker {
                group_id,
                member_id: &member_id,
                generation,
            };
            let response = requests::leave_group(&mut connection, asker, reason, limit).await?;
            match ResponseError::try_from_code(response.error_code) {
                None => Ok(()),
                Some(error) => Err(connection.response_error::<LeaveGroupRequest>(error, None)),
            }
        };
        match tokio::time::timeout(limit, attempt).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => info!(
                group_id,
                "LeaveGroup did not succeed, the broker will notice by the session timeout: {error}"
            ),
            Err(_) => info!(
                group_id,
                "LeaveGroup had no answer within {} ms, the broker will notice by the session timeout",
                limit.as_millis()
            ),
        }
    }
}

pub(super) async fn find_coordinator(
    client: &ClusterClient,
    group_id: &str,
) -> Result<(Coordinator, BrokerConnection), WireError> {
    let coordinator = client.find_group_coordinator(group_id).await?;
    let connection = client.connect(&coordinator.address).await?;
    Ok((coordinator, connection))
}

/// Looks for the coordinator until it is found or the failure is one that stays.
async fn search_coordinator(
    client: ClusterClient,
    group_id: String,
) -> Result<(Coordinator, BrokerConnection), WireError> {
    let settings = client.settings();
    let mut reconnect = Backoff::new(settings.reconnect_backoff, settings.reconnect_backoff_max);
    let mut retry = Backoff::new(settings.retry_backoff, settings.retry_backoff_max);
    loop {
        let error = match find_coordinator(&client, &group_id).await {
            Ok(found) => return Ok(found),
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => error,
        };
        // An answer means that the brokers are there and only the coordinator is not ready.
        let delay: Duration = match error {
            WireError::Response { .. } => retry.next_delay(),
            _ => reconnect.next_delay(),
        };
        warn!(
            group_id,
            "Cannot reach the group coordinator, trying again in {} ms: {error}",
            delay.as_millis()
        );
        tokio::time::sleep(delay).await;
    }
}
