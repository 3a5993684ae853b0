//! Cluster administration: topics, their configurations, and offsets of groups.

mod fake;
mod librdkafka;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::error::ErrorCode;
use crate::record::{PartitionOffset, TopicPartition};

pub use fake::FakeAdmin;
pub use librdkafka::LibrdkafkaAdmin;

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Name of the topic.
    pub name: String,
    /// Number of partitions; `-1` takes the broker's `num.partitions`.
    pub num_partitions: i32,
    /// Replication factor; `-1` takes the broker's `default.replication.factor`.
    pub replication_factor: i16,
    /// Topic settings, for example `cleanup.policy`.
    pub configs: BTreeMap<String, String>,
}

/// What [`Admin::create_topic`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicCreation {
    /// The topic was created by this call.
    Created,
    /// The topic was there already; nothing was changed.
    Existed,
}

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Name of the topic.
    pub name: String,
    /// Number of partitions.
    pub num_partitions: i32,
}

/// First and next offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// Offset of the first record that still exists.
    pub low: i64,
    /// Offset that the next record will get.
    pub high: i64,
}

/// Why an administration call failed. Each text names the operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// The settings were refused by the client library.
    #[error("the admin client can't be made from its settings: {0}")]
    InvalidConfig(String),
    /// The principal lacks a permission.
    #[error("{operation} is not permitted for this principal: {code}")]
    NotAuthorized {
        /// What was asked for, with its object.
        operation: String,
        /// Code of the refusal.
        code: ErrorCode,
    },
    /// Fewer brokers are alive than the replication factor asks for; more may come.
    #[error(
        "{operation} failed because the replication factor is larger than the number of brokers \
         that are alive"
    )]
    InvalidReplicationFactor {
        /// What was asked for, with its object.
        operation: String,
    },
    /// The brokers don't offer the request, or not in the version needed. The embedded broker
    /// of `dovetail quickstart` offers neither creation nor configurations of topics.
    #[error("{operation} is not supported by the brokers")]
    Unsupported {
        /// What was asked for, with its object.
        operation: String,
    },
    /// The topic does not exist.
    #[error("{operation} failed because topic {topic} does not exist")]
    UnknownTopic {
        /// What was asked for.
        operation: String,
        /// The missing topic.
        topic: String,
    },
    /// The group has members, which alone may change its offsets.
    #[error("{operation} failed because the group has members: {code}")]
    GroupInUse {
        /// What was asked for, with its object.
        operation: String,
        /// Code of the refusal.
        code: ErrorCode,
    },
    /// The brokers refused the settings of a topic.
    #[error("{operation} was refused: {code}")]
    InvalidRequest {
        /// What was asked for, with its object.
        operation: String,
        /// Code of the refusal.
        code: ErrorCode,
    },
    /// No broker answered in time.
    #[error(
        "{operation} had no answer from the brokers {bootstrap_servers} within {timeout_ms} ms: \
         are they running and reachable with these settings?{}",
        reason.as_deref().map(|reason| format!(" The last error was: {reason}")).unwrap_or_default()
    )]
    Timeout {
        /// What was asked for, with its object.
        operation: String,
        /// The brokers asked.
        bootstrap_servers: String,
        /// How long the answer was waited for.
        timeout_ms: u64,
        /// What the client library complained of meanwhile.
        reason: Option<String>,
    },
    /// Any other failure.
    #[error("{operation} failed: {code}")]
    Failed {
        /// What was asked for, with its object.
        operation: String,
        /// Code of the failure.
        code: ErrorCode,
    },
}

impl AdminError {
    /// Whether the same call can succeed later without anybody changing a setting.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::InvalidReplicationFactor { .. } => true,
            Self::Failed { code, .. } => code.is_retriable(),
            _ => false,
        }
    }
}

/// Asks and changes things of the cluster. Calls are rare, so an implementation may connect
/// anew for each; none of them blocks the calling thread. Every call ends within the
/// client's `default.api.timeout.ms`.
#[async_trait]
pub trait Admin: Send + Sync {
    /// The cluster's id, as `GET /` of the REST API shows it.
    async fn cluster_id(&self) -> Result<String, AdminError>;

    /// Describes a topic; `None` if it does not exist. Never creates it (but on the embedded
    /// broker, where topics appear when they are asked for).
    async fn describe_topic(&self, topic: &str) -> Result<Option<TopicDescription>, AdminError>;

    /// Creates a topic.
    async fn create_topic(&self, topic: &NewTopic) -> Result<TopicCreation, AdminError>;

    /// The settings of a topic, defaults included. Values of secret settings are absent.
    async fn topic_configs(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError>;

    /// All committed offsets of a consumer group; empty if the group does not exist.
    async fn list_consumer_group_offsets(
        &self,
        group_id: &str,
    ) -> Result<Vec<PartitionOffset>, AdminError>;

    /// Commits offsets for a consumer group that has no members; the group comes to exist. After an
    /// error some of them may have been committed.
    async fn alter_consumer_group_offsets(
        &self,
        group_id: &str,
        offsets: &[PartitionOffset],
    ) -> Result<(), AdminError>;

    /// Removes committed offsets of a consumer group whose members, if any, do not read these topics.
    async fn delete_consumer_group_offsets(
        &self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<(), AdminError>;

    /// Deletes a consumer group with its offsets; it must have no members. One that does not exist is
    /// deleted already.
    async fn delete_consumer_group(&self, group_id: &str) -> Result<(), AdminError>;

    /// First and next offset of a partition.
    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, AdminError>;
}
