//! The stored offsets of a connector: read at any time, changed while it is stopped (KIP-875).

mod sink;

use super::LocalHost;
use crate::face::{ConnectorOffset, HerderError, HerderResult};
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Value};
use connect_api::json::{JsonOptions, write_value};
use connect_api::{ConnectError, ConnectorFactory};
use connect_kafka::admin::Admin;
use connect_store::{ConnectorOffsets as StoredOffsets, OffsetStore, StoreError};
use indexmap::IndexMap;
use sink::{Sink, consumer_group, sink_offset};
use std::sync::Arc;

/// The exception of Java connectors whose offsets cannot be changed from outside.
const UNSUPPORTED_OPERATION: &str = "java.lang.UnsupportedOperationException";
/// Errors of these classes are meant for the client; others are wrapped.
const CONNECT_EXCEPTIONS: &str = "org.apache.kafka.connect.errors.";

/// What becomes of offsets.
#[derive(Clone, Debug)]
pub(crate) enum OffsetChange {
    /// The offsets of some partitions are replaced, or forgotten.
    Alter(Vec<ConnectorOffset>),
    /// All are forgotten.
    Reset,
}

impl OffsetChange {
    fn verb(&self) -> &'static str {
        match self {
            Self::Alter(_) => "alter",
            Self::Reset => "reset",
        }
    }

    fn participle(&self) -> &'static str {
        match self {
            Self::Alter(_) => "altered",
            Self::Reset => "reset",
        }
    }

    /// The answer to the client.
    fn success(&self, is_all_done: bool) -> String {
        let done = self.participle();
        if is_all_done {
            return format!("The offsets for this connector have been {done} successfully");
        }
        format!(
            "The Connect framework-managed offsets for this connector have been {done} \
             successfully. However, if this connector manages offsets externally, they will need \
             to be manually {done} in the system that the connector uses."
        )
    }
}

/// Who is being worked for, for messages.
struct Subject<'a> {
    connector: &'a str,
    kind: &'static str,
}

impl Subject<'_> {
    /// An error that the log has with its cause, and the client in the words of a JVM worker.
    fn failed(&self, message: String, cause: &dyn std::fmt::Display) -> HerderError {
        tracing::error!(connector = self.connector, "{message}: {cause}");
        HerderError::internal(message)
    }

    fn failed_to_modify(&self, cause: &dyn std::fmt::Display) -> HerderError {
        let Self { connector, kind } = self;
        let message = format!("Failed to modify offsets for {kind} connector {connector}");
        self.failed(message, cause)
    }

    /// What the connector says against the change.
    fn refused(&self, error: &ConnectError) -> HerderError {
        let connector = self.connector;
        match error.class() {
            UNSUPPORTED_OPERATION => self.failed(
                format!(
                    "Failed to modify offsets for connector {connector} because it doesn't support \
                     external modification of offsets"
                ),
                error,
            ),
            class if class.starts_with(CONNECT_EXCEPTIONS) => {
                self.failed(error.message().to_string(), error)
            }
            _ => self.failed_to_modify(error),
        }
    }
}

/// Offsets that have been read for one request.
struct OpenOffsets {
    stored: StoredOffsets,
    /// To be stopped after use.
    own_store: Option<Arc<dyn OffsetStore>>,
}

impl OpenOffsets {
    async fn close(self) {
        if let Some(store) = self.own_store {
            store.stop().await;
        }
    }
}

impl LocalHost {
    /// The stored offsets of a connector. `config` has its variables resolved.
    pub(crate) async fn stored_offsets(
        &self,
        connector: &str,
        config: &ConfigMap,
    ) -> HerderResult<Vec<ConnectorOffset>> {
        let plugin = self.connector_plugin(config)?;
        if let ConnectorFactory::Source(_) = plugin.factory {
            let subject = Subject {
                connector,
                kind: "source",
            };
            let failed = |error: StoreError| {
                let message =
                    format!("Failed to retrieve offsets for source connector {connector}");
                subject.failed(message, &error)
            };
            let open = self.open_source_offsets(connector, config).await;
            let open = open.map_err(failed)?;
            let listed = open.stored.list().await;
            open.close().await;
            let listed = listed.map_err(failed)?;
            let offsets = listed
                .into_iter()
                .map(|(partition, offset)| ConnectorOffset {
                    partition: Some(partition),
                    offset: Some(offset),
                });
            return Ok(offsets.collect());
        }
        let subject = Subject {
            connector,
            kind: "sink",
        };
        let message =
            || format!("Failed to retrieve consumer group offsets for sink connector {connector}");
        let admin = self
            .offsets_admin(connector, config)
            .map_err(|error| subject.failed(message(), &error))?;
        let committed = admin
            .list_consumer_group_offsets(&consumer_group(connector, config))
            .await
            .map_err(|error| subject.failed(message(), &error))?;
        Ok(committed.iter().map(sink_offset).collect())
    }

