//! `TopicNameMatches`: holds for records whose topic, as transforms left it, matches a pattern.

use crate::settings::{regex_error, valid_regex};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Predicate, Record, Result, Topic};
use connect_java::regex::Pattern;
use std::sync::LazyLock;

const PATTERN: &str = "pattern";

crate::register_predicate!(
    "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    KAFKA_VERSION,
    config_def,
    TopicNameMatches
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(PATTERN, ConfigType::String)
                .validator(Validator::All(vec![
                    Validator::NonEmptyString,
                    valid_regex(),
                ]))
                .importance(Importance::Medium)
                .doc("The pattern that the whole name of the topic must match."),
        )
    });
    &DEF
}

#[derive(Default)]
struct TopicNameMatches {
    pattern: Option<Pattern>,
    /// The answer for the topic of the last record.
    last: Option<(Topic, bool)>,
}

impl Predicate for TopicNameMatches {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.pattern = Some(Pattern::compile(config.string(PATTERN)?).map_err(regex_error)?);
        Ok(())
    }

    fn test(&mut self, record: &Record, _origin: Origin<'_>) -> Result<bool> {
        if let Some((topic, matches)) = &self.last
            && Topic::ptr_eq(topic, &record.topic)
        {
            return Ok(*matches);
        }
        let matches = match &self.pattern {
            Some(pattern) => pattern.matches(&record.topic).map_err(|error| {
                ConnectError::data(error.to_string()).with_class(error.java_class())
            })?,
            None => false,
        };
        self.last = Some((record.topic.clone(), matches));
        Ok(matches)
    }
}
