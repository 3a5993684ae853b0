//! Creation and checks of the topics behind logs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::LogError;
use crate::admin::{Admin, AdminError, NewTopic, TopicCreation};

/// How a log's topic is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name of the topic.
    pub name: String,
    /// The worker setting that names it, for error texts: `config.storage.topic`.
    pub setting: String,
    /// What the topic holds, for error texts: `connector configurations`.
    pub purpose: String,
    /// Partitions of a new topic; `-1` takes the broker's default.
    pub num_partitions: i32,
    /// Replication factor of a new topic; `-1` takes the broker's default.
    pub replication_factor: i16,
    /// Topic settings of a new topic. A `cleanup.policy` here has no effect: it is `compact`.
    pub configs: BTreeMap<String, String>,
    /// Whether more than one partition makes the topic unusable (the config topic, whose
    /// records must have one order).
    pub single_partition: bool,
}

const CLEANUP_POLICY: &str = "cleanup.policy";
const COMPACT: &str = "compact";
const RETRY_BACKOFF: Duration = Duration::from_millis(250);
const MAX_RETRY_BACKOFF: Duration = Duration::from_secs(5);

/// Creates the topic if it is missing, and checks that it can be used.
///
/// Creation is tried for `timeout` while brokers are missing. Where the principal may not
/// create topics, or the brokers can't on request, the topic is taken to exist or to be made
/// by the brokers: the log finds out when it starts.
pub async fn ensure_topic(
    admin: &dyn Admin,
    spec: &TopicSpec,
    timeout: Duration,
) -> Result<(), LogError> {
    let mut configs = spec.configs.clone();
    if let Some(policy) = configs.insert(CLEANUP_POLICY.to_owned(), COMPACT.to_owned())
        && policy != COMPACT
    {
        tracing::warn!(
            "cleanup.policy={policy} for topic {} ({}) is ignored: Connect needs compact",
            spec.name,
            spec.setting
        );
    }
    let new_topic = NewTopic {
        name: spec.name.clone(),
        num_partitions: spec.num_partitions,
        replication_factor: spec.replication_factor,
        configs,
    };
    match create(admin, &new_topic, timeout).await? {
        Some(TopicCreation::Created) => {
            tracing::info!("created topic {} for {}", spec.name, spec.purpose);
        }
        Some(TopicCreation::Existed) => check_policy(admin, spec).await?,
        None => tracing::info!(
            "topic {} for {} can't be created by this worker: it is taken to exist or to be \
             created by the brokers",
            spec.name,
            spec.purpose
        ),
    }
    if spec.single_partition {
        check_single_partition(admin, spec).await?;
    }
    Ok(())
}

