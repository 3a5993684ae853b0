//! What a worker's REST API tells about connectors and tasks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// All connectors, by name.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The connectors.
    pub connectors: Vec<Connector>,
}

/// A connector.
#[derive(Debug, Serialize)]
pub struct Connector {
    /// The name.
    pub name: String,
    /// `source` or `sink`.
    #[serde(rename = "type")]
    pub connector_type: String,
    /// The class.
    pub class: String,
    /// `RUNNING`, `FAILED`, ...
    pub state: String,
    /// The worker that runs it.
    pub worker_id: String,
    /// The first line of why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its tasks, by number.
    pub tasks: Vec<Task>,
}

/// A task. Rates are known of tasks on the worker that answers.
#[derive(Debug, Serialize)]
pub struct Task {
    /// The number.
    pub id: i64,
    /// `RUNNING`, `FAILED`, ...
    pub state: String,
    /// The worker that runs it.
    pub worker_id: String,
    /// Records written to or read from Kafka a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_per_second: Option<f64>,
    /// Records that wait in Kafka for a sink, in the partition that is furthest behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<f64>,
    /// The first line of why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Deserialize)]
struct Expanded {
    status: Status,
    info: Option<Info>,
}

/// `GET /connectors/NAME/status`.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// The connector's own state.
    pub connector: State,
    /// Those of its tasks.
    #[serde(default)]
    pub tasks: Vec<TaskState>,
    #[serde(rename = "type", default)]
    connector_type: String,
}

/// The state of a connector or task.
#[derive(Debug, Deserialize)]
pub struct State {
    /// `RUNNING`, `FAILED`, ...
    pub state: String,
    #[serde(default)]
    worker_id: String,
    /// Why it failed.
    pub trace: Option<String>,
}

/// The state of a task.
#[derive(Debug, Deserialize)]
pub struct TaskState {
    /// The number.
    pub id: i64,
    /// Its state.
    #[serde(flatten)]
    pub state: State,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    config: BTreeMap<String, Value>,
}

impl Report {
    /// Reads the answers of `/connectors?expand=status&expand=info` and `/metrics`; the second may
    /// be empty.
    pub fn new(connectors: &str, metrics: &str) -> Result<Self, serde_json::Error> {
        let expanded: BTreeMap<String, Expanded> = serde_json::from_str(connectors)?;
        let rates = Rates::parse(metrics);
        let connectors = expanded
            .into_iter()
            .map(|(name, expanded)| connector(name, expanded, &rates))
            .collect();
        Ok(Self { connectors })
    }
}

fn connector(name: String, expanded: Expanded, rates: &Rates) -> Connector {
    let Expanded { status, info } = expanded;
    let class = info
        .and_then(|info| Some(info.config.get("connector.class")?.as_str()?.to_string()))
        .unwrap_or_default();
    let mut tasks: Vec<Task> = status
        .tasks
        .into_iter()
        .map(|TaskState { id, state }| Task {
            id,
            records_per_second: rates.rate(&name, id),
            lag: rates.lag(&name, id),
            error: first_line(state.trace),
            state: state.state,
            worker_id: state.worker_id,
        })
        .collect();
    tasks.sort_by_key(|task| task.id);
    Connector {
        name,
        connector_type: status.connector_type,
        class,
        state: status.connector.state,
        worker_id: status.connector.worker_id,
        error: first_line(status.connector.trace),
        tasks,
    }
}

/// The line of a trace that says most to a person: the cause at the end of the chain.
fn first_line(trace: Option<String>) -> Option<String> {
    let trace = trace?;
    let mut lines = trace.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let cause = lines
        .filter_map(|line| line.strip_prefix("Caused by: "))
        .next_back();
    // The outermost line only says that the task has ended.
    let is_empty_talk = first.contains("due to unrecoverable exception");
    Some(cause.filter(|_| is_empty_talk).unwrap_or(first).to_string())
}

/// The series of interest out of Prometheus text, by connector and task.
struct Rates {
    rates: HashMap<(String, i64), f64>,
    lags: HashMap<(String, i64), f64>,
}

impl Rates {
    fn parse(metrics: &str) -> Self {
        let mut rates = HashMap::new();
        let mut lags: HashMap<(String, i64), f64> = HashMap::new();
        for line in metrics.lines() {
            let Some((name, labels, value)) = series(line) else {
                continue;
            };
            let is_rate = matches!(
                name,
                "kafka_connect_source_task_source_record_write_rate"
                    | "kafka_connect_sink_task_sink_record_read_rate"
            );
            let is_lag = name.ends_with("records_lag_max");
            if !is_rate && !is_lag {
                continue;
            }
            let label = |wanted| labels.iter().find(|(label, _)| label == wanted);
            let task = match (
                label("connector"),
                label("task"),
                label("client_id").or_else(|| label("clientId")),
            ) {
                (Some((_, connector)), Some((_, task)), _) => {
                    task.parse().ok().map(|task| (connector.clone(), task))
                }
                (_, _, Some((_, client_id))) => task_of_consumer(client_id),
                _ => None,
            };
            let Some(task) = task.filter(|_| value.is_finite()) else {
                continue;
            };
            if is_rate {
                rates.insert(task, value);
            } else {
                let lag = lags.entry(task).or_insert(value);
                *lag = lag.max(value);
            }
        }
        Self { rates, lags }
    }

