//! The router against answers that a JVM worker 4.3.1 gave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod fake_herder;
mod options;
mod tls;
mod ui;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Response};
use connect_rest::{Listener, Rest, RestClient, ServeError, serve};
use fake_herder::FakeHerder;
use serde_json::Value as Json;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GOLDEN: &str = include_str!("golden/connect_4_3_1.json");

fn rest(herder: FakeHerder) -> Rest {
    Rest::new(
        Arc::new(herder),
        Arc::new(|| "a_metric 1\n".to_string()),
        Arc::new(RestClient::new().unwrap()),
    )
}

async fn ask(rest: &Rest, method: &str, path: &str, body: &str) -> (u16, Response<Body>, String) {
    let json = Json::String("application/json".to_string());
    ask_with(
        rest,
        method,
        path,
        &[("Content-Type".to_string(), json)],
        body,
    )
    .await
}

async fn ask_with<'a>(
    rest: &Rest,
    method: &str,
    path: &str,
    headers: impl IntoIterator<Item = &'a (String, Json)>,
    body: &str,
) -> (u16, Response<Body>, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "127.0.0.1:26183");
    for (name, value) in headers {
        request = request.header(name, value.as_str().expect("a text"));
    }
    let request = request
        .body(Body::from(body.to_string()))
        .expect("a request");
    let mut response = rest.handle(request).await;
    let body = std::mem::take(response.body_mut());
    let bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (response.status().as_u16(), response, text)
}

#[tokio::test]
async fn answers_are_those_of_the_jvm_worker() {
    let golden: Vec<Json> = serde_json::from_str(GOLDEN).expect("recorded as JSON");
    assert!(golden.len() > 100);
    let rest = rest(FakeHerder::default());
    for (index, call) in golden.iter().enumerate() {
        let text = |field: &str| call[field].as_str().unwrap_or_default();
        let (method, path) = (text("method"), text("path"));
        let what = format!("{index}: {method} {path} {}", call["body"]);
        let headers: Vec<(String, Json)> = call["headers"]
            .as_object()
            .expect("headers")
            .clone()
            .into_iter()
            .collect();
        let (status, response, body) = ask_with(&rest, method, path, &headers, text("body")).await;
        if let Some(ours) = call["ours"].as_u64() {
            // A deliberate difference: the fault is the client's, and the message says what it is.
            assert_eq!(u64::from(status), ours, "{what}");
            let error: Json = serde_json::from_str(&body).expect("an error body");
            assert_eq!(error["error_code"], ours, "{what}");
            assert!(
                !error["message"].as_str().unwrap_or_default().is_empty(),
                "{what}"
            );
            continue;
        }
        assert_eq!(call["status"], status, "{what}: {body}");
        for name in ["Content-Type", "Location", "Allow"] {
            let header = response
                .headers()
                .get(name)
                .map(|value| value.to_str().expect("ASCII"));
            assert_eq!(
                header,
                call["answer_headers"][name].as_str(),
                "{what}: {name}"
            );
        }
        // The server drops the bodies of answers to HEAD.
        if method != "HEAD" {
            assert_eq!(body, text("answer"), "{what}");
        }
    }
}

#[tokio::test]
async fn names_with_odd_characters_can_be_reached() {
    let rest = rest(FakeHerder::default());
    for (name, path) in [
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("back\\slash", "back%5Cslash"),
    ] {
        let body = serde_json::json!({"name": name, "config": {}}).to_string();
        assert_eq!(
            ask(&rest, "POST", "/connectors", &body).await.0,
            201,
            "{name}"
        );
        let path = format!("/connectors/{path}");
        assert_eq!(ask(&rest, "GET", &path, "").await.0, 200, "{name}");
        assert_eq!(ask(&rest, "DELETE", &path, "").await.0, 204, "{name}");
    }
}

