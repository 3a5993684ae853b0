//! A group coordinator, as far as the members of a Connect group see it.

use bytes::Bytes;
use connect_kafka::group::{GroupProtocol, MemberAssignment, MemberMetadata};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const REBALANCE_TIMEOUT: Duration = Duration::from_secs(60);
/// `group.initial.rebalance.delay.ms`
const INITIAL_DELAY: Duration = Duration::from_secs(3);

/// Names a request that waits for its answer.
pub(super) type Call = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownMember,
    IllegalGeneration,
    RebalanceInProgress,
}

#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) generation: i32,
    pub(super) member_id: String,
    pub(super) leader_id: String,
    pub(super) protocol: String,
    /// Only for the leader.
    pub(super) members: Vec<MemberMetadata>,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Join(Result<Joined, Refusal>),
    Sync(Result<Bytes, Refusal>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    Preparing,
    Completing,
    Stable,
}

struct Member {
    protocols: Vec<GroupProtocol>,
    last_seen: Duration,
    /// A JoinGroup, or a SyncGroup, that waits.
    join: Option<Call>,
    sync: Option<Call>,
    assignment: Bytes,
}

pub(super) struct Broker {
    generation: i32,
    state: State,
    members: BTreeMap<String, Member>,
    leader: String,
    protocol: String,
    num_ids: u64,
    /// When a rebalance ends without those that have not joined, and not before when it may end.
    deadline: Duration,
    not_before: Duration,
    answers: Vec<(Call, Answer)>,
}

impl Broker {
    pub(super) fn new() -> Self {
        Self {
            generation: 0,
            state: State::Empty,
            members: BTreeMap::new(),
            leader: String::new(),
            protocol: String::new(),
            num_ids: 0,
            deadline: Duration::MAX,
            not_before: Duration::ZERO,
            answers: Vec::new(),
        }
    }

    /// The answers since the last call.
    pub(super) fn take_answers(&mut self) -> Vec<(Call, Answer)> {
        std::mem::take(&mut self.answers)
    }

    /// The generation, if all members have their assignment of it.
    pub(super) fn stable_generation(&self) -> Option<i32> {
        (self.state == State::Stable).then_some(self.generation)
    }

    pub(super) fn num_members(&self) -> usize {
        self.members.len()
    }

    pub(super) fn join(
        &mut self,
        call: Call,
        now: Duration,
        member_id: Option<&str>,
        worker: usize,
        protocols: Vec<GroupProtocol>,
    ) {
        let id = match member_id {
            Some(id) if self.members.contains_key(id) => id.to_string(),
            Some(_) => {
                let refused = Answer::Join(Err(Refusal::UnknownMember));
                self.answers.push((call, refused));
                return;
            }
            None => {
                self.num_ids += 1;
                format!("connect-{worker}-{}", self.num_ids)
            }
        };
        let is_new = member_id.is_none();
        let before = self.members.insert(
            id.clone(),
            Member {
                protocols,
                last_seen: now,
                join: Some(call),
                sync: None,
                assignment: Bytes::new(),
            },
        );
        let member = self.members.get_mut(&id).expect("it was just inserted");
        let is_unchanged = before
            .as_ref()
            .is_some_and(|before| before.protocols == member.protocols);
        if let Some(before) = before {
            member.assignment = before.assignment;
        }
        match self.state {
            State::Preparing => {}
            State::Empty => {
                self.leader.clone_from(&id);
                self.prepare(now);
                self.not_before = now + INITIAL_DELAY;
            }
            // Whoever lost the answer gets it again; a follower with nothing new changes nothing.
            State::Completing if !is_new && is_unchanged => self.answer_join(&id, now),
            State::Stable if !is_new && is_unchanged && id != self.leader => {
                self.answer_join(&id, now);
            }
            State::Completing | State::Stable => self.prepare(now),
        }
        self.complete_if_all_joined(now);
    }

    fn answer_join(&mut self, id: &str, now: Duration) {
        let members = if id == self.leader {
            self.members
                .iter()
                .map(|(id, member)| MemberMetadata {
                    member_id: id.clone(),
                    metadata: metadata_of(member, &self.protocol),
                })
                .collect()
        } else {
            Vec::new()
        };
        let joined = Joined {
            generation: self.generation,
            member_id: id.to_string(),
            leader_id: self.leader.clone(),
            protocol: self.protocol.clone(),
            members,
        };
        if let Some(member) = self.members.get_mut(id) {
            member.last_seen = now;
            if let Some(call) = member.join.take() {
                self.answers.push((call, Answer::Join(Ok(joined))));
            }
        }
    }

    fn prepare(&mut self, now: Duration) {
        self.state = State::Preparing;
        self.deadline = now + REBALANCE_TIMEOUT;
        for member in self.members.values_mut() {
            if let Some(call) = member.sync.take() {
                let refused = Answer::Sync(Err(Refusal::RebalanceInProgress));
                self.answers.push((call, refused));
            }
        }
    }

