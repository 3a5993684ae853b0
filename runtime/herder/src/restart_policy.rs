//! `dovetail.restart.*`: what restarts by itself, and what a change of a configuration restarts.

use crate::worker_config::WorkerConfig;
use connect_api::config::{
    ConfigData, ConfigKey, ConfigMap, ConfigType, Importance, Validator, Width,
};
use std::time::Duration;

/// Whether FAILED connectors and tasks restart by themselves.
pub(crate) const ENABLE: &str = "dovetail.restart.enable";
/// How long the first restart waits; each further one waits twice as long.
pub(crate) const BACKOFF_MS: &str = "dovetail.restart.backoff.ms";
/// How long a restart waits at most.
pub(crate) const BACKOFF_MAX_MS: &str = "dovetail.restart.backoff.max.ms";
/// How often in a row, -1 for without end.
pub(crate) const MAX_ATTEMPTS: &str = "dovetail.restart.max.attempts";
/// How long a restarted one has to have run for its failures to be forgotten.
pub(crate) const RESET_AFTER_MS: &str = "dovetail.restart.reset.after.ms";
/// Whether a change of a configuration restarts only the tasks whose own configuration has changed.
pub(crate) const ONLY_CHANGED_TASKS: &str = "dovetail.restart.only.changed.tasks";

/// A setting that a worker has, and that each connector may have another value of.
pub(crate) struct RestartSetting {
    pub(crate) name: &'static str,
    pub(crate) config_type: ConfigType,
    pub(crate) default: &'static str,
    min: i64,
    display_name: &'static str,
    documentation: &'static str,
}

/// The settings, in the order in which forms show them.
pub(crate) static SETTINGS: [RestartSetting; 6] = [
    RestartSetting {
        name: ENABLE,
        config_type: ConfigType::Boolean,
        default: "false",
        min: 0,
        display_name: "Restart what failed",
        documentation: "Whether connectors and tasks that are FAILED are restarted by themselves, \
                        after dovetail.restart.backoff.ms.",
    },
    RestartSetting {
        name: BACKOFF_MS,
        config_type: ConfigType::Long,
        default: "10000",
        min: 1,
        display_name: "Restart back-off (ms)",
        documentation: "How long a FAILED connector or task waits for its first restart, in \
                        milliseconds. Each restart that does not help doubles it, up to \
                        dovetail.restart.backoff.max.ms.",
    },
    RestartSetting {
        name: BACKOFF_MAX_MS,
        config_type: ConfigType::Long,
        default: "300000",
        min: 1,
        display_name: "Longest restart back-off (ms)",
        documentation: "How long a FAILED connector or task waits for a restart at most, in \
                        milliseconds.",
    },
    RestartSetting {
        name: MAX_ATTEMPTS,
        config_type: ConfigType::Int,
        default: "10",
        min: -1,
        display_name: "Most restarts in a row",
        documentation: "How often in a row a connector or task is restarted by itself; then it stays \
                        FAILED until a person restarts it. -1 for without end.",
    },
    RestartSetting {
        name: RESET_AFTER_MS,
        config_type: ConfigType::Long,
        default: "600000",
        min: 0,
        display_name: "Restarts are forgotten after (ms)",
        documentation: "A connector or task that fails this long after its last restart, in \
                        milliseconds, begins anew: with the first back-off and no restarts counted.",
    },
    RestartSetting {
        name: ONLY_CHANGED_TASKS,
        config_type: ConfigType::Boolean,
        default: "false",
        min: 0,
        display_name: "Restart changed tasks only",
        documentation: "Whether a change of the connector's configuration restarts only the tasks for \
                        which something has changed: their own configuration, or a setting of the \
                        connector that the worker reads for them, such as a converter. Otherwise all \
                        tasks of the connector are restarted.",
    },
];

impl RestartSetting {
    /// What is checked of it, if its type does not check enough.
    pub(crate) fn validator(&self) -> Option<Validator> {
        match self.config_type {
            ConfigType::Boolean => None,
            _ => Some(Validator::at_least(self.min)),
        }
    }

    /// Its definition for a connector, at a place in the form.
    pub(crate) fn connector_key(&self, order: i32) -> ConfigKey {
        let key = ConfigKey::new(self.name, self.config_type)
            .importance(Importance::Low)
            .doc(self.documentation)
            .group("Restarts", order, Width::Short, self.display_name);
        let default = key
            .parse_value(self.default)
            .expect("the defaults of this file fit their types, which a test checks");
        let key = key.default(default);
        match self.validator() {
            Some(validator) => key.validator(validator),
            None => key,
        }
    }

    /// The value that a connector gives it. A faulty one was refused when the connector was created,
    /// unless another worker did that; then the worker's own value holds.
    fn value(&self, connector: &ConfigMap) -> Option<ConfigData> {
        let text = connector.get(self.name)?;
        let key = ConfigKey::new(self.name, self.config_type);
        let value = key.parse_value(text).ok()?;
        match value {
            ConfigData::Long(number) if number < self.min => None,
            value => Some(value),
        }
    }
}

/// What these settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RestartPolicy {
    pub(crate) is_enabled: bool,
    pub(crate) backoff_min: Duration,
    pub(crate) backoff_max: Duration,
    /// `None` for without end.
    pub(crate) max_attempts: Option<u32>,
    pub(crate) reset_after: Duration,
    pub(crate) only_changed_tasks: bool,
}

