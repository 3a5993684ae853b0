//! Transactions over librdkafka.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::LibrdkafkaProducer;
use crate::client_config::ClientProperties;
use crate::error::ErrorCode;
use crate::native::{NativeClient, TransactionFailure};
use crate::producer::{
    Deliveries, Producer, ProducerError, ProducerRecord, SendError, TransactionError,
    TransactionalProducer,
};

/// A [`TransactionalProducer`] over librdkafka.
pub struct LibrdkafkaTransactionalProducer {
    producer: LibrdkafkaProducer,
    transactional_id: String,
}

impl LibrdkafkaTransactionalProducer {
    /// Makes a producer from settings with a `transactional.id`. Nothing is asked of the coordinator
    /// before [`init_transactions`](TransactionalProducer::init_transactions).
    pub fn new(properties: &ClientProperties) -> Result<Self, ProducerError> {
        let transactional_id = properties
            .get("transactional.id")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| ProducerError::InvalidConfig("transactional.id is missing".to_owned()))?
            .to_owned();
        Ok(Self {
            producer: LibrdkafkaProducer::new(properties)?,
            transactional_id,
        })
    }

    fn native(&self) -> Arc<NativeClient> {
        let client = self.producer.client();
        Arc::clone(client.expect("only close and drop take the client"))
    }

    /// Makes a call on a thread where blocking is allowed.
    async fn call(
        &self,
        call: impl FnOnce(&NativeClient) -> Result<(), TransactionFailure> + Send + 'static,
    ) -> Result<(), TransactionError> {
        let client = self.native();
        match tokio::task::spawn_blocking(move || call(&client)).await {
            Ok(outcome) => outcome.map_err(|failure| self.error(failure)),
            Err(_) => Err(TransactionError::Fatal {
                transactional_id: self.transactional_id.clone(),
                code: ErrorCode::FAIL,
                reason: "the worker is shutting down".to_owned(),
            }),
        }
    }

    fn error(&self, failure: TransactionFailure) -> TransactionError {
        let transactional_id = self.transactional_id.clone();
        let TransactionFailure {
            mut code, reason, ..
        } = failure;
        // After a fatal error every call says so only; what it was stays to be asked for.
        if code == ErrorCode::FATAL
            && let Some((cause, _)) = self.native().fatal_error()
        {
            code = cause;
        }
        if code.is_fenced_producer() {
            TransactionError::Fenced {
                transactional_id,
                code,
                reason,
            }
        } else if failure.requires_abort {
            TransactionError::MustAbort {
                transactional_id,
                code,
                reason,
            }
        } else if failure.is_retriable && !failure.is_fatal {
            TransactionError::Retriable {
                transactional_id,
                code,
                reason,
            }
        } else {
            TransactionError::Fatal {
                transactional_id,
                code,
                reason,
            }
        }
    }
}

#[async_trait]
impl Producer for LibrdkafkaTransactionalProducer {
    fn send(&mut self, record: ProducerRecord<'_>) -> Result<(), SendError> {
        self.producer.send(record)
    }

    fn deliveries(&mut self) -> Option<Deliveries> {
        self.producer.deliveries()
    }

    async fn wait_for_room(&mut self) {
        self.producer.wait_for_room().await;
    }

    async fn flush(&mut self, timeout: Duration) -> Result<(), ProducerError> {
        self.producer.flush(timeout).await
    }

    fn in_flight_bytes(&self) -> usize {
        self.producer.in_flight_bytes()
    }

    fn in_flight_records(&self) -> usize {
        self.producer.in_flight_records()
    }

    async fn close(self: Box<Self>, timeout: Duration) -> Result<(), ProducerError> {
        Box::new(self.producer).close(timeout).await
    }
}

#[async_trait]
impl TransactionalProducer for LibrdkafkaTransactionalProducer {
    async fn init_transactions(&mut self, timeout: Duration) -> Result<(), TransactionError> {
        self.call(move |client| client.init_transactions(timeout))
            .await
    }

    fn begin_transaction(&mut self) -> Result<(), TransactionError> {
        let begun = self.native().begin_transaction();
        begun.map_err(|failure| self.error(failure))
    }

    async fn commit_transaction(&mut self, timeout: Duration) -> Result<(), TransactionError> {
        self.call(move |client| client.commit_transaction(timeout))
            .await
    }

    async fn abort_transaction(&mut self, timeout: Duration) -> Result<(), TransactionError> {
        self.call(move |client| client.abort_transaction(timeout))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_what_is_to_be_done() {
        let mut properties = ClientProperties::connector_producer("127.0.0.1:1", "test");
        properties.set("transactional.id", "group-connector-0");
        properties.set("enable.idempotence", "true");
        let producer = LibrdkafkaTransactionalProducer::new(&properties).expect("valid settings");
        let failure = |code, is_fatal, is_retriable, requires_abort| {
            producer.error(TransactionFailure {
                code: ErrorCode::new(code),
                reason: "because".to_owned(),
                is_fatal,
                is_retriable,
                requires_abort,
            })
        };
        for fenced in [47, 90, -144] {
            let error = failure(fenced, true, false, false);
            assert!(matches!(error, TransactionError::Fenced { .. }), "{error}");
        }
        let error = failure(ErrorCode::TIMED_OUT.code(), false, true, false);
        assert!(error.is_retriable(), "{error}");
        let error = failure(ErrorCode::MESSAGE_TOO_LARGE.code(), false, true, true);
        assert!(
            matches!(error, TransactionError::MustAbort { .. }),
            "{error}"
        );
        for (code, is_fatal, is_retriable) in [(53, true, true), (53, false, false)] {
            let error = failure(code, is_fatal, is_retriable, false);
            assert!(matches!(error, TransactionError::Fatal { .. }), "{error}");
            assert!(error.to_string().contains("group-connector-0"), "{error}");
        }
    }
}
