//! `connect-coordinator-metrics`: the client by which a worker is in its group. Only what is measured is
//! shown: a zero that never moves would tell a dashboard that all is still.

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

impl GroupClient<'_> {
    pub fn mbeans(&self, beans: &mut Vec<MBean>) {
        let tags = vec![("client-id", format!("connect-{}", self.worker_id))];
        let mut bean = MBean::connect("connect-coordinator-metrics", tags);
        bean.gauge("assigned-connectors", self.num_connectors as f64);
        bean.gauge("assigned-tasks", self.num_tasks as f64);
        bean.counter("rebalance-total", self.num_rebalances);
        bean.gauge("rebalance-latency-avg", self.rebalance_avg_ms);
        bean.gauge("rebalance-latency-max", self.rebalance_max_ms);
        // Java's way to say never.
        let since_seconds = self.since_rebalance_ms.map_or(-1.0, |ms| ms / 1000.0);
        bean.gauge("last-rebalance-seconds-ago", since_seconds);
        beans.push(bean);
    }
}
