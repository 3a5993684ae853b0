//! A group of one, in memory.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::events::{GroupAssignment, GroupEvent, GroupMembership, MemberMetadata};
use super::signals::{Departures, SignalSender, Wishes, signals};

const MEMBER_ID: &str = "solo-member";
const MAX_QUEUED_EVENTS: usize = 16;

/// A membership without a broker: the one member always leads, every rebalance succeeds, and the
/// first protocol offered is chosen. For tests of what stands on [`GroupMembership`].
#[derive(Debug)]
pub struct SoloMember {
    signals: SignalSender,
    events: mpsc::WeakSender<GroupEvent>,
}

impl SoloMember {
    /// Starts to join. Must be called on a tokio runtime.
    pub fn spawn() -> (Self, mpsc::Receiver<GroupEvent>) {
        let (sender, wishes, departures) = signals();
        let (events, events_out) = mpsc::channel(MAX_QUEUED_EVENTS);
        let weak = events.downgrade();
        tokio::spawn(run(events, wishes, departures));
        (
            Self {
                signals: sender,
                events: weak,
            },
            events_out,
        )
    }

    /// Tells the herder that the coordinator is gone, then rejoins, as after a broker failure.
    pub async fn lose_coordinator(&self, unreachable: Duration) {
        if let Some(events) = self.events.upgrade() {
            // A receiver that is gone has nobody to tell.
            let _ = events
                .send(GroupEvent::CoordinatorLost { unreachable })
                .await;
        }
        self.request_rejoin("the group coordinator was unreachable");
    }
}

#[async_trait]
impl GroupMembership for SoloMember {
    fn request_rejoin(&self, reason: &str) {
        self.signals.wishes().request_rejoin(reason);
    }

    fn poll_liveness(&self) {
        self.signals.wishes().poll_liveness();
    }

    async fn leave(&self, reason: &str) {
        self.signals.depart(reason, false).await;
    }

    async fn shutdown(&self, reason: &str) {
        self.signals.depart(reason, true).await;
    }
}

async fn run(events: mpsc::Sender<GroupEvent>, wishes: Wishes, mut departures: Departures) {
    let mut generation = 0;
    let mut seen = wishes.seen_now();
    let mut joining = true;
    loop {
        let course = async {
            if joining {
                seen = wishes.seen_now();
                rebalance(&events, &mut generation).await;
            } else {
                wishes.rejoin_after(seen).await;
            }
        };
        tokio::select! {
            biased;
            departure = departures.next() => {
                seen = wishes.seen_now();
                joining = false;
                let for_good = departure.for_good;
                departure.finish();
                if for_good {
                    return;
                }
            }
            () = events.closed() => return,
            () = course => joining = !joining,
        }
    }
}

/// Rebalances until the herder has answered all; a reply dropped is asked for again.
async fn rebalance(events: &mpsc::Sender<GroupEvent>, generation: &mut i32) {
    loop {
        let (reply, protocols) = oneshot::channel();
        if events
            .send(GroupEvent::PrepareJoin { reply })
            .await
            .is_err()
        {
            return;
        }
        let Some(chosen) = protocols
            .await
            .ok()
            .and_then(|protocols| protocols.into_iter().next())
        else {
            tokio::task::yield_now().await;
            continue;
        };
        *generation += 1;
        let (reply, assignments) = oneshot::channel();
        let perform = GroupEvent::PerformAssignment {
            generation: *generation,
            leader_id: MEMBER_ID.to_owned(),
            protocol: chosen.name.clone(),
            members: vec![MemberMetadata {
                member_id: MEMBER_ID.to_owned(),
                metadata: chosen.metadata,
            }],
            reply,
        };
        if events.send(perform).await.is_err() {
            return;
        }
        let Ok(assignments) = assignments.await else {
            tokio::task::yield_now().await;
            continue;
        };
        let assignment = assignments
            .into_iter()
            .find(|member| member.member_id == MEMBER_ID)
            .map(|member| member.assignment)
            .unwrap_or_default();
        // A receiver that is gone ends the caller's loop.
        let _ = events
            .send(GroupEvent::Assigned(GroupAssignment {
                generation: *generation,
                member_id: MEMBER_ID.to_owned(),
                leader_id: MEMBER_ID.to_owned(),
                protocol: chosen.name,
                assignment,
            }))
            .await;
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::membership_suite::{keeps_the_contract, lead};

    #[tokio::test(start_paused = true)]
    async fn keeps_the_membership_contract() {
        let (member, mut events) = SoloMember::spawn();
        keeps_the_contract(&member, &mut events).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_coordinator_is_told_and_followed_by_a_rejoin() {
        let (member, mut events) = SoloMember::spawn();
        lead(&mut events, "one").await;
        member.lose_coordinator(Duration::from_secs(3)).await;
        assert!(matches!(
            events.recv().await,
            Some(GroupEvent::CoordinatorLost { .. })
        ));
        lead(&mut events, "two").await;
    }
}
