//! The keys of the S3 sink beside the shared ones.

use connect_api::config::{ConfigData, ConfigDef, ConfigType, Importance, Validator};
use std::sync::LazyLock;
use storage_common::keys::{self as shared, KeyDefault, KeyGroup};

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*
    };
}

names! {
    BUCKET = "s3.bucket.name";
    REGION = "s3.region";
    PART_SIZE = "s3.part.size";
    TAGGING = "s3.object.tagging";
    TAGGING_PAIRS = "s3.object.tagging.key.value.pairs";
    TAGGING_ERROR = "s3.object.behavior.on.tagging.error";
    CREDENTIALS_PROVIDER = "s3.credentials.provider.class";
    ACCESS_KEY_ID = "aws.access.key.id";
    SECRET_ACCESS_KEY = "aws.secret.access.key";
    SSE = "s3.ssea.name";
    SSE_CUSTOMER_KEY = "s3.sse.customer.key";
    SSE_KMS_KEY_ID = "s3.sse.kms.key.id";
    ACL = "s3.acl.canned";
    WAN_MODE = "s3.wan.mode";
    PATH_STYLE = "s3.path.style.access.enabled";
    COMPRESSION_TYPE = "s3.compression.type";
    COMPRESSION_LEVEL = "s3.compression.level";
    PART_RETRIES = "s3.part.retries";
    RETRY_BACKOFF_MS = "s3.retry.backoff.ms";
    PROXY_URL = "s3.proxy.url";
    PROXY_USER = "s3.proxy.user";
    PROXY_PASSWORD = "s3.proxy.password";
    EXPECT_CONTINUE = "s3.http.send.expect.continue";
    SCHEMA_AFFIX = "s3.schema.partition.affix.type";
    SEND_DIGEST = "s3.send.digest";
    ELASTIC_BUFFER = "s3.elastic.buffer.enable";
    ELASTIC_BUFFER_CAPACITY = "s3.elastic.buffer.init.capacity";
}

/// The least size of a part that S3 takes, unless it is the last.
pub const MIN_PART_BYTES: i64 = 5_242_880;

/// The class of `storage.class`.
pub const STORAGE_CLASS: &str = "io.confluent.connect.s3.storage.S3Storage";

/// The class of `s3.credentials.provider.class` unless it is set.
pub const DEFAULT_CREDENTIALS_PROVIDER: &str =
    "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider";

/// The package of the classes of Confluent's connector.
pub const PACKAGE: &str = "io.confluent.connect.s3";

/// The keys of the connector.
pub fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define_all(&shared::connector_keys())
            .define_all(&file_keys())
            .define_all(&shared::key_and_header_keys(PACKAGE))
            .define_all(&shared::conditional_write_keys())
            .define_all(&s3_keys())
            .define_all(&shared::storage_keys())
            .define_all(&shared::partitioner_keys())
    });
    &DEF
}

