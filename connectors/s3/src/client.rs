//! The client of the AWS SDK.

use crate::settings::S3Settings;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    AppName, BehaviorVersion, Builder, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use connect_api::Result;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Every request ends after this time and the time that a part takes at the slowest speed.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
const SLOWEST_BYTES_PER_S: u64 = 512 * 1024;

/// Makes a client. It opens no connection and asks for no credentials yet.
pub(crate) async fn connect(settings: &S3Settings) -> Result<aws_sdk_s3::Client> {
    let part_time = Duration::from_secs(settings.part_bytes as u64 / SLOWEST_BYTES_PER_S);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT + part_time)
        .build();
    let mut config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .force_path_style(settings.path_style)
        .accelerate(settings.accelerate)
        // Retries are ours: they are counted, logged and bounded by the connector's own keys.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Many S3-compatible servers refuse the checksums that the SDK adds by itself.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Ok(app_name) = AppName::new("dovetail-s3-sink") {
        config = config.app_name(app_name);
    }
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint);
    }
    if let Some(proxy) = &settings.proxy {
        config = config.http_client(proxy.http_client()?);
    }
    config = match settings.credentials.connect(&settings.region).await? {
        Some(provider) => config.credentials_provider(provider),
        None => config.allow_no_auth(),
    };
    Ok(aws_sdk_s3::Client::from_conf(config.build()))
}
