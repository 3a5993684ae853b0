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

    /// Whether there is an object of that name. Asked only where objects may not replace others; a store
    /// that does not let the sink look says no.
    async fn exists(&self, key: &str) -> Result<bool>;

    /// Called after an object of values was completed and before its offset is offered, for tags and
    /// their like. An error is treated as one of [`ObjectUpload::complete`].
    async fn label(&self, _object: &CompletedObject) -> Result<()> {
        Ok(())
    }

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
    /// by everyone, in place of an object of that name, unless the store was told never to replace one.
    /// Once the answer to an earlier call was lost, the store finds out itself whether that call did it.
    async fn complete(&self, parts: &[UploadedPart]) -> Result<Completion>;

    /// Leaves nothing behind. An upload that is gone already is no error.
    async fn abort(&self) -> Result<()>;
}

/// How the completion of an object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Completion {
    /// The object is there.
    Done,
    /// Another object has the name already, and was not to be replaced. The upload can be aborted.
    NameTaken,
}

/// What an object of values holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedObject {
    /// Its name.
    pub key: String,
    /// The offset of its first record.
    pub start_offset: i64,
    /// The offset of its last record.
    pub end_offset: i64,
    /// How many records it holds.
    pub num_records: u64,
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
