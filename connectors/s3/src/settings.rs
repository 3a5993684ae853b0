//! From the configuration to the settings of the client.

use crate::credentials::CredentialsSettings;
use crate::keys;
use connect_api::config::{ConfigData, ConfigMap, ConfigValue, Password};
use connect_api::{ConnectError, Result};
use std::time::Duration;
use storage_common::SinkSettings;
use storage_common::format::Compression;
use storage_common::keys as shared;
use storage_common::retry::RetryPolicy;
use storage_common::settings::{Fault, Values, faults_to_error};
use storage_common::upload::UploadSettings;

const PACKAGE: &str = "io.confluent.connect.s3";

/// No pause before a retry is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(24 * 60 * 60);

/// What the client goes by.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// `s3.bucket.name`.
    pub bucket: String,
    /// `s3.region`.
    pub region: String,
    /// `store.url` with its scheme; `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// `s3.path.style.access.enabled`.
    pub path_style: bool,
    /// `s3.wan.mode`.
    pub accelerate: bool,
    /// `s3.part.size`.
    pub part_bytes: usize,
    /// Where credentials come from.
    pub credentials: CredentialsSettings,
    /// `s3.ssea.name`; empty for what the bucket does by itself.
    pub sse: String,
    /// `s3.sse.kms.key.id`; empty for the bucket's.
    pub sse_kms_key_id: String,
    /// `s3.acl.canned`.
    pub acl: Option<String>,
}

impl S3Settings {
    /// Reads a configuration; the error names every fault.
    pub fn read(config: &ConfigMap) -> Result<(Self, SinkSettings)> {
        let values = keys::config_def().validate(config);
        let messages: Vec<&str> = values
            .iter()
            .flat_map(|value| value.error_messages.iter().map(String::as_str))
            .collect();
        if !messages.is_empty() {
            return Err(ConnectError::config(messages.join("\n")));
        }
        let mut faults = Vec::new();
        Self::check(config, &values, &mut faults).ok_or_else(|| faults_to_error(&faults))
    }

    /// Finds the faults that need several keys, or knowledge of what is built. `values` is the outcome
    /// of the definition; faults that stand there are not repeated. `None` if there is any.
    pub fn check(
        config: &ConfigMap,
        values: &[ConfigValue],
        faults: &mut Vec<Fault>,
    ) -> Option<(Self, SinkSettings)> {
        let values = Values(values);
        let storage_class = values.text(shared::STORAGE_CLASS);
        if !storage_class.is_empty() && storage_class != keys::STORAGE_CLASS {
            faults.push(Fault::invalid(
                shared::STORAGE_CLASS,
                storage_class,
                format!("It must be {}", keys::STORAGE_CLASS),
            ));
        }
        check_compression(values, faults);
        check_accelerate(values, faults);
        check_null_values(values, faults);
        check_later_parts(values, faults);
        let endpoint = read_endpoint(values, faults);
        let credentials = CredentialsSettings::read(config, values, faults);
        let part_bytes = usize::try_from(values.number(keys::PART_SIZE, 26_214_400)).unwrap_or(0);
        let upload = UploadSettings {
            part_bytes,
            compression: read_compression(values),
            retry: RetryPolicy {
                max_retries: u32::try_from(values.number(keys::PART_RETRIES, 3)).unwrap_or(0),
                backoff: milliseconds(values.number(keys::RETRY_BACKOFF_MS, 200)),
                max_backoff: MAX_BACKOFF,
            },
        };
        let sink = SinkSettings::read(values, config, PACKAGE, upload, faults);
        let region = match values.text(keys::REGION) {
            "" => "us-west-2",
            region => region,
        };
        let settings = Self {
            bucket: values.text(keys::BUCKET).to_string(),
            region: region.to_string(),
            endpoint,
            path_style: values.is_true(keys::PATH_STYLE),
            accelerate: values.is_true(keys::WAN_MODE),
            part_bytes,
            credentials: credentials?,
            sse: values.text(keys::SSE).to_string(),
            sse_kms_key_id: values.text(keys::SSE_KMS_KEY_ID).to_string(),
            acl: Some(values.text(keys::ACL).to_string()).filter(|acl| !acl.is_empty()),
        };
        if settings.bucket.is_empty() && values.get(keys::BUCKET).is_some() {
            faults.push(Fault::invalid(
                keys::BUCKET,
                "",
                "The name of a bucket is needed",
            ));
        }
        let sink = sink?;
        faults.is_empty().then_some((settings, sink))
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.endpoint
            .as_ref()
            .is_none_or(|endpoint| endpoint.starts_with("https:"))
    }
}

fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

fn read_compression(values: Values<'_>) -> Compression {
    if values
        .text(keys::COMPRESSION_TYPE)
        .eq_ignore_ascii_case("gzip")
    {
        let level = u32::try_from(values.number(keys::COMPRESSION_LEVEL, -1)).ok();
        Compression::Gzip { level }
    } else {
        Compression::None
    }
}

fn check_compression(values: Values<'_>, faults: &mut Vec<Fault>) {
    let compression = values.text(keys::COMPRESSION_TYPE);
    if !compression.eq_ignore_ascii_case("gzip") {
        return;
    }
    for (what, format, is_used) in [
        ("data", shared::FORMAT_CLASS, true),
        ("keys", keys::KEYS_FORMAT, values.is_true(keys::STORE_KEYS)),
        (
            "headers",
            keys::HEADERS_FORMAT,
            values.is_true(keys::STORE_HEADERS),
        ),
    ] {
        let class = values.text(format);
        let holds_compressed = class.ends_with(".AvroFormat") || class.ends_with(".ParquetFormat");
        if is_used && holds_compressed {
            faults.push(Fault::invalid(
                keys::COMPRESSION_TYPE,
                compression,
                format!(
                    "Compression Type {compression} not valid for {what} format class: ( {class} )."
                ),
            ));
        }
    }
}

fn check_accelerate(values: Values<'_>, faults: &mut Vec<Fault>) {
    if values.is_true(keys::WAN_MODE) && values.is_true(keys::PATH_STYLE) {
        for key in [keys::WAN_MODE, keys::PATH_STYLE] {
            faults.push(Fault::invalid(
                key,
                "true",
                "Both accelerate mode and path style access are being enabled. These options are \
                 mutually exclusive and cannot be enabled together. Please disable one of them",
            ));
        }
    }
}

fn check_null_values(values: Values<'_>, faults: &mut Vec<Fault>) {
    let null_values = values.text(shared::NULL_VALUES);
    if null_values.eq_ignore_ascii_case("write") && !values.is_true(keys::STORE_KEYS) {
        faults.push(Fault::invalid(
            keys::STORE_KEYS,
            "false",
            "Writing Kafka record keys to storage is mandatory when tombstone writing is enabled.",
        ));
    }
}

/// What later versions will know: it is refused rather than passed over.
fn check_later_parts(values: Values<'_>, faults: &mut Vec<Fault>) {
    for key in [
        keys::STORE_KEYS,
        keys::STORE_HEADERS,
        keys::TAGGING,
        keys::SEND_DIGEST,
    ] {
        if values.is_true(key) {
            faults.push(Fault::unsupported(key, "true", "false"));
        }
    }
    if let Some(ConfigData::Password(key)) = values.get(keys::SSE_CUSTOMER_KEY)
        && !key.expose().is_empty()
    {
        faults.push(Fault::unsupported(
            keys::SSE_CUSTOMER_KEY,
            Password::HIDDEN,
            "encryption with keys of the server (s3.ssea.name, s3.sse.kms.key.id)",
        ));
    }
    let affix = values.text(keys::SCHEMA_AFFIX);
    if !affix.is_empty() && !affix.eq_ignore_ascii_case("NONE") {
        faults.push(Fault::unsupported(keys::SCHEMA_AFFIX, affix, "NONE"));
    }
    let proxy = values.text(keys::PROXY_URL);
    if !proxy.is_empty() {
        faults.push(Fault::unsupported(
            keys::PROXY_URL,
            proxy,
            "no proxy; where it was to lead to an S3-compatible server, set store.url",
        ));
    }
    let max_open_files = values.number(keys::MAX_OPEN_FILES, -1);
    if max_open_files > 0 {
        faults.push(Fault::unsupported(
            keys::MAX_OPEN_FILES,
            &max_open_files.to_string(),
            "-1",
        ));
    }
}

fn read_endpoint(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    let url = values.text(shared::STORE_URL);
    if url.is_empty() {
        return None;
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        faults.push(Fault::invalid(
            shared::STORE_URL,
            url,
            "It must begin with http:// or https://",
        ));
        return None;
    }
    let rest = rest.trim_end_matches('/');
    let host = rest.split('/').next().unwrap_or("");
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]%".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        faults.push(Fault::invalid(
            shared::STORE_URL,
            url,
            "It must name a host, for example http://minio:9000",
        ));
        return None;
    }
    Some(format!("{scheme}://{rest}"))
}
