//! Failures as the herder hears of them.

use super::*;
use connect_api::{Clock, SystemClock};
use connect_store::MemoryStatusStore;
use connect_telemetry::metrics::MetricsConfig;
use futures::FutureExt;

fn statuses() -> (Statuses, mpsc::UnboundedReceiver<HostEvent>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(|duration| {
        tokio::time::sleep(duration).boxed()
    }));
    let metrics = Arc::new(Metrics::new(clock, MetricsConfig::default()));
    let (events, receiver) = mpsc::unbounded_channel();
    let store = Arc::new(MemoryStatusStore::new());
    let statuses = Statuses::new("w:8083".to_string(), store, metrics, events);
    (statuses, receiver)
}

fn task() -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "c".into(),
        task: 0,
    }
}

fn failure(events: &mut mpsc::UnboundedReceiver<HostEvent>) -> Failure {
    match events.try_recv() {
        Ok(HostEvent::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure_of_a_task_is_told_and_holds_until_the_task_is_stopped() {
    let (statuses, mut events) = statuses();
    let task = task();
    statuses.task_begins(&task, None, None);
    statuses.on_task_event(&task, TaskEvent::Startup);
    assert!(!statuses.has_failed("c", Some(&task)));
    assert!(events.try_recv().is_err());
    statuses.on_task_event(&task, TaskEvent::Failed(ConnectError::fatal("it is gone")));
    let failure = failure(&mut events);
    assert_eq!(
        (&*failure.connector, failure.task),
        ("c", Some(task.clone()))
    );
    assert!(failure.reason.contains("it is gone"), "{}", failure.reason);
    assert!(statuses.has_failed("c", Some(&task)));
    // The connector is another matter.
    assert!(!statuses.has_failed("c", None));
    // What starts next has not failed.
    statuses.task_gone(&task);
    assert!(!statuses.has_failed("c", Some(&task)));
    statuses.task_begins(&task, None, None);
    assert!(!statuses.has_failed("c", Some(&task)));
}

#[test]
fn what_could_not_even_begin_has_failed_too() {
    let (statuses, mut events) = statuses();
    statuses.note_task(&task());
    let error = || ConnectError::fatal("there is no such class");
    statuses.on_task_event(&task(), TaskEvent::Failed(error()));
    assert_eq!(failure(&mut events).task, Some(task()));
    assert!(statuses.has_failed("c", Some(&task())));
    statuses.note_connector("c");
    statuses.on_connector_update("c", ConnectorUpdate::Failed(error()));
    assert_eq!(failure(&mut events).task, None);
    assert!(statuses.has_failed("c", None));
    statuses.connector_gone("c");
    assert!(!statuses.has_failed("c", None));
}
