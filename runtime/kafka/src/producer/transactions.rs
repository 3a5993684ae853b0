//! Records that become visible together, or not at all.

use std::time::Duration;

use async_trait::async_trait;

use super::Producer;
use crate::error::ErrorCode;

/// Why a step of a transaction failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// A newer producer with the same transactional id has taken over. Nothing of the open transaction
    /// will be visible, and this producer can do nothing more: close it.
    #[error("a newer producer has taken over the transactional id {transactional_id}: {reason}")]
    Fenced {
        /// The id that both have.
        transactional_id: String,
        /// `INVALID_PRODUCER_EPOCH` also tells of a transaction that the broker has aborted because it
        /// took longer than `transaction.timeout.ms`.
        code: ErrorCode,
        /// What the client library says.
        reason: String,
    },
    /// The transaction cannot be committed any more; [`abort_transaction`] and begin another.
    ///
    /// [`abort_transaction`]: TransactionalProducer::abort_transaction
    #[error("the transaction of {transactional_id} must be aborted: {reason} ({code})")]
    MustAbort {
        /// The id of the producer.
        transactional_id: String,
        /// The code of the failure.
        code: ErrorCode,
        /// What the client library says.
        reason: String,
    },
    /// The coordinator did not answer in time or is moving: the same call may be made again.
    #[error("the transaction coordinator of {transactional_id} is not ready: {reason} ({code})")]
    Retriable {
        /// The id of the producer.
        transactional_id: String,
        /// The code of the failure.
        code: ErrorCode,
        /// What the client library says.
        reason: String,
    },
    /// The producer failed for good, or a call came out of order: close it and make a new one.
    #[error("the transactional producer {transactional_id} failed for good: {reason} ({code})")]
    Fatal {
        /// The id of the producer.
        transactional_id: String,
        /// The code of the failure.
        code: ErrorCode,
        /// What the client library says.
        reason: String,
    },
}

impl TransactionError {
    /// Whether the same call may be made again.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::Retriable { .. })
    }
}

/// A [`Producer`] with a `transactional.id`, whose records are visible to `read_committed` readers once
/// their transaction is committed.
///
/// # Contract
///
/// - [`init_transactions`](Self::init_transactions) comes first and fences every earlier producer with
///   the same id: whatever they do afterwards fails with [`TransactionError::Fenced`], and what they
///   had open is aborted.
/// - Then [`begin_transaction`](Self::begin_transaction), [`send`](Producer::send) and one of
///   [`commit_transaction`](Self::commit_transaction) and
///   [`abort_transaction`](Self::abort_transaction), again and again. A record that is sent without a
///   transaction is refused.
/// - Deliveries come as from every producer. One that failed makes the commit fail with
///   [`TransactionError::MustAbort`] (or worse), so that a commit that succeeds has written all.
/// - After an error with which nothing can be said of the outcome, the transaction is either visible as
///   a whole or not at all; the next producer with the id decides which.
#[async_trait]
pub trait TransactionalProducer: Producer {
    /// Takes the transactional id over. Called again only after a retriable error.
    async fn init_transactions(&mut self, timeout: Duration) -> Result<(), TransactionError>;

    /// Opens a transaction. Never blocks.
    fn begin_transaction(&mut self) -> Result<(), TransactionError>;

    /// Waits for the records of the transaction and makes them visible.
    async fn commit_transaction(&mut self, timeout: Duration) -> Result<(), TransactionError>;

    /// Drops the records of the transaction, also those that are still on their way.
    async fn abort_transaction(&mut self, timeout: Duration) -> Result<(), TransactionError>;
}

#[cfg(test)]
mod tests;
