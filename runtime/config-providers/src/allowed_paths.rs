//! `allowed.paths`: below which paths a provider may read.

use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::{ConnectError, Result};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

const KEY: &str = "allowed.paths";

/// The settings of providers that read files.
pub(crate) fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(KEY, ConfigType::String)
                .default_null()
                .importance(Importance::High)
                .doc(
                    "A comma separated list of absolute paths of files and directories below which \
                     this provider may read. Without it, it may read all that the worker may.",
                ),
        )
    });
    &DEF
}

/// The paths below which a provider may read.
#[derive(Debug, Default)]
pub(crate) struct AllowedPaths(Option<Vec<PathBuf>>);

impl AllowedPaths {
    pub(crate) fn from_config(config: &ConfigMap) -> Result<Self> {
        let Some(list) = config.get(KEY).filter(|list| !list.is_empty()) else {
            return Ok(Self(None));
        };
        // As Java splits: what is empty at the end does not count.
        let paths = list.trim_end_matches(',').split(',').map(|path| {
            let path = normalize(Path::new(path));
            if !path.is_absolute() {
                Err(ConnectError::config(format!(
                    "Path {} is not absolute",
                    path.display()
                )))
            } else if !path.exists() {
                Err(ConnectError::config(format!(
                    "Path {} does not exist",
                    path.display()
                )))
            } else {
                Ok(path)
            }
        });
        if list.trim_end_matches(',').is_empty() {
            return Ok(Self(Some(Vec::new())));
        }
        Ok(Self(Some(paths.collect::<Result<_>>()?)))
    }

    /// The path to read for one that a variable names; `None` if it is not allowed. Names are compared,
    /// links are not followed.
    pub(crate) fn allowed(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        let Some(allowed) = &self.0 else {
            return Some(path.to_path_buf());
        };
        let path = normalize(path);
        allowed
            .iter()
            .any(|allowed| path.starts_with(allowed))
            .then_some(path)
    }
}

/// Without `.` and with each `..` taken together with the name before it, as `Path.normalize` in Java.
fn normalize(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            // Above the root is the root.
            (Component::ParentDir, Some(Component::RootDir)) => {}
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_normalized_as_in_java() {
        for (path, normal) in [
            ("/a/./b//c/", "/a/b/c"),
            ("/a/../b", "/b"),
            ("/../../a", "/a"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/", "/"),
        ] {
            assert_eq!(normalize(Path::new(path)), Path::new(normal), "{path}");
        }
    }

    #[test]
    fn a_list_of_nothing_allows_nothing() {
        let paths = AllowedPaths::from_config(&ConfigMap::from_iter([(KEY, ",")])).unwrap();
        assert_eq!(paths.allowed("/"), None);
    }

    proptest! {
        #[test]
        fn nothing_outside_is_allowed(path in "(/|\\.|\\.\\.|tmp|x){0,12}") {
            let folder = std::env::temp_dir();
            let config = ConfigMap::from_iter([(KEY, folder.to_str().unwrap())]);
            let paths = AllowedPaths::from_config(&config).unwrap();
            if let Some(allowed) = paths.allowed(&path) {
                prop_assert!(allowed.starts_with(normalize(&folder)));
                prop_assert!(!allowed.components().any(|part| part == Component::ParentDir));
            }
        }
    }
}
