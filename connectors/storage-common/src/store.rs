//! What an object store must be able to do.

use async_trait::async_trait;
use bytes::Bytes;
use connect_api::Result;
use std::sync::Arc;

/// A store of objects: S3, Google Cloud Storage, Azure Blob, ...
///
/// Everything that objects have in common whatever their name (encryption, access lists, storage
/// class) is the store's own business. Methods may be called from many tasks at once.
///
/// A method tries once. [`Retriable`](connect_api::ErrorKind::Retriable) errors are tried again by the
/// caller under `RetryPolicy`; any other kind fails the task. The text of an error names the store,
/// the object and what to do, and holds no secret.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Called once when a task starts: an error of any kind but `Retriable` fails it.
    async fn check(&self) -> Result<()>;

    /// Begins an object. Nothing of it can be seen, and an object of that name stays what it is, until
    /// [`ObjectUpload::complete`].
    async fn create_upload(&self, key: &str) -> Result<Arc<dyn ObjectUpload>>;

    /// The least size of all parts but the last; `s3.part.size` and its like are not below it.
    fn min_part_bytes(&self) -> usize;

    /// How many parts an object may have.
    fn max_parts(&self) -> u32;
}

/// An object on its way. Order of calls: `upload_part` for each part, any number of them at once and in
/// any order; then either `complete` or `abort`, which may be called again after an error.
#[async_trait]
pub trait ObjectUpload: Send + Sync {
    /// Uploads a part. Numbers begin at 1 and have no gaps in the end. A number that is uploaded again
    /// replaces the part.
    async fn upload_part(&self, number: u32, data: Bytes) -> Result<UploadedPart>;

    /// Makes the object of all its parts, which come in the order of their numbers: durable and seen
    /// by everyone, in place of an object of that name. Once the answer to an earlier call was lost,
    /// the store finds out itself whether that call did it.
    async fn complete(&self, parts: &[UploadedPart]) -> Result<()>;

    /// Leaves nothing behind. An upload that is gone already is no error.
    async fn abort(&self) -> Result<()>;
}

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// Its number, from 1.
    pub number: u32,
    /// Its size.
    pub num_bytes: usize,
    /// What the store calls its content.
    pub tag: String,
}
