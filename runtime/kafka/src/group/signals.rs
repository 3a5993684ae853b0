//! What the herder says to its member, and how the member waits for it.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// Leaves wait for their answer one after another; more than a few at once make no sense.
const MAX_QUEUED_DEPARTURES: usize = 4;

/// The latest of what needs no answer. Older values are of no interest, so they are overwritten.
#[derive(Debug)]
struct Wishes {
    num_rejoins: u64,
    rejoin_reason: String,
    num_polls: u64,
    last_poll: Instant,
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

/// The herder's end.
#[derive(Debug)]
pub(super) struct SignalSender {
    wishes: watch::Sender<Wishes>,
    departures: mpsc::Sender<Departure>,
}

/// The member's end.
#[derive(Debug)]
pub(super) struct SignalReceiver {
    wishes: watch::Receiver<Wishes>,
    departures: mpsc::Receiver<Departure>,
    departures_closed: bool,
}

/// The rejoins that a member has already acted on, and the signs of life it has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    num_rejoins: u64,
    num_polls: u64,
}

pub(super) fn signals() -> (SignalSender, SignalReceiver) {
    let (wishes, wishes_out) = watch::channel(Wishes {
        num_rejoins: 0,
        rejoin_reason: String::new(),
        num_polls: 0,
        last_poll: Instant::now(),
    });
    let (departures, departures_out) = mpsc::channel(MAX_QUEUED_DEPARTURES);
    (
        SignalSender { wishes, departures },
        SignalReceiver {
            wishes: wishes_out,
            departures: departures_out,
            departures_closed: false,
        },
    )
}

impl SignalSender {
    pub(super) fn request_rejoin(&self, reason: &str) {
        self.wishes.send_modify(|wishes| {
            wishes.num_rejoins += 1;
            reason.clone_into(&mut wishes.rejoin_reason);
        });
    }

    pub(super) fn poll_liveness(&self) {
        self.wishes.send_modify(|wishes| {
            wishes.num_polls += 1;
            wishes.last_poll = Instant::now();
        });
    }

    pub(super) async fn depart(&self, reason: &str, for_good: bool) {
        let (done, answered) = oneshot::channel();
        let departure = Departure { reason: reason.to_owned(), for_good, done };
        if self.departures.send(departure).await.is_ok() {
            // An error means that the member is gone, which is what the caller wanted.
            let _ = answered.await;
        }
    }
}

impl SignalReceiver {
    pub(super) fn seen_now(&self) -> Seen {
        let wishes = self.wishes.borrow();
        Seen { num_rejoins: wishes.num_rejoins, num_polls: wishes.num_polls }
    }

    /// Waits for a rejoin that is not in `seen`; returns its reason. Cancel-safe. Never returns
    /// once the herder has dropped its end.
    pub(super) async fn rejoin_after(&self, seen: Seen) -> String {
        let mut wishes = self.wishes.clone();
        match wishes.wait_for(|wishes| wishes.num_rejoins > seen.num_rejoins).await {
            Ok(wishes) => wishes.rejoin_reason.clone(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits for a sign of life or a rejoin that is not in `seen`. Cancel-safe, as above.
    pub(super) async fn alive_after(&self, seen: Seen) {
        let mut wishes = self.wishes.clone();
        let is_new = |wishes: &Wishes| {
            wishes.num_polls > seen.num_polls || wishes.num_rejoins > seen.num_rejoins
        };
        if wishes.wait_for(is_new).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the last sign of life, the later of the herder's and `since`, is `limit` ago.
    pub(super) async fn silent_for(wishes: &SilenceWatch, since: Instant, limit: Duration) {
        loop {
            let last_poll = wishes.0.borrow().last_poll.max(since);
            let deadline = last_poll + limit;
            if Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// A view for [`Self::silent_for`] that does not borrow the receiver.
    pub(super) fn silence_watch(&self) -> SilenceWatch {
        SilenceWatch(self.wishes.clone())
    }

    /// The next request to leave. A herder that has dropped its handle asks to end, once.
    pub(super) async fn departure(&mut self) -> Departure {
        if !self.departures_closed {
            if let Some(departure) = self.departures.recv().await {
                return departure;
            }
            self.departures_closed = true;
            let (done, _) = oneshot::channel();
            return Departure {
                reason: "the worker dropped its group membership".to_owned(),
                for_good: true,
                done,
            };
        }
        std::future::pending().await
    }
}

/// The herder's last sign of life.
#[derive(Debug, Clone)]
pub(super) struct SilenceWatch(watch::Receiver<Wishes>);
