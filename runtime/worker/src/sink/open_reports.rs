//! Reports of bad records that are not durable yet. No offset behind one is committed.

use connect_api::{ConnectError, Result, TopicPartition};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Names a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ReportId(u64);

#[derive(Default)]
struct State {
    next_id: u64,
    /// The offsets of the records that open reports are of.
    open: HashMap<TopicPartition, BTreeMap<ReportId, i64>>,
    failure: Option<ConnectError>,
}

/// The reports of a task that are on their way to the dead letter queue.
#[derive(Default)]
pub(super) struct OpenReports {
    state: Mutex<State>,
    changed: Notify,
}

impl OpenReports {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A report of a record is about to be sent.
    pub(super) fn open(&self, partition: TopicPartition, offset: i64) -> ReportId {
        let mut state = self.state();
        let id = ReportId(state.next_id);
        state.next_id += 1;
        state.open.entry(partition).or_default().insert(id, offset);
        id
    }

    /// A report is durable, or lost: then it stays open, and the task is to fail.
    pub(super) fn settle(&self, partition: &TopicPartition, id: ReportId, result: Result<()>) {
        let mut state = self.state();
        let Some(open) = state.open.get_mut(partition) else {
            // The partition belongs to another task now, which reports the record again.
            return;
        };
        match result {
            Ok(()) => {
                open.remove(&id);
                if open.is_empty() {
                    state.open.remove(partition);
                }
            }
            Err(error) if open.contains_key(&id) => {
                state.failure.get_or_insert(error);
            }
            Err(_) => {}
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Partitions moved away with what is open for them.
    pub(super) fn forget(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        for partition in partitions {
            state.open.remove(partition);
        }
    }

    /// Whether a record before `offset` has a report that is not durable.
    pub(super) fn hold_back(&self, partition: &TopicPartition, offset: i64) -> bool {
        self.state()
            .open
            .get(partition)
            .is_some_and(|open| open.values().any(|reported| *reported < offset))
    }

    /// Why a report was lost, if one was.
    pub(super) fn failure(&self) -> Option<ConnectError> {
        self.state().failure.clone()
    }

    /// Waits until a report is lost. Cancel-safe.
    pub(super) async fn failed(&self) {
        self.wait_until(|state| state.failure.is_some()).await;
    }

    /// Waits until no report of these partitions is open, or one is lost. Cancel-safe.
    pub(super) async fn settled(&self, partitions: &[TopicPartition]) {
        self.wait_until(|state| {
            state.failure.is_some()
                || partitions
                    .iter()
                    .all(|partition| !state.open.contains_key(partition))
        })
        .await;
    }

    async fn wait_until(&self, condition: impl Fn(&State) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if condition(&self.state()) {
                return;
            }
            changed.await;
        }
    }
}
