//! The member of a real group: one task that owns the connection to the coordinator.

mod coordinator;
mod rebalance;

use async_trait::async_trait;
use kafka_protocol::ResponseError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::events::{GroupConfig, GroupError, GroupEvent, GroupMembership};
use super::requests::{self, Asker};
use super::signals::{Departure, Departures, Seen, SignalSender, Wishes, signals};
use crate::wire::{Backoff, BrokerAddress, BrokerConnection, ClusterClient, WireError};

/// Room for events that the herder has not taken yet. A member waits for the answer to most of
/// them, and leaves a herder that takes none, so that a handful is the most there can be.
const MAX_QUEUED_EVENTS: usize = 16;

const SILENCE_REASON: &str = "worker poll timeout has expired: the herder was busy for longer \
     than rebalance.timeout.ms between two turns of its loop";

/// A member of a group that a Kafka broker coordinates.
///
/// Runs as a task of its own on the current tokio runtime until [`GroupMembership::shutdown`],
/// a fatal error, or until the handle or the event receiver is dropped.
#[derive(Debug)]
pub struct GroupMember {
    signals: SignalSender,
}

impl GroupMember {
    /// Starts to join the group. Must be called on a tokio runtime.
    pub fn spawn(client: ClusterClient, config: GroupConfig) -> (Self, mpsc::Receiver<GroupEvent>) {
        let (sender, wishes, departures) = signals();
        let (events, events_out) = mpsc::channel(MAX_QUEUED_EVENTS);
        let retry = Backoff::new(
            client.settings().retry_backoff,
            client.settings().retry_backoff_max,
        );
        let member = Member {
            client,
            config,
            wishes,
            events,
            coordinator: None,
            coordinator_address: None,
            member_id: String::new(),
            generation: None,
            rejoin: Some("the worker has started".to_owned()),
            seen: Seen::default(),
            holds_assignment: false,
            unreachable_since: None,
            last_good_beat: Instant::now(),
            next_beat: Instant::now(),
            retry,
        };
        tokio::spawn(member.run(departures));
        (Self { signals: sender }, events_out)
    }
}

#[async_trait]
impl GroupMembership for GroupMember {
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

/// Why the member cannot go on by itself.
enum Ending {
    /// Nobody takes events any more.
    HerderGone,
    Fatal(GroupError),
}

type Course<T> = Result<T, Ending>;

/// What stops the normal course from outside.
enum Interruption {
    Departure(Departure),
    Silent,
    Resumed,
    Ended(Ending),
}

/// Whether the member stays out of the group for now.
#[derive(Clone, Copy)]
enum Pause {
    No,
    UntilAlive(Seen),
    UntilRejoin(Seen),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Generation {
    id: i32,
    protocol: String,
}

/// How a heartbeat went.
enum Beat {
    Good,
    Rebalancing,
    /// Coordinator or generation are gone, or the coordinator is not ready yet.
    Missed,
}

struct Member {
    client: ClusterClient,
    config: GroupConfig,
    wishes: Wishes,
    events: mpsc::Sender<GroupEvent>,
    coordinator: Option<BrokerConnection>,
    /// Where the coordinator was last, for a LeaveGroup after its connection is gone.
    coordinator_address: Option<BrokerAddress>,
    member_id: String,
    generation: Option<Generation>,
    /// Why the member must join again, if it must.
    rejoin: Option<String>,
    /// Rejoin requests up to here are covered by the metadata of the last PrepareJoin.
    seen: Seen,
    /// Whether the herder may be running work of this group.
    holds_assignment: bool,
    unreachable_since: Option<Instant>,
    last_good_beat: Instant,
    next_beat: Instant,
    retry: Backoff,
}

impl Member {
    async fn run(mut self, mut departures: Departures) {
        let mut pause = Pause::No;
        loop {
            let interruption = self.next_interruption(pause, &mut departures).await;
            match interruption {
                Interruption::Resumed => {
                    self.wishes.poll_liveness();
                    pause = Pause::No;
                }
                Interruption::Departure(departure) => {
                    pause = Pause::UntilRejoin(self.wishes.seen_now());
                    self.leave_group(&departure.reason).await;
                    let for_good = departure.for_good;
                    departure.finish();
                    if for_good {
                        return;
                    }
                }
                Interruption::Silent => {
                    pause = Pause::UntilAlive(self.wishes.seen_now());
                    warn!(group_id = self.config.group_id, "{SILENCE_REASON}");
                    self.leave_group(SILENCE_REASON).await;
                    let left = GroupEvent::Left {
                        reason: SILENCE_REASON.to_owned(),
                    };
                    // Not awaited: the herder that should take it is the one that is stuck.
                    if self.events.try_send(left).is_err() {
                        debug!(
                            group_id = self.config.group_id,
                            "no room to tell of the leave"
                        );
                    }
                }
                Interruption::Ended(Ending::HerderGone) => {
                    self.leave_group("the worker stopped listening to its group")
                        .await;
                    return;
                }
                Interruption::Ended(Ending::Fatal(error)) => {
                    tracing::error!(group_id = self.config.group_id, "{error}");
                    // A herder that is gone has nobody left to tell.
                    let _ = self.events.send(GroupEvent::Fatal(error)).await;
                    return;
                }
            }
        }
    }

