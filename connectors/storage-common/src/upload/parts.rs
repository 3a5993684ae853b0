//! From chunks to parts, and the requests of one upload.

use super::UploadContext;
use crate::format::Compression;
use crate::retry::prefixed;
use crate::store::{Completion, ObjectUpload, UploadedPart};
use bytes::Bytes;
use connect_api::{ConnectError, Result};
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// Cuts one object into parts and uploads them, several at once.
pub(super) struct PartUploader {
    context: Arc<UploadContext>,
    key: String,
    upload: Option<Arc<dyn ObjectUpload>>,
    encoder: Option<GzEncoder<Vec<u8>>>,
    next_number: u32,
    in_flight: JoinSet<Result<UploadedPart>>,
    uploaded: Vec<UploadedPart>,
}

impl PartUploader {
    pub(super) fn new(context: Arc<UploadContext>, key: String) -> Self {
        let encoder = match context.settings.compression {
            Compression::None => None,
            Compression::Gzip { level } => {
                let level =
                    level.map_or_else(flate2::Compression::default, flate2::Compression::new);
                Some(GzEncoder::new(Vec::new(), level))
            }
        };
        Self {
            context,
            key,
            upload: None,
            encoder,
            next_number: 1,
            in_flight: JoinSet::new(),
            uploaded: Vec::new(),
        }
    }

    /// Takes what follows. Without compression a chunk is a part.
    pub(super) async fn push(&mut self, data: Vec<u8>, permit: OwnedSemaphorePermit) -> Result<()> {
        while let Some(outcome) = self.in_flight.try_join_next() {
            self.uploaded.push(joined(outcome)?);
        }
        let Some(mut encoder) = self.encoder.take() else {
            return self.upload_part(data, permit).await;
        };
        let encoder =
            off_the_async_threads(move || encoder.write_all(&data).map(|()| encoder)).await?;
        drop(permit);
        let encoder = self.encoder.insert(encoder);
        if encoder.get_ref().len() < self.context.settings.part_bytes {
            return Ok(());
        }
        let part = std::mem::take(encoder.get_mut());
        let permit = self.context.limits.take_part(part.len()).await?;
        self.upload_part(part, permit).await
    }

    /// Uploads what is left. An object without any data has one empty part.
    pub(super) async fn finish(&mut self) -> Result<()> {
        let rest = match self.encoder.take() {
            Some(encoder) => off_the_async_threads(move || encoder.finish()).await?,
            None => Vec::new(),
        };
        if rest.is_empty() && self.next_number > 1 {
            return Ok(());
        }
        let permit = self.context.limits.take_part(rest.len()).await?;
        self.upload_part(rest, permit).await
    }

    async fn upload_part(&mut self, data: Vec<u8>, permit: OwnedSemaphorePermit) -> Result<()> {
        let context = &self.context;
        let number = self.next_number;
        if number > context.store.max_parts() {
            return Err(ConnectError::fatal(format!(
                "Part upload failed: {} has more than {} parts. Make parts larger or flush.size smaller",
                self.key,
                context.store.max_parts()
            )));
        }
        self.next_number += 1;
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let store = &context.store;
                let what = format!("The start of the upload of {}", self.key);
                let upload = context
                    .settings
                    .retry
                    .run(&*context.clock, &what, || store.create_upload(&self.key))
                    .await
                    .map_err(|error| prefixed(&error, "Unable to initiate MultipartUpload: "))?;
                self.upload.insert(upload).clone()
            }
        };
        let (retry, clock) = (context.settings.retry, context.clock.clone());
        let what = format!("The upload of part {number} of {}", self.key);
        let data = Bytes::from(data);
        self.in_flight.spawn(async move {
            let outcome = retry
                .run(&*clock, &what, || upload.upload_part(number, data.clone()))
                .await
                .map_err(|error| prefixed(&error, "Part upload failed: "));
            drop(permit);
            outcome
        });
        Ok(())
    }

    /// Waits for all parts and makes the object.
    pub(super) async fn complete(&mut self) -> Result<Completion> {
        while let Some(outcome) = self.in_flight.join_next().await {
            self.uploaded.push(joined(outcome)?);
        }
        let Some(upload) = self.upload.clone() else {
            return Err(ConnectError::fatal(format!(
                "The upload of {} was completed before it was finished",
                self.key
            )));
        };
        self.uploaded.sort_unstable_by_key(|part| part.number);
        let what = format!("The completion of {}", self.key);
        let (context, parts) = (&self.context, &self.uploaded);
        let completion = context
            .settings
            .retry
            .run(&*context.clock, &what, || upload.complete(parts))
            .await
            .map_err(|error| prefixed(&error, "Unable to complete multipart upload: "))?;
        if completion == Completion::Done {
            self.upload = None;
        }
        Ok(completion)
    }

    /// Leaves nothing behind of an object that is not complete.
    pub(super) async fn abort(&mut self) {
        // Requests that are on their way might make a part after the abort.
        self.in_flight.shutdown().await;
        let Some(upload) = self.upload.take() else {
            return;
        };
        let context = &self.context;
        let what = format!("The abort of the upload of {}", self.key);
        if let Err(error) = context
            .settings
            .retry
            .run(&*context.clock, &what, || upload.abort())
            .await
        {
            tracing::warn!(
                key = self.key,
                %error,
                "An upload could not be aborted: its parts stay in the store until a lifecycle rule \
                 for incomplete multipart uploads removes them"
            );
        }
    }
}

fn joined(outcome: Result<Result<UploadedPart>, tokio::task::JoinError>) -> Result<UploadedPart> {
    outcome.unwrap_or_else(|error| {
        Err(ConnectError::fatal(format!(
            "Part upload failed: its task ended: {error}"
        )))
    })
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ConnectError::fatal(format!("Compression failed: {error}")))?
        .map_err(|error| ConnectError::fatal(format!("Compression failed: {error}")))
}
