//! Levels of loggers, changeable at run time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
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

#[derive(Debug)]
struct Thresholds {
    root: Level,
    /// By logger; `.` separates the parts of a name.
    loggers: BTreeMap<String, Level>,
}

impl Thresholds {
    /// The level of the longest name that `logger` stands under.
    fn effective(&self, logger: &str) -> Level {
        let mut name = logger;
        loop {
            if let Some(level) = self.loggers.get(name) {
                return *level;
            }
            match name.rfind('.') {
                Some(end) => name = &name[..end],
                None => return self.root,
            }
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
        let thresholds = Thresholds { root, loggers };
        Self {
            shared: Arc::new(Shared {
                most_verbose: AtomicU8::new(thresholds.most_verbose() as u8),
                thresholds: RwLock::new(thresholds),
            }),
        }
    }

    /// Sets the level of a logger; `root` in any case is the one above all.
    pub fn set(&self, logger: &str, level: Level) {
        {
            let mut thresholds = self
                .shared
                .thresholds
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if logger.eq_ignore_ascii_case("root") {
                thresholds.root = level;
            } else {
                thresholds.loggers.insert(dotted(logger), level);
            }
            let most_verbose = thresholds.most_verbose() as u8;
            self.shared
                .most_verbose
                .store(most_verbose, Ordering::Relaxed);
        }
        tracing::callsite::rebuild_interest_cache();
    }

    /// The level that holds for a logger.
    pub fn get(&self, logger: &str) -> Level {
        let thresholds = self
            .shared
            .thresholds
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if logger.eq_ignore_ascii_case("root") {
            return thresholds.root;
        }
        thresholds.effective(&dotted(logger))
    }

    /// The root and all loggers that have a level of their own, by name.
    pub fn all(&self) -> BTreeMap<String, Level> {
        let thresholds = self
            .shared
            .thresholds
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut all = thresholds.loggers.clone();
        all.insert("root".to_string(), thresholds.root);
        all
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