/// Creates a topic, trying again while brokers are missing. `None`: not for this principal.
async fn create(
    admin: &dyn Admin,
    topic: &NewTopic,
    timeout: Duration,
) -> Result<Option<TopicCreation>, LogError> {
    let begin = Instant::now();
    let mut backoff = RETRY_BACKOFF;
    loop {
        match admin.create_topic(topic).await {
            Ok(creation) => return Ok(Some(creation)),
            Err(AdminError::NotAuthorized { .. } | AdminError::Unsupported { .. }) => {
                return Ok(None);
            }
            Err(error) if error.is_retriable() && begin.elapsed() + backoff < timeout => {
                tracing::warn!("trying again in {backoff:?}: {error}");
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_RETRY_BACKOFF);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn check_policy(admin: &dyn Admin, spec: &TopicSpec) -> Result<(), LogError> {
    let configs = match admin.topic_configs(&spec.name).await {
        Ok(configs) => configs,
        Err(error) => {
            tracing::info!(
                "the cleanup policy of topic {} ({}) can't be checked; it must be compact, or \
                 {} get lost: {error}",
                spec.name,
                spec.setting,
                spec.purpose
            );
            return Ok(());
        }
    };
    let Some(policy) = configs.get(CLEANUP_POLICY) else {
        return Ok(());
    };
    let mut policies = policy
        .split(',')
        .map(str::trim)
        .filter(|policy| !policy.is_empty());
    if policies.next() == Some(COMPACT) && policies.next().is_none() {
        return Ok(());
    }
    let TopicSpec {
        name,
        setting,
        purpose,
        ..
    } = spec;
    // The first sentence is the JVM worker's, word for word.
    Err(LogError::UnusableTopic(format!(
        "Topic '{name}' supplied via the '{setting}' property is required to have \
         'cleanup.policy=compact' to guarantee consistency and durability of {purpose}, but found \
         the topic currently has 'cleanup.policy={policy}'. Continuing would likely result in \
         eventually losing {purpose} and problems restarting this Connect cluster in the future. \
         Change the '{setting}' property in the Connect worker configurations to use a topic with \
         'cleanup.policy=compact'."
    )))
}

async fn check_single_partition(admin: &dyn Admin, spec: &TopicSpec) -> Result<(), LogError> {
    match admin.describe_topic(&spec.name).await {
        Ok(Some(topic)) if topic.num_partitions > 1 => Err(LogError::UnusableTopic(format!(
            "Topic '{}' supplied via the '{}' property is required to have a single partition in \
             order to guarantee consistency of {}, but found {} partitions. Create a topic with \
             one partition, or change the property to such a topic.",
            spec.name, spec.setting, spec.purpose, topic.num_partitions
        ))),
        // The log itself fails, with a better reason, if the topic can't be used.
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::FakeAdmin;
    use crate::error::ErrorCode;

    const TIMEOUT: Duration = Duration::from_secs(60);

    fn spec() -> TopicSpec {
        TopicSpec {
            name: "connect-configs".to_owned(),
            setting: "config.storage.topic".to_owned(),
            purpose: "connector configurations".to_owned(),
            num_partitions: 1,
            replication_factor: -1,
            configs: BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]),
            single_partition: true,
        }
    }

    fn existing(num_partitions: i32, policy: &str) -> FakeAdmin {
        let admin = FakeAdmin::new();
        let configs = BTreeMap::from([(CLEANUP_POLICY.to_owned(), policy.to_owned())]);
        admin.add_topic("connect-configs", num_partitions, configs);
        admin
    }

    fn not_authorized() -> AdminError {
        AdminError::NotAuthorized {
            operation: "creating".to_owned(),
            code: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        }
    }

    #[tokio::test]
    async fn a_missing_topic_is_created_compacted() {
        let admin = FakeAdmin::new();
        let mut spec = spec();
        spec.configs
            .insert(CLEANUP_POLICY.to_owned(), "delete".to_owned());
        ensure_topic(&admin, &spec, TIMEOUT).await.unwrap();
        let configs = admin.topic_configs("connect-configs").await.unwrap();
        assert_eq!(configs[CLEANUP_POLICY], "compact");
        assert_eq!(configs["retention.ms"], "5");
    }

    #[tokio::test]
    async fn only_exactly_compact_will_do() {
        for policy in ["delete", "compact,delete", ""] {
            let error = ensure_topic(&existing(1, policy), &spec(), TIMEOUT)
                .await
                .unwrap_err();
            let text = error.to_string();
            assert!(!error.is_retriable());
            assert!(text.contains("'connect-configs'"), "{text}");
            assert!(
                text.contains(&format!("'cleanup.policy={policy}'")),
                "{text}"
            );
        }
        ensure_topic(&existing(1, " compact "), &spec(), TIMEOUT)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn an_unreadable_policy_is_tolerated() {
        let admin = existing(1, "delete");
        admin.fail_next("topic_configs", not_authorized());
        ensure_topic(&admin, &spec(), TIMEOUT).await.unwrap();
    }

    #[tokio::test]
    async fn several_partitions_are_fatal_where_one_order_matters() {
        let admin = existing(2, "compact");
        let error = ensure_topic(&admin, &spec(), TIMEOUT).await.unwrap_err();
        assert!(error.to_string().contains("found 2 partitions"), "{error}");
        let many = TopicSpec {
            single_partition: false,
            ..spec()
        };
        ensure_topic(&admin, &many, TIMEOUT).await.unwrap();
    }

    #[tokio::test]
    async fn without_permission_the_topic_is_taken_to_exist() {
        let admin = FakeAdmin::new();
        admin.fail_next("create_topic", not_authorized());
        ensure_topic(&admin, &spec(), TIMEOUT).await.unwrap();
        assert_eq!(admin.describe_topic("connect-configs").await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn creation_waits_for_brokers() {
        let admin = FakeAdmin::new();
        for _ in 0..3 {
            let operation = "creating topic connect-configs".to_owned();
            admin.fail_next(
                "create_topic",
                AdminError::InvalidReplicationFactor { operation },
            );
        }
        ensure_topic(&admin, &spec(), TIMEOUT).await.unwrap();
        assert!(
            admin
                .describe_topic("connect-configs")
                .await
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn a_refused_setting_is_an_error() {
        let admin = FakeAdmin::new();
        let refused = AdminError::InvalidRequest {
            operation: "creating topic connect-configs".to_owned(),
            code: ErrorCode::INVALID_CONFIG,
        };
        admin.fail_next("create_topic", refused.clone());
        let error = ensure_topic(&admin, &spec(), TIMEOUT).await.unwrap_err();
        assert_eq!(error, LogError::Admin(refused));
    }
}
