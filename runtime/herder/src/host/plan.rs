//! From configurations to what a task needs to run.

use super::LocalHost;
use crate::PluginType;
use crate::plugins::Plugins;
use crate::validation::regex;
use connect_api::config::ConfigMap;
use connect_api::{ConnectError, ConnectorPlugin, ConverterType, Result};
use connect_kafka::client_config::ClientProperties;
use connect_kafka::consumer::Subscription;
use connect_store::ConnectorTaskId;
use connect_telemetry::metrics::{AliasedPlugin, PluginDescription, TaskDescription};
use connect_worker::{
    Chain, DeadLetterQueueConfig, DeadLetterQueuePlan, PredicateStage, ProducerFactory,
    TopicMatcher, TransformStage,
};
use std::sync::Arc;

/// A chain with the descriptions of its plugins.
pub(super) struct DescribedChain {
    pub(super) chain: Chain,
    pub(super) description: TaskDescription,
}

const SIMPLE_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// The settings of a converter: of the connector if it names one, with its own settings alone,
/// otherwise of the worker with the worker's.
fn converter_settings(
    key: &str,
    connector: &ConfigMap,
    worker: &ConfigMap,
    default: Option<&str>,
) -> Result<(String, ConfigMap)> {
    let prefix = format!("{key}.");
    let named = |config: &ConfigMap| {
        config
            .get(key)
            .map(str::trim)
            .filter(|class| !class.is_empty())
            .map(str::to_string)
    };
    if let Some(class) = named(connector) {
        return Ok((class, connector.with_prefix(&prefix)));
    }
    if let Some(class) = named(worker) {
        return Ok((class, worker.with_prefix(&prefix)));
    }
    default
        .map(|class| (class.to_string(), ConfigMap::new()))
        .ok_or_else(|| {
            ConnectError::config(format!(
                "Missing required configuration \"{key}\" which has no default value."
            ))
        })
}

fn unknown_class(what: &str, class: &str) -> ConnectError {
    ConnectError::config(format!("{what}: Class {class} could not be found."))
}

/// The error of a transform or predicate that is not built in, with those that are.
fn unknown_plugin(
    plugins: &Plugins,
    plugin_type: PluginType,
    key: &str,
    class: &str,
) -> ConnectError {
    if class.is_empty() {
        return ConnectError::config(format!(
            "Missing required configuration \"{key}\" which has no default value."
        ));
    }
    let built_in: Vec<String> = plugins
        .list(false)
        .into_iter()
        .filter(|plugin| plugin.plugin_type == plugin_type)
        .map(|plugin| plugin.class)
        .collect();
    ConnectError::config(format!(
        "Invalid value {class} for configuration {key}: Class {class} could not be found. Built in are: \
         {}",
        built_in.join(", ")
    ))
}

fn describe(class: &str, version: &str) -> PluginDescription {
    PluginDescription {
        class: class.to_string(),
        version: Some(version.to_string()),
    }
}

impl LocalHost {
    /// Makes and configures the converters and transforms of a task.
    pub(super) fn chain(
        &self,
        task: &ConnectorTaskId,
        plugin: &ConnectorPlugin,
        connector: &ConfigMap,
    ) -> Result<DescribedChain> {
        let plugins = self.plugins;
        let worker = self.config.worker.raw();
        let converter = |key: &str, converter_type: ConverterType| {
            let (class, settings) = converter_settings(key, connector, worker, None)?;
            let plugin = plugins
                .converter(&class)
                .ok_or_else(|| unknown_class(key, &class))?;
            let mut converter = (plugin.create)();
            converter.configure(&settings, converter_type)?;
            Ok::<_, ConnectError>((converter, plugin))
        };
        let (key, key_plugin) = converter("key.converter", ConverterType::Key)?;
        let (value, value_plugin) = converter("value.converter", ConverterType::Value)?;
        let (header_class, header_settings) = converter_settings(
            "header.converter",
            connector,
            worker,
            Some(SIMPLE_HEADER_CONVERTER),
        )?;
        let header_plugin = plugins
            .header_converter(&header_class)
            .ok_or_else(|| unknown_class("header.converter", &header_class))?;
        let mut header = (header_plugin.create)();
        header.configure(&header_settings, ConverterType::Header)?;

        let mut description = TaskDescription {
            connector: task.connector.to_string(),
            task: task.task,
            connector_type: plugin.connector_type(),
            connector_plugin: describe(plugin.class, plugin.version),
            task_plugin: describe(plugin.task_class, plugin.version),
            key_converter: describe(key_plugin.class, key_plugin.version),
            value_converter: describe(value_plugin.class, value_plugin.version),
            header_converter: describe(header_plugin.class, header_plugin.version),
            transforms: Vec::new(),
            predicates: Vec::new(),
        };
        let transforms = transform_stages(plugins, connector, &mut description)?;
        Ok(DescribedChain {
            chain: Chain {
                key_class: key_plugin.class.to_string(),
                key,
                value_class: value_plugin.class.to_string(),
                value,
                header_class: header_plugin.class.to_string(),
                header,
                transforms,
            },
            description,
        })
    }

