//! What `diff` and `apply` tell.

use super::plan::{Action, Change, Plan, Step};
use crate::validate::Problem;
use serde::Serialize;
use std::fmt::Write;

/// What is to be done, and what came of it.
#[derive(Serialize)]
pub struct Report {
    /// The worker.
    pub url: String,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// What is to be done.
    #[serde(flatten)]
    pub plan: Plan,
    /// Why the worker refuses; then nothing was done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What came of each step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Result>,
    /// Whether all went well.
    pub succeeded: bool,
}

/// What came of a step.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Result {
    /// The connector.
    pub name: String,
    /// What was to be done.
    pub action: Action,
    /// The states of connector and tasks, if they were waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Result {
    /// It went well so far.
    pub fn new(name: &str, action: Action) -> Self {
        Self {
            name: name.to_string(),
            action,
            state: None,
            error: None,
        }
    }

    /// Whether something went wrong.
    pub fn is_failure(&self) -> bool {
        self.error.is_some()
    }

    /// What was done, as a line.
    pub fn done_text(&self) -> String {
        let name = &self.name;
        match (&self.error, self.action) {
            (Some(error), _) => format!("{name}: {error}"),
            (None, Action::Create) => format!("{name}: created"),
            (None, Action::Update) => format!("{name}: updated"),
            (None, Action::Delete) => format!("{name}: deleted"),
            (None, Action::Unchanged | Action::Keep) => format!("{name}: unchanged"),
        }
    }
}

impl Report {
    /// Nothing was done so far.
    pub fn new(url: &str, plan: Plan) -> Self {
        Self {
            url: url.to_string(),
            dry_run: false,
            plan,
            problems: Vec::new(),
            results: Vec::new(),
            succeeded: true,
        }
    }

    /// The plan: a line for each connector, below it what changes.
    pub fn plan_text(&self) -> String {
        let steps = &self.plan.steps;
        let width = steps.iter().map(|step| step.name.chars().count()).max();
        let mut text = format!("{}\n", self.url);
        for step in steps {
            push_step(&mut text, step, width.unwrap_or_default());
        }
        let num = |action| self.plan.of(action).count();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{} to create, {} to update, {} to delete, {} unchanged",
            num(Action::Create),
            num(Action::Update),
            num(Action::Delete),
            num(Action::Unchanged)
        );
        match num(Action::Keep) {
            0 => {}
            num_kept => {
                let _ = write!(text, ", {num_kept} without a file (--prune deletes)");
            }
        }
        text
    }

    /// What came of it.
    pub fn end_text(&self) -> String {
        if !self.problems.is_empty() {
            let mut text = String::new();
            for problem in &self.problems {
                let _ = writeln!(text, "{problem}");
            }
            text.push_str("The worker refuses this; nothing was changed");
            return text;
        }
        if self.dry_run {
            return "Nothing was changed (--dry-run)".to_string();
        }
        let failed: Vec<&Result> = self.results.iter().filter(|r| r.is_failure()).collect();
        if failed.is_empty() {
            return "Done".to_string();
        }
        let mut text = String::from("Failed:\n");
        for result in failed {
            let error = result.error.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  {}: {}", result.name, error.replace('\n', "\n    "));
        }
        text
    }
}

fn push_step(text: &mut String, step: &Step, width: usize) {
    let (sign, word) = match step.action {
        Action::Create => ('+', "create"),
        Action::Update => ('~', "update"),
        Action::Unchanged => ('=', "unchanged"),
        Action::Delete => ('-', "delete"),
        Action::Keep => ('?', "no file"),
    };
    let file = step.file.as_ref().map(|file| file.display().to_string());
    let line = format!(
        "  {sign} {word:9} {:width$}  {}",
        step.name,
        file.unwrap_or_default()
    );
    text.push_str(line.trim_end());
    text.push('\n');
    for Change { key, from, to } in &step.changes {
        let _ = match (from, to) {
            (None, to) => writeln!(text, "      + {key}: {}", shown(to.as_deref())),
            (from, None) => writeln!(text, "      - {key}: {}", shown(from.as_deref())),
            (from, to) => writeln!(
                text,
                "      ~ {key}: {} -> {}",
                shown(from.as_deref()),
                shown(to.as_deref())
            ),
        };
    }
}

/// The value on one line.
fn shown(value: Option<&str>) -> String {
    let value = value.unwrap_or_default();
    if value.is_empty() {
        "(empty)".to_string()
    } else if value.chars().any(char::is_control) {
        value.escape_debug().to_string()
    } else {
        value.to_string()
    }
}
