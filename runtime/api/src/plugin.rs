//! The plugins that are linked in, under the class names that users write.

use crate::config::ConfigDef;
use crate::config_provider::ConfigProvider;
use crate::connector::{ConnectorType, SinkConnector, SourceConnector, empty_config_def};
use crate::converter::{Converter, HeaderConverter};
use crate::transform::{Predicate, Transform};
use linkme::distributed_slice;

/// The version of Apache Kafka whose behaviour is reproduced; the version of its own plugins.
pub const KAFKA_VERSION: &str = "4.3.1";

/// Every connector that is linked in.
#[distributed_slice]
pub static CONNECTORS: [ConnectorPlugin];

/// Every converter of keys and values that is linked in.
#[distributed_slice]
pub static CONVERTERS: [ConverterPlugin];

/// Every header converter that is linked in.
#[distributed_slice]
pub static HEADER_CONVERTERS: [HeaderConverterPlugin];

/// Every transform that is linked in.
#[distributed_slice]
pub static TRANSFORMS: [TransformPlugin];

/// Every predicate that is linked in.
#[distributed_slice]
pub static PREDICATES: [PredicatePlugin];

/// Every config provider that is linked in.
#[distributed_slice]
pub static CONFIG_PROVIDERS: [ConfigProviderPlugin];

/// Makes connectors.
#[derive(Clone, Copy)]
pub enum ConnectorFactory {
    /// A source.
    Source(fn() -> Box<dyn SourceConnector>),
    /// A sink.
    Sink(fn() -> Box<dyn SinkConnector>),
}

/// A connector under its Java class name.
///
/// A static in [`CONNECTORS`] is all that registers it:
///
/// ```
/// use connect_api::config::ConfigMap;
/// use connect_api::registry::linkme;
/// use connect_api::{
///     CONNECTORS, ConnectError, ConnectorContext, ConnectorFactory, ConnectorPlugin, ConnectorType,
///     Result, SinkConnector, SinkTask, no_config,
/// };
///
/// #[linkme::distributed_slice(CONNECTORS)]
/// #[linkme(crate = connect_api::registry::linkme)]
/// static REFUSE: ConnectorPlugin = ConnectorPlugin {
///     class: "org.example.RefuseSinkConnector",
///     task_class: "org.example.RefuseSinkTask",
///     version: "1.0.0",
///     config_def: no_config,
///     factory: ConnectorFactory::Sink(|| Box::new(RefuseSinkConnector)),
/// };
///
/// struct RefuseSinkConnector;
///
/// #[async_trait::async_trait]
/// impl SinkConnector for RefuseSinkConnector {
///     async fn start(&mut self, _context: ConnectorContext, _config: &ConfigMap) -> Result<()> {
///         Err(ConnectError::config("This connector refuses to start"))
///     }
///
///     fn task_configs(&self, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
///         Ok(Vec::new())
///     }
///
///     fn new_task(&self) -> Box<dyn SinkTask> {
///         unreachable!("it has no task configurations")
///     }
/// }
///
/// let plugin = CONNECTORS.iter().find(|plugin| plugin.class == "org.example.RefuseSinkConnector");
/// assert_eq!(plugin.map(|plugin| plugin.connector_type()), Some(ConnectorType::Sink));
/// ```
pub struct ConnectorPlugin {
    /// The class name, for example `org.apache.kafka.connect.file.FileStreamSinkConnector`.
    pub class: &'static str,
    /// The class name of its tasks, which stands in stored task configurations as `task.class`.
    pub task_class: &'static str,
    /// The version that the plugin reports.
    pub version: &'static str,
    /// The settings.
    pub config_def: fn() -> &'static ConfigDef,
    /// Makes an instance.
    pub factory: ConnectorFactory,
}

impl ConnectorPlugin {
    /// Source or sink.
    pub fn connector_type(&self) -> ConnectorType {
        match self.factory {
            ConnectorFactory::Source(_) => ConnectorType::Source,
            ConnectorFactory::Sink(_) => ConnectorType::Sink,
        }
    }
}

/// A converter under its Java class name.
pub struct ConverterPlugin {
    /// The class name.
    pub class: &'static str,
    /// The version that the plugin reports.
    pub version: &'static str,
    /// The settings below the prefix.
    pub config_def: fn() -> &'static ConfigDef,
    /// Makes an instance.
    pub create: fn() -> Box<dyn Converter>,
}

/// A header converter under its Java class name.
pub struct HeaderConverterPlugin {
    /// The class name.
    pub class: &'static str,
    /// The version that the plugin reports.
    pub version: &'static str,
    /// The settings below the prefix.
    pub config_def: fn() -> &'static ConfigDef,
    /// Makes an instance.
    pub create: fn() -> Box<dyn HeaderConverter>,
}

/// A transform under its Java class name.
pub struct TransformPlugin {
    /// The class name.
    pub class: &'static str,
    /// The version that the plugin reports.
    pub version: &'static str,
    /// The settings below the prefix.
    pub config_def: fn() -> &'static ConfigDef,
    /// Makes an instance.
    pub create: fn() -> Box<dyn Transform>,
}

/// A predicate under its Java class name.
pub struct PredicatePlugin {
    /// The class name.
    pub class: &'static str,
    /// The version that the plugin reports.
    pub version: &'static str,
    /// The settings below the prefix.
    pub config_def: fn() -> &'static ConfigDef,
    /// Makes an instance.
    pub create: fn() -> Box<dyn Predicate>,
}

/// A config provider under its Java class name.
pub struct ConfigProviderPlugin {
    /// The class name.
    pub class: &'static str,
    /// The version that the plugin reports.
    pub version: &'static str,
    /// The settings below `config.providers.<name>.param.`.
    pub config_def: fn() -> &'static ConfigDef,
    /// Makes an instance.
    pub create: fn() -> Box<dyn ConfigProvider>,
}

/// A definition without keys, for plugins that take no settings.
pub fn no_config() -> &'static ConfigDef {
    empty_config_def()
}

/// The short names of a class for the given type suffix: the simple name, and that name up to the last
/// occurrence of the suffix (`PluginUtils.simpleName` and `prunedName`). Nested classes have none.
pub fn plugin_aliases<'a>(class: &'a str, suffix: &str) -> Vec<&'a str> {
    let simple = class.rsplit('.').next().unwrap_or(class);
    if simple.contains('$') {
        return Vec::new();
    }
    let mut aliases = vec![simple];
    if let Some(at) = simple.rfind(suffix)
        && at > 0
    {
        aliases.push(&simple[..at]);
    }
    aliases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_simple_and_pruned_names() {
        assert_eq!(
            plugin_aliases(
                "org.apache.kafka.connect.file.FileStreamSinkConnector",
                "Connector"
            ),
            ["FileStreamSinkConnector", "FileStreamSink"]
        );
        assert!(plugin_aliases("org.apache.kafka.connect.transforms.Cast$Value", "").is_empty());
    }
}
