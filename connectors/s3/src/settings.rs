//! From the configuration to the settings of the client.

use crate::credentials::CredentialsSettings;
use crate::keys;
use crate::proxy::ProxySettings;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connect_api::config::{ConfigData, ConfigMap, ConfigValue, Password};
use connect_api::{ConnectError, Result};
use md5::{Digest, Md5};
use std::time::Duration;
use storage_common::SinkSettings;
use storage_common::format::Compression;
use storage_common::keys as shared;
use storage_common::partitioner::SchemaAffix;
use storage_common::retry::RetryPolicy;
use storage_common::settings::{Fault, Values, faults_to_error};
use storage_common::upload::UploadSettings;

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
    /// `s3.sse.customer.key`.
    pub sse_customer_key: Option<CustomerKey>,
    /// `s3.acl.canned`.
    pub acl: Option<String>,
    /// `s3.proxy.url`.
    pub proxy: Option<ProxySettings>,
    /// `s3.object.tagging`.
    pub tagging: Option<Tagging>,
    /// `s3.send.digest`.
    pub sends_digest: bool,
    /// Whether an object never takes the place of another.
    pub never_replaces: bool,
}

/// A key of the user's own that the server encrypts with.
#[derive(Clone, Debug)]
pub struct CustomerKey {
    /// The key in Base64.
    pub key: Password,
    /// Its MD5 in Base64.
    pub md5: String,
}

/// The tags of objects of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagging {
    /// Those of the user.
    pub tags: Vec<(String, String)>,
    /// Whether the task fails if an object cannot be tagged.
    pub fails: bool,
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
        let sink =
            SinkSettings::read(values, config, keys::PACKAGE, upload, faults).map(|mut sink| {
                sink.partitioner.schema_affix = read_schema_affix(values);
                sink
            });
        let region = match values.text(keys::REGION) {
            "" => "us-west-2",
            region => region,
        };
        let settings = credentials.map(|credentials| Self {
            bucket: values.text(keys::BUCKET).to_string(),
            region: region.to_string(),
            endpoint,
            path_style: values.is_true(keys::PATH_STYLE),
            accelerate: values.is_true(keys::WAN_MODE),
            part_bytes,
            credentials,
            sse: values.text(keys::SSE).to_string(),
            sse_kms_key_id: values.text(keys::SSE_KMS_KEY_ID).to_string(),
            sse_customer_key: read_customer_key(values, faults),
            proxy: ProxySettings::read(values, faults),
            tagging: read_tagging(values, faults),
            sends_digest: values.is_true(keys::SEND_DIGEST),
            never_replaces: sink
                .as_ref()
                .is_some_and(|sink| sink.max_files_scan.is_some()),
            acl: Some(values.text(keys::ACL).to_string()).filter(|acl| !acl.is_empty()),
        });
        if values.text(keys::BUCKET).is_empty() && values.get(keys::BUCKET).is_some() {
            faults.push(Fault::invalid(
                keys::BUCKET,
                "",
                "The name of a bucket is needed",
            ));
        }
        let outcome = settings.zip(sink);
        outcome.filter(|_| faults.is_empty())
    }

    /// The algorithm of a key of the user's own.
    pub(crate) fn customer_algorithm(&self) -> Option<String> {
        self.sse_customer_key.as_ref().map(|_| "AES256".to_string())
    }

    /// The key of the user's own.
    pub(crate) fn customer_key(&self) -> Option<String> {
        let key = self.sse_customer_key.as_ref()?;
        Some(key.key.expose().to_string())
    }

    /// Its MD5.
    pub(crate) fn customer_key_md5(&self) -> Option<String> {
        Some(self.sse_customer_key.as_ref()?.md5.clone())
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
        (
            "keys",
            shared::KEYS_FORMAT,
            values.is_true(shared::STORE_KEYS),
        ),
        (
            "headers",
            shared::HEADERS_FORMAT,
            values.is_true(shared::STORE_HEADERS),
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

fn read_customer_key(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<CustomerKey> {
    let Some(ConfigData::Password(key)) = values.get(keys::SSE_CUSTOMER_KEY) else {
        return None;
    };
    let text = key.expose().trim();
    // A key of the server's own, where the user names one, comes first.
    if text.is_empty() || values.text(keys::SSE).starts_with("aws:kms") {
        return None;
    }
    match BASE64_STANDARD.decode(text) {
        Ok(bytes) if bytes.len() == 32 => Some(CustomerKey {
            md5: BASE64_STANDARD.encode(Md5::digest(&bytes)),
            key: Password::new(text),
        }),
        _ => {
            faults.push(Fault::invalid(
                keys::SSE_CUSTOMER_KEY,
                Password::HIDDEN,
                "sseCustomerKey must be a valid base64-encoded 32-byte key",
            ));
            None
        }
    }
}

fn read_tagging(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Tagging> {
    if !values.is_true(keys::TAGGING) {
        return None;
    }
    let pairs = match values.get(keys::TAGGING_PAIRS) {
        Some(ConfigData::List(pairs)) => pairs.as_slice(),
        _ => &[],
    };
    let mut tags = Vec::with_capacity(pairs.len());
    for pair in pairs {
        match pair.split_once(':') {
            Some((key, value)) if !key.trim().is_empty() => {
                tags.push((key.to_string(), value.to_string()));
            }
            _ => faults.push(Fault::invalid(
                keys::TAGGING_PAIRS,
                pair,
                "Each pair is key:value",
            )),
        }
    }
    Some(Tagging {
        tags,
        fails: values
            .text(keys::TAGGING_ERROR)
            .eq_ignore_ascii_case("fail"),
    })
}

fn read_schema_affix(values: Values<'_>) -> Option<(SchemaAffix, String)> {
    let affix = match values
        .text(keys::SCHEMA_AFFIX)
        .to_ascii_uppercase()
        .as_str()
    {
        "PREFIX" => SchemaAffix::Prefix,
        "SUFFIX" => SchemaAffix::Suffix,
        _ => return None,
    };
    Some((affix, values.text(shared::DIRECTORY_DELIM).to_string()))
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
