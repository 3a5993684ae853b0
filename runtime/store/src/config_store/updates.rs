//! Changes of the configuration, told to the herder.

use super::types::RestartRequest;
use indexmap::IndexMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A change that was read from the store. It says where to look, not what is there: the truth is in
/// [`ConfigStore::snapshot`](super::ConfigStore::snapshot), which may be newer already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigUpdate {
    /// The configuration of a connector was written, changed or not.
    ConnectorConfig(String),
    /// A connector was removed.
    ConnectorRemoved(String),
    /// Task configurations of a connector were committed. Where the set was incomplete (compaction),
    /// the connector is [inconsistent](super::ClusterConfigState::is_inconsistent).
    TaskConfigs(String),
    /// The target state of an existing connector changed.
    TargetState(String),
    /// A restart is asked for. The worker that runs the connector or its tasks carries it out.
    Restart(RestartRequest),
    /// There is a new session key.
    SessionKey,
    /// A logger gets a level on all workers.
    LoggerLevel {
        /// The logger or namespace.
        logger: String,
        /// The level as the user gave it, in any case.
        level: String,
    },
}

/// What makes an update replace a pending one.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Subject {
    ConnectorConfig(String),
    ConnectorRemoved(String),
    TaskConfigs(String),
    TargetState(String),
    Restart(String),
    SessionKey,
    LoggerLevel(String),
}

impl ConfigUpdate {
    fn subject(&self) -> Subject {
        match self {
            Self::ConnectorConfig(connector) => Subject::ConnectorConfig(connector.clone()),
            Self::ConnectorRemoved(connector) => Subject::ConnectorRemoved(connector.clone()),
            Self::TaskConfigs(connector) => Subject::TaskConfigs(connector.clone()),
            Self::TargetState(connector) => Subject::TargetState(connector.clone()),
            Self::Restart(request) => Subject::Restart(request.connector.clone()),
            Self::SessionKey => Subject::SessionKey,
            Self::LoggerLevel { logger, .. } => Subject::LoggerLevel(logger.clone()),
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    updates: IndexMap<Subject, ConfigUpdate>,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pending> {
        // Nothing panics while it is held.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending side, held by a store.
#[derive(Debug)]
pub(super) struct UpdateSender {
    shared: Arc<Shared>,
    receiver: Mutex<Option<ConfigUpdates>>,
}

impl UpdateSender {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared::default());
        Self {
            receiver: Mutex::new(Some(ConfigUpdates {
                shared: Arc::clone(&shared),
            })),
            shared,
        }
    }

    /// The receiver, once.
    pub(super) fn take_receiver(&self) -> Option<ConfigUpdates> {
        self.receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(super) fn send(&self, update: ConfigUpdate) {
        {
            let mut pending = self.shared.lock();
            let replaced = pending.updates.shift_remove(&update.subject());
            let update = match (replaced, update) {
                // Requests of lower impact are contained in those of higher impact.
                (Some(ConfigUpdate::Restart(earlier)), ConfigUpdate::Restart(later))
                    if earlier.impact() > later.impact() =>
                {
                    ConfigUpdate::Restart(earlier)
                }
                (_, update) => update,
            };
            pending.updates.insert(update.subject(), update);
        }
        self.shared.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

/// The receiving side of a store's changes, for one owner.
///
/// Updates of one subject (the configuration of one connector, the level of one logger) that wait are
/// merged into the latest, which takes its place at the end: what waits is bounded by the number of
/// connectors and loggers, however slow the owner is.
#[derive(Debug)]
pub struct ConfigUpdates {
    shared: Arc<Shared>,
}

impl ConfigUpdates {
    /// Waits for the next update; `None` after the store was stopped. Cancel-safe.
    pub async fn recv(&mut self) -> Option<ConfigUpdate> {
        loop {
            {
                let mut pending = self.shared.lock();
                if let Some((_, update)) = pending.updates.shift_remove_index(0) {
                    return Some(update);
                }
                if pending.closed {
                    return None;
                }
            }
            self.shared.changed.notified().await;
        }
    }

    /// Takes an update that is there already.
    pub fn try_recv(&mut self) -> Option<ConfigUpdate> {
        let (_, update) = self.shared.lock().updates.shift_remove_index(0)?;
        Some(update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restart(only_failed: bool, include_tasks: bool) -> ConfigUpdate {
        ConfigUpdate::Restart(RestartRequest {
            connector: "a".into(),
            only_failed,
            include_tasks,
        })
    }

    #[tokio::test]
    async fn waiting_updates_of_one_subject_merge() {
        let sender = UpdateSender::new();
        let mut updates = sender.take_receiver().expect("first call");
        assert!(sender.take_receiver().is_none());
        sender.send(ConfigUpdate::ConnectorConfig("a".into()));
        sender.send(ConfigUpdate::ConnectorRemoved("a".into()));
        sender.send(ConfigUpdate::ConnectorConfig("a".into()));
        assert_eq!(
            updates.recv().await,
            Some(ConfigUpdate::ConnectorRemoved("a".into()))
        );
        assert_eq!(
            updates.recv().await,
            Some(ConfigUpdate::ConnectorConfig("a".into()))
        );
        assert_eq!(updates.try_recv(), None);
    }

    #[tokio::test]
    async fn the_restart_of_highest_impact_wins() {
        let sender = UpdateSender::new();
        let mut updates = sender.take_receiver().expect("first call");
        sender.send(restart(true, true));
        sender.send(restart(false, false));
        sender.send(restart(true, false));
        assert_eq!(updates.try_recv(), Some(restart(false, false)));
        assert_eq!(updates.try_recv(), None);
        sender.close();
        assert_eq!(updates.recv().await, None);
    }
}
