//! Administration over librdkafka.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic as NativeNewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::Client;
use rdkafka::error::KafkaError;

use super::{Admin, AdminError, NewTopic, TopicCreation, TopicDescription, Watermarks};
use crate::client_config::{ClientConfigError, ClientProperties, ClientType, NativeConfig};
use crate::error::ErrorCode;
use crate::native::{self, ClientKind, LoginContext, NativeClient};
use crate::record::{PartitionOffset, TopicPartition};

/// Java's `default.api.timeout.ms`.
const DEFAULT_API_TIMEOUT_MS: u64 = 60_000;

impl From<ClientConfigError> for AdminError {
    fn from(error: ClientConfigError) -> Self {
        Self::InvalidConfig(error.to_string())
    }
}

/// An [`Admin`] over librdkafka. It keeps no connection: calls are rare, and an idle client
/// would cost threads.
#[derive(Clone)]
pub struct LibrdkafkaAdmin {
    shared: Arc<Shared>,
}

struct Shared {
    config: NativeConfig,
    bootstrap_servers: String,
    timeout: Duration,
}

impl LibrdkafkaAdmin {
    /// Checks the settings; nothing is connected before the first call.
    pub fn new(properties: &ClientProperties) -> Result<Self, AdminError> {
        let timeout = properties.duration_ms(
            ClientType::Admin,
            "default.api.timeout.ms",
            DEFAULT_API_TIMEOUT_MS,
        )?;
        let shared = Shared {
            config: properties.to_native(ClientType::Admin)?,
            bootstrap_servers: properties
                .get("bootstrap.servers")
                .unwrap_or_default()
                .to_owned(),
            timeout,
        };
        // Refuses what the library refuses, such as a file that is not there.
        shared
            .config
            .create_native_config()
            .map_err(|error| AdminError::InvalidConfig(error.to_string()))?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Runs a blocking call off the async threads.
    async fn run<T: Send + 'static>(
        &self,
        operation: String,
        call: impl FnOnce(&Call<'_>) -> Result<T, AdminError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let shared = Arc::clone(&self.shared);
        let cancelled = AdminError::Failed {
            operation: operation.clone(),
            code: ErrorCode::FAIL,
        };
        tokio::task::spawn_blocking(move || {
            call(&Call {
                shared: &shared,
                operation,
            })
        })
        .await
        // The runtime is shutting down.
        .unwrap_or(Err(cancelled))
    }
}

/// One call, with what its errors need to tell.
struct Call<'a> {
    shared: &'a Shared,
    operation: String,
}

