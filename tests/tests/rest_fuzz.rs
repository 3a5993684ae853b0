//! The REST API under requests that are made of its description, `docs/openapi.yaml`.

use std::collections::BTreeMap;

use dovetail_tests::stack::{ConnectWorker, Runtime, WorkerConfig, layout, python, shared};

/// For each request that the description has, each in a right and in a wrong way, twice.
const NUM_EXAMPLES: usize = 6;

#[tokio::test]
async fn requests_of_any_kind_neither_break_nor_hang_nor_swell_a_worker() {
    let kafka = shared::kafka().await;
    kafka.topics().create("fuzz", 1).await;
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), &shared::unique("fuzz"));
    let mut worker = ConnectWorker::start(Runtime::Dovetail, config).await;
    let description = layout::repository().join("docs/openapi.yaml");
    let arguments = [
        &*description.display().to_string(),
        &worker.url(),
        &worker.process().pid().to_string(),
        &NUM_EXAMPLES.to_string(),
    ];
    let printed = python::run("rest_fuzz.py", &arguments, "").await;
    let statuses: BTreeMap<String, usize> =
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    let num_requests: usize = statuses.values().sum();
    assert!(num_requests > 300, "{statuses:?}");
    // Requests that got through as well as those that were refused.
    for status in ["200", "201", "202", "204", "400", "404"] {
        assert!(statuses.contains_key(status), "no {status}: {statuses:?}");
    }
    worker.terminate().await;
}