    fn rate(&self, connector: &str, task: i64) -> Option<f64> {
        self.rates.get(&(connector.to_string(), task)).copied()
    }

    fn lag(&self, connector: &str, task: i64) -> Option<f64> {
        self.lags.get(&(connector.to_string(), task)).copied()
    }
}

/// The task whose consumer has this id.
fn task_of_consumer(client_id: &str) -> Option<(String, i64)> {
    let (connector, task) = client_id
        .strip_prefix("connector-consumer-")?
        .rsplit_once('-')?;
    Some((connector.to_string(), task.parse().ok()?))
}

type Labels = Vec<(String, String)>;

/// Name, labels and value of a line like `name{label="value"} 1.5`; `None` for anything else.
fn series(line: &str) -> Option<(&str, Labels, f64)> {
    let line = line.trim();
    let name_end = line.find(['{', ' ']).filter(|_| !line.starts_with('#'))?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(tail) = rest.strip_prefix('}') {
                rest = tail;
                break;
            }
            let (label, tail) = rest.split_once("=\"")?;
            let (value, tail) = quoted(tail)?;
            labels.push((label.to_string(), value));
            rest = tail;
        }
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name, labels, value))
}

/// The text up to the closing quote, unescaped, and what comes behind.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONNECTORS: &str = r#"{
      "s3": {
        "status": {"name": "s3", "connector": {"state": "RUNNING", "worker_id": "a:1", "version": "1"},
          "tasks": [
            {"id": 1, "state": "FAILED", "worker_id": "a:1",
             "trace": "org.X: Exiting WorkerSinkTask due to unrecoverable exception.\n\tat q.f\nCaused by: org.Y: no bucket\nCaused by: org.Z: 404\n\tat x.g\n"},
            {"id": 0, "state": "RUNNING", "worker_id": "a:1"}],
          "type": "sink"},
        "info": {"name": "s3", "config": {"connector.class": "S3SinkConnector"}, "tasks": [], "type": "sink"}},
      "broken": {
        "status": {"name": "broken", "connector": {"state": "FAILED", "worker_id": "b:2", "trace": "org.X: bad\n\tat y"},
          "tasks": [], "type": "source"},
        "info": null}
    }"#;

    const METRICS: &str = r#"# TYPE kafka_connect_sink_task_sink_record_read_rate gauge
kafka_connect_sink_task_sink_record_read_rate{connector="s3",task="0"} 12.5
kafka_connect_sink_task_sink_record_read_rate{connector="s3",task="1"} NaN
kafka_consumer_fetch_manager_records_lag_max{client_id="connector-consumer-s3-0",topic="a"} 7
kafka_consumer_fetch_manager_records_lag_max{client_id="connector-consumer-s3-0",topic="b"} 9
nonsense{
"#;

    #[test]
    fn states_rates_and_errors_come_together() {
        let report = Report::new(CONNECTORS, METRICS).unwrap();
        let [broken, s3] = report.connectors.as_slice() else {
            panic!("{report:?}");
        };
        assert_eq!(broken.error.as_deref(), Some("org.X: bad"));
        assert_eq!(
            (broken.class.as_str(), broken.worker_id.as_str()),
            ("", "b:2")
        );
        assert_eq!(
            (s3.class.as_str(), s3.connector_type.as_str()),
            ("S3SinkConnector", "sink")
        );
        let ids: Vec<_> = s3.tasks.iter().map(|task| task.id).collect();
        assert_eq!(ids, [0, 1]);
        assert_eq!(s3.tasks[0].records_per_second, Some(12.5));
        assert_eq!(s3.tasks[0].lag, Some(9.0));
        assert_eq!(s3.tasks[1].records_per_second, None);
        assert_eq!(s3.tasks[1].error.as_deref(), Some("org.Z: 404"));
    }

    #[test]
    fn numbers_may_be_missing_but_not_the_states() {
        assert_eq!(
            Report::new(CONNECTORS, "").unwrap().connectors[1].tasks[0].lag,
            None
        );
        assert!(Report::new("<html>", "").is_err());
        assert!(Report::new("{}", "").unwrap().connectors.is_empty());
    }

    #[test]
    fn json_holds_what_the_table_shows() {
        let report = Report::new(CONNECTORS, METRICS).unwrap();
        let json: Value = serde_json::from_str(&crate::output::json(&report)).unwrap();
        assert_eq!(json["connectors"][1]["type"], "sink");
        assert_eq!(json["connectors"][1]["tasks"][0]["lag"], 9.0);
        assert_eq!(json["connectors"][0]["error"], "org.X: bad");
    }

    #[test]
    fn labels_are_unescaped() {
        let (name, labels, value) = series(r#"a{b="x\"y\\z\n",c="d"} 4 123"#).unwrap();
        assert_eq!((name, value), ("a", 4.0));
        assert_eq!(labels[0], ("b".to_string(), "x\"y\\z\n".to_string()));
        assert_eq!(labels[1], ("c".to_string(), "d".to_string()));
        assert_eq!(series("up 1").unwrap().0, "up");
    }

    proptest! {
        #[test]
        fn any_line_is_a_series_or_none(line in "(?s).*") {
            let _ = series(&line);
            let _ = series(&format!("a{{b=\"{line}"));
        }
    }
}
