//! Carries a plan out.

use super::report::{Report, Result as StepResult};
use super::wait::{self, Patience};
use super::{Action, plan, preflight};
use crate::connector_file::ConnectorFile;
use crate::worker_api::{ApiError, WorkerApi};
use connect_herder::TargetState;
use serde_json::json;
use std::collections::BTreeMap;

/// One run of `dovetail apply`.
pub struct Run<'a> {
    /// The worker.
    pub api: &'a WorkerApi,
    /// The connectors that are wanted.
    pub files: &'a BTreeMap<String, ConnectorFile>,
    /// Whether all others go.
    pub prune: bool,
    /// Whether nothing is done.
    pub dry_run: bool,
    /// How long to wait for the connectors to run, if at all.
    pub wait: Option<Patience>,
    /// Told what is done as it is done.
    pub say: fn(&str),
}

impl Run<'_> {
    /// Plans, lets the worker validate what is new, acts, waits. What one connector is refused does not
    /// hold up the others, but then nothing is deleted: a connector that was renamed would be gone.
    ///
    /// # Errors
    /// The worker cannot be asked.
    pub async fn run(&self) -> Result<Report, String> {
        let mut report = super::compare(self.api, self.files, self.prune).await?;
        report.dry_run = self.dry_run;
        (self.say)(&report.plan_text());
        let changed = report
            .plan
            .steps
            .iter()
            .filter(|step| matches!(step.action, Action::Create | Action::Update));
        for file in changed.filter_map(|step| self.files.get(&step.name)) {
            let problems = preflight::problems(self.api, file).await;
            report.problems.extend(problems.map_err(told)?);
        }
        if !report.problems.is_empty() {
            report.succeeded = false;
            return Ok(report);
        }
        if self.dry_run {
            return Ok(report);
        }
        self.carry_out(&mut report).await;
        if let Some(patience) = &self.wait {
            self.wait(patience, &mut report).await?;
        }
        report.succeeded = report.results.iter().all(|result| result.error.is_none());
        Ok(report)
    }

    async fn carry_out(&self, report: &mut Report) {
        for action in [Action::Create, Action::Update, Action::Delete] {
            for step in report.plan.of(action) {
                let mut result = StepResult::new(&step.name, action);
                if action == Action::Delete && report.results.iter().any(StepResult::is_failure) {
                    result.error =
                        Some("not deleted, because something before it failed".to_string());
                } else if let Err(error) = self.act(&step.name, action).await {
                    result.error = Some(error.to_string());
                }
                (self.say)(&result.done_text());
                report.results.push(result);
            }
        }
        for step in report.plan.of(Action::Unchanged) {
            report
                .results
                .push(StepResult::new(&step.name, Action::Unchanged));
        }
    }

    async fn act(&self, name: &str, action: Action) -> Result<(), ApiError> {
        let done = match (action, self.files.get(name)) {
            (Action::Delete, _) => match self.api.delete(&["connectors", name]).await {
                // Somebody was faster.
                Err(error) if error.is_not_found() => return Ok(()),
                deleted => deleted,
            },
            (Action::Create, Some(file)) if file.initial_state.is_some() => {
                let mut body = json!({"name": name, "config": plan::body(&file.config)});
                if let Some(state) = file.initial_state {
                    body["initial_state"] = json!(initial_state(state));
                }
                self.api.post(&["connectors"], &body).await
            }
            // Unlike POST it can be repeated when an answer got lost.
            (Action::Create | Action::Update, Some(file)) => {
                let path = ["connectors", name, "config"];
                self.api.put(&path, &plan::body(&file.config)).await
            }
            (Action::Create | Action::Update, None) | (Action::Unchanged | Action::Keep, _) => {
                return Ok(());
            }
        };
        done.map(drop)
    }

    async fn wait(&self, patience: &Patience, report: &mut Report) -> Result<(), String> {
        let waited_for = report
            .results
            .iter()
            .filter(|result| !result.is_failure() && result.action != Action::Delete);
        let changed = waited_for.map(|result| {
            let is_changed = result.action != Action::Unchanged;
            (result.name.clone(), is_changed)
        });
        let ends = wait::until_settled(self.api, patience, changed.collect(), self.say).await?;
        for result in &mut report.results {
            if let Some(end) = ends.get(&result.name) {
                result.state = Some(end.state.clone());
                result.error.clone_from(&end.error);
            }
        }
        Ok(())
    }
}

fn told(error: ApiError) -> String {
    error.to_string()
}

/// The state as a request names it.
fn initial_state(state: TargetState) -> &'static str {
    match state {
        TargetState::Started => "RUNNING",
        TargetState::Paused => "PAUSED",
        TargetState::Stopped => "STOPPED",
    }
}
