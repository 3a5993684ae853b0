//! The settings of a worker.

mod basic_auth;
mod clients;
mod definition;
mod headers;
mod keys;
mod listeners;
mod support;
#[cfg(test)]
mod tests;

use crate::plugins::Plugins;
use crate::validation::{DistributedView, OverridePolicy, WorkerView};
use connect_api::config::{ConfigMap, ParsedConfig};
use connect_api::{ConnectError, Result};
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::log::TopicSpec;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub use basic_auth::{BasicAuth, Login, RestRole};
pub use headers::{HeaderAction, HeaderRule};
pub use listeners::{AdvertisedAddress, Listener};

/// The two kinds of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkerMode {
    /// A member of a group, which keeps its state in Kafka topics.
    Distributed,
    /// A single process, which keeps its state in a file.
    Standalone,
}

impl WorkerMode {
    /// `distributed` or `standalone`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Distributed => "distributed",
            Self::Standalone => "standalone",
        }
    }
}

/// The three topics in which distributed workers keep their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageTopic {
    /// `config.storage.*`
    Configs,
    /// `offset.storage.*`
    Offsets,
    /// `status.storage.*`
    Statuses,
}

impl StorageTopic {
    /// The end of the ids of its clients: `configs`, `offsets` or `statuses`.
    pub const fn client_id_suffix(self) -> &'static str {
        match self {
            Self::Configs => "configs",
            Self::Offsets => "offsets",
            Self::Statuses => "statuses",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Configs => "config.storage.",
            Self::Offsets => "offset.storage.",
            Self::Statuses => "status.storage.",
        }
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::Configs => "connector configurations",
            Self::Offsets => "source connector offsets",
            Self::Statuses => "connector and task statuses",
        }
    }
}

/// `exactly.once.source.support`: how far a cluster is on its way to exactly-once sources. All workers
/// become `preparing` before the first becomes `enabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExactlyOnceSourceSupport {
    /// Nobody writes in transactions.
    Disabled,
    /// The leader writes to the config topic in transactions.
    Preparing,
    /// Source tasks write in transactions too.
    Enabled,
}

impl ExactlyOnceSourceSupport {
    /// Whether source tasks write in transactions.
    pub fn is_enabled(self) -> bool {
        self == Self::Enabled
    }
}

/// The settings of a worker, checked.
///
/// `Debug` shows the keys only: values may be secrets.
#[derive(Clone)]
pub struct WorkerConfig {
    mode: WorkerMode,
    raw: ConfigMap,
    parsed: ParsedConfig,
    listeners: Vec<Listener>,
    admin_listeners: Option<Vec<Listener>>,
    warnings: Vec<String>,
}