#[tokio::test]
async fn put_creates_once_and_patch_removes_with_null() {
    let rest = rest(FakeHerder::default());
    let path = "/connectors/x/config";
    let (status, response, _) = ask(&rest, "PUT", path, r#"{"a":1,"b":true,"name":null}"#).await;
    assert_eq!(status, 201);
    let location = response
        .headers()
        .get("Location")
        .map(|value| value.as_bytes());
    assert_eq!(location, Some(&b"http://127.0.0.1:26183/connectors/x"[..]));
    let (status, response, body) = ask(&rest, "PUT", path, r#"{"a":1.50,"b":"c"}"#).await;
    assert_eq!((status, response.headers().get("Location")), (200, None));
    assert!(
        body.contains(r#""config":{"a":"1.50","b":"c","name":"x"}"#),
        "{body}"
    );
    let (status, _, body) = ask(&rest, "PATCH", path, r#"{"b":null,"c":2}"#).await;
    assert_eq!(status, 200);
    assert!(
        body.contains(r#""config":{"a":"1.50","name":"x","c":"2"}"#),
        "{body}"
    );
}

#[tokio::test]
async fn a_validation_without_a_class_is_a_bad_request() {
    let rest = rest(FakeHerder::default());
    let path = "/connector-plugins/FileStreamSink/config/validate";
    let (status, _, body) = ask(&rest, "PUT", path, r#"{"topics":"a"}"#).await;
    assert_eq!(
        (status, &*body),
        (400, r#"{"error_code":400,"message":"there is no class"}"#)
    );
    let body = r#"{"connector.class":"org.apache.kafka.connect.file.FileStreamSinkConnector"}"#;
    assert_eq!(ask(&rest, "PUT", path, body).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_herder_that_hangs_is_told_of() {
    let rest = rest(FakeHerder::that_hangs());
    let stage = "The worker is currently joining the group, which began at 2026-01-01T00:00:00Z.";
    let (status, _, body) = ask(&rest, "GET", "/connectors/x", "").await;
    assert_eq!(status, 500);
    assert_eq!(
        body,
        format!("{{\"error_code\":500,\"message\":\"Request timed out. {stage}\"}}")
    );
    let (status, _, body) = ask(&rest, "GET", "/health", "").await;
    assert_eq!(status, 503);
    assert_eq!(
        body,
        format!("{{\"status\":\"starting\",\"message\":\"Worker is still starting up. {stage}\"}}")
    );
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let rest = rest(FakeHerder::default());
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(9 << 20));
    let (status, _, body) = ask(&rest, "PUT", "/connectors/x/config", &body).await;
    assert_eq!(status, 413, "{body}");
}

#[tokio::test]
async fn metrics_are_text() {
    let rest = rest(FakeHerder::default());
    let (status, response, body) = ask_with(&rest, "GET", "/metrics", &[], "").await;
    assert_eq!((status, body.as_str()), (200, "a_metric 1\n"));
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| value.as_bytes());
    assert_eq!(
        content_type,
        Some(&b"text/plain; version=0.0.4; charset=utf-8"[..])
    );
}

#[tokio::test]
async fn a_server_answers_over_sockets_and_stops() {
    let listener = Listener::new("127.0.0.1", 0);
    let server = serve(&[listener], rest(FakeHerder::default()))
        .await
        .expect("a free port");
    let address = server.addresses()[0];
    let exchange = async |request: &str| {
        let mut stream = TcpStream::connect(address)
            .await
            .expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    };
    let answer = exchange("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 93\r\n"), "{answer}");
    let answer =
        exchange("HEAD /connectors HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("\r\ncontent-length: 2\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");

    let taken = Listener::new("127.0.0.1", address.port());
    let error = serve(&[taken], rest(FakeHerder::default()))
        .await
        .expect_err("the port is taken");
    assert!(matches!(error, ServeError::Bind { .. }));
    let port = address.port().to_string();
    assert!(
        error
            .to_string()
            .contains(&format!("Another process uses port {port}")),
        "{error}"
    );

    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}
