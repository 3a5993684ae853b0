//! The status page in a browser: what it shows, and that pause, resume and restart do what they say.

use std::fs;

use dovetail_tests::connectors::{JSON_CONVERTER, file_sink, file_source, with};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::{ConnectWorker, Runtime, WorkerConfig, python, run, shared};
use reqwest::Method;
use serde_json::{Value, json};

/// What a hostile user might call a connector.
const HOSTILE: &str = "<img src=x onerror=alert(1)>";

async fn browse(worker: &ConnectWorker, user: Option<&str>, steps: Value) {
    let task = json!({
        "url": worker.url(),
        "user": user.map(|name| [name, name]),
        "steps": steps,
    });
    python::run("ui_judge.py", &[], &task.to_string()).await;
}

async fn worker(group: &str) -> ConnectWorker {
    let kafka = shared::kafka().await;
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), group);
    ConnectWorker::start(Runtime::Dovetail, config).await
}

#[tokio::test]
async fn the_page_shows_states_and_errors_and_changes_them_through_any_worker() {
    let topics = shared::kafka().await.topics();
    let group = shared::unique("ui");
    // The second is a follower: what it cannot do by itself it hands on.
    let mut workers = [worker(&group).await, worker(&group).await];
    let rest = workers[0].rest();
    let folder = run::server_folder("ui-files");
    let [source, sink, broken] = ["source", "sink", "broken"].map(|role| format!("{group}-{role}"));

    let input = folder.join("lines");
    lines::append(&input, &flights(500));
    rest.create_connector(&source, file_source(&input, &source))
        .await;
    topics.create(&sink, 1).await;
    topics.produce_lines(&sink, &["{}", "{not JSON"]).await;
    let json_sink = with(
        file_sink(&sink, &folder.join("copy")),
        &[
            ("value.converter", JSON_CONVERTER),
            ("value.converter.schemas.enable", "false"),
        ],
    );
    rest.create_connector(&sink, json_sink).await;
    rest.wait_task_state(&sink, 0, "FAILED").await;
    // Its folder comes later.
    let missing = folder.join("missing");
    let into_missing = file_sink(&source, &missing.join("copy"));
    rest.create_connector(&broken, into_missing).await;
    rest.wait_task_state(&broken, 0, "FAILED").await;
    let hostile = file_sink(&source, &folder.join("hostile"));
    rest.create_connector(HOSTILE, hostile).await;

    let coordinates = json!({"topic": sink, "partition": "0", "offset": "1"});
    let steps = json!([
        ["open"],
        ["sees", source, "RUNNING"],
        ["sees", HOSTILE, "RUNNING"],
        ["sees", sink, "1 TASK FAILED"],
        ["does", "Pause", source],
        ["sees", source, "PAUSED"],
        ["does", "Resume", source],
        ["sees", source, "RUNNING"],
        [
            "shows_error",
            sink,
            ["JsonParseException", "Tolerance exceeded in error handler"],
            coordinates
        ],
        ["sees", broken, "1 TASK FAILED"],
        ["shows_error", broken, ["missing"], {}],
        ["makes_folder", missing],
        ["does", "Restart", broken],
        ["sees", broken, "RUNNING"],
        ["finds", "ONERROR", HOSTILE, source],
        ["changes_colours"],
    ]);
    browse(&workers[0], None, steps).await;

    lines::append(&input, &flights(500));
    let steps = json!([
        ["open"],
        ["sees", source, "RUNNING"],
        ["does_by_keyboard", "Pause", source],
        ["sees", source, "PAUSED"],
        ["does_by_keyboard", "Pause", HOSTILE],
        ["sees", HOSTILE, "PAUSED"],
        ["does", "Resume", source],
        ["sees", source, "RUNNING"],
    ]);
    browse(&workers[1], None, steps).await;
    rest.wait_running(&source, 1).await;
    for worker in &mut workers {
        worker.terminate().await;
    }
}

#[tokio::test]
async fn readers_look_and_writers_change_with_the_passwords_of_the_api() {
    let group = shared::unique("ui-users");
    let folder = run::server_folder("ui-users");
    let (jaas, users) = (folder.join("jaas.conf"), folder.join("users.properties"));
    fs::write(&users, "ann=ann\nbob=bob\n").expect("a file");
    let entry = format!(
        "KafkaConnect {{ org.apache.kafka.connect.rest.basic.auth.extension.\
         PropertyFileLoginModule required file=\"{}\"; }};",
        users.display()
    );
    fs::write(&jaas, entry).expect("a file");
    let input = folder.join("lines");
    lines::append(&input, &flights(10));
    let config = WorkerConfig::standalone(&shared::kafka().await.bootstrap_servers())
        .connector(&group, file_source(&input, &group))
        .property(
            "rest.extension.classes",
            "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
        )
        .property("dovetail.rest.basic.auth.readers", "bob")
        .environment(
            "KAFKA_OPTS",
            &format!("-Djava.security.auth.login.config={}", jaas.display()),
        );
    let mut worker = ConnectWorker::start_unready(Runtime::Dovetail, config);
    worker.wait_answer("/", 401).await;
    let look = json!([
        ["open"],
        ["sees", group, "RUNNING"],
        ["has_no_buttons", group]
    ]);
    browse(&worker, Some("bob"), look).await;
    let change = json!([
        ["open"],
        ["does", "Pause", group],
        ["sees", group, "PAUSED"],
    ]);
    browse(&worker, Some("ann"), change).await;
    let page = worker.rest().try_send(Method::GET, "/ui", None).await;
    let page = page.expect("an answer").expect(401);
    assert!(page.headers.contains_key("WWW-Authenticate"));
    worker.terminate().await;
}

#[tokio::test]
async fn a_worker_that_is_set_so_has_no_page() {
    let config = WorkerConfig::standalone(&shared::kafka().await.bootstrap_servers())
        .property("dovetail.ui.enable", "false");
    let mut worker = ConnectWorker::start(Runtime::Dovetail, config).await;
    for path in ["/ui", "/ui/figures"] {
        worker.rest().get(path).await.expect(404);
    }
    worker.rest().get("/connectors").await.expect(200);
    worker.terminate().await;
}
