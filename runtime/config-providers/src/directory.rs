//! Values that are files of their own, as Kubernetes mounts secrets.

use crate::allowed_paths::{AllowedPaths, config_def};
use crate::file::{io_error, off_the_async_threads, read_text};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{ConfigProvider, ConnectError, ProvidedValues, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

/// `org.apache.kafka.common.config.provider.DirectoryConfigProvider`: `${directory:/path:name}` is the
/// whole text of the file of that name in a directory, with its line ends.
#[derive(Debug, Default)]
pub struct DirectoryConfigProvider {
    allowed_paths: AllowedPaths,
}

crate::register!(
    "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
    DirectoryConfigProvider,
    config_def
);

#[async_trait]
impl ConfigProvider for DirectoryConfigProvider {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        self.allowed_paths = AllowedPaths::from_config(config)?;
        Ok(())
    }

    async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues> {
        if path.is_empty() {
            return Ok(ProvidedValues::default());
        }
        let Some(directory) = self.allowed_paths.allowed(path) else {
            tracing::warn!("The path {path} is not allowed to be accessed");
            return Ok(ProvidedValues::default());
        };
        let names: Vec<String> = keys
            .iter()
            .filter(|key| is_file_name(key))
            .map(ToString::to_string)
            .collect();
        let read = off_the_async_threads(move || Ok(read_files(&directory, names))).await;
        match read.map_err(|error| io_error(&error))? {
            Ok(Some(values)) => Ok(ProvidedValues::new(values)),
            Ok(None) => {
                tracing::warn!("The path {path} is not a directory");
                Ok(ProvidedValues::default())
            }
            Err((file, error)) => Err(ConnectError::config(format!(
                "Could not read file {} for property {}",
                file.display(),
                file.file_name().unwrap_or_default().to_string_lossy()
            ))
            .with_cause(io_error(&error))),
        }
    }
}

/// Whether a key can be the name of a file: one that leads elsewhere is none.
fn is_file_name(key: &str) -> bool {
    let mut parts = Path::new(key).components();
    matches!(parts.next(), Some(Component::Normal(name)) if name == key) && parts.next().is_none()
}

/// The texts of those files that are there; `None` if there is no such directory.
fn read_files(
    directory: &Path,
    names: Vec<String>,
) -> Result<Option<BTreeMap<String, String>>, (PathBuf, io::Error)> {
    if !directory.is_dir() {
        return Ok(None);
    }
    let mut values = BTreeMap::new();
    for name in names {
        let file = directory.join(&name);
        if file.is_file() {
            let text = read_text(&file).map_err(|error| (file, error))?;
            values.insert(name, text);
        }
    }
    Ok(Some(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else() {
        for name in ["a", ".hidden", "a.b", "a b", "..a"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "/a", "../a", "a/", "./a"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