    /// The properties of a client of a connector: bootstrap servers and defaults, then the worker's
    /// settings with the prefix, then the connector's overrides.
    pub(super) fn with_overrides(
        &self,
        mut properties: ClientProperties,
        prefix: &str,
        connector: &ConfigMap,
    ) -> ClientProperties {
        let worker = self.config.worker.raw().with_prefix(prefix);
        let overrides = connector.with_prefix(&format!("{prefix}override."));
        for (key, value) in worker.iter().chain(overrides.iter()) {
            if let Some(value) = value {
                properties.set(key, value);
            }
        }
        properties
    }

    pub(super) fn producer_properties(
        &self,
        task: &ConnectorTaskId,
        connector: &ConfigMap,
    ) -> ClientProperties {
        let base = ClientProperties::connector_producer(
            &self.config.bootstrap_servers,
            &format!("connector-producer-{task}"),
        );
        self.with_overrides(base, "producer.", connector)
    }

    /// What the dead letter queue of a task needs, if its connector has one.
    pub(super) fn dead_letter_queue(
        &self,
        task: &ConnectorTaskId,
        plugin: &ConnectorPlugin,
        connector: &ConfigMap,
    ) -> Result<Option<DeadLetterQueuePlan>> {
        let Some(config) = DeadLetterQueueConfig::from_config(connector, plugin.connector_type())?
        else {
            return Ok(None);
        };
        let base = ClientProperties::connector_producer(
            &self.config.bootstrap_servers,
            &format!("connector-dlq-producer-{task}"),
        );
        let properties = self.with_overrides(base, "producer.", connector);
        let admin = self.admin_properties("connector-dlq-adminclient-", connector);
        let clients = self.clients.clone();
        let producer: ProducerFactory =
            Box::new(move || Box::pin(async move { clients.producer(properties).await }));
        Ok(Some(DeadLetterQueuePlan {
            config,
            admin: self.clients.admin(&admin)?,
            producer,
        }))
    }

    pub(super) fn consumer_properties(
        &self,
        task: &ConnectorTaskId,
        connector: &ConfigMap,
    ) -> ClientProperties {
        let base = ClientProperties::connector_consumer(
            &self.config.bootstrap_servers,
            &format!("connector-consumer-{task}"),
            &format!("connect-{}", task.connector),
        );
        self.with_overrides(base, "consumer.", connector)
    }

    /// Admin clients inherit every setting of the worker that has no prefix.
    pub(super) fn admin_properties(
        &self,
        client_id: &str,
        connector: &ConfigMap,
    ) -> ClientProperties {
        let mut base = self.config.client_properties.clone();
        base.set("client.id", client_id);
        self.with_overrides(base, "admin.", connector)
    }
}

/// The task configurations of a connector as they are stored: with the class of the task and what it is
/// to read.
pub(super) fn complete_task_configs(
    plugin: &ConnectorPlugin,
    connector: &ConfigMap,
    configs: Vec<ConfigMap>,
) -> Vec<ConfigMap> {
    configs
        .into_iter()
        .map(|mut config| {
            config.insert("task.class", plugin.task_class);
            for key in ["topics", "topics.regex"] {
                if let Some(value) = connector.get(key) {
                    config.insert(key, value);
                }
            }
            config
        })
        .collect()
}

/// What a sink reads.
pub(super) fn subscription(config: &ConfigMap) -> Result<Subscription> {
    let text = |key: &str| {
        config
            .get(key)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    match (text("topics"), text("topics.regex")) {
        (Some(topics), None) => Ok(Subscription::Topics(
            topics
                .split(',')
                .map(str::trim)
                .filter(|topic| !topic.is_empty())
                .map(str::to_string)
                .collect(),
        )),
        (None, Some(pattern)) => {
            let matcher = topic_matcher(pattern)?;
            Ok(Subscription::Matching(matcher))
        }
        (None, None) => Err(ConnectError::config(
            "Must configure one of topics or topics.regex",
        )),
        (Some(_), Some(_)) => Err(ConnectError::config(
            "topics and topics.regex are mutually exclusive options, but both are set.",
        )),
    }
}

/// Whether a pattern matches the whole name of a topic.
pub(super) fn topic_matcher(pattern: &str) -> Result<TopicMatcher> {
    let regex = regex::compile(pattern)
        .map_err(|why| ConnectError::config(format!("Invalid regex: {why}")))?;
    Ok(Arc::new(move |topic| {
        // A pattern that takes too long on a name does not match it.
        regex.matches(topic).unwrap_or(false)
    }))
}

/// The aliases that `transforms` or `predicates` lists, in order.
fn aliases<'a>(connector: &'a ConfigMap, list_key: &str) -> impl Iterator<Item = &'a str> {
    connector
        .get(list_key)
        .into_iter()
        .flat_map(|aliases| aliases.split(','))
        .map(str::trim)
        .filter(|alias| !alias.is_empty())
}

