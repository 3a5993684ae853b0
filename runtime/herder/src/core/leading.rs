//! What the leader of the group does: it shares out the work and knows who has it.

use super::assignor::{self, Round, Share};
use super::leaving::says_farewell;
use super::rebalance::PendingAssignment;
use super::{Core, Effect, View};
use connect_kafka::group::protocol::{Assignment, AssignmentError, ConnectProtocol, Metadata};
use connect_kafka::group::{MemberAssignment, MemberMetadata};
use connect_store::ConnectorTaskId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Who runs what: the URLs of workers, by connector and task.
#[derive(Default)]
pub(super) struct Owners {
    connectors: HashMap<Arc<str>, Arc<str>>,
    tasks: HashMap<ConnectorTaskId, Arc<str>>,
}

impl Owners {
    /// What members had and keep, and what they get.
    fn after(members: &[(String, Metadata)], round: &Round) -> Self {
        let mut owners = Self::default();
        for ((_, metadata), share) in members.iter().zip(&round.shares) {
            let url: Arc<str> = metadata.url.as_str().into();
            let kept = metadata
                .current_assignment
                .as_ref()
                .map(|current| &current.assigned);
            for work in kept.into_iter().chain([&share.assigned]) {
                for connector in &work.connectors {
                    if !share.revoked.connectors.contains(connector) {
                        owners.connectors.insert(connector.clone(), url.clone());
                    }
                }
                for task in &work.tasks {
                    if !share.revoked.tasks.contains(task) {
                        owners.tasks.insert(task.clone(), url.clone());
                    }
                }
            }
        }
        owners
    }

    pub(super) fn of_connector(&self, connector: &str) -> Option<&str> {
        self.connectors.get(connector).map(AsRef::as_ref)
    }

    pub(super) fn of_task(&self, task: &ConnectorTaskId) -> Option<&str> {
        self.tasks.get(task).map(AsRef::as_ref)
    }
}

impl Core {
    pub(super) fn on_perform_assignment(
        &mut self,
        generation: i32,
        leader_id: String,
        protocol: String,
        members: Vec<MemberMetadata>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(protocol) = ConnectProtocol::from_name(&protocol) else {
            tracing::error!(
                protocol,
                "the group chose a protocol that this worker did not offer"
            );
            effects.push(Effect::AssignmentReply(Vec::new()));
            return;
        };
        let mut decoded = Vec::with_capacity(members.len());
        for member in members {
            match Metadata::decode(&member.metadata) {
                Ok(metadata) => decoded.push((member.member_id, metadata)),
                // It is one of the group all the same, and may read its assignment.
                Err(error) => {
                    tracing::error!(
                        member = member.member_id,
                        "the metadata of a member cannot be read, so it counts as one that runs nothing: {error}"
                    );
                    decoded.push((
                        member.member_id,
                        Metadata {
                            version: protocol.version(),
                            url: String::new(),
                            config_offset: -1,
                            current_assignment: None,
                        },
                    ));
                }
            }
        }
        let max_offset = decoded
            .iter()
            .map(|(_, metadata)| metadata.config_offset)
            .max()
            .unwrap_or(-1);
        if view.configs.offset() < max_offset {
            self.pending_assignment = Some(PendingAssignment::Perform {
                generation,
                leader_id,
                protocol,
                members: decoded,
                max_offset,
            });
            effects.push(Effect::Refresh {
                timeout: self.config.sync_timeout,
            });
            return;
        }
        let offset = view.configs.offset();
        self.reply_with_assignments(
            generation, &leader_id, protocol, &decoded, offset, None, view, effects,
        );
    }

    #[allow(clippy::too_many_arguments, reason = "each is a fact of one rebalance")]
    pub(super) fn reply_with_assignments(
        &mut self,
        generation: i32,
        leader_id: &str,
        protocol: ConnectProtocol,
        members: &[(String, Metadata)],
        config_offset: i64,
        failure: Option<AssignmentError>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let leader_url = members
            .iter()
            .find(|(member, _)| member == leader_id)
            .map_or(self.config.worker_url.clone(), |(_, metadata)| {
                metadata.url.clone()
            });
        let round = match failure {
            Some(_) => Round {
                shares: vec![Share::default(); members.len()],
                delay: Duration::ZERO,
            },
            None => self.share_out(generation, protocol, members, view),
        };
        self.owners = Owners::after(members, &round);
        self.num_members = members.len();
        let delay_ms = i32::try_from(round.delay.as_millis()).unwrap_or(i32::MAX);
        let replies = members
            .iter()
            .zip(round.shares)
            .filter_map(|((member_id, _), share)| {
                let assignment = Assignment {
                    version: protocol.version(),
                    error: failure.unwrap_or(AssignmentError::None),
                    leader_id: leader_id.to_string(),
                    leader_url: leader_url.clone(),
                    config_offset,
                    assigned: share.assigned,
                    revoked: share.revoked,
                    delay_ms,
                };
                match assignment.encode() {
                    Ok(assignment) => Some(MemberAssignment {
                        member_id: member_id.clone(),
                        assignment,
                    }),
                    Err(error) => {
                        tracing::error!(member_id, "an assignment cannot be written: {error}");
                        None
                    }
                }
            })
            .collect();
        effects.push(Effect::AssignmentReply(replies));
    }

    /// Decides who gets what, as the leader.
    fn share_out(
        &mut self,
        generation: i32,
        protocol: ConnectProtocol,
        members: &[(String, Metadata)],
        view: &View<'_>,
    ) -> Round {
        let configured = assignor::configured(view.configs);
        if protocol == ConnectProtocol::Eager {
            let members: Vec<&str> = members.iter().map(|(id, _)| id.as_str()).collect();
            return Round {
                shares: assignor::assign_round_robin(&members, configured),
                delay: Duration::ZERO,
            };
        }
        let (mut staying, mut places) = (Vec::new(), Vec::new());
        for (place, (id, metadata)) in members.iter().enumerate() {
            if says_farewell(metadata) {
                self.assignor.take_leave_of(id);
                continue;
            }
            let current = metadata.current_assignment.as_ref();
            let work = current.map(|assignment| assignment.assigned.clone());
            staying.push((id.as_str(), work.unwrap_or_default()));
            places.push(place);
        }
        if staying.is_empty() {
            return Round {
                shares: vec![Share::default(); members.len()],
                delay: Duration::ZERO,
            };
        }
        let round = self.assignor.assign(
            view.now,
            self.last_completed_generation,
            generation,
            &configured,
            &staying,
        );
        let mut shares = vec![Share::default(); members.len()];
        for (place, share) in places.into_iter().zip(round.shares) {
            shares[place] = share;
        }
        Round {
            shares,
            delay: round.delay,
        }
    }
}
