//! `IncrementalCooperativeAssignor` (KIP-415, with the back-off of KIP-851's follow-up KAFKA-12495).
//!
//! Members keep what they run. What a member that left had is held back for a while, in case it comes
//! back; new members get work by having it revoked elsewhere in one round and assigned in the next.

use super::Share;
use connect_api::data::java_hash_order;
use connect_kafka::group::protocol::ConnectorsAndTasks;
use connect_store::ConnectorTaskId;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The base of the back-off between rounds of revocations, in milliseconds.
const BACKOFF_BASE: u64 = 40;

/// Connectors and tasks, each once.
#[derive(Clone, Debug, Default)]
struct Work {
    connectors: BTreeSet<Arc<str>>,
    tasks: BTreeSet<ConnectorTaskId>,
}

impl Work {
    fn of<'a>(parts: impl IntoIterator<Item = &'a ConnectorsAndTasks>) -> Self {
        let mut work = Self::default();
        for part in parts {
            work.add(part);
        }
        work
    }

    fn add(&mut self, part: &ConnectorsAndTasks) {
        self.connectors.extend(part.connectors.iter().cloned());
        self.tasks.extend(part.tasks.iter().cloned());
    }

    fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.tasks.is_empty()
    }

    fn minus(&self, other: &Self) -> Self {
        Self {
            connectors: self
                .connectors
                .difference(&other.connectors)
                .cloned()
                .collect(),
            tasks: self.tasks.difference(&other.tasks).cloned().collect(),
        }
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            connectors: self.connectors.union(&other.connectors).cloned().collect(),
            tasks: self.tasks.union(&other.tasks).cloned().collect(),
        }
    }

    fn touches(&self, other: &Self) -> bool {
        !self.connectors.is_disjoint(&other.connectors) || !self.tasks.is_disjoint(&other.tasks)
    }

    /// Connectors by name, tasks by connector and number, as `TreeSet` has them in Java.
    fn in_java_order(&self) -> ConnectorsAndTasks {
        let mut connectors: Vec<Arc<str>> = self.connectors.iter().cloned().collect();
        connectors.sort_by(|left, right| compare_as_java(left, right));
        let mut tasks: Vec<ConnectorTaskId> = self.tasks.iter().cloned().collect();
        tasks.sort_by(|left, right| {
            compare_as_java(&left.connector, &right.connector).then(left.task.cmp(&right.task))
        });
        ConnectorsAndTasks { connectors, tasks }
    }
}

/// `String.compareTo`: by UTF-16 code units.
fn compare_as_java(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        left.cmp(right)
    } else {
        left.encode_utf16().cmp(right.encode_utf16())
    }
}

/// What a worker is to run after this round.
struct Load<'a> {
    worker: &'a str,
    /// Its place among the members.
    index: usize,
    work: ConnectorsAndTasks,
}

fn retain_outside(work: &mut ConnectorsAndTasks, gone: &Work) {
    work.connectors
        .retain(|connector| !gone.connectors.contains(connector));
    work.tasks.retain(|task| !gone.tasks.contains(task));
}

/// What the leader remembers from round to round. A new leader begins with nothing.
#[derive(Debug)]
pub(in crate::core) struct CooperativeAssignor {
    max_delay: Duration,
    previous_assignment: Work,
    previous_revocation: Work,
    previous_generation: i32,
    previous_members: HashSet<String>,
    revoked_in_previous: bool,
    num_successive_revocations: u32,
    /// When lost work is given to others.
    scheduled_rebalance: Option<Duration>,
    delay: Duration,
    /// The workers that came without work while some was lost, in the order of their coming.
    candidates: Vec<String>,
}

/// What the leader decided in one round.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::core) struct Round {
    /// In the order of the members.
    pub(in crate::core) shares: Vec<Share>,
    /// When the group is to rebalance again, of itself.
    pub(in crate::core) delay: Duration,
}

