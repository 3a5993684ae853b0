use super::*;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("no writer panics").clone();
        String::from_utf8(bytes).expect("lines are UTF-8")
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(config: &LogConfig, act: impl FnOnce(&LogLevels)) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let (subscriber, levels) = subscriber(config, move || writer.clone());
    tracing::subscriber::with_default(subscriber, || act(&levels));
    kept.text()
}

/// Levels change caches that all threads share, so these cases stand in one test.
#[test]
fn lines_have_the_shape_of_connects_and_levels_change_at_run_time() {
    let text = logged(&LogConfig::default(), |levels| {
        tracing::info!(target: "a::b", num_records = 3, "hello {}", "you");
        let connector = tracing::info_span!("connector", connector = %"c 1");
        let _connector = connector.enter();
        tracing::warn!(target: "a::b", "of a connector");
        let task = tracing::info_span!("task", task = 7);
        let _task = task.enter();
        tracing::error!(target: "a::b", "of a task");
        for shown in [false, true] {
            tracing::debug!(target: "a::b::c", "shown: {shown}");
            levels.set("a.b", Level::Debug);
        }
        levels.set("root", Level::Off);
        tracing::error!(target: "other", "hidden");
        crate::redaction::hide("s3cret of a log line", "${file:/s:k}");
        tracing::error!(target: "a::b", url = "u:s3cret of a log line@h", "no s3cret of a log line");
        tracing::debug!(target: "a::b", "still shown");
    });
    let lines: Vec<&str> = text
        .lines()
        .map(|line| &line["[2026-01-01 00:00:00,000] ".len()..])
        .collect();
    assert_eq!(
        lines,
        [
            "INFO hello you num_records=3 (a::b)",
            "WARN [c 1|worker] of a connector (a::b)",
            "ERROR [c 1|task-7] of a task (a::b)",
            "DEBUG [c 1|task-7] shown: true (a::b::c)",
            "ERROR [c 1|task-7] no ${file:/s:k} url=u:${file:/s:k}@h (a::b)",
            "DEBUG [c 1|task-7] still shown (a::b)",
        ]
    );
    let stamp = &text[..26];
    assert!(stamp.starts_with("[20") && stamp.ends_with("] "), "{stamp}");

    let json = LogConfig {
        format: LogFormat::Json,
        ..LogConfig::default()
    };
    let text = logged(&json, |_| {
        let span = tracing::info_span!("task", connector = "c", task = 0);
        span.in_scope(|| tracing::info!(target: "a", offset = 5, "with \"quotes\""));
    });
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("one JSON line");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["connector"], "c");
    assert_eq!(line["task"], 0);
    assert_eq!(line["message"], "with \"quotes\"");
    assert_eq!(line["logger"], "a");
    assert_eq!(line["offset"], "5");
}

#[test]
fn levels_go_by_the_longest_name() {
    let levels = LogLevels::new(Level::Info, &[("a.b".to_string(), Level::Error)]);
    assert_eq!(levels.get("a"), Level::Info);
    assert_eq!(levels.get("a::b::c"), Level::Error);
    assert_eq!(levels.get("a.bc"), Level::Info);
    assert_eq!(levels.get("ROOT"), Level::Info);
    assert_eq!(levels.all().len(), 2);
}

#[test]
fn java_names_have_an_effect_here() {
    let java = "org.apache.kafka.connect.runtime".to_string();
    let levels = LogLevels::new(Level::Info, &[(java, Level::Warn)]);
    assert_eq!(levels.get("connect_worker::sink::commit"), Level::Warn);
    assert_eq!(levels.get("connect_workers"), Level::Info);
    levels.set(
        "org.apache.kafka.connect.runtime.WorkerSinkTask",
        Level::Debug,
    );
    assert_eq!(levels.get("connect_worker::sink::commit"), Level::Debug);
    assert_eq!(levels.get("connect_worker::source"), Level::Warn);
    // A name of this program counts more than one of Java.
    levels.set("connect_worker", Level::Error);
    assert_eq!(levels.get("connect_worker::sink"), Level::Error);
    levels.set("org", Level::Trace);
    assert_eq!(
        levels.get("connect_store::offset_store::kafka"),
        Level::Trace
    );
}