impl fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerConfig")
            .field("mode", &self.mode)
            .field("keys", &self.raw.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl WorkerConfig {
    /// Checks settings as the user wrote them.
    ///
    /// # Errors
    /// One error whose message has a line for every fault, each with the key, the value and the
    /// reason. No secret is in it.
    pub fn new(mode: WorkerMode, mut raw: ConfigMap) -> Result<Self> {
        let mut warnings = keys::warnings(mode, &raw);
        keys::replace_removed_listener_keys(&mut raw);
        let def = definition::definition(mode);
        let outcomes = def.validate(&raw);
        let mut faults: Vec<String> = Vec::new();
        for outcome in &outcomes {
            // A text that does not parse is null to the next check, whose fault says nothing new.
            faults.extend(outcome.error_messages.first().cloned());
        }
        // Checks across settings need values: those at fault are seen as their defaults.
        let mut sound = raw.clone();
        for outcome in outcomes
            .iter()
            .filter(|outcome| !outcome.error_messages.is_empty())
        {
            sound.remove(&outcome.name);
            if def.key(&outcome.name).is_some_and(|key| key.is_required()) {
                sound.insert(outcome.name.clone(), "-");
            }
        }
        let parsed = def.parse(&sound)?;
        let listeners = parsed
            .list("listeners")?
            .iter()
            .filter_map(|url| url.parse().ok())
            .collect();
        let admin_listeners = raw
            .get("admin.listeners")
            .and_then(|_| parsed.list("admin.listeners").ok())
            .map(|urls| urls.iter().filter_map(|url| url.parse().ok()).collect());
        let config = Self {
            mode,
            raw,
            parsed,
            listeners,
            admin_listeners,
            warnings: Vec::new(),
        };
        faults.extend(support::faults(&config));
        warnings.extend(support::warnings(&config));
        if faults.is_empty() {
            Ok(Self { warnings, ..config })
        } else {
            Err(ConnectError::config(faults.join("\n")))
        }
    }

    /// What the user should know about these settings, a sentence each: keys that nobody knows,
    /// that are gone, or that have no effect. For the log, once, at the start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Checks that the converters are plugins of this worker.
    ///
    /// # Errors
    /// A line for each that is not.
    pub fn check_plugins(&self, plugins: &Plugins) -> Result<()> {
        let mut faults = Vec::new();
        let mut check = |key: &str, is_plugin: &dyn Fn(&str) -> bool| {
            let class = self.text(key);
            if !is_plugin(class) {
                faults.push(format!(
                    "Invalid value {class} for configuration {key}: Class {class} could not be \
                     found. It is not among the plugins of this worker; `dovetail version` lists \
                     them"
                ));
            }
        };
        check("key.converter", &|class| plugins.converter(class).is_some());
        check("value.converter", &|class| {
            plugins.converter(class).is_some()
        });
        check("header.converter", &|class| {
            plugins.header_converter(class).is_some()
        });
        if faults.is_empty() {
            Ok(())
        } else {
            Err(ConnectError::config(faults.join("\n")))
        }
    }

    /// The kind of worker.
    pub fn mode(&self) -> WorkerMode {
        self.mode
    }

    /// The settings as the user wrote them; `rest.host.name` and `rest.port` have become
    /// `listeners`.
    pub fn raw(&self) -> &ConfigMap {
        &self.raw
    }

    /// The parsed settings that Connect defines for this kind of worker.
    pub fn parsed(&self) -> &ParsedConfig {
        &self.parsed
    }

    /// A text; empty where the setting is null or belongs to the other kind of worker.
    pub fn text(&self, key: &str) -> &str {
        match self.parsed.opt_string(key) {
            Ok(Some(text)) => text,
            _ => "",
        }
    }

    /// A time; zero where the setting is null or belongs to the other kind of worker.
    pub fn millis(&self, key: &str) -> Duration {
        Duration::from_millis(self.number(key).try_into().unwrap_or(0))
    }

    /// A whole number; 0 where the setting is null or belongs to the other kind of worker.
    pub fn number(&self, key: &str) -> i64 {
        self.parsed.long(key).unwrap_or(0)
    }

    /// Yes or no; no where the setting belongs to the other kind of worker.
    pub fn boolean(&self, key: &str) -> bool {
        self.parsed.boolean(key).unwrap_or(false)
    }

    /// `bootstrap.servers` with commas between them.
    pub fn bootstrap_servers(&self) -> String {
        self.parsed
            .list("bootstrap.servers")
            .map(|servers| servers.join(","))
            .unwrap_or_default()
    }

    /// `group.id`; empty in a standalone worker.
    pub fn group_id(&self) -> &str {
        self.text("group.id")
    }

    /// `connect.protocol`: the newest version of the group protocol that this worker offers.
    pub fn connect_protocol(&self) -> ConnectProtocol {
        match self.text("connect.protocol") {
            "eager" => ConnectProtocol::Eager,
            "compatible" => ConnectProtocol::Compatible,
            _ => ConnectProtocol::Sessioned,
        }
    }

    /// `connector.client.config.override.policy`; the constructor has refused one that is not there.
    fn override_policy(&self) -> Option<OverridePolicy> {
        let allowlist = self.raw.get("connector.client.config.override.allowlist");
        let allowlist: Vec<String> = allowlist
            .unwrap_or_default()
            .split(',')
            .map(|key| key.trim().to_string())
            .filter(|key| !key.is_empty())
            .collect();
        OverridePolicy::of_setting(
            self.text("connector.client.config.override.policy"),
            &allowlist,
        )
    }

    /// `exactly.once.source.support`; disabled in a standalone worker.
    pub fn exactly_once_source_support(&self) -> ExactlyOnceSourceSupport {
        let support = self.text("exactly.once.source.support");
        if self.mode != WorkerMode::Distributed {
            ExactlyOnceSourceSupport::Disabled
        } else if support.eq_ignore_ascii_case("enabled") {
            ExactlyOnceSourceSupport::Enabled
        } else if support.eq_ignore_ascii_case("preparing") {
            ExactlyOnceSourceSupport::Preparing
        } else {
            ExactlyOnceSourceSupport::Disabled
        }
    }

    /// What the validation of connectors needs to know.
    pub fn view(&self) -> WorkerView {
        let distributed = DistributedView {
            group_id: self.group_id().to_string(),
            exactly_once_source_enabled: self.exactly_once_source_support().is_enabled(),
        };
        WorkerView {
            key_converter: self.text("key.converter").to_string(),
            value_converter: self.text("value.converter").to_string(),
            header_converter: self.text("header.converter").to_string(),
            distributed: (self.mode == WorkerMode::Distributed).then_some(distributed),
            override_policy: self.override_policy().unwrap_or(OverridePolicy::None),
        }
    }

    /// Where the REST API listens; at least one.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Where the resources below `/admin` are served, apart from the others; `None` where they are
    /// served beside the others, and an empty list where they are not served at all.
    pub fn admin_listeners(&self) -> Option<&[Listener]> {
        self.admin_listeners.as_deref()
    }

    /// The `ssl.*` settings of the listeners that are `https`, those of `admin.listeners` if so asked:
    /// the settings with the prefix `listeners.https.` or `admin.listeners.https.` if there is any,
    /// else those without.
    pub fn listener_ssl(&self, is_admin: bool) -> ConfigMap {
        let prefix = if is_admin {
            "admin.listeners.https."
        } else {
            "listeners.https."
        };
        let below = |prefix: &str| -> ConfigMap {
            let settings = self.raw.iter();
            settings
                .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value?)))
                .filter(|(key, _)| key.starts_with("ssl."))
                .collect()
        };
        let prefixed = below(prefix);
        if prefixed.keys().next().is_some() {
            prefixed
        } else {
            below("")
        }
    }

    /// The headers that all answers of the REST API get.
    pub fn response_headers(&self) -> Vec<HeaderRule> {
        // The rules were checked by the constructor.
        headers::header_rules(self.text("response.http.headers.config")).unwrap_or_default()
    }

    /// Whether users who may only read see no secrets of connectors.
    pub fn masks_secrets(&self) -> bool {
        let setting = self.raw.get(keys::MASK_SECRETS_SETTING);
        setting.is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }

    /// The address that others are told. `bound` are the real addresses of the listeners, in their
    /// order; they matter for ports that the system has chosen.
    ///
    /// It may resolve the name of this machine, which blocks: call it once, at the start.
    pub fn advertised(&self, bound: &[SocketAddr]) -> AdvertisedAddress {
        listeners::Advertised {
            listeners: &self.listeners,
            protocol: self
                .parsed
                .opt_string("rest.advertised.listener")
                .ok()
                .flatten(),
            host: self
                .parsed
                .opt_string("rest.advertised.host.name")
                .ok()
                .flatten(),
            port: self
                .parsed
                .long("rest.advertised.port")
                .ok()
                .and_then(|port| u16::try_from(port).ok()),
        }
        .address(bound)
    }

    /// The name of a storage topic; empty in a standalone worker.
    pub fn storage_topic_name(&self, topic: StorageTopic) -> &str {
        self.text(&format!("{}topic", topic.prefix()))
    }

    /// How to create and check a storage topic.
    pub fn storage_topic(&self, topic: StorageTopic) -> TopicSpec {
        let prefix = topic.prefix();
        let single_partition = topic == StorageTopic::Configs;
        let num_partitions = if single_partition {
            1
        } else {
            self.number(&format!("{prefix}partitions"))
        };
        let configs: BTreeMap<String, String> = self
            .raw
            .iter()
            .filter_map(|(key, value)| {
                let setting = key.strip_prefix(prefix)?;
                keys::is_topic_setting(setting)
                    .then(|| Some((setting.to_string(), value?.trim().to_string())))?
            })
            .collect();
        TopicSpec {
            name: self.storage_topic_name(topic).to_string(),
            setting: format!("{prefix}topic"),
            purpose: topic.purpose().to_string(),
            num_partitions: num_partitions.try_into().unwrap_or(-1),
            replication_factor: self
                .number(&format!("{prefix}replication.factor"))
                .try_into()
                .unwrap_or(-1),
            configs,
            single_partition,
        }
    }
}
