//! Runs of `apply` against a worker that says what a test wants.

use super::*;
use crate::worker_api::scripted::{ScriptedWorker, refusal};
use serde_json::{Value, json};

const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

/// Files below a new folder.
struct Folder(tempfile::TempDir);

impl Folder {
    fn of(connectors: &[(&str, Value)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, config) in connectors {
            folder.write(name, &json!({"name": name, "config": config}));
        }
        folder
    }

    fn write(&self, name: &str, file: &Value) {
        let text = serde_json::to_string_pretty(file).unwrap();
        std::fs::write(self.0.path().join(format!("{name}.json")), text).unwrap();
    }

    /// The start of a file's places in messages.
    fn file(&self, name: &str) -> String {
        self.0
            .path()
            .join(format!("{name}.json"))
            .display()
            .to_string()
    }
}

#[derive(Clone, Copy, Default)]
struct Flags {
    prune: bool,
    dry_run: bool,
    wait: bool,
}

const PLAIN: Flags = Flags {
    prune: false,
    dry_run: false,
    wait: false,
};

async fn apply_with(worker: &ScriptedWorker, folder: &Folder, flags: Flags) -> Report {
    let retries = Retries {
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(4),
        give_up_after: Duration::from_secs(60),
    };
    let connection = Connection::to(&worker.url);
    let api = WorkerApi::open(&connection, ANSWER_TIMEOUT, retries).unwrap();
    let files = files(folder.0.path(), flags.prune).unwrap();
    let run = Run {
        api: &api,
        files: &files,
        prune: flags.prune,
        dry_run: flags.dry_run,
        wait: flags.wait.then_some(Patience {
            interval: Duration::from_millis(1),
            timeout: Duration::from_secs(60),
        }),
        say: |_| {},
    };
    run.run().await.unwrap()
}

fn sink(topics: &str) -> Value {
    json!({"connector.class": SINK, "topics": topics})
}

#[tokio::test]
async fn connectors_are_created_updated_and_left_alone_and_the_second_run_changes_nothing() {
    let worker = ScriptedWorker::start(&[
        ("same", sink("a")),
        ("other", sink("a")),
        ("strange", sink("a")),
    ]);
    let folder = Folder::of(&[
        ("same", sink("a")),
        ("other", sink("b")),
        ("new", sink("c")),
    ]);
    let report = apply_with(&worker, &folder, PLAIN).await;
    assert!(report.succeeded);
    assert_eq!(
        worker.changes(),
        ["PUT /connectors/new/config", "PUT /connectors/other/config"]
    );
    assert_eq!(worker.state().connectors["other"]["topics"], "b");
    assert_eq!(worker.state().connectors.len(), 4);
    let plan = report.plan_text();
    let expected = format!(
        "{}\n  + create    new      {}\n  ~ update    other    {}\n      ~ topics: a -> b\n  \
         = unchanged same     {}\n  ? no file   strange\n1 to create, 1 to update, 0 to delete, \
         1 unchanged, 1 without a file (--prune deletes)",
        worker.url,
        folder.file("new"),
        folder.file("other"),
        folder.file("same"),
    );
    assert_eq!(plan, expected);
    assert_eq!(report.end_text(), "Done");

    let again = apply_with(&worker, &folder, PLAIN).await;
    assert!(again.succeeded && !again.plan.has_changes());
    assert_eq!(worker.changes().len(), 2);
}

#[tokio::test]
async fn prune_deletes_what_has_no_file_and_nothing_else() {
    let worker = ScriptedWorker::start(&[("same", sink("a")), ("gone", sink("a"))]);
    let folder = Folder::of(&[("same", sink("a"))]);
    let prune = Flags {
        prune: true,
        ..PLAIN
    };
    let dry = Flags {
        dry_run: true,
        ..prune
    };
    let planned = apply_with(&worker, &folder, dry).await;
    assert!(
        planned.plan_text().contains("- delete    gone"),
        "{}",
        planned.plan_text()
    );
    assert_eq!(planned.end_text(), "Nothing was changed (--dry-run)");
    assert!(worker.changes().is_empty());
    // Somebody else deletes it at the same time.
    worker.answer_next("DELETE", 404, refusal(404, "Connector gone not found"));
    assert!(apply_with(&worker, &folder, prune).await.succeeded);
    assert!(apply_with(&worker, &folder, prune).await.succeeded);
    assert_eq!(worker.changes(), ["DELETE /connectors/gone"; 2]);
    assert_eq!(worker.state().connectors.len(), 1);
    let one_file = PathBuf::from(folder.file("same"));
    assert!(
        files(&one_file, true)
            .unwrap_err()
            .contains("--prune needs a folder")
    );
}