    /// Runs the normal course, or the pause, until something stops it. The course is dropped
    /// wherever it stands; a request in flight leaves its connection unusable, nothing else.
    async fn next_interruption(
        &mut self,
        pause: Pause,
        departures: &mut Departures,
    ) -> Interruption {
        let wishes = self.wishes.clone();
        let events = self.events.clone();
        let limit = self.config.rebalance_timeout;
        let course = async {
            match pause {
                Pause::No => tokio::select! {
                    biased;
                    () = wishes.silent_for(limit) => Interruption::Silent,
                    ending = self.drive() => Interruption::Ended(ending),
                },
                Pause::UntilAlive(seen) => {
                    wishes.alive_after(seen).await;
                    Interruption::Resumed
                }
                Pause::UntilRejoin(seen) => {
                    wishes.rejoin_after(seen).await;
                    Interruption::Resumed
                }
            }
        };
        tokio::select! {
            biased;
            departure = departures.next() => Interruption::Departure(departure),
            () = events.closed() => Interruption::Ended(Ending::HerderGone),
            interruption = course => interruption,
        }
    }

    async fn drive(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.step().await {
                return ending;
            }
        }
    }

    async fn step(&mut self) -> Course<()> {
        self.ensure_coordinator().await?;
        if self.rejoin.is_some() || self.generation.is_none() {
            self.rebalance().await
        } else {
            self.stay().await
        }
    }

    /// Waits for the next heartbeat or for a reason to rejoin.
    async fn stay(&mut self) -> Course<()> {
        tokio::select! {
            reason = self.wishes.rejoin_after(self.seen) => {
                self.require_rejoin(&reason);
                return Ok(());
            }
            () = tokio::time::sleep_until(self.next_beat) => {}
        }
        if let Beat::Rebalancing = self.beat().await? {
            self.require_rejoin("group is already rebalancing");
        }
        Ok(())
    }

    fn require_rejoin(&mut self, reason: &str) {
        info!(
            group_id = self.config.group_id,
            "Request joining group due to: {reason}"
        );
        self.rejoin = Some(reason.to_owned());
    }

