//! Levels of loggers, changeable at run time.

use super::java_names;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// A level as Connect names it. There is no FATAL event; as a threshold it lets nothing through that
/// OFF would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing.
    Off,
    /// Nothing but what ends the process.
    Fatal,
    /// Errors.
    Error,
    /// Warnings.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    const ALL: [Self; 7] = [
        Self::Off,
        Self::Fatal,
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The name, in upper case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    /// The level of a name, in any case and with blanks around it. `ALL` means TRACE.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("ALL") {
            return Some(Self::Trace);
        }
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn of_tracing(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Off | Self::Fatal => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level of a logger, as `/admin/loggers` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggerLevel {
    /// The level that holds for the logger.
    #[serde(serialize_with = "serialize_level")]
    pub level: Level,
    /// When it was changed while the worker ran, in milliseconds since the epoch.
    pub last_modified: Option<i64>,
}

fn serialize_level<S: Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.name())
}

/// More loggers than this do not come to be by being asked for.
const MAX_NUM_LOGGERS: usize = 4096;

/// The name of the logger above all.
const ROOT: &str = "root";

fn is_root(logger: &str) -> bool {
    logger.is_empty() || logger.eq_ignore_ascii_case(ROOT)
}

#[derive(Debug)]
struct Thresholds {
    root: Level,
    /// By logger; `.` separates the parts of a name.
    loggers: BTreeMap<String, Level>,
    last_modified_ms: BTreeMap<String, i64>,
}

impl Thresholds {
    /// The level of the longest name that `logger`, or the Java logger that it stands for, is under.
    fn effective(&self, logger: &str) -> Level {
        if is_root(logger) {
            return self.root;
        }
        let own = self.nearest(logger);
        let of_java = || self.nearest(java_names::java_name(logger)?);
        own.or_else(of_java).unwrap_or(self.root)
    }

    fn nearest(&self, logger: &str) -> Option<Level> {
        let mut name = logger;
        loop {
            if let Some(level) = self.loggers.get(name) {
                return Some(*level);
            }
            name = &name[..name.rfind('.')?];
        }
    }

    /// The names of all loggers that there are: those with a level of their own, those of this program,
    /// and the Java ones that they stand for.
    fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.loggers.keys().cloned().collect();
        names.extend(java_names::all().chain([ROOT]).map(str::to_string));
        names
    }

    fn known_level(&self, logger: &str) -> LoggerLevel {
        let name = if is_root(logger) { ROOT } else { logger };
        LoggerLevel {
            level: self.effective(name),
            last_modified: self.last_modified_ms.get(name).copied(),
        }
    }

    fn most_verbose(&self) -> Level {
        self.loggers
            .values()
            .copied()
            .fold(self.root, std::cmp::max)
    }
}

#[derive(Debug)]
struct Shared {
    thresholds: RwLock<Thresholds>,
    /// The most verbose level of any logger: most events are turned away by it alone.
    most_verbose: AtomicU8,
}

/// The levels of all loggers. Clones share them. A logger is named as Rust's modules are, with `.` or
/// `::` between the parts, and its level holds for everything below.
#[derive(Clone, Debug)]
pub struct LogLevels {
    shared: Arc<Shared>,
}

