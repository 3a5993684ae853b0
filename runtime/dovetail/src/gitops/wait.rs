//! Waits until connectors run, or do not.

use crate::status::report::{State, Status};
use crate::worker_api::WorkerApi;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A worker may tell the states of before for a moment after it has taken a configuration, and tasks fail
/// in their first moments: so a state counts when it was seen so often, one look after the other.
const NUM_LOOKS: u32 = 3;
/// Tasks come after their connector; only some connectors have none.
const NUM_LOOKS_WITHOUT_TASKS: u32 = 10;
/// How much of a trace is shown.
const MAX_TRACE_LINES: usize = 6;

/// How to wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The pause between two looks.
    pub interval: Duration,
    /// How long in all.
    pub timeout: Duration,
}

impl Patience {
    /// A look each second.
    pub fn of(timeout: Duration) -> Self {
        Self {
            interval: Duration::from_secs(1),
            timeout,
        }
    }
}

/// How a connector ended up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The states of connector and tasks.
    pub state: String,
    /// Why that is not good.
    pub error: Option<String>,
}

/// What one look shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    verdict: Verdict,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Settled,
    /// Running, without tasks.
    WithoutTasks,
    /// Something is FAILED; the beginnings of the traces.
    Failed(String),
    /// On its way.
    Unsettled,
}

/// A connector that is waited for.
struct Watch {
    num_looks_needed: u32,
    last: Option<Look>,
    num_equal_looks: u32,
}

impl Watch {
    fn new(is_changed: bool) -> Self {
        Self {
            num_looks_needed: if is_changed { NUM_LOOKS } else { 1 },
            last: None,
            num_equal_looks: 0,
        }
    }

    /// Takes a look; the end, once it is clear. The second value tells whether it looks new.
    fn see(&mut self, look: Look) -> (Option<End>, bool) {
        let is_new = self
            .last
            .as_ref()
            .is_none_or(|last| last.state != look.state);
        if self.last.as_ref() == Some(&look) {
            self.num_equal_looks += 1;
        } else {
            self.num_equal_looks = 1;
        }
        let (num_looks_needed, error) = match &look.verdict {
            Verdict::Settled => (self.num_looks_needed, None),
            Verdict::Failed(traces) => (self.num_looks_needed, Some(traces.clone())),
            Verdict::WithoutTasks => (NUM_LOOKS_WITHOUT_TASKS, None),
            Verdict::Unsettled => (u32::MAX, None),
        };
        let is_clear = self.num_equal_looks >= num_looks_needed;
        let end = is_clear.then(|| End {
            state: look.state.clone(),
            error: error.map(|traces| format!("{}\n{traces}", look.state)),
        });
        self.last = Some(look);
        (end, is_new)
    }

    /// The end of one that is not clear in time.
    fn give_up(self, timeout: Duration) -> End {
        let state = self.last.map(|look| look.state).unwrap_or_default();
        let error = format!("not running after {} s: {state}", timeout.as_secs());
        End {
            state,
            error: Some(error),
        }
    }
}

fn look(status: Option<&Status>) -> Look {
    let Some(status) = status else {
        return Look {
            verdict: Verdict::Unsettled,
            state: "not started yet".to_string(),
        };
    };
    let connector = status.connector.state.as_str();
    let mut num_tasks: BTreeMap<&str, usize> = BTreeMap::new();
    for task in &status.tasks {
        *num_tasks.entry(task.state.state.as_str()).or_default() += 1;
    }
    let counts: Vec<String> = num_tasks
        .iter()
        .map(|(state, num)| format!("{num} {}", plural("task", *num) + " " + state))
        .collect();
    let state = match counts.as_slice() {
        [] => connector.to_string(),
        counts => format!("{connector}, {}", counts.join(", ")),
    };
    let are_all = |wanted: &str| num_tasks.keys().all(|state| *state == wanted);
    let verdict = if connector == "FAILED" || num_tasks.contains_key("FAILED") {
        Verdict::Failed(traces(status))
    } else {
        match connector {
            "RUNNING" if status.tasks.is_empty() => Verdict::WithoutTasks,
            "RUNNING" | "PAUSED" if are_all(connector) => Verdict::Settled,
            "STOPPED" if status.tasks.is_empty() => Verdict::Settled,
            _ => Verdict::Unsettled,
        }
    };
    Look { verdict, state }
}

fn plural(word: &str, num: usize) -> String {
    match num {
        1 => word.to_string(),
        _ => format!("{word}s"),
    }
}

/// The beginnings of the traces of what failed; tasks that failed alike are told once.
fn traces(status: &Status) -> String {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    let tasks = status
        .tasks
        .iter()
        .map(|task| (format!("task {}", task.id), &task.state));
    let all = std::iter::once(("connector".to_string(), &status.connector)).chain(tasks);
    for (who, state) in all.filter(|(_, state)| state.state == "FAILED") {
        let trace = beginning(state);
        match told.iter_mut().find(|(known, _)| *known == trace) {
            Some((_, who_else)) => who_else.push(who),
            None => told.push((trace, vec![who])),
        }
    }
    let texts: Vec<String> = told
        .into_iter()
        .map(|(trace, who)| format!("{}: {trace}", who.join(", ")))
        .collect();
    texts.join("\n")
}

/// The lines that say something: not the frames of Java's stack.
fn beginning(state: &State) -> String {
    let trace = state
        .trace
        .as_deref()
        .unwrap_or("the worker gives no reason");
    let is_frame = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("at ") || line.starts_with("... ") || line.is_empty()
    };
    let lines: Vec<&str> = trace
        .lines()
        .filter(|line| !is_frame(line))
        .take(MAX_TRACE_LINES)
        .map(str::trim_end)
        .collect();
    lines.join("\n")
}

