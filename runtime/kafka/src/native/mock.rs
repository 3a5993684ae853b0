//! The library's mock cluster. rdkafka has a safe face for it, without the setting below.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;

use super::{ClientKind, NativeClient, check, timeout_ms};
use crate::client_config::NativeConfig;
use crate::error::ErrorCode;

/// Brokers in this process.
pub(crate) struct NativeMockCluster {
    ptr: NonNull<sys::rd_kafka_mock_cluster_t>,
    // The client whose threads serve the brokers.
    _client: Arc<NativeClient>,
}

// SAFETY: the library guards the cluster by a lock of its own; it belongs to no thread.
unsafe impl Send for NativeMockCluster {}
// SAFETY: as above; every call takes the library's lock.
unsafe impl Sync for NativeMockCluster {}

impl NativeMockCluster {
    pub(crate) fn new(num_brokers: i32) -> Result<Self, String> {
        let client = NativeClient::new(&NativeConfig::default(), ClientKind::Producer, 0)?;
        // SAFETY: the client is alive; the result is null or ours.
        let ptr = unsafe { sys::rd_kafka_mock_cluster_new(client.ptr(), num_brokers) };
        Ok(Self {
            ptr: NonNull::new(ptr).ok_or("it could not listen on 127.0.0.1")?,
            _client: client,
        })
    }

    pub(crate) fn bootstrap_servers(&self) -> String {
        // SAFETY: the cluster is alive; the text is terminated and lives as long as it.
        let text =
            unsafe { CStr::from_ptr(sys::rd_kafka_mock_cluster_bootstraps(self.ptr.as_ptr())) };
        text.to_string_lossy().into_owned()
    }

    pub(crate) fn create_topic(
        &self,
        name: &str,
        num_partitions: i32,
        replication_factor: i32,
    ) -> Result<(), ErrorCode> {
        let name = CString::new(name).map_err(|_| ErrorCode::UNKNOWN_TOPIC)?;
        // SAFETY: cluster and name are alive.
        check(unsafe {
            sys::rd_kafka_mock_topic_create(
                self.ptr.as_ptr(),
                name.as_ptr(),
                num_partitions,
                replication_factor,
            )
        })
    }

    /// How long a new group waits for more members.
    pub(crate) fn set_initial_rebalance_delay(&self, delay: Duration) {
        // SAFETY: the cluster is alive.
        unsafe {
            sys::rd_kafka_mock_group_initial_rebalance_delay_ms(
                self.ptr.as_ptr(),
                timeout_ms(delay),
            );
        }
    }
}

impl Drop for NativeMockCluster {
    fn drop(&mut self) {
        // SAFETY: the cluster is ours and destroyed once, before its client.
        unsafe { sys::rd_kafka_mock_cluster_destroy(self.ptr.as_ptr()) };
    }
}
