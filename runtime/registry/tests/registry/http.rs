//! What goes over the wire beside schemas: credentials, headers, proxies, time, redirections.

use super::{MockRegistry, Reply, Seen, Server, answer_from, client};
use connect_registry::{RegistryClient, RegistryErrorKind, SchemaDefinition, SchemaType};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SCHEMA: &str = r#"{"schema":"\"string\""}"#;

async fn any_schema() -> Server {
    Server::start(|_| Reply::Json(200, SCHEMA.to_string())).await
}

async fn one_request(client: &RegistryClient, server: &Server) -> Seen {
    client.schema_by_id(1, None).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    seen.into_iter().next().unwrap()
}

#[tokio::test]
async fn registrations_are_as_confluents_client_sends_them() {
    let registry = MockRegistry::default();
    let server = Server::start(move |request| answer_from(&registry, "", request)).await;
    let client = client(&server.url, &[]).unwrap();
    let avro = SchemaDefinition {
        schema_type: SchemaType::Avro,
        text: "\"string\"".into(),
        references: Vec::new(),
    };
    client
        .register("t-value", &Arc::new(avro.clone()), true)
        .await
        .unwrap();
    let json = SchemaDefinition {
        schema_type: SchemaType::Json,
        ..avro
    };
    client
        .look_up("t-value", &Arc::new(json), false, true)
        .await
        .unwrap_err();
    let seen = server.seen();
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].uri, "/subjects/t-value/versions?normalize=true");
    assert_eq!(seen[0].body, r#"{"schema":"\"string\""}"#);
    assert_eq!(
        seen[0].header("content-type"),
        Some("application/vnd.schemaregistry.v1+json")
    );
    assert_eq!(
        seen[1].uri,
        "/subjects/t-value?normalize=false&deleted=true"
    );
    assert_eq!(
        seen[1].body,
        r#"{"schemaType":"JSON","schema":"\"string\""}"#
    );
}

#[tokio::test]
async fn credentials_come_from_their_source() {
    let server = any_schema().await;
    let with_user = server.url.replace("http://", "http://alice:s%40cret@");
    let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                username=\"bob\" password=\"pass word\";";
    for (url, entries, expected) in [
        (&server.url, &[][..], None),
        // Without a source, what stands in the URL is not sent, as in Java.
        (&with_user, &[], None),
        (
            &with_user,
            &[("basic.auth.credentials.source", "URL")],
            Some("Basic YWxpY2U6cyU0MGNyZXQ="),
        ),
        (
            &server.url,
            &[("basic.auth.credentials.source", "URL")],
            None,
        ),
        (
            &server.url,
            &[
                ("basic.auth.credentials.source", "USER_INFO"),
                ("basic.auth.user.info", "alice:secret"),
            ],
            Some("Basic YWxpY2U6c2VjcmV0"),
        ),
        (
            &server.url,
            &[
                ("basic.auth.credentials.source", "SASL_INHERIT"),
                ("sasl.jaas.config", jaas),
            ],
            Some("Basic Ym9iOnBhc3Mgd29yZA=="),
        ),
        (
            &server.url,
            &[
                ("bearer.auth.credentials.source", "STATIC_TOKEN"),
                ("bearer.auth.token", "tok"),
            ],
            Some("Bearer tok"),
        ),
        (
            &server.url,
            &[("request.header.Authorization", "Mine own")],
            Some("Mine own"),
        ),
    ] {
        let client = client(url, entries).unwrap();
        let seen = one_request(&client, &server).await;
        assert_eq!(seen.header("authorization"), expected, "{entries:?}");
    }
}

#[tokio::test]
async fn headers_of_the_user_and_of_confluent_cloud_go_along() {
    let server = any_schema().await;
    let client = client(
        &server.url,
        &[
            ("bearer.auth.credentials.source", "STATIC_TOKEN"),
            ("bearer.auth.token", "tok"),
            ("bearer.auth.logical.cluster", "lsrc-1"),
            ("bearer.auth.identity.pool.id", "pool-1"),
            ("request.header.X-Tenant", "blue"),
        ],
    )
    .unwrap();
    let seen = one_request(&client, &server).await;
    assert_eq!(seen.header("target-sr-cluster"), Some("lsrc-1"));
    assert_eq!(seen.header("confluent-identity-pool-id"), Some("pool-1"));
    assert_eq!(seen.header("x-tenant"), Some("blue"));
}

/// A registry that takes the tokens that `is_good` says, and an identity provider that numbers them.
async fn with_tokens(expires_in: u64, is_good: fn(&str) -> bool) -> (Server, RegistryClient) {
    let num_tokens = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        if request.uri == "/token" {
            let number = num_tokens.fetch_add(1, Ordering::SeqCst);
            let token = format!(r#"{{"access_token":"token-{number}","expires_in":{expires_in}}}"#);
            return Reply::Json(200, token);
        }
        match request.header("authorization") {
            Some(token) if is_good(token) => Reply::Json(200, SCHEMA.to_string()),
            _ => Reply::Json(
                401,
                r#"{"error_code":401,"message":"Unauthorized"}"#.to_string(),
            ),
        }
    })
    .await;
    let issuer = format!("{}/token", server.url);
    let client = client(
        &server.url,
        &[
            ("bearer.auth.credentials.source", "OAUTHBEARER"),
            ("bearer.auth.issuer.endpoint.url", &issuer),
            ("bearer.auth.client.id", "me"),
            ("bearer.auth.client.secret", "hidden"),
            ("bearer.auth.scope", "schema read"),
        ],
    )
    .unwrap();
    (server, client)
}

fn uris(seen: &[Seen]) -> Vec<&str> {
    seen.iter()
        .map(|seen| seen.uri.split('?').next().unwrap())
        .collect()
}

