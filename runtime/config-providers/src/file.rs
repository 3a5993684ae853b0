//! Values from Java properties files.

use crate::allowed_paths::{AllowedPaths, config_def};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{ConfigProvider, ConnectError, ProvidedValues, Result};
use connect_java::properties;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file of settings or a secret is never larger.
const MAX_FILE_NUM_BYTES: u64 = 16 << 20;

/// `org.apache.kafka.common.config.provider.FileConfigProvider`: `${file:/path:key}` is the value of a
/// key in a properties file in UTF-8.
#[derive(Debug, Default)]
pub struct FileConfigProvider {
    allowed_paths: AllowedPaths,
}

crate::register!(
    "org.apache.kafka.common.config.provider.FileConfigProvider",
    FileConfigProvider,
    config_def
);

#[async_trait]
impl ConfigProvider for FileConfigProvider {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        self.allowed_paths = AllowedPaths::from_config(config)?;
        Ok(())
    }

    async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues> {
        if path.is_empty() {
            return Ok(ProvidedValues::default());
        }
        let Some(file) = self.allowed_paths.allowed(path) else {
            tracing::warn!("The path {path} is not allowed to be accessed");
            return Ok(ProvidedValues::default());
        };
        let text = off_the_async_threads(move || read_text(&file)).await;
        let unreadable =
            || ConnectError::config(format!("Could not read properties from file {path}"));
        let text = text.map_err(|error| unreadable().with_cause(io_error(&error)))?;
        let entries = properties::parse(&text).map_err(|error| {
            // Java throws an IllegalArgumentException here, which names no file.
            unreadable().with_cause(
                ConnectError::config(error.to_string())
                    .with_class("java.lang.IllegalArgumentException"),
            )
        })?;
        // Of equal keys the last one counts.
        let values: BTreeMap<String, String> = entries
            .into_iter()
            .filter(|(key, _)| keys.contains(key.as_str()))
            .collect();
        Ok(ProvidedValues::new(values))
    }
}

/// Runs what blocks on a thread that may block.
pub(crate) async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(io::Error::other(error)),
    }
}

/// A whole file as UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    // Opening a pipe would wait for a writer, maybe for ever.
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_NUM_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_NUM_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {MAX_FILE_NUM_BYTES} bytes"),
        ));
    }
    // The bytes, which may be a secret, stay out of the error.
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

pub(crate) fn io_error(error: &io::Error) -> ConnectError {
    ConnectError::fatal(error.to_string()).with_class("java.io.IOException")
}
