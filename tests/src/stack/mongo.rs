//! An in-memory MongoDB, and the plugin path with the official connector.

use std::path::PathBuf;
use std::process::Command;

use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::{Client, Collection};

use super::process::ServerProcess;
use super::{layout, ports, run};

/// The folder for `plugin.path` of a JVM worker that shall have the official connector.
pub fn plugin_path() -> PathBuf {
    layout::part("mongo/plugins/connector");
    layout::part("mongo/plugins")
}

/// A running (or, after [`kill9`](Self::kill9), dead) stand-in for a MongoDB replica set of one member, or the
/// replica set that `MONGODB_URI` names.
///
/// The stand-in keeps its documents in memory: after a stop they are gone.
#[derive(Debug)]
pub struct MongoServer {
    real_uri: Option<String>,
    port: u16,
    folder: PathBuf,
    process: Option<ServerProcess>,
}

impl MongoServer {
    /// That of `MONGODB_URI`, or else an empty stand-in, when it answers.
    pub async fn start() -> Self {
        match std::env::var("MONGODB_URI") {
            Ok(uri) if !uri.is_empty() => Self {
                real_uri: Some(uri),
                port: 0,
                folder: PathBuf::new(),
                process: None,
            },
            _ => Self::start_stand_in().await,
        }
    }

    /// Starts an empty stand-in and waits until it answers: for tests that kill their server.
    pub async fn start_stand_in() -> Self {
        let mut server = Self {
            real_uri: None,
            port: ports::free_port(),
            folder: run::server_folder("mongo"),
            process: None,
        };
        server.start_again().await;
        server
    }

    /// Whether there is no replica set.
    pub fn is_stand_in(&self) -> bool {
        self.real_uri.is_none()
    }

    /// The port of the stand-in, which a stop and a start keep.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of `connection.uri`.
    pub fn uri(&self) -> String {
        match &self.real_uri {
            Some(uri) => uri.clone(),
            None => format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", self.port),
        }
    }

    /// A database of this process alone.
    pub fn database_name(&self, stem: &str) -> String {
        match self.is_stand_in() {
            true => stem.to_owned(),
            false => format!("dovetail-test-{}-{stem}", std::process::id()),
        }
    }

    /// Drops a database, so that a replica set is left as it was.
    pub async fn drop_database(&self, database: &str) {
        let database = self
            .collection(database, "c")
            .await
            .client()
            .database(database);
        let dropped = database.drop().await;
        dropped.unwrap_or_else(|error| panic!("cannot drop {}: {error}", database.name()));
    }

    /// The primary of the replica set gives up its place.
    pub async fn step_down(&self) {
        let admin = self
            .collection("admin", "c")
            .await
            .client()
            .database("admin");
        let command = doc! {"replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5};
        // Servers before 4.2 close the connection in place of an answer; a refusal is a fault of the test.
        if let Err(error) = admin.run_command(command).await
            && let ErrorKind::Command(refusal) = error.kind.as_ref()
        {
            panic!("the primary does not step down: {}", refusal.message);
        }
    }

    /// Ends it as `kill -9` does; its documents are gone.
    pub fn kill9(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill9();
        }
    }

    /// Starts the dead server on its port, empty, and waits until it answers.
    pub async fn start_again(&mut self) {
        assert!(self.is_stand_in(), "a replica set is started by others");
        assert!(self.process.is_none(), "the MongoDB is running");
        layout::part("mongo/server/classes");
        let mut command = Command::new(layout::stack_file("mongo/up"));
        command.arg(self.port.to_string());
        let mut process = ServerProcess::start("mongo", &self.folder, command);
        let uri = self.uri();
        process
            .wait_ready(self.port, async |_| {
                let ping = async || {
                    let client = Client::with_uri_str(&uri).await?;
                    client.database("admin").run_command(doc! {"ping": 1}).await
                };
                ping().await.map(drop).map_err(|error| error.to_string())
            })
            .await;
        self.process = Some(process);
    }

    /// A collection. Its client lives as long as the handle.
    pub async fn collection(&self, database: &str, name: &str) -> Collection<Document> {
        let client = Client::with_uri_str(self.uri()).await;
        let client = client.unwrap_or_else(|error| panic!("cannot connect: {error}"));
        client.database(database).collection(name)
    }

    /// All documents of a collection, in the order of their ids.
    pub async fn documents(&self, database: &str, name: &str) -> Vec<Document> {
        let collection = self.collection(database, name).await;
        let found = async || {
            let mut cursor = collection.find(doc! {}).sort(doc! {"_id": 1}).await?;
            let mut documents = Vec::new();
            while cursor.advance().await? {
                documents.push(cursor.deserialize_current()?);
            }
            Ok::<_, mongodb::error::Error>(documents)
        };
        found()
            .await
            .unwrap_or_else(|error| panic!("cannot read {database}.{name}: {error}"))
    }
}
