//! The oracle: a JVM worker and Dovetail get the same requests, in the same states, and must answer alike.
//!
//! `requests.txt` has the requests and brings about the states; `probes.txt` has those that are asked in
//! every state. `docs/compatibility.md` lists the differences that are allowed, each with an id; a request
//! names the ids that may apply to it. A difference that is not listed fails the test, and so does a rule
//! that no request needs.

mod answer;
mod rules;
mod script;

use std::collections::BTreeSet;
use std::fs;

use dovetail_tests::lines;
use dovetail_tests::stack::{ConnectWorker, Runtime, WorkerConfig, shared};

use answer::Comparable;
use script::{Request, Step};

/// One of the two workers, and the names that only it uses.
struct Side {
    worker: ConnectWorker,
    /// Stands for `@` in the script: both workers share a broker, where a sink's group bears its name.
    prefix: String,
}

impl Side {
    async fn start(runtime: Runtime, prefix: &str) -> Self {
        let group = shared::unique(&format!("{prefix}oracle"));
        let config = WorkerConfig::distributed(&shared::kafka().await.bootstrap_servers(), &group);
        let side = Self {
            worker: ConnectWorker::start(runtime, config).await,
            prefix: prefix.to_owned(),
        };
        lines::append(
            &side.worker.folder().join("lines"),
            &["one", "two", "three"],
        );
        for topic in ["t", "other"] {
            let topics = shared::kafka().await.topics();
            topics.create(&format!("{prefix}{topic}"), 1).await;
        }
        side
    }

    /// The script's text with this side's names.
    fn own(&self, text: &str) -> String {
        let folder = self.worker.folder().display().to_string();
        text.replace('@', &self.prefix).replace("$DIR", &folder)
    }

    /// An answer with the script's names.
    fn neutral(&self, text: &str) -> String {
        let folder = self.worker.folder().display().to_string();
        text.replace(&folder, "$DIR")
            .replace(&self.worker.url(), "$URL")
            .replace(&self.worker.worker_id(), "$WORKER")
            .replace(&self.prefix, "@")
    }

    async fn ask(&self, request: &Request) -> Comparable {
        let rest = self.worker.rest();
        let (path, body) = (self.own(&request.path), self.own(&request.body));
        let answer = rest
            .after_rebalance(async || {
                rest.send_with_headers(
                    request.method.clone(),
                    &path,
                    &request.headers,
                    body.clone(),
                )
                .await
            })
            .await;
        Comparable::of(&answer, |text| self.neutral(text))
    }

    async fn take(&self, step: &Step) -> Option<Comparable> {
        match step {
            Step::Ask(request) => return Some(self.ask(request).await),
            Step::WaitStates {
                connector,
                state,
                task_states,
            } => {
                let connector = self.own(connector);
                let is_right = |status: &serde_json::Value| {
                    let tasks = status["tasks"].as_array().into_iter().flatten();
                    let tasks: Vec<_> = tasks
                        .map(|task| task["state"].as_str().unwrap_or_default())
                        .collect();
                    status["connector"]["state"] == **state && tasks == *task_states
                };
                self.worker.rest().wait_status(&connector, is_right).await;
            }
            Step::WaitAnswer { path, text } => {
                let (path, text) = (self.own(path), self.own(text));
                dovetail_tests::stack::eventually(&format!("{text} in {path}"), async || {
                    let answer = self.worker.rest().get(&path).await;
                    match answer.text.contains(&text) {
                        true => Ok(()),
                        false => Err(answer.text),
                    }
                })
                .await;
            }
        }
        None
    }
}

#[tokio::test]
async fn dovetail_answers_as_the_jvm_does_but_for_the_listed_differences() {
    let steps = script::steps(include_str!("requests.txt"), include_str!("probes.txt"));
    let document = dovetail_tests::stack::layout::repository().join("docs/compatibility.md");
    let document = fs::read_to_string(&document)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", document.display()));
    let listed = rules::listed(&document);
    let known: BTreeSet<_> = rules::ids().map(str::to_owned).collect();
    assert_eq!(
        listed, known,
        "rules of docs/compatibility.md, rules of the test"
    );
    let requests: Vec<_> = steps.iter().filter(|step| step.is_request()).collect();
    assert!(requests.len() >= 1_000, "{} requests", requests.len());

    let jvm = Side::start(Runtime::Jvm, "jvm-").await;
    let dovetail = Side::start(Runtime::Dovetail, "dov-").await;
    let (mut faults, mut used) = (Vec::new(), BTreeSet::new());
    for step in &steps {
        let (ours, theirs) = tokio::join!(dovetail.take(step), jvm.take(step));
        let (Step::Ask(request), Some(ours), Some(theirs)) = (step, ours, theirs) else {
            continue;
        };
        match rules::compare(request, ours, theirs) {
            Ok(needed) => used.extend(needed),
            Err(fault) => faults.push(format!("line {}: {}\n{fault}", request.line, request.text)),
        }
    }
    for unused in known.difference(&used) {
        faults.push(format!(
            "rule {unused} of docs/compatibility.md: no request needs it"
        ));
    }
    assert!(
        faults.is_empty(),
        "{} differences in {} answers:\n\n{}",
        faults.len(),
        requests.len(),
        faults.join("\n\n")
    );
}
