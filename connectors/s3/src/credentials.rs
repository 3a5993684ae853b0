//! Where credentials come from: Java's provider classes, mapped.

use crate::keys;
use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_sdk_s3::config::{Credentials, Region, SharedCredentialsProvider};
use connect_api::Result;
use connect_api::config::{ConfigData, ConfigMap, Password};
use storage_common::settings::{Fault, Values};

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsSettings {
    /// `aws.access.key.id` and `aws.secret.access.key`.
    Static {
        /// The key.
        access_key_id: String,
        /// Its secret.
        secret: Password,
    },
    /// One of the providers.
    Provider(Provider),
    /// `io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider`.
    AssumeRole(AssumeRole),
}

/// A provider without settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Everything in turn: environment, profile, SSO, web identity, container, instance.
    Chain,
    /// Variables of the environment.
    Environment,
    /// The profile files.
    Profile,
    /// A token file that the environment names.
    WebIdentity,
    /// The metadata of the container.
    Container,
    /// The metadata of the instance.
    Instance,
    /// None: requests are not signed.
    Anonymous,
}

/// A role to take on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    role_arn: String,
    session_name: String,
    external_id: String,
    region: Option<String>,
    base: Option<(String, Password)>,
}

const ASSUME_ROLE: &str = "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider";
const V1: &str = "com.amazonaws.auth.";
const V2: &str = "software.amazon.awssdk.auth.credentials.";

const ROLE_ARN: &str = "s3.credentials.provider.sts.role.arn";
const ROLE_SESSION_NAME: &str = "s3.credentials.provider.sts.role.session.name";
const ROLE_EXTERNAL_ID: &str = "s3.credentials.provider.sts.role.external.id";
const ROLE_REGION: &str = "s3.credentials.provider.sts.region";

impl Provider {
    /// The provider of a Java class of either generation of the SDK.
    fn of_class(class: &str) -> Option<Self> {
        if let Some(simple) = class.strip_prefix(V2) {
            return Some(match simple {
                "DefaultCredentialsProvider" | "AwsCredentialsProviderChain" => Self::Chain,
                "EnvironmentVariableCredentialsProvider" => Self::Environment,
                "ProfileCredentialsProvider" => Self::Profile,
                "WebIdentityTokenFileCredentialsProvider" => Self::WebIdentity,
                "ContainerCredentialsProvider" => Self::Container,
                "InstanceProfileCredentialsProvider" => Self::Instance,
                "AnonymousCredentialsProvider" => Self::Anonymous,
                _ => return None,
            });
        }
        Some(match class.strip_prefix(V1)? {
            "DefaultAWSCredentialsProviderChain" => Self::Chain,
            "EnvironmentVariableCredentialsProvider" => Self::Environment,
            "profile.ProfileCredentialsProvider" => Self::Profile,
            "WebIdentityTokenCredentialsProvider" => Self::WebIdentity,
            "ContainerCredentialsProvider" | "EC2ContainerCredentialsProviderWrapper" => {
                Self::Container
            }
            "InstanceProfileCredentialsProvider" => Self::Instance,
            _ => return None,
        })
    }
}

impl CredentialsSettings {
    /// Reads the keys about credentials. `None` after a fault.
    pub(crate) fn read(
        config: &ConfigMap,
        values: Values<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let class = values.text(keys::CREDENTIALS_PROVIDER);
        let static_keys = read_static_keys(values);
        if class == ASSUME_ROLE {
            return read_assume_role(config, static_keys, faults).map(Self::AssumeRole);
        }
        let provider = Provider::of_class(class);
        if provider.is_none() {
            faults.push(Fault::invalid(
                keys::CREDENTIALS_PROVIDER,
                class,
                format!(
                    "Class {class} could not be found. Supported are {ASSUME_ROLE} and, with the \
                     package {V2} or {V1}, the default chain and the providers of the environment, \
                     profile, web identity, container and instance"
                ),
            ));
        }
        match (static_keys, provider) {
            (_, None) => None,
            (Some((access_key_id, secret)), _) => Some(Self::Static {
                access_key_id,
                secret,
            }),
            (None, Some(provider)) => Some(Self::Provider(provider)),
        }
    }

