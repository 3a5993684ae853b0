//! The connectors under their Java names.

use crate::config::{
    FILENAME_FIELD, POSITION_FIELD, SourceConfig, sink_config_def, sink_filename, source_config_def,
};
use crate::{FileStreamSinkTask, FileStreamSourceTask};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Value};
use connect_api::registry::linkme;
use connect_api::{
    CONNECTORS, ConnectError, ConnectorContext, ConnectorFactory, ConnectorPlugin,
    ExactlyOnceSupport, KAFKA_VERSION, Offsets, Result, SinkConnector, SinkTask, SourceConnector,
    SourceTask, TopicPartition,
};

#[linkme::distributed_slice(CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static FILE_STREAM_SOURCE: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.file.FileStreamSourceConnector",
    task_class: "org.apache.kafka.connect.file.FileStreamSourceTask",
    version: KAFKA_VERSION,
    config_def: source_config_def,
    factory: ConnectorFactory::Source(|| Box::new(FileStreamSourceConnector::default())),
};

#[linkme::distributed_slice(CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static FILE_STREAM_SINK: ConnectorPlugin = ConnectorPlugin {
    class: "org.apache.kafka.connect.file.FileStreamSinkConnector",
    task_class: "org.apache.kafka.connect.file.FileStreamSinkTask",
    version: KAFKA_VERSION,
    config_def: sink_config_def,
    factory: ConnectorFactory::Sink(|| Box::new(FileStreamSinkConnector::default())),
};

/// One task that reads one file.
#[derive(Default)]
pub struct FileStreamSourceConnector {
    config: ConfigMap,
}

#[async_trait]
impl SourceConnector for FileStreamSourceConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        SourceConfig::parse(config)?;
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        // A file is read in order: more tasks would have nothing to do.
        Ok(vec![self.config.clone()])
    }

    fn new_task(&self) -> Box<dyn SourceTask> {
        Box::new(FileStreamSourceTask::default())
    }

    fn exactly_once_support(&self, config: &ConfigMap) -> Option<ExactlyOnceSupport> {
        let reads_file = SourceConfig::parse(config).is_ok_and(|config| config.filename.is_some());
        Some(match reads_file {
            true => ExactlyOnceSupport::Supported,
            false => ExactlyOnceSupport::Unsupported,
        })
    }

    async fn alter_offsets(
        &self,
        config: &ConfigMap,
        offsets: &[(Option<Map>, Option<Map>)],
    ) -> Result<bool> {
        if SourceConfig::parse(config)?.filename.is_none() {
            return Err(ConnectError::fatal(
                "Offsets cannot be modified if the 'file' configuration is unspecified. This is \
                 because stdin is used for input and offsets are not tracked.",
            ));
        }
        for (partition, offset) in offsets {
            // Anything may be forgotten, so that garbage can be removed.
            if let Some(offset) = offset {
                check_offset(partition.as_ref(), offset).map_err(ConnectError::fatal)?;
            }
        }
        Ok(true)
    }
}

fn check_offset(partition: Option<&Map>, offset: &Map) -> Result<(), &'static str> {
    match offset.get_str(POSITION_FIELD) {
        None => Err("Offset objects should either be null or contain the key 'position'"),
        Some(Value::Int64(position)) if *position < 0 => {
            Err("The value for the 'position' key in the offset should be a non-negative value")
        }
        Some(Value::Int64(_)) => match partition {
            None => Err("Partition objects cannot be null"),
            Some(partition) if partition.get_str(FILENAME_FIELD).is_none() => {
                Err("Partition objects should contain the key 'filename'")
            }
            Some(_) => Ok(()),
        },
        Some(_) => {
            Err("The value for the 'position' key in the offset is expected to be a Long value")
        }
    }
}

/// Tasks that all append to one file.
#[derive(Default)]
pub struct FileStreamSinkConnector {
    config: ConfigMap,
}

#[async_trait]
impl SinkConnector for FileStreamSinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        sink_filename(config)?;
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.config.clone(); max_tasks])
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(FileStreamSinkTask::default())
    }

    async fn alter_offsets(
        &self,
        _config: &ConfigMap,
        _offsets: &Offsets,
        _forgotten: &[TopicPartition],
    ) -> Result<bool> {
        // Offsets stand with the consumer group alone, and any are fine: the answer of the JVM's
        // connector, which the REST API words as a plain success.
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn config() -> ConfigMap {
        ConfigMap::from_iter([("file", "/tmp/in.txt"), ("topic", "t")])
    }

    fn alter(config: ConfigMap, partition: Option<Map>, offset: Option<Map>) -> Result<bool> {
        FileStreamSourceConnector::default()
            .alter_offsets(&config, &[(partition, offset)])
            .now_or_never()
            .expect("does not wait")
    }

    #[test]
    fn altered_offsets_are_checked_in_javas_words() {
        let file = || Some(Map::from_iter([("filename", "/tmp/in.txt")]));
        let at = |position: Value| Some(Map::from_iter([("position", position)]));
        let refusal = |partition, offset| {
            alter(config(), partition, offset)
                .expect_err("refused")
                .message()
                .to_string()
        };
        assert_eq!(
            refusal(file(), Some(Map::from_iter([("line", 1i64)]))),
            "Offset objects should either be null or contain the key 'position'"
        );
        for wrong in [
            Value::string("1"),
            Value::Null,
            Value::Float64(1.5),
            Value::Int32(1),
        ] {
            assert_eq!(
                refusal(file(), at(wrong)),
                "The value for the 'position' key in the offset is expected to be a Long value"
            );
        }
        assert_eq!(
            refusal(file(), at(Value::Int64(-1))),
            "The value for the 'position' key in the offset should be a non-negative value"
        );
        assert_eq!(
            refusal(Some(Map::from_iter([("file", "x")])), at(Value::Int64(1))),
            "Partition objects should contain the key 'filename'"
        );
        assert_eq!(
            refusal(None, at(Value::Int64(1))),
            "Partition objects cannot be null"
        );
        assert!(alter(config(), file(), at(Value::Int64(0))).expect("accepted"));
        assert!(alter(config(), None, None).expect("anything may be forgotten"));
        let stdin = ConfigMap::from_iter([("topic", "t")]);
        assert_eq!(
            alter(stdin, file(), None).expect_err("refused").message(),
            "Offsets cannot be modified if the 'file' configuration is unspecified. This is because \
             stdin is used for input and offsets are not tracked."
        );
    }

    #[test]
    fn only_files_can_be_read_exactly_once() {
        let support = |config| FileStreamSourceConnector::default().exactly_once_support(&config);
        assert_eq!(support(config()), Some(ExactlyOnceSupport::Supported));
        assert_eq!(
            support(ConfigMap::from_iter([("topic", "t")])),
            Some(ExactlyOnceSupport::Unsupported)
        );
    }

    #[test]
    fn both_are_registered_with_the_settings_of_the_jvm() {
        let keys = |class: &str| -> Vec<String> {
            let plugin = CONNECTORS.iter().find(|plugin| plugin.class == class);
            let config_def = (plugin.expect("registered").config_def)();
            config_def
                .keys()
                .map(|key| key.name().to_string())
                .collect()
        };
        assert_eq!(
            keys(FILE_STREAM_SOURCE.class),
            ["file", "topic", "batch.size"]
        );
        assert_eq!(keys(FILE_STREAM_SINK.class), ["file"]);
    }
}
