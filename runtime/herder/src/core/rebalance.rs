//! Joining the group, assigning work as its leader, and starting what was assigned.

use super::assignor::{self, Round, Share};
use super::{Core, Effect, Member, View};
use connect_kafka::group::protocol::{
    Assignment, AssignmentError, ConnectProtocol, ConnectorsAndTasks, Metadata,
};
use connect_kafka::group::{GroupAssignment, GroupProtocol, MemberAssignment, MemberMetadata};
use connect_store::{ConnectorTaskId, TargetState};
use std::collections::BTreeSet;
use std::time::Duration;

/// What waits for the config topic to be read.
pub(crate) enum PendingAssignment {
    /// This worker leads and lacks records that a member has read.
    Perform {
        generation: i32,
        leader_id: String,
        protocol: ConnectProtocol,
        members: Vec<(String, Metadata)>,
        max_offset: i64,
    },
    /// This worker has an assignment for configurations that it has not read.
    Start { had_revocations: bool },
    /// The assignment failed; after reading, the group is joined anew.
    Rejoin,
}

impl Core {
    pub(super) fn on_prepare_join(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        if self
            .member
            .as_ref()
            .is_some_and(|member| member.protocol == ConnectProtocol::Eager)
        {
            self.stop_everything(effects);
        }
        let protocols = self
            .config
            .protocol
            .listed()
            .iter()
            .filter_map(|protocol| {
                let metadata = Metadata {
                    version: protocol.version(),
                    url: self.config.worker_url.clone(),
                    config_offset: view.configs.offset(),
                    current_assignment: self.current_assignment(*protocol),
                };
                match metadata.encode() {
                    Ok(metadata) => Some(GroupProtocol {
                        name: protocol.name().to_string(),
                        metadata,
                    }),
                    Err(error) => {
                        tracing::error!(
                            "the metadata for the protocol {} cannot be written: {error}",
                            protocol.name()
                        );
                        None
                    }
                }
            })
            .collect();
        effects.push(Effect::JoinReply(protocols));
    }

