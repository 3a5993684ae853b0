//! What users say about logs.

use super::levels::Level;
use std::fmt;

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `[2026-01-01 00:00:00,000] INFO [flights|task-0] message (logger)`.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings of logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The shape of the lines.
    pub format: LogFormat,
    /// The level where no logger says otherwise.
    pub root: Level,
    /// Levels of loggers.
    pub loggers: Vec<(String, Level)>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            root: Level::Info,
            loggers: Vec::new(),
        }
    }
}

/// A log setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettingError {
    /// The setting.
    pub setting: &'static str,
    /// Its value, or the part of it that is wrong.
    pub value: String,
}

impl fmt::Display for LogSettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value } = self;
        write!(
            f,
            "{setting} has '{value}', which names no level; write TRACE, DEBUG, INFO, WARN, ERROR, \
             FATAL or OFF, for loggers as name=LEVEL,name=LEVEL"
        )
    }
}

impl std::error::Error for LogSettingError {}

const ROOT_SETTING: &str = "CONNECT_LOG4J_ROOT_LOGLEVEL";
const LOGGERS_SETTING: &str = "CONNECT_LOG4J_LOGGERS";

impl LogConfig {
    /// Reads the two environment variables of the container images. `variable` looks one up. Java
    /// loggers of other programs (`org.reflections=ERROR`) are kept and match nothing.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, LogSettingError> {
        let mut config = Self::default();
        if let Some(text) = variable(ROOT_SETTING).filter(|text| !text.trim().is_empty()) {
            // Log4j takes appenders behind the level: `INFO, stdout`.
            let level = text.split(',').next().unwrap_or_default();
            config.root = level_of(ROOT_SETTING, level)?;
        }
        if let Some(text) = variable(LOGGERS_SETTING) {
            for entry in text.split(',').map(str::trim) {
                if entry.is_empty() {
                    continue;
                }
                let (logger, level) = entry.split_once('=').ok_or_else(|| LogSettingError {
                    setting: LOGGERS_SETTING,
                    value: entry.to_string(),
                })?;
                let level = level_of(LOGGERS_SETTING, level)?;
                let logger = logger.trim();
                if logger.eq_ignore_ascii_case("root")
                    || logger.eq_ignore_ascii_case("log4j.rootLogger")
                {
                    config.root = level;
                } else {
                    let logger = logger.strip_prefix("log4j.logger.").unwrap_or(logger);
                    config.loggers.push((logger.to_string(), level));
                }
            }
        }
        Ok(config)
    }
}

fn level_of(setting: &'static str, name: &str) -> Result<Level, LogSettingError> {
    Level::of_name(name).ok_or_else(|| LogSettingError {
        setting,
        value: name.trim().to_string(),
    })
}