impl CooperativeAssignor {
    /// `max_delay` is `scheduled.rebalance.max.delay.ms`.
    pub(in crate::core) fn new(max_delay: Duration) -> Self {
        Self {
            max_delay,
            previous_assignment: Work::default(),
            previous_revocation: Work::default(),
            previous_generation: -1,
            previous_members: HashSet::new(),
            revoked_in_previous: false,
            num_successive_revocations: 0,
            scheduled_rebalance: None,
            delay: Duration::ZERO,
            candidates: Vec::new(),
        }
    }

    /// A member that stops in order is not waited for: what it had is lost without anybody having gone.
    pub(in crate::core) fn take_leave_of(&mut self, member: &str) {
        self.previous_members.remove(member);
    }

    /// Decides one round. `members` are all members with what each says it runs, in the order in which
    /// the broker lists them; `last_completed_generation` is the last one that this worker took part in
    /// to its end, -1 for none; `now` is monotonic.
    pub(in crate::core) fn assign(
        &mut self,
        now: Duration,
        last_completed_generation: i32,
        generation: i32,
        configured: &ConnectorsAndTasks,
        members: &[(&str, ConnectorsAndTasks)],
    ) -> Round {
        if self.previous_generation != last_completed_generation {
            // The assignment of that round reached nobody, or not this worker: it says nothing.
            self.previous_assignment = Work::default();
        }
        let configured = Work::of([configured]);
        let active = Work::of(members.iter().map(|(_, work)| work));
        let revocation = std::mem::take(&mut self.previous_revocation);
        if revocation.touches(&active) {
            self.previous_assignment = active.clone();
        }
        let deleted = self.previous_assignment.minus(&configured);
        let duplicated = duplicated(members);
        let lost = self.previous_assignment.minus(&active).minus(&deleted);
        let created = configured.minus(&self.previous_assignment).minus(&active);

        let owned: Vec<Work> = members.iter().map(|(_, work)| Work::of([work])).collect();
        let withdrawn = deleted.plus(&duplicated);
        let mut revoked: Vec<Work> = owned
            .iter()
            .map(|own| own.minus(&own.minus(&withdrawn)))
            .collect();
        // The order of a java.util.HashMap by member id decides which worker gives work away first.
        let mut loads: Vec<Load<'_>> = java_hash_order(members.iter().map(|(id, _)| *id))
            .into_iter()
            .map(|index| {
                let (worker, work) = &members[index];
                let mut work = each_once(work);
                retain_outside(&mut work, &withdrawn);
                Load {
                    worker,
                    index,
                    work,
                }
            })
            .collect();
        let reassigned = self.handle_lost(now, &lost, &mut loads);
        self.balance(now, &configured, &mut loads, &mut revoked);

        let mut new = created.in_java_order();
        let reassigned = reassigned.in_java_order();
        new.connectors.extend(reassigned.connectors);
        new.tasks.extend(reassigned.tasks);
        share_out(
            &mut loads,
            new.connectors,
            |load| load.work.connectors.len(),
            |load, connector| load.work.connectors.push(connector),
        );
        share_out(
            &mut loads,
            new.tasks,
            |load| load.work.tasks.len(),
            |load, task| load.work.tasks.push(task),
        );

        let next = Work::of(loads.iter().map(|load| &load.work));
        let all_revoked = revoked
            .iter()
            .fold(Work::default(), |all, work| all.plus(work));
        self.previous_assignment = next.minus(&all_revoked).plus(&lost);
        self.previous_revocation = all_revoked;
        self.previous_generation = generation;
        self.previous_members = members.iter().map(|(id, _)| (*id).to_string()).collect();

        let mut shares = vec![Share::default(); members.len()];
        for load in loads {
            let current = owned[load.index].minus(&deleted);
            let mut assigned = load.work;
            retain_outside(&mut assigned, &current);
            shares[load.index].assigned = assigned;
        }
        for (share, revoked) in shares.iter_mut().zip(&revoked) {
            share.revoked = revoked.in_java_order();
        }
        Round {
            shares,
            delay: self.delay,
        }
    }

