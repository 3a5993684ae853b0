//! `app-info`.

use super::mbean::MBean;

/// The version of a worker and when it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppInfo {
    /// The id of the worker: `host:port`.
    pub worker_id: String,
    /// The version.
    pub version: String,
    /// The commit that it was built from.
    pub commit_id: String,
    /// When it was started, in milliseconds since the epoch.
    pub start_time_ms: i64,
}

impl AppInfo {
    /// One bean without a tag, one under the worker's id and one under its group client's.
    pub(super) fn mbeans(&self, beans: &mut Vec<MBean>) {
        let client_ids = [
            None,
            Some(self.worker_id.clone()),
            Some(format!("connect-{}", self.worker_id)),
        ];
        for client_id in client_ids {
            let tags = client_id.map(|id| ("client-id", id)).into_iter().collect();
            let mut bean = MBean::connect("app-info", tags);
            bean.gauge("start-time-ms", self.start_time_ms as f64);
            bean.text("commit-id", self.commit_id.as_str());
            bean.text("version", self.version.as_str());
            beans.push(bean);
        }
    }
}