impl LogLevels {
    pub(super) fn new(root: Level, loggers: &[(String, Level)]) -> Self {
        let loggers = loggers
            .iter()
            .map(|(logger, level)| (dotted(logger), *level))
            .collect();
        let thresholds = Thresholds {
            root,
            loggers,
            last_modified_ms: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                most_verbose: AtomicU8::new(thresholds.most_verbose() as u8),
                thresholds: RwLock::new(thresholds),
            }),
        }
    }

    /// Sets the level of a logger; `root` in any case is the one above all.
    pub fn set(&self, logger: &str, level: Level) {
        self.change(|thresholds| {
            if is_root(logger) {
                thresholds.root = level;
            } else {
                thresholds.loggers.insert(dotted(logger), level);
            }
        });
    }

    /// Sets the level of all loggers whose names begin with `namespace`, which comes to be one itself;
    /// for `root` (in any case) or an empty name, of all loggers. Returns those that have another level
    /// than before, by name, and remembers `now_ms` as the time of their change.
    pub fn set_namespace(&self, namespace: &str, level: Level, now_ms: i64) -> Vec<String> {
        let namespace = dotted(namespace);
        self.change(|thresholds| {
            let mut names = thresholds.names();
            if !is_root(&namespace) {
                names.retain(|name| name.starts_with(&namespace));
                if thresholds.loggers.len() < MAX_NUM_LOGGERS {
                    names.insert(namespace.clone());
                }
            }
            let before: Vec<(String, Level)> = names
                .into_iter()
                .map(|name| {
                    let level = thresholds.effective(&name);
                    (name, level)
                })
                .collect();
            if is_root(&namespace) {
                thresholds.root = level;
                for own in thresholds.loggers.values_mut() {
                    *own = level;
                }
            } else {
                for (name, _) in &before {
                    thresholds.loggers.insert(name.clone(), level);
                }
            }
            // A logger that is off counts as new, as in a JVM worker.
            let changed = before
                .into_iter()
                .filter(|(_, before)| *before != level || level == Level::Off)
                .map(|(name, _)| name);
            let changed: Vec<String> = changed.collect();
            for name in &changed {
                thresholds.last_modified_ms.insert(name.clone(), now_ms);
            }
            changed
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Thresholds) -> T) -> T {
        let outcome = {
            let mut thresholds = self
                .shared
                .thresholds
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let outcome = change(&mut thresholds);
            let most_verbose = thresholds.most_verbose() as u8;
            self.shared
                .most_verbose
                .store(most_verbose, Ordering::Relaxed);
            outcome
        };
        tracing::callsite::rebuild_interest_cache();
        outcome
    }

    fn thresholds(&self) -> RwLockReadGuard<'_, Thresholds> {
        self.shared
            .thresholds
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The level that holds for a logger.
    pub fn get(&self, logger: &str) -> Level {
        self.thresholds().effective(&dotted(logger))
    }

    /// The root and all loggers that have a level of their own, by name.
    pub fn all(&self) -> BTreeMap<String, Level> {
        let thresholds = self.thresholds();
        let mut all = thresholds.loggers.clone();
        all.insert(ROOT.to_string(), thresholds.root);
        all
    }

    /// All loggers that there are, by name, but those that are off.
    pub fn known(&self) -> BTreeMap<String, LoggerLevel> {
        let thresholds = self.thresholds();
        let names = thresholds.names().into_iter();
        names
            .map(|name| {
                let level = thresholds.known_level(&name);
                (name, level)
            })
            .filter(|(_, level)| level.level != Level::Off)
            .collect()
    }

    /// The level of a logger that there is; `root` may be written in any case.
    pub fn known_level(&self, logger: &str) -> Option<LoggerLevel> {
        let thresholds = self.thresholds();
        let logger = dotted(logger);
        let is_known = is_root(&logger) || thresholds.names().contains(&logger);
        is_known.then(|| thresholds.known_level(&logger))
    }

    pub(super) fn filter(&self) -> LevelsFilter {
        LevelsFilter(self.clone())
    }

    fn is_enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Spans carry the connector and task of the lines below them, whatever their level is.
        metadata.is_span() || metadata.level() <= &self.get(metadata.target()).filter()
    }
}

fn dotted(logger: &str) -> String {
    logger.trim().replace("::", ".")
}

pub(super) struct LevelsFilter(LogLevels);

impl<S: Subscriber> Filter<S> for LevelsFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        self.0.is_enabled(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The cache is rebuilt whenever a level changes.
        if self.0.is_enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let most_verbose = self.0.shared.most_verbose.load(Ordering::Relaxed);
        let level = Level::ALL.get(usize::from(most_verbose))?;
        // Spans are made at level INFO.
        Some(level.filter().max(LevelFilter::INFO))
    }
}