#[test]
fn a_namespace_is_set_with_what_begins_like_it() {
    let levels = LogLevels::new(Level::Info, &[("a.b".to_string(), Level::Error)]);
    assert_eq!(levels.set_namespace("a", Level::Debug, 7), ["a", "a.b"]);
    assert_eq!(
        levels.set_namespace("a", Level::Debug, 8),
        [] as [String; 0]
    );
    assert_eq!(levels.set_namespace("a.b", Level::Warn, 9), ["a.b"]);
    let known = |logger: &str| levels.known_level(logger);
    let level = |level, last_modified| {
        Some(LoggerLevel {
            level,
            last_modified,
        })
    };
    assert_eq!(known("a"), level(Level::Debug, Some(7)));
    assert_eq!(known("a.b"), level(Level::Warn, Some(9)));
    assert_eq!(known("a.b.c"), None);
    assert_eq!(known("Root"), level(Level::Info, None));
    assert_eq!(known("connect_worker.sink"), level(Level::Info, None));
    // No dot is asked for.
    let changed = levels.set_namespace("connect_w", Level::Debug, 10);
    assert!(
        changed.contains(&"connect_worker.sink".to_string()),
        "{changed:?}"
    );
    assert!(changed.contains(&"connect_w".to_string()), "{changed:?}");
    let changed = levels.set_namespace("ROOT", Level::Off, 11);
    assert!(changed.contains(&"root".to_string()) && changed.contains(&"a.b".to_string()));
    assert!(levels.known().is_empty());
    assert_eq!(known("a.b"), level(Level::Off, Some(11)));
    levels.set_namespace("x", Level::Info, 12);
    let names: Vec<String> = levels.known().into_keys().collect();
    assert_eq!(names, ["x"]);
}

#[test]
fn asking_for_loggers_does_not_make_them_without_bound() {
    let levels = LogLevels::new(Level::Info, &[]);
    for number in 0..4200 {
        levels.set_namespace(&format!("x{number}."), Level::Debug, 1);
    }
    assert_eq!(
        levels.known_level("x10.").map(|one| one.level),
        Some(Level::Debug)
    );
    assert_eq!(levels.known_level("x4199."), None);
}

#[test]
fn the_variables_of_the_images_are_read() {
    let of = |root: Option<&str>, loggers: Option<&str>| {
        LogConfig::from_env(|name| match name {
            "CONNECT_LOG4J_ROOT_LOGLEVEL" => root.map(str::to_string),
            "CONNECT_LOG4J_LOGGERS" => loggers.map(str::to_string),
            _ => None,
        })
    };
    assert_eq!(of(None, None), Ok(LogConfig::default()));
    let config = of(
        Some("warn"),
        Some("org.reflections=ERROR, connect_worker = debug,"),
    )
    .expect("valid settings");
    assert_eq!(config.root, Level::Warn);
    assert_eq!(
        config.loggers,
        [
            ("org.reflections".to_string(), Level::Error),
            ("connect_worker".to_string(), Level::Debug),
        ]
    );
    let error = of(None, Some("a=LOUD"))
        .expect_err("it is refused")
        .to_string();
    assert!(
        error.contains("CONNECT_LOG4J_LOGGERS has 'LOUD'"),
        "{error}"
    );
    assert!(of(Some("x"), None).is_err());
    assert!(of(None, Some("a")).is_err());
}

#[test]
fn level_names_are_those_of_connect() {
    for name in ["OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"] {
        assert_eq!(
            Level::of_name(&name.to_lowercase()).map(Level::name),
            Some(name)
        );
    }
    assert_eq!(Level::of_name(" ALL "), Some(Level::Trace));
    assert_eq!(Level::of_name(""), None);
}
