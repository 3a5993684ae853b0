//! An S3 server whose buckets are folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use super::disk::SmallDisk;
use super::process::ServerProcess;
use super::{layout, ports, run};

/// The access key of every [`S3Server`].
pub const ACCESS_KEY: &str = "test";
/// The secret key of every [`S3Server`].
pub const SECRET_KEY: &str = "testtest";
/// The region of every [`S3Server`].
pub const REGION: &str = "us-east-1";

/// A running (or, after [`stop`](Self::stop), paused) versitygw on a folder.
#[derive(Debug)]
pub struct S3Server {
    port: u16,
    folder: PathBuf,
    objects: PathBuf,
    process: Option<ServerProcess>,
    // Unmounted after the server has ended: fields are dropped in order.
    _disk: Option<SmallDisk>,
}

impl S3Server {
    /// Starts one with these buckets, all empty. Bucket names have three letters at least.
    pub async fn start(buckets: &[&str]) -> Self {
        Self::start_on(buckets, None).await
    }

    /// As [`start`](Self::start), on a disk that holds `num_bytes`. Needs the right to mount (root).
    pub async fn start_on_small_disk(buckets: &[&str], num_bytes: u64) -> Self {
        Self::start_on(buckets, Some(SmallDisk::mount(num_bytes))).await
    }

    async fn start_on(buckets: &[&str], disk: Option<SmallDisk>) -> Self {
        let folder = run::server_folder("s3");
        let objects = disk
            .as_ref()
            .map_or(folder.join("buckets"), |disk| disk.folder().to_owned());
        for bucket in buckets {
            let bucket = objects.join(bucket);
            fs::create_dir_all(&bucket)
                .unwrap_or_else(|error| panic!("cannot make {}: {error}", bucket.display()));
        }
        let mut server = Self {
            port: ports::free_port(),
            folder,
            objects,
            process: None,
            _disk: disk,
        };
        server.start_again().await;
        server
    }

    /// The address of the server, for path-style requests.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process id of the running server.
    pub fn pid(&self) -> u32 {
        self.process
            .as_ref()
            .unwrap_or_else(|| panic!("the S3 server is stopped"))
            .pid()
    }

    /// A client with the right keys.
    pub fn client(&self) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(self.url())
            .force_path_style(true)
            .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
            .build();
        Client::from_conf(config)
    }

    /// Makes an empty bucket, for a test that must not see the objects of others.
    pub async fn create_bucket(&self, bucket: &str) {
        let created = self.client().create_bucket().bucket(bucket).send().await;
        created.unwrap_or_else(|error| panic!("cannot create bucket {bucket}: {error:?}"));
    }

    /// The names of all complete objects of a bucket and their bytes, as they lie on disk.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.objects.join(bucket);
        let mut objects = BTreeMap::new();
        for file in files_below(&root) {
            let name = file
                .strip_prefix(&root)
                .unwrap_or(&file)
                .to_string_lossy()
                .into_owned();
            let bytes = fs::read(&file)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
            objects.insert(name, bytes);
        }
        objects
    }

    /// The names of all complete objects of a bucket.
    pub fn object_names(&self, bucket: &str) -> Vec<String> {
        let root = self.objects.join(bucket);
        let name_of = |file: PathBuf| {
            file.strip_prefix(&root)
                .unwrap_or(&file)
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<_> = files_below(&root).into_iter().map(name_of).collect();
        names.sort();
        names
    }

    /// Stops the server; its port and objects are kept for [`start_again`](Self::start_again).
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.terminate().await;
        }
    }

    /// Starts the stopped server on its port and objects, and waits until it listens.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "the S3 server is running");
        let mut command = Command::new(layout::part("bin/versitygw"));
        command
            .args(["--port", &format!("127.0.0.1:{}", self.port), "posix"])
            .arg(&self.objects)
            .env("ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("ROOT_SECRET_KEY", SECRET_KEY);
        let mut process = ServerProcess::start("versitygw", &self.folder, command);
        process.wait_ready(self.port, async |_| Ok(())).await;
        self.process = Some(process);
    }
}

/// All files below a folder but those of unfinished uploads, which versitygw keeps in `.sgwtmp`.
///
/// A folder or file that vanishes meanwhile is a temporary one and is left out.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && entry.file_name() != ".sgwtmp" => {
                files.extend(files_below(&path))
            }
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
    files
}
