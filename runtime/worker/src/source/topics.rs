//! Topics that a source writes to are created before its first record goes there (KIP-158).

use connect_api::config::ConfigMap;
use connect_api::{ConnectError, Result};
use connect_kafka::admin::{Admin, AdminError, NewTopic, TopicCreation};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Whether a pattern matches the whole name of a topic.
pub type TopicMatcher = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Topics that are created alike (`topic.creation.<group>.*`).
struct Group {
    name: String,
    include: Vec<TopicMatcher>,
    exclude: Vec<TopicMatcher>,
    num_partitions: i32,
    replication_factor: i16,
    configs: BTreeMap<String, String>,
}

/// Creates topics by the groups of a connector's configuration.
pub struct TopicCreator {
    admin: Arc<dyn Admin>,
    groups: Vec<Group>,
    known: HashSet<String>,
}

impl TopicCreator {
    /// Reads the groups; `None` if the configuration has no `topic.creation.` key, which leaves the
    /// creation of topics to the broker. `compile` turns a pattern of the user into a matcher of whole
    /// names.
    pub fn from_config(
        config: &ConfigMap,
        admin: Arc<dyn Admin>,
        compile: &dyn Fn(&str) -> Result<TopicMatcher>,
    ) -> Result<Option<Self>> {
        let groups = Self::groups(config, compile)?;
        Ok(groups.map(|groups| Self {
            admin,
            groups,
            known: HashSet::new(),
        }))
    }

    /// Whether the groups of a configuration can be read; the error is what is wrong.
    pub fn check_config(
        config: &ConfigMap,
        compile: &dyn Fn(&str) -> Result<TopicMatcher>,
    ) -> Result<()> {
        Self::groups(config, compile).map(drop)
    }

    fn groups(
        config: &ConfigMap,
        compile: &dyn Fn(&str) -> Result<TopicMatcher>,
    ) -> Result<Option<Vec<Group>>> {
        if !config.keys().any(|key| key.starts_with("topic.creation.")) {
            return Ok(None);
        }
        let mut names: Vec<&str> = config
            .get("topic.creation.groups")
            .into_iter()
            .flat_map(|names| names.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty() && *name != "default")
            .collect();
        names.push("default");
        let default_partitions = number(config, "topic.creation.default.partitions")?;
        let default_replication = number(config, "topic.creation.default.replication.factor")?;
        let mut groups = Vec::new();
        for name in names {
            let settings = config.with_prefix(&format!("topic.creation.{name}."));
            let is_default = name == "default";
            let matchers = |key: &str| -> Result<Vec<TopicMatcher>> {
                settings
                    .get(key)
                    .filter(|_| !is_default)
                    .into_iter()
                    .flat_map(|patterns| patterns.split(','))
                    .map(|pattern| compile(pattern.trim()))
                    .collect()
            };
            let include = if is_default {
                let everything: TopicMatcher = Arc::new(|_| true);
                vec![everything]
            } else {
                matchers("include")?
            };
            let num_partitions = number(config, &format!("topic.creation.{name}.partitions"))?
                .or(default_partitions)
                .ok_or_else(|| missing("topic.creation.default.partitions"))?;
            let replication_factor =
                number(config, &format!("topic.creation.{name}.replication.factor"))?
                    .or(default_replication)
                    .ok_or_else(|| missing("topic.creation.default.replication.factor"))?;
            groups.push(Group {
                name: name.to_string(),
                include,
                exclude: matchers("exclude")?,
                num_partitions,
                replication_factor: i16::try_from(replication_factor).map_err(|_| {
                    ConnectError::config(format!(
                        "Invalid value {replication_factor} for configuration \
                         topic.creation.{name}.replication.factor: Not a number of type SHORT"
                    ))
                })?,
                configs: settings
                    .iter()
                    .filter(|(key, _)| {
                        !["include", "exclude", "partitions", "replication.factor"].contains(key)
                    })
                    .filter_map(|(key, value)| Some((key.to_string(), value?.trim().to_string())))
                    .collect(),
            });
        }
        Ok(Some(groups))
    }

    /// Makes sure that a topic exists, asking the brokers once for each topic. A retriable error is
    /// worth another try.
    pub async fn ensure(&mut self, topic: &str) -> Result<()> {
        if self.known.contains(topic) {
            return Ok(());
        }
        let described = self.admin.describe_topic(topic).await;
        let exists = described
            .map_err(|error| creation_error(topic, &error))?
            .is_some();
        if !exists {
            self.create(topic).await?;
        }
        self.known.insert(topic.to_string());
        Ok(())
    }

    async fn create(&self, topic: &str) -> Result<()> {
        let matches = |patterns: &[TopicMatcher]| patterns.iter().any(|matcher| matcher(topic));
        // The default group is last and takes every topic.
        let Some(group) = self
            .groups
            .iter()
            .find(|group| matches(&group.include) && !matches(&group.exclude))
        else {
            return Ok(());
        };
        tracing::info!(group = group.name, "Creating topic '{topic}'");
        let new_topic = NewTopic {
            name: topic.to_string(),
            num_partitions: group.num_partitions,
            replication_factor: group.replication_factor,
            configs: group.configs.clone(),
        };
        match self.admin.create_topic(&new_topic).await {
            Ok(TopicCreation::Created | TopicCreation::Existed) => Ok(()),
            // Without the request or the right to create topics the broker may still do it by itself.
            Err(error @ (AdminError::Unsupported { .. } | AdminError::NotAuthorized { .. })) => {
                tracing::warn!(
                    "Request to create topic '{topic}' was refused ({error}); if the brokers do not \
                     create topics by themselves, create it by hand"
                );
                Ok(())
            }
            Err(error) => Err(creation_error(topic, &error)),
        }
    }
}

fn creation_error(topic: &str, error: &AdminError) -> ConnectError {
    let message = format!("topic '{topic}' cannot be looked up or created: {error}");
    if error.is_retriable() {
        ConnectError::retriable(message)
    } else {
        ConnectError::fatal(message)
    }
}

fn missing(key: &str) -> ConnectError {
    ConnectError::config(format!(
        "Missing required configuration \"{key}\" which has no default value."
    ))
}

fn number(config: &ConfigMap, key: &str) -> Result<Option<i32>> {
    config
        .get(key)
        .map(str::trim)
        .map(|text| {
            text.parse::<i32>().map_err(|_| {
                ConnectError::config(format!(
                    "Invalid value {text} for configuration {key}: Not a number of type INT"
                ))
            })
        })
        .transpose()
}
