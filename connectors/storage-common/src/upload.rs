//! One object on its way: a background task that compresses what it is given, cuts it into parts and
//! uploads them, completes the object when it is told to, and leaves nothing behind when it is dropped.

mod parts;

use crate::format::Compression;
use crate::retry::RetryPolicy;
use crate::store::{Completion, ObjectStore};
use connect_api::{Clock, ConnectError, Result};
use parts::PartUploader;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// Compressed files are handed over in pieces of this size.
const COMPRESSION_CHUNK_BYTES: usize = 1 << 20;

/// How objects are uploaded.
#[derive(Clone, Copy, Debug)]
pub struct UploadSettings {
    /// `s3.part.size` and its like.
    pub part_bytes: usize,
    /// What objects are compressed with.
    pub compression: Compression,
    /// How requests are tried again.
    pub retry: RetryPolicy,
}

impl UploadSettings {
    /// How many bytes a file gathers before they are handed over.
    pub fn chunk_bytes(&self) -> usize {
        match self.compression {
            Compression::None => self.part_bytes,
            Compression::Gzip { .. } => COMPRESSION_CHUNK_BYTES,
        }
    }
}

/// The bounds on what a task has on its way, over all its files.
pub struct UploadLimits {
    /// Bytes handed over and not yet uploaded, in KiB: of parts, or of chunks to be compressed.
    chunks: Arc<Semaphore>,
    /// Bytes of compressed parts that are being uploaded, in KiB.
    parts: Arc<Semaphore>,
    /// Files that are finished and not yet complete.
    files: Arc<Semaphore>,
    max_kib: u32,
}

/// Finished files that wait for their requests.
const MAX_FINISHED_FILES: usize = 16;

/// At least this much may be on its way, however small the parts are.
const MIN_IN_FLIGHT_BYTES: usize = 16 << 20;

impl UploadLimits {
    /// Bounds for parts of that size.
    pub fn new(part_bytes: usize) -> Self {
        let max_kib = num_kib(part_bytes.max(MIN_IN_FLIGHT_BYTES));
        Self {
            chunks: Arc::new(Semaphore::new(max_kib as usize)),
            parts: Arc::new(Semaphore::new(max_kib as usize)),
            files: Arc::new(Semaphore::new(MAX_FINISHED_FILES)),
            max_kib,
        }
    }

    async fn take(semaphore: &Arc<Semaphore>, num_permits: u32) -> Result<OwnedSemaphorePermit> {
        semaphore
            .clone()
            .acquire_many_owned(num_permits)
            .await
            .map_err(|_| ConnectError::fatal("The bound on uploads was closed"))
    }

    /// Waits until that many bytes may be handed over.
    pub(crate) async fn take_chunk(&self, num_bytes: usize) -> Result<OwnedSemaphorePermit> {
        Self::take(&self.chunks, num_kib(num_bytes).min(self.max_kib)).await
    }

    async fn take_part(&self, num_bytes: usize) -> Result<OwnedSemaphorePermit> {
        Self::take(&self.parts, num_kib(num_bytes).min(self.max_kib)).await
    }

    /// Waits until one more file may be finished.
    pub(crate) async fn take_file(&self) -> Result<OwnedSemaphorePermit> {
        Self::take(&self.files, 1).await
    }
}

fn num_kib(num_bytes: usize) -> u32 {
    u32::try_from(num_bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// What the uploads of a task share.
pub struct UploadContext {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// How.
    pub settings: UploadSettings,
    /// How much at once.
    pub limits: UploadLimits,
    /// The time that pauses go by.
    pub clock: Arc<dyn Clock>,
}

enum Command {
    Chunk(Vec<u8>, OwnedSemaphorePermit),
    Finish,
    Complete(oneshot::Sender<Result<Completion>>),
}

/// The near end of an upload. Dropping it aborts the upload in the background;
/// [`abort`](Self::abort) waits for that.
pub(crate) struct ObjectUploader {
    commands: mpsc::UnboundedSender<Command>,
    /// Dropped with this end, which tells the task to give up.
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ObjectUploader {
    /// Starts the upload of an object. The first request is made when there is a part. `on_failure`
    /// is called at most once, as soon as the upload fails.
    pub(crate) fn start(
        context: Arc<UploadContext>,
        key: String,
        on_failure: impl FnOnce(&ConnectError) + Send + 'static,
    ) -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (alive, given_up) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let mut uploader = PartUploader::new(context, key);
            tokio::select! {
                biased;
                _ = given_up => {}
                () = drive(&mut uploader, receiver, on_failure) => {}
            }
            uploader.abort().await;
        });
        Self {
            commands,
            alive,
            task,
        }
    }

    /// Hands over what follows. An upload that failed lets it go; the failure was told.
    pub(crate) fn send(&self, data: Vec<u8>, permit: OwnedSemaphorePermit) {
        let _ = self.commands.send(Command::Chunk(data, permit));
    }

    /// Nothing follows: what is left is uploaded.
    pub(crate) fn finish(&self) {
        let _ = self.commands.send(Command::Finish);
    }

    /// After [`finish`](Self::finish): waits for all parts and makes the object.
    pub(crate) async fn complete(&self) -> Result<Completion> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.commands.send(Command::Complete(sender));
        receiver
            .await
            .unwrap_or_else(|_| Err(ConnectError::retriable("The upload was given up")))
    }

    /// Ends the upload, which leaves nothing behind unless the object is complete.
    pub(crate) async fn abort(self) {
        drop(self.alive);
        drop(self.commands);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "The task of an upload ended unexpectedly");
        }
    }
}

/// Runs commands until the object is complete or the near end is gone.
async fn drive(
    uploader: &mut PartUploader,
    mut commands: mpsc::UnboundedReceiver<Command>,
    on_failure: impl FnOnce(&ConnectError),
) {
    let mut on_failure = Some(on_failure);
    let mut failure: Option<ConnectError> = None;
    while let Some(command) = commands.recv().await {
        let mut reply = None;
        let outcome = match (command, &failure) {
            (Command::Complete(sender), Some(error)) => {
                let _ = sender.send(Err(error.clone()));
                continue;
            }
            // Data for an upload that failed is let go, and with it its permit.
            (_, Some(_)) => continue,
            (Command::Chunk(data, permit), None) => {
                uploader.push(data, permit).await.map(|()| None)
            }
            (Command::Finish, None) => uploader.finish().await.map(|()| None),
            (Command::Complete(sender), None) => {
                reply = Some(sender);
                uploader.complete().await.map(Some)
            }
        };
        if let Err(error) = &outcome {
            if let Some(on_failure) = on_failure.take() {
                on_failure(error);
            }
            failure = Some(error.clone());
            uploader.abort().await;
        }
        if let Some(reply) = reply {
            let _ = reply.send(outcome.map(|completion| completion.unwrap_or(Completion::Done)));
        }
    }
}

#[cfg(test)]
mod tests;
