use super::*;
use connect_api::{Clock, ConnectorType};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that stands still until it is told.
#[derive(Default)]
struct SetClock(AtomicU64);

impl SetClock {
    fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.load(Ordering::Relaxed)).expect("small")
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn metrics() -> (Arc<SetClock>, Metrics) {
    let clock = Arc::new(SetClock::default());
    let metrics = Metrics::new(clock.clone(), MetricsConfig::default());
    (clock, metrics)
}

fn plugin(class: &str) -> PluginDescription {
    PluginDescription {
        class: class.to_string(),
        version: Some("4.3.1".to_string()),
    }
}

fn task(connector: &str, number: i32, connector_type: ConnectorType) -> TaskDescription {
    TaskDescription {
        connector: connector.to_string(),
        task: number,
        connector_type,
        connector_plugin: plugin("org.example.Connector"),
        task_plugin: plugin("org.example.Task"),
        key_converter: plugin("org.example.Converter"),
        value_converter: plugin("org.example.Converter"),
        header_converter: plugin("org.example.HeaderConverter"),
        transforms: vec![AliasedPlugin {
            alias: "t".to_string(),
            plugin: plugin("org.example.Transform"),
        }],
        predicates: vec![AliasedPlugin {
            alias: "p".to_string(),
            plugin: plugin("org.example.Predicate"),
        }],
    }
}

fn connector(name: &str) -> ConnectorDescription {
    ConnectorDescription {
        connector: name.to_string(),
        class: "org.example.Connector".to_string(),
        version: "4.3.1".to_string(),
        connector_type: ConnectorType::Sink,
    }
}

fn number(metrics: &Metrics, bean_type: &str, attribute: &str) -> f64 {
    let beans = metrics.mbeans();
    let bean = beans
        .iter()
        .find(|bean| bean.bean_type == bean_type)
        .unwrap_or_else(|| panic!("no {bean_type}"));
    match bean.attribute(attribute) {
        Some(AttributeValue::Gauge(value) | AttributeValue::Counter(value)) => *value,
        other => panic!("{bean_type} {attribute}: {other:?}"),
    }
}

/// The beans and attributes that a JVM worker 4.3.1 showed, without those of the clients of tasks, and of
/// the group's client those that are measured here.
const CATALOGUE: &str = include_str!("catalogue_4_3_1.txt");

#[test]
fn every_bean_and_attribute_of_the_jvm_worker_is_there() {
    let (_clock, metrics) = metrics();
    metrics.set_app_info(AppInfo {
        worker_id: "<worker_id>".to_string(),
        version: "4.3.1".to_string(),
        commit_id: "0".to_string(),
        start_time_ms: 0,
    });
    let _connector = metrics.register_connector(connector("<c>"));
    let _sink = metrics.register_sink_task(task("<c>", 0, ConnectorType::Sink));
    let _source = metrics.register_source_task(task("<c>", 1, ConnectorType::Source));
    let mut shown: Vec<String> = metrics
        .mbeans()
        .iter()
        .flat_map(|bean| {
            let tags: Vec<&str> = bean.tags.iter().map(|(tag, _)| *tag).collect();
            let bean_name = format!("{} {}", bean.bean_type, tags.join(","));
            bean.attributes
                .iter()
                .map(|(attribute, _)| format!("{bean_name} {attribute}"))
                .collect::<Vec<_>>()
        })
        .collect();
    shown.sort();
    shown.dedup();
    let mut expected: Vec<&str> = CATALOGUE.lines().collect();
    expected.sort_unstable();
    assert_eq!(shown, expected);
}

#[test]
fn a_source_task_counts_what_it_polls_and_writes() {
    let (clock, metrics) = metrics();
    let source = metrics.register_source_task(task("c", 0, ConnectorType::Source));
    source.record_poll(10, Duration::from_millis(7));
    source.record_write(6, 2);
    clock.advance_ms(30_000);
    let value = |attribute| number(&metrics, "source-task-metrics", attribute);
    assert_eq!(value("source-record-poll-total"), 10.0);
    assert_eq!(value("source-record-write-total"), 4.0);
    assert_eq!(value("source-record-active-count"), 4.0);
    assert_eq!(value("source-record-active-count-max"), 10.0);
    assert_eq!(value("source-record-active-count-avg"), 7.0);
    assert_eq!(value("source-record-poll-rate"), 10.0 / 30.0);
    assert_eq!(value("poll-batch-max-time-ms"), 7.0);
    assert!(value("transaction-size-avg").is_nan());
    clock.advance_ms(60_000);
    assert_eq!(value("source-record-poll-rate"), 0.0);
    assert_eq!(value("source-record-poll-total"), 10.0);
}