    fn complete_if_all_joined(&mut self, now: Duration) {
        if self.state != State::Preparing || now < self.not_before {
            return;
        }
        if now >= self.deadline {
            self.remove_if(|member| member.join.is_none());
        }
        if self.members.is_empty() {
            self.state = State::Empty;
            return;
        }
        if self.members.values().any(|member| member.join.is_none()) {
            return;
        }
        self.generation += 1;
        self.protocol = self.vote();
        if !self.members.contains_key(&self.leader) {
            let first = self.members.keys().next().expect("it is not empty");
            self.leader.clone_from(first);
        }
        self.state = State::Completing;
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            self.answer_join(&id, now);
        }
    }

    /// Of the protocols that all list, the one that most list first.
    fn vote(&self) -> String {
        let names = |member: &Member| -> Vec<String> {
            let protocols = member.protocols.iter();
            protocols.map(|protocol| protocol.name.clone()).collect()
        };
        let mut candidates: Option<BTreeSet<String>> = None;
        for member in self.members.values() {
            let listed: BTreeSet<String> = names(member).into_iter().collect();
            candidates = Some(match candidates {
                None => listed,
                Some(candidates) => candidates.intersection(&listed).cloned().collect(),
            });
        }
        let candidates = candidates.unwrap_or_default();
        let mut votes: BTreeMap<String, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = names(member)
                .into_iter()
                .find(|name| candidates.contains(name));
            *votes.entry(choice.unwrap_or_default()).or_default() += 1;
        }
        let winner = votes.into_iter().max_by_key(|(_, num_votes)| *num_votes);
        winner.map(|(name, _)| name).unwrap_or_default()
    }

    pub(super) fn sync(
        &mut self,
        call: Call,
        now: Duration,
        member_id: &str,
        generation: i32,
        assignments: Vec<MemberAssignment>,
    ) {
        let is_leader = member_id == self.leader;
        let Some(member) = self.members.get_mut(member_id) else {
            let refused = Answer::Sync(Err(Refusal::UnknownMember));
            self.answers.push((call, refused));
            return;
        };
        member.last_seen = now;
        let refusal = match self.state {
            _ if generation != self.generation => Some(Refusal::IllegalGeneration),
            State::Empty => Some(Refusal::UnknownMember),
            State::Preparing => Some(Refusal::RebalanceInProgress),
            State::Stable => {
                let assignment = member.assignment.clone();
                self.answers.push((call, Answer::Sync(Ok(assignment))));
                return;
            }
            State::Completing => None,
        };
        if let Some(refusal) = refusal {
            self.answers.push((call, Answer::Sync(Err(refusal))));
            return;
        }
        member.sync = Some(call);
        if !is_leader {
            return;
        }
        for assignment in assignments {
            if let Some(member) = self.members.get_mut(&assignment.member_id) {
                member.assignment = assignment.assignment;
            }
        }
        self.state = State::Stable;
        for member in self.members.values_mut() {
            if let Some(call) = member.sync.take() {
                let assignment = member.assignment.clone();
                self.answers.push((call, Answer::Sync(Ok(assignment))));
            }
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        now: Duration,
        member_id: &str,
        generation: i32,
    ) -> Result<(), Refusal> {
        let member = self
            .members
            .get_mut(member_id)
            .ok_or(Refusal::UnknownMember)?;
        if generation != self.generation {
            return Err(Refusal::IllegalGeneration);
        }
        member.last_seen = now;
        match self.state {
            State::Preparing => Err(Refusal::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    pub(super) fn leave(&mut self, now: Duration, member_id: &str) {
        if self.remove(member_id) {
            self.after_departure(now);
        }
    }

    /// Whoever waits for an answer is told.
    fn remove(&mut self, member_id: &str) -> bool {
        let Some(member) = self.members.remove(member_id) else {
            return false;
        };
        if let Some(call) = member.join {
            let refused = Answer::Join(Err(Refusal::UnknownMember));
            self.answers.push((call, refused));
        }
        if let Some(call) = member.sync {
            let refused = Answer::Sync(Err(Refusal::UnknownMember));
            self.answers.push((call, refused));
        }
        true
    }

    fn remove_if(&mut self, is_gone: impl Fn(&Member) -> bool) -> bool {
        let gone: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| is_gone(member))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &gone {
            self.remove(id);
        }
        !gone.is_empty()
    }

    fn after_departure(&mut self, now: Duration) {
        if matches!(self.state, State::Completing | State::Stable) {
            self.prepare(now);
        }
        self.complete_if_all_joined(now);
    }

    /// Gives up members that were not heard of, and ends rebalances that take too long.
    pub(super) fn tick(&mut self, now: Duration) {
        let is_silent = |member: &Member| {
            member.join.is_none() && now.saturating_sub(member.last_seen) > SESSION_TIMEOUT
        };
        if self.remove_if(is_silent) {
            self.after_departure(now);
        } else {
            self.complete_if_all_joined(now);
        }
    }
}

fn metadata_of(member: &Member, protocol: &str) -> Bytes {
    let chosen = member.protocols.iter().find(|one| one.name == protocol);
    chosen
        .map(|protocol| protocol.metadata.clone())
        .unwrap_or_default()
}