impl RestartPolicy {
    /// Of a worker that does as the JVM's, with short times for what asks for more.
    #[cfg(test)]
    pub(crate) const FOR_TESTS: Self = Self {
        is_enabled: false,
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(3),
        max_attempts: Some(4),
        reset_after: Duration::from_secs(60),
        only_changed_tasks: false,
    };

    /// What the worker says.
    pub(crate) fn of_worker(worker: &WorkerConfig) -> Self {
        Self {
            is_enabled: worker.boolean(ENABLE),
            backoff_min: worker.millis(BACKOFF_MS),
            backoff_max: worker.millis(BACKOFF_MAX_MS),
            max_attempts: u32::try_from(worker.number(MAX_ATTEMPTS)).ok(),
            reset_after: worker.millis(RESET_AFTER_MS),
            only_changed_tasks: worker.boolean(ONLY_CHANGED_TASKS),
        }
    }

    /// What a connector makes of it.
    pub(crate) fn overridden_by(mut self, connector: &ConfigMap) -> Self {
        for setting in &SETTINGS {
            match setting.value(connector) {
                Some(ConfigData::Boolean(value)) if setting.name == ENABLE => {
                    self.is_enabled = value;
                }
                Some(ConfigData::Boolean(value)) => self.only_changed_tasks = value,
                Some(ConfigData::Long(number)) if setting.name == MAX_ATTEMPTS => {
                    self.max_attempts = u32::try_from(number).ok();
                }
                Some(ConfigData::Long(number)) => {
                    let duration = Duration::from_millis(number.unsigned_abs());
                    match setting.name {
                        BACKOFF_MS => self.backoff_min = duration,
                        BACKOFF_MAX_MS => self.backoff_max = duration,
                        _ => self.reset_after = duration,
                    }
                }
                _ => {}
            }
        }
        self
    }

    /// How long to wait after so many restarts in a row.
    pub(crate) fn backoff(&self, num_attempts: u32) -> Duration {
        let factor = 2_u32.checked_pow(num_attempts).unwrap_or(u32::MAX);
        self.backoff_min
            .saturating_mul(factor)
            .min(self.backoff_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker_config::WorkerMode;

    fn worker(more: &[(&str, &str)]) -> RestartPolicy {
        let required = [
            ("bootstrap.servers", "b:9092"),
            ("key.converter", "JsonConverter"),
            ("value.converter", "JsonConverter"),
            ("offset.storage.file.filename", "/tmp/offsets"),
        ];
        let config = required.iter().chain(more).copied().collect();
        RestartPolicy::of_worker(&WorkerConfig::new(WorkerMode::Standalone, config).unwrap())
    }

    #[test]
    fn nothing_restarts_by_itself_unless_it_is_asked_for() {
        let policy = worker(&[]);
        assert_eq!(
            policy,
            RestartPolicy {
                is_enabled: false,
                backoff_min: Duration::from_secs(10),
                backoff_max: Duration::from_secs(300),
                max_attempts: Some(10),
                reset_after: Duration::from_secs(600),
                only_changed_tasks: false,
            }
        );
        assert_eq!(policy.overridden_by(&ConfigMap::new()), policy);
    }

    #[test]
    fn a_connector_has_its_own_way() {
        let policy = worker(&[(ENABLE, "true"), (BACKOFF_MS, "5"), (MAX_ATTEMPTS, "3")]);
        assert_eq!(policy.max_attempts, Some(3));
        let connector = ConfigMap::from_iter([
            (ENABLE, "false"),
            (BACKOFF_MS, "7"),
            (BACKOFF_MAX_MS, "70"),
            (MAX_ATTEMPTS, "-1"),
            (RESET_AFTER_MS, "0"),
            (ONLY_CHANGED_TASKS, " true "),
        ]);
        assert_eq!(
            policy.overridden_by(&connector),
            RestartPolicy {
                is_enabled: false,
                backoff_min: Duration::from_millis(7),
                backoff_max: Duration::from_millis(70),
                max_attempts: None,
                reset_after: Duration::ZERO,
                only_changed_tasks: true,
            }
        );
        // What cannot be meant leaves the worker's.
        let faulty = ConfigMap::from_iter([
            (ENABLE, "${env:RESTART}"),
            (BACKOFF_MS, "0"),
            (MAX_ATTEMPTS, "-2"),
            (RESET_AFTER_MS, "soon"),
        ]);
        assert_eq!(policy.overridden_by(&faulty), policy);
    }

    #[test]
    fn the_backoff_doubles_up_to_its_cap() {
        let policy = worker(&[(BACKOFF_MS, "100"), (BACKOFF_MAX_MS, "1000")]);
        let millis = |num_attempts| policy.backoff(num_attempts).as_millis();
        let waits = [0, 1, 2, 3, 4, 31, 32, u32::MAX].map(millis);
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000, 1000, 1000]);
    }

    #[test]
    fn settings_are_refused_below_their_least_value() {
        for setting in &SETTINGS {
            let key = setting.connector_key(0);
            let Some(validator) = setting.validator() else {
                continue;
            };
            let least = key.parse_value(&setting.min.to_string()).unwrap();
            let below = key.parse_value(&(setting.min - 1).to_string()).unwrap();
            assert!(validator.ensure_valid(setting.name, Some(&least)).is_ok());
            assert!(validator.ensure_valid(setting.name, Some(&below)).is_err());
        }
    }
}
