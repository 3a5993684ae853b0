//! The plugins that are linked in, as users name them.

use crate::validation::{ConfigDefOrigin, config_key_infos};
use crate::{ConfigKeyInfo, HerderError, HerderResult, PluginInfo, PluginType};
use connect_api::config::ConfigDef;
use connect_api::{
    CONFIG_PROVIDERS, ConnectorPlugin, ConnectorType, ConverterPlugin, HeaderConverterPlugin,
    PredicatePlugin, TransformPlugin, plugin_aliases,
};
use std::collections::HashMap;
use std::sync::LazyLock;

/// How alike a misspelt name must be to be offered, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.85;

/// A plugin of any kind.
#[derive(Clone, Copy)]
struct Entry {
    class: &'static str,
    plugin_type: PluginType,
    version: &'static str,
    config_def: fn() -> &'static ConfigDef,
}

/// All plugins with their short names.
pub struct Plugins {
    connectors: &'static [ConnectorPlugin],
    converters: &'static [ConverterPlugin],
    header_converters: &'static [HeaderConverterPlugin],
    transforms: &'static [TransformPlugin],
    predicates: &'static [PredicatePlugin],
    /// By type, then class: the order of `GET /connector-plugins`.
    entries: Vec<Entry>,
    aliases: HashMap<&'static str, &'static str>,
}

