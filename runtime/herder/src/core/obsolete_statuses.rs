//! Statuses of what is not configured any more; the leader removes them.

use connect_store::{ClusterConfigState, ConnectorTaskId, StatusStore};

/// What has a status and is not configured.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ObsoleteStatuses {
    pub(crate) connectors: Vec<String>,
    pub(crate) tasks: Vec<ConnectorTaskId>,
}

impl ObsoleteStatuses {
    pub(crate) fn find(configs: &ClusterConfigState, statuses: &dyn StatusStore) -> Self {
        let mut found = Self::default();
        for connector in statuses.connectors() {
            let is_configured = configs.contains(&connector);
            let configured = configs.tasks(&connector);
            // An inconsistent set says nothing about which tasks there are to be.
            let keeps_tasks = is_configured && configs.is_inconsistent(&connector);
            let tasks = statuses.tasks(&connector).into_iter();
            let tasks = tasks.map(|task| task.id);
            found
                .tasks
                .extend(tasks.filter(|task| !keeps_tasks && !configured.contains(task)));
            if !is_configured {
                found.connectors.push(connector);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::ConfigMap;
    use connect_kafka::log::{MemoryLog, MemoryTopic};
    use connect_store::{
        ConfigStore, ConnectorStatus, KafkaConfigStore, MemoryStatusStore, State, Status,
        TaskStatus,
    };
    use futures::FutureExt;
    use std::sync::Arc;

    fn status() -> Status {
        Status {
            state: State::Running,
            trace: None,
            worker_id: "w:8083".to_string(),
            generation: 1,
            version: None,
        }
    }

    fn task(connector: &str, task: i32) -> ConnectorTaskId {
        ConnectorTaskId {
            connector: connector.into(),
            task,
        }
    }

    // The store bounds its waiting by the clock of a runtime.
    #[tokio::test]
    async fn connectors_and_tasks_that_are_gone_are_found_and_no_others() {
        let topic = MemoryTopic::new("configs", 1);
        let log = Arc::new(MemoryLog::new(&topic));
        let store = KafkaConfigStore::new(log.clone());
        let written = |outcome: Option<connect_store::StoreResult<()>>| {
            assert!(matches!(outcome, Some(Ok(()))), "memory takes it at once");
        };
        written(store.start().now_or_never());
        let config = ConfigMap::from_iter([("connector.class", "C")]);
        for connector in ["kept", "shrunk", "broken"] {
            let put = store.put_connector_config(connector, &config, None);
            written(put.now_or_never());
            let one = std::slice::from_ref(&config);
            written(store.put_task_configs(connector, one).now_or_never());
        }
        // A set of two, of which one is missing.
        let commit = Some(r#"{"tasks":2}"#.into());
        topic.append(0, Some("commit-broken".into()), commit);
        log.poll().unwrap();
        let configs = store.snapshot();
        assert!(configs.is_inconsistent("broken"));
        let statuses = MemoryStatusStore::new();
        for connector in ["kept", "shrunk", "broken", "gone"] {
            statuses.put_connector(ConnectorStatus {
                connector: connector.to_string(),
                status: status(),
            });
            let num_tasks = if connector == "kept" { 1 } else { 2 };
            for number in 0..num_tasks {
                statuses.put_task(TaskStatus {
                    id: task(connector, number),
                    status: status(),
                });
            }
        }
        let mut found = ObsoleteStatuses::find(&configs, &statuses);
        found.tasks.sort();
        assert_eq!(found.connectors, ["gone"]);
        assert_eq!(
            found.tasks,
            [task("gone", 0), task("gone", 1), task("shrunk", 1)]
        );
    }
}
