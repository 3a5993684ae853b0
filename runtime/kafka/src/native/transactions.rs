//! Transactions of a producer. Each call blocks until the coordinator has answered.

use std::ffi::CStr;
use std::time::Duration;

use rdkafka::bindings as sys;

use super::{NativeClient, timeout_ms};
use crate::error::ErrorCode;

/// Why a call failed, and what the library says that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransactionFailure {
    pub(crate) code: ErrorCode,
    pub(crate) reason: String,
    pub(crate) is_fatal: bool,
    pub(crate) is_retriable: bool,
    pub(crate) requires_abort: bool,
}

/// Takes over what a call returned.
fn outcome(error: *mut sys::rd_kafka_error_t) -> Result<(), TransactionFailure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the object is not null and ours; it is destroyed once, after its parts were copied.
    unsafe {
        let failure = TransactionFailure {
            code: sys::rd_kafka_error_code(error).into(),
            reason: CStr::from_ptr(sys::rd_kafka_error_string(error))
                .to_string_lossy()
                .into_owned(),
            is_fatal: sys::rd_kafka_error_is_fatal(error) != 0,
            is_retriable: sys::rd_kafka_error_is_retriable(error) != 0,
            requires_abort: sys::rd_kafka_error_txn_requires_abort(error) != 0,
        };
        sys::rd_kafka_error_destroy(error);
        Err(failure)
    }
}

impl NativeClient {
    /// Fences whoever used the transactional id before, and ends what they left open.
    pub(crate) fn init_transactions(&self, timeout: Duration) -> Result<(), TransactionFailure> {
        // SAFETY: the client is alive, and it is a producer.
        outcome(unsafe { sys::rd_kafka_init_transactions(self.ptr(), timeout_ms(timeout)) })
    }

    /// Does not block.
    pub(crate) fn begin_transaction(&self) -> Result<(), TransactionFailure> {
        // SAFETY: as above.
        outcome(unsafe { sys::rd_kafka_begin_transaction(self.ptr()) })
    }

    /// Flushes and commits; another thread must serve the delivery queue meanwhile.
    pub(crate) fn commit_transaction(&self, timeout: Duration) -> Result<(), TransactionFailure> {
        // SAFETY: as above.
        outcome(unsafe { sys::rd_kafka_commit_transaction(self.ptr(), timeout_ms(timeout)) })
    }

    /// Purges and aborts; another thread must serve the delivery queue meanwhile.
    pub(crate) fn abort_transaction(&self, timeout: Duration) -> Result<(), TransactionFailure> {
        // SAFETY: as above.
        outcome(unsafe { sys::rd_kafka_abort_transaction(self.ptr(), timeout_ms(timeout)) })
    }
}