impl Call<'_> {
    /// A consumer without group: unlike a producer it never creates the topics it asks for.
    fn client(&self) -> Result<Arc<NativeClient>, AdminError> {
        let mut config = self.shared.config.clone();
        config.set("allow.auto.create.topics", "false");
        config.set("isolation.level", "read_uncommitted");
        NativeClient::new(&config, ClientKind::Consumer, 0).map_err(AdminError::InvalidConfig)
    }

    /// A client for what only a controller does.
    fn admin_client(&self) -> Result<AdminClient<LoginContext>, AdminError> {
        let config = &self.shared.config;
        let client: AdminClient<LoginContext> = config
            .create_with_context(LoginContext::new(config))
            .map_err(|error| AdminError::InvalidConfig(error.to_string()))?;
        // It lives for one request, so that one token serves it to its end.
        let inner = client.inner();
        inner.context().give_token(inner.native_ptr());
        // The embedded broker names no controller, and the library would wait for one until
        // the timeout instead of saying that the request is not supported.
        let cluster_id = client.inner().fetch_cluster_id(self.shared.timeout);
        match cluster_id {
            Some(id) if id.starts_with("mockCluster") => {
                Err(self.error(ErrorCode::UNSUPPORTED_FEATURE))
            }
            Some(_) => Ok(client),
            None => Err(self.explained(self.error(ErrorCode::TIMED_OUT), client.inner())),
        }
    }

    /// Adds what the library complained of to an error that says only that the time was up.
    fn explained(&self, mut error: AdminError, client: &Client<LoginContext>) -> AdminError {
        if let AdminError::Timeout { reason, .. } = &mut error {
            // SAFETY: the client is alive and serves this call alone, which has no other use for its
            // main queue.
            *reason = unsafe { native::last_complaint(client.native_ptr()) };
        }
        error
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(self.shared.timeout))
            .operation_timeout(Some(self.shared.timeout))
    }

    fn error(&self, code: ErrorCode) -> AdminError {
        let operation = self.operation.clone();
        match code {
            ErrorCode::INVALID_REPLICATION_FACTOR => {
                AdminError::InvalidReplicationFactor { operation }
            }
            ErrorCode::UNSUPPORTED_FEATURE | ErrorCode::UNSUPPORTED_VERSION => {
                AdminError::Unsupported { operation }
            }
            ErrorCode::TIMED_OUT | ErrorCode::TRANSPORT | ErrorCode::ALL_BROKERS_DOWN => {
                AdminError::Timeout {
                    operation,
                    bootstrap_servers: self.shared.bootstrap_servers.clone(),
                    timeout_ms: self.shared.timeout.as_millis() as u64,
                    reason: None,
                }
            }
            code if code.is_authorization() => AdminError::NotAuthorized { operation, code },
            ErrorCode::UNKNOWN_MEMBER_ID
            | ErrorCode::NON_EMPTY_GROUP
            | ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC => AdminError::GroupInUse { operation, code },
            // INVALID_TOPIC, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_REQUEST
            ErrorCode::INVALID_CONFIG | ErrorCode::POLICY_VIOLATION => {
                AdminError::InvalidRequest { operation, code }
            }
            code if matches!(code.code(), 17 | 37 | 39 | 42) => {
                AdminError::InvalidRequest { operation, code }
            }
            code => AdminError::Failed { operation, code },
        }
    }

    fn library_error(&self, error: &KafkaError) -> AdminError {
        let code = match error {
            // The crate's own accessor forgets this variant.
            KafkaError::AdminOp(code) => Some(*code),
            other => other.rdkafka_error_code(),
        };
        self.error(code.map_or(ErrorCode::FAIL, ErrorCode::from))
    }

    fn unknown_topic(&self, topic: &str) -> AdminError {
        AdminError::UnknownTopic {
            operation: self.operation.clone(),
            topic: topic.to_owned(),
        }
    }

    fn describe_topic(&self, topic: &str) -> Result<Option<TopicDescription>, AdminError> {
        let client = self.client()?;
        let metadata = client
            .client()
            .fetch_metadata(Some(topic), self.shared.timeout)
            .map_err(|error| self.explained(self.library_error(&error), client.client()))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        match found.error().map(ErrorCode::from) {
            None if found.partitions().is_empty() => Ok(None),
            None => Ok(Some(TopicDescription {
                name: topic.to_owned(),
                num_partitions: found.partitions().len() as i32,
            })),
            Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC) => Ok(None),
            Some(code) => Err(self.error(code)),
        }
    }
}

#[async_trait]
impl Admin for LibrdkafkaAdmin {
    async fn cluster_id(&self) -> Result<String, AdminError> {
        let operation = "asking for the cluster id".to_owned();
        self.run(operation, |call| {
            let client = call.client()?;
            // Brokers older than 0.10.1 have none; the library can't tell that from silence.
            client
                .client()
                .fetch_cluster_id(call.shared.timeout)
                .ok_or_else(|| call.explained(call.error(ErrorCode::TIMED_OUT), client.client()))
        })
        .await
    }

    async fn describe_topic(&self, topic: &str) -> Result<Option<TopicDescription>, AdminError> {
        let topic = topic.to_owned();
        let operation = format!("describing topic {topic}");
        self.run(operation, move |call| call.describe_topic(&topic))
            .await
    }

    async fn create_topic(&self, topic: &NewTopic) -> Result<TopicCreation, AdminError> {
        let topic = topic.clone();
        let operation = format!("creating topic {}", topic.name);
        let runtime = tokio::runtime::Handle::current();
        self.run(operation, move |call| {
            let client = call.admin_client()?;
            let mut new_topic = NativeNewTopic::new(
                &topic.name,
                topic.num_partitions,
                TopicReplication::Fixed(i32::from(topic.replication_factor)),
            );
            for (key, value) in &topic.configs {
                new_topic = new_topic.set(key, value);
            }
            let results = runtime
                .block_on(client.create_topics([&new_topic], &call.options()))
                .map_err(|error| call.library_error(&error))?;
            match results.into_iter().next() {
                Some(Ok(_)) => Ok(TopicCreation::Created),
                Some(Err((_, code))) => match ErrorCode::from(code) {
                    ErrorCode::TOPIC_ALREADY_EXISTS => Ok(TopicCreation::Existed),
                    code => Err(call.error(code)),
                },
                None => Err(call.error(ErrorCode::FAIL)),
            }
        })
        .await
    }