    /// Holds back what was lost with its workers, or gives it to candidates; returns what is to be
    /// assigned like new work.
    fn handle_lost(&mut self, now: Duration, lost: &Work, loads: &mut [Load<'_>]) -> Work {
        if lost.is_empty() && !self.revoked_in_previous {
            self.reset_delay();
            return Work::default();
        }
        let nobody_left = self
            .previous_members
            .iter()
            .all(|member| loads.iter().any(|load| load.worker == member));
        // Without a departure the missing work was assigned to somebody who never heard of it.
        if (self.scheduled_rebalance.is_none() && nobody_left) || self.max_delay.is_zero() {
            return lost.clone();
        }
        match self.scheduled_rebalance {
            Some(scheduled) if now >= scheduled => {
                let reassigned = self.give_to_candidates(lost, loads);
                self.reset_delay();
                self.revoked_in_previous = false;
                reassigned
            }
            scheduled => {
                let idle: Vec<&str> = loads
                    .iter()
                    .filter(|load| load.work.is_empty())
                    .map(|load| load.worker)
                    .collect();
                for index in java_hash_order(idle.iter().copied()) {
                    if !self.candidates.iter().any(|known| known == idle[index]) {
                        self.candidates.push(idle[index].to_string());
                    }
                }
                self.delay = match scheduled {
                    Some(scheduled) => (scheduled - now).min(self.max_delay),
                    None => self.max_delay,
                };
                self.scheduled_rebalance = Some(now + self.delay);
                Work::default()
            }
        }
    }

    fn give_to_candidates(&self, lost: &Work, loads: &mut [Load<'_>]) -> Work {
        let present: Vec<usize> = self
            .candidates
            .iter()
            .filter_map(|candidate| loads.iter().position(|load| load.worker == candidate))
            .collect();
        if present.is_empty() {
            return lost.clone();
        }
        let lost = lost.in_java_order();
        for (connector, position) in lost.connectors.into_iter().zip(present.iter().cycle()) {
            loads[*position].work.connectors.push(connector);
        }
        for (task, position) in lost.tasks.into_iter().zip(present.iter().cycle()) {
            loads[*position].work.tasks.push(task);
        }
        Work::default()
    }

    fn reset_delay(&mut self) {
        self.candidates.clear();
        self.scheduled_rebalance = None;
        self.delay = Duration::ZERO;
    }

    /// Takes from workers with more than their share, unless a delay runs or the round before took too.
    fn balance(
        &mut self,
        now: Duration,
        configured: &Work,
        loads: &mut [Load<'_>],
        revoked: &mut [Work],
    ) {
        if !self.delay.is_zero() {
            self.revoked_in_previous = false;
            return;
        }
        let revocations = balancing_revocations(configured, loads);
        if revocations.is_empty() {
            if self.revoked_in_previous {
                self.revoked_in_previous = false;
                self.num_successive_revocations = 0;
            }
            return;
        }
        if self.revoked_in_previous {
            self.num_successive_revocations = self.num_successive_revocations.saturating_add(1);
            self.delay = self.backoff();
            if !self.delay.is_zero() {
                self.scheduled_rebalance = Some(now + self.delay);
                return;
            }
        } else {
            self.revoked_in_previous = true;
        }
        for load in loads {
            if let Some(taken) = revocations.get(&load.index) {
                let taken = Work::of([taken]);
                retain_outside(&mut load.work, &taken);
                revoked[load.index] = revoked[load.index].plus(&taken);
            }
        }
    }

    /// `ExponentialBackoff(1, 40, max_delay, 0)`; zero if the longest delay is.
    fn backoff(&self) -> Duration {
        if self.max_delay.is_zero() {
            return Duration::ZERO;
        }
        let delay_ms = BACKOFF_BASE.saturating_pow(self.num_successive_revocations);
        Duration::from_millis(delay_ms).min(self.max_delay)
    }
}

/// The same without repetitions, in the order of the first occurrences.
fn each_once(work: &ConnectorsAndTasks) -> ConnectorsAndTasks {
    let (mut connectors, mut tasks) = (HashSet::new(), HashSet::new());
    ConnectorsAndTasks {
        connectors: work
            .connectors
            .iter()
            .filter(|connector| connectors.insert(*connector))
            .cloned()
            .collect(),
        tasks: work
            .tasks
            .iter()
            .filter(|task| tasks.insert(*task))
            .cloned()
            .collect(),
    }
}

/// What more than one member runs.
fn duplicated(members: &[(&str, ConnectorsAndTasks)]) -> Work {
    let (mut seen, mut twice) = (Work::default(), Work::default());
    for (_, work) in members {
        let work = Work::of([work]);
        let again = seen.minus(&seen.minus(&work));
        twice = twice.plus(&again);
        seen = seen.plus(&work);
    }
    twice
}

/// For workers, by their place among the members, what each is to give away.
fn balancing_revocations(
    configured: &Work,
    loads: &[Load<'_>],
) -> BTreeMap<usize, ConnectorsAndTasks> {
    let mut revocations: BTreeMap<usize, ConnectorsAndTasks> = BTreeMap::new();
    if loads.iter().all(|load| load.work.is_empty()) || configured.is_empty() {
        return revocations;
    }
    let sizes: Vec<usize> = loads
        .iter()
        .map(|load| load.work.connectors.len())
        .collect();
    for (position, surplus) in surpluses(configured.connectors.len(), &sizes) {
        let load = &loads[position];
        revocations.entry(load.index).or_default().connectors =
            load.work.connectors[..surplus].to_vec();
    }
    let sizes: Vec<usize> = loads.iter().map(|load| load.work.tasks.len()).collect();
    for (position, surplus) in surpluses(configured.tasks.len(), &sizes) {
        let load = &loads[position];
        revocations.entry(load.index).or_default().tasks = load.work.tasks[..surplus].to_vec();
    }
    revocations
}

/// Who has how much too much, if `total` things were shared out fairly.
fn surpluses(total: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
    let (minimum, num_extra) = (total / sizes.len(), total % sizes.len());
    let num_of = |size: usize| sizes.iter().filter(|other| **other == size).count();
    let (num_at_minimum, num_one_above) = (num_of(minimum), num_of(minimum + 1));
    if num_one_above == num_extra && num_at_minimum + num_one_above == sizes.len() {
        return Vec::new();
    }
    let mut num_extras_given = 0;
    let mut surpluses = Vec::new();
    for (position, size) in sizes.iter().enumerate() {
        if *size <= minimum {
            continue;
        }
        let share = if num_extras_given < num_extra {
            num_extras_given += 1;
            minimum + 1
        } else {
            minimum
        };
        if *size > share {
            surpluses.push((position, size - share));
        }
    }
    surpluses
}

/// Deals things to the least loaded: each round to all that have no more than the first.
fn share_out<'a, T>(
    loads: &mut [Load<'a>],
    things: Vec<T>,
    size: impl Fn(&Load<'a>) -> usize,
    give: impl Fn(&mut Load<'a>, T),
) {
    loads.sort_by(|left, right| {
        size(left)
            .cmp(&size(right))
            .then_with(|| compare_as_java(left.worker, right.worker))
    });
    let mut things = things.into_iter().peekable();
    while things.peek().is_some() {
        let least = size(&loads[0]);
        let upto = loads
            .iter()
            .position(|load| size(load) > least)
            .unwrap_or(loads.len());
        for (load, thing) in loads[..upto].iter_mut().zip(things.by_ref()) {
            give(load, thing);
        }
    }
}
