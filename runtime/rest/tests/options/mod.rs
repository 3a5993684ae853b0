//! What the settings of a worker add to the REST API: users, other origins, listeners of their own.

use crate::fake_herder::FakeHerder;
use axum::body::{Body, to_bytes};
use axum::http::header::HOST;
use axum::http::{HeaderMap, Request};
use connect_api::config::ConfigMap;
use connect_herder::{WorkerConfig, WorkerMode};
use connect_rest::{Cors, Listener, Rest, RestOptions, Surface, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn rest(herder: FakeHerder, options: RestOptions) -> Rest {
    crate::rest(herder).with_options(options)
}

pub async fn ask(
    rest: &Rest,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request = request.header(HOST, "h:1");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_empty() {
        request = request.header("Content-Type", "application/json");
    }
    let request = request.body(Body::from(body.to_string()));
    let mut response = rest.handle(request.expect("a request")).await;
    let body = std::mem::take(response.body_mut());
    let bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (response.status().as_u16(), response.headers().clone(), text)
}

/// Basic authentication of the users `ann` and `bob`, who have their names as passwords.
pub fn users(readers: &str, admins: Option<&str>, masks_secrets: bool) -> RestOptions {
    let folder = tempfile::tempdir().expect("a folder");
    let (jaas, users) = (folder.path().join("jaas"), folder.path().join("users"));
    std::fs::write(&users, "ann=ann\nbob=bob\n").expect("written");
    let entry = format!(
        "KafkaConnect {{ org.apache.kafka.connect.rest.basic.auth.extension.\
         PropertyFileLoginModule required file=\"{}\"; }};",
        users.display()
    );
    std::fs::write(&jaas, entry).expect("written");
    let mut settings: ConfigMap = [
        ("bootstrap.servers", "h:1"),
        (
            "key.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        ("offset.storage.file.filename", "/tmp/o"),
        ("rest.extension.classes", "BasicAuthSecurityRestExtension"),
        ("dovetail.rest.basic.auth.readers", readers),
    ]
    .into_iter()
    .collect();
    if let Some(admins) = admins {
        settings.insert("dovetail.rest.basic.auth.admins", admins);
    }
    let config = WorkerConfig::new(WorkerMode::Standalone, settings).expect("valid settings");
    let option = format!("-Djava.security.auth.login.config={}", jaas.display());
    RestOptions {
        basic_auth: config.basic_auth(&option).expect("files that are there"),
        masks_secrets,
        ..RestOptions::default()
    }
}

pub const ANN: (&str, &str) = ("Authorization", "Basic YW5uOmFubg==");
pub const BOB: (&str, &str) = ("Authorization", "basic Ym9iOmJvYg==");

#[tokio::test]
async fn only_users_are_let_in() {
    let rest = rest(FakeHerder::default(), users("", None, false));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/connectors"),
        ("GET", "/admin/loggers"),
        ("GET", "/metrics"),
        ("OPTIONS", "/connectors"),
        ("DELETE", "/connectors/x"),
    ] {
        let (status, headers, body) = ask(&rest, method, path, &[], "").await;
        assert_eq!(
            (status, &*body),
            (401, "User cannot access the resource."),
            "{path}"
        );
        let content_type = match method {
            "OPTIONS" => "text/plain",
            _ => "application/json",
        };
        assert_eq!(headers["Content-Type"], content_type, "{method} {path}");
        assert!(!headers.contains_key("WWW-Authenticate"));
        let (status, ..) = ask(&rest, method, path, &[ANN], "").await;
        assert_ne!(status, 401, "{method} {path}");
    }
    let wrong = [("Authorization", "Basic YW5uOmJvYg==")];
    assert_eq!(ask(&rest, "GET", "/", &wrong, "").await.0, 401);
    let malformed = [("Authorization", "Basic !")];
    assert_eq!(ask(&rest, "GET", "/", &malformed, "").await.0, 400);
    // What is not there needs no user, as the JVM's extension has it.
    assert_eq!(ask(&rest, "GET", "/nothing", &[], "").await.0, 404);
    assert_eq!(ask(&rest, "DELETE", "/connectors", &[], "").await.0, 405);
}

#[tokio::test]
async fn roles_bound_what_users_may_do() {
    let rest = rest(FakeHerder::default(), users("bob", Some("nobody"), false));
    let create = r#"{"name":"x","config":{"connector.class":"C"}}"#;
    let (status, _, body) = ask(&rest, "POST", "/connectors", &[BOB], create).await;
    assert_eq!(status, 403);
    assert!(body.contains("The user bob has the role reader; this request needs the role writer"));
    assert_eq!(
        ask(&rest, "POST", "/connectors", &[ANN], create).await.0,
        201
    );
    for (method, path, body) in [
        ("DELETE", "/connectors/x", ""),
        ("PUT", "/connectors/x/pause", ""),
        ("PATCH", "/connectors/x/offsets", "{}"),
        ("DELETE", "/connectors/x/offsets", ""),
        ("PUT", "/admin/loggers/a", r#"{"level":"INFO"}"#),
    ] {
        assert_eq!(
            ask(&rest, method, path, &[BOB], body).await.0,
            403,
            "{path}"
        );
    }
    for path in ["/connectors/x", "/connectors/x/offsets", "/admin/loggers"] {
        assert_eq!(ask(&rest, "GET", path, &[BOB], "").await.0, 200, "{path}");
    }
    let validate = "/connector-plugins/C/config/validate";
    let config = r#"{"connector.class":"C"}"#;
    assert_eq!(ask(&rest, "PUT", validate, &[BOB], config).await.0, 200);
    let level = r#"{"level":"INFO"}"#;
    assert_eq!(
        ask(&rest, "PUT", "/admin/loggers/a", &[ANN], level).await.0,
        403
    );
    assert_eq!(
        ask(&rest, "PUT", "/connectors/x/pause", &[ANN], "").await.0,
        202
    );
}

#[tokio::test]
async fn readers_see_no_secrets_if_the_worker_is_set_so() {
    for masks in [true, false] {
        let rest = rest(FakeHerder::default(), users("bob", None, masks));
        let create = r#"{"name":"x","config":{"db.password":"hunter2","topics":"t"}}"#;
        let (_, _, created) = ask(&rest, "POST", "/connectors", &[ANN], create).await;
        assert!(created.contains("hunter2"));
        for path in [
            "/connectors/x",
            "/connectors/x/config",
            "/connectors?expand=info",
        ] {
            let (_, _, seen) = ask(&rest, "GET", path, &[ANN], "").await;
            assert!(seen.contains("hunter2"), "{seen}");
            let (_, _, seen) = ask(&rest, "GET", path, &[BOB], "").await;
            assert_eq!(seen.contains("hunter2"), !masks, "{seen}");
            assert_eq!(
                seen.contains(r#""db.password":"[hidden]""#),
                masks,
                "{seen}"
            );
            assert!(seen.contains(r#""topics":"t""#), "{seen}");
        }
    }
}

#[tokio::test]
async fn answers_carry_the_headers_of_origins_rules_and_ids() {
    let options = RestOptions {
        cors: Cors::from_settings("http://a", "GET,PUT"),
        ..RestOptions::default()
    };
    let rest = rest(FakeHerder::default(), options);
    let origin = ("Origin", "http://a");
    for (path, expected) in [("/connectors", 200), ("/nothing", 404)] {
        let id = ("X-Request-Id", "id-1");
        let (status, headers, _) = ask(&rest, "GET", path, &[origin, id], "").await;
        assert_eq!(status, expected);
        assert_eq!(headers["Vary"], "Origin");
        assert_eq!(headers["Access-Control-Allow-Origin"], "http://a");
        assert_eq!(headers["X-Request-Id"], "id-1");
    }
    let preflight = ("Access-Control-Request-Method", "PUT");
    let (status, headers, body) =
        ask(&rest, "OPTIONS", "/connectors", &[origin, preflight], "").await;
    assert_eq!(status, 200);
    assert_eq!(headers["Access-Control-Allow-Methods"], "GET,PUT");
    assert_eq!(headers["Content-Type"], "text/plain");
    assert_eq!(body, "HEAD, POST, GET, OPTIONS");
    let (_, headers, _) = ask(&rest, "GET", "/", &[("Origin", "http://b")], "").await;
    assert!(!headers.contains_key("Access-Control-Allow-Origin"));
    assert_eq!(headers["X-Request-Id"].len(), 16);
}

#[tokio::test]
async fn heads_of_requests_are_bounded_and_name_one_host() {
    let rest = rest(FakeHerder::default(), RestOptions::default());
    let long = "x".repeat(9000);
    let path = format!("/connectors/{long}");
    assert_eq!(ask(&rest, "GET", &path, &[], "").await.0, 414);
    assert_eq!(
        ask(&rest, "GET", "/", &[("X-A", long.as_str())], "")
            .await
            .0,
        431
    );
    let two = [("Host", "a"), ("Host", "b")];
    assert_eq!(ask(&rest, "GET", "/", &two, "").await.0, 400);
    let other = [("Host", "b")];
    assert_eq!(
        ask(&rest, "GET", "http://a/connectors", &other, "").await.0,
        400
    );
    assert_eq!(
        ask(&rest, "GET", "http://b/connectors", &other, "").await.0,
        200
    );
}

#[tokio::test]
async fn health_knows_of_failed_tasks_if_asked() {
    let rest = rest(FakeHerder::with_tasks("FAILED"), RestOptions::default());
    let create = r#"{"name":"x","config":{}}"#;
    assert_eq!(ask(&rest, "POST", "/connectors", &[], create).await.0, 201);
    assert_eq!(ask(&rest, "GET", "/health", &[], "").await.0, 200);
    assert_eq!(
        ask(&rest, "GET", "/health?tasks=false", &[], "").await.0,
        200
    );
    let (status, _, body) = ask(&rest, "GET", "/health?tasks=true", &[], "").await;
    assert_eq!(
        (status, &*body),
        (
            500,
            r#"{"status":"unhealthy","message":"FAILED: task x-0"}"#
        )
    );
    assert_eq!(ask(&rest, "DELETE", "/connectors/x", &[], "").await.0, 204);
    assert_eq!(
        ask(&rest, "GET", "/health?tasks=true", &[], "").await.0,
        200
    );
}

#[tokio::test]
async fn levels_of_loggers_are_changed_as_on_the_jvm() {
    let rest = rest(FakeHerder::default(), RestOptions::default());
    let path = "/admin/loggers/a.b";
    let (status, _, body) = ask(&rest, "GET", path, &[], "").await;
    assert_eq!(
        (status, &*body),
        (
            404,
            r#"{"error_code":404,"message":"Logger a.b not found."}"#
        )
    );
    let debug = r#"{"level":" debug "}"#;
    let (status, _, body) = ask(&rest, "PUT", path, &[], debug).await;
    assert_eq!((status, &*body), (200, r#"["a.b"]"#));
    assert_eq!(ask(&rest, "PUT", path, &[], debug).await.2, "[]");
    let level = r#"{"level":"DEBUG","last_modified":1700000000000}"#;
    assert_eq!(ask(&rest, "GET", path, &[], "").await.2, level);
    let all = ask(&rest, "GET", "/admin/loggers", &[], "").await.2;
    assert_eq!(all, format!(r#"{{"a.b":{level}}}"#));
    let cluster = format!("{path}?scope=CLUSTER");
    let (status, _, body) = ask(&rest, "PUT", &cluster, &[], debug).await;
    assert_eq!((status, &*body), (204, ""));
    let odd = format!("{path}?scope=galaxy");
    assert_eq!(ask(&rest, "PUT", &odd, &[], debug).await.0, 200);
    for (body, status, text) in [
        (
            "{}",
            400,
            "Desired 'level' parameter was not specified in request.",
        ),
        (r#"{"level":null}"#, 400, "Desired 'level' parameter"),
        (r#"{"level":"loud"}"#, 404, "invalid log level 'loud'."),
        (r#"{"level":5}"#, 404, "invalid log level '5'."),
        (r#"{"level":""}"#, 400, "Illegal null or empty Level name."),
        ("null", 400, "empty"),
        ("{", 400, "not valid"),
    ] {
        let (found, _, answer) = ask(&rest, "PUT", path, &[], body).await;
        assert_eq!(found, status, "{body}: {answer}");
        assert!(answer.contains(text), "{body}: {answer}");
    }
    let (_, headers, _) = ask(&rest, "OPTIONS", path, &[], "").await;
    assert_eq!(headers["Allow"], "HEAD,GET,OPTIONS,PUT");
}

#[tokio::test]
async fn offsets_are_changed_and_forgotten() {
    let rest = rest(FakeHerder::default(), RestOptions::default());
    let path = "/connectors/x/offsets";
    let patch = r#"{"offsets":[{"partition":{"a":1},"offset":null},{}]}"#;
    assert_eq!(ask(&rest, "PATCH", path, &[], patch).await.0, 404);
    let create = r#"{"name":"x","config":{}}"#;
    assert_eq!(ask(&rest, "POST", "/connectors", &[], create).await.0, 201);
    let (status, _, body) = ask(&rest, "PATCH", path, &[], patch).await;
    assert_eq!((status, &*body), (200, r#"{"message":"2 altered"}"#));
    let (status, _, body) = ask(&rest, "DELETE", path, &[], "").await;
    assert_eq!((status, &*body), (200, r#"{"message":"reset"}"#));
    assert_eq!(ask(&rest, "HEAD", path, &[], "").await.0, 200);
    assert_eq!(ask(&rest, "PATCH", path, &[], "").await.0, 400);
    let (_, headers, _) = ask(&rest, "OPTIONS", path, &[], "").await;
    assert_eq!(headers["Allow"], "HEAD,DELETE,GET,OPTIONS,PATCH");
}

#[tokio::test]
async fn listeners_serve_what_they_are_for() {
    let listener = |surface| Listener {
        surface,
        ..Listener::new("127.0.0.1", 0)
    };
    let listeners = [
        listener(Surface::WithoutAdmin),
        listener(Surface::AdminOnly),
        listener(Surface::All),
    ];
    let rest = rest(FakeHerder::default(), RestOptions::default());
    let server = serve(&listeners, rest).await.expect("free ports");
    let status = async |listener: usize, path: &str| {
        let address = server.addresses()[listener];
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer["HTTP/1.1 ".len()..][..3].to_string()
    };
    let mut found = Vec::new();
    for listener in 0..3 {
        found.push(status(listener, "/connectors").await);
        found.push(status(listener, "/admin/loggers").await);
    }
    assert_eq!(found, ["200", "404", "404", "200", "200", "200"]);
    server.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let rest = rest(FakeHerder::default(), RestOptions::default());
    let server = serve(&[Listener::new("127.0.0.1", 0)], rest).await;
    let server = server.expect("a free port");
    let mut stream = TcpStream::connect(server.addresses()[0])
        .await
        .expect("it listens");
    let head = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                Content-Length: 24\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut interim = [0; 25];
    // From here on the server waits for the body.
    stream.read_exact(&mut interim).await.expect("it goes on");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(server.stop());
    stream
        .write_all(br#"{"name":"x","config":{}}"#)
        .await
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    stopping.await.expect("it stops");
}
