//! A task as the herder sees it: spawned, paused, resumed, stopped, and what became of it.

use connect_api::{ConnectError, Result};
use connect_store::ConnectorTaskId;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// What a user wants a task to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskTargetState {
    /// Move records.
    Started,
    /// Stay where it is and do nothing.
    Paused,
}

/// What has become of a task.
#[derive(Clone, Debug)]
pub enum TaskEvent {
    /// It has started: RUNNING.
    Startup,
    /// It rests: PAUSED.
    Paused,
    /// It moves records again: RUNNING.
    Resumed,
    /// It has ended as it was told: UNASSIGNED.
    Shutdown,
    /// It has ended with an error: FAILED, with the trace of the error.
    Failed(ConnectError),
}

/// Hears of the states of tasks. Calls come from the tasks' loops and must not block.
pub trait TaskStatusListener: Send + Sync {
    /// A task has come into a new state.
    fn on_task_event(&self, task: &ConnectorTaskId, event: TaskEvent);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desired {
    Target(TaskTargetState),
    Stopped,
}

/// What a task's loop sees of its owner.
pub struct TaskControl {
    id: ConnectorTaskId,
    desired: watch::Receiver<Desired>,
    listener: Arc<dyn TaskStatusListener>,
    cancelled: Arc<AtomicBool>,
}

impl TaskControl {
    /// The task.
    pub fn id(&self) -> &ConnectorTaskId {
        &self.id
    }

    /// Whether the task is to end.
    pub fn is_stopping(&self) -> bool {
        *self.desired.borrow() == Desired::Stopped
    }

    /// What the user wants; a task that is to end counts as started.
    pub fn target_state(&self) -> TaskTargetState {
        match *self.desired.borrow() {
            Desired::Target(state) => state,
            Desired::Stopped => TaskTargetState::Started,
        }
    }

    /// Waits until the wish changes. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.desired.changed().await.is_err() {
            // The handle is gone, so nobody can wish for anything any more.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the task is to run; `false` if it is to end instead.
    pub async fn await_unpaused(&mut self) -> bool {
        loop {
            match *self.desired.borrow_and_update() {
                Desired::Target(TaskTargetState::Started) => return true,
                Desired::Stopped => return false,
                Desired::Target(TaskTargetState::Paused) => {}
            }
            self.changed().await;
        }
    }

    /// Waits for `future`, but no longer than until the task is to end: `None` then.
    pub async fn unless_stopping<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        loop {
            if self.is_stopping() {
                return None;
            }
            tokio::select! {
                biased;
                () = self.changed() => {}
                output = &mut future => return Some(output),
            }
        }
    }

    /// Tells of a new state, unless the task was cancelled.
    pub fn emit(&self, event: TaskEvent) {
        if !self.cancelled.load(Ordering::Acquire) {
            self.listener.on_task_event(&self.id, event);
        }
    }
}

/// A task that runs.
pub struct TaskHandle {
    id: ConnectorTaskId,
    desired: watch::Sender<Desired>,
    cancelled: Arc<AtomicBool>,
    ended: watch::Receiver<bool>,
    join: JoinHandle<()>,
}

impl TaskHandle {
    /// The task.
    pub fn id(&self) -> &ConnectorTaskId {
        &self.id
    }

    /// Changes what the task is wanted to do. Without effect once it was told to stop.
    pub fn set_target_state(&self, state: TaskTargetState) {
        self.desired.send_if_modified(|desired| {
            let next = Desired::Target(state);
            let modify = *desired != Desired::Stopped && *desired != next;
            if modify {
                *desired = next;
            }
            modify
        });
    }

    /// Tells the task to end; it commits what it can and releases what it holds.
    pub fn stop(&self) {
        self.desired.send_replace(Desired::Stopped);
    }

