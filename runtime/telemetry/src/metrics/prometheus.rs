//! The text form that Prometheus reads, under the two sets of names that dashboards exist for.
//!
//! Both turn `type=source-task-metrics` and its attribute `poll-batch-avg-time-ms` into one name with
//! underscores, and tags into labels. A text attribute is a series of its own with the text as a label
//! and the value 1.

use super::mbean::{AttributeValue, MBean};
use super::registry::Metrics;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The naming rules of metrics that dashboards exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialects {
    /// Both.
    Both,
    /// Those of the JMX exporter's sample and Strimzi: `kafka_connect_worker_connector_count`.
    JmxExporter,
    /// Those of Confluent's monitoring stack: `kafka_connect_connect_worker_metrics_connector_count`.
    Confluent,
}

/// The present values of all metrics as Prometheus text (version 0.0.4).
pub fn render_prometheus(metrics: &Metrics, dialects: Dialects) -> String {
    let beans = metrics.mbeans();
    let mut families = Families::default();
    if dialects != Dialects::Confluent {
        for bean in &beans {
            jmx_exporter(bean, &mut families);
        }
    }
    if dialects != Dialects::JmxExporter {
        for bean in &beans {
            confluent(bean, &mut families);
        }
    }
    families.render()
}

type Labels = Vec<(String, String)>;

/// Series under their names; all series of a name stand together, as the format demands.
#[derive(Default)]
struct Families(BTreeMap<String, Family>);

#[derive(Default)]
struct Family {
    is_counter: bool,
    series: BTreeMap<Labels, f64>,
}

impl Families {
    fn add(&mut self, name: String, labels: Labels, value: f64, is_counter: bool) {
        let family = self.0.entry(name).or_default();
        family.is_counter |= is_counter;
        family.series.insert(labels, value);
    }

    fn add_attribute(&mut self, name: String, labels: Labels, value: &AttributeValue) {
        match value {
            AttributeValue::Gauge(value) => self.add(name, labels, *value, false),
            AttributeValue::Counter(value) => self.add(name, labels, *value, true),
            AttributeValue::Text(_) => {}
        }
    }

    fn render(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.0 {
            let kind = if family.is_counter {
                "counter"
            } else {
                "gauge"
            };
            let _ = writeln!(text, "# TYPE {name} {kind}");
            for (labels, value) in &family.series {
                text.push_str(name);
                push_labels(&mut text, labels);
                text.push(' ');
                push_value(&mut text, *value);
                text.push('\n');
            }
        }
        text
    }
}

