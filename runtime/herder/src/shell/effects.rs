//! How the effects of the core are carried out.

use super::Shell;
use crate::core::{Effect, ForwardError, ObsoleteStatuses, Outcome};
use crate::peers::{PeerRequest, connector_url, task_configs_body};
use crate::signature::signature_of;
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_store::{ConnectorStatus, State, Status, TaskStatus};
use std::sync::atomic::Ordering;

impl Shell {
    pub(super) async fn carry_out(&mut self, effect: Effect) -> Option<Outcome> {
        let host = &self.parts.host;
        match effect {
            Effect::Reply(id, response) => {
                if let Some(reply) = self.replies.remove(&id) {
                    // The client may have gone.
                    let _ = reply.send(response);
                }
            }
            Effect::Resume(id, request) => return Some(Outcome::Resumed(id, request)),
            Effect::JoinReply(protocols) => {
                if let Some(reply) = self.join_reply.take() {
                    let _ = reply.send(protocols);
                }
            }
            Effect::AssignmentReply(assignments) => {
                if let Some(reply) = self.assignment_reply.take() {
                    let _ = reply.send(assignments);
                }
            }
            Effect::RequestRejoin(reason) => self.group.request_rejoin(&reason),
            Effect::LeaveGroup(reason) => self.group.leave(&reason).await,
            Effect::MembershipChanged {
                generation,
                is_leader,
                leader_url,
                protocol,
            } => {
                self.generation = generation;
                host.set_generation(generation);
                self.parts
                    .requires_signatures
                    .store(protocol == ConnectProtocol::Sessioned, Ordering::Release);
                self.note_rebalance(generation, is_leader, &leader_url, protocol.name())
                    .await;
            }
            Effect::Refresh { timeout } => {
                let _stage = self
                    .parts
                    .stage
                    .enter("reading to the end of the config topic");
                let result = self.parts.config_store.refresh(timeout).await;
                return Some(Outcome::Refreshed(
                    result.map_err(|error| error.to_string()),
                ));
            }
            Effect::RefreshToFence { round, timeout } => {
                let _stage = self
                    .parts
                    .stage
                    .enter("reading to the end of the config topic");
                let result = self.parts.config_store.refresh(timeout).await;
                let result = result.map_err(|error| error.to_string());
                return Some(Outcome::RefreshedToFence(round, result));
            }
            Effect::FenceProducers {
                round,
                config,
                num_tasks,
            } => {
                let host = host.clone();
                self.fencings.spawn(async move {
                    let fenced = host.fence_producers(&round.connector, config, num_tasks);
                    let result = fenced.await.map_err(|error| error.to_string());
                    Outcome::ProducersFenced(round, result)
                });
            }
            Effect::Write(reason, write) => {
                let result = self.write(write).await;
                return Some(Outcome::Written(reason, result));
            }
            Effect::StartConnector {
                connector,
                config,
                target_state,
            } => host.start_connector(&connector, config, target_state),
            Effect::TransitionConnector {
                connector,
                target_state,
            } => host.transition_connector(&connector, target_state),
            Effect::StopConnectors(connectors) => {
                let _stage = self.parts.stage.enter("stopping connectors");
                host.stop_connectors(connectors).await;
            }
            Effect::StartTask {
                task,
                connector_config,
                task_config,
                generation,
                target_state,
            } => host.start_task(
                &task,
                connector_config,
                task_config,
                generation,
                target_state,
            ),
            Effect::SetTaskTargetState { task, target_state } => {
                host.set_task_target_state(&task, target_state);
            }
            Effect::StopTasks(tasks) => {
                let _stage = self.parts.stage.enter("stopping tasks");
                host.stop_tasks(tasks).await;
            }
            Effect::GenerateTaskConfigs {
                connector,
                config,
                inquiry,
            } => host.generate_task_configs(&connector, config, inquiry),
            Effect::ForwardTaskConfigs {
                connector,
                leader_url,
                configs,
            } => self.forward_task_configs(connector, &leader_url, &configs),
            Effect::RepeatStatuses { connectors, tasks } => {
                host.repeat_statuses(&connectors, &tasks);
            }
            Effect::HandedOver => self.is_handed_over = true,
            Effect::FlushStatuses => {
                let _stage = self
                    .parts
                    .stage
                    .enter("flushing updates to the status topic");
                if let Err(error) = self.parts.status_store.flush().await {
                    tracing::warn!("the statuses of stopped work could not be written: {error}");
                }
            }
            Effect::MarkRestarting { connector, tasks } => {
                host.mark_restarting(connector.as_deref(), &tasks);
            }
            Effect::CleanStatuses => self.clean_statuses(),
            Effect::ForgetTopics(connector) => {
                for topic in self.parts.status_store.topics(&connector) {
                    self.parts
                        .status_store
                        .delete_topic(&topic.topic, &connector);
                }
            }
        }
        None
    }

    async fn note_rebalance(
        &mut self,
        generation: i32,
        is_leader: bool,
        leader_url: &str,
        protocol: &str,
    ) {
        let now = self.parts.clock.monotonic();
        let started = self.rebalance_started.take().unwrap_or(now);
        let rebalance = self.parts.metrics.rebalance();
        rebalance.set_connect_protocol(&protocol.to_uppercase());
        rebalance.record_completed(generation, leader_url, now.saturating_sub(started));
        self.parts.stage.ready();
        self.note_leadership(is_leader, generation).await;
    }

    /// Sends task configurations in the background: the leader may be busy, and this worker must stay
    /// in its group meanwhile.
    fn forward_task_configs(&mut self, connector: String, leader_url: &str, configs: &[ConfigMap]) {
        let body = task_configs_body(configs);
        let configs = self.parts.config_store.snapshot();
        let signature = configs
            .session_key()
            .map(|key| signature_of(key, self.parts.signature_algorithm, &body));
        let request = PeerRequest {
            method: "POST".to_string(),
            url: connector_url(leader_url, &connector, "tasks"),
            authorization: None,
            signature,
            body: Some(body),
        };
        let peers = self.parts.peers.clone();
        self.forwards.spawn(async move {
            let result = peers.send(request).await;
            let result = result.map(drop).map_err(|error| ForwardError {
                is_forbidden: error.status == 403,
                message: format!(
                    "Request to leader to reconfigure connector tasks failed: {error} (status {})",
                    error.status
                ),
            });
            (connector, result)
        });
    }

    /// The leader removes the statuses of connectors and tasks that are not configured any more.
    fn clean_statuses(&self) {
        let configs = self.parts.config_store.snapshot();
        let statuses = &self.parts.status_store;
        let destroyed = || Status {
            state: State::Destroyed,
            trace: None,
            worker_id: self.parts.worker_id.clone(),
            generation: self.generation,
            version: None,
        };
        let obsolete = ObsoleteStatuses::find(&configs, &**statuses);
        for id in obsolete.tasks {
            let status = destroyed();
            statuses.put_task(TaskStatus { id, status });
        }
        for connector in obsolete.connectors {
            let status = destroyed();
            statuses.put_connector(ConnectorStatus { connector, status });
        }
    }
}
