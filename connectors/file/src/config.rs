//! The settings of both connectors, in Kafka's words.

use connect_api::config::{
    ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, ParsedConfig, Validator,
};
use connect_api::{ConnectError, ErrorKind, Result, Topic};
use std::io;
use std::sync::LazyLock;

pub(crate) const FILE_CONFIG: &str = "file";
const TOPIC_CONFIG: &str = "topic";
const TASK_BATCH_SIZE_CONFIG: &str = "batch.size";
const DEFAULT_TASK_BATCH_SIZE: i64 = 2000;

/// The key of the file name in a source partition.
pub(crate) const FILENAME_FIELD: &str = "filename";
/// The key of the position in a source offset.
pub(crate) const POSITION_FIELD: &str = "position";

static SOURCE: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .define(
            ConfigKey::new(FILE_CONFIG, ConfigType::String)
                .default_null()
                .importance(Importance::High)
                .doc("Source filename. If not specified, the standard input will be used"),
        )
        .define(
            ConfigKey::new(TOPIC_CONFIG, ConfigType::String)
                .validator(Validator::NonEmptyString)
                .importance(Importance::High)
                .doc("The topic to publish data to"),
        )
        .define(
            ConfigKey::new(TASK_BATCH_SIZE_CONFIG, ConfigType::Int)
                .default(DEFAULT_TASK_BATCH_SIZE)
                .importance(Importance::Low)
                .doc(
                    "The maximum number of records the source task can read from the file each \
                     time it is polled",
                ),
        )
});

static SINK: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new().define(
        ConfigKey::new(FILE_CONFIG, ConfigType::String)
            .default_null()
            .importance(Importance::High)
            .doc("Destination filename. If not specified, the standard output will be used"),
    )
});

pub(crate) fn source_config_def() -> &'static ConfigDef {
    &SOURCE
}

pub(crate) fn sink_config_def() -> &'static ConfigDef {
    &SINK
}

/// What a source task needs to know.
#[derive(Clone, Debug)]
pub(crate) struct SourceConfig {
    /// `None` is standard input.
    pub(crate) filename: Option<String>,
    pub(crate) topic: Topic,
    /// Lines in a batch, 1 at least: the JVM's task also returns one line where the setting is below.
    pub(crate) batch_size: usize,
}

impl SourceConfig {
    pub(crate) fn parse(config: &ConfigMap) -> Result<Self> {
        let parsed = SOURCE.parse(config)?;
        Ok(Self {
            filename: filename(&parsed)?,
            topic: parsed.string(TOPIC_CONFIG)?.into(),
            batch_size: usize::try_from(parsed.long(TASK_BATCH_SIZE_CONFIG)?)
                .unwrap_or(1)
                .max(1),
        })
    }
}

/// The file of a sink; `None` is standard output.
pub(crate) fn sink_filename(config: &ConfigMap) -> Result<Option<String>> {
    filename(&SINK.parse(config)?)
}

/// An empty name counts as none, as in Java.
fn filename(parsed: &ParsedConfig) -> Result<Option<String>> {
    let name = parsed.opt_string(FILE_CONFIG)?;
    Ok(name.filter(|name| !name.is_empty()).map(str::to_string))
}

/// The exception with which Java's `Files` reports that a file cannot be used.
pub(crate) fn file_system_exception(filename: &str, error: &io::Error) -> ConnectError {
    let (class, message) = match error.kind() {
        io::ErrorKind::NotFound => ("java.nio.file.NoSuchFileException", filename.to_string()),
        io::ErrorKind::PermissionDenied => {
            ("java.nio.file.AccessDeniedException", filename.to_string())
        }
        _ => (
            "java.nio.file.FileSystemException",
            format!("{filename}: {error}"),
        ),
    };
    ConnectError::new(ErrorKind::Fatal, class, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_file_name_is_standard_input() {
        let config = ConfigMap::from_iter([("file", ""), ("topic", "t")]);
        let parsed = SourceConfig::parse(&config).expect("valid");
        assert_eq!(parsed.filename, None);
        assert_eq!(parsed.batch_size, 2000);
    }

    #[test]
    fn batch_size_below_one_is_one() {
        let config = ConfigMap::from_iter([("batch.size", "-3"), ("topic", "t")]);
        assert_eq!(SourceConfig::parse(&config).expect("valid").batch_size, 1);
    }

    #[test]
    fn topic_is_required_and_not_empty() {
        let error = |config| {
            SourceConfig::parse(&config)
                .expect_err("refused")
                .message()
                .to_string()
        };
        assert_eq!(
            error(ConfigMap::new()),
            "Missing required configuration \"topic\" which has no default value."
        );
        assert_eq!(
            error(ConfigMap::from_iter([("topic", "")])),
            "Invalid value  for configuration topic: String must be non-empty"
        );
    }
}
