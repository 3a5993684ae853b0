//! Sends commands, and sends them again where that is safe.

use super::super::bulk::{BulkWrite, ServerLimits};
use super::super::namespace::Namespace;
use super::super::time_series;
use super::super::topic_settings::TimeSeries;
use crate::client::{
    ConnectionSettings, MongoConnection, is_retriable, timed_out, to_connect_error,
};
use connect_api::{ConnectError, Result};
use mongodb::ClientSession;
use std::collections::HashSet;
use std::time::Duration;

/// A server that says nothing for so long is taken for lost.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a command is sent within one `put`: once more after an error that passes, as drivers do.
/// After that the runtime hands the batch over again, with its own pauses.
const MAX_ATTEMPTS: u32 = 2;

/// Writes to one deployment.
pub(super) struct Writer {
    settings: ConnectionSettings,
    connected: Option<Connected>,
    /// Collections that are known to be of time series.
    checked: HashSet<Namespace>,
    /// The number of the next command within the session.
    next_number: i64,
}

struct Connected {
    connection: MongoConnection,
    limits: ServerLimits,
    /// Under the session and its number the server knows a command that comes twice.
    session: Option<ClientSession>,
}

impl Writer {
    pub(super) fn new(settings: ConnectionSettings) -> Self {
        Self {
            settings,
            connected: None,
            checked: HashSet::new(),
            next_number: 1,
        }
    }

    /// What the server takes at most. Connects if that was not done yet.
    pub(super) async fn limits(&mut self) -> Result<ServerLimits> {
        Ok(self.connected().await?.limits)
    }

    async fn connected(&mut self) -> Result<&mut Connected> {
        if self.connected.is_none() {
            self.connected = Some(Connected::open(&self.settings).await?);
        }
        self.connected
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("There is no connection"))
    }

    /// Makes sure that a collection is one of time series.
    pub(super) async fn ensure_time_series(
        &mut self,
        namespace: &Namespace,
        time_series: &TimeSeries,
    ) -> Result<()> {
        if self.checked.contains(namespace) {
            return Ok(());
        }
        let connected = self.connected().await?;
        time_series::ensure(&connected.connection, namespace, time_series).await?;
        self.checked.insert(namespace.clone());
        Ok(())
    }

    /// Sends what is left of a bulk write. After a retriable error the write goes on from there when it
    /// is handed over again; what the server refused stands in the write.
    pub(super) async fn write(&mut self, write: &mut BulkWrite) -> Result<()> {
        let mut next_number = self.next_number;
        let connected = self.connected().await?;
        let result = connected.write(write, &mut next_number).await;
        self.next_number = next_number;
        result
    }

    pub(super) async fn close(self) {
        if let Some(connected) = self.connected {
            drop(connected.session);
            connected.connection.client.shutdown().immediate(true).await;
        }
    }
}

impl Connected {
    async fn open(settings: &ConnectionSettings) -> Result<Self> {
        let connection = settings.connect("sink", None).await?;
        let hello = connection
            .hello()
            .await
            .map_err(|error| to_connect_error(&connection.hosts, &error))?;
        let limits = ServerLimits::from_hello(&hello);
        let session = match limits.supports_retryable_writes && connection.retry_writes {
            true => Some(
                connection
                    .client
                    .start_session()
                    .await
                    .map_err(|error| to_connect_error(&connection.hosts, &error))?,
            ),
            false => None,
        };
        Ok(Self {
            connection,
            limits,
            session,
        })
    }

    async fn write(&mut self, write: &mut BulkWrite, next_number: &mut i64) -> Result<()> {
        let namespace = write.namespace().clone();
        let what = format!("Bulk write to {namespace} at {}", self.connection.hosts);
        let not_encoded =
            |error: bson::error::Error| ConnectError::data(format!("{what}: {error}"));
        let mut attempt = 1;
        while let Some(command) = write
            .command(&self.limits, &self.connection, next_number)
            .map_err(not_encoded)?
        {
            let database = self.connection.client.database(&namespace.database);
            let mut sending = database.run_raw_command(command.body);
            if let Some(session) = &mut self.session {
                sending = sending.session(session);
            }
            let failed = match tokio::time::timeout(COMMAND_TIMEOUT, sending.into_future()).await {
                Err(_) => timed_out(&what, COMMAND_TIMEOUT),
                Ok(Err(error)) if !is_retriable(&error) => {
                    return Err(to_connect_error(&what, &error));
                }
                Ok(Err(error)) => to_connect_error(&what, &error),
                Ok(Ok(answer)) => match write.answered(&answer) {
                    Ok(()) => {
                        attempt = 1;
                        continue;
                    }
                    Err((code, message)) => {
                        ConnectError::retriable(format!("{what}: server code {code}: {message}"))
                    }
                },
            };
            if attempt >= MAX_ATTEMPTS || self.session.is_none() {
                return Err(failed);
            }
            tracing::warn!(
                "Command {} is sent again, as the server knows it by its number: {failed}",
                command.number
            );
            attempt += 1;
        }
        Ok(())
    }
}