fn s3_keys() -> ConfigDef {
    use ConfigType::{Boolean, Class, Int, List, Long, Password, String as Text};
    use Importance::{High, Low, Medium};
    use KeyDefault::{Null, Required};
    let part_size = Validator::custom("[5242880,...]", |value| match value {
        Some(ConfigData::Long(number)) if *number < MIN_PART_BYTES => Err(format!(
            "Part size must be at least: {MIN_PART_BYTES} bytes (5MB)"
        )),
        _ => Ok(()),
    });
    let region = Validator::custom("the name of a region", |value| match value {
        Some(ConfigData::String(region))
            if !region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') =>
        {
            Err("A region is letters, digits and hyphens, for example eu-central-1".into())
        }
        _ => Ok(()),
    });
    let acl = Validator::custom("a canned ACL", |value| match value {
        Some(ConfigData::String(acl)) if !CANNED_ACLS.contains(&acl.as_str()) => {
            Err(format!("Value must be one of: {}", CANNED_ACLS.join(", ")))
        }
        _ => Ok(()),
    });
    KeyGroup::new("S3")
        .key(BUCKET, Text, High, Required, None, "S3 Bucket", "The bucket.")
        .key(REGION, Text, Medium, "us-west-2", Some(region), "AWS region",
            "The region of the bucket. Servers other than Amazon's take mostly any.")
        .key(PART_SIZE, Int, High, 26_214_400, Some(part_size), "S3 Part Size",
            "Objects are uploaded in parts of this size, 5 MiB at least. An open file holds no more \
             than this in memory.")
        .key(CREDENTIALS_PROVIDER, Class, Low, DEFAULT_CREDENTIALS_PROVIDER, None,
            "AWS Credentials Provider Class",
            "Where credentials come from, under the names of the AWS SDK for Java, versions 1 and 2. \
             Settings below s3.credentials.provider. go to it.")
        .key(ACCESS_KEY_ID, Text, High, "", None, "AWS Access Key ID",
            "The access key, together with its secret in place of a provider.")
        .key(SECRET_ACCESS_KEY, Password, High, Null, None, "AWS Secret Access Key",
            "The secret of the access key.")
        .key(SSE, Text, Low, "",
            Some(Validator::ValidString(&["", "AES256", "aws:kms", "aws:kms:dsse"])),
            "S3 Server Side Encryption Algorithm", "How the server encrypts objects.")
        .key(SSE_CUSTOMER_KEY, Password, Low, Null, None,
            "S3 Server Side Encryption Customer-Provided Key (SSE-C)",
            "A key of the user's own, in Base64, that the server encrypts with.")
        .key(SSE_KMS_KEY_ID, Text, Low, "", None, "S3 Server Side Encryption Key",
            "The key of the key management service, where aws:kms encrypts.")
        .key(ACL, Text, Low, Null, Some(acl), "S3 Canned ACL",
            "The ready-made access list of new objects.")
        .key(WAN_MODE, Boolean, Medium, false, None, "S3 accelerated endpoint enabled",
            "Whether uploads go through transfer acceleration.")
        .key(PATH_STYLE, Boolean, Low, true, None, "Enable Path Style Access to S3",
            "Whether the bucket stands in the path of an address and not in its host name.")
        .key(PART_RETRIES, Int, Medium, 3, Some(Validator::at_least(0)), "S3 Part Upload Retries",
            "How often a request is tried again.")
        .key(RETRY_BACKOFF_MS, Long, Low, 200, Some(Validator::at_least(0)),
            "Retry Backoff (ms)",
            "The greatest pause before the first retry; it doubles with each, and the pause is a random \
             part of it.")
        .key(PROXY_URL, Text, Low, "", None, "S3 Proxy URL", "The address of a proxy.")
        .key(PROXY_USER, Text, Low, Null, None, "S3 Proxy User", "The user of the proxy.")
        .key(PROXY_PASSWORD, Password, Low, Null, None, "S3 Proxy Password",
            "The password of the user of the proxy.")
        .key(EXPECT_CONTINUE, Boolean, Low, true, None, "S3 HTTP Send Uses Expect Continue",
            "Accepted; requests never wait for 100 Continue here.")
        .key(SEND_DIGEST, Boolean, Low, false, None, "S3 Send Upload Message Digest",
            "Whether each part carries its MD5.")
        .key(TAGGING, Boolean, Low, false, None, "Tag S3 Objects",
            "Whether objects are tagged with startOffset, endOffset and recordCount.")
        .key(TAGGING_PAIRS, List, Low, Vec::<String>::new(), None, "S3 Object Tagging Pairs",
            "More tags, as key:value.")
        .key(TAGGING_ERROR, Text, Low, "ignore", Some(Validator::ValidString(&["ignore", "fail"])),
            "Behavior on tagging error", "Whether an object that cannot be tagged fails the task.")
        .key(ELASTIC_BUFFER, Boolean, Low, false, None, "Enable Elastic Buffer",
            "Accepted; buffers always grow with what they hold here.")
        .key(ELASTIC_BUFFER_CAPACITY, Int, Low, 131_072, Some(Validator::at_least(4096)),
            "Elastic Buffer Initial Capacity", "Accepted; see s3.elastic.buffer.enable.")
        .into_def()
}

fn file_keys() -> ConfigDef {
    use ConfigType::{Int, String as Text};
    use Importance::Low;
    KeyGroup::new(shared::CONNECTOR_GROUP)
        .key(COMPRESSION_TYPE, Text, Low, "none",
            Some(Validator::CaseInsensitiveValidString(&["none", "gzip"])),
            "Compression Type", "What objects of JsonFormat and ByteArrayFormat are compressed with.")
        .key(COMPRESSION_LEVEL, Int, Low, -1, Some(Validator::between(-1, 9)), "Compression Level",
            "From 0, fast, to 9, small; -1 is the default of the compression.")
        .key(SCHEMA_AFFIX, Text, Low, "NONE",
            Some(Validator::CaseInsensitiveValidString(&["NONE", "PREFIX", "SUFFIX"])),
            "Schema Partition Affix Type",
            "Whether a folder with the name of the value's schema stands before or behind the others.")
        .into_def()
}

/// The names of canned access lists.
pub const CANNED_ACLS: [&str; 8] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "log-delivery-write",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "aws-exec-read",
];
