//! What the plots of the page are drawn from.

use connect_telemetry::metrics::{AttributeValue, MBean};
use serde::Serialize;
use std::collections::HashMap;

/// The answer of `/ui/figures`.
#[derive(Debug, Serialize)]
pub(super) struct Figures<'a> {
    /// Who is asking; `null` where nobody has to tell.
    pub user: Option<&'a str>,
    /// What he may do: `reader`, `writer` or `admin`.
    pub role: &'static str,
    /// The worker's time of these figures: rates come of two of them.
    pub time_ms: i64,
    /// The tasks of this worker; those of others are known there.
    pub tasks: Vec<TaskFigures>,
}

/// What a task has done since it was started.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct TaskFigures {
    connector: String,
    task: i32,
    /// Records that a source has written to Kafka, or that a sink has read from it.
    num_records: f64,
    /// Records that wait for a sink in all its partitions; `null` for a source, and before the first.
    lag: Option<f64>,
    /// Records that failed, whether they were skipped, set aside or ended the task.
    num_errors: f64,
}

impl TaskFigures {
    /// The figures of all tasks that these metrics know of.
    pub fn of(beans: &[MBean]) -> Vec<Self> {
        let mut lags: HashMap<&str, f64> = HashMap::new();
        let mut num_errors: HashMap<(&str, &str), f64> = HashMap::new();
        for bean in beans {
            match bean.bean_type {
                "consumer-fetch-manager-metrics" => {
                    if let (Some(client), Some(lag)) =
                        (bean.tag("client-id"), number(bean, "records-lag"))
                    {
                        *lags.entry(client).or_default() += lag;
                    }
                }
                "task-error-metrics" => {
                    if let (Some(task), Some(errors)) =
                        (task_tags(bean), number(bean, "total-record-errors"))
                    {
                        num_errors.insert(task, errors);
                    }
                }
                _ => {}
            }
        }
        beans
            .iter()
            .filter_map(|bean| {
                let total = match bean.bean_type {
                    "source-task-metrics" => "source-record-write-total",
                    "sink-task-metrics" => "sink-record-read-total",
                    _ => return None,
                };
                let (connector, task) = task_tags(bean)?;
                let consumer = format!("connector-consumer-{connector}-{task}");
                Some(Self {
                    connector: connector.to_string(),
                    task: task.parse().ok()?,
                    num_records: number(bean, total)?,
                    lag: lags.get(consumer.as_str()).copied(),
                    num_errors: num_errors.get(&(connector, task)).copied().unwrap_or(0.0),
                })
            })
            .collect()
    }
}

fn task_tags(bean: &MBean) -> Option<(&str, &str)> {
    bean.tag("connector").zip(bean.tag("task"))
}

fn number(bean: &MBean, attribute: &str) -> Option<f64> {
    match bean.attribute(attribute)? {
        AttributeValue::Gauge(value) | AttributeValue::Counter(value) => {
            Some(*value).filter(|value| value.is_finite())
        }
        AttributeValue::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::{ConnectorType, SystemClock};
    use connect_telemetry::metrics::{Metrics, MetricsConfig, PluginDescription, TaskDescription};
    use std::sync::Arc;

    fn description(connector: &str, task: i32, connector_type: ConnectorType) -> TaskDescription {
        let plugin = PluginDescription::default;
        TaskDescription {
            connector: connector.to_string(),
            task,
            connector_type,
            connector_plugin: plugin(),
            task_plugin: plugin(),
            key_converter: plugin(),
            value_converter: plugin(),
            header_converter: plugin(),
            transforms: Vec::new(),
            predicates: Vec::new(),
        }
    }

    #[test]
    fn figures_are_those_of_each_task() {
        let clock = SystemClock::new(|_| Box::pin(std::future::pending()));
        let metrics = Metrics::new(Arc::new(clock), MetricsConfig::default());
        let source = metrics.register_source_task(description("a", 1, ConnectorType::Source));
        source.record_write(7, 0);
        // The consumer of the second is not taken for one of the first.
        let sinks = [
            metrics.register_sink_task(description("s", 0, ConnectorType::Sink)),
            metrics.register_sink_task(description("s-0", 0, ConnectorType::Sink)),
        ];
        sinks[0].record_read(5);
        sinks[0].task().errors().record_error();
        sinks[0].set_record_lags(vec![("t".into(), 0, 3), ("t".into(), 1, 4)]);
        let figures = TaskFigures::of(&metrics.mbeans());
        let expected = |connector: &str, task, num_records, lag, num_errors| TaskFigures {
            connector: connector.to_string(),
            task,
            num_records,
            lag,
            num_errors,
        };
        assert_eq!(
            figures,
            [
                expected("a", 1, 7.0, None, 0.0),
                expected("s", 0, 5.0, Some(7.0), 1.0),
                expected("s-0", 0, 0.0, None, 0.0),
            ]
        );
    }
}
