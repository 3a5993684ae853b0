//! The keys by which workers sign the requests that they send each other.

use super::task_configs::Retry;
use super::{Core, Effect, View, Write, WriteReason};
use crate::face::HerderError;
use crate::signature::MacAlgorithm;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_store::SessionKey;
use std::time::Duration;

/// `inter.worker.key.*`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionKeyConfig {
    /// How long a key holds; zero for ever.
    pub(crate) ttl: Duration,
    pub(crate) algorithm: MacAlgorithm,
    pub(crate) num_bytes: usize,
}

impl SessionKeyConfig {
    /// How long a key still holds; `None` if there must be a new one now.
    fn remaining(&self, key: Option<&SessionKey>, now_ms: i64) -> Option<Duration> {
        let key = key?;
        // A leader with other settings than the one before makes a key of its own.
        if key.algorithm != self.algorithm.name() || key.key.len() != self.num_bytes {
            return None;
        }
        if self.ttl.is_zero() {
            return Some(Duration::MAX);
        }
        let ttl_ms = i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX);
        let remaining_ms = key
            .creation_timestamp_ms
            .saturating_add(ttl_ms)
            .saturating_sub(now_ms);
        u64::try_from(remaining_ms)
            .ok()
            .filter(|remaining_ms| *remaining_ms > 0)
            .map(Duration::from_millis)
    }
}

/// When the leader looks at the key again.
#[derive(Default)]
pub(super) struct SessionKeys {
    expires_at: Option<Duration>,
    retry: Option<Retry>,
}

impl SessionKeys {
    pub(super) fn next_check(&self) -> Option<Duration> {
        self.retry
            .as_ref()
            .map(|retry| retry.at)
            .or(self.expires_at)
    }

    /// Another worker may lead now.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Core {
    /// As the leader of a group that signs, sees to it that there is a key that holds.
    pub(super) fn check_session_key(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        let is_in_charge = self.is_settled
            && self.member.as_ref().is_some_and(|member| {
                member.is_leader() && member.protocol == ConnectProtocol::Sessioned
            });
        if !is_in_charge {
            self.session_keys.forget();
            return;
        }
        let key = view.configs.session_key().map(AsRef::as_ref);
        if let Some(remaining) = self.config.session_keys.remaining(key, view.now_ms) {
            self.session_keys.retry = None;
            self.session_keys.expires_at = view.now.checked_add(remaining);
            return;
        }
        let waits = self
            .session_keys
            .retry
            .as_ref()
            .is_some_and(|retry| view.now < retry.at);
        if !waits {
            tracing::debug!("Distributing new session key");
            effects.push(Effect::Write(WriteReason::SessionKey, Write::SessionKey));
        }
    }

    pub(super) fn on_session_key_written(
        &mut self,
        result: Result<(), HerderError>,
        view: &View<'_>,
    ) {
        let Err(error) = result else {
            // It was read back before the write returned.
            let key = view.configs.session_key().map(AsRef::as_ref);
            let remaining = self.config.session_keys.remaining(key, view.now_ms);
            self.session_keys.retry = None;
            self.session_keys.expires_at =
                remaining.and_then(|remaining| view.now.checked_add(remaining));
            return;
        };
        let retry = Retry::after(self.session_keys.retry.as_ref(), view.now);
        tracing::error!(
            delay_ms = retry.at.saturating_sub(view.now).as_millis() as u64,
            "Failed to write new session key to config topic, retrying after backoff: {error}"
        );
        self.session_keys.retry = Some(retry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_key_holds_for_its_time_if_it_is_what_the_settings_ask_for() {
        let config = SessionKeyConfig {
            ttl: Duration::from_millis(500),
            algorithm: MacAlgorithm::Sha256,
            num_bytes: 32,
        };
        let key = |num_bytes: usize, algorithm: &str| SessionKey {
            key: Bytes::from(vec![0; num_bytes]),
            algorithm: algorithm.into(),
            creation_timestamp_ms: 1_000,
        };
        let good = key(32, "HmacSHA256");
        assert_eq!(
            config.remaining(Some(&good), 1_100),
            Some(Duration::from_millis(400))
        );
        assert_eq!(config.remaining(Some(&good), 1_500), None);
        assert_eq!(config.remaining(None, 0), None);
        assert_eq!(config.remaining(Some(&key(31, "HmacSHA256")), 1_100), None);
        assert_eq!(config.remaining(Some(&key(32, "HmacSHA1")), 1_100), None);
        let for_ever = SessionKeyConfig {
            ttl: Duration::ZERO,
            ..config
        };
        assert_eq!(
            for_ever.remaining(Some(&good), i64::MAX),
            Some(Duration::MAX)
        );
    }
}
