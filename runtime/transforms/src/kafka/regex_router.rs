//! `RegexRouter`: another topic for records whose topic matches.

use crate::settings::{regex_error, valid_regex};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Topic, Transform};
use connect_java::regex::{MatchError, Pattern};
use std::collections::HashMap;
use std::sync::LazyLock;

const REGEX: &str = "regex";
const REPLACEMENT: &str = "replacement";
/// More topics than that, and all are forgotten.
const MAX_TOPICS: usize = 1024;

crate::register!(
    "org.apache.kafka.connect.transforms.RegexRouter",
    KAFKA_VERSION,
    config_def,
    RegexRouter::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(
                ConfigKey::new(REGEX, ConfigType::String)
                    .validator(valid_regex())
                    .importance(Importance::High)
                    .doc("The pattern that the whole name of the topic must match."),
            )
            .define(
                ConfigKey::new(REPLACEMENT, ConfigType::String)
                    .importance(Importance::High)
                    .doc(
                        "What takes the place of the first match: `$1` stands for what the first group \
                         matched, `${name}` for a named one.",
                    ),
            )
    });
    &DEF
}

#[derive(Default)]
struct RegexRouter {
    regex: Option<Pattern>,
    replacement: String,
    /// The topics seen before with the ones that they become.
    routes: HashMap<Topic, Topic>,
    last: Option<(Topic, Topic)>,
}

impl RegexRouter {
    fn route(&mut self, topic: &Topic) -> Result<Topic> {
        if let Some((from, to)) = &self.last
            && Topic::ptr_eq(from, topic)
        {
            return Ok(to.clone());
        }
        let to = match self.routes.get(topic) {
            Some(to) => to.clone(),
            None => {
                let to = self.replaced(topic)?;
                if self.routes.len() >= MAX_TOPICS {
                    self.routes.clear();
                }
                self.routes.insert(topic.clone(), to.clone());
                to
            }
        };
        self.last = Some((topic.clone(), to.clone()));
        Ok(to)
    }

    fn replaced(&self, topic: &Topic) -> Result<Topic> {
        let Some(regex) = &self.regex else {
            return Ok(topic.clone());
        };
        let failed = |error: MatchError| {
            ConnectError::data(error.to_string()).with_class(error.java_class())
        };
        if !regex.matches(topic).map_err(failed)? {
            return Ok(topic.clone());
        }
        // The first match may be shorter than the whole name, which it was only asked for.
        let replaced = regex.replace_first(topic, &self.replacement);
        Ok(replaced.map_err(failed)?.into())
    }
}

impl Transform for RegexRouter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.regex = Some(Pattern::compile(config.string(REGEX)?).map_err(regex_error)?);
        self.replacement = config.string(REPLACEMENT)?.to_string();
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        record.topic = self.route(&record.topic)?;
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_kept_and_bounded() {
        let mut router = RegexRouter::default();
        router
            .configure(
                &[("regex", "t(.*)"), ("replacement", "u$1")]
                    .into_iter()
                    .collect(),
            )
            .unwrap();
        for index in 0..MAX_TOPICS + 10 {
            let topic = Topic::from(format!("t{index}"));
            assert_eq!(*router.route(&topic).unwrap(), *format!("u{index}"));
            assert_eq!(*router.route(&topic).unwrap(), *format!("u{index}"));
        }
        assert!(router.routes.len() <= MAX_TOPICS);
        assert_eq!(*router.route(&"other".into()).unwrap(), *"other");
    }
}
