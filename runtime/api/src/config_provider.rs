//! Config providers: where values of configurations stand if they are not in the configuration itself.

use crate::config::ConfigMap;
use crate::error::Result;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Looks up the values that configurations refer to as `${provider:path:key}`: in files, in the
/// environment, in a secret store.
///
/// The worker makes one instance for each name in `config.providers` and keeps it as long as it runs.
/// Order of calls: `configure` once; then `get` any number of times, also at the same time for several
/// connectors. Whatever must be closed is closed when the instance is dropped.
///
/// `get` is called whenever a configuration is validated and whenever a connector or task starts, so
/// that a changed value counts from the next start on. Nothing of what it returns is stored, logged or
/// shown: the worker keeps the text with the variable, and shows that.
#[async_trait]
pub trait ConfigProvider: Send + Sync {
    /// Takes the settings below `config.providers.<name>.param.`, without the prefix. It may read
    /// local files but waits for no network. An error keeps the worker from starting.
    fn configure(&mut self, config: &ConfigMap) -> Result<()>;

    /// The values of `keys` at `path`, which is empty if the variable has none. A key that is not there
    /// is left out of the answer: the variable then stays in the text as it is, and the worker warns.
    ///
    /// Reads that block belong on threads for blocking work. The worker gives a call up after a minute.
    /// An error fails the connector, task or request that needs the values; its message must hold none
    /// of them.
    async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues>;
}

/// What a provider found (Kafka's `ConfigData`). `Debug` shows the keys only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProvidedValues {
    /// The values by key.
    pub values: BTreeMap<String, String>,
    /// How long they hold. Once it is over, the worker restarts what was started with them, unless
    /// `config.action.reload` of the connector is `none`. `None`: until somebody restarts it.
    pub ttl: Option<Duration>,
}

impl ProvidedValues {
    /// Values that hold until somebody restarts what uses them.
    pub fn new(values: BTreeMap<String, String>) -> Self {
        Self { values, ttl: None }
    }
}

impl fmt::Debug for ProvidedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvidedValues")
            .field("keys", &self.values.keys().collect::<Vec<_>>())
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
