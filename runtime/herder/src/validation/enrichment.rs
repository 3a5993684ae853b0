//! The settings that the aliases of `transforms` and `predicates` bring in.

use crate::PluginType;
use crate::plugins::{FoundPlugin, PluginLookup, Plugins};
use connect_api::config::{
    ConfigDef, ConfigKey, ConfigMap, ConfigType, CustomValidator, Importance, Validator, Width,
};
use std::sync::Arc;

/// A kind of plugin that a connector names by aliases.
pub(super) struct AliasKind {
    /// `transforms` or `predicates`.
    pub list_key: &'static str,
    pub plugin_type: PluginType,
    group: &'static str,
    noun: &'static str,
    title: &'static str,
}

/// Both kinds, in order.
pub(super) const ALIAS_KINDS: [AliasKind; 2] = [
    AliasKind {
        list_key: "transforms",
        plugin_type: PluginType::Transformation,
        group: "Transforms",
        noun: "transformation",
        title: "Transformation",
    },
    AliasKind {
        list_key: "predicates",
        plugin_type: PluginType::Predicate,
        group: "Predicates",
        noun: "predicate",
        title: "Predicate",
    },
];

impl AliasKind {
    /// The Java interface.
    pub fn interface(&self) -> &'static str {
        self.title
    }

    /// The aliases of a configuration, each once.
    pub fn aliases(&self, config: &ConfigMap) -> Vec<String> {
        let mut aliases: Vec<String> = Vec::new();
        let text = config.get(self.list_key).unwrap_or("").trim();
        if text.is_empty() {
            return aliases;
        }
        for alias in text.split(',').map(str::trim) {
            if !aliases.iter().any(|known| known == alias) {
                aliases.push(alias.to_string());
            }
        }
        aliases
    }

    /// The prefix of an alias.
    pub fn prefix(&self, alias: &str) -> String {
        format!("{}.{alias}.", self.list_key)
    }
}

/// `predicate` of a transform, without its prefix.
fn predicate_key() -> ConfigKey {
    ConfigKey::new("predicate", ConfigType::String)
        .default_null()
        .importance(Importance::Medium)
        .doc("The alias of a predicate used to determine whether to apply this transformation.")
}

/// `negate` of a transform, without its prefix.
fn negate_key() -> ConfigKey {
    ConfigKey::new("negate", ConfigType::Boolean)
        .default(false)
        .importance(Importance::Medium)
        .doc("Whether the configured predicate should be negated.")
}

/// Adds the settings of every alias to `def`.
pub(super) fn enrich(def: &mut ConfigDef, config: &ConfigMap, plugins: &Plugins) {
    for kind in &ALIAS_KINDS {
        for alias in kind.aliases(config) {
            let prefix = kind.prefix(&alias);
            let class = config.get(&format!("{prefix}type")).map(str::trim);
            let plugin = match class.map(|class| plugins.find(kind.plugin_type, class)) {
                Some(PluginLookup::Found(plugin)) => Some(plugin),
                _ => None,
            };
            for key in alias_keys(kind, &alias, &prefix, plugin) {
                def.add(key);
            }
        }
    }
}

fn alias_keys(
    kind: &AliasKind,
    alias: &str,
    prefix: &str,
    plugin: Option<FoundPlugin>,
) -> Vec<ConfigKey> {
    let group = format!("{}: {alias}", kind.group);
    let type_key = ConfigKey::new(format!("{prefix}type"), ConfigType::Class)
        .importance(Importance::High)
        .doc(format!("Class for the '{alias}' {}.", kind.noun))
        .group(
            &*group,
            0,
            Width::Long,
            format!("{} type for {alias}", kind.title),
        );
    let version_key = ConfigKey::new(format!("{prefix}plugin.version"), ConfigType::String);
    let version_key = match plugin {
        Some(plugin) => version_key.default(plugin.version),
        None => version_key.default_null(),
    };
    let version_key = version_key
        .importance(Importance::High)
        .doc(format!("Version of the '{alias}' {}.", kind.noun))
        .group(
            &*group,
            1,
            Width::Long,
            format!("{} version for {alias}", kind.title),
        );
    let mut keys = vec![type_key, version_key];
    let Some(plugin) = plugin else {
        return keys;
    };
    let mut plugin_keys: Vec<ConfigKey> = plugin.config_def.keys().cloned().collect();
    if kind.plugin_type == PluginType::Transformation {
        plugin_keys.extend([predicate_key(), negate_key()]);
    }
    plugin_keys.sort_by(|a, b| {
        let place = |key: &ConfigKey| (!key.is_required(), key.get_importance());
        place(a).cmp(&place(b)).then_with(|| a.name().cmp(b.name()))
    });
    for (order, key) in (2..).zip(plugin_keys) {
        let (width, display_name) = (key.width(), key.display_name().to_string());
        let name = format!("{prefix}{}", key.name());
        let key = match key.get_validator().cloned() {
            Some(validator) => key.validator(without_prefix(prefix, validator)),
            None => key,
        };
        keys.push(key.renamed(name).group(&*group, order, width, display_name));
    }
    keys
}

/// The same check, whose messages name the key as the plugin does.
fn without_prefix(prefix: &str, validator: Validator) -> Validator {
    let prefix = prefix.to_string();
    Validator::Custom(CustomValidator {
        description: "as the plugin defines",
        check: Arc::new(move |name, value| {
            validator.ensure_valid(name.strip_prefix(&prefix).unwrap_or(name), value)
        }),
    })
}