    fn current_assignment(&self, protocol: ConnectProtocol) -> Option<Assignment> {
        let member = self.member.as_ref()?;
        if self.assignment.is_empty() || protocol == ConnectProtocol::Eager {
            return None;
        }
        Some(Assignment {
            version: protocol.version(),
            error: AssignmentError::None,
            leader_id: member.leader_id.clone(),
            leader_url: member.leader_url.clone(),
            config_offset: member.config_offset,
            assigned: self.assignment.clone(),
            revoked: ConnectorsAndTasks::default(),
            delay_ms: 0,
        })
    }

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
                // Without its metadata nothing can be given to it; it gets an empty assignment below.
                Err(error) => {
                    tracing::error!(
                        member = member.member_id,
                        "the metadata of a member cannot be read, it gets no work: {error}"
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
    fn reply_with_assignments(
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
        let members: Vec<(&str, ConnectorsAndTasks)> = members
            .iter()
            .map(|(id, metadata)| {
                let current = metadata.current_assignment.as_ref();
                let work = current.map(|assignment| assignment.assigned.clone());
                (id.as_str(), work.unwrap_or_default())
            })
            .collect();
        self.assignor.assign(
            view.now,
            self.last_completed_generation,
            generation,
            &configured,
            &members,
        )
    }

    pub(super) fn on_assigned(
        &mut self,
        group: &GroupAssignment,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let (protocol, assignment) = match (
            ConnectProtocol::from_name(&group.protocol),
            Assignment::decode(&group.assignment),
        ) {
            (Some(protocol), Ok(assignment)) => (protocol, assignment),
            (_, Err(error)) => {
                tracing::error!("the assignment of this worker cannot be read: {error}");
                effects.push(Effect::RequestRejoin("unreadable assignment".to_string()));
                return;
            }
            (None, Ok(_)) => {
                effects.push(Effect::RequestRejoin("unknown protocol".to_string()));
                return;
            }
        };
        tracing::info!(
            "Joined group at generation {} with protocol version {} and got assignment: \
             {} connectors, {} tasks, {} to be revoked, config offset {}, leader {}, delay {} ms",
            group.generation,
            assignment.version,
            assignment.assigned.connectors.len(),
            assignment.assigned.tasks.len(),
            assignment.revoked.connectors.len() + assignment.revoked.tasks.len(),
            assignment.config_offset,
            assignment.leader_url,
            assignment.delay_ms
        );
        let member = Member {
            generation: group.generation,
            member_id: group.member_id.clone(),
            leader_id: group.leader_id.clone(),
            leader_url: assignment.leader_url.clone(),
            protocol,
            config_offset: assignment.config_offset,
        };
        effects.push(Effect::MembershipChanged {
            generation: member.generation,
            is_leader: member.is_leader(),
            leader_url: member.leader_url.clone(),
            protocol,
        });
        let is_leader = member.is_leader();
        self.last_completed_generation = member.generation;
        self.member = Some(member);
        self.scheduled_rebalance = u64::try_from(assignment.delay_ms)
            .ok()
            .filter(|delay_ms| *delay_ms > 0)
            .map(|delay_ms| view.now + Duration::from_millis(delay_ms));
        let had_revocations = !assignment.revoked.is_empty();
        self.take_over(protocol, &assignment, effects);

        let offset = view.configs.offset();
        if assignment.error != AssignmentError::None {
            tracing::warn!(
                "the assignment failed because the leader had not read all configurations"
            );
            if is_leader || offset < assignment.config_offset {
                self.refresh_then(PendingAssignment::Rejoin, effects);
            } else {
                effects.push(Effect::RequestRejoin("failed assignment".to_string()));
            }
        } else if offset < assignment.config_offset {
            tracing::warn!("Catching up to assignment's config offset.");
            self.refresh_then(PendingAssignment::Start { had_revocations }, effects);
        } else {
            self.start_if_current(had_revocations, view, effects);
        }
    }

    fn refresh_then(&mut self, then: PendingAssignment, effects: &mut Vec<Effect>) {
        self.pending_assignment = Some(then);
        effects.push(Effect::Refresh {
            timeout: self.config.sync_timeout,
        });
    }

    /// Stops what was revoked (or, under the eager protocol, is simply not assigned any more) and notes
    /// what this worker owns now.
    fn take_over(
        &mut self,
        protocol: ConnectProtocol,
        assignment: &Assignment,
        effects: &mut Vec<Effect>,
    ) {
        if protocol == ConnectProtocol::Eager {
            self.assignment = assignment.assigned.clone();
            return;
        }
        let revoked = &assignment.revoked;
        let connectors: BTreeSet<String> =
            revoked.connectors.iter().map(ToString::to_string).collect();
        let tasks: BTreeSet<ConnectorTaskId> = revoked.tasks.iter().cloned().collect();
        self.stop(connectors, tasks, effects);
        let owned = &mut self.assignment;
        owned
            .connectors
            .retain(|connector| !revoked.connectors.contains(connector));
        owned.tasks.retain(|task| !revoked.tasks.contains(task));
        for connector in &assignment.assigned.connectors {
            if !owned.connectors.contains(connector) {
                owned.connectors.push(connector.clone());
            }
        }
        for task in &assignment.assigned.tasks {
            if !owned.tasks.contains(task) {
                owned.tasks.push(task.clone());
            }
        }
    }

    /// Stops those of the given connectors and tasks that run.
    pub(super) fn stop(
        &mut self,
        connectors: BTreeSet<String>,
        tasks: BTreeSet<ConnectorTaskId>,
        effects: &mut Vec<Effect>,
    ) {
        let connectors: Vec<String> = connectors
            .into_iter()
            .filter(|connector| self.running_connectors.remove(connector))
            .collect();
        let tasks: Vec<ConnectorTaskId> = tasks
            .into_iter()
            .filter(|task| self.running_tasks.remove(task))
            .collect();
        self.expiries.forget(&connectors, &tasks);
        if !connectors.is_empty() {
            effects.push(Effect::StopConnectors(connectors));
        }
        if !tasks.is_empty() {
            effects.push(Effect::StopTasks(tasks));
        }
    }

    pub(super) fn stop_everything(&mut self, effects: &mut Vec<Effect>) {
        let connectors = self.running_connectors.clone();
        let tasks = self.running_tasks.clone();
        self.stop(connectors, tasks, effects);
        self.assignment = ConnectorsAndTasks::default();
    }

    pub(super) fn on_coordinator_lost(&mut self, effects: &mut Vec<Effect>) {
        tracing::warn!(
            "the group coordinator is out of reach: others may have been given this worker's work, so \
             all of it is stopped until the group is joined again"
        );
        self.stop_everything(effects);
        self.member = None;
        self.pending_assignment = None;
        self.scheduled_rebalance = None;
    }

    pub(super) fn on_refreshed(
        &mut self,
        result: Result<(), String>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(pending) = self.pending_assignment.take() else {
            return;
        };
        if let Err(reason) = &result {
            tracing::warn!("the config topic could not be read to its end: {reason}");
        }
        match pending {
            PendingAssignment::Perform {
                generation,
                leader_id,
                protocol,
                members,
                max_offset,
            } => {
                let offset = view.configs.offset();
                let failure = (offset < max_offset).then_some(AssignmentError::ConfigMismatch);
                let offset = offset.max(max_offset);
                self.reply_with_assignments(
                    generation, &leader_id, protocol, &members, offset, failure, view, effects,
                );
            }
            PendingAssignment::Start { had_revocations } if result.is_ok() => {
                self.start_if_current(had_revocations, view, effects);
            }
            PendingAssignment::Start { .. } | PendingAssignment::Rejoin => {
                effects.push(Effect::RequestRejoin(
                    "the assignment could not be taken up".to_string(),
                ));
            }
        }
    }

    /// Starts the assigned work if the assignment was made from the configurations that were read.
    fn start_if_current(
        &mut self,
        had_revocations: bool,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(member) = &self.member else {
            return;
        };
        if member.config_offset != view.configs.offset() {
            tracing::info!(
                "Current config state offset {} does not match group assignment {}. Forcing rebalance.",
                view.configs.offset(),
                member.config_offset
            );
            effects.push(Effect::RequestRejoin(
                "configurations have moved on since the assignment".to_string(),
            ));
            return;
        }
        let is_leader = member.is_leader();
        tracing::info!(
            "Starting connectors and tasks using config offset {}",
            view.configs.offset()
        );
        for connector in self.assignment.connectors.clone() {
            self.start_connector(&connector, view, effects);
        }
        for task in self.assignment.tasks.clone() {
            self.start_task(&task, view, effects);
        }
        tracing::info!("Finished starting connectors and tasks");
        if is_leader {
            effects.push(Effect::CleanStatuses);
        }
        if had_revocations {
            effects.push(Effect::RequestRejoin(
                "revoked work can be given to others now".to_string(),
            ));
        }
        for (id, request) in std::mem::take(&mut self.deferred) {
            self.on_request(id, request, view, effects);
        }
    }

    pub(super) fn start_connector(
        &mut self,
        connector: &str,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(config) = view.configs.raw_connector_config(connector) else {
            return;
        };
        if self.running_connectors.insert(connector.to_string()) {
            effects.push(Effect::StartConnector {
                connector: connector.to_string(),
                config: config.clone(),
                target_state: view
                    .configs
                    .target_state(connector)
                    .unwrap_or(TargetState::Started),
            });
        }
    }

    pub(super) fn start_task(
        &mut self,
        task: &ConnectorTaskId,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(connector_config), Some(task_config)) = (
            view.configs.raw_connector_config(&task.connector),
            view.configs.raw_task_config(task),
        ) else {
            return;
        };
        if self.running_tasks.insert(task.clone()) {
            effects.push(Effect::StartTask {
                task: task.clone(),
                connector_config: connector_config.clone(),
                task_config: task_config.clone(),
                target_state: view
                    .configs
                    .target_state(&task.connector)
                    .unwrap_or(TargetState::Started),
            });
        }
    }
}