fn transform_stages(
    plugins: &Plugins,
    connector: &ConfigMap,
    description: &mut TaskDescription,
) -> Result<Vec<TransformStage>> {
    let mut stages = Vec::new();
    for alias in aliases(connector, "transforms") {
        let settings = connector.with_prefix(&format!("transforms.{alias}."));
        let class = settings.get("type").map(str::trim).unwrap_or_default();
        let plugin = plugins.transform(class).ok_or_else(|| {
            unknown_plugin(
                plugins,
                PluginType::Transformation,
                &format!("transforms.{alias}.type"),
                class,
            )
        })?;
        let mut transform = (plugin.create)();
        transform.configure(&settings)?;
        description.transforms.push(AliasedPlugin {
            alias: alias.to_string(),
            plugin: describe(plugin.class, plugin.version),
        });
        let predicate = match settings.get("predicate").map(str::trim) {
            None | Some("") => None,
            Some(predicate) => Some(predicate_stage(
                plugins,
                connector,
                predicate,
                settings
                    .get("negate")
                    .is_some_and(|negate| negate.trim().eq_ignore_ascii_case("true")),
                description,
            )?),
        };
        stages.push(TransformStage {
            alias: alias.into(),
            class: plugin.class.to_string(),
            transform,
            predicate,
        });
    }
    Ok(stages)
}

