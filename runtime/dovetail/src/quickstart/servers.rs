//! The object storage of the quick start: an S3 server over a folder.

use super::flows::count_lines;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The bucket and the credentials that the connectors of the quick start name.
const BUCKET: &str = "quickstart";
const ACCESS_KEY: &str = "quickstart";
const SECRET_KEY: &str = "quickstart";
/// Before connections are accepted again after the system has refused one.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A running S3 server on 127.0.0.1; dropping it stops it.
pub struct ObjectStorage {
    url: String,
    bucket_folder: PathBuf,
    server: JoinHandle<()>,
    counted: Arc<Mutex<Counted>>,
}

/// Size and number of lines of the objects that have been read: each is read once.
type Counted = HashMap<PathBuf, (u64, u64)>;

/// What is in the bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The number of objects.
    pub num_objects: u64,
    /// Their size together.
    pub num_bytes: u64,
    /// The records in them, a line each.
    pub num_records: u64,
}

impl ObjectStorage {
    /// Starts a server whose objects are files below `folder`.
    pub async fn start(folder: &Path) -> Result<Self, String> {
        let root = folder.join("s3");
        let bucket_folder = root.join(BUCKET);
        fs::create_dir_all(&bucket_folder)
            .map_err(|error| format!("Cannot create {}: {error}", bucket_folder.display()))?;
        let files = FileSystem::new(&root)
            .map_err(|error| format!("Cannot keep objects in {}: {error:?}", root.display()))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let cannot_listen = |error: io::Error| format!("Cannot listen for S3 requests: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let server = tokio::spawn(async move {
            loop {
                let socket = match listener.accept().await {
                    Ok((socket, _)) => socket,
                    Err(error) => {
                        tracing::warn!("The S3 server cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                        continue;
                    }
                };
                let service = service.clone();
                tokio::spawn(async move {
                    let connections = Builder::new(TokioExecutor::new());
                    let served = connections.serve_connection(TokioIo::new(socket), service);
                    if let Err(error) = served.await {
                        tracing::debug!("A connection to the S3 server ended: {error}");
                    }
                });
            }
        });
        Ok(Self {
            url: format!("http://{address}"),
            bucket_folder,
            server,
            counted: Arc::default(),
        })
    }

    /// What connectors have as `store.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the objects are as files.
    pub fn bucket_folder(&self) -> &Path {
        &self.bucket_folder
    }

    /// Counts the objects of a topic.
    pub async fn stored(&self, topic: &str) -> Stored {
        let folder = self.bucket_folder.join("topics").join(topic);
        let counted = self.counted.clone();
        let stored = tokio::task::spawn_blocking(move || {
            let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
            let mut stored = Stored::default();
            count(&folder, &mut counted, &mut stored);
            stored
        });
        stored.await.unwrap_or_default()
    }
}

impl Drop for ObjectStorage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Counts the files below a folder. What cannot be read, such as a folder that is not there yet, has
/// nothing in it; hidden files belong to the server.
fn count(folder: &Path, counted: &mut Counted, stored: &mut Stored) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => count(&path, counted, stored),
            Ok(metadata) if !is_hidden => {
                let num_bytes = metadata.len();
                let known = counted.get(&path).filter(|(num, _)| *num == num_bytes);
                let num_records = match known {
                    Some((_, num_lines)) => *num_lines,
                    None => match count_lines(&path) {
                        Ok(num_lines) => {
                            counted.insert(path, (num_bytes, num_lines));
                            num_lines
                        }
                        // It is counted at the next look.
                        Err(_) => continue,
                    },
                };
                stored.num_objects += 1;
                stored.num_bytes += num_bytes;
                stored.num_records += num_records;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_server_wants_credentials_and_counts_objects() {
        let folder = tempfile::tempdir().unwrap();
        let storage = ObjectStorage::start(folder.path()).await.unwrap();
        let answer = reqwest::get(format!("{}/{BUCKET}?list-type=2", storage.url()))
            .await
            .unwrap();
        assert_eq!(answer.status(), 403);
        assert_eq!(storage.stored("t").await, Stored::default());
        let partition = storage.bucket_folder().join("topics/t/partition=0");
        fs::create_dir_all(&partition).unwrap();
        fs::write(partition.join("t+0+0000000000.json"), "{}\n{}\n").unwrap();
        fs::write(partition.join(".hidden"), "1").unwrap();
        let stored = |num_objects, num_bytes, num_records| Stored {
            num_objects,
            num_bytes,
            num_records,
        };
        assert_eq!(storage.stored("t").await, stored(1, 6, 2));
        fs::write(partition.join("t+0+0000000000.json"), "{}\n").unwrap();
        fs::write(partition.join("t+0+0000000002.json"), "{}\n").unwrap();
        assert_eq!(storage.stored("t").await, stored(2, 6, 2));
    }
}
