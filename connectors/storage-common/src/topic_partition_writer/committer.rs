//! Completes rotated files in their order and keeps account of what is durable.
//!
//! Files of a later rotation are uploaded while earlier ones are still on their way, but they appear
//! only after them: a failure leaves no object behind that lies beyond what is read again.

use super::candidates::Candidates;
use crate::store::{CompletedObject, Completion};
use crate::upload::{ObjectUploader, UploadContext};
use connect_api::{ConnectError, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// An object to be completed.
pub(super) struct FinishedObject {
    pub(super) uploader: ObjectUploader,
    /// It counts against the bound on finished files until it is complete.
    pub(super) permit: OwnedSemaphorePermit,
    /// What the store is told of it, where it holds values.
    pub(super) label: Option<CompletedObject>,
    /// Where no object takes the place of another: how to go on if the name is taken.
    pub(super) if_taken: Option<IfTaken>,
}

/// How to go on when the name of an object is taken.
pub(super) struct IfTaken {
    pub(super) start_offset: i64,
    /// The lowest start of the files that are completed after it, up to the end of the group.
    pub(super) next_start_offset: Option<i64>,
    pub(super) candidates: Arc<Candidates>,
}

enum Step {
    Complete(Box<FinishedObject>),
    /// Every file that holds records before this offset was handed over.
    EndGroup(i64),
}

#[derive(Default)]
struct Progress {
    durable_offset: Option<i64>,
    num_groups: u64,
    failure: Option<ConnectError>,
    /// Where to read from again after the failure, if not at what is durable.
    restart_offset: Option<i64>,
}

/// The near end: made without cost, it starts its task with the first file.
pub(super) struct Committer {
    context: Arc<UploadContext>,
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

impl Committer {
    pub(super) fn new(context: Arc<UploadContext>) -> Self {
        Self {
            context,
            progress: Arc::new(watch::Sender::new(Progress::default())),
            running: None,
            num_groups: 0,
        }
    }

    /// Takes failures of uploads that were not handed over yet.
    pub(super) fn failure_sink(&self) -> impl FnOnce(&ConnectError) + Send + 'static {
        let progress = self.progress.clone();
        move |error| fail(&progress, error)
    }

    pub(super) fn complete(&mut self, object: FinishedObject) {
        self.send(Step::Complete(Box::new(object)));
    }

    pub(super) fn end_group(&mut self, durable_offset: i64) {
        self.num_groups += 1;
        self.send(Step::EndGroup(durable_offset));
    }

    fn send(&mut self, step: Step) {
        let running = self.running.get_or_insert_with(|| {
            let (steps, receiver) = mpsc::unbounded_channel();
            let (alive, stopped) = oneshot::channel();
            let task = tokio::spawn(run(
                receiver,
                stopped,
                self.progress.clone(),
                self.context.clone(),
            ));
            Running { steps, alive, task }
        });
        // A committer that failed drops the file, which is aborted so.
        let _ = running.steps.send(step);
    }

    pub(super) fn failure(&self) -> Option<ConnectError> {
        self.progress.borrow().failure.clone()
    }

    /// Where to read from again because the names before it are taken.
    pub(super) fn restart_offset(&self) -> Option<i64> {
        self.progress.borrow().restart_offset
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
    context: Arc<UploadContext>,
) {
    let mut current = None;
    tokio::select! {
        biased;
        _ = stopped => {}
        outcome = complete_in_order(&mut steps, &mut current, &progress, &context) => {
            if let Err(error) = outcome {
                fail(&progress, &error);
            }
        }
    }
    steps.close();
    let mut aborts: Vec<_> = current.into_iter().map(ObjectUploader::abort).collect();
    while let Ok(step) = steps.try_recv() {
        if let Step::Complete(object) = step {
            aborts.push(object.uploader.abort());
        }
    }
    futures::future::join_all(aborts).await;
}

/// `current` holds the file at work, so that it can be aborted if this is cut short.
async fn complete_in_order(
    steps: &mut mpsc::UnboundedReceiver<Step>,
    current: &mut Option<ObjectUploader>,
    progress: &watch::Sender<Progress>,
    context: &UploadContext,
) -> Result<()> {
    while let Some(step) = steps.recv().await {
        match step {
            Step::Complete(object) => {
                let FinishedObject {
                    uploader,
                    permit,
                    label,
                    if_taken,
                } = *object;
                if current.insert(uploader).complete().await? == Completion::NameTaken {
                    let error = name_taken(if_taken, progress, context).await?;
                    return Err(error);
                }
                *current = None;
                if let Some(label) = label {
                    let what = format!("The labelling of {}", label.key);
                    context
                        .settings
                        .retry
                        .run(&*context.clock, &what, || context.store.label(&label))
                        .await?;
                }
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

/// Finds out where to read on, which the error that it returns then does.
async fn name_taken(
    if_taken: Option<IfTaken>,
    progress: &watch::Sender<Progress>,
    context: &UploadContext,
) -> Result<ConnectError> {
    let Some(if_taken) = if_taken else {
        return Err(ConnectError::fatal(
            "The store refuses to replace an object though it was not told to",
        ));
    };
    let next_free = if_taken
        .candidates
        .next_free(if_taken.start_offset, context)
        .await?;
    let restart_offset = if_taken
        .next_start_offset
        .map_or(next_free, |offset| offset.min(next_free));
    progress.send_modify(|progress| progress.restart_offset = Some(restart_offset));
    Ok(ConnectError::retriable(format!(
        "File already exists: its records from offset {} on were written before; the next name that is \
         free begins at offset {restart_offset}",
        if_taken.start_offset
    ))
    .with_class("io.confluent.connect.s3.errors.FileExistsException"))
}