fn predicate_stage(
    plugins: &Plugins,
    connector: &ConfigMap,
    alias: &str,
    negate: bool,
    description: &mut TaskDescription,
) -> Result<PredicateStage> {
    if !aliases(connector, "predicates").any(|known| known == alias) {
        return Err(ConnectError::config(format!(
            "Unknown configuration 'predicates.{alias}.type': a transform names the predicate {alias}, \
             which is not in the list predicates"
        )));
    }
    let settings = connector.with_prefix(&format!("predicates.{alias}."));
    let class = settings.get("type").map(str::trim).unwrap_or_default();
    let plugin = plugins.predicate(class).ok_or_else(|| {
        unknown_plugin(
            plugins,
            PluginType::Predicate,
            &format!("predicates.{alias}.type"),
            class,
        )
    })?;
    let mut predicate = (plugin.create)();
    predicate.configure(&settings)?;
    // Transforms may share a predicate, which has its metrics once.
    if !description
        .predicates
        .iter()
        .any(|known| known.alias == alias)
    {
        description.predicates.push(AliasedPlugin {
            alias: alias.to_string(),
            plugin: describe(plugin.class, plugin.version),
        });
    }
    Ok(PredicateStage {
        alias: alias.into(),
        predicate,
        negate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts its alias, which it is configured with, behind the value.
    #[derive(Default)]
    struct Append(String);

    impl connect_api::Transform for Append {
        fn configure(&mut self, config: &ConfigMap) -> Result<()> {
            self.0 = config.get("suffix").unwrap_or_default().to_string();
            Ok(())
        }

        fn apply(
            &mut self,
            mut record: connect_api::Record,
            _: connect_api::Origin<'_>,
        ) -> Result<Option<connect_api::Record>> {
            let text = format!("{}{}", record.value, self.0);
            record.value = connect_api::data::Value::string(text);
            Ok(Some(record))
        }
    }

    struct Always;

    impl connect_api::Predicate for Always {
        fn configure(&mut self, _: &ConfigMap) -> Result<()> {
            Ok(())
        }

        fn test(&mut self, _: &connect_api::Record, _: connect_api::Origin<'_>) -> Result<bool> {
            Ok(true)
        }
    }

    fn test_plugins() -> Plugins {
        static TRANSFORMS: [connect_api::TransformPlugin; 1] = [connect_api::TransformPlugin {
            class: "test.Append",
            version: "1",
            config_def: connect_api::no_config,
            create: || Box::new(Append::default()),
        }];
        static PREDICATES: [connect_api::PredicatePlugin; 1] = [connect_api::PredicatePlugin {
            class: "test.Always",
            version: "1",
            config_def: connect_api::no_config,
            create: || Box::new(Always),
        }];
        Plugins::new(&[], &[], &[], &TRANSFORMS, &PREDICATES)
    }

    fn stages(entries: &[(&str, &str)]) -> Result<(Vec<TransformStage>, TaskDescription)> {
        let mut description = TaskDescription {
            connector: "c".into(),
            task: 0,
            connector_type: connect_api::ConnectorType::Sink,
            connector_plugin: PluginDescription::default(),
            task_plugin: PluginDescription::default(),
            key_converter: PluginDescription::default(),
            value_converter: PluginDescription::default(),
            header_converter: PluginDescription::default(),
            transforms: Vec::new(),
            predicates: Vec::new(),
        };
        let config = ConfigMap::from_iter(entries.iter().copied());
        let stages = transform_stages(&test_plugins(), &config, &mut description)?;
        Ok((stages, description))
    }

    #[test]
    fn transforms_come_in_the_order_of_their_aliases_with_their_predicates() {
        let entries = [
            ("transforms", " b , a,c"),
            ("transforms.a.type", "test.Append"),
            ("transforms.a.suffix", "A"),
            ("transforms.a.predicate", "always"),
            ("transforms.a.negate", " TRUE "),
            ("transforms.b.type", " Append "),
            ("transforms.b.suffix", "B"),
            ("transforms.c.type", "test.Append"),
            ("transforms.c.suffix", "C"),
            ("transforms.c.predicate", " always"),
            ("predicates", "other , always"),
            ("predicates.always.type", "test.Always"),
        ];
        let (stages, description) = stages(&entries).unwrap();
        let shape: Vec<_> = stages
            .iter()
            .map(|stage| {
                let predicate = stage.predicate.as_ref();
                (
                    &*stage.alias,
                    stage.class.as_str(),
                    predicate.map(|predicate| (&*predicate.alias, predicate.negate)),
                )
            })
            .collect();
        assert_eq!(
            shape,
            [
                ("b", "test.Append", None),
                ("a", "test.Append", Some(("always", true))),
                ("c", "test.Append", Some(("always", false))),
            ]
        );
        assert_eq!(description.transforms.len(), 3);
        assert_eq!(description.predicates.len(), 1);
    }

    #[test]
    fn transforms_and_predicates_that_are_not_there_are_named_with_those_that_are() {
        let message = |entries: &[(&str, &str)]| stages(entries).err().unwrap().to_string();
        assert_eq!(
            message(&[("transforms", "a"), ("transforms.a.type", "Nope")]),
            "Invalid value Nope for configuration transforms.a.type: Class Nope could not be found. \
             Built in are: test.Append"
        );
        let with_predicate = [
            ("transforms", "a"),
            ("transforms.a.type", "test.Append"),
            ("transforms.a.predicate", "p"),
        ];
        assert!(message(&with_predicate).starts_with("Unknown configuration 'predicates.p.type'"));
        let mut listed = with_predicate.to_vec();
        listed.push(("predicates", "p"));
        assert_eq!(
            message(&listed),
            "Missing required configuration \"predicates.p.type\" which has no default value."
        );
    }

    #[test]
    fn a_converter_takes_its_settings_from_one_level_only() {
        let worker = ConfigMap::from_iter([
            ("value.converter", "Json"),
            ("value.converter.schemas.enable", "false"),
        ]);
        let settings = |connector: &ConfigMap| {
            converter_settings("value.converter", connector, &worker, None).unwrap()
        };
        let (class, inherited) = settings(&ConfigMap::new());
        assert_eq!(
            (class.as_str(), inherited.get("schemas.enable")),
            ("Json", Some("false"))
        );
        let own = ConfigMap::from_iter([("value.converter", " Json ")]);
        let (class, own) = settings(&own);
        assert_eq!((class.as_str(), own.get("schemas.enable")), ("Json", None));
    }

    #[test]
    fn task_configs_are_completed_with_class_and_topics() {
        let plugin = crate::plugins::Plugins::linked()
            .connector("FileStreamSink")
            .unwrap();
        let connector = ConfigMap::from_iter([("topics", "a,b"), ("file", "f")]);
        let configs = complete_task_configs(plugin, &connector, vec![ConfigMap::new()]);
        assert_eq!(
            configs[0].get("task.class"),
            Some("org.apache.kafka.connect.file.FileStreamSinkTask")
        );
        assert_eq!(configs[0].get("topics"), Some("a,b"));
        assert!(subscription(&configs[0]).is_ok());
        assert!(subscription(&ConfigMap::new()).is_err());
        let both = ConfigMap::from_iter([("topics", "a"), ("topics.regex", "b.*")]);
        assert!(subscription(&both).is_err());
        assert!(topic_matcher("^(?!dlq$).*").unwrap()("orders"));
        assert!(!topic_matcher("^(?!dlq$).*").unwrap()("dlq"));
    }
}
