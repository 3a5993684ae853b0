//! Fencing of transactional producers, as the admin client of Java does it.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, TransactionalId};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::cluster::ClusterClient;
use super::error::WireError;

/// What Connect asks for: the limit of transactions of the id that nobody will begin.
const TRANSACTION_TIMEOUT_MS: i32 = 90_000;

impl ClusterClient {
    /// Fences every producer with this transactional id: what they have open is aborted, and whatever
    /// they do afterwards fails. Tries again while the coordinator moves, loads or is still ending a
    /// transaction, for at most `timeout`.
    ///
    /// # Errors
    /// The last failure when the time is up; a failure that stays at once, such as one of permissions
    /// (Write and Describe on the transactional id are needed).
    pub async fn fence_producers(
        &self,
        transactional_id: &str,
        timeout: Duration,
    ) -> Result<(), WireError> {
        let deadline = Instant::now() + timeout;
        let settings = self.settings();
        let mut backoff = Backoff::new(settings.retry_backoff, settings.retry_backoff_max);
        loop {
            let error = match self.fence_once(transactional_id).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let delay = backoff.next_delay();
            if !may_pass(&error) || Instant::now() + delay >= deadline {
                return Err(error);
            }
            tracing::info!(
                transactional_id,
                "Producers are not fenced yet, trying again in {} ms: {error}",
                delay.as_millis()
            );
            tokio::time::sleep(delay).await;
        }
    }

    async fn fence_once(&self, transactional_id: &str) -> Result<(), WireError> {
        let coordinator = self.find_transaction_coordinator(transactional_id).await?;
        let mut connection = self.connect(&coordinator.address).await?;
        let id = TransactionalId(StrBytes::from_string(transactional_id.to_owned()));
        let response = connection
            .send(self.settings().request_timeout, |_| {
                InitProducerIdRequest::default()
                    .with_transactional_id(Some(id))
                    .with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS)
                    .with_producer_id((-1).into())
                    .with_producer_epoch(-1)
            })
            .await?;
        match ResponseError::try_from_code(response.error_code) {
            None => Ok(()),
            Some(error) => Err(connection.response_error::<InitProducerIdRequest>(error, None)),
        }
    }
}

/// Whether the coordinator may answer otherwise soon.
fn may_pass(error: &WireError) -> bool {
    match error {
        WireError::Response { error, .. } => {
            error.is_retriable() || *error == ResponseError::ConcurrentTransactions
        }
        other => !other.is_fatal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::scripted_broker::{Script, ScriptedBroker};

    const CONCURRENT_TRANSACTIONS: i16 = 51;
    const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
    const NOT_COORDINATOR: i16 = 16;
    const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: i16 = 53;

    #[tokio::test(start_paused = true)]
    async fn a_producer_is_fenced_once_the_coordinator_is_ready() {
        let broker = ScriptedBroker::new();
        for code in [
            CONCURRENT_TRANSACTIONS,
            COORDINATOR_LOAD_IN_PROGRESS,
            NOT_COORDINATOR,
        ] {
            broker.script::<InitProducerIdRequest>(Script::Error(code));
        }
        broker.script::<InitProducerIdRequest>(Script::Disconnect);
        broker
            .client()
            .fence_producers("g-c-0", Duration::from_secs(60))
            .await
            .expect("fenced");
        assert_eq!(broker.count("InitProducerId"), 5);
        // The coordinator is looked for anew each time, as it may have moved.
        assert_eq!(broker.count("FindCoordinator"), 5);
        let last = broker.log().pop().expect("requests");
        assert_eq!(last.member_id, "g-c-0");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lack_of_permission_is_told_at_once() {
        let broker = ScriptedBroker::new();
        broker
            .script::<InitProducerIdRequest>(Script::Error(TRANSACTIONAL_ID_AUTHORIZATION_FAILED));
        let error = broker
            .client()
            .fence_producers("g-c-0", Duration::from_secs(60))
            .await
            .expect_err("no permission");
        assert!(error.to_string().contains("error 53"), "{error}");
        assert_eq!(broker.count("InitProducerId"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_is_bounded() {
        let broker = ScriptedBroker::new();
        broker.set_reachable(false);
        let error = broker
            .client()
            .fence_producers("g-c-0", Duration::from_secs(5))
            .await
            .expect_err("nothing listens");
        assert!(!error.is_fatal(), "{error}");
    }
}