#[tokio::test]
async fn an_initial_state_is_sent_when_a_connector_is_new_and_never_again() {
    let worker = ScriptedWorker::start(&[]);
    let folder = Folder::of(&[]);
    let file = json!({"name": "c", "config": sink("a"), "initial_state": "STOPPED"});
    folder.write("c", &file);
    assert!(apply_with(&worker, &folder, PLAIN).await.succeeded);
    let body = worker.state().requests.last().unwrap().body.clone();
    assert_eq!(body["initial_state"], "STOPPED");
    assert_eq!(body["config"]["topics"], "a");
    assert!(!apply_with(&worker, &folder, PLAIN).await.plan.has_changes());
}

#[tokio::test]
async fn a_rebalance_is_waited_out() {
    let worker = ScriptedWorker::start(&[("gone", sink("a"))]);
    let folder = Folder::of(&[("new", sink("a"))]);
    for line in [
        "PUT /connectors/new",
        "DELETE /connectors/gone",
        "GET /connectors",
    ] {
        worker.answer_next(line, 409, refusal(409, "a rebalance is expected"));
    }
    let flags = Flags {
        prune: true,
        ..PLAIN
    };
    assert!(apply_with(&worker, &folder, flags).await.succeeded);
    assert_eq!(worker.changes().len(), 4);
}

#[tokio::test]
async fn what_the_worker_refuses_is_placed_in_the_file_and_nothing_is_changed() {
    let worker = ScriptedWorker::start(&[]);
    let mut config = sink("a");
    config["tasks.max"] = json!("many");
    config["db.password"] = json!("hunter2");
    let folder = Folder::of(&[("bad", config), ("good", sink("a"))]);
    let error = |name: &str, error: &str| {
        json!({"value": {"name": name, "errors": [
            error,
            format!("Invalid value null for configuration {name}: Value must be non-null"),
        ]}})
    };
    worker.answer_next(
        &format!("PUT /connector-plugins/{SINK}/config/validate"),
        200,
        json!({"configs": [
            error("tasks.max", "Invalid value many for configuration tasks.max: Not a number"),
            error("db.password", "Invalid value hunter2 for configuration db.password"),
            error("file", "Missing required configuration \"file\""),
        ]}),
    );
    let report = apply_with(&worker, &folder, PLAIN).await;
    assert!(!report.succeeded);
    assert!(worker.changes().is_empty());
    let file = folder.file("bad");
    assert_eq!(
        report.end_text(),
        format!(
            "{file}:6:18: tasks.max: Invalid value many for configuration tasks.max: Not a number\n\
             {file}:7:20: db.password: Invalid value [hidden] for configuration db.password\n\
             {file}:3:13: file: Missing required configuration \"file\"\n\
             The worker refuses this; nothing was changed"
        )
    );
    let unknown = "Failed to find any class that implements Connector and which name matches X, \
                   available connectors are: PluginDesc{...}";
    worker.answer_next("PUT /connector-plugins", 400, refusal(400, unknown));
    let report = apply_with(&worker, &folder, PLAIN).await;
    assert!(
        !report.end_text().contains("PluginDesc"),
        "{}",
        report.end_text()
    );
}

#[tokio::test]
async fn what_one_connector_is_refused_stops_deletions_but_not_others() {
    let worker = ScriptedWorker::start(&[("gone", sink("a"))]);
    let folder = Folder::of(&[("a", sink("a")), ("b", sink("a"))]);
    folder.write(
        "c",
        &json!({"name": "c", "config": sink("a"), "initial_state": "PAUSED"}),
    );
    worker.answer_next(
        "PUT /connectors/a/config",
        500,
        refusal(500, "the disk is full"),
    );
    worker.answer_next("POST", 409, refusal(409, "Connector c already exists"));
    let flags = Flags {
        prune: true,
        wait: true,
        ..PLAIN
    };
    let report = apply_with(&worker, &folder, flags).await;
    assert!(!report.succeeded);
    let names: Vec<String> = worker.state().connectors.keys().cloned().collect();
    assert_eq!(names, ["b", "gone"]);
    let end = report.end_text();
    for part in [
        "the disk is full",
        "already exists",
        "gone: not deleted, because",
    ] {
        assert!(end.contains(part), "{end}");
    }
    let b = report
        .results
        .iter()
        .find(|result| result.name == "b")
        .unwrap();
    assert_eq!(b.state.as_deref(), Some("RUNNING, 1 task RUNNING"));
}

