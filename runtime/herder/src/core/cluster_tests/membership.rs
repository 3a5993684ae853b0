//! The clients of the group, between the workers and their coordinator.

use super::super::Input;
use super::broker::{Answer, Call, Refusal};
use super::worker::{GroupClient, Phase};
use super::world::{Event, GroupRequest, World};
use connect_kafka::group::GroupAssignment;
use std::time::Duration;

const HEARTBEAT: Duration = Duration::from_secs(3);

impl World {
    pub(super) fn beat(&mut self, worker: usize) {
        let (now, life) = (self.now, self.workers[worker].life);
        let is_cut_off = self.workers[worker].is_cut_off;
        let group = &mut self.workers[worker].group;
        if group.phase == Phase::Out {
            if !group.wants_rejoin {
                return;
            }
            group.phase = Phase::Resting;
            group.must_rejoin = true;
        }
        if is_cut_off {
            let since = *group.unreachable_since.get_or_insert(now);
            if matches!(group.phase, Phase::Joining | Phase::Syncing) {
                group.phase = Phase::Resting;
                group.must_rejoin = true;
            }
            if group.holds_assignment && now - since >= HEARTBEAT {
                group.holds_assignment = false;
                group.must_rejoin = true;
                self.workers[worker]
                    .group_events
                    .push_back(Input::CoordinatorLost);
                self.soon(0, 5, Event::Wake { worker, life });
            }
            return;
        }
        group.unreachable_since = None;
        if let (Some(member_id), Some((generation, _))) = (&group.member_id, &group.generation)
            && group.phase != Phase::Joining
        {
            match self.broker.heartbeat(now, member_id, *generation) {
                Ok(()) => {}
                Err(Refusal::RebalanceInProgress) => group.must_rejoin = true,
                Err(refusal) => Self::refused(group, refusal),
            }
        }
        let needs_join = group.must_rejoin || group.wants_rejoin || group.generation.is_none();
        if group.phase == Phase::Resting && needs_join {
            group.phase = Phase::Preparing;
            group.wants_rejoin = false;
            self.workers[worker]
                .group_events
                .push_back(Input::PrepareJoin);
            self.soon(0, 5, Event::Wake { worker, life });
        }
        self.send_answers();
    }

    pub(super) fn refused(group: &mut GroupClient, refusal: Refusal) {
        group.must_rejoin = true;
        match refusal {
            Refusal::UnknownMember => {
                group.member_id = None;
                group.generation = None;
            }
            Refusal::IllegalGeneration => group.generation = None,
            Refusal::RebalanceInProgress => {}
        }
    }

    pub(super) fn send_to_broker(&mut self, worker: usize, request: GroupRequest) {
        self.num_calls += 1;
        let (call, life) = (self.num_calls, self.workers[worker].life);
        self.workers[worker].group.awaits = Some(call);
        self.calls.insert(call, (worker, life));
        self.soon(
            1,
            50,
            Event::AtBroker {
                worker,
                life,
                call,
                request,
            },
        );
    }

    pub(super) fn at_broker(
        &mut self,
        worker: usize,
        life: u32,
        call: Call,
        request: GroupRequest,
    ) {
        if !self.is_here(worker, life) || self.workers[worker].is_cut_off {
            return self.connection_lost(worker, call);
        }
        let group = &self.workers[worker].group;
        match request {
            GroupRequest::Join(protocols) => {
                let id = group.member_id.clone();
                self.broker
                    .join(call, self.now, id.as_deref(), worker, protocols);
            }
            GroupRequest::Sync(assignments) => {
                let (Some(id), Some((generation, _))) = (&group.member_id, &group.generation)
                else {
                    return self.connection_lost(worker, call);
                };
                self.broker
                    .sync(call, self.now, id, *generation, assignments);
            }
        }
        self.send_answers();
    }

    /// The client does not learn what became of its request, and begins anew.
    pub(super) fn connection_lost(&mut self, worker: usize, call: Call) {
        let group = &mut self.workers[worker].group;
        if group.awaits == Some(call) {
            group.awaits = None;
            group.phase = Phase::Resting;
            group.must_rejoin = true;
        }
    }

    pub(super) fn send_answers(&mut self) {
        for answer in self.broker.take_answers() {
            if let Some((worker, life)) = self.calls.remove(&answer.0) {
                self.soon(
                    1,
                    50,
                    Event::FromBroker {
                        worker,
                        life,
                        answer,
                    },
                );
            }
        }
    }

    pub(super) fn on_answer(&mut self, worker: usize, (call, answer): (Call, Answer)) {
        if self.workers[worker].is_cut_off {
            return self.connection_lost(worker, call);
        }
        let life = self.workers[worker].life;
        let group = &mut self.workers[worker].group;
        if group.awaits != Some(call) {
            return;
        }
        group.awaits = None;
        match answer {
            Answer::Join(Ok(joined)) => {
                group.generation = Some((joined.generation, joined.protocol.clone()));
                let leads = joined.member_id == joined.leader_id;
                group.leader_id.clone_from(&joined.leader_id);
                group.member_id = Some(joined.member_id);
                if leads {
                    group.phase = Phase::Performing;
                    self.workers[worker]
                        .group_events
                        .push_back(Input::PerformAssignment {
                            generation: joined.generation,
                            leader_id: joined.leader_id,
                            protocol: joined.protocol,
                            members: joined.members,
                        });
                    self.soon(0, 5, Event::Wake { worker, life });
                } else {
                    group.phase = Phase::Syncing;
                    self.send_to_broker(worker, GroupRequest::Sync(Vec::new()));
                }
            }
            Answer::Sync(Ok(assignment)) => {
                group.phase = Phase::Resting;
                group.must_rejoin = false;
                let (Some(member_id), Some((generation, protocol))) =
                    (group.member_id.clone(), group.generation.clone())
                else {
                    group.must_rejoin = true;
                    return;
                };
                group.holds_assignment = true;
                let assigned = Input::Assigned(GroupAssignment {
                    generation,
                    member_id,
                    leader_id: group.leader_id.clone(),
                    protocol,
                    assignment,
                });
                self.workers[worker].group_events.push_back(assigned);
                self.soon(0, 5, Event::Wake { worker, life });
            }
            Answer::Join(Err(refusal)) | Answer::Sync(Err(refusal)) => {
                group.phase = Phase::Resting;
                Self::refused(group, refusal);
                self.beat(worker);
            }
        }
    }

    pub(super) fn leave(&mut self, worker: usize) {
        let (now, is_cut_off) = (self.now, self.workers[worker].is_cut_off);
        let group = &mut self.workers[worker].group;
        group.generation = None;
        group.phase = Phase::Out;
        group.wants_rejoin = false;
        group.awaits = None;
        if let Some(member_id) = group.member_id.take()
            && !is_cut_off
        {
            self.broker.leave(now, &member_id);
            self.send_answers();
        }
    }
}