#[tokio::test]
async fn one_token_serves_until_it_is_to_be_renewed() {
    let (server, client) = with_tokens(3600, |_| true).await;
    let requests = (1..=3).map(|id| {
        let client = client.clone();
        tokio::spawn(async move { client.schema_by_id(id, None).await })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap().unwrap();
    }
    let seen = server.seen();
    assert_eq!(
        uris(&seen).iter().filter(|uri| **uri == "/token").count(),
        1
    );
    let asked = seen.iter().find(|seen| seen.uri == "/token").unwrap();
    assert_eq!(asked.header("authorization"), Some("Basic bWU6aGlkZGVu"));
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&scope=schema+read"
    );
    let (server, client) = with_tokens(0, |_| true).await;
    for id in 1..=2 {
        client.schema_by_id(id, None).await.unwrap();
    }
    assert_eq!(
        uris(&server.seen()),
        ["/token", "/schemas/ids/1", "/token", "/schemas/ids/2"]
    );
}

#[tokio::test]
async fn a_token_that_was_refused_is_not_used_again() {
    let (server, client) = with_tokens(3600, |token| token != "Bearer token-0").await;
    let error = client.schema_by_id(1, None).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert!(!error.to_string().contains("token-0"), "{error}");
    client.schema_by_id(1, None).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen.last().unwrap().header("authorization"),
        Some("Bearer token-1")
    );
}

#[tokio::test]
async fn an_identity_provider_that_refuses_is_named() {
    let server =
        Server::start(|_| Reply::Json(400, r#"{"error":"invalid_client"}"#.to_string())).await;
    let issuer = format!("{}/token", server.url);
    let client = client(
        &server.url,
        &[
            ("bearer.auth.credentials.source", "OAUTHBEARER"),
            ("bearer.auth.issuer.endpoint.url", &issuer),
            ("bearer.auth.client.id", "me"),
            ("bearer.auth.client.secret", "hidden"),
        ],
    )
    .unwrap();
    let error = client.schema_by_id(1, None).await.unwrap_err();
    assert_eq!(*error.kind(), RegistryErrorKind::TokenRefused);
    let text = error.to_string();
    assert!(
        text.contains(&format!(
            "The identity provider {issuer} answered with HTTP 400"
        )),
        "{text}"
    );
    assert!(text.contains("bearer.auth.client.secret"), "{text}");
    assert!(!text.contains("hidden"), "{text}");
}

#[tokio::test]
async fn a_proxy_is_asked_instead_of_the_registry() {
    let proxy = any_schema().await;
    let port = proxy.url.rsplit(':').next().unwrap();
    let client = client(
        "http://registry.invalid:8081/base",
        &[("proxy.host", "127.0.0.1"), ("proxy.port", port)],
    )
    .unwrap();
    let seen = one_request(&client, &proxy).await;
    assert_eq!(
        seen.uri,
        "http://registry.invalid:8081/base/schemas/ids/1?fetchMaxId=false"
    );
}

#[tokio::test]
async fn a_registry_that_does_not_answer_times_out() {
    let server = Server::start(|_| Reply::Hang).await;
    let client = client(&server.url, &[("http.read.timeout.ms", "50")]).unwrap();
    let error = client.schema_by_id(1, None).await.unwrap_err();
    assert_eq!(*error.kind(), RegistryErrorKind::Timeout);
    assert!(error.is_retriable());
    assert!(
        error.to_string().contains("http.read.timeout.ms"),
        "{error}"
    );
}

#[tokio::test]
async fn the_next_address_answers_for_one_that_is_away() {
    let away = any_schema().await.url.clone();
    let server = any_schema().await;
    let client = client(&format!("{away},{}", server.url), &[]).unwrap();
    one_request(&client, &server).await;
}

#[tokio::test]
async fn what_is_no_registry_says_so() {
    for (status, body, expected) in [
        (
            200,
            "<html>".to_string(),
            "The answer is not that of a Schema Registry",
        ),
        (200, "{}".to_string(), "it has no schema"),
        (
            200,
            r#"{"schema":"x","schemaType":"THRIFT"}"#.to_string(),
            "the schema type THRIFT is not known",
        ),
        (
            200,
            "x".repeat(17 << 20),
            "The answer has more than 16777216 bytes",
        ),
        (
            404,
            "nothing here".to_string(),
            "Unable to parse error message from schema registry: '(nothing here)'",
        ),
    ] {
        let server = Server::start(move |_| Reply::Json(status, body.clone())).await;
        let client = client(&server.url, &[]).unwrap();
        let error = client.schema_by_id(1, None).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("schema.registry.url"), "{error}");
    }
}

#[tokio::test]
async fn redirections_stay_on_their_host() {
    let other = any_schema().await;
    let elsewhere = other.url.replace("127.0.0.1", "localhost");
    let server = Server::start(
        move |request| match request.uri.split('?').next().unwrap() {
            "/schemas/ids/1" => Reply::To("/moved".to_string()),
            "/moved" => Reply::Json(200, SCHEMA.to_string()),
            "/schemas/ids/2" => Reply::To(elsewhere.clone()),
            _ => Reply::To("/round".to_string()),
        },
    )
    .await;
    let client = client(&server.url, &[("request.header.X-Secret", "hidden")]).unwrap();
    client.schema_by_id(1, None).await.unwrap();
    let error = client.schema_by_id(2, None).await.unwrap_err();
    assert_eq!(error.status(), Some(307));
    assert!(other.seen().is_empty());
    let error = client.schema_by_id(3, None).await.unwrap_err();
    assert!(error.to_string().contains("too many redirects"), "{error}");
}
