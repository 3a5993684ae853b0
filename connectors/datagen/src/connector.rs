//! The connector under its Java name.

use crate::DatagenTask;
use crate::config::{DatagenConfig, config_def};
use crate::task::TASK_ID;
use async_trait::async_trait;
use connect_api::config::{ConfigMap, ConfigValue};
use connect_api::registry::linkme;
use connect_api::{
    CONNECTORS, ConnectError, ConnectorContext, ConnectorFactory, ConnectorPlugin, Result,
    SourceConnector, SourceTask,
};

#[linkme::distributed_slice(CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static DATAGEN: ConnectorPlugin = ConnectorPlugin {
    class: "io.confluent.kafka.connect.datagen.DatagenConnector",
    task_class: "io.confluent.kafka.connect.datagen.DatagenTask",
    // The release whose settings and offsets these are.
    version: "0.6.6",
    config_def,
    factory: ConnectorFactory::Source(|| Box::new(DatagenConnector::default())),
};

/// As many tasks as are allowed, each with its number.
#[derive(Default)]
pub struct DatagenConnector {
    config: ConfigMap,
}

#[async_trait]
impl SourceConnector for DatagenConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        DatagenConfig::parse(config)?;
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        let with_id = |id: usize| {
            let mut config = self.config.clone();
            config.insert(TASK_ID, id.to_string());
            config
        };
        Ok((0..max_tasks).map(with_id).collect())
    }

    fn new_task(&self) -> Box<dyn SourceTask> {
        Box::new(DatagenTask::default())
    }

    async fn validate(&self, config: &ConfigMap, values: &mut Vec<ConfigValue>) -> Result<()> {
        let mut faults = DatagenConfig::schema_source_faults(config);
        if let Ok(config) = DatagenConfig::parse(config) {
            let records = tokio::task::spawn_blocking(move || config.records(0)).await;
            let records = records
                .map_err(|error| ConnectError::fatal(format!("Reading the schema: {error}")))?;
            faults.extend(records.err());
        }
        for (name, message) in faults {
            if let Some(value) = values.iter_mut().find(|value| value.name == name) {
                value.add_error(message);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn faults(config: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let config: ConfigMap = [("kafka.topic", "t")]
            .iter()
            .chain(config)
            .copied()
            .collect();
        let mut values: Vec<ConfigValue> = config_def()
            .keys()
            .map(|key| ConfigValue::new(key.name(), None))
            .collect();
        let outcome = DatagenConnector::default()
            .validate(&config, &mut values)
            .await;
        outcome.expect("answers");
        values.retain(|value| !value.error_messages.is_empty());
        values
            .into_iter()
            .map(|value| (value.name, value.error_messages))
            .collect()
    }

    #[tokio::test]
    async fn exactly_one_schema_source_is_needed() {
        let message = "Must set exactly one of schema.string, schema.filename, quickstart";
        let named = |names: &[&str]| -> Vec<(String, Vec<String>)> {
            names
                .iter()
                .map(|name| (name.to_string(), vec![message.to_string()]))
                .collect()
        };
        assert_eq!(
            faults(&[]).await,
            named(&["schema.string", "schema.filename", "quickstart"])
        );
        assert_eq!(
            faults(&[("quickstart", "users"), ("schema.string", "{}")]).await,
            named(&["schema.string", "quickstart"])
        );
        assert_eq!(faults(&[("quickstart", "USERS")]).await, []);
    }

    #[tokio::test]
    async fn faults_name_what_is_known_and_what_is_wrong() {
        let only = |mut faults: Vec<(String, Vec<String>)>| {
            assert_eq!(faults.len(), 1);
            let (name, mut messages) = faults.remove(0);
            assert_eq!(messages.len(), 1);
            (name, messages.remove(0))
        };
        let (name, message) = only(faults(&[("quickstart", "flights")]).await);
        assert_eq!(name, "quickstart");
        assert!(
            message.starts_with("quickstart must be one out of clickstream_codes,clickstream,")
                && message.ends_with("credit_cards, but it is 'flights'"),
            "{message}"
        );
        let (name, message) = only(faults(&[("schema.filename", "/no/such.avsc")]).await);
        assert_eq!(name, "schema.filename");
        assert!(
            message.starts_with("Unable to find the schema file '/no/such.avsc'"),
            "{message}"
        );
        let (name, message) = only(faults(&[("schema.string", "{nonsense")]).await);
        assert_eq!(name, "schema.string");
        assert!(
            message.starts_with("Unable to parse the provided schema: it is not"),
            "{message}"
        );
        let keyed = [("quickstart", "users"), ("schema.keyfield", "nobody")];
        assert_eq!(
            only(faults(&keyed).await),
            (
                "schema.keyfield".to_string(),
                "The schema does not contain the field provided in 'schema.keyfield': 'nobody'"
                    .to_string()
            )
        );
    }

    #[tokio::test]
    async fn files_of_the_original_plugin_are_known() {
        assert_eq!(
            faults(&[("schema.filename", "orders_schema.avro")]).await,
            []
        );
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let schema = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}"#;
        std::fs::write(file.path(), schema).expect("writes");
        let name = file.path().to_str().expect("UTF-8");
        assert_eq!(
            faults(&[("schema.filename", name), ("schema.keyfield", "a")]).await,
            []
        );
    }
}
