//! What passes between a group and the herder that is its member.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::wire::WireError;

/// The settings of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.id`.
    pub group_id: String,
    /// `session.timeout.ms`: without a heartbeat for this long the group gives the member up.
    pub session_timeout: Duration,
    /// `rebalance.timeout.ms`: how long the group waits for members to rejoin, and how long the
    /// herder may go without a sign of life before the member leaves.
    pub rebalance_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
}

impl GroupConfig {
    /// Kafka's defaults for a worker of this group.
    pub fn new(group_id: impl Into<String>) -> Self {
        Self {
            group_id: group_id.into(),
            session_timeout: Duration::from_millis(10_000),
            rebalance_timeout: Duration::from_millis(60_000),
            heartbeat_interval: Duration::from_millis(3_000),
        }
    }

    /// How long a member keeps its work without a coordinator. With Kafka's settings that is
    /// `heartbeat.interval.ms`, as for a JVM worker; heartbeats that come more often do not shorten it,
    /// or work would stop at each short break.
    pub fn coordinator_patience(&self) -> Duration {
        self.heartbeat_interval.max(self.session_timeout * 3 / 10)
    }
}

/// One protocol a member offers, with its metadata in the bytes of that protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupProtocol {
    /// Its name.
    pub name: String,
    /// The member's metadata.
    pub metadata: Bytes,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberMetadata {
    /// Its member id.
    pub member_id: String,
    /// Its metadata, in the bytes of the chosen protocol.
    pub metadata: Bytes,
}

/// What the leader gives one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAssignment {
    /// The member.
    pub member_id: String,
    /// Its assignment, in the bytes of the chosen protocol.
    pub assignment: Bytes,
}

/// The outcome of a rebalance for this member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAssignment {
    /// The group's generation.
    pub generation: i32,
    /// This member's id in it.
    pub member_id: String,
    /// The leader's id; the same as `member_id` when this member leads.
    pub leader_id: String,
    /// The name of the chosen protocol.
    pub protocol: String,
    /// This member's assignment, in the bytes of that protocol.
    pub assignment: Bytes,
}

/// Why a membership is over for good.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The broker refused in a way that no retry mends, or cannot be spoken to.
    #[error("worker cannot be a member of group {group_id}: {source}")]
    Refused {
        /// The group.
        group_id: String,
        /// The refusal.
        source: WireError,
    },
    /// The answers of the broker contradict what this member asked for.
    #[error("worker cannot be a member of group {group_id}: {reason}")]
    Inconsistent {
        /// The group.
        group_id: String,
        /// The contradiction.
        reason: String,
    },
}

/// What a group wants of the herder, or tells it.
///
/// Events come in the order in which they must be acted on: an `Assigned` that is followed by a
/// `PrepareJoin` must take effect first. Heartbeats go on while the herder works on any of them,
/// for as long as it stays inside `rebalance.timeout.ms`.
///
/// A reply channel that is dropped without an answer means "not now": the member tries again
/// after a back-off, with a new `PrepareJoin`. Answering after the member has given up waiting is
/// harmless; the send just fails.
#[derive(Debug)]
pub enum GroupEvent {
    /// The member is about to join. The herder stops what the last protocol wants stopped (all
    /// for eager, nothing for cooperative), then answers with fresh metadata for each protocol it
    /// offers, most wanted first and never empty. May come several times before one `Assigned`.
    PrepareJoin {
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<GroupProtocol>>,
    },
    /// This member leads: the herder assigns work to all members, itself included, and answers
    /// with one assignment for each.
    PerformAssignment {
        /// The generation being formed. Not complete yet: others may still fail to sync.
        generation: i32,
        /// This member's id, which is the leader's.
        leader_id: String,
        /// The chosen protocol.
        protocol: String,
        /// Every member.
        members: Vec<MemberMetadata>,
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<MemberAssignment>>,
    },
    /// The rebalance is complete and this member has its assignment.
    Assigned(GroupAssignment),
    /// No coordinator has been reachable for [`GroupConfig::coordinator_patience`]; the group may have
    /// given this member's work to others, and the herder stops all of it and forgets the assignment.
    /// The member keeps trying and then rejoins. Comes at most once for each `Assigned`.
    CoordinatorLost {
        /// How long none was reachable.
        unreachable: Duration,
    },
    /// The member left because the herder gave no sign of life for `rebalance.timeout.ms`. Work
    /// goes on; the member rejoins at the next [`GroupMembership::poll_liveness`].
    Left {
        /// The reason given to the broker.
        reason: String,
    },
    /// The membership is over and the channel ends. The herder stops all work.
    Fatal(GroupError),
}

/// A worker's place in its Connect group.
///
/// The member joins as soon as it is made. None of the calls waits for a broker but `leave` and
/// `shutdown`, which are bounded in time. Dropping the receiver of the events ends the
/// membership like `shutdown`.
#[async_trait]
pub trait GroupMembership: Send + Sync {
    /// Asks for a new rebalance, or for a first join after [`Self::leave`]. Requests that come
    /// before the member has asked for fresh metadata are one; one that comes later causes
    /// another rebalance after the running one.
    fn request_rejoin(&self, reason: &str);

    /// A sign of life. The herder gives one on each turn of its loop, at the least every half of
    /// `rebalance.timeout.ms`; an answer to an event counts as one as well.
    fn poll_liveness(&self);

    /// Leaves the group, best effort, and stays out until [`Self::request_rejoin`]. Returns when
    /// the broker has answered or cannot be reached. Work in hand is the caller's to keep or stop.
    async fn leave(&self, reason: &str);

    /// Leaves the group, best effort, and ends the membership: the event channel closes. Returns
    /// at once when it is over already.
    async fn shutdown(&self, reason: &str);
}