    /// One heartbeat in the current generation, which the caller has checked to exist.
    async fn beat(&mut self) -> Course<Beat> {
        let (Some(connection), Some(generation)) = (&mut self.coordinator, &self.generation) else {
            return Ok(Beat::Missed);
        };
        let session_left = (self.last_good_beat + self.config.session_timeout)
            .saturating_duration_since(Instant::now());
        let timeout = self.client.settings().request_timeout.min(session_left);
        let asker = Asker {
            group_id: &self.config.group_id,
            member_id: &self.member_id,
            generation: generation.id,
        };
        // No other request of this member can be in flight, so that the generation of the answer
        // is always the current one.
        let response = match requests::heartbeat(connection, asker, timeout).await {
            Ok(response) => response,
            Err(error) => {
                self.coordinator_failed(error)?;
                return Ok(Beat::Missed);
            }
        };
        let now = Instant::now();
        let Some(error) = ResponseError::try_from_code(response.error_code) else {
            self.last_good_beat = now;
            self.next_beat = now + self.config.heartbeat_interval;
            self.retry.reset();
            return Ok(Beat::Good);
        };
        match error {
            ResponseError::RebalanceInProgress => {
                debug!(
                    group_id = self.config.group_id,
                    "Attempt to heartbeat failed since group is rebalancing"
                );
                self.last_good_beat = now;
                self.next_beat = now + self.config.heartbeat_interval;
                Ok(Beat::Rebalancing)
            }
            ResponseError::CoordinatorLoadInProgress => {
                self.next_beat = now + self.retry.next_delay();
                Ok(Beat::Missed)
            }
            other => {
                let wire = connection
                    .response_error::<kafka_protocol::messages::HeartbeatRequest>(other, None);
                self.member_failed(other, wire)?;
                Ok(Beat::Missed)
            }
        }
    }

    /// Acts on the error codes that mean the same in every answer.
    fn member_failed(&mut self, error: ResponseError, wire: WireError) -> Course<()> {
        match error {
            ResponseError::CoordinatorNotAvailable | ResponseError::NotCoordinator => {
                self.coordinator_failed(wire)
            }
            ResponseError::IllegalGeneration => {
                self.reset_generation(&wire);
                Ok(())
            }
            ResponseError::UnknownMemberId => {
                self.reset_generation(&wire);
                self.member_id.clear();
                Ok(())
            }
            _ => Err(self.refused(wire)),
        }
    }

    fn reset_generation(&mut self, cause: &WireError) {
        info!(
            group_id = self.config.group_id,
            member_id = self.member_id,
            "Resetting generation due to: {cause}"
        );
        self.generation = None;
        self.require_rejoin("the group no longer knows this member's generation");
    }

    fn refused(&self, source: WireError) -> Ending {
        Ending::Fatal(GroupError::Refused {
            group_id: self.config.group_id.clone(),
            source,
        })
    }

    async fn tell(&self, event: GroupEvent) -> Course<()> {
        self.events
            .send(event)
            .await
            .map_err(|_| Ending::HerderGone)
    }

    /// Waits for the herder's answer while heartbeats go on. `None` is "not now".
    async fn await_reply<T>(&mut self, mut reply: oneshot::Receiver<T>) -> Course<Option<T>> {
        loop {
            tokio::select! {
                biased;
                answer = &mut reply => {
                    self.wishes.poll_liveness();
                    return Ok(answer.ok());
                }
                () = tokio::time::sleep_until(self.next_beat), if self.generation.is_some() => {
                    self.beat_beside_herder().await?;
                }
            }
        }
    }

    /// A heartbeat while the herder works. What it tells of the group is not acted on here: the
    /// request that follows the herder's answer meets the same.
    async fn beat_beside_herder(&mut self) -> Course<()> {
        if !self
            .coordinator
            .as_ref()
            .is_some_and(BrokerConnection::is_usable)
        {
            self.coordinator = None;
            self.unreachable_since.get_or_insert_with(Instant::now);
            let attempt = coordinator::find_coordinator(&self.client, &self.config.group_id);
            match tokio::time::timeout(self.config.heartbeat_interval, attempt).await {
                Ok(Ok((coordinator, connection))) => {
                    self.coordinator_found(&coordinator, connection);
                }
                Ok(Err(error)) if error.is_fatal() => return Err(self.refused(error)),
                Ok(Err(_)) | Err(_) => {
                    self.next_beat = Instant::now() + self.retry.next_delay();
                    return Ok(());
                }
            }
        }
        self.beat().await.map(drop)
    }

    /// Waits before the next attempt, and says why.
    async fn back_off(&mut self, reason: &str) {
        let delay = self.retry.next_delay();
        info!(
            group_id = self.config.group_id,
            "Rebalance failed: {reason}. Trying again in {} ms",
            delay.as_millis()
        );
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests;
