//! `dovetail diff` and `dovetail apply` against real workers, with files of `connector-configs`.

use std::fs;
use std::path::{Path, PathBuf};

use dovetail_tests::stack::{ConnectWorker, Runtime, WorkerConfig, layout, run, shared};
use serde_json::Value;
use tokio::process::Command;

/// The examples that need nothing but a worker and do not fail on purpose.
const EXAMPLES: [&str; 3] = ["schema-source", "verifiable-sink", "verifiable-source"];

/// Copies of the examples, whose names and topics are this test's own.
fn copy_examples(prefix: &str) -> PathBuf {
    let folder = run::server_folder("gitops");
    for example in EXAMPLES {
        let file = format!("connector-configs/verification/{example}-v1.json");
        let text = fs::read_to_string(layout::repository().join(file)).expect("an example");
        let text = text
            .replace("\"name\": \"", &format!("\"name\": \"{prefix}-"))
            .replace("\"verifiable\"", &format!("\"{prefix}-verifiable\""))
            .replace("\"schemas\"", &format!("\"{prefix}-schemas\""));
        fs::write(folder.join(format!("{example}.json")), text).expect("a new file");
    }
    folder
}

struct Ended {
    code: Option<i32>,
    output: String,
}

async fn dovetail(worker: &ConnectWorker, folder: &Path, arguments: &[&str]) -> Ended {
    let output = Command::new(layout::dovetail_binary())
        .args(arguments)
        .arg(folder)
        .env("DOVETAIL_URL", worker.url())
        .output()
        .await
        .expect("the program runs");
    let [out, err] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    Ended {
        code: output.status.code(),
        output: format!("{out}{err}"),
    }
}

impl Ended {
    #[track_caller]
    fn expect(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.output);
        for part in parts {
            assert!(
                self.output.contains(part),
                "{part} is not in {}",
                self.output
            );
        }
    }
}

#[tokio::test]
async fn a_folder_of_files_becomes_the_connectors_of_a_jvm_worker() {
    a_folder_of_files_becomes_the_connectors_of(Runtime::Jvm).await;
}

#[tokio::test]
async fn a_folder_of_files_becomes_the_connectors_of_a_dovetail_worker() {
    a_folder_of_files_becomes_the_connectors_of(Runtime::Dovetail).await;
}

async fn a_folder_of_files_becomes_the_connectors_of(runtime: Runtime) {
    let prefix = shared::unique("gitops");
    let folder = copy_examples(&prefix);
    let kafka = shared::kafka().await.bootstrap_servers();
    let mut worker =
        ConnectWorker::start(runtime, WorkerConfig::distributed(&kafka, &prefix)).await;
    let sink = format!("{prefix}-verifiable-sink");

    let created = dovetail(&worker, &folder, &["apply", "--wait"]).await;
    let is_running = format!("{sink}: RUNNING, 2 tasks RUNNING");
    created.expect(0, &["3 to create", &is_running, "Done"]);
    let again = dovetail(&worker, &folder, &["apply", "--wait"]).await;
    again.expect(0, &["0 to create, 0 to update, 0 to delete, 3 unchanged"]);
    let same = dovetail(&worker, &folder, &["diff", "--exit-code"]).await;
    same.expect(0, &["3 unchanged"]);

    let file = folder.join("verifiable-source.json");
    let text = fs::read_to_string(&file).expect("it was copied");
    fs::write(&file, text.replace("\"100\"", "\"50\"")).expect("it can be written");
    fs::remove_file(folder.join("verifiable-sink.json")).expect("it was copied");
    let nowhere = folder.join("missing/out.txt");
    let broken = format!(
        "name: {prefix}-broken\nconfig:\n  connector.class: FileStreamSink\n  topics: \
         {prefix}-verifiable\n  file: {}\n",
        nowhere.display()
    );
    fs::write(folder.join("broken.yaml"), broken).expect("a new file");
    let differs = dovetail(&worker, &folder, &["diff", "--exit-code", "--prune"]).await;
    differs.expect(
        4,
        &[
            "1 to create, 1 to update, 1 to delete",
            "~ throughput: 100 -> 50",
        ],
    );
    let failed = dovetail(&worker, &folder, &["apply", "--wait", "--prune"]).await;
    failed.expect(1, &["1 task FAILED", "Couldn't find or create file"]);

    fs::remove_file(folder.join("broken.yaml")).expect("it was written");
    let pruned = dovetail(&worker, &folder, &["apply", "--wait", "--prune"]).await;
    pruned.expect(0, &["1 to delete, 2 unchanged"]);
    let rest = worker.rest().get("/connectors").await.expect(200).json();
    let mut names: Vec<&str> = rest
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            format!("{prefix}-schema-source"),
            format!("{prefix}-verifiable-source")
        ]
    );
    worker.terminate().await;
}