#[test]
fn a_plugin_shows_what_it_measures_itself() {
    let (_clock, metrics) = metrics();
    let source = metrics.register_source_task(task("c", 0, ConnectorType::Source));
    assert!(
        !metrics
            .mbeans()
            .iter()
            .any(|bean| bean.bean_type == "plugins")
    );
    let lag = source.plugin_metrics().gauge("latest-lag-secs");
    lag.set(3.0);
    assert_eq!(number(&metrics, "plugins", "latest-lag-secs"), 3.0);
    let text = render_prometheus(&metrics, Dialects::JmxExporter);
    let series = "kafka_connect_plugins_latest_lag_secs{connector=\"c\",task=\"0\"} 3";
    assert!(text.lines().any(|line| line == series), "{text}");
}

#[test]
fn a_sink_task_counts_what_it_reads_and_puts() {
    let (_clock, metrics) = metrics();
    let sink = metrics.register_sink_task(task("c", 0, ConnectorType::Sink));
    sink.record_read(5);
    sink.record_send(4);
    sink.record_put(Duration::from_millis(3));
    sink.set_partition_count(2);
    sink.set_active_count(5);
    sink.set_offset_commit_seq_no(9);
    sink.record_offset_commit_completion();
    sink.task()
        .record_offset_commit(true, Duration::from_millis(20));
    sink.task()
        .record_offset_commit(false, Duration::from_millis(900));
    let value = |attribute| number(&metrics, "sink-task-metrics", attribute);
    assert_eq!(value("sink-record-read-total"), 5.0);
    assert_eq!(value("sink-record-send-total"), 4.0);
    assert_eq!(value("put-batch-avg-time-ms"), 3.0);
    assert_eq!(value("partition-count"), 2.0);
    assert_eq!(value("sink-record-active-count"), 5.0);
    assert_eq!(value("offset-commit-seq-no"), 9.0);
    assert_eq!(value("offset-commit-completion-total"), 1.0);
    let value = |attribute| number(&metrics, "connector-task-metrics", attribute);
    assert_eq!(value("offset-commit-max-time-ms"), 20.0);
    assert_eq!(value("offset-commit-success-percentage"), 0.5);
}

#[test]
fn the_worker_counts_what_is_registered_and_forgets_what_is_dropped() {
    let (_clock, metrics) = metrics();
    let first = metrics.register_connector(connector("c"));
    let sink = metrics.register_sink_task(task("c", 0, ConnectorType::Sink));
    let failed = metrics.register_sink_task(task("c", 1, ConnectorType::Sink));
    failed.task().set_state(State::Failed);
    metrics.worker().record_task_startup(true);
    metrics.worker().record_task_startup(false);
    let value = |attribute| number(&metrics, "connect-worker-metrics", attribute);
    assert_eq!(value("connector-count"), 1.0);
    assert_eq!(value("task-count"), 2.0);
    assert_eq!(value("task-startup-failure-percentage"), 0.5);
    let text = render_prometheus(&metrics, Dialects::Both);
    assert!(text.contains("kafka_connect_worker_connector_failed_task_count{connector=\"c\"} 1\n"));

    // The successor takes the place before the predecessor is gone.
    let second = metrics.register_connector(connector("c"));
    drop(first);
    assert_eq!(value("connector-count"), 1.0);
    drop((second, sink, failed));
    assert_eq!(value("connector-count"), 0.0);
    assert_eq!(value("task-count"), 0.0);
    assert!(!render_prometheus(&metrics, Dialects::Both).contains("connector=\"c\""));
}

#[test]
fn rebalances_are_infinitely_long_ago_before_the_first() {
    let (clock, metrics) = metrics();
    let value = |attribute| number(&metrics, "connect-worker-rebalance-metrics", attribute);
    assert!(value("time-since-last-rebalance-ms").is_infinite());
    metrics.rebalance().record_started();
    assert_eq!(value("rebalancing"), 1.0);
    metrics
        .rebalance()
        .record_completed(3, "http://a:8083/", Duration::from_millis(12));
    clock.advance_ms(500);
    assert_eq!(value("rebalancing"), 0.0);
    assert_eq!(value("epoch"), 3.0);
    assert_eq!(value("rebalance-max-time-ms"), 12.0);
    assert_eq!(value("time-since-last-rebalance-ms"), 500.0);
}

