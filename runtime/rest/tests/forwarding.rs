//! Requests that a worker must leave to another one, as `HerderRequestHandler` and `RestClient` of Kafka
//! 4.3.1 treat them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod fake_herder;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Response};
use bytes::Bytes;
use connect_herder::{PeerAnswer, PeerClient, PeerError, PeerRequest, RequestSignature};
use connect_rest::{Listener, Rest, RestClient, Server, serve};
use fake_herder::FakeHerder;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn rest(herder: Arc<FakeHerder>, peers: Arc<dyn PeerClient>) -> Rest {
    Rest::new(herder, Arc::new(String::new), peers)
}

/// A leader behind a socket, and a follower that knows it.
async fn pair() -> (Arc<FakeHerder>, Server, Rest) {
    let client = Arc::new(RestClient::new().unwrap());
    let leader = Arc::new(FakeHerder::default());
    let listener = Listener::new("127.0.0.1", 0);
    let server = serve(&[listener], rest(leader.clone(), client.clone()))
        .await
        .unwrap();
    let url = format!("http://{}/", server.addresses()[0]);
    let follower = rest(Arc::new(FakeHerder::that_follows(&url)), client);
    (leader, server, follower)
}

async fn ask_with(
    rest: &Rest,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Response<Body>, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "follower:8083");
    let is_type = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("Content-Type");
    if !headers.iter().any(is_type) {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let mut response = rest.handle(request).await;
    let body = std::mem::take(response.body_mut());
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (response.status().as_u16(), response, text)
}

async fn ask(rest: &Rest, method: &str, path: &str, body: &str) -> (u16, Response<Body>, String) {
    ask_with(rest, method, path, &[], body).await
}

