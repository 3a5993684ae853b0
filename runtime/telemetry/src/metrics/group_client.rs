//! `connect-coordinator-metrics` and `connect-metrics`: the client by which a worker is in its group.

use super::mbean::MBean;

/// What is known of the group client.
pub(super) struct GroupClient<'a> {
    /// The id of the worker: `host:port`.
    pub worker_id: &'a str,
    pub num_connectors: usize,
    pub num_tasks: usize,
    pub num_rebalances: u64,
    pub rebalance_avg_ms: f64,
    pub rebalance_max_ms: f64,
    /// Since the last rebalance; `None` before the first.
    pub since_rebalance_ms: Option<f64>,
}

/// Attributes of the coordinator that nobody measures here. Dashboards find them all the same.
const COORDINATOR_UNMEASURED: &[&str] = &[
    "failed-rebalance-rate-per-hour",
    "failed-rebalance-total",
    "heartbeat-rate",
    "heartbeat-response-time-max",
    "heartbeat-total",
    "join-rate",
    "join-time-avg",
    "join-time-max",
    "join-total",
    "last-heartbeat-seconds-ago",
    "rebalance-latency-total",
    "rebalance-rate-per-hour",
    "sync-rate",
    "sync-time-avg",
    "sync-time-max",
    "sync-total",
];

/// Attributes of the network client, of which none is measured here.
const NETWORK_UNMEASURED: &[&str] = &[
    "connection-close-rate",
    "connection-close-total",
    "connection-count",
    "connection-creation-rate",
    "connection-creation-total",
    "failed-authentication-rate",
    "failed-authentication-total",
    "failed-reauthentication-rate",
    "failed-reauthentication-total",
    "incoming-byte-rate",
    "incoming-byte-total",
    "io-ratio",
    "io-time-ns-avg",
    "io-time-ns-total",
    "io-wait-ratio",
    "io-wait-time-ns-avg",
    "io-wait-time-ns-total",
    "network-io-rate",
    "network-io-total",
    "outgoing-byte-rate",
    "outgoing-byte-total",
    "reauthentication-latency-avg",
    "reauthentication-latency-max",
    "request-rate",
    "request-size-avg",
    "request-size-max",
    "request-total",
    "response-rate",
    "response-total",
    "select-rate",
    "select-total",
    "successful-authentication-no-reauth-total",
    "successful-authentication-rate",
    "successful-authentication-total",
    "successful-reauthentication-rate",
    "successful-reauthentication-total",
];

impl GroupClient<'_> {
    pub fn mbeans(&self, beans: &mut Vec<MBean>) {
        let tags = || vec![("client-id", format!("connect-{}", self.worker_id))];
        let mut bean = MBean::connect("connect-coordinator-metrics", tags());
        bean.gauge("assigned-connectors", self.num_connectors as f64);
        bean.gauge("assigned-tasks", self.num_tasks as f64);
        bean.counter("rebalance-total", self.num_rebalances);
        bean.gauge("rebalance-latency-avg", self.rebalance_avg_ms);
        bean.gauge("rebalance-latency-max", self.rebalance_max_ms);
        // Java's way to say never.
        let since_seconds = self.since_rebalance_ms.map_or(-1.0, |ms| ms / 1000.0);
        bean.gauge("last-rebalance-seconds-ago", since_seconds);
        unmeasured(&mut bean, COORDINATOR_UNMEASURED);
        beans.push(bean);
        let mut bean = MBean::connect("connect-metrics", tags());
        unmeasured(&mut bean, NETWORK_UNMEASURED);
        beans.push(bean);
    }
}

/// The values of attributes that were never recorded: no average, no maximum, and else nothing.
fn unmeasured(bean: &mut MBean, attributes: &[&'static str]) {
    for attribute in attributes {
        if attribute.ends_with("-total") {
            bean.counter(attribute, 0);
        } else if attribute.ends_with("-avg") || attribute.ends_with("-max") {
            bean.gauge(attribute, f64::NAN);
        } else {
            bean.gauge(attribute, 0.0);
        }
    }
}
