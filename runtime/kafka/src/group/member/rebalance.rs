//! One rebalance of a member: prepare, join, assign if it leads, sync.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse, SyncGroupRequest};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::info;

use super::{Course, Ending, Generation, Member};
use crate::group::events::{
    GroupAssignment, GroupError, GroupEvent, GroupProtocol, MemberAssignment, MemberMetadata,
};
use crate::group::requests::{self, Asker, PROTOCOL_TYPE};

/// A broker answers JoinGroup when the slowest member has joined, or given up; this is the time
/// it may need beyond `rebalance.timeout.ms` to do so.
const JOIN_LAPSE: Duration = Duration::from_secs(5);
/// A fresh member needs two requests, one whose id was forgotten one more. A broker that asks
/// for still another is waited for.
const MAX_IMMEDIATE_JOINS: u32 = 3;

/// How a JoinGroup went.
enum Join {
    Joined(Joined),
    /// Ask again with the member id that is now right.
    Again,
    /// Ask again after a back-off.
    Later(String),
    /// Look for the coordinator first.
    Rediscover,
}

struct Joined {
    generation: Generation,
    leader_id: String,
    members: Vec<MemberMetadata>,
}

impl Member {
    /// Runs one rebalance as far as it gets. What is left undone shows in `self.rejoin` and
    /// `self.coordinator`, and the caller comes again.
    pub(super) async fn rebalance(&mut self) -> Course<()> {
        self.seen = self.wishes.seen_now();
        let (reply, answer) = oneshot::channel();
        self.tell(GroupEvent::PrepareJoin { reply }).await?;
        let Some(protocols) = self.await_reply(answer).await? else {
            self.back_off("the worker cannot tell its metadata now")
                .await;
            return Ok(());
        };
        let Some(joined) = self.join(&protocols).await? else {
            return Ok(());
        };
        let Joined {
            generation,
            leader_id,
            members,
        } = joined;
        let assignments = if leader_id == self.member_id {
            let (reply, answer) = oneshot::channel();
            self.tell(GroupEvent::PerformAssignment {
                generation: generation.id,
                leader_id: leader_id.clone(),
                protocol: generation.protocol.clone(),
                members,
                reply,
            })
            .await?;
            match self.await_reply(answer).await? {
                Some(assignments) => assignments,
                None => {
                    self.back_off("the worker leads and cannot assign now")
                        .await;
                    return Ok(());
                }
            }
        } else {
            Vec::new()
        };
        self.sync(generation, leader_id, assignments).await
    }

    /// Joins. `None` when the rebalance must begin anew.
    async fn join(&mut self, protocols: &[GroupProtocol]) -> Course<Option<Joined>> {
        for _ in 0..MAX_IMMEDIATE_JOINS {
            match self.join_once(protocols).await? {
                Join::Joined(joined) => return Ok(Some(joined)),
                Join::Again => {}
                Join::Later(reason) => {
                    self.back_off(&reason).await;
                    return Ok(None);
                }
                Join::Rediscover => return Ok(None),
            }
        }
        self.back_off("the coordinator keeps asking for another member id")
            .await;
        Ok(None)
    }

