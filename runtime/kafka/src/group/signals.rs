//! What the herder says to its member, and how the member waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// Leaves wait for their answer one after another; more than a few at once make no sense.
const MAX_QUEUED_DEPARTURES: usize = 4;

/// The latest of what needs no answer. Older values are of no interest, so they are overwritten.
#[derive(Debug)]
struct WishState {
    num_rejoins: u64,
    rejoin_reason: String,
    num_polls: u64,
    last_poll: Instant,
}

/// The rejoins and signs of life up to some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    num_rejoins: u64,
    num_polls: u64,
}

/// Wishes of the herder, kept in one place that both ends share.
#[derive(Debug, Clone)]
pub(super) struct Wishes(Arc<watch::Sender<WishState>>);

impl Wishes {
    pub(super) fn request_rejoin(&self, reason: &str) {
        self.0.send_modify(|state| {
            state.num_rejoins += 1;
            reason.clone_into(&mut state.rejoin_reason);
        });
    }

    pub(super) fn poll_liveness(&self) {
        self.0.send_modify(|state| {
            state.num_polls += 1;
            state.last_poll = Instant::now();
        });
    }

    pub(super) fn seen_now(&self) -> Seen {
        let state = self.0.borrow();
        Seen {
            num_rejoins: state.num_rejoins,
            num_polls: state.num_polls,
        }
    }

    /// Waits for a rejoin that is not in `seen`; returns its reason. Cancel-safe.
    pub(super) async fn rejoin_after(&self, seen: Seen) -> String {
        let is_new = |state: &WishState| state.num_rejoins > seen.num_rejoins;
        let mut wishes = self.0.subscribe();
        let reason = wishes
            .wait_for(is_new)
            .await
            .ok()
            .map(|state| state.rejoin_reason.clone());
        match reason {
            Some(reason) => reason,
            // Cannot come: `self` holds a sender. Waiting on is the answer that does no harm.
            None => std::future::pending().await,
        }
    }

    /// Waits for a sign of life or a rejoin that is not in `seen`. Cancel-safe.
    pub(super) async fn alive_after(&self, seen: Seen) {
        let is_new = |state: &WishState| {
            state.num_polls > seen.num_polls || state.num_rejoins > seen.num_rejoins
        };
        if self.0.subscribe().wait_for(is_new).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the last sign of life is `limit` ago. Cancel-safe.
    pub(super) async fn silent_for(&self, limit: Duration) {
        loop {
            let deadline = self.0.borrow().last_poll + limit;
            if Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }
}

/// A request to leave.
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) reason: String,
    /// Whether the membership ends with it.
    pub(super) for_good: bool,
    done: oneshot::Sender<()>,
}

impl Departure {
    /// Lets the caller go on. A caller that has gone away is no fault.
    pub(super) fn finish(self) {
        let _ = self.done.send(());
    }
}

/// The member's end of the requests to leave.
#[derive(Debug)]
pub(super) struct Departures(mpsc::Receiver<Departure>);

impl Departures {
    /// The next request. A herder that has dropped its handle asks to end. Cancel-safe.
    pub(super) async fn next(&mut self) -> Departure {
        self.0.recv().await.unwrap_or_else(|| Departure {
            reason: "the worker dropped its group membership".to_owned(),
            for_good: true,
            done: oneshot::channel().0,
        })
    }
}

/// The herder's end.
#[derive(Debug)]
pub(super) struct SignalSender {
    wishes: Wishes,
    departures: mpsc::Sender<Departure>,
}

impl SignalSender {
    pub(super) fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    pub(super) async fn depart(&self, reason: &str, for_good: bool) {
        let (done, answered) = oneshot::channel();
        let departure = Departure {
            reason: reason.to_owned(),
            for_good,
            done,
        };
        if self.departures.send(departure).await.is_ok() {
            // An error means that the member is gone, which is what the caller wanted.
            let _ = answered.await;
        }
    }
}

/// The two ends for one member.
pub(super) fn signals() -> (SignalSender, Wishes, Departures) {
    let wishes = Wishes(Arc::new(watch::Sender::new(WishState {
        num_rejoins: 0,
        rejoin_reason: String::new(),
        num_polls: 0,
        last_poll: Instant::now(),
    })));
    let (departures, departures_out) = mpsc::channel(MAX_QUEUED_DEPARTURES);
    let sender = SignalSender {
        wishes: wishes.clone(),
        departures,
    };
    (sender, wishes, Departures(departures_out))
}
