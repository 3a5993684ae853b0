//! What validation says about configurations, as users have them.

use super::config;
use crate::{S3Settings, S3SinkConnector, keys};
use connect_api::SinkConnector;
use connect_api::config::ConfigMap;

async fn validate(config: &ConfigMap) -> Vec<(String, String)> {
    let mut values = keys::config_def().validate(config);
    S3SinkConnector::default()
        .validate(config, &mut values)
        .await
        .unwrap();
    values
        .into_iter()
        .flat_map(|value| {
            let name = value.name;
            value
                .error_messages
                .into_iter()
                .map(move |message| (name.clone(), message))
        })
        .collect()
}

async fn faults(more: &[(&str, &str)]) -> Vec<(String, String)> {
    validate(&config("http://minio:9000", more)).await
}

async fn fault(more: &[(&str, &str)]) -> (String, String) {
    let mut faults = faults(more).await;
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[tokio::test]
async fn what_must_be_set_is_named_all_at_once() {
    let faults = validate(&ConfigMap::new()).await;
    let keys: Vec<&str> = faults.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "format.class",
            "flush.size",
            "s3.bucket.name",
            "storage.class"
        ]
    );
    assert_eq!(
        faults[2].1,
        "Missing required configuration \"s3.bucket.name\" which has no default value."
    );
}

#[tokio::test]
async fn texts_of_the_java_connector() {
    for (more, key, message) in [
        (
            &[("s3.part.size", "5242879")][..],
            "s3.part.size",
            "Part size must be at least: 5242880 bytes (5MB)",
        ),
        (
            &[("behavior.on.null.values", "write"), ("format.class", "")][..],
            "store.kafka.keys",
            "Writing Kafka record keys to storage is mandatory when tombstone writing is enabled.",
        ),
        (
            &[("s3.wan.mode", "true")][..],
            "s3.wan.mode",
            "Both accelerate mode and path style access are being enabled. These options are mutually \
             exclusive and cannot be enabled together. Please disable one of them",
        ),
        (
            &[
                ("s3.compression.type", "gzip"),
                (
                    "format.class",
                    "io.confluent.connect.s3.format.avro.AvroFormat",
                ),
            ][..],
            "s3.compression.type",
            "Compression Type gzip not valid for data format class: ( \
             io.confluent.connect.s3.format.avro.AvroFormat ).",
        ),
    ] {
        let faults = faults(more).await;
        assert!(
            faults
                .iter()
                .any(|(of, text)| of == key && text.ends_with(message)),
            "{faults:?}"
        );
    }
}

#[tokio::test]
async fn faults_of_single_keys_are_named_and_secrets_stay_hidden() {
    for (more, key, part) in [
        (
            &[("s3.proxy.url", "http://ada:hush@a b:1")][..],
            "s3.proxy.url",
            "http://proxy:3128",
        ),
        (
            &[("s3.proxy.url", "proxy:3128")],
            "s3.proxy.url",
            "http://proxy:3128",
        ),
        (
            &[
                ("s3.object.tagging", "true"),
                ("s3.object.tagging.key.value.pairs", "team"),
            ],
            "s3.object.tagging.key.value.pairs",
            "key:value",
        ),
        (
            &[("s3.sse.customer.key", "aHVzaA==")],
            "s3.sse.customer.key",
            "[hidden]",
        ),
    ] {
        let (of, message) = fault(more).await;
        assert_eq!(of, key);
        assert!(message.contains(part), "{message}");
        assert!(!message.contains("hush"), "{message}");
        assert!(!message.contains("aHVzaA"), "{message}");
    }
}

#[tokio::test]
async fn every_key_of_the_java_connector_does_what_it_says() {
    let more = [
        ("store.kafka.keys", "true"),
        ("store.kafka.headers", "true"),
        (
            "headers.format.class",
            "io.confluent.connect.s3.format.json.JsonFormat",
        ),
        ("behavior.on.null.values", "write"),
        ("s3.schema.partition.affix.type", "Suffix"),
        ("s3.object.tagging", "true"),
        ("s3.send.digest", "true"),
        ("s3.proxy.url", "http://proxy:3128"),
        ("partitioner.max.open.files", "5"),
    ];
    assert_eq!(faults(&more).await, []);
    let config = config("http://minio:9000", &more);
    let (settings, sink) = S3Settings::read(&config).unwrap();
    assert!(settings.proxy.is_some() && settings.tagging.is_some() && settings.sends_digest);
    assert!(sink.partitioner.schema_affix.is_some());
    assert_eq!(sink.max_open_files, Some(5));
    assert_eq!(sink.formats.keys.unwrap().extension(), ".avro");
    assert_eq!(sink.formats.headers.unwrap().extension(), ".json");
}

