use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};

use super::*;
use crate::group::membership_suite::{Events, assign, assigned, keeps_the_contract, lead, prepare};
use crate::wire::scripted_broker::{Script, ScriptedBroker};

const HEARTBEAT: Duration = Duration::from_secs(3);

fn spawn(broker: &ScriptedBroker) -> (GroupMember, Events) {
    GroupMember::spawn(broker.client(), GroupConfig::new("connect-cluster"))
}

async fn fatal(events: &mut Events) -> String {
    loop {
        match events.recv().await {
            Some(GroupEvent::Fatal(error)) => {
                assert!(events.recv().await.is_none(), "nothing comes after Fatal");
                return error.to_string();
            }
            Some(GroupEvent::PrepareJoin { reply }) => {
                let offered = crate::group::membership_suite::protocols("x");
                reply.send(offered).expect("the member waits");
            }
            other => panic!("Fatal must come, not {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_membership_contract() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    keeps_the_contract(&member, &mut events).await;
    // The suite leaves twice: once to come back, once for good.
    assert_eq!(broker.count("LeaveGroup"), 2);
}

#[tokio::test(start_paused = true)]
async fn joins_in_two_steps_syncs_beats_and_leaves() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    let assignment = lead(&mut events, "one").await;
    assert_eq!(
        (assignment.generation, assignment.member_id.as_str()),
        (1, "member-1")
    );
    broker.arrived_request::<HeartbeatRequest>(2).await;
    member.shutdown("worker is stopping").await;

    let group: Vec<_> = broker
        .log()
        .into_iter()
        .filter(|seen| !matches!(seen.api, "ApiVersions" | "FindCoordinator"))
        .map(|seen| (seen.api, seen.version, seen.member_id, seen.generation))
        .collect();
    let id = || "member-1".to_owned();
    assert_eq!(
        group,
        [
            ("JoinGroup", 9, String::new(), -1),
            ("JoinGroup", 9, id(), -1),
            ("SyncGroup", 5, id(), 1),
            ("Heartbeat", 4, id(), 1),
            ("Heartbeat", 4, id(), 1),
            ("LeaveGroup", 5, id(), -1),
        ]
    );
    let leave = broker.log().pop().expect("a request");
    assert_eq!(leave.reason, "worker is stopping");
}

#[tokio::test(start_paused = true)]
async fn a_follower_sends_no_assignments_and_takes_its_own() {
    let broker = ScriptedBroker::new();
    broker.follow("another", b"work");
    let (_member, mut events) = spawn(&broker);
    prepare(&mut events, "one").await;
    let assignment = assigned(&mut events).await;
    assert_eq!(assignment.leader_id, "another");
    assert_eq!(assignment.assignment, Bytes::from_static(b"work"));
}

#[tokio::test(start_paused = true)]
async fn join_errors_are_retried_until_the_group_lets_it_in() {
    for script in [14, 15, 16, 22, 25, 27]
        .map(Script::Error)
        .into_iter()
        .chain([Script::Disconnect])
    {
        let broker = ScriptedBroker::new();
        broker.script::<JoinGroupRequest>(script.clone());
        let (_member, mut events) = spawn(&broker);
        prepare(&mut events, "one").await;
        let outcome = loop {
            match events.recv().await.expect("the member lives") {
                GroupEvent::PrepareJoin { reply } => {
                    let offered = crate::group::membership_suite::protocols("fresh");
                    reply.send(offered).expect("the member waits");
                }
                GroupEvent::PerformAssignment { .. } => break "joined",
                other => panic!("{script:?}: {other:?}"),
            }
        };
        assert_eq!(outcome, "joined");
        assert!(broker.count("JoinGroup") >= 3, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_moved_is_looked_for() {
    for script in [Script::Error(15), Script::Error(16), Script::Disconnect] {
        let broker = ScriptedBroker::new();
        let (_member, mut events) = spawn(&broker);
        lead(&mut events, "one").await;
        broker.script::<HeartbeatRequest>(script);
        broker.arrived_request::<FindCoordinatorRequest>(2).await;
        // The generation survives: the next heartbeat goes on in it.
        broker.arrived_request::<HeartbeatRequest>(3).await;
        assert_eq!(broker.log().pop().expect("a request").generation, 1);
        assert!(events.try_recv().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn sync_errors_lead_to_a_new_join() {
    for script in [14, 15, 16, 22, 25, 27]
        .map(Script::Error)
        .into_iter()
        .chain([Script::Disconnect])
    {
        let broker = ScriptedBroker::new();
        broker.script::<SyncGroupRequest>(script.clone());
        let (_member, mut events) = spawn(&broker);
        prepare(&mut events, "one").await;
        assign(&mut events).await;
        let assignment = lead(&mut events, "two").await;
        assert_eq!(assignment.generation, 2, "{script:?}");
        assert_eq!(assignment.assignment, Bytes::from_static(b"two"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_generation_keeps_the_id_and_a_lost_id_does_not() {
    for (code, first_id_of_rejoin) in [(22, "member-1"), (25, ""), (27, "member-1")] {
        let broker = ScriptedBroker::new();
        let (_member, mut events) = spawn(&broker);
        lead(&mut events, "one").await;
        broker.script::<HeartbeatRequest>(Script::Error(code));
        lead(&mut events, "two").await;
        let joins: Vec<_> = broker
            .log()
            .into_iter()
            .filter(|seen| seen.api == "JoinGroup")
            .collect();
        assert_eq!(joins[2].member_id, first_id_of_rejoin, "error {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_loading_coordinator_is_asked_again_soon() {
    let broker = ScriptedBroker::new();
    let (_member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    broker.script::<HeartbeatRequest>(Script::Error(14));
    broker.arrived_request::<HeartbeatRequest>(1).await;
    let refused = Instant::now();
    broker.arrived_request::<HeartbeatRequest>(2).await;
    assert!(refused.elapsed() < HEARTBEAT);
    assert!(events.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn refusals_end_the_membership_with_the_reason() {
    for code in [23, 24, 26, 30, 81] {
        let broker = ScriptedBroker::new();
        broker.script::<JoinGroupRequest>(Script::Error(code));
        let (member, mut events) = spawn(&broker);
        let text = fatal(&mut events).await;
        assert!(
            text.starts_with("worker cannot be a member of group connect-cluster: broker scripted:9092 answered JoinGroup v9"),
            "{text}"
        );
        assert!(text.contains(&format!("error {code} ")), "{text}");
        member.shutdown("over already").await;
    }
    let broker = ScriptedBroker::new();
    broker.script::<FindCoordinatorRequest>(Script::Error(30));
    let (_member, mut events) = spawn(&broker);
    assert!(fatal(&mut events).await.contains("FindCoordinator"));
}

#[tokio::test(start_paused = true)]
async fn a_group_of_another_type_is_refused() {
    let broker = ScriptedBroker::new();
    broker.set_protocol_type("consumer");
    let (_member, mut events) = spawn(&broker);
    let text = fatal(&mut events).await;
    assert!(
        text.contains("the group is of type 'consumer', not 'connect'"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn heartbeats_go_on_while_the_herder_works() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    member.request_rejoin("a change");
    let Some(GroupEvent::PrepareJoin { reply }) = events.recv().await else {
        panic!("PrepareJoin must come");
    };
    broker.script::<HeartbeatRequest>(Script::Error(27));
    broker.arrived_request::<HeartbeatRequest>(4).await;
    assert_eq!(broker.count("LeaveGroup"), 0);
    reply
        .send(crate::group::membership_suite::protocols("two"))
        .expect("the member waits");
    assign(&mut events).await;
    assert_eq!(assigned(&mut events).await.generation, 2);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_coordinator_is_told_once_after_some_patience() {
    let broker = ScriptedBroker::new();
    // Longer than a heartbeat, of which there are several then.
    let config = GroupConfig {
        heartbeat_interval: Duration::from_millis(500),
        ..GroupConfig::new("connect-cluster")
    };
    let (_member, mut events) = GroupMember::spawn(broker.client(), config);
    lead(&mut events, "one").await;
    broker.set_reachable(false);
    broker.script::<HeartbeatRequest>(Script::Disconnect);
    match events.recv().await {
        Some(GroupEvent::CoordinatorLost { unreachable }) => {
            assert_eq!(unreachable, Duration::from_secs(3));
        }
        other => panic!("CoordinatorLost must come, not {other:?}"),
    }
    broker.set_reachable(true);
    let again = lead(&mut events, "two").await;
    assert_eq!(
        (again.generation, again.member_id.as_str()),
        (2, "member-1")
    );
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_stops_answering_is_given_up_by_the_session_timeout() {
    let broker = ScriptedBroker::new();
    let (_member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    let joined = Instant::now();
    broker.script::<HeartbeatRequest>(Script::Silence);
    broker.arrived_request::<FindCoordinatorRequest>(2).await;
    assert_eq!(joined.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_silent_herder_leaves_and_comes_back() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    broker.arrived_request::<LeaveGroupRequest>(1).await;
    let leave = broker.log().pop().expect("a request");
    assert!(
        leave.reason.starts_with("worker poll timeout has expired"),
        "{}",
        leave.reason
    );
    assert!(matches!(events.recv().await, Some(GroupEvent::Left { .. })));
    let num_requests = broker.log().len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(
        broker.log().len(),
        num_requests,
        "it stays out while the herder is silent"
    );
    member.poll_liveness();
    lead(&mut events, "two").await;
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_keep_it_in() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(30)).await;
        member.poll_liveness();
    }
    assert_eq!(broker.count("LeaveGroup"), 0);
    assert!(events.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_join_in_flight_does_not_hold_up_a_shutdown() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    broker.script::<JoinGroupRequest>(Script::Silence);
    member.request_rejoin("a change");
    prepare(&mut events, "two").await;
    broker.arrived_request::<JoinGroupRequest>(3).await;
    let asked = Instant::now();
    member.shutdown("worker is stopping").await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(broker.count("LeaveGroup"), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_either_end_leaves_the_group() {
    let broker = ScriptedBroker::new();
    let (member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    drop(member);
    assert!(events.recv().await.is_none());
    broker.arrived_request::<LeaveGroupRequest>(1).await;

    let broker = ScriptedBroker::new();
    let (_member, mut events) = spawn(&broker);
    lead(&mut events, "one").await;
    drop(events);
    broker.arrived_request::<LeaveGroupRequest>(1).await;
}

/// librdkafka's mock cluster: older versions, no two-step join, real sockets and real time.
#[tokio::test]
async fn works_on_the_mock_cluster() {
    let cluster = rdkafka::mocking::MockCluster::new(1).expect("a mock cluster");
    let address = cluster.bootstrap_servers().parse().expect("one broker");
    let settings = crate::wire::ClientSettings::new(vec![address]);
    let client = ClusterClient::new(settings);
    let metadata = crate::wire::metadata(&client).await.expect("an answer");
    assert_eq!(metadata.brokers.len(), 1);
    let config = GroupConfig {
        // The mock cluster holds a first join open for 3 s and each later one until a second
        // before the session timeout, and forgets a member that waits longer than its session.
        session_timeout: Duration::from_millis(4000),
        ..GroupConfig::new("connect-quickstart")
    };
    let (member, mut events) = GroupMember::spawn(client, config);
    let first = lead(&mut events, "one").await;
    assert_eq!(first.leader_id, first.member_id);
    member.request_rejoin("a change");
    let second = lead(&mut events, "two").await;
    assert!(second.generation > first.generation);
    assert_eq!(second.assignment, Bytes::from_static(b"two"));
    member.shutdown("done").await;
    assert!(events.recv().await.is_none());
}
