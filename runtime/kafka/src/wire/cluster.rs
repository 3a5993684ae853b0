//! The brokers of one cluster: how to reach any of them, and which is whose coordinator.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest};
use kafka_protocol::protocol::StrBytes;

use super::connection::BrokerConnection;
use super::error::WireError;
use super::settings::{BrokerAddress, ClientSettings};
use super::stream::{Dialer, TcpDialer, TlsDialer};

/// What the key of FindCoordinator is.
const GROUP_KEY_TYPE: i8 = 0;
const TRANSACTION_KEY_TYPE: i8 = 1;

/// Opens connections to the brokers of one cluster. Cheap to clone; holds no connection itself.
#[derive(Clone)]
pub struct ClusterClient {
    settings: Arc<ClientSettings>,
    dialer: Arc<dyn Dialer>,
}

/// The broker that coordinates a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinator {
    /// Its node id.
    pub node_id: i32,
    /// Where it listens.
    pub address: BrokerAddress,
}

/// What a Metadata request without topics tells of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMetadata {
    /// The cluster's id; librdkafka's mock cluster and very old brokers may give none.
    pub cluster_id: Option<String>,
    /// Node id and address of every live broker.
    pub brokers: Vec<(i32, BrokerAddress)>,
}

impl ClusterClient {
    /// A client for the brokers of `settings`.
    pub fn new(settings: ClientSettings) -> Self {
        Self::with_dialer(settings, Arc::new(TcpDialer))
    }

    /// A client that opens its streams through `dialer`, with TLS over them where the settings say.
    pub fn with_dialer(settings: ClientSettings, dialer: Arc<dyn Dialer>) -> Self {
        let dialer = match &settings.tls {
            Some(tls) => Arc::new(TlsDialer::over(dialer, Arc::clone(tls))),
            None => dialer,
        };
        Self {
            settings: Arc::new(settings),
            dialer,
        }
    }

    /// The settings in use.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Opens a connection to one broker.
    ///
    /// # Errors
    /// As [`BrokerConnection::open`].
    pub async fn connect(&self, broker: &BrokerAddress) -> Result<BrokerConnection, WireError> {
        BrokerConnection::open(self.dialer.as_ref(), &self.settings, broker).await
    }

    /// Opens a connection to the first of `bootstrap.servers` that can be used, beginning at a
    /// random one so that the workers of a cluster spread over the brokers.
    ///
    /// # Errors
    /// [`WireError::NoBroker`] with the last failure when none could be used; a refusal
    /// by TLS or SASL at once, since every broker would give it.
    pub async fn connect_any(&self) -> Result<BrokerConnection, WireError> {
        let servers = &self.settings.bootstrap_servers;
        let start = rand::random_range(0..servers.len().max(1));
        let mut last = None;
        for broker in servers.iter().cycle().skip(start).take(servers.len()) {
            match self.connect(broker).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.is_refusal() => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        let bootstrap = self.settings.bootstrap_text();
        Err(match last {
            Some(last) => WireError::NoBroker {
                bootstrap,
                last: Box::new(last),
            },
            None => WireError::Connect {
                broker: BrokerAddress {
                    host: bootstrap,
                    port: 0,
                },
                source: std::io::Error::other("bootstrap.servers is empty"),
            },
        })
    }

    /// Asks any broker which one coordinates the group.
    ///
    /// # Errors
    /// [`WireError::Response`] with the broker's error code, retriable while the coordinator is
    /// being elected; otherwise as [`Self::connect_any`].
    pub async fn find_group_coordinator(&self, group_id: &str) -> Result<Coordinator, WireError> {
        self.find_coordinator(group_id, GROUP_KEY_TYPE).await
    }

    /// Asks any broker which one coordinates the transactions of a transactional id.
    ///
    /// # Errors
    /// As [`Self::find_group_coordinator`].
    pub async fn find_transaction_coordinator(
        &self,
        transactional_id: &str,
    ) -> Result<Coordinator, WireError> {
        self.find_coordinator(transactional_id, TRANSACTION_KEY_TYPE)
            .await
    }

    async fn find_coordinator(&self, key: &str, key_type: i8) -> Result<Coordinator, WireError> {
        let mut connection = self.connect_any().await?;
        let response = connection
            .send(self.settings.request_timeout, |_| {
                FindCoordinatorRequest::default()
                    .with_key(StrBytes::from_string(key.to_owned()))
                    .with_key_type(key_type)
            })
            .await?;
        if let Some(error) = ResponseError::try_from_code(response.error_code) {
            let message = response.error_message.map(|message| message.to_string());
            return Err(connection.response_error::<FindCoordinatorRequest>(error, message));
        }
        let port = u16::try_from(response.port).map_err(|_| WireError::Malformed {
            broker: connection.broker().clone(),
            api: "FindCoordinator",
            version: connection
                .versions()
                .pick::<FindCoordinatorRequest>()
                .unwrap_or_default(),
            reason: format!("the coordinator's port is {}", response.port),
        })?;
        Ok(Coordinator {
            node_id: response.node_id.0,
            address: BrokerAddress {
                host: response.host.to_string(),
                port,
            },
        })
    }
}

/// Asks any broker for the cluster's id and brokers, without touching any topic.
///
/// # Errors
/// As [`ClusterClient::connect_any`] and [`BrokerConnection::send`].
pub async fn metadata(client: &ClusterClient) -> Result<ClusterMetadata, WireError> {
    let mut connection = client.connect_any().await?;
    let response = connection
        .send(client.settings.request_timeout, |_| {
            MetadataRequest::default()
                .with_topics(Some(Vec::new()))
                .with_allow_auto_topic_creation(false)
        })
        .await?;
    let brokers = response
        .brokers
        .iter()
        .filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            let address = BrokerAddress {
                host: broker.host.to_string(),
                port,
            };
            Some((broker.node_id.0, address))
        })
        .collect();
    Ok(ClusterMetadata {
        cluster_id: response.cluster_id.map(|id| id.to_string()),
        brokers,
    })
}
