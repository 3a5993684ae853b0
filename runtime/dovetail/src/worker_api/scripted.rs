//! A worker for tests: it keeps connectors, and says what a test wants it to say.

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// A request that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Method, path and query: `GET /connectors?expand=info`.
    pub line: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The body; null if there is none.
    pub body: Value,
}

/// What the worker holds and has seen.
#[derive(Default)]
pub struct State {
    /// The configurations of its connectors.
    pub connectors: BTreeMap<String, Value>,
    /// The statuses that it tells of each connector, one after the other; the last one stays. Of others
    /// it tells that they and a task are RUNNING.
    pub statuses: BTreeMap<String, VecDeque<Value>>,
    /// Answers to the next requests whose line begins so: status and body.
    pub next_answers: VecDeque<(String, u16, Value)>,
    /// The requests so far.
    pub requests: Vec<Request>,
}

/// The worker; it ends with the process.
pub struct ScriptedWorker {
    /// Where it listens.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl ScriptedWorker {
    /// Starts one with these connectors.
    pub fn start(connectors: &[(&str, Value)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        Self::serve(listener, connectors)
    }

    /// Starts one on a socket.
    pub fn serve(listener: TcpListener, connectors: &[(&str, Value)]) -> Self {
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(Mutex::new(State {
            connectors: connectors
                .iter()
                .map(|(name, config)| (name.to_string(), with_name(name, config)))
                .collect(),
            ..State::default()
        }));
        let of_thread = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no fault of the worker.
                let _ = answer(&stream, &of_thread);
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            state,
        }
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test fails while it holds it")
    }

    /// Answers the next request whose line begins so in this way.
    pub fn answer_next(&self, line: &str, status: u16, body: Value) {
        let answer = (line.to_string(), status, body);
        self.state().next_answers.push_back(answer);
    }

    /// Tells these statuses of a connector: its state, the states of its tasks, the trace of what failed.
    pub fn tell_statuses(&self, name: &str, statuses: &[(&str, &[&str], &str)]) {
        let statuses = statuses
            .iter()
            .map(|(state, tasks, trace)| status(name, state, tasks, trace));
        self.state()
            .statuses
            .insert(name.to_string(), statuses.collect());
    }

    /// The requests that change something.
    pub fn changes(&self) -> Vec<String> {
        let state = self.state();
        let lines = state.requests.iter().map(|request| request.line.clone());
        lines
            .filter(|line| !line.starts_with("GET") && !line.ends_with("/validate"))
            .collect()
    }
}

fn with_name(name: &str, config: &Value) -> Value {
    let mut config = config.clone();
    config["name"] = json!(name);
    config
}

fn status(name: &str, state: &str, tasks: &[&str], trace: &str) -> Value {
    let of = |state: &str| {
        let mut of = json!({"state": state, "worker_id": "w:1"});
        if state == "FAILED" {
            of["trace"] = json!(trace);
        }
        of
    };
    let tasks = tasks.iter().enumerate().map(|(id, state)| {
        let mut task = of(state);
        task["id"] = json!(id);
        task
    });
    json!({"name": name, "connector": of(state), "tasks": tasks.collect::<Vec<_>>(), "type": "sink"})
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let request = read(stream)?;
    let (status, body) = {
        let mut state = state.lock().expect("no test fails while it holds it");
        state.requests.push(request.clone());
        let is_meant = |(line, ..): &(String, u16, Value)| request.line.starts_with(line.as_str());
        match state.next_answers.iter().position(is_meant) {
            Some(index) => match state.next_answers.remove(index) {
                Some((_, status, body)) => (status, body),
                None => (500, Value::Null),
            },
            None => state.answer(&request),
        }
    };
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_string();
    let mut num_bytes = 0;
    let mut authorization = None;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => num_bytes = value.parse().expect("a number"),
            "authorization" => authorization = Some(value.to_string()),
            _ => {}
        }
    }
    let mut body = vec![0; num_bytes];
    reader.read_exact(&mut body)?;
    Ok(Request {
        line,
        authorization,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

impl State {
    fn answer(&mut self, request: &Request) -> (u16, Value) {
        let (method, target) = request.line.split_once(' ').unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, segments.as_slice()) {
            ("GET", ["connectors"]) => (200, self.expanded(query)),
            ("POST", ["connectors"]) => {
                let name = request.body["name"].as_str().unwrap_or_default();
                if self.connectors.contains_key(name) {
                    return (
                        409,
                        refusal(409, &format!("Connector {name} already exists")),
                    );
                }
                let config = with_name(name, &request.body["config"]);
                self.connectors.insert(name.to_string(), config);
                (201, json!({}))
            }
            ("PUT", ["connectors", name, "config"]) => {
                let config = with_name(name, &request.body);
                match self.connectors.insert(name.to_string(), config) {
                    Some(_) => (200, json!({})),
                    None => (201, json!({})),
                }
            }
            ("DELETE", ["connectors", name]) => match self.connectors.remove(*name) {
                Some(_) => (204, Value::Null),
                None => (404, refusal(404, &format!("Connector {name} not found"))),
            },
            ("PUT", ["connector-plugins", class, "config", "validate"]) => {
                (200, json!({"name": class, "error_count": 0, "configs": []}))
            }
            _ => (404, refusal(404, "HTTP 404 Not Found")),
        }
    }

    fn expanded(&mut self, query: &str) -> Value {
        let statuses = &mut self.statuses;
        let mut answer = json!({});
        for (name, config) in &self.connectors {
            let told = statuses
                .get_mut(name)
                .and_then(|statuses| match statuses.len() {
                    0 | 1 => statuses.front().cloned(),
                    _ => statuses.pop_front(),
                });
            let told = told.unwrap_or_else(|| status(name, "RUNNING", &["RUNNING"], ""));
            if query.contains("expand=status") {
                answer[name]["status"] = told;
            }
            if query.contains("expand=info") {
                answer[name]["info"] =
                    json!({"name": name, "config": config, "tasks": [], "type": "sink"});
            }
        }
        answer
    }
}

/// The body of a refusal.
pub fn refusal(status: u16, message: &str) -> Value {
    json!({"error_code": status, "message": message})
}
