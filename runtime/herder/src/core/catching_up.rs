//! Where the config topic cannot be read to its end: out of the group, and back.

use super::rebalance::PendingAssignment;
use super::{Core, Effect, View};
use connect_kafka::group::protocol::ConnectProtocol;
use std::time::Duration;

/// How often a cooperative worker tries to catch up before it gives its work away.
const MAX_CATCH_UPS: u32 = 5;
/// Where settings ask for no pause at all between tries.
pub(super) const CATCH_UP_DELAY_MIN: Duration = Duration::from_millis(100);

/// A worker that could not read the config topic to its end stays out of the group until it can: as a
/// member it would hold up all others.
pub(super) struct CatchUp {
    next_try: Option<Duration>,
    num_tries_left: u32,
}

impl Default for CatchUp {
    fn default() -> Self {
        Self {
            next_try: None,
            num_tries_left: MAX_CATCH_UPS,
        }
    }
}

impl CatchUp {
    pub(super) fn next_try(&self) -> Option<Duration> {
        self.next_try
    }
}

impl Core {
    /// Leaves the group until the config topic can be read; the work goes on, for a while.
    pub(super) fn fall_behind(&mut self, reason: &str, view: &View<'_>, effects: &mut Vec<Effect>) {
        self.is_settled = false;
        effects.push(Effect::LeaveGroup(
            "taking too long to read the log".to_string(),
        ));
        let is_eager = self
            .member
            .as_ref()
            .is_some_and(|member| member.protocol == ConnectProtocol::Eager);
        let delay = if is_eager {
            self.config.unsync_backoff
        } else if self.catch_up.num_tries_left > 0 {
            let delay = self.config.max_rebalance_delay / 10 / self.catch_up.num_tries_left;
            self.catch_up.num_tries_left -= 1;
            delay
        } else {
            tracing::warn!(
                "this worker has not caught up with the configurations after {MAX_CATCH_UPS} tries, so \
                 it stops its work; others may have it by now"
            );
            self.stop_everything(view, effects);
            self.catch_up.num_tries_left = MAX_CATCH_UPS;
            Duration::ZERO
        };
        let delay = delay.max(CATCH_UP_DELAY_MIN);
        tracing::warn!(
            delay_ms = delay.as_millis() as u64,
            "the config topic could not be read to its end, so this worker leaves its group and tries \
             again: {reason}"
        );
        self.catch_up.next_try = Some(view.now + delay);
    }

    pub(super) fn catch_up_if_due(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.catch_up.next_try.is_some_and(|time| now >= time) {
            self.catch_up.next_try = None;
            self.refresh_then(PendingAssignment::Rejoin, effects);
        }
    }
}
