//! Offsets in a file: what a standalone worker uses.

use super::index::OffsetIndex;
use super::java_serialization::{SerializationError, read_hash_map, write_hash_map};
use super::{OffsetEntry, OffsetStore, StoredPartition};
use crate::error::{StoreError, StoreResult};
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file that is larger was not written by a worker; it would be held in memory.
const MAX_FILE_NUM_BYTES: u64 = 256 << 20;

/// Keeps offsets in the file `offset.storage.file.filename` (`FileOffsetBackingStore`): a serialized
/// Java hash map, which is replaced as a whole, and atomically, at each write.
pub struct FileOffsetStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    index: Mutex<Versioned>,
    /// The version that the file holds; held by the one blocking thread that writes it.
    saved_version: Mutex<u64>,
}

#[derive(Default)]
struct Versioned {
    offsets: OffsetIndex,
    /// Counts the writes.
    version: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic could leave behind is a version that is written once more.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileOffsetStore {
    /// A store on a file, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                path: path.into(),
                index: Mutex::default(),
                saved_version: Mutex::new(0),
            }),
        }
    }

    async fn blocking(
        &self,
        action: &'static str,
        work: impl FnOnce(&Shared) -> Result<(), String> + Send + 'static,
    ) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || work(&shared))
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(|reason| StoreError::File {
                path: self.shared.path.clone(),
                action,
                reason,
            })
    }
}

impl Shared {
    fn load(&self) -> Result<(), String> {
        let content = read_file(&self.path).map_err(|error| error.to_string())?;
        if content.is_empty() {
            return Ok(());
        }
        let entries = read_hash_map(&content).map_err(|error| match error {
            // The JVM would silently begin anew, and read everything again.
            SerializationError::CutOff => {
                "it ends too early; restore it, or remove it to let connectors read from the \
                 beginning"
                    .to_string()
            }
            error => error.to_string(),
        })?;
        let mut index = lock(&self.index);
        let place = self.path.display().to_string();
        for (key, value) in entries {
            if let Some(key) = key {
                index.offsets.insert(key, value, &place);
            }
        }
        Ok(())
    }

    /// Writes the file, unless a later write has done so already.
    fn save(&self, version: u64) -> Result<(), String> {
        let mut saved_version = lock(&self.saved_version);
        if *saved_version >= version {
            return Ok(());
        }
        let (mut entries, version) = {
            let index = lock(&self.index);
            let entries: Vec<_> = index
                .offsets
                .iter()
                .map(|(key, value)| (Some(key.clone()), Some(value.clone())))
                .collect();
            (entries, index.version)
        };
        entries.sort();
        let content = write_hash_map(&entries).map_err(|error| error.to_string())?;
        replace_file(&self.path, &content).map_err(|error| error.to_string())?;
        *saved_version = version;
        Ok(())
    }
}

/// The content of a file, nothing if there is none.
fn read_file(path: &Path) -> io::Result<Bytes> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Bytes::new()),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    file.take(MAX_FILE_NUM_BYTES + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_NUM_BYTES {
        return Err(io::Error::other(format!(
            "it is larger than {MAX_FILE_NUM_BYTES} bytes; is it an offset file?"
        )));
    }
    Ok(content.into())
}

/// A crash leaves either the old content or the new one.
fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // The new name is durable only with its folder.
    File::open(folder)?.sync_all()
}

#[async_trait]
impl OffsetStore for FileOffsetStore {
    async fn start(&self) -> StoreResult<()> {
        self.blocking("read", Shared::load).await
    }

    async fn stop(&self) {}

    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        Ok(lock(&self.shared.index).offsets.get(keys))
    }

    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        let version = {
            let mut index = lock(&self.shared.index);
            let place = self.shared.path.to_string_lossy();
            for OffsetEntry { key, value } in entries {
                index.offsets.insert(key, value, &place);
            }
            index.version += 1;
            index.version
        };
        self.blocking("written", move |shared| shared.save(version))
            .await
    }

    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        Ok(lock(&self.shared.index)
            .offsets
            .connector_partitions(connector))
    }
}
