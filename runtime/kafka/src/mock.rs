//! An embedded broker that keeps nothing: librdkafka's mock cluster.

use rdkafka::mocking::MockCluster as NativeMockCluster;
use rdkafka::producer::DefaultProducerContext;

/// Brokers on real sockets of this process, for `dovetail quickstart` and for tests. They hold
/// topics and group offsets in memory until this object is dropped.
///
/// They know neither creation nor configurations of topics: a topic appears with four
/// partitions when a client that may create topics first asks for it, or through
/// [`create_topic`](Self::create_topic).
pub struct MockCluster {
    native: NativeMockCluster<'static, DefaultProducerContext>,
}

// SAFETY: the library guards the cluster by a lock of its own; it belongs to no thread.
unsafe impl Send for MockCluster {}
// SAFETY: as above; all methods take the library's lock.
unsafe impl Sync for MockCluster {}

/// Why the embedded broker failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the embedded Kafka broker can't {operation}: {reason}")]
pub struct MockClusterError {
    operation: String,
    reason: String,
}

impl MockCluster {
    /// Starts brokers on free ports of 127.0.0.1.
    pub fn start(num_brokers: i32) -> Result<Self, MockClusterError> {
        let native = NativeMockCluster::new(num_brokers).map_err(|error| MockClusterError {
            operation: "start".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { native })
    }

    /// What clients set as `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        self.native.bootstrap_servers()
    }

    /// Creates a topic.
    pub fn create_topic(
        &self,
        name: &str,
        num_partitions: i32,
        replication_factor: i32,
    ) -> Result<(), MockClusterError> {
        self.native
            .create_topic(name, num_partitions, replication_factor)
            .map_err(|error| MockClusterError {
                operation: format!("create topic {name}"),
                reason: error.to_string(),
            })
    }
}

impl std::fmt::Debug for MockCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockCluster")
            .field("bootstrap_servers", &self.bootstrap_servers())
            .finish()
    }
}