impl Plugins {
    /// The plugins that are linked into this program.
    pub fn linked() -> &'static Self {
        static LINKED: LazyLock<Plugins> = LazyLock::new(|| {
            Plugins::new(
                &connect_api::CONNECTORS,
                &connect_api::CONVERTERS,
                &connect_api::HEADER_CONVERTERS,
                &connect_api::TRANSFORMS,
                &connect_api::PREDICATES,
            )
        });
        &LINKED
    }

    /// These plugins and no others.
    pub fn new(
        connectors: &'static [ConnectorPlugin],
        converters: &'static [ConverterPlugin],
        header_converters: &'static [HeaderConverterPlugin],
        transforms: &'static [TransformPlugin],
        predicates: &'static [PredicatePlugin],
    ) -> Self {
        let connector_type = |plugin: &ConnectorPlugin| match plugin.connector_type() {
            ConnectorType::Sink => PluginType::Sink,
            ConnectorType::Source => PluginType::Source,
        };
        let mut entries: Vec<Entry> = Vec::new();
        entries.extend(connectors.iter().map(|plugin| Entry {
            class: plugin.class,
            plugin_type: connector_type(plugin),
            version: plugin.version,
            config_def: plugin.config_def,
        }));
        macro_rules! extend {
            ($($plugins:ident => $plugin_type:ident),*) => {
                $(entries.extend($plugins.iter().map(|plugin| Entry {
                    class: plugin.class,
                    plugin_type: PluginType::$plugin_type,
                    version: plugin.version,
                    config_def: plugin.config_def,
                }));)*
            };
        }
        extend!(transforms => Transformation, predicates => Predicate, converters => Converter,
            header_converters => HeaderConverter);
        entries.sort_by_key(|entry| (entry.plugin_type, entry.class));
        let aliases = aliases(&entries);
        Self {
            connectors,
            converters,
            header_converters,
            transforms,
            predicates,
            entries,
            aliases,
        }
    }

    /// `GET /connector-plugins`, in its order.
    pub fn list(&self, connectors_only: bool) -> Vec<PluginInfo> {
        self.entries
            .iter()
            .filter(|entry| !connectors_only || entry.plugin_type <= PluginType::Source)
            .map(|entry| PluginInfo {
                class: entry.class.to_string(),
                plugin_type: entry.plugin_type,
                version: Some(entry.version.to_string()),
            })
            .collect()
    }

    /// The class that a full name or alias means, of whatever type it is.
    pub fn class(&self, name: &str) -> Option<&'static str> {
        if let Some(class) = self.aliases.get(name) {
            return Some(class);
        }
        let entry = self.entries.iter().find(|entry| entry.class == name)?;
        Some(entry.class)
    }

    /// A connector by class name or alias; 400 with the connectors that there are.
    pub fn connector(&self, name: &str) -> HerderResult<&'static ConnectorPlugin> {
        let class = self.class(name).unwrap_or(name);
        if let Some(plugin) = self.connectors.iter().find(|plugin| plugin.class == class) {
            return Ok(plugin);
        }
        let with_suffix = format!("{name}Connector");
        let matches: Vec<&'static ConnectorPlugin> = self
            .connectors
            .iter()
            .filter(|plugin| {
                let simple = plugin.class.rsplit('.').next().unwrap_or(plugin.class);
                simple == name || simple == with_suffix
            })
            .collect();
        match matches.as_slice() {
            [plugin] => Ok(plugin),
            [] => Err(HerderError::bad_request(format!(
                "Failed to find any class that implements Connector and which name matches {name}, \
                 available connectors are: {}{}",
                describe(self.connectors.iter()),
                self.connector_hint(name),
            ))),
            _ => Err(HerderError::bad_request(format!(
                "More than one connector matches alias {name}. Please use full package and class \
                 name instead. Classes found: {}",
                describe(matches.iter().copied()),
            ))),
        }
    }

    /// The connector whose name is nearest, as a sentence behind the JVM's text; often nothing.
    fn connector_hint(&self, name: &str) -> String {
        let types = [PluginType::Sink, PluginType::Source];
        match self.nearest(&types, name).first() {
            Some(class) => format!(". Did you mean {class}?"),
            None => String::new(),
        }
    }

    /// The classes of these types whose names are like `name`, the nearest first; often none.
    pub fn nearest(&self, types: &[PluginType], name: &str) -> Vec<&'static str> {
        let simple_name = |name: &str| name.rsplit('.').next().unwrap_or(name).to_lowercase();
        let wanted = simple_name(name);
        let similarity = |entry: &Entry| {
            let suffix = type_suffix(entry.plugin_type).to_lowercase();
            let candidate = simple_name(entry.class);
            let candidate = candidate.strip_suffix(&suffix).unwrap_or(&candidate);
            let wanted = wanted.strip_suffix(&suffix).unwrap_or(&wanted);
            // What both are says nothing of whether one is meant by the other.
            let (candidate, wanted) = ["sink", "source"]
                .iter()
                .find_map(|role| candidate.strip_suffix(role).zip(wanted.strip_suffix(role)))
                .unwrap_or((candidate, wanted));
            strsim::jaro_winkler(candidate, wanted)
        };
        let mut nearest: Vec<(f64, &'static str)> = self
            .entries
            .iter()
            .filter(|entry| types.contains(&entry.plugin_type))
            .map(|entry| (similarity(entry), entry.class))
            .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
            .collect();
        nearest.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        nearest.into_iter().map(|(_, class)| class).collect()
    }

    /// A converter by class name or alias.
    pub fn converter(&self, name: &str) -> Option<&'static ConverterPlugin> {
        let class = self.class(name)?;
        self.converters.iter().find(|plugin| plugin.class == class)
    }

    /// A header converter by class name or alias.
    pub fn header_converter(&self, name: &str) -> Option<&'static HeaderConverterPlugin> {
        let class = self.class(name)?;
        self.header_converters
            .iter()
            .find(|plugin| plugin.class == class)
    }

    /// A transform by class name or alias.
    pub fn transform(&self, name: &str) -> Option<&'static TransformPlugin> {
        let class = self.class(name)?;
        self.transforms.iter().find(|plugin| plugin.class == class)
    }

    /// A predicate by class name or alias.
    pub fn predicate(&self, name: &str) -> Option<&'static PredicatePlugin> {
        let class = self.class(name)?;
        self.predicates.iter().find(|plugin| plugin.class == class)
    }

    /// The settings of a plugin, for `GET /connector-plugins/{p}/config`: its own first, then those of
    /// the framework for its type that it did not redefine.
    pub fn config(&self, name: &str) -> HerderResult<Vec<ConfigKeyInfo>> {
        let class = self.class(name);
        let Some(entry) = self.entries.iter().find(|entry| Some(entry.class) == class) else {
            if is_config_provider(name) {
                return Err(HerderError::bad_request(format!(
                    "Invalid plugin class {name}. Valid types are sink, source, converter, \
                     header_converter, transformation, predicate."
                )));
            }
            return Err(HerderError::not_found(format!("Unknown plugin {name}.")));
        };
        let origin = match entry.plugin_type {
            PluginType::Sink => ConfigDefOrigin::Sink,
            PluginType::Source => ConfigDefOrigin::Source,
            _ => ConfigDefOrigin::PluginAlone,
        };
        Ok(config_key_infos(
            (entry.config_def)(),
            origin,
            entry.version,
        ))
    }

    /// The plugin of a type that a name means.
    pub(crate) fn find(&self, plugin_type: PluginType, name: &str) -> PluginLookup {
        let Some(class) = self.class(name) else {
            return PluginLookup::Unknown;
        };
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.class == class && entry.plugin_type == plugin_type);
        match entry {
            Some(entry) => PluginLookup::Found(FoundPlugin {
                class,
                version: entry.version,
                config_def: (entry.config_def)(),
            }),
            None => PluginLookup::OtherType(class),
        }
    }

    /// The classes of a type, in order.
    pub(crate) fn classes(&self, plugin_type: PluginType) -> Vec<String> {
        self.entries
            .iter()
            .filter(|entry| entry.plugin_type == plugin_type)
            .map(|entry| entry.class.to_string())
            .collect()
    }

    /// The versions of a class, once for each type that it has, as the JVM lists them.
    pub(crate) fn versions(&self, class: &str) -> Vec<&'static str> {
        self.entries
            .iter()
            .filter(|entry| entry.class == class)
            .map(|entry| entry.version)
            .collect()
    }
}