fn push_labels(text: &mut String, labels: &Labels) {
    for (index, (label, value)) in labels.iter().enumerate() {
        text.push(if index == 0 { '{' } else { ',' });
        text.push_str(label);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    if !labels.is_empty() {
        text.push('}');
    }
}

fn push_value(text: &mut String, value: f64) {
    // Writing to a String cannot fail.
    let _ = if value.is_nan() {
        write!(text, "NaN")
    } else if value.is_infinite() {
        write!(text, "{}Inf", if value > 0.0 { '+' } else { '-' })
    } else {
        write!(text, "{value}")
    };
}

fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// Tags as labels: `client-id` becomes what `client_id_label` says.
fn labels_of(bean: &MBean, client_id_label: &str) -> Labels {
    let label = |tag: &str| match tag {
        "client-id" => client_id_label.to_string(),
        tag => underscored(tag),
    };
    bean.tags
        .iter()
        .map(|(tag, value)| (label(tag), value.clone()))
        .collect()
}

fn with_label(labels: &Labels, label: &str, value: &str) -> Labels {
    let mut labels = labels.clone();
    labels.push((label.to_string(), value.to_string()));
    labels
}

/// `kafka.connect` as a prefix.
fn domain_prefix(bean: &MBean) -> String {
    bean.domain.replace(['.', '-'], "_")
}

fn jmx_exporter(bean: &MBean, families: &mut Families) {
    let labels = labels_of(bean, "clientId");
    let prefix = domain_prefix(bean);
    match bean.bean_type {
        "app-info" => return jmx_exporter_app_info(bean, &labels, families),
        "connector-metrics" => {
            for (attribute, value) in &bean.attributes {
                let AttributeValue::Text(text) = value else {
                    continue;
                };
                let attribute = underscored(attribute);
                let suffix = attribute.strip_prefix("connector_").unwrap_or(&attribute);
                let name = match suffix {
                    "status" => format!("{prefix}_connector_status"),
                    suffix => format!("{prefix}_connector_connector_{suffix}"),
                };
                families.add(name, with_label(&labels, &attribute, text), 1.0, false);
            }
            return;
        }
        "connector-task-metrics" => {
            if let Some(AttributeValue::Text(status)) = bean.attribute("status") {
                let labels = with_label(&labels, "status", status);
                for name in ["connector_status", "connector_task_status"] {
                    families.add(format!("{prefix}_{name}"), labels.clone(), 1.0, false);
                }
            }
        }
        _ => {}
    }
    // The type loses `-metrics`, and the name of the domain where it would stand twice.
    let bean_type = bean
        .bean_type
        .strip_suffix("-metrics")
        .unwrap_or(bean.bean_type);
    let domain_name = bean.domain.rsplit('.').next().unwrap_or(bean.domain);
    let group = match bean_type.strip_prefix(domain_name) {
        Some("") => "",
        Some(rest) => rest.strip_prefix('-').unwrap_or(bean_type),
        None => bean_type,
    };
    for (attribute, value) in &bean.attributes {
        let mut name = prefix.clone();
        for part in [group, attribute] {
            if !part.is_empty() {
                name.push('_');
                name.push_str(&underscored(part));
            }
        }
        families.add_attribute(name, labels.clone(), value);
    }
}

fn jmx_exporter_app_info(bean: &MBean, labels: &Labels, families: &mut Families) {
    if labels.is_empty() {
        return;
    }
    let prefix = domain_prefix(bean);
    for (attribute, value) in &bean.attributes {
        match value {
            AttributeValue::Gauge(start_time_ms) if *attribute == "start-time-ms" => families.add(
                format!("{prefix}_start_time_seconds"),
                labels.clone(),
                start_time_ms / 1000.0,
                false,
            ),
            AttributeValue::Text(text) => {
                let attribute = underscored(attribute);
                let labels = with_label(labels, &attribute, text);
                families.add(format!("{prefix}_{attribute}_info"), labels, 1.0, false);
            }
            AttributeValue::Gauge(_) | AttributeValue::Counter(_) => {}
        }
    }
}

fn confluent(bean: &MBean, families: &mut Families) {
    let labels = labels_of(bean, "client_id");
    let prefix = domain_prefix(bean);
    if bean.bean_type == "app-info" && bean.tags.is_empty() {
        return;
    }
    if bean.bean_type == "connect-worker-metrics" && bean.tags.is_empty() {
        for (attribute, value) in &bean.attributes {
            let name = format!("{prefix}_connect_worker_metrics_{}", underscored(attribute));
            let labels = with_label(&labels, "connector", "aggregate");
            families.add_attribute(name, labels, value);
        }
        return;
    }
    let group = format!("{prefix}_{}", underscored(bean.bean_type));
    let info_names: &[&str] = match bean.bean_type {
        "connector-metrics" => &[
            "kafka_connect_connector_metrics",
            "kafka_connect_connector_info",
        ],
        "app-info" => &["kafka_connect_app_info"],
        _ => &[],
    };
    for (attribute, value) in &bean.attributes {
        let attribute = underscored(attribute);
        let text = match value {
            AttributeValue::Text(text) => Some(text.clone()),
            AttributeValue::Gauge(value) if bean.bean_type == "app-info" => Some(value.to_string()),
            AttributeValue::Gauge(_) | AttributeValue::Counter(_) => None,
        };
        match text {
            Some(text) => {
                for name in info_names {
                    let labels = with_label(&labels, &attribute, &text);
                    families.add((*name).to_string(), labels, 1.0, false);
                }
            }
            None => families.add_attribute(format!("{group}_{attribute}"), labels.clone(), value),
        }
    }
}