    async fn join_once(&mut self, protocols: &[GroupProtocol]) -> Course<Join> {
        let timeout = self.rebalance_request_timeout();
        let Some(connection) = &mut self.coordinator else {
            return Ok(Join::Rediscover);
        };
        let reason = self
            .rejoin
            .as_deref()
            .unwrap_or("the member has no generation");
        info!(group_id = self.config.group_id, "(Re-)joining group");
        let response = requests::join_group(
            connection,
            &self.config,
            &self.member_id,
            protocols,
            reason,
            timeout,
        )
        .await;
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                self.coordinator_failed(error)?;
                return Ok(Join::Rediscover);
            }
        };
        let Some(error) = ResponseError::try_from_code(response.error_code) else {
            return self.joined(response, protocols).map(Join::Joined);
        };
        let wire = connection.response_error::<JoinGroupRequest>(error, None);
        match error {
            ResponseError::MemberIdRequired => {
                self.member_id = response.member_id.to_string();
                Ok(Join::Again)
            }
            ResponseError::CoordinatorLoadInProgress | ResponseError::RebalanceInProgress => {
                Ok(Join::Later(wire.to_string()))
            }
            ResponseError::UnknownMemberId | ResponseError::IllegalGeneration => {
                self.member_failed(error, wire)?;
                Ok(Join::Again)
            }
            ResponseError::CoordinatorNotAvailable | ResponseError::NotCoordinator => {
                self.member_failed(error, wire)?;
                // The old coordinator may still be the one that is found.
                Ok(Join::Later("the coordinator moves".to_owned()))
            }
            _ => Err(self.refused(wire)),
        }
    }

    fn joined(
        &mut self,
        response: JoinGroupResponse,
        protocols: &[GroupProtocol],
    ) -> Course<Joined> {
        let protocol = response
            .protocol_name
            .as_deref()
            .unwrap_or_default()
            .to_owned();
        self.check_protocol_type(response.protocol_type.as_deref())?;
        if !protocols.iter().any(|offered| offered.name == protocol) {
            return Err(self.inconsistent(format!(
                "the group chose the protocol '{protocol}', which this worker did not offer"
            )));
        }
        if response.skip_assignment {
            return Err(self.inconsistent(
                "the broker wants the leader to keep the assignment, which only static members could"
                    .to_owned(),
            ));
        }
        let generation = Generation {
            id: response.generation_id,
            protocol,
        };
        self.member_id = response.member_id.to_string();
        self.generation = Some(generation.clone());
        self.last_good_beat = Instant::now();
        self.next_beat = self.last_good_beat + self.config.heartbeat_interval;
        info!(
            group_id = self.config.group_id,
            "Successfully joined group with generation Generation{{generationId={}, memberId='{}', protocol='{}'}}",
            generation.id,
            self.member_id,
            generation.protocol
        );
        let members = response
            .members
            .into_iter()
            .map(|member| MemberMetadata {
                member_id: member.member_id.to_string(),
                metadata: member.metadata,
            })
            .collect();
        Ok(Joined {
            generation,
            leader_id: response.leader.to_string(),
            members,
        })
    }

    async fn sync(
        &mut self,
        generation: Generation,
        leader_id: String,
        assignments: Vec<MemberAssignment>,
    ) -> Course<()> {
        // A heartbeat beside the herder may have found that generation or coordinator are gone.
        if self.generation.as_ref() != Some(&generation) {
            return Ok(());
        }
        let timeout = self.rebalance_request_timeout();
        let Some(connection) = &mut self.coordinator else {
            return Ok(());
        };
        let asker = Asker {
            group_id: &self.config.group_id,
            member_id: &self.member_id,
            generation: generation.id,
        };
        let response = requests::sync_group(
            connection,
            asker,
            &generation.protocol,
            assignments,
            timeout,
        )
        .await;
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                self.rejoin
                    .get_or_insert_with(|| "SyncGroup had no answer".to_owned());
                return self.coordinator_failed(error);
            }
        };
        if let Some(error) = ResponseError::try_from_code(response.error_code) {
            let wire = connection.response_error::<SyncGroupRequest>(error, None);
            self.require_rejoin(&wire.to_string());
            return match error {
                ResponseError::RebalanceInProgress => Ok(()),
                ResponseError::CoordinatorLoadInProgress => {
                    self.back_off("the coordinator is loading").await;
                    Ok(())
                }
                _ => self.member_failed(error, wire),
            };
        }
        self.check_protocol_type(response.protocol_type.as_deref())?;
        if let Some(synced) = response.protocol_name.as_deref()
            && synced != generation.protocol
        {
            return Err(self.inconsistent(format!(
                "it joined with the protocol '{}' and synced with '{synced}'",
                generation.protocol
            )));
        }
        info!(
            group_id = self.config.group_id,
            "Successfully synced group in generation Generation{{generationId={}, memberId='{}', protocol='{}'}}",
            generation.id,
            self.member_id,
            generation.protocol
        );
        self.rejoin = None;
        self.holds_assignment = true;
        self.retry.reset();
        self.last_good_beat = Instant::now();
        self.next_beat = self.last_good_beat + self.config.heartbeat_interval;
        self.tell(GroupEvent::Assigned(GroupAssignment {
            generation: generation.id,
            member_id: self.member_id.clone(),
            leader_id,
            protocol: generation.protocol,
            assignment: response.assignment,
        }))
        .await
    }

    fn rebalance_request_timeout(&self) -> Duration {
        let rebalance = self.config.rebalance_timeout + JOIN_LAPSE;
        self.client.settings().request_timeout.max(rebalance)
    }

    fn check_protocol_type(&self, protocol_type: Option<&str>) -> Course<()> {
        match protocol_type {
            Some(other) if other != PROTOCOL_TYPE => Err(self.inconsistent(format!(
                "the group is of type '{other}', not '{PROTOCOL_TYPE}'"
            ))),
            _ => Ok(()),
        }
    }

    fn inconsistent(&self, reason: String) -> Ending {
        Ending::Fatal(GroupError::Inconsistent {
            group_id: self.config.group_id.clone(),
            reason,
        })
    }
}