#[tokio::test]
async fn a_follower_answers_what_its_leader_answers() {
    let (_leader, server, follower) = pair().await;
    let body = r#"{"name":"x","config":{"a":1.50}}"#;
    let (status, response, text) = ask(&follower, "POST", "/connectors", body).await;
    assert_eq!(status, 201);
    assert_eq!(
        text,
        r#"{"name":"x","config":{"a":"1.50","name":"x"},"tasks":[],"type":"sink"}"#
    );
    // The client goes on with the worker that it knows.
    let location = response.headers().get("Location").unwrap();
    assert_eq!(location, "http://follower:8083/connectors/x");
    let json = response.headers().get(CONTENT_TYPE).unwrap();
    assert_eq!(json, "application/json");

    let (status, response, text) = ask(&follower, "POST", "/connectors", body).await;
    assert_eq!(status, 409);
    assert_eq!(
        text,
        r#"{"error_code":409,"message":"Connector x already exists"}"#
    );
    assert!(response.headers().get("Location").is_none());

    let path = "/connectors/y/config";
    let (status, response, _) = ask(&follower, "PUT", path, r#"{"a":"1"}"#).await;
    assert_eq!(status, 201);
    let location = response.headers().get("Location").unwrap();
    assert_eq!(location, "http://follower:8083/connectors/y");
    let (status, response, _) = ask(&follower, "PUT", path, r#"{"a":"2","b":"3"}"#).await;
    assert_eq!((status, response.headers().get("Location")), (200, None));
    let (status, _, text) = ask(&follower, "PATCH", path, r#"{"b":null}"#).await;
    assert_eq!(status, 200);
    assert!(text.contains(r#""config":{"a":"2","name":"y"}"#), "{text}");

    for (method, path, expected) in [
        ("PUT", "/connectors/x/stop", 204),
        ("POST", "/connectors/x/restart", 204),
        ("POST", "/connectors/x/tasks/0/restart", 204),
        ("POST", "/connectors/x/tasks/7/restart", 404),
        ("DELETE", "/connectors/x", 204),
        ("DELETE", "/connectors/x", 404),
    ] {
        let (status, _, text) = ask(&follower, method, path, "").await;
        assert_eq!(status, expected, "{method} {path}: {text}");
    }
    let path = "/connectors/y/restart?includeTasks=true";
    let (status, _, text) = ask(&follower, "POST", path, "").await;
    assert_eq!(status, 202);
    assert!(text.contains("RESTARTING"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn names_survive_two_workers() {
    let (leader, server, follower) = pair().await;
    for name in ["a b", "a/b", "50%", "ä;x{y}?#&+", "\u{1F600}"] {
        let body = serde_json::json!({"name": name, "config": {}}).to_string();
        assert_eq!(ask(&follower, "POST", "/connectors", &body).await.0, 201);
        let path = format!("/connectors/{}/stop", connect_herder::path_segment(name));
        let (status, _, text) = ask(&follower, "PUT", &path, "").await;
        assert_eq!(status, 204, "{name}: {text}");
    }
    drop(leader);
    server.stop().await;
}

#[tokio::test]
async fn a_signed_request_stays_signed() {
    let (leader, server, follower) = pair().await;
    ask(
        &follower,
        "POST",
        "/connectors",
        r#"{"name":"x","config":{}}"#,
    )
    .await;
    let headers = [
        ("X-Connect-Authorization", "c2ln"),
        ("X-Connect-Request-Signature-Algorithm", "HmacSHA256"),
    ];
    // White space matters: the signature is over these bytes.
    let body = "[ {\"a\":\"1\"} ]";
    let path = "/connectors/x/tasks";
    let (status, _, text) = ask_with(&follower, "POST", path, &headers, body).await;
    assert_eq!(status, 204, "{text}");
    let path = "/connectors/x/fence";
    assert_eq!(ask_with(&follower, "PUT", path, &headers, "").await.0, 204);
    let requests = leader.internal_requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(&requests[0].body[..], body.as_bytes());
    assert!(requests[1].body.is_empty());
    for request in &requests {
        assert_eq!(request.signature.as_deref(), Some("c2ln"));
        assert_eq!(request.signature_algorithm.as_deref(), Some("HmacSHA256"));
    }
    let (status, _, _) = ask(&follower, "POST", "/connectors/x/tasks", "{}").await;
    assert_eq!(status, 400);
    // A JVM worker sends no type with an empty body, and ours do not ask for one.
    let (status, _, _) = ask_with(
        &follower,
        "PUT",
        "/connectors/x/fence",
        &[("Content-Type", "text/plain")],
        "",
    )
    .await;
    assert_eq!(status, 204);
    server.stop().await;
}

/// Notes what it is to send and answers 204.
#[derive(Default)]
struct Recorder(Mutex<Vec<PeerRequest>>);

#[async_trait]
impl PeerClient for Recorder {
    async fn send(&self, request: PeerRequest) -> Result<PeerAnswer, PeerError> {
        self.0.lock().unwrap().push(request);
        Ok(PeerAnswer {
            status: 204,
            body: Bytes::new(),
        })
    }
}

#[tokio::test]
async fn a_request_makes_two_hops_at_most() {
    let recorder = Arc::new(Recorder::default());
    let follower = rest(
        Arc::new(FakeHerder::that_follows("http://leader:8083/")),
        recorder.clone(),
    );
    let headers = [
        ("Authorization", "Basic dTpw"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "h"),
    ];
    for path in [
        "/connectors/x/restart",
        "/connectors/x/restart?forward=true",
        "/connectors/x/restart?onlyFailed=TRUE&forward=",
    ] {
        assert_eq!(ask_with(&follower, "POST", path, &headers, "").await.0, 204);
    }
    let (status, _, text) = ask(&follower, "POST", "/connectors/x/restart?forward=false", "").await;
    assert_eq!(status, 409);
    assert_eq!(
        text,
        "{\"error_code\":409,\"message\":\"Cannot complete request because of a conflicting \
         operation (e.g. worker rebalance)\"}"
    );
    let body = r#"{"name":"x","config":{}}"#;
    assert_eq!(ask(&follower, "POST", "/connectors", body).await.0, 204);
    let request = |url: &str, authorization: Option<&str>, body: Option<&str>| PeerRequest {
        method: "POST".to_string(),
        url: format!("http://leader:8083/connectors{url}"),
        authorization: authorization.map(str::to_string),
        signature: None,
        body: body.map(|body| Bytes::from(body.to_string())),
    };
    let basic = Some("Basic dTpw");
    let expected = [
        request("/x/restart?forward=true", basic, None),
        request("/x/restart?forward=false", basic, None),
        request(
            "/x/restart?forward=true&includeTasks=false&onlyFailed=true",
            basic,
            None,
        ),
        request("?forward=true", None, Some(body)),
    ];
    assert_eq!(*recorder.0.lock().unwrap(), expected);
}

/// A server that answers every request with these bytes and keeps what it was sent.
async fn answering(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(String::new()));
    let sent = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut request = String::new();
            let mut chunk = [0; 4096];
            // The body of the only request that has one is a list.
            while !request.ends_with("\r\n\r\n[]")
                && (request.contains("content-length") || !request.ends_with("\r\n\r\n"))
            {
                let num_bytes = stream.read(&mut chunk).await.unwrap_or(0);
                if num_bytes == 0 {
                    break;
                }
                request.push_str(&String::from_utf8_lossy(&chunk[..num_bytes]));
            }
            *sent.lock().unwrap() = request;
            // The client may have what it wants already.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, seen)
}

#[tokio::test]
async fn answers_that_make_no_sense_are_told_as_the_jvm_tells_them() {
    let client = RestClient::new().unwrap();
    let send = async |answer: &'static str| {
        let (url, _) = answering(answer).await;
        let request = PeerRequest {
            method: "PUT".to_string(),
            url,
            authorization: None,
            signature: None,
            body: None,
        };
        client
            .send(request)
            .await
            .map_err(|error| (error.status, error.message))
    };
    let moved = send("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n").await;
    let text = "Unexpected status code when handling forwarded request: 302";
    assert_eq!(moved, Err((500, text.to_string())));
    let page = send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>").await;
    let (status, message) = page.unwrap_err();
    assert_eq!(status, 500);
    let io_error = "IO Error trying to forward REST request: ";
    assert!(message.starts_with(io_error), "{message}");
    let error = "HTTP/1.1 404 Not Found\r\nContent-Length: 35\r\n\r\n\
                 {\"error_code\":404,\"message\":\"gone\"}";
    assert_eq!(send(error).await, Err((404, "gone".to_string())));
    let half = send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{").await;
    assert!(half.unwrap_err().1.starts_with(io_error));
    let nobody = client
        .send(PeerRequest {
            method: "PUT".to_string(),
            url: "http://127.0.0.1:1/".to_string(),
            authorization: None,
            signature: None,
            body: None,
        })
        .await
        .unwrap_err();
    assert_eq!(nobody.status, 500);
    assert!(nobody.message.starts_with(io_error), "{nobody}");
}

#[tokio::test]
async fn requests_look_as_those_of_a_jvm_worker() {
    let client = RestClient::new().unwrap();
    let (url, seen) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let request = PeerRequest {
        method: "POST".to_string(),
        url: format!("{url}connectors/x/tasks"),
        authorization: Some("Basic dTpw".to_string()),
        signature: Some(RequestSignature {
            signature: "c2ln".to_string(),
            algorithm: "HmacSHA256".to_string(),
        }),
        body: Some(Bytes::from_static(b"[]")),
    };
    assert_eq!(client.send(request).await.unwrap().status, 204);
    let seen = seen.lock().unwrap().to_lowercase();
    for line in [
        "post /connectors/x/tasks http/1.1\r\n",
        "\r\naccept: application/json\r\n",
        "\r\nuser-agent: kafka-connect\r\n",
        "\r\nauthorization: basic dtpw\r\n",
        "\r\nx-connect-authorization: c2ln\r\n",
        "\r\nx-connect-request-signature-algorithm: hmacsha256\r\n",
        "\r\ncontent-type: application/json\r\n",
        "\r\n\r\n[]",
    ] {
        assert!(seen.contains(line), "{line:?} is not in {seen}");
    }
}