/// The names that dashboards and alerts ask for most often, in both dialects.
#[test]
fn dashboards_find_their_names() {
    let (_clock, metrics) = metrics();
    metrics.set_app_info(AppInfo {
        worker_id: "h:8083".to_string(),
        version: "4.3.1".to_string(),
        commit_id: "abc".to_string(),
        start_time_ms: 1_500,
    });
    let connector = metrics.register_connector(connector("c"));
    connector.set_state(State::Running);
    let sink = metrics.register_sink_task(task("c", 0, ConnectorType::Sink));
    sink.task().set_state(State::Failed);
    let _source = metrics.register_source_task(task("s", 0, ConnectorType::Source));
    let text = render_prometheus(&metrics, Dialects::Both);
    for series in [
        "kafka_connect_worker_connector_count 1",
        "kafka_connect_worker_connector_failed_task_count{connector=\"c\"} 1",
        "kafka_connect_worker_rebalance_completed_rebalances_total 0",
        "kafka_connect_connector_task_batch_size_max{connector=\"c\",task=\"0\"} NaN",
        "kafka_connect_source_task_source_record_poll_total{connector=\"s\",task=\"0\"} 0",
        "kafka_connect_task_error_total_record_failures{connector=\"c\",task=\"0\"} 0",
        "kafka_connect_connector_status{connector=\"c\",task=\"0\",status=\"failed\"} 1",
        "kafka_connect_connector_task_status{connector=\"c\",task=\"0\",status=\"failed\"} 1",
        "kafka_connect_connector_status{connector=\"c\",status=\"running\"} 1",
        "kafka_connect_connector_connector_type{connector=\"c\",connector_type=\"sink\"} 1",
        "kafka_connect_start_time_seconds{clientId=\"h:8083\"} 1.5",
        "kafka_connect_version_info{clientId=\"h:8083\",version=\"4.3.1\"} 1",
        "kafka_connect_connect_worker_metrics_connector_count{connector=\"aggregate\"} 1",
        "kafka_connect_connect_worker_metrics_connector_failed_task_count{connector=\"c\"} 1",
        "kafka_connect_connect_worker_rebalance_metrics_time_since_last_rebalance_ms +Inf",
        "kafka_connect_connector_task_metrics_pause_ratio{connector=\"c\",task=\"0\"} 0",
        "kafka_connect_sink_task_metrics_partition_count{connector=\"c\",task=\"0\"} 0",
        "kafka_connect_task_error_metrics_total_record_errors{connector=\"c\",task=\"0\"} 0",
        "kafka_connect_connector_metrics{connector=\"c\",status=\"running\"} 1",
        "kafka_connect_connector_info{connector=\"c\",connector_version=\"4.3.1\"} 1",
        "kafka_connect_app_info{client_id=\"h:8083\",start_time_ms=\"1500\"} 1",
        "kafka_connect_coordinator_assigned_tasks{clientId=\"connect-h:8083\"} 2",
        "kafka_connect_coordinator_last_rebalance_seconds_ago{clientId=\"connect-h:8083\"} -1",
        "kafka_connect_connect_coordinator_metrics_assigned_connectors{client_id=\"connect-h:8083\"} 1",
    ] {
        assert!(text.lines().any(|line| line == series), "{series}\n{text}");
    }
    let only_a = render_prometheus(&metrics, Dialects::JmxExporter);
    assert!(!only_a.contains("kafka_connect_connect_worker_metrics"));
    let only_b = render_prometheus(&metrics, Dialects::Confluent);
    assert!(!only_b.contains("kafka_connect_worker_connector_count"));
}

#[test]
fn label_values_are_escaped_and_types_stand_once() {
    let (_clock, metrics) = metrics();
    let _connector = metrics.register_connector(connector("a\"b\\c\nd"));
    let text = render_prometheus(&metrics, Dialects::Confluent);
    assert!(text.contains("connector=\"a\\\"b\\\\c\\nd\""));
    let mut types: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    let count = types.len();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), count);
}