#[tokio::test]
async fn waiting_ends_when_all_run() {
    let worker = ScriptedWorker::start(&[("old", sink("a"))]);
    let folder = Folder::of(&[("old", sink("a")), ("slow", sink("a"))]);
    let running: &[&str] = &["RUNNING", "RUNNING"];
    worker.tell_statuses(
        "slow",
        &[
            ("UNASSIGNED", &[], ""),
            // What is left of an earlier life.
            ("RUNNING", &["FAILED"], "old"),
            ("RUNNING", &["RUNNING", "UNASSIGNED"], ""),
            ("RUNNING", running, ""),
        ],
    );
    let flags = Flags {
        wait: true,
        ..PLAIN
    };
    let report = apply_with(&worker, &folder, flags).await;
    assert!(report.succeeded, "{}", report.end_text());
    let states: Vec<_> = report
        .results
        .iter()
        .map(|result| result.state.as_deref())
        .collect();
    assert_eq!(
        states,
        [
            Some("RUNNING, 2 tasks RUNNING"),
            Some("RUNNING, 1 task RUNNING")
        ]
    );
}

#[tokio::test]
async fn a_task_that_ends_failed_fails_the_run_with_its_trace() {
    let worker = ScriptedWorker::start(&[]);
    let folder = Folder::of(&[("c", sink("a"))]);
    let trace = "org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file\n\
                 \tat a.b\nCaused by: java.nio.file.NoSuchFileException: /x\n";
    worker.tell_statuses(
        "c",
        &[
            ("RUNNING", &["RUNNING"], ""),
            ("RUNNING", &["FAILED"], trace),
        ],
    );
    let flags = Flags {
        wait: true,
        ..PLAIN
    };
    for _ in 0..2 {
        // The second time the connector is as its file says, and still it is FAILED.
        let report = apply_with(&worker, &folder, flags).await;
        assert!(!report.succeeded);
        assert_eq!(
            report.end_text().trim_end(),
            "Failed:\n  c: RUNNING, 1 task FAILED\n    task 0: \
             org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file\n    \
             Caused by: java.nio.file.NoSuchFileException: /x"
        );
    }
    assert_eq!(worker.changes().len(), 1);
}

#[tokio::test]
async fn waiting_ends() {
    let worker = ScriptedWorker::start(&[("c", sink("a"))]);
    worker.tell_statuses("c", &[("UNASSIGNED", &[], "")]);
    let connection = Connection::to(&worker.url);
    let api = WorkerApi::open(&connection, ANSWER_TIMEOUT, Retries::NONE).unwrap();
    let patience = Patience {
        interval: Duration::from_millis(1),
        timeout: Duration::from_millis(20),
    };
    let names = BTreeMap::from([("c".to_string(), false)]);
    let ends = wait::until_settled(&api, &patience, names, |_| {})
        .await
        .unwrap();
    assert_eq!(
        ends["c"].error.as_deref(),
        Some("not running after 0 s: UNASSIGNED")
    );
}

#[tokio::test]
async fn reports_are_json_without_secrets() {
    let worker = ScriptedWorker::start(&[("c", json!({"db.password": "hunter1"}))]);
    let folder = Folder::of(&[(
        "c",
        json!({"connector.class": SINK, "db.password": "hunter2"}),
    )]);
    let dry = Flags {
        dry_run: true,
        ..PLAIN
    };
    let report = apply_with(&worker, &folder, dry).await;
    let json = output::json(&report);
    assert!(!json.contains("hunter"), "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["steps"][0]["action"], "update");
    assert_eq!(
        json["steps"][0]["changes"][1],
        json!({"key": "db.password", "from": "[hidden]", "to": "[hidden]"})
    );
    assert_eq!(json["dry_run"], true);
    assert!(!report.plan_text().contains("hunter"));
}
