//! What clients ask of workers, and workers of each other.

use super::super::{ForwardError, Input, Outcome, Request, RequestId, Response};
use super::worker::Act;
use super::world::{Asked, Event, World};
use crate::face::{HerderErrorKind, HerderResult, RestartRequest};
use crate::signature::{self, InternalRequest, RequestSignature};
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_store::{ConfigStore, ConnectorTaskId, TargetState};
use futures::FutureExt;
use rand::RngExt;

const CONNECTORS: [&str; 4] = ["a", "b", "c", "d"];

impl World {
    pub(super) fn client_asks(&mut self) {
        let connector = CONNECTORS[self.rng.random_range(0..CONNECTORS.len())].to_string();
        let worker = self.rng.random_range(0..self.workers.len());
        let task = ConnectorTaskId {
            connector: connector.as_str().into(),
            task: self.rng.random_range(0..3),
        };
        let request = match self.rng.random_range(0..14) {
            0..=6 => {
                self.num_versions += 1;
                let tasks_max = self.rng.random_range(1..8).to_string();
                let version = self.num_versions.to_string();
                // Always the same of one connector: what has failed would stay so if it changed.
                let restarts = if connector.as_str() < "c" {
                    "true"
                } else {
                    "false"
                };
                let mut one_of = |values: [&'static str; 2]| values[self.rng.random_range(0..2)];
                Request::PutConnectorConfig {
                    connector,
                    config: ConfigMap::from_iter([
                        ("connector.class", "C"),
                        ("tasks.max", tasks_max.as_str()),
                        ("version", version.as_str()),
                        ("table", one_of(["t", "u"])),
                        ("errors.tolerance", one_of(["none", "all"])),
                        ("dovetail.restart.enable", restarts),
                        (
                            "dovetail.restart.only.changed.tasks",
                            one_of(["true", "false"]),
                        ),
                    ]),
                    initial_state: None,
                    replace: true,
                }
            }
            7 => Request::DeleteConnector { connector },
            8 => Request::StopConnector { connector },
            9 => Request::RestartConnector { connector },
            10 => Request::RestartConnectorAndTasks {
                connector,
                request: RestartRequest {
                    only_failed: false,
                    include_tasks: true,
                },
            },
            11 => Request::RestartTask { task },
            _ => {
                let state =
                    [TargetState::Started, TargetState::Paused][self.rng.random_range(0..2)];
                self.set_target_state(worker, &connector, state);
                return;
            }
        };
        self.send(worker, request);
    }

    /// A client's request is on its way to a worker.
    pub(super) fn send(&mut self, worker: usize, request: Request) {
        self.num_asked += 1;
        let id = self.num_asked;
        self.asked.insert(id, Asked { request, hops: 0 });
        let hops = 0;
        self.soon(1, 100, Event::Ask { worker, id, hops });
    }

    pub(super) fn set_target_state(&mut self, worker: usize, connector: &str, state: TargetState) {
        let one = &self.workers[worker];
        let is_known = one.store().snapshot().contains(connector);
        if one.is_alive && !one.is_cut_off && is_known && one.hangs_until <= self.now {
            let written = one
                .store()
                .put_target_state(connector, state)
                .now_or_never();
            written.expect("memory does not wait").unwrap();
            let life = one.life;
            self.act(worker, life, Act::Wrote);
        }
    }

    pub(super) fn ask(&mut self, worker: usize, id: u64, hops: u32) {
        let Some(asked) = self.asked.get_mut(&id) else {
            return;
        };
        if !self.workers[worker].is_alive || (hops > 0 && self.workers[worker].is_cut_off) {
            // The client, or who forwarded it, gets no connection.
            self.asked.remove(&id);
            return;
        }
        asked.hops = hops;
        let request = asked.request.clone();
        let input = self.workers[worker].request(RequestId(id), request);
        self.workers[worker].host_events.push_back(input);
        let life = self.workers[worker].life;
        self.soon(0, 5, Event::Wake { worker, life });
    }

    pub(super) fn reply(&mut self, id: u64, response: HerderResult<Response>) {
        if let Some((from, life, connector)) = self.relayed.remove(&id) {
            let result = response.map(drop).map_err(|error| ForwardError {
                is_forbidden: error.kind == HerderErrorKind::Forbidden,
                message: error.message,
            });
            return self.tell_of_forward(from, life, connector, result);
        }
        let Some(asked) = self.asked.remove(&id) else {
            // Its client has had an answer, or none is possible any more.
            return;
        };
        match response {
            Err(error) => {
                if let HerderErrorKind::Forward { url } = error.kind
                    && asked.hops < 2
                    && let Some(to) = self.worker_at(&url)
                {
                    let hops = asked.hops + 1;
                    self.asked.insert(id, asked);
                    self.soon(
                        1,
                        100,
                        Event::Ask {
                            worker: to,
                            id,
                            hops,
                        },
                    );
                }
            }
            Ok(_) => {
                if let Request::PutConnectorConfig { config, .. } = &asked.request {
                    let version = config.get("version").unwrap().parse().unwrap();
                    self.confirmed.insert(version);
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one request")]
    pub(super) fn forwarded(
        &mut self,
        from: usize,
        life: u32,
        to: usize,
        connector: String,
        configs: Vec<ConfigMap>,
        signature: Option<RequestSignature>,
        body: Bytes,
    ) {
        let target = &self.workers[to];
        let is_reachable = target.is_alive && !target.is_cut_off && !self.workers[from].is_cut_off;
        let verified = if is_reachable {
            let (signature, algorithm) = match signature {
                Some(signature) => (Some(signature.signature), Some(signature.algorithm)),
                None => (None, None),
            };
            let request = InternalRequest {
                body,
                signature,
                signature_algorithm: algorithm,
            };
            let state = target.store().snapshot();
            signature::verify(
                &request,
                target.requires_signatures,
                &["HmacSHA256".to_string()],
                state.session_key().map(AsRef::as_ref),
            )
            .map_err(|error| ForwardError {
                is_forbidden: error.kind == HerderErrorKind::Forbidden,
                message: error.message,
            })
        } else {
            Err(ForwardError {
                is_forbidden: false,
                message: "connection refused".to_string(),
            })
        };
        if let Err(error) = verified {
            return self.tell_of_forward(from, life, connector, Err(error));
        }
        self.num_asked += 1;
        let id = self.num_asked;
        self.relayed.insert(id, (from, life, connector.clone()));
        let request = Request::PutTaskConfigs { connector, configs };
        let input = self.workers[to].request(RequestId(id), request);
        self.workers[to].host_events.push_back(input);
        let to_life = self.workers[to].life;
        self.soon(
            0,
            5,
            Event::Wake {
                worker: to,
                life: to_life,
            },
        );
    }

    pub(super) fn tell_of_forward(
        &mut self,
        worker: usize,
        life: u32,
        connector: String,
        result: Result<(), ForwardError>,
    ) {
        let input = Input::Outcome(Outcome::TaskConfigsForwarded(connector, result));
        self.soon(
            1,
            100,
            Event::Tell {
                worker,
                life,
                input,
            },
        );
    }
}
