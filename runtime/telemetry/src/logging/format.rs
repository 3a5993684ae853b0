//! One event as one line.

use super::levels::Level;
use super::scope::Scope;
use super::settings::LogFormat;
use crate::redaction;
use chrono::{DateTime, Local};
use std::borrow::Cow;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

pub(super) struct LineFormat {
    format: LogFormat,
    now: fn() -> DateTime<Local>,
}

impl LineFormat {
    pub fn new(format: LogFormat) -> Self {
        Self {
            format,
            now: Local::now,
        }
    }
}

/// The message of an event and its other fields.
#[derive(Default)]
struct Parts {
    message: String,
    scope: Scope,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value.to_string());
    }
}

impl Parts {
    fn record(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = redacted(value),
            "connector" => self.scope.connector = Some(value),
            "task" => self.scope.task = Some(value),
            name => self.fields.push((name, redacted(value))),
        }
    }
}

fn redacted(text: String) -> String {
    match redaction::redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(redacted) => redacted,
    }
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut parts = Parts::default();
        event.record(&mut parts);
        for span in context.event_scope().into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Scope>() {
                parts.scope.complete(outer);
            }
        }
        let level = Level::of_tracing(*event.metadata().level());
        let target = event.metadata().target();
        match self.format {
            LogFormat::Text => self.text(writer, level, target, &parts),
            LogFormat::Json => self.json(writer, level, target, parts),
        }
    }
}

impl LineFormat {
    fn text(
        &self,
        mut writer: Writer<'_>,
        level: Level,
        target: &str,
        parts: &Parts,
    ) -> fmt::Result {
        let time = (self.now)().format("%Y-%m-%d %H:%M:%S,%3f");
        write!(writer, "[{time}] {} ", level.name())?;
        if let Some(connector) = &parts.scope.connector {
            match &parts.scope.task {
                Some(task) => write!(writer, "[{connector}|task-{task}] ")?,
                None => write!(writer, "[{connector}|worker] ")?,
            }
        }
        writer.write_str(&parts.message)?;
        for (name, value) in &parts.fields {
            write!(writer, " {name}={value}")?;
        }
        writeln!(writer, " ({target})")
    }

    fn json(
        &self,
        mut writer: Writer<'_>,
        level: Level,
        target: &str,
        parts: Parts,
    ) -> fmt::Result {
        let mut line = serde_json::Map::new();
        let time = (self.now)().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        line.insert("timestamp".to_string(), time.into());
        line.insert("level".to_string(), level.name().into());
        line.insert("logger".to_string(), target.into());
        if let Some(connector) = parts.scope.connector {
            line.insert("connector".to_string(), connector.into());
        }
        if let Some(task) = parts.scope.task {
            let number: Option<i64> = task.parse().ok();
            line.insert("task".to_string(), number.map_or(task.into(), Into::into));
        }
        line.insert("message".to_string(), parts.message.into());
        for (name, value) in parts.fields {
            line.entry(name).or_insert(value.into());
        }
        writeln!(writer, "{}", serde_json::Value::Object(line))
    }
}
