//! Validation of configurations with variables: the values are checked, the answer shows variables.

use super::{WorkerView, plugin_fault, validate};
use crate::plugins::Plugins;
use crate::{ConfigInfos, HerderError, HerderResult};
use connect_api::config::ConfigMap;
use connect_config_providers::{ConfigTransformer, contains_variable};
use connect_telemetry::redaction::redact;

/// What stands in answers for the value of a password.
const HIDDEN: &str = "[hidden]";

/// [`validate`] with the values of config providers in place. In the answer, settings with variables
/// are shown as they were given, and so are their values in messages.
pub(crate) async fn validate_transformed(
    config: &ConfigMap,
    transformer: &ConfigTransformer,
    worker: &WorkerView,
    plugins: &Plugins,
) -> HerderResult<ConfigInfos> {
    if !config.contains_key("connector.class") {
        // The error holds the whole configuration.
        return validate(config, worker, plugins).await;
    }
    let subject = match config.get("name") {
        Some(name) => format!("connector {name}"),
        None => "a configuration to validate".to_string(),
    };
    let transformed = transformer
        .transform(&subject, config)
        .await
        .map_err(|error| plugin_fault("the configuration", &error))?
        .config;
    match validate(&transformed, worker, plugins).await {
        Ok(infos) => Ok(with_variables(infos, config, &transformed)),
        Err(error) => Err(HerderError {
            message: redact(&error.message).into_owned(),
            ..error
        }),
    }
}

fn with_variables(mut infos: ConfigInfos, raw: &ConfigMap, transformed: &ConfigMap) -> ConfigInfos {
    infos.name = redact(&infos.name).into_owned();
    for value in infos
        .configs
        .iter_mut()
        .filter_map(|info| info.value.as_mut())
    {
        let text = raw.get(&value.name).filter(|text| contains_variable(text));
        let resolved = transformed.get(&value.name).unwrap_or_default();
        if let Some(text) = text
            && value.value.as_deref() != Some(HIDDEN)
        {
            value.value = Some(text.to_string());
        }
        for error in &mut value.errors {
            // Values too short to be looked for everywhere are in the errors of their own settings.
            if let Some(text) = text
                && !resolved.is_empty()
            {
                *error = error.replace(resolved, text);
            }
            *error = redact(error).into_owned();
        }
    }
    infos
}

#[cfg(test)]
mod tests {
    use super::super::tests::{plugins, worker};
    use super::*;
    use async_trait::async_trait;
    use connect_api::{ConfigProvider, ConnectError, ProvidedValues, Result};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    /// Values that are no use anywhere.
    struct Vault;

    #[async_trait]
    impl ConfigProvider for Vault {
        fn configure(&mut self, _config: &ConfigMap) -> Result<()> {
            Ok(())
        }

        async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues> {
            if path == "sealed" {
                return Err(ConnectError::fatal("the vault is sealed"));
            }
            let value = |key: &str| match key {
                "short" => "xy".to_string(),
                "topics" => "orders".to_string(),
                "class" => "org.apache.kafka.connect.file.FileStreamSinkConnector".to_string(),
                key => format!("s3cret-of-validation-{key}"),
            };
            let values = keys.iter().map(|key| (key.to_string(), value(key)));
            Ok(ProvidedValues::new(values.collect()))
        }
    }

    fn validated(entries: &[(&str, &str)]) -> HerderResult<ConfigInfos> {
        let vault: Arc<dyn ConfigProvider> = Arc::new(Vault);
        let transformer = ConfigTransformer::new([("vault".to_string(), vault)]);
        let config: ConfigMap = entries.iter().copied().collect();
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime of one thread")
            .block_on(validate_transformed(
                &config,
                &transformer,
                &worker(),
                &plugins(),
            ))
    }

    #[test]
    fn values_are_checked_and_variables_are_shown() {
        let infos = validated(&[
            ("name", "c"),
            ("connector.class", "${vault::class}"),
            ("topics", "${vault::topics}"),
            ("tasks.max", "${vault:a:tasks}"),
            ("errors.tolerance", "${vault:a:short}"),
            ("file", "/tmp/${vault:a:file}"),
            ("errors.retry.timeout", "1 ${vault:a:x} 2"),
            ("consumer.override.sasl.jaas.config", "${vault:a:jaas}"),
        ])
        .expect("it is validated");
        let value = |name: &str| {
            let mut values = infos.configs.iter().filter_map(|info| info.value.as_ref());
            values
                .find(|value| value.name == name)
                .expect("it is there")
        };
        assert_eq!(
            value("tasks.max").value.as_deref(),
            Some("${vault:a:tasks}")
        );
        assert_eq!(
            value("tasks.max").errors[0],
            "Invalid value ${vault:a:tasks} for configuration tasks.max: Not a number of type INT"
        );
        assert!(
            value("errors.tolerance").errors[0].contains("${vault:a:short}"),
            "{:?}",
            value("errors.tolerance")
        );
        assert_eq!(value("file").value.as_deref(), Some("/tmp/${vault:a:file}"));
        assert!(value("topics").errors.is_empty());
        let answer = serde_json::to_string(&infos).expect("it is JSON");
        assert!(!answer.contains("s3cret"), "{answer}");
        assert!(!answer.contains("\"xy\""), "{answer}");
        let message = super::super::reject_message(&infos).expect("it has faults");
        assert!(!message.contains("s3cret"), "{message}");
    }

    #[test]
    fn what_fails_as_a_whole_tells_no_value_either() {
        let error = validated(&[("name", "c"), ("connector.class", "${vault:a:class-name}")])
            .expect_err("there is no such class");
        assert!(error.message.contains("${vault:a:class-name}"), "{error:?}");
        assert!(!error.message.contains("s3cret"), "{error:?}");
        let error = validated(&[("name", "c"), ("a", "${vault:a:x}")]).expect_err("no class");
        assert!(!error.message.contains("s3cret"), "{error:?}");
        let error = validated(&[("connector.class", "C"), ("x", "${vault:sealed:x}")])
            .expect_err("the provider fails");
        assert!(error.message.contains("the vault is sealed"), "{error:?}");
    }
}
