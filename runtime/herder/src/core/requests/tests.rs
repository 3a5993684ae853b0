//! When the offsets of a connector may be changed.

use super::super::{CoreConfig, Member, SessionKeyConfig};
use super::*;
use crate::restart_policy::RestartPolicy;
use crate::signature::MacAlgorithm;
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_store::{ConfigStore, MemoryConfigStore, MemoryStatusStore};
use futures::FutureExt;
use std::time::Duration;

fn core(leader_id: &str) -> Core {
    let mut core = Core::new(CoreConfig {
        worker_url: "http://me:8083/".into(),
        worker_id: "me:8083".into(),
        is_distributed: true,
        hands_over: false,
        restarts: RestartPolicy::FOR_TESTS,
        protocol: ConnectProtocol::Sessioned,
        sync_timeout: Duration::from_secs(3),
        max_rebalance_delay: Duration::from_mins(5),
        unsync_backoff: Duration::from_mins(5),
        session_keys: SessionKeyConfig {
            ttl: Duration::from_hours(1),
            algorithm: MacAlgorithm::Sha256,
            num_bytes: 32,
        },
    });
    core.member = Some(Member {
        generation: 1,
        member_id: "me".into(),
        leader_id: leader_id.into(),
        leader_url: "http://leader:8083/".into(),
        protocol: ConnectProtocol::Sessioned,
        config_offset: 0,
    });
    core.is_settled = true;
    core
}

/// What a core answers when it is asked whether the offsets of `c` may be changed.
fn may_change_offsets(core: &mut Core, configs: &MemoryConfigStore) -> HerderResult<Response> {
    let snapshot = configs.snapshot();
    let view = View {
        configs: &snapshot,
        statuses: &MemoryStatusStore::new(),
        now: Duration::ZERO,
        now_ms: 0,
        connector_type: &|_| "source",
    };
    let request = Request::CheckStopped {
        connector: "c".to_string(),
    };
    let mut effects = Vec::new();
    core.on_request(RequestId(1), request, &view, &mut effects);
    match effects.pop() {
        Some(Effect::Reply(RequestId(1), answer)) if effects.is_empty() => answer,
        other => panic!("it was answered with {other:?}"),
    }
}

fn written<T>(future: impl Future<Output = connect_store::StoreResult<T>>) {
    let outcome = future.now_or_never().expect("memory does not wait");
    assert!(outcome.is_ok(), "memory takes it");
}

#[test]
fn offsets_are_changed_by_the_leader_while_the_connector_is_stopped() {
    let configs = MemoryConfigStore::new();
    let mut leader = core("me");
    let unknown = Err(HerderError::not_found("Connector c not found"));
    assert_eq!(may_change_offsets(&mut leader, &configs), unknown);

    let config: ConfigMap = [("connector.class", "C")].into_iter().collect();
    written(configs.put_connector_config("c", &config, None));
    let must_stop = Err(HerderError::bad_request(
        "Connectors must be in the STOPPED state before their offsets can be modified. This can \
         be done for the specified connector by issuing a 'PUT' request to the \
         '/connectors/c/stop' endpoint",
    ));
    for state in [TargetState::Started, TargetState::Paused] {
        written(configs.put_target_state("c", state));
        assert_eq!(may_change_offsets(&mut leader, &configs), must_stop);
    }
    written(configs.put_task_configs("c", std::slice::from_ref(&config)));
    written(configs.put_target_state("c", TargetState::Stopped));
    assert_eq!(may_change_offsets(&mut leader, &configs), must_stop);
    written(configs.put_task_configs("c", &[]));
    assert_eq!(
        may_change_offsets(&mut leader, &configs),
        Ok(Response::Done)
    );

    // A task of it that is still to be stopped here.
    leader.running_tasks.insert(ConnectorTaskId {
        connector: "c".into(),
        task: 0,
    });
    let stale = Err(HerderError::conflict(STALE_CONFIGURATION));
    assert_eq!(may_change_offsets(&mut leader, &configs), stale);

    let forwarded = may_change_offsets(&mut core("other"), &configs);
    let kind = forwarded.expect_err("another worker leads").kind;
    assert!(matches!(kind, HerderErrorKind::Forward { url } if url == "http://leader:8083/"));
}

