//! Partitioners, rotation, formats and object names shared by every object-store sink.
//!
//! A sink for a new store is its client (an [`ObjectStore`]) and its keys (a [`StoreConnection`] that
//! reads them into [`SinkSettings`]); [`ObjectStoreSinkTask`] is the task.
//!
//! The walk of a record: the [`Partitioner`](partitioner::Partitioner) says which file it belongs to;
//! [`Rotation`](rotation::Rotation) says whether the open files end before or after it; a
//! [`RecordWriter`](format::RecordWriter) appends it to the buffer of its file. Full buffers are
//! compressed and uploaded in the background as parts, within the bounds of
//! [`UploadLimits`](upload::UploadLimits). Files that ended are completed in their order, and only then
//! their offsets are offered for commit. Names depend on topic, partition, encoded partition and start
//! offset alone, so that a replay overwrites what it wrote before.

pub mod format;
pub mod joda;
pub mod keys;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod object_name;
pub mod partitioner;
pub mod record;
pub mod retry;
pub mod rotation;
pub mod schema_compatibility;
pub mod settings;
pub mod sink_task;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod suite;
pub mod time_zone;
pub mod timestamp;
mod topic_partition_writer;
pub mod upload;

pub use settings::SinkSettings;
pub use sink_task::{ObjectStoreSinkTask, StoreConnection};
pub use store::{CompletedObject, Completion, ObjectStore, ObjectUpload, UploadedPart};