    /// The provider for the SDK; `None` for requests that are not signed. Nothing is asked of it yet.
    pub(crate) async fn connect(&self, region: &str) -> Result<Option<SharedCredentialsProvider>> {
        let region = Region::new(region.to_string());
        let provider_config = || ProviderConfig::empty().with_region(Some(region.clone()));
        let provider = match self {
            Self::Static {
                access_key_id,
                secret,
            } => SharedCredentialsProvider::new(static_credentials(access_key_id, secret)),
            Self::AssumeRole(role) => role.connect(region).await,
            Self::Provider(Provider::Anonymous) => return Ok(None),
            Self::Provider(Provider::Chain) => SharedCredentialsProvider::new(
                DefaultCredentialsChain::builder()
                    .region(region)
                    .build()
                    .await,
            ),
            Self::Provider(Provider::Environment) => {
                SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
            }
            Self::Provider(Provider::Profile) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&provider_config())
                    .build(),
            ),
            Self::Provider(Provider::WebIdentity) => SharedCredentialsProvider::new(
                WebIdentityTokenCredentialsProvider::builder()
                    .configure(&provider_config())
                    .build(),
            ),
            Self::Provider(Provider::Container) => SharedCredentialsProvider::new(
                EcsCredentialsProvider::builder()
                    .configure(&provider_config())
                    .build(),
            ),
            Self::Provider(Provider::Instance) => SharedCredentialsProvider::new(
                ImdsCredentialsProvider::builder()
                    .configure(&provider_config())
                    .build(),
            ),
        };
        Ok(Some(provider))
    }
}

fn static_credentials(access_key_id: &str, secret: &Password) -> Credentials {
    Credentials::new(
        access_key_id,
        secret.expose(),
        None,
        None,
        "connector configuration",
    )
}

/// Both or nothing: half a pair is as good as none.
fn read_static_keys(values: Values<'_>) -> Option<(String, Password)> {
    let access_key_id = values.text(keys::ACCESS_KEY_ID);
    match values.get(keys::SECRET_ACCESS_KEY) {
        Some(ConfigData::Password(secret))
            if !secret.expose().trim().is_empty() && !access_key_id.is_empty() =>
        {
            Some((access_key_id.to_string(), secret.clone()))
        }
        _ => None,
    }
}

fn read_assume_role(
    config: &ConfigMap,
    base: Option<(String, Password)>,
    faults: &mut Vec<Fault>,
) -> Option<AssumeRole> {
    let num_faults = faults.len();
    let mut required = |key: &'static str| {
        let value = config.get(key).map(str::trim).unwrap_or("");
        if value.is_empty() {
            faults.push(Fault {
                key: keys::CREDENTIALS_PROVIDER,
                message: format!(
                    "Missing required configuration \"{key}\" which has no default value."
                ),
            });
        }
        value.to_string()
    };
    let role = AssumeRole {
        role_arn: required(ROLE_ARN),
        session_name: required(ROLE_SESSION_NAME),
        external_id: required(ROLE_EXTERNAL_ID),
        region: config
            .get(ROLE_REGION)
            .map(|region| region.trim().to_string()),
        base,
    };
    (faults.len() == num_faults).then_some(role)
}

impl AssumeRole {
    async fn connect(&self, region: Region) -> SharedCredentialsProvider {
        let region = match &self.region {
            Some(region) if !region.is_empty() => Region::new(region.clone()),
            _ => region,
        };
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(region.clone())
            .load()
            .await;
        let builder = AssumeRoleProvider::builder(&self.role_arn)
            .session_name(&self.session_name)
            .external_id(&self.external_id)
            .region(region)
            .configure(&config);
        SharedCredentialsProvider::new(match &self.base {
            Some((access_key_id, secret)) => {
                builder
                    .build_from_provider(static_credentials(access_key_id, secret))
                    .await
            }
            None => builder.build().await,
        })
    }
}
