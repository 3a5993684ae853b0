//! Transactions whose ends the connector chooses (`transaction.boundary=connector`, KIP-618).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a source task says at which of its records a transaction ends.
///
/// A task finds it with [`SourceTaskContext::transaction_context`](crate::SourceTaskContext::transaction_context)
/// and asks for commits and aborts in [`SourceTask::poll`](crate::SourceTask::poll), right before it
/// returns the batch that they are about: with nothing awaited in between, as the future may be dropped
/// at every await.
///
/// - A transaction begins with the first record after the end of the one before.
/// - The records of an aborted transaction never show to `read_committed` readers. Their source offsets
///   are stored nevertheless, so that the task does not read them again.
/// - To ask for both commit and abort of the same thing fails the task.
/// - What is open when the task ends without such a request is aborted, offsets included.
///
/// Clones are the same context.
#[derive(Clone, Default)]
pub struct TransactionContext {
    requests: Arc<Mutex<TransactionRequests>>,
}

/// What a task has asked for since it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionRequests {
    /// Commit after the batch.
    pub commit_batch: bool,
    /// Abort after the batch.
    pub abort_batch: bool,
    /// Commit after each of the records at these indices of the batch.
    pub commit_records: BTreeSet<usize>,
    /// Abort after each of the records at these indices of the batch.
    pub abort_records: BTreeSet<usize>,
}

impl TransactionContext {
    /// A context without requests; the runtime (or a test) makes one for each task.
    pub fn new() -> Self {
        Self::default()
    }

    fn requests(&self) -> MutexGuard<'_, TransactionRequests> {
        // Nothing panics while it is held.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits the transaction after the last record of the batch that is returned next; of an empty
    /// batch, what is open.
    pub fn commit_transaction(&self) {
        self.requests().commit_batch = true;
    }

    /// Commits the transaction after the record at `index` of the batch that is returned next.
    pub fn commit_transaction_at(&self, index: usize) {
        self.requests().commit_records.insert(index);
    }

    /// Aborts the transaction after the last record of the batch that is returned next; of an empty
    /// batch, what is open.
    pub fn abort_transaction(&self) {
        self.requests().abort_batch = true;
    }

    /// Aborts the transaction after the record at `index` of the batch that is returned next: that
    /// record, and those before it back to the last end of a transaction.
    pub fn abort_transaction_at(&self, index: usize) {
        self.requests().abort_records.insert(index);
    }

    /// What was asked for since the last call. For the runtime, and for tests of connectors.
    pub fn take_requests(&self) -> TransactionRequests {
        std::mem::take(&mut *self.requests())
    }
}

impl fmt::Debug for TransactionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.requests().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_once_whichever_clone_made_them() {
        let context = TransactionContext::new();
        context.clone().commit_transaction();
        context.commit_transaction_at(3);
        context.clone().abort_transaction_at(1);
        let taken = context.take_requests();
        assert!(taken.commit_batch && !taken.abort_batch);
        assert_eq!(taken.commit_records, BTreeSet::from([3]));
        assert_eq!(taken.abort_records, BTreeSet::from([1]));
        assert_eq!(context.take_requests(), TransactionRequests::default());
        context.abort_transaction();
        assert!(context.take_requests().abort_batch);
    }
}