    async fn topic_configs(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError> {
        let topic = topic.to_owned();
        let operation = format!("reading the configuration of topic {topic}");
        let runtime = tokio::runtime::Handle::current();
        self.run(operation, move |call| {
            let client = call.admin_client()?;
            let specifier = ResourceSpecifier::Topic(&topic);
            let results = runtime
                .block_on(client.describe_configs([&specifier], &call.options()))
                .map_err(|error| call.library_error(&error))?;
            match results.into_iter().next() {
                // A topic always has settings; a missing one comes as an empty resource, because
                // the crate does not look at the resource's own error.
                Some(Ok(resource)) if resource.entries.is_empty() => {
                    Err(call.unknown_topic(&topic))
                }
                Some(Ok(resource)) => Ok(resource
                    .entries
                    .into_iter()
                    .filter_map(|entry| Some((entry.name, entry.value?)))
                    .collect()),
                Some(Err(code)) => match ErrorCode::from(code) {
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => Err(call.unknown_topic(&topic)),
                    code => Err(call.error(code)),
                },
                None => Err(call.error(ErrorCode::FAIL)),
            }
        })
        .await
    }

    async fn list_consumer_group_offsets(
        &self,
        group_id: &str,
    ) -> Result<Vec<PartitionOffset>, AdminError> {
        let group_id = group_id.to_owned();
        let operation = format!("listing the offsets of group {group_id}");
        self.run(operation, move |call| {
            let client = call.client()?;
            native::group_offsets(&client, &group_id, call.shared.timeout)
                .map_err(|code| call.error(code))
        })
        .await
    }

    async fn alter_consumer_group_offsets(
        &self,
        group_id: &str,
        offsets: &[PartitionOffset],
    ) -> Result<(), AdminError> {
        let (group_id, offsets) = (group_id.to_owned(), offsets.to_vec());
        let operation = format!("changing the offsets of group {group_id}");
        self.run(operation, move |call| {
            let client = call.client()?;
            native::alter_group_offsets(&client, &group_id, &offsets, call.shared.timeout)
                .map_err(|code| call.error(code))
        })
        .await
    }

    async fn delete_consumer_group_offsets(
        &self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<(), AdminError> {
        let (group_id, partitions) = (group_id.to_owned(), partitions.to_vec());
        let operation = format!("removing offsets of group {group_id}");
        self.run(operation, move |call| {
            let client = call.client()?;
            native::delete_group_offsets(&client, &group_id, &partitions, call.shared.timeout)
                .map_err(|code| call.error(code))
        })
        .await
    }

    async fn delete_consumer_group(&self, group_id: &str) -> Result<(), AdminError> {
        let group_id = group_id.to_owned();
        let operation = format!("deleting group {group_id}");
        self.run(operation, move |call| {
            let client = call.client()?;
            match native::delete_group(&client, &group_id, call.shared.timeout) {
                Err(ErrorCode::GROUP_ID_NOT_FOUND) => Ok(()),
                outcome => outcome.map_err(|code| call.error(code)),
            }
        })
        .await
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, AdminError> {
        let partition = partition.clone();
        let operation = format!("asking for the first and last offset of {partition}");
        self.run(operation, move |call| {
            let unknown = || call.unknown_topic(&partition.topic);
            let topic = CString::new(&*partition.topic).map_err(|_| unknown())?;
            let client = call.client()?;
            let timeout = call.shared.timeout;
            native::watermarks(&client, &topic, partition.partition, timeout)
                .map(|(low, high)| Watermarks { low, high })
                .map_err(|code| match code {
                    ErrorCode::UNKNOWN_PARTITION
                    | ErrorCode::UNKNOWN_TOPIC
                    | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => unknown(),
                    code => call.error(code),
                })
        })
        .await
    }
}
