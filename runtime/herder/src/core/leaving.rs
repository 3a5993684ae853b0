//! A clean end: others get this worker's work at once.
//!
//! To the leader, a worker that left looks like one that died, so that its work is held back for
//! `scheduled.rebalance.max.delay.ms`: it might come back. A worker that ends in order therefore joins
//! once more before it leaves, without any work and with a mark that only Dovetail's leaders know: they
//! give what it had to others, and nothing to it. A JVM leader sees a worker without work.

use super::{Core, Effect, View};
use connect_kafka::group::protocol::{
    Assignment, AssignmentError, ConnectProtocol, ConnectorsAndTasks, Metadata,
};

/// The mark: an error code in the assignment that the member says it has. No version of the protocol
/// gives such codes a meaning there.
const LEAVING: AssignmentError = AssignmentError::Unknown(-100);

/// How far this worker is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    No,
    /// The group will be told at the next join.
    Wanted,
    /// The group has been told.
    Told,
}

impl Core {
    pub(super) fn is_leaving(&self) -> bool {
        self.departure != Departure::No
    }

    /// Whether the group has no other member.
    fn is_alone(&self) -> bool {
        let leads = self.member.as_ref().is_some_and(super::Member::is_leader);
        leads && self.num_members == 1
    }

    pub(super) fn on_leave(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        let is_worth_it = self.config.hands_over
            && !self.assignment.is_empty()
            && !self.is_alone()
            // Under the eager protocol nothing is ever held back.
            && self
                .member
                .as_ref()
                .is_some_and(|member| member.protocol != ConnectProtocol::Eager);
        if !is_worth_it {
            effects.push(Effect::HandedOver);
            return;
        }
        self.departure = Departure::Wanted;
        self.is_settled = false;
        self.stop_everything(view, effects);
        self.request_rejoin("this worker hands its work over before it leaves", effects);
    }

    /// The group is complete again, for a worker on its way out.
    pub(super) fn on_assigned_while_leaving(&self, effects: &mut Vec<Effect>) {
        // Otherwise it was joined before this worker wanted to leave; the next round is the one.
        if self.departure == Departure::Told {
            effects.push(Effect::HandedOver);
        }
    }

    /// What a worker on its way out says it has.
    pub(super) fn farewell(&self, protocol: ConnectProtocol) -> Option<Assignment> {
        let member = self.member.as_ref()?;
        Some(Assignment {
            version: protocol.version(),
            error: LEAVING,
            leader_id: member.leader_id.clone(),
            leader_url: member.leader_url.clone(),
            config_offset: member.config_offset,
            assigned: ConnectorsAndTasks::default(),
            revoked: ConnectorsAndTasks::default(),
            delay_ms: 0,
        })
    }
}

/// Whether a member has said that it is on its way out.
pub(super) fn says_farewell(metadata: &Metadata) -> bool {
    metadata
        .current_assignment
        .as_ref()
        .is_some_and(|assignment| assignment.error == LEAVING)
}
