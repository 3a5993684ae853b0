//! The metrics of a worker under Kafka's MBean and attribute names.
//!
//! Registered metrics are shown for as long as any clone of their handle lives; whoever owns a
//! connector or a task keeps one, also after it has failed, and drops it when the thing is removed. A
//! second registration under the same name takes the place of the first.

mod app_info;
mod connector;
mod group_client;
mod mbean;
mod prometheus;
mod rebalance;
mod registry;
mod sampled;
mod sink;
mod source;
mod state;
mod task;
mod task_errors;
mod worker;

#[cfg(test)]
mod tests;

pub use app_info::AppInfo;
pub use connector::{ConnectorDescription, ConnectorMetrics};
pub use mbean::{AttributeValue, MBean, MBeanSource};
pub use prometheus::{Dialects, render_prometheus};
pub use rebalance::RebalanceMetrics;
pub use registry::{Metrics, MetricsConfig};
pub use sink::SinkTaskMetrics;
pub use source::SourceTaskMetrics;
pub use state::State;
pub use task::{AliasedPlugin, PluginDescription, TaskDescription, TaskMetrics};
pub use task_errors::TaskErrorMetrics;
pub use worker::WorkerMetrics;