/// What a name means where a plugin of some type is wanted.
pub(crate) enum PluginLookup {
    /// Such a plugin.
    Found(FoundPlugin),
    /// A class of another type.
    OtherType(&'static str),
    /// Nothing.
    Unknown,
}

/// A plugin that was found.
#[derive(Clone, Copy)]
pub(crate) struct FoundPlugin {
    pub class: &'static str,
    pub version: &'static str,
    pub config_def: &'static ConfigDef,
}

/// Whether a class name or alias means a config provider. They are not listed, as in the JVM.
fn is_config_provider(name: &str) -> bool {
    CONFIG_PROVIDERS.iter().any(|plugin| {
        plugin.class == name || plugin_aliases(plugin.class, "ConfigProvider").contains(&name)
    })
}

/// The text that ends the names of classes of a type.
fn type_suffix(plugin_type: PluginType) -> &'static str {
    match plugin_type {
        PluginType::Sink | PluginType::Source => "Connector",
        PluginType::Transformation => "Transformation",
        PluginType::Predicate => "Predicate",
        PluginType::Converter => "Converter",
        PluginType::HeaderConverter => "HeaderConverter",
    }
}

/// Short names of all types together; one that two classes share means none of them.
fn aliases(entries: &[Entry]) -> HashMap<&'static str, &'static str> {
    let mut aliases: HashMap<&'static str, Option<&'static str>> = HashMap::new();
    for entry in entries {
        for alias in plugin_aliases(entry.class, type_suffix(entry.plugin_type)) {
            let class = aliases.entry(alias).or_insert(Some(entry.class));
            if *class != Some(entry.class) {
                *class = None;
            }
        }
    }
    aliases
        .into_iter()
        .filter_map(|(alias, class)| Some((alias, class?)))
        .collect()
}

/// Connectors as the JVM's messages list them: by class name.
fn describe(plugins: impl Iterator<Item = &'static ConnectorPlugin>) -> String {
    let mut plugins: Vec<&ConnectorPlugin> = plugins.collect();
    plugins.sort_by_key(|plugin| plugin.class);
    let texts: Vec<String> = plugins
        .iter()
        .map(|plugin| {
            let (class, version) = (plugin.class, plugin.version);
            let type_name = plugin.connector_type().name();
            format!(
                "PluginDesc{{klass=class {class}, name='{class}', version='{version}', \
                 encodedVersion={version}, type={type_name}, typeName='{type_name}', \
                 location='classpath'}}"
            )
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests;