#[tokio::test]
async fn every_format_of_the_java_connector_is_taken_and_a_codec_without_a_library_is_not() {
    let parquet = "io.confluent.connect.s3.format.parquet.ParquetFormat";
    for class in [
        "io.confluent.connect.s3.format.avro.AvroFormat",
        "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        "io.confluent.connect.s3.format.json.JsonFormat",
        parquet,
    ] {
        assert_eq!(faults(&[("format.class", class)]).await, [], "{class}");
    }
    let (key, message) = fault(&[("format.class", parquet), ("parquet.codec", "lzo")]).await;
    assert_eq!(key, "parquet.codec");
    assert!(message.contains("supported: none, snappy"), "{message}");
    let (key, _) = fault(&[("avro.codec", "xz")]).await;
    assert_eq!(key, "avro.codec");
}

#[tokio::test]
async fn compression_that_the_java_connector_refuses_is_refused() {
    let (key, message) = fault(&[("s3.compression.type", "snappy")]).await;
    assert_eq!(key, "s3.compression.type");
    assert!(message.ends_with("none, gzip"), "{message}");
}

#[test]
fn addresses_may_lack_a_scheme_and_files_are_none() {
    let endpoint = |url: &'static str| {
        let config = config(url, &[]);
        S3Settings::read(&config).map(|(settings, _)| settings.endpoint)
    };
    assert_eq!(
        endpoint("minio:9000").unwrap().unwrap(),
        "https://minio:9000"
    );
    assert_eq!(
        endpoint("http://10.0.0.1:9000/").unwrap().unwrap(),
        "http://10.0.0.1:9000"
    );
    assert_eq!(endpoint("").unwrap(), None);
    for url in ["file:///tmp", "http://", "http://a b"] {
        let error = endpoint(url).unwrap_err();
        assert!(error.message().contains("store.url"), "{error}");
    }
}

#[tokio::test]
async fn providers_of_both_generations_of_the_sdk_are_mapped() {
    let provider = "s3.credentials.provider.class";
    for class in [
        "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
        "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
        "com.amazonaws.auth.InstanceProfileCredentialsProvider",
        "com.amazonaws.auth.WebIdentityTokenCredentialsProvider",
        "com.amazonaws.auth.profile.ProfileCredentialsProvider",
        "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
        "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider",
        "software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider",
        "software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider",
    ] {
        assert_eq!(faults(&[(provider, class)]).await, [], "{class}");
    }
    let (key, message) = fault(&[(provider, "com.example.Mine")]).await;
    assert_eq!(key, provider);
    assert!(
        message.contains("Class com.example.Mine could not be found"),
        "{message}"
    );
}

#[tokio::test]
async fn a_role_needs_three_keys() {
    let class = "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider";
    let role = [
        ("s3.credentials.provider.class", class),
        (
            "s3.credentials.provider.sts.role.arn",
            "arn:aws:iam::1:role/r",
        ),
        ("s3.credentials.provider.sts.role.session.name", "s"),
        ("s3.credentials.provider.sts.role.external.id", "e"),
    ];
    assert_eq!(faults(&role).await, []);
    for left_out in 1..4 {
        let mut role = role.to_vec();
        let (key, _) = role.remove(left_out);
        let (_, message) = fault(&role).await;
        assert_eq!(
            message,
            format!("Missing required configuration \"{key}\" which has no default value.")
        );
    }
}

#[tokio::test]
async fn keys_of_others_and_blank_licences_pass() {
    let more = [
        (
            "schema.generator.class",
            "io.confluent.connect.storage.hive.schema.DefaultSchemaGenerator",
        ),
        ("confluent.license", ""),
        ("confluent.topic.bootstrap.servers", "kafka:9092"),
        ("s3.endpoint", "http://minio:9000"),
        ("s3.region", ""),
        ("behavior.on.null.values", "IGNORE"),
    ];
    assert_eq!(faults(&more).await, []);
}

#[test]
fn every_key_of_the_java_connector_is_there_and_described() {
    for key in keys::config_def().keys() {
        assert!(key.documentation().ends_with('.'), "{}", key.name());
        assert!(key.group_name().is_some(), "{}", key.name());
    }
    assert_eq!(keys::config_def().keys().len(), 70);
}

#[tokio::test]
async fn the_configurations_to_start_from_are_valid() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../connector-configs/s3");
    let mut num_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        let request = connect_api::json::JsonParser::new()
            .parse(&text.into())
            .unwrap()
            .unwrap();
        let connect_api::data::Value::Map(request) = request else {
            panic!("not an object");
        };
        let Some(connect_api::data::Value::Map(config)) = request.get_str("config") else {
            panic!("no config");
        };
        let config: ConfigMap = config
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?, value.as_str()?)))
            .collect();
        assert_eq!(validate(&config).await, []);
        num_files += 1;
    }
    assert_eq!(num_files, 3);
}
