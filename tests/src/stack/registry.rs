//! A Schema Registry.

use std::path::PathBuf;
use std::process::Command;

use super::process::ServerProcess;
use super::{layout, ports, run};

/// A running (or, after [`stop`](Self::stop), paused) Apicurio with Confluent's API.
///
/// It keeps its schemas in memory: after a stop they are gone. A [`Proxy`](super::Proxy) before
/// [`port`](Self::port) is a registry that goes away and comes back with its schemas.
#[derive(Debug)]
pub struct SchemaRegistry {
    port: u16,
    folder: PathBuf,
    process: Option<ServerProcess>,
}

impl SchemaRegistry {
    /// Starts an empty one and waits until it answers.
    pub async fn start() -> Self {
        let mut registry = Self {
            port: ports::free_port(),
            folder: run::server_folder("registry"),
            process: None,
        };
        registry.start_again().await;
        registry
    }

    /// The port, which a stop and a start keep.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of `schema.registry.url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// `GET` of a path of the API; the answer as JSON.
    pub async fn get(&self, path: &str) -> Result<serde_json::Value, String> {
        let answer = reqwest::get(format!("{}{path}", self.url()))
            .await
            .map_err(|error| error.to_string())?;
        answer.json().await.map_err(|error| error.to_string())
    }

    /// Ends it in order; its schemas are gone.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.terminate().await;
        }
    }

    /// Starts the stopped registry on its port, empty, and waits until it answers.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "the registry is running");
        layout::part("registry");
        layout::part("jdk");
        let mut command = Command::new(layout::stack_file("registry"));
        command
            .arg(self.port.to_string())
            .arg(ports::free_port().to_string());
        let mut process = ServerProcess::start("Schema Registry", &self.folder, command);
        let subjects = format!("{}/subjects", self.url());
        process
            .wait_ready(self.port, async |_| {
                let answer = reqwest::get(&subjects)
                    .await
                    .map_err(|error| error.to_string())?;
                match answer.status().as_u16() {
                    200 => Ok(()),
                    status => Err(format!("GET /subjects: {status}")),
                }
            })
            .await;
        self.process = Some(process);
    }
}
