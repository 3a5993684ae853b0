//! Completes rotated files in their order and keeps account of what is durable.
//!
//! Files of a later rotation are uploaded while earlier ones are still on their way, but they appear
//! only after them: a failure leaves no object behind that lies beyond what is read again.

use crate::upload::ObjectUploader;
use connect_api::{ConnectError, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

enum Step {
    /// Complete this file, which counts against the bound on finished files until then.
    Complete(ObjectUploader, OwnedSemaphorePermit),
    /// Every file that holds records before this offset was handed over.
    EndGroup(i64),
}

#[derive(Default)]
struct Progress {
    durable_offset: Option<i64>,
    num_groups: u64,
    failure: Option<ConnectError>,
}

/// The near end: made without cost, it starts its task with the first file.
pub(super) struct Committer {
    progress: Arc<watch::Sender<Progress>>,
    running: Option<Running>,
    num_groups: u64,
}

struct Running {
    steps: mpsc::UnboundedSender<Step>,
    /// Dropped to stop the task.
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Default for Committer {
    fn default() -> Self {
        Self {
            progress: Arc::new(watch::Sender::new(Progress::default())),
            running: None,
            num_groups: 0,
        }
    }
}

impl Committer {
    /// Takes failures of uploads that were not handed over yet.
    pub(super) fn failure_sink(&self) -> impl FnOnce(&ConnectError) + Send + 'static {
        let progress = self.progress.clone();
        move |error| fail(&progress, error)
    }

    pub(super) fn complete(&mut self, uploader: ObjectUploader, permit: OwnedSemaphorePermit) {
        self.send(Step::Complete(uploader, permit));
    }

    pub(super) fn end_group(&mut self, durable_offset: i64) {
        self.num_groups += 1;
        self.send(Step::EndGroup(durable_offset));
    }

    fn send(&mut self, step: Step) {
        let running = self.running.get_or_insert_with(|| {
            let (steps, receiver) = mpsc::unbounded_channel();
            let (alive, stopped) = oneshot::channel();
            let task = tokio::spawn(run(receiver, stopped, self.progress.clone()));
            Running { steps, alive, task }
        });
        // A committer that failed drops the file, which is aborted so.
        let _ = running.steps.send(step);
    }

    pub(super) fn failure(&self) -> Option<ConnectError> {
        self.progress.borrow().failure.clone()
    }

    pub(super) fn durable_offset(&self) -> Option<i64> {
        self.progress.borrow().durable_offset
    }

    /// Whether everything that was handed over is durable.
    pub(super) fn is_idle(&self) -> bool {
        self.progress.borrow().num_groups == self.num_groups
    }

    /// Completes when everything is durable or something has failed.
    pub(super) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut progress = self.progress.subscribe();
        let num_groups = self.num_groups;
        async move {
            // Without a sender nothing is on its way any more.
            let _ = progress
                .wait_for(|progress| {
                    progress.num_groups == num_groups || progress.failure.is_some()
                })
                .await;
        }
    }

    /// Gives up what is not complete; returns once nothing of it is left in the store.
    pub(super) async fn abort(self) {
        if let Some(running) = self.running {
            drop(running.alive);
            drop(running.steps);
            if let Err(error) = running.task.await {
                tracing::error!(%error, "The task that completes files ended unexpectedly");
            }
        }
    }
}

fn fail(progress: &watch::Sender<Progress>, error: &ConnectError) {
    progress.send_modify(|progress| {
        progress.failure.get_or_insert_with(|| error.clone());
    });
}

async fn run(
    mut steps: mpsc::UnboundedReceiver<Step>,
    stopped: oneshot::Receiver<()>,
    progress: Arc<watch::Sender<Progress>>,
) {
    let mut current = None;
    tokio::select! {
        biased;
        _ = stopped => {}
        outcome = complete_in_order(&mut steps, &mut current, &progress) => {
            if let Err(error) = outcome {
                fail(&progress, &error);
            }
        }
    }
    steps.close();
    let mut aborts: Vec<_> = current.into_iter().map(ObjectUploader::abort).collect();
    while let Ok(step) = steps.try_recv() {
        if let Step::Complete(uploader, _) = step {
            aborts.push(uploader.abort());
        }
    }
    futures::future::join_all(aborts).await;
}

/// `current` holds the file at work, so that it can be aborted if this is cut short.
async fn complete_in_order(
    steps: &mut mpsc::UnboundedReceiver<Step>,
    current: &mut Option<ObjectUploader>,
    progress: &watch::Sender<Progress>,
) -> Result<()> {
    while let Some(step) = steps.recv().await {
        match step {
            Step::Complete(uploader, permit) => {
                current.insert(uploader).complete().await?;
                *current = None;
                drop(permit);
            }
            Step::EndGroup(durable_offset) => progress.send_modify(|progress| {
                progress.durable_offset = Some(durable_offset);
                progress.num_groups += 1;
            }),
        }
    }
    Ok(())
}