    /// Changes the stored offsets of a connector without tasks; answers what has been done, as a
    /// sentence. `config` has its variables resolved.
    pub(crate) async fn change_offsets(
        &self,
        connector: &str,
        config: &ConfigMap,
        change: OffsetChange,
    ) -> HerderResult<String> {
        let plugin = self.connector_plugin(config)?;
        tracing::info!(connector, "changing its offsets: {}", change.verb());
        let is_all_done = match plugin.factory {
            ConnectorFactory::Source(create) => {
                let subject = Subject {
                    connector,
                    kind: "source",
                };
                let plugin = create();
                let open = self.open_source_offsets(connector, config).await;
                let open = open.map_err(|error| subject.failed_to_modify(&error))?;
                let stored = &open.stored;
                let changed =
                    change_source_offsets(&subject, &*plugin, config, stored, &change).await;
                open.close().await;
                changed?
            }
            ConnectorFactory::Sink(create) => {
                let subject = Subject {
                    connector,
                    kind: "sink",
                };
                let admin = self
                    .offsets_admin(connector, config)
                    .map_err(|error| subject.failed_to_modify(&error))?;
                let plugin = create();
                let sink = Sink {
                    subject,
                    plugin: &*plugin,
                    config,
                    admin: &*admin,
                    group: consumer_group(connector, config),
                };
                sink.change_offsets(&change).await?
            }
        };
        Ok(change.success(is_all_done))
    }

    /// The stored offsets of a source, wherever they are; to be closed after use.
    async fn open_source_offsets(
        &self,
        connector: &str,
        config: &ConfigMap,
    ) -> Result<OpenOffsets, StoreError> {
        let offsets = self.connector_offsets(connector, config)?;
        let open = OpenOffsets {
            stored: StoredOffsets::new(connector, offsets.store.clone()),
            own_store: offsets.is_own.then(|| offsets.store.clone()),
        };
        if offsets.is_own
            && let Err(error) = offsets.store.start().await
        {
            open.close().await;
            return Err(error);
        }
        Ok(open)
    }

    fn offsets_admin(
        &self,
        connector: &str,
        config: &ConfigMap,
    ) -> Result<Arc<dyn Admin>, ConnectError> {
        let client_id = format!("connector-worker-adminclient-{connector}");
        self.clients
            .admin(&self.admin_properties(&client_id, config))
    }
}

/// Returns whether the connector has changed all that there is to change.
async fn change_source_offsets(
    subject: &Subject<'_>,
    plugin: &dyn connect_api::SourceConnector,
    config: &ConfigMap,
    stored: &StoredOffsets,
    change: &OffsetChange,
) -> HerderResult<bool> {
    let store_failed = |error: StoreError| subject.failed_to_modify(&error);
    let offsets = match change {
        OffsetChange::Alter(offsets) => {
            normalized(offsets).map_err(|error| subject.refused(&error))?
        }
        OffsetChange::Reset => {
            let listed = stored.list().await.map_err(store_failed)?;
            let partitions = listed.into_iter();
            partitions
                .map(|(partition, _)| (Some(partition), None))
                .collect()
        }
    };
    let is_all_done = plugin
        .alter_offsets(config, &offsets)
        .await
        .map_err(|error| subject.refused(&error))?;
    match change {
        OffsetChange::Alter(_) => stored.alter(&offsets).await.map_err(store_failed)?,
        OffsetChange::Reset => stored.reset().await.map_err(store_failed)?,
    }
    Ok(is_all_done)
}

type SourceOffset = (Option<Map>, Option<Map>);

/// The offsets as they will be read back; the last one of a partition counts.
fn normalized(offsets: &[ConnectorOffset]) -> Result<Vec<SourceOffset>, ConnectError> {
    let mut by_partition: IndexMap<Bytes, SourceOffset> = IndexMap::new();
    for ConnectorOffset { partition, offset } in offsets {
        for map in [partition, offset].into_iter().flatten() {
            refuse_large_integers(map)?;
        }
        let normalize = |map: &Option<Map>| map.as_ref().map(StoredOffsets::normalize).transpose();
        let (partition, offset) = (normalize(partition)?, normalize(offset)?);
        by_partition.insert(partition_text(partition.as_ref())?, (partition, offset));
    }
    Ok(by_partition.into_values().collect())
}

/// Whole numbers of a request that are beyond 64 bits come as decimals.
fn refuse_large_integers(map: &Map) -> Result<(), ConnectError> {
    match map
        .iter()
        .find(|(_, value)| matches!(value, Value::Decimal(_)))
    {
        Some((field, _)) => Err(ConnectError::data(format!(
            "Offsets may only contain primitive types as values, but field {field} contains class \
             java.math.BigInteger"
        ))),
        None => Ok(()),
    }
}

/// Tells partitions apart, whatever the order of their fields.
fn partition_text(partition: Option<&Map>) -> Result<Bytes, ConnectError> {
    let mut text = BytesMut::new();
    if let Some(partition) = partition {
        let mut fields: Vec<(Value, Value)> = partition
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        fields.sort_by_key(|(key, _)| key.to_string());
        let sorted = Value::Map(fields.into_iter().collect());
        write_value(&sorted, &JsonOptions::default(), &mut text)?;
    }
    Ok(text.freeze())
}

#[cfg(test)]
mod tests;
