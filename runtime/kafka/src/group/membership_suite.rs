//! What every [`GroupMembership`] keeps, run on the in-memory one, on a scripted broker, and on
//! librdkafka's mock cluster.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{GroupAssignment, GroupEvent, GroupMembership, GroupProtocol, MemberAssignment};

pub(crate) type Events = mpsc::Receiver<GroupEvent>;

/// The protocols of a worker that tells `metadata`.
pub(crate) fn protocols(metadata: &'static str) -> Vec<GroupProtocol> {
    ["sessioned", "compatible"]
        .map(|name| GroupProtocol {
            name: name.to_owned(),
            metadata: Bytes::from_static(metadata.as_bytes()),
        })
        .to_vec()
}

/// Answers a PrepareJoin.
pub(crate) async fn prepare(events: &mut Events, metadata: &'static str) {
    match events.recv().await {
        Some(GroupEvent::PrepareJoin { reply }) => {
            reply.send(protocols(metadata)).expect("the member waits");
        }
        other => panic!("PrepareJoin must come, not {other:?}"),
    }
}

/// Answers a PerformAssignment, giving each member its own metadata back.
pub(crate) async fn assign(events: &mut Events) {
    match events.recv().await {
        Some(GroupEvent::PerformAssignment {
            members,
            protocol,
            reply,
            ..
        }) => {
            assert_eq!(protocol, "sessioned");
            let assignments = members
                .into_iter()
                .map(|member| MemberAssignment {
                    member_id: member.member_id,
                    assignment: member.metadata,
                })
                .collect();
            reply.send(assignments).expect("the member waits");
        }
        other => panic!("PerformAssignment must come, not {other:?}"),
    }
}

pub(crate) async fn assigned(events: &mut Events) -> GroupAssignment {
    match events.recv().await {
        Some(GroupEvent::Assigned(assignment)) => assignment,
        other => panic!("Assigned must come, not {other:?}"),
    }
}

/// A whole rebalance in which this member leads.
pub(crate) async fn lead(events: &mut Events, metadata: &'static str) -> GroupAssignment {
    prepare(events, metadata).await;
    assign(events).await;
    assigned(events).await
}

/// The contract of a membership whose only member is this one.
pub(crate) async fn keeps_the_contract(membership: &dyn GroupMembership, events: &mut Events) {
    let first = lead(events, "one").await;
    assert_eq!(first.leader_id, first.member_id);
    assert_eq!(first.protocol, "sessioned");
    assert_eq!(first.assignment, Bytes::from_static(b"one"));

    // Requests before the next PrepareJoin are one rebalance, with fresh metadata.
    membership.request_rejoin("the configuration changed");
    membership.request_rejoin("the configuration changed again");
    let second = lead(events, "two").await;
    assert!(second.generation > first.generation);
    assert_eq!(second.member_id, first.member_id);
    assert_eq!(second.assignment, Bytes::from_static(b"two"));

    // A request during a rebalance is another one after it.
    membership.request_rejoin("first");
    prepare(events, "three").await;
    membership.request_rejoin("second");
    assign(events).await;
    assert_eq!(
        assigned(events).await.assignment,
        Bytes::from_static(b"three")
    );
    assert_eq!(
        lead(events, "four").await.assignment,
        Bytes::from_static(b"four")
    );

    // A reply that is dropped is asked for again.
    membership.request_rejoin("again");
    let Some(GroupEvent::PrepareJoin { reply }) = events.recv().await else {
        panic!("PrepareJoin must come");
    };
    drop(reply);
    prepare(events, "five").await;
    let Some(GroupEvent::PerformAssignment { reply, .. }) = events.recv().await else {
        panic!("PerformAssignment must come");
    };
    drop(reply);
    assert_eq!(
        lead(events, "six").await.assignment,
        Bytes::from_static(b"six")
    );

    // After a leave nothing comes until a rejoin is asked for.
    membership.leave("failed to read the configs").await;
    membership.poll_liveness();
    assert!(events.try_recv().is_err());
    membership.request_rejoin("the configs are read");
    assert_eq!(
        lead(events, "seven").await.assignment,
        Bytes::from_static(b"seven")
    );

    membership.shutdown("the worker stops").await;
    assert!(events.recv().await.is_none());
    membership.shutdown("once more").await;
    membership.request_rejoin("too late");
}
