//! Which settings of connectors are secrets.

use crate::plugins::Plugins;
use connect_api::config::{ConfigMap, ConfigType};
use connect_config_providers::contains_variable;

/// Whether a setting that nobody defines sounds as if its value was a secret.
pub fn looks_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    // The class that looks a secret up is none.
    let names_a_class = key.ends_with(".class");
    let parts = [
        "password",
        "passphrase",
        "user.info",
        "secret",
        "jaas",
        "token",
        "credential",
        "private.key",
        "access.key",
        "api.key",
        "account.key",
    ];
    !names_a_class && parts.iter().any(|part| key.contains(part))
}

/// The keys whose values are secrets and stand in the configuration as they are. Those that the
/// connector defines are what it says, others what their names say.
pub(crate) fn secret_settings(plugins: &Plugins, config: &ConfigMap) -> Vec<String> {
    let class = config.get("connector.class").unwrap_or_default().trim();
    let definition = plugins
        .connector(class)
        .ok()
        .map(|plugin| (plugin.config_def)());
    let is_secret = |key: &str| {
        let defined = definition.and_then(|definition| definition.key(key));
        match defined {
            Some(key) => key.config_type() == ConfigType::Password,
            None => looks_secret(key),
        }
    };
    config
        .iter()
        .filter(|(key, value)| {
            is_secret(key)
                && value.is_some_and(|value| !value.is_empty() && !contains_variable(value))
        })
        .map(|(key, _)| key.to_string())
        .collect()
}

/// From here on, texts for people do not show the secrets of a configuration whose variables are
/// resolved.
pub(crate) fn hide(plugins: &Plugins, config: &ConfigMap) {
    for key in secret_settings(plugins, config) {
        if let Some(value) = config.get(&key).filter(|value| !is_word(value)) {
            connect_telemetry::redaction::hide(value, "[hidden]");
        }
    }
}

/// Passwords of tests are words that stand in every other line of a log; to hide them would hide the
/// line.
fn is_word(value: &str) -> bool {
    value.len() < 12 && value.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unknown_settings_tell_secrets() {
        for secret in [
            "db.PASSWORD",
            "sasl.jaas.config",
            "aws.secret.access.key",
            "api.key.x",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for plain in ["topics", "key.converter", "pass", "file"] {
            assert!(!looks_secret(plain), "{plain}");
        }
    }

    #[test]
    fn secrets_are_hidden_but_not_what_refers_to_them() {
        let config: ConfigMap = [
            ("connector.class", "NoSuch"),
            ("db.password", "hunter2-of-herder"),
            ("other.password", "${file:/s:password}"),
            ("empty.password", ""),
            ("word.password", "connect"),
            ("topics", "a"),
        ]
        .into_iter()
        .collect();
        let plugins = Plugins::linked();
        assert_eq!(
            secret_settings(plugins, &config),
            ["db.password", "word.password"]
        );
        hide(plugins, &config);
        let text = connect_telemetry::redaction::redact("connect with hunter2-of-herder failed");
        assert_eq!(text, "connect with [hidden] failed");
    }
}