#[derive(Deserialize)]
struct Expanded {
    status: Status,
}

/// Looks until each connector is clear or the time is over. `connectors` are the names, and whether the
/// connector was changed just now.
///
/// # Errors
/// The worker cannot be asked.
pub async fn until_settled(
    api: &WorkerApi,
    patience: &Patience,
    connectors: BTreeMap<String, bool>,
    say: fn(&str),
) -> Result<BTreeMap<String, End>, String> {
    let give_up_at = Instant::now() + patience.timeout;
    let mut watches: BTreeMap<String, Watch> = connectors
        .into_iter()
        .map(|(name, is_changed)| (name, Watch::new(is_changed)))
        .collect();
    let mut ends = BTreeMap::new();
    loop {
        let answer = api.get(&["connectors"], "expand=status").await;
        let answer = answer.map_err(|error| error.to_string())?;
        let statuses: BTreeMap<String, Expanded> =
            serde_json::from_str(&answer).map_err(|error| api.is_no_worker(&error))?;
        watches.retain(|name, watch| {
            let status = statuses.get(name).map(|expanded| &expanded.status);
            let (end, is_new) = watch.see(look(status));
            if is_new && let Some(look) = &watch.last {
                say(&format!("{name}: {}", look.state));
            }
            match end {
                Some(end) => {
                    ends.insert(name.clone(), end);
                    false
                }
                None => true,
            }
        });
        if watches.is_empty() {
            return Ok(ends);
        }
        if Instant::now() + patience.interval >= give_up_at {
            let given_up = watches
                .into_iter()
                .map(|(name, watch)| (name, watch.give_up(patience.timeout)));
            ends.extend(given_up);
            return Ok(ends);
        }
        sleep(patience.interval).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(connector: &str, tasks: &[&str], trace: &str) -> Status {
        let tasks: Vec<_> = tasks
            .iter()
            .enumerate()
            .map(|(id, state)| json!({"id": id, "state": state, "trace": trace}))
            .collect();
        let connector = json!({"state": connector, "trace": trace});
        serde_json::from_value(json!({"connector": connector, "tasks": tasks})).unwrap()
    }

    fn seen(connector: &str, tasks: &[&str]) -> (bool, String) {
        let Look { verdict, state } = look(Some(&status(connector, tasks, "")));
        (verdict == Verdict::Settled, state)
    }

    #[test]
    fn states_are_counted_and_judged() {
        let told = |is_settled, state: &str| (is_settled, state.to_string());
        let running = ["RUNNING"; 2];
        assert_eq!(
            seen("RUNNING", &running),
            told(true, "RUNNING, 2 tasks RUNNING")
        );
        assert_eq!(
            seen("RUNNING", &["RUNNING", "UNASSIGNED"]),
            told(false, "RUNNING, 1 task RUNNING, 1 task UNASSIGNED")
        );
        assert_eq!(
            seen("PAUSED", &["PAUSED"]),
            told(true, "PAUSED, 1 task PAUSED")
        );
        assert_eq!(
            seen("PAUSED", &running),
            told(false, "PAUSED, 2 tasks RUNNING")
        );
        assert_eq!(seen("STOPPED", &[]), told(true, "STOPPED"));
        assert_eq!(seen("UNASSIGNED", &[]), told(false, "UNASSIGNED"));
        assert_eq!(seen("RUNNING", &[]), told(false, "RUNNING"));
        assert_eq!(look(None).verdict, Verdict::Unsettled);
    }

    #[test]
    fn a_state_counts_when_it_stays() {
        let running = || look(Some(&status("RUNNING", &["RUNNING"], "")));
        let failed = || look(Some(&status("RUNNING", &["FAILED"], "x")));
        let mut changed = Watch::new(true);
        // The states of before the change.
        assert_eq!(changed.see(failed()), (None, true));
        assert_eq!(changed.see(failed()), (None, false));
        for _ in 1..NUM_LOOKS {
            assert_eq!(changed.see(running()).0, None);
        }
        assert_eq!(changed.see(running()).0.unwrap().error, None);
        let mut unchanged = Watch::new(false);
        let end = unchanged.see(failed()).0.unwrap();
        assert_eq!(
            end.error.as_deref(),
            Some("RUNNING, 1 task FAILED\ntask 0: x")
        );
        let mut without_tasks = Watch::new(false);
        let looks = (0..NUM_LOOKS_WITHOUT_TASKS)
            .map(|_| without_tasks.see(look(Some(&status("RUNNING", &[], "")))).0);
        assert_eq!(looks.flatten().count(), 1);
    }

    #[test]
    fn traces_are_told_once_and_without_frames() {
        let trace =
            "org.X: Exiting\n\tat q.f\n\tat q.g\nCaused by: org.Y: no bucket\n\t... 3 more\n";
        assert_eq!(
            traces(&status("RUNNING", &["FAILED", "RUNNING", "FAILED"], trace)),
            "task 0, task 2: org.X: Exiting\nCaused by: org.Y: no bucket"
        );
        let long = "line\n".repeat(100);
        let told = traces(&status("FAILED", &[], &long));
        assert_eq!(told.lines().count(), MAX_TRACE_LINES);
        let silent = json!({"connector": {"state": "FAILED"}});
        let silent: Status = serde_json::from_value(silent).unwrap();
        assert_eq!(traces(&silent), "connector: the worker gives no reason");
    }
}
