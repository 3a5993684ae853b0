//! Which connector and task a span is about.

use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The connector and task that a span names itself, kept with the span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    pub connector: Option<String>,
    pub task: Option<String>,
}

impl Visit for Scope {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "connector" => self.connector = Some(format!("{value:?}")),
            "task" => self.task = Some(format!("{value:?}")),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "connector" => self.connector = Some(value.to_string()),
            "task" => self.task = Some(value.to_string()),
            _ => {}
        }
    }
}

impl Scope {
    /// Takes over what it does not name itself.
    pub fn complete(&mut self, outer: &Self) {
        if self.connector.is_none() {
            self.connector.clone_from(&outer.connector);
        }
        if self.task.is_none() {
            self.task.clone_from(&outer.task);
        }
    }
}

/// Remembers the scope of each span when it begins.
pub(super) struct ScopeLayer;

impl<S> Layer<S> for ScopeLayer
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut scope = Scope::default();
        attributes.record(&mut scope);
        if scope != Scope::default()
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().insert(scope);
        }
    }
}
