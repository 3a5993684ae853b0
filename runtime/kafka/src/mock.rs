//! An embedded broker that keeps nothing: librdkafka's mock cluster.

use std::time::Duration;

use crate::native::NativeMockCluster;

/// Brokers on real sockets of this process, for `dovetail quickstart` and for tests. They hold
/// topics and group offsets in memory until this object is dropped.
///
/// They know neither creation nor configurations of topics: a topic appears with four
/// partitions when a client that may create topics first asks for it, or through
/// [`create_topic`](Self::create_topic). A fetch that waits is not woken by new records, so
/// consumers want a short `fetch.max.wait.ms`; and a group that a member has left waits for its
/// `session.timeout.ms` before it goes on, so members want a short one.
pub struct MockCluster {
    native: NativeMockCluster,
}

/// How long a new group waits for more members. A broker's 3 s serve clusters of many; here
/// one process starts all there are.
const INITIAL_REBALANCE_DELAY: Duration = Duration::from_millis(100);

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
        let native = NativeMockCluster::new(num_brokers).map_err(|reason| MockClusterError {
            operation: "start".to_owned(),
            reason,
        })?;
        native.set_initial_rebalance_delay(INITIAL_REBALANCE_DELAY);
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
            .map_err(|code| MockClusterError {
                operation: format!("create topic {name}"),
                reason: code.to_string(),
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
