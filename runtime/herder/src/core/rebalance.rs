//! Joining the group, and coming to its assignment.

use super::catching_up::CatchUp;
use super::leading::Owners;
use super::leaving::Departure;
use super::updates::STATUS_CHECK_INTERVAL;
use super::{Core, Effect, Member, View};
use connect_kafka::group::protocol::{
    Assignment, AssignmentError, ConnectProtocol, ConnectorsAndTasks, Metadata,
};
use connect_kafka::group::{GroupAssignment, GroupProtocol};
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
    pub(super) fn request_rejoin(&mut self, reason: &str, effects: &mut Vec<Effect>) {
        self.is_rejoin_wanted = true;
        effects.push(Effect::RequestRejoin(reason.to_string()));
    }

    pub(super) fn on_prepare_join(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        self.is_settled = false;
        self.is_rejoin_wanted = false;
        self.owners = Owners::default();
        self.offset_at_join = view.configs.offset();
        if self.is_leaving() {
            self.departure = Departure::Told;
        }
        if self
            .member
            .as_ref()
            .is_some_and(|member| member.protocol == ConnectProtocol::Eager)
        {
            self.stop_everything(view, effects);
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
        if self.is_leaving() && protocol != ConnectProtocol::Eager {
            return self.farewell(protocol);
        }
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

    pub(super) fn on_assigned(
        &mut self,
        group: &GroupAssignment,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_leaving() {
            self.on_assigned_while_leaving(effects);
            return;
        }
        let (protocol, assignment) = match (
            ConnectProtocol::from_name(&group.protocol),
            Assignment::decode(&group.assignment),
        ) {
            (Some(protocol), Ok(assignment)) => (protocol, assignment),
            (_, Err(error)) => {
                tracing::error!("the assignment of this worker cannot be read: {error}");
                self.request_rejoin("unreadable assignment", effects);
                return;
            }
            (None, Ok(_)) => {
                self.request_rejoin("unknown protocol", effects);
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
        self.note_signing(member.protocol);
        self.member = Some(member);
        self.scheduled_rebalance = u64::try_from(assignment.delay_ms)
            .ok()
            .filter(|delay_ms| *delay_ms > 0)
            .map(|delay_ms| view.now + Duration::from_millis(delay_ms));
        let had_revocations = !assignment.revoked.is_empty();
        self.take_over(protocol, &assignment, view, effects);

        let offset = view.configs.offset();
        if assignment.error != AssignmentError::None {
            tracing::warn!(
                "the assignment failed because the leader had not read all configurations"
            );
            if is_leader || offset < assignment.config_offset {
                self.refresh_then(PendingAssignment::Rejoin, effects);
            } else {
                self.request_rejoin("failed assignment", effects);
            }
        } else if offset < assignment.config_offset {
            tracing::warn!("Catching up to assignment's config offset.");
            self.refresh_then(PendingAssignment::Start { had_revocations }, effects);
        } else {
            self.start_if_current(had_revocations, view, effects);
        }
    }

    pub(super) fn refresh_then(&mut self, then: PendingAssignment, effects: &mut Vec<Effect>) {
        self.pending_assignment = Some(then);
        effects.push(Effect::Refresh {
            timeout: self.config.sync_timeout,
        });
    }

    /// Tells when requests of other workers begin or cease to be checked.
    fn note_signing(&self, protocol: ConnectProtocol) {
        let before = self
            .member
            .as_ref()
            .map_or(self.config.protocol, |member| member.protocol);
        let is_signed = |protocol| protocol == ConnectProtocol::Sessioned;
        match (is_signed(before), is_signed(protocol)) {
            (false, true) => tracing::info!("Internal request validation has been re-enabled"),
            (true, false) => tracing::warn!(
                "the group has gone down from the protocol '{}' to '{}', so that requests between \
                 workers are not checked any more; a worker with another connect.protocol has \
                 probably joined: set that to sessioned on all workers",
                before.name(),
                protocol.name()
            ),
            _ => {}
        }
    }

    pub(super) fn on_coordinator_lost(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        tracing::warn!(
            "the group coordinator is out of reach: others may have been given this worker's work, so \
             all of it is stopped until the group is joined again"
        );
        self.stop_everything(view, effects);
        self.member = None;
        self.is_settled = false;
        self.pending_assignment = None;
        self.scheduled_rebalance = None;
        if self.is_leaving() {
            effects.push(Effect::HandedOver);
        }
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
        if result.is_ok() {
            self.catch_up = CatchUp::default();
        }
        match (pending, result) {
            (
                PendingAssignment::Perform {
                    generation,
                    leader_id,
                    protocol,
                    members,
                    max_offset,
                },
                result,
            ) => {
                let offset = view.configs.offset();
                if let Err(reason) = result {
                    tracing::warn!(
                        "as the leader this worker lacks configurations that others have, and could \
                         not read the config topic to its end: {reason}"
                    );
                }
                let failure = (offset < max_offset).then_some(AssignmentError::ConfigMismatch);
                let offset = offset.max(max_offset);
                self.reply_with_assignments(
                    generation, &leader_id, protocol, &members, offset, failure, view, effects,
                );
            }
            (_, Err(reason)) => self.fall_behind(&reason, view, effects),
            (PendingAssignment::Start { had_revocations }, Ok(())) => {
                self.start_if_current(had_revocations, view, effects);
            }
            (PendingAssignment::Rejoin, Ok(())) => {
                self.request_rejoin("configurations have been read to their end", effects);
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
        // What has been read since this worker joined is still to be told to it, update by update. Work
        // that is started now is looked at again then.
        let wanted = member.config_offset;
        if wanted != self.offset_at_join && wanted != view.configs.offset() {
            tracing::info!(
                "Current config state offset {} does not match group assignment {wanted}. Forcing rebalance.",
                view.configs.offset(),
            );
            self.request_rejoin("configurations have moved on since the assignment", effects);
            return;
        }
        let is_leader = member.is_leader();
        tracing::info!(
            "Starting connectors and tasks using config offset {}",
            view.configs.offset()
        );
        // Whoever leads has to remove the statuses of it.
        let rejoins = self.give_up_unconfigured(view, effects) || had_revocations;
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
        self.is_settled = true;
        let next_check = view.now + STATUS_CHECK_INTERVAL;
        self.status_check = self.config.is_distributed.then_some(next_check);
        if rejoins {
            self.request_rejoin("revoked work can be given to others now", effects);
        }
        self.check_session_key(view, effects);
        for connector in std::mem::take(&mut self.reconfigurations) {
            self.generate_task_configs(&connector, view, effects);
        }
        let deferred = std::mem::take(&mut self.deferred);
        effects.extend(
            deferred
                .into_iter()
                .map(|(id, request)| Effect::Resume(id, request)),
        );
    }
}

#[cfg(test)]
mod tests;