    /// Whether it has ended.
    pub fn is_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Completes when the task has ended.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ended = self.ended.clone();
        async move {
            // The sender is dropped only after it has said so, or with the task.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    /// Gives the task up: it says nothing any more and is ended at its next suspension.
    pub fn cancel(&self) {
        if !self.is_ended() {
            tracing::warn!(
                connector = &*self.id.connector,
                task = self.id.task,
                "Graceful stop of task {} failed.",
                self.id
            );
        }
        self.cancelled.store(true, Ordering::Release);
        self.join.abort();
    }

    /// Tells the task to end and waits; gives it up if it takes longer. Returns whether it ended.
    pub async fn stop_within(&self, timeout: Duration) -> bool {
        self.stop();
        let ended = tokio::time::timeout(timeout, self.ended()).await.is_ok();
        if !ended {
            self.cancel();
        }
        ended
    }
}

/// Spawns a task. `run` waits for [`TaskControl::await_unpaused`], starts the task, tells
/// [`TaskEvent::Startup`], and drives it until [`TaskControl::is_stopping`]; its result becomes
/// `Shutdown` or `Failed`. A panic becomes `Failed` too.
pub fn spawn_task<Run, Running>(
    id: ConnectorTaskId,
    target_state: TaskTargetState,
    listener: Arc<dyn TaskStatusListener>,
    run: Run,
) -> TaskHandle
where
    Run: FnOnce(TaskControl) -> Running + Send + 'static,
    Running: Future<Output = Result<()>> + Send + 'static,
{
    let (desired, desired_receiver) = watch::channel(Desired::Target(target_state));
    let (ended_sender, ended) = watch::channel(false);
    let cancelled = Arc::new(AtomicBool::new(false));
    let control = TaskControl {
        id: id.clone(),
        desired: desired_receiver,
        listener: listener.clone(),
        cancelled: cancelled.clone(),
    };
    let span = tracing::info_span!("task", connector = &*id.connector, task = id.task);
    let task_id = id.clone();
    let task_cancelled = cancelled.clone();
    let join = tokio::spawn(
        async move {
            if target_state == TaskTargetState::Paused {
                control.emit(TaskEvent::Paused);
            }
            // The loop runs in a task of its own, so that a panic in a plugin fails that task alone.
            let mut running = AbortOnDrop(tokio::spawn(run(control).in_current_span()));
            let event = match (&mut running.0).await {
                Ok(Ok(())) => TaskEvent::Shutdown,
                Ok(Err(error)) => TaskEvent::Failed(error),
                Err(join_error) => TaskEvent::Failed(panic_error(join_error)),
            };
            if !task_cancelled.load(Ordering::Acquire) {
                if let TaskEvent::Failed(error) = &event {
                    tracing::error!(
                        "Task {task_id} threw an uncaught and unrecoverable exception. Task is being \
                         killed and will not recover until manually restarted: {}",
                        error.trace().trim_end()
                    );
                }
                listener.on_task_event(&task_id, event);
            }
            ended_sender.send_replace(true);
        }
        .instrument(span),
    );
    TaskHandle {
        id,
        desired,
        cancelled,
        ended,
        join,
    }
}

/// A task that ends with whoever holds this.
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The error of a plugin that panicked.
pub(crate) fn panic_error(error: tokio::task::JoinError) -> ConnectError {
    let message = match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "panic without a message".to_string()),
        Err(error) => error.to_string(),
    };
    ConnectError::fatal(message).with_class("java.lang.RuntimeException")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn task(number: i32) -> ConnectorTaskId {
        ConnectorTaskId {
            connector: "c".into(),
            task: number,
        }
    }

    #[derive(Default)]
    struct Events(Mutex<Vec<String>>);

    impl TaskStatusListener for Events {
        fn on_task_event(&self, task: &ConnectorTaskId, event: TaskEvent) {
            let text = match event {
                TaskEvent::Failed(error) => format!("{task} failed {}", error.message()),
                other => format!("{task} {other:?}"),
            };
            self.0.lock().unwrap().push(text);
        }
    }

    impl Events {
        fn taken(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    #[tokio::test]
    async fn a_paused_task_starts_when_resumed_and_ends_when_stopped() {
        let events = Arc::new(Events::default());
        let handle = spawn_task(
            task(0),
            TaskTargetState::Paused,
            events.clone(),
            |mut control| async move {
                if !control.await_unpaused().await {
                    return Ok(());
                }
                control.emit(TaskEvent::Startup);
                while !control.is_stopping() {
                    control.changed().await;
                }
                Ok(())
            },
        );
        handle.set_target_state(TaskTargetState::Started);
        handle.stop();
        handle.ended().await;
        let taken = events.taken();
        assert_eq!(taken.first().unwrap(), "c-0 Paused");
        assert_eq!(taken.last().unwrap(), "c-0 Shutdown");
    }

    #[tokio::test]
    async fn a_panic_fails_the_task_alone() {
        let events = Arc::new(Events::default());
        let handle = spawn_task(
            task(1),
            TaskTargetState::Started,
            events.clone(),
            |_| async { panic!("boom") },
        );
        handle.ended().await;
        assert_eq!(events.taken(), ["c-1 failed boom"]);
    }

    #[tokio::test]
    async fn a_cancelled_task_says_nothing() {
        let events = Arc::new(Events::default());
        let handle = spawn_task(task(2), TaskTargetState::Started, events.clone(), |_| {
            std::future::pending()
        });
        assert!(!handle.stop_within(Duration::ZERO).await);
        handle.ended().await;
        assert!(events.taken().is_empty());
    }
}