/// Every request of which one kind or another may go through the loop, for the connector `c`.
fn all_requests() -> Vec<(Request, bool)> {
    let connector = || "c".to_string();
    let restart = RestartRequest {
        only_failed: false,
        include_tasks: true,
    };
    // Whether only the leader may do it.
    vec![
        (Request::Health, false),
        (Request::Lead, true),
        (
            Request::PutConnectorConfig {
                connector: connector(),
                config: ConfigMap::new(),
                initial_state: None,
                replace: true,
            },
            true,
        ),
        (
            Request::DeleteConnector {
                connector: connector(),
            },
            true,
        ),
        (
            Request::StopConnector {
                connector: connector(),
            },
            true,
        ),
        (
            Request::RestartConnectorAndTasks {
                connector: connector(),
                request: restart,
            },
            true,
        ),
        (
            Request::PutTaskConfigs {
                connector: connector(),
                configs: Vec::new(),
            },
            true,
        ),
        (
            Request::FenceZombies {
                connector: connector(),
            },
            true,
        ),
        (
            Request::CheckStopped {
                connector: connector(),
            },
            true,
        ),
        // These run where the connector or the task runs: the leader knows where.
        (
            Request::RestartConnector {
                connector: connector(),
            },
            true,
        ),
        (
            Request::RestartTask {
                task: ConnectorTaskId {
                    connector: "c".into(),
                    task: 0,
                },
            },
            true,
        ),
    ]
}

fn answers(core: &mut Core, request: Request) -> Vec<Effect> {
    let configs = MemoryConfigStore::new();
    let config: ConfigMap = [("connector.class", "C")].into_iter().collect();
    written(configs.put_connector_config("c", &config, None));
    written(configs.put_task_configs("c", std::slice::from_ref(&config)));
    let snapshot = configs.snapshot();
    let view = View {
        configs: &snapshot,
        statuses: &MemoryStatusStore::new(),
        now: Duration::ZERO,
        now_ms: 0,
        connector_type: &|_| "source",
    };
    let mut effects = Vec::new();
    core.on_request(RequestId(1), request, &view, &mut effects);
    effects
}

#[test]
fn what_only_the_leader_may_do_is_forwarded_to_it_or_refused_while_nobody_knows_it() {
    for (request, needs_leader) in all_requests() {
        let effects = answers(&mut core("other"), request.clone());
        let [Effect::Reply(RequestId(1), answer)] = effects.as_slice() else {
            panic!("{request:?} was answered with {effects:?}");
        };
        if !needs_leader {
            assert_eq!(*answer, Ok(Response::Done));
            continue;
        }
        let url = "http://leader:8083/".to_string();
        let kind = &answer.as_ref().expect_err("another worker leads").kind;
        assert_eq!(*kind, HerderErrorKind::Forward { url }, "{request:?}");

        let mut headless = core("other");
        if let Some(member) = &mut headless.member {
            member.leader_url = String::new();
        }
        let effects = answers(&mut headless, request.clone());
        assert!(
            matches!(
                effects.as_slice(),
                [Effect::Reply(_, Err(error))] if error.kind == HerderErrorKind::Conflict
            ),
            "{request:?} was answered with {effects:?}"
        );
    }
}

#[test]
fn requests_wait_while_the_group_forms_and_restarts_also_while_it_is_about_to() {
    for (request, needs_leader) in all_requests() {
        let mut forming = core("me");
        forming.is_settled = false;
        let effects = answers(&mut forming, request.clone());
        assert_eq!(effects.is_empty(), needs_leader, "{request:?}");

        let mut about_to = core("me");
        about_to.is_rejoin_wanted = true;
        let is_restart = matches!(
            request,
            Request::RestartConnector { .. }
                | Request::RestartConnectorAndTasks { .. }
                | Request::RestartTask { .. }
        );
        let effects = answers(&mut about_to, request.clone());
        assert_eq!(effects.is_empty(), is_restart, "{request:?}");
    }
}
