//! Writes that are one transaction each.

use crate::error::{StoreError, StoreResult};
use bytes::Bytes;
use connect_kafka::error::ErrorCode;
use connect_kafka::log::LogError;
use connect_kafka::producer::{
    Deliveries, ProducerError, ProducerRecord, SendError, TransactionError, TransactionalProducer,
};
use std::time::Duration;

/// How long one step of a transaction may take; a whole write has this time too.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a producer with a transactional id, anew for each claim of that id.
pub type TransactionalProducerFactory =
    Box<dyn Fn() -> Result<Box<dyn TransactionalProducer>, ProducerError> + Send + Sync>;

/// A producer that has taken its transactional id over.
pub(crate) struct ClaimedProducer {
    producer: Box<dyn TransactionalProducer>,
    deliveries: Deliveries,
}

impl ClaimedProducer {
    /// Makes a producer and fences those before it with the same id.
    pub(crate) async fn claim(
        factory: &TransactionalProducerFactory,
        topic: &str,
    ) -> StoreResult<Self> {
        let invalid = |reason: String| {
            StoreError::Log(LogError::InvalidConfig {
                topic: topic.to_owned(),
                reason,
            })
        };
        let mut producer = factory().map_err(|error| invalid(error.to_string()))?;
        let deliveries = producer
            .deliveries()
            .ok_or_else(|| invalid("its producer was used before".to_owned()))?;
        let claimed = producer.init_transactions(STEP_TIMEOUT).await;
        let this = Self {
            producer,
            deliveries,
        };
        match claimed {
            Ok(()) => Ok(this),
            Err(error) => {
                this.close().await;
                Err(store_error(topic, error))
            }
        }
    }

    /// Writes records in one transaction. After a failure the producer is to be closed, which leaves
    /// nothing visible.
    pub(crate) async fn write(
        &mut self,
        topic: &str,
        records: &[(Bytes, Option<Bytes>)],
    ) -> StoreResult<()> {
        let written = self.try_write(topic, records).await;
        written.map_err(|error| store_error(topic, error))
    }

    async fn try_write(
        &mut self,
        topic: &str,
        records: &[(Bytes, Option<Bytes>)],
    ) -> Result<(), TransactionError> {
        let Self {
            producer,
            deliveries,
        } = self;
        producer.begin_transaction()?;
        for (token, (key, value)) in (0..).zip(records) {
            let record = ProducerRecord {
                topic,
                partition: None,
                key: Some(key),
                value: value.as_deref(),
                headers: &[],
                timestamp_ms: None,
                token,
            };
            loop {
                match producer.send(record) {
                    Ok(()) => break,
                    Err(SendError::QueueFull) => {
                        while deliveries.try_recv().is_some() {}
                        producer.wait_for_room().await;
                    }
                    Err(error) => return Err(refused(topic, &error)),
                }
            }
        }
        let committed = producer.commit_transaction(STEP_TIMEOUT).await;
        // Received so that they do not count as in flight; the commit has looked at them.
        while deliveries.try_recv().is_some() {}
        committed
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.producer.close(CLOSE_TIMEOUT).await {
            tracing::debug!("a transactional producer was closed: {error}");
        }
    }
}

fn refused(topic: &str, error: &SendError) -> TransactionError {
    let code = match error {
        SendError::Fatal { code, .. } | SendError::Refused { code, .. } => *code,
        SendError::RecordTooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
        _ => ErrorCode::FAIL,
    };
    TransactionError::MustAbort {
        transactional_id: topic.to_owned(),
        code,
        reason: error.to_string(),
    }
}

fn store_error(topic: &str, error: TransactionError) -> StoreError {
    tracing::warn!("The write to topic {topic} failed: {error}");
    let code = match error {
        TransactionError::Fenced { .. } => return fenced(topic),
        TransactionError::MustAbort { code, .. }
        | TransactionError::Retriable { code, .. }
        | TransactionError::Fatal { code, .. } => code,
    };
    StoreError::Log(LogError::NotWritten {
        topic: topic.to_owned(),
        code,
    })
}

pub(crate) fn fenced(topic: &str) -> StoreError {
    StoreError::Fenced {
        operation: "write".to_owned(),
        topic: topic.to_owned(),
    }
}
