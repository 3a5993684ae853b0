//! The settings of the sink: which topics, and how each is written.

use super::keys;
use super::topic_settings::TopicSettings;
use crate::config::{Fault, Values};
use connect_api::config::{ConfigMap, ConfigValue};
use connect_api::{ConnectError, Result};
use fancy_regex::Regex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Which topics the sink reads.
#[derive(Clone, Debug)]
enum Topics {
    Named(Vec<String>),
    Matching { pattern: String, regex: Box<Regex> },
}

/// The settings of a sink.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    config: ConfigMap,
    topics: Topics,
    /// The topics met so far; no more than there are in the cluster.
    by_topic: HashMap<String, Arc<TopicSettings>>,
}

impl SinkSettings {
    /// Reads a configuration; the error names every fault.
    pub fn read(config: &ConfigMap) -> Result<Self> {
        let values = keys::config_def().validate(config);
        let mut faults: Vec<Fault> = values
            .iter()
            .flat_map(|value| {
                let fault = |message: &String| Fault::new(&value.name, message);
                value.error_messages.iter().map(fault)
            })
            .collect();
        if faults.is_empty()
            && let Some(settings) = Self::check(config, &values, &mut faults)
        {
            return Ok(settings);
        }
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        Err(ConnectError::config(messages.join("\n")))
    }

    /// Finds the faults that no single key shows. `values` is the outcome of the definition, without
    /// faults. `None` if there is any fault.
    pub fn check(
        config: &ConfigMap,
        values: &[ConfigValue],
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let topics = read_topics(Values(values), faults)?;
        let mut settings = Self {
            config: config.clone(),
            by_topic: HashMap::new(),
            topics,
        };
        for topic in settings.topics_to_check() {
            match TopicSettings::read(&topic, config) {
                Ok(topic_settings) => {
                    settings.by_topic.insert(topic, Arc::new(topic_settings));
                }
                Err(found) => faults.extend(found.into_iter().map(|fault| {
                    // The fault stands with the key that the user wrote.
                    let own = format!("{}{topic}.{}", keys::TOPIC_OVERRIDE_PREFIX, fault.key);
                    match config.contains_key(&own) {
                        true => Fault { key: own, ..fault },
                        false => fault,
                    }
                })),
            }
        }
        faults.is_empty().then_some(settings)
    }

    /// The topics that are known from the configuration; with a pattern, those that have overrides, or
    /// one that stands for all.
    fn topics_to_check(&self) -> Vec<String> {
        match &self.topics {
            Topics::Named(topics) => topics.clone(),
            Topics::Matching { regex, .. } => {
                let mut topics: BTreeSet<String> = self
                    .config
                    .with_prefix(keys::TOPIC_OVERRIDE_PREFIX)
                    .keys()
                    // Names with dots cannot be told from keys; those are checked when records come.
                    .filter_map(|key| key.split('.').next())
                    .filter(|topic| regex.is_match(topic).unwrap_or(false))
                    .map(str::to_string)
                    .collect();
                if topics.is_empty() {
                    topics.insert("__default".to_string());
                }
                topics.into_iter().collect()
            }
        }
    }

    /// The settings of every topic that is known from the configuration.
    pub fn known_topics(&self) -> impl Iterator<Item = &Arc<TopicSettings>> {
        self.by_topic.values()
    }

    /// Whether the configuration names topics and no pattern of them.
    pub fn has_named_topics(&self) -> bool {
        matches!(self.topics, Topics::Named(_))
    }

    /// The settings of a topic.
    pub fn topic(&mut self, topic: &str) -> Result<Arc<TopicSettings>> {
        if let Some(settings) = self.by_topic.get(topic) {
            return Ok(settings.clone());
        }
        match &self.topics {
            Topics::Named(topics) => {
                return Err(ConnectError::config(format!(
                    "Unknown topic: {topic}, must be one of: [{}]. A transform that changes the topic \
                     must lead to one of these",
                    topics.join(", ")
                )));
            }
            Topics::Matching { pattern, regex } => {
                if !regex.is_match(topic).unwrap_or(false) {
                    return Err(ConnectError::config(format!(
                        "Unknown topic: {topic}, does not match: {pattern}"
                    )));
                }
            }
        }
        let settings = TopicSettings::read(topic, &self.config).map_err(|faults| {
            let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            ConnectError::config(messages.join("\n"))
        })?;
        let settings = Arc::new(settings);
        self.by_topic.insert(topic.to_string(), settings.clone());
        Ok(settings)
    }
}

fn read_topics(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Topics> {
    let topics = values.list(keys::TOPICS);
    let pattern = values.text(keys::TOPICS_REGEX);
    match (topics.is_empty(), pattern.is_empty()) {
        (false, true) => Some(Topics::Named(topics.to_vec())),
        (true, false) => {
            // Java matches the whole name.
            let regex = Regex::new(&format!("^(?:{pattern})$")).ok()?;
            Some(Topics::Matching {
                pattern: pattern.to_string(),
                regex: Box::new(regex),
            })
        }
        (false, false) => {
            faults.push(Fault::new(
                keys::TOPICS,
                format!(
                    "{} and {} are mutually exclusive options, but both are set.",
                    keys::TOPICS,
                    keys::TOPICS_REGEX
                ),
            ));
            None
        }
        (true, true) => {
            faults.push(Fault::new(
                keys::TOPICS,
                format!(
                    "Must configure one of {} or {}",
                    keys::TOPICS,
                    keys::TOPICS_REGEX
                ),
            ));
            None
        }
    }
}
