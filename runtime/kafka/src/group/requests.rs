//! The four requests of a group member, with the fields that each version has room for.

use std::time::Duration;

use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::events::{GroupConfig, GroupProtocol, MemberAssignment};
use crate::wire::{BrokerConnection, WireError};

/// The protocol type of every Connect group.
pub(super) const PROTOCOL_TYPE: &str = "connect";

/// Brokers refuse longer reasons.
const REASON_MAX_NUM_CHARS: usize = 255;
/// From here on JoinGroup carries the reason.
const JOIN_GROUP_REASON: i16 = 8;
/// From here on SyncGroup carries the protocol type and name, for the broker to check.
const SYNC_GROUP_PROTOCOL: i16 = 5;
/// From here on LeaveGroup carries a list of members in place of one.
const LEAVE_GROUP_BATCH: i16 = 3;
/// From here on LeaveGroup carries the reason.
const LEAVE_GROUP_REASON: i16 = 5;

/// Who is asking, and in which generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) group_id: &'a str,
    pub(super) member_id: &'a str,
    pub(super) generation: i32,
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn short_reason(reason: &str) -> StrBytes {
    StrBytes::from_string(reason.chars().take(REASON_MAX_NUM_CHARS).collect())
}

fn timeout_ms(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

pub(super) async fn join_group(
    connection: &mut BrokerConnection,
    config: &GroupConfig,
    member_id: &str,
    protocols: &[GroupProtocol],
    reason: &str,
    timeout: Duration,
) -> Result<JoinGroupResponse, WireError> {
    let build = |version: i16| {
        let protocols = protocols
            .iter()
            .map(|protocol| {
                JoinGroupRequestProtocol::default()
                    .with_name(text(&protocol.name))
                    .with_metadata(protocol.metadata.clone())
            })
            .collect();
        JoinGroupRequest::default()
            .with_group_id(GroupId(text(&config.group_id)))
            .with_session_timeout_ms(timeout_ms(config.session_timeout))
            .with_rebalance_timeout_ms(timeout_ms(config.rebalance_timeout))
            .with_member_id(text(member_id))
            .with_protocol_type(StrBytes::from_static_str(PROTOCOL_TYPE))
            .with_protocols(protocols)
            .with_reason((version >= JOIN_GROUP_REASON).then(|| short_reason(reason)))
    };
    connection.send(timeout, build).await
}

pub(super) async fn sync_group(
    connection: &mut BrokerConnection,
    asker: Asker<'_>,
    protocol: &str,
    assignments: Vec<MemberAssignment>,
    timeout: Duration,
) -> Result<SyncGroupResponse, WireError> {
    let build = |version: i16| {
        let assignments = assignments
            .into_iter()
            .map(|member| {
                SyncGroupRequestAssignment::default()
                    .with_member_id(StrBytes::from_string(member.member_id))
                    .with_assignment(member.assignment)
            })
            .collect();
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId(text(asker.group_id)))
            .with_generation_id(asker.generation)
            .with_member_id(text(asker.member_id))
            .with_assignments(assignments);
        if version < SYNC_GROUP_PROTOCOL {
            return request;
        }
        request
            .with_protocol_type(Some(StrBytes::from_static_str(PROTOCOL_TYPE)))
            .with_protocol_name(Some(text(protocol)))
    };
    connection.send(timeout, build).await
}

pub(super) async fn heartbeat(
    connection: &mut BrokerConnection,
    asker: Asker<'_>,
    timeout: Duration,
) -> Result<HeartbeatResponse, WireError> {
    let build = |_| {
        HeartbeatRequest::default()
            .with_group_id(GroupId(text(asker.group_id)))
            .with_generation_id(asker.generation)
            .with_member_id(text(asker.member_id))
    };
    connection.send(timeout, build).await
}

pub(super) async fn leave_group(
    connection: &mut BrokerConnection,
    asker: Asker<'_>,
    reason: &str,
    timeout: Duration,
) -> Result<LeaveGroupResponse, WireError> {
    let build = |version: i16| {
        let request = LeaveGroupRequest::default().with_group_id(GroupId(text(asker.group_id)));
        if version < LEAVE_GROUP_BATCH {
            return request.with_member_id(text(asker.member_id));
        }
        let member = MemberIdentity::default()
            .with_member_id(text(asker.member_id))
            .with_reason((version >= LEAVE_GROUP_REASON).then(|| short_reason(reason)));
        request.with_members(vec![member])
    };
    connection.send(timeout, build).await
}
