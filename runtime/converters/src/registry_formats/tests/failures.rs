//! A registry that fails: what the record is told, and when the registry is asked again.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request with one status; returns its address.
async fn registry_with_status(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:hidden@{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                if connection
                    .read(&mut request)
                    .await
                    .is_ok_and(|num_bytes| num_bytes > 0)
                {
                    let body =
                        format!("{{\"error_code\":{status},\"message\":\"it is {status}\"}}");
                    let answer = format!(
                        "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = connection.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    url
}

fn converter_at(url: &str) -> Words {
    let config = ConfigMap::from_iter([
        ("schema.registry.url", url),
        ("max.retries", "0"),
        ("value.subject.name.strategy", "TopicNameStrategy"),
    ]);
    let mut converter = Words::default();
    converter.configure(&config, ConverterType::Value).unwrap();
    converter
}

const RETRIABLE: ErrorKind = ErrorKind::Retriable { after: None };

#[tokio::test]
async fn each_status_fails_the_record_in_its_way() {
    let kafka = "org.apache.kafka.common.errors";
    let connect = "org.apache.kafka.connect.errors";
    for (status, class, kind, cause) in [
        (
            401,
            format!("{kafka}.AuthenticationException"),
            ErrorKind::Data,
            None,
        ),
        (
            403,
            format!("{kafka}.AuthorizationException"),
            ErrorKind::Data,
            None,
        ),
        (
            404,
            format!("{connect}.DataException"),
            ErrorKind::Data,
            Some("SerializationException"),
        ),
        (
            408,
            format!("{connect}.RetriableException"),
            RETRIABLE,
            Some("TimeoutException"),
        ),
        (
            409,
            format!("{connect}.DataException"),
            ErrorKind::Data,
            Some("SerializationException"),
        ),
        (
            422,
            format!("{connect}.DataException"),
            ErrorKind::Data,
            Some("SerializationException"),
        ),
        (
            429,
            format!("{kafka}.ThrottlingQuotaExceededException"),
            RETRIABLE,
            None,
        ),
        (
            500,
            format!("{connect}.RetriableException"),
            RETRIABLE,
            Some("TimeoutException"),
        ),
        (502, format!("{kafka}.DisconnectException"), RETRIABLE, None),
        (
            503,
            format!("{connect}.RetriableException"),
            RETRIABLE,
            Some("TimeoutException"),
        ),
        (
            504,
            format!("{connect}.RetriableException"),
            RETRIABLE,
            Some("TimeoutException"),
        ),
    ] {
        let url = registry_with_status(status).await;
        let mut converter = converter_at(&url);
        let reading = read(&mut converter, "t", &frame(7, "word:x"))
            .await
            .unwrap_err();
        let writing = write(
            &mut converter,
            "t",
            Some(&schema("word")),
            &Value::from("x"),
        )
        .await
        .unwrap_err();
        for (error, subject) in [(reading, "ids/7"), (writing, "t-value")] {
            assert_eq!(error.class(), class, "{status}: {error}");
            assert_eq!(error.kind(), kind, "{status}: {error}");
            if let Some(cause) = cause {
                assert_eq!(
                    error.cause().unwrap().class(),
                    format!("{kafka}.{cause}"),
                    "{status}"
                );
            }
            let text = error.to_string();
            assert!(
                text.contains(&format!("it is {status}; error code: {status}")),
                "{text}"
            );
            assert!(text.contains(subject), "{text}");
            assert!(text.contains("http://127.0.0.1:"), "{text}");
            assert!(!text.contains("hidden"), "{text}");
        }
    }
}

#[tokio::test]
async fn texts_of_retriable_errors_are_confluents() {
    let url = registry_with_status(503).await;
    let mut converter = converter_at(&url);
    let error = read(&mut converter, "t", &frame(7, "word:x"))
        .await
        .unwrap_err();
    assert_eq!(
        error.message(),
        "Failed to deserialize data for topic t to Avro: "
    );
    let error = write(
        &mut converter,
        "t",
        Some(&schema("word")),
        &Value::from("x"),
    )
    .await
    .unwrap_err();
    assert_eq!(
        error.message(),
        "Failed to serialize Avro data from topic t :"
    );
}

#[tokio::test]
async fn a_registry_that_is_away_is_a_network_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut converter = converter_at(&url);
    let reading = read(&mut converter, "t", &frame(7, "word:x"))
        .await
        .unwrap_err();
    let writing = write(
        &mut converter,
        "t",
        Some(&schema("word")),
        &Value::from("x"),
    )
    .await
    .unwrap_err();
    for (error, doing) in [(reading, "deserializing"), (writing, "serializing Avro")] {
        assert_eq!(
            error.class(),
            "org.apache.kafka.common.errors.NetworkException"
        );
        assert!(error.is_retriable());
        let begin = format!("Network connection error while {doing} data for topic t: ");
        assert!(error.message().starts_with(&begin), "{error}");
        assert!(error.message().contains(&url), "{error}");
        assert!(
            error.message().contains("check schema.registry.url"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_stands_until_some_time_went_by() {
    let scope = "failures-backoff";
    let registry = MockRegistry::of_scope(scope);
    register(scope, "t-value", "first");
    let mut converter = words(scope, &[]);
    let payload = frame(2, "second:x");
    let error = read(&mut converter, "t", &payload).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Schema 2 not found; error code: 40403"),
        "{error}"
    );
    register(scope, "t-value", "second");
    let before = registry.num_requests();
    let again = read(&mut converter, "t", &payload).await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert_eq!(registry.num_requests(), before);
    tokio::time::advance(Duration::from_secs(1)).await;
    let value = read(&mut converter, "t", &payload).await.unwrap().value;
    assert_eq!(value, Value::from("x"));
}

#[tokio::test]
async fn one_bad_schema_fails_only_its_records() {
    let scope = "failures-one";
    let good = register(scope, "t-value", "good");
    let broken = register(scope, "t-value", "broken");
    let mut converter = words(scope, &[]);
    let payloads = [
        frame(good, "good:1"),
        frame(broken, "x"),
        frame(99, "y"),
        frame(good, "good:2"),
    ];
    let batch = payloads.each_ref().map(|payload| message("t", payload));
    converter.prepare_to_connect(&batch).await;
    let outcomes = batch.map(|message| converter.to_connect_data(message));
    assert_eq!(outcomes[0].as_ref().unwrap().value, Value::from("1"));
    assert!(
        outcomes[1]
            .as_ref()
            .unwrap_err()
            .to_string()
            .ends_with("no word")
    );
    assert!(
        outcomes[2]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("Schema 99 not found")
    );
    assert_eq!(outcomes[3].as_ref().unwrap().value, Value::from("2"));
}

/// Data that is to be encrypted must not be written in the clear.
#[tokio::test]
async fn rules_that_nothing_carries_out_fail_the_record() {
    let latest = [
        ("auto.register.schemas", "false"),
        ("use.latest.version", "true"),
    ];
    for (mode, fails_reading, fails_writing) in [
        ("WRITEREAD", true, true),
        ("WRITE", false, true),
        ("READ", true, false),
    ] {
        let scope = format!("failures-rules-{mode}");
        let id = register(&scope, "t-value", "word");
        MockRegistry::of_scope(&scope).set_rule("t-value", "hide", "ENCRYPT", mode);
        let reading = read(&mut words(&scope, &[]), "t", &frame(id, "word:x")).await;
        assert_eq!(reading.is_err(), fails_reading, "{mode}");
        let writing = write(
            &mut words(&scope, &latest),
            "t",
            Some(&schema("word")),
            &Value::from("x"),
        )
        .await;
        assert_eq!(writing.is_err(), fails_writing, "{mode}");
        if let Err(error) = writing {
            let trace = trace(&error);
            assert_eq!(
                trace[2],
                "Caused by: org.apache.kafka.common.errors.SerializationException: Rule failed: hide"
            );
            assert!(trace[3].contains("Could not find rule executor of type ENCRYPT"));
        }
    }
}

#[test]
fn faults_of_settings_fail_the_task() {
    for (entries, expected) in [
        (
            &[][..],
            "Missing required configuration \"schema.registry.url\" which has no default value.",
        ),
        (
            &[("schema.registry.url", "ftp://h")],
            "Invalid value ftp://h for configuration schema.registry.url: it must begin with http://, \
             https:// or mock://",
        ),
    ] {
        let mut converter = Words::default();
        let config = ConfigMap::from_iter(entries.iter().copied());
        let error = converter
            .configure(&config, ConverterType::Value)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.message(), expected);
    }
}
