//! The script of requests.
//!
//! A line is one of
//! - `METHOD PATH [BODY]`: a request, sent to both workers; a body goes as `application/json`;
//! - `wait CONNECTOR STATE [TASK STATE...]`: until the status says exactly that;
//! - `until PATH TEXT`: until the answer to a GET holds the text;
//! - `probe CONNECTOR`: all requests of `probes.txt`, which has `%` for the connector;
//! - `# comment`, or blank.
//!
//! Before the method may stand, in brackets, `[type: TEXT]` and `[accept: TEXT]` for the headers
//! `Content-Type` and `Accept`, `[rules: ID ID]` for the differences that are allowed and must be there, and
//! `[may: ID ID]` for those that are allowed only.
//! `@` is a prefix of names that each worker has for its own, `$DIR` a folder with a file `lines`.

use reqwest::Method;

/// What to do on both sides.
#[derive(Debug)]
pub enum Step {
    /// Send a request and compare the answers.
    Ask(Request),
    /// Wait for a status.
    WaitStates {
        connector: String,
        state: String,
        task_states: Vec<String>,
    },
    /// Wait for a text in the answer to a GET.
    WaitAnswer { path: String, text: String },
}

impl Step {
    pub fn is_request(&self) -> bool {
        matches!(self, Self::Ask(_))
    }
}

/// A request to both workers.
#[derive(Debug)]
pub struct Request {
    /// Its line of the script, and the text there.
    pub line: usize,
    pub text: String,
    pub rules: Vec<String>,
    /// Rules that apply only if the answers differ.
    pub optional_rules: Vec<String>,
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Reads the script; a line that is none of the above fails the test.
pub fn steps(script: &str, probes: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for (number, line) in lines(script) {
        match line.strip_prefix("probe ") {
            Some(connector) => steps.extend(
                lines(probes).map(|(_, probe)| step(number, &probe.replace('%', connector))),
            ),
            None => steps.push(step(number, line)),
        }
    }
    steps
}

/// What is neither blank nor a comment, with its number.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| (index + 1, line.trim_end()))
}

fn step(number: usize, line: &str) -> Step {
    let words: Vec<_> = line.split(' ').collect();
    match words.as_slice() {
        ["wait", connector, state, tasks @ ..] => Step::WaitStates {
            connector: (*connector).to_owned(),
            state: (*state).to_owned(),
            task_states: tasks.iter().map(|state| (*state).to_owned()).collect(),
        },
        ["until", path, text @ ..] => Step::WaitAnswer {
            path: (*path).to_owned(),
            text: text.join(" "),
        },
        _ => Step::Ask(request(number, line)),
    }
}

fn request(number: usize, line: &str) -> Request {
    let (mut rest, mut headers, mut content_type) = (line, Vec::new(), None);
    let (mut rules, mut optional_rules) = (Vec::new(), Vec::new());
    while let Some(tagged) = rest.strip_prefix('[') {
        let (tag, after) = tagged
            .split_once("] ")
            .unwrap_or_else(|| panic!("line {number}: a tag without its end"));
        match tag.split_once(": ") {
            Some(("rules", ids)) => rules.extend(ids.split(' ').map(str::to_owned)),
            Some(("may", ids)) => optional_rules.extend(ids.split(' ').map(str::to_owned)),
            Some(("type", text)) => content_type = Some(text.to_owned()),
            Some(("accept", text)) => headers.push(("Accept", text.to_owned())),
            _ => panic!("line {number}: an unknown tag [{tag}]"),
        }
        rest = after;
    }
    let (method, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (path, body) = rest.split_once(' ').unwrap_or((rest, ""));
    assert!(path.starts_with('/'), "line {number}: no path in {line}");
    match content_type.as_deref() {
        Some("none") => {}
        Some(text) => headers.push(("Content-Type", text.to_owned())),
        None if !body.is_empty() => headers.push(("Content-Type", "application/json".to_owned())),
        None => {}
    }
    Request {
        line: number,
        text: line.to_owned(),
        rules,
        optional_rules,
        method: method
            .parse()
            .unwrap_or_else(|error| panic!("line {number}: {error}")),
        path: path.to_owned(),
        headers,
        body: body.to_owned(),
    }
}
