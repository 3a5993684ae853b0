use super::scripted::{ScriptedWorker, refusal};
use super::*;
use clap::Parser;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Short pauses, and time enough for any machine.
const PATIENT: Retries = Retries {
    first_delay: Duration::from_millis(1),
    max_delay: Duration::from_millis(4),
    give_up_after: Duration::from_secs(60),
};

fn api(url: &str, retries: Retries) -> WorkerApi {
    WorkerApi::open(&Connection::to(url), Duration::from_secs(60), retries).unwrap()
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_told() {
    let worker = ScriptedWorker::start(&[]);
    let api = api(&format!("{}/", worker.url), PATIENT);
    let rebalance = "Cannot complete request momentarily due to no known leader URL, likely because \
                     a rebalance was underway.";
    worker.answer_next("PUT /connectors/a/config", 409, refusal(409, rebalance));
    worker.answer_next("PUT /connectors/a/config", 503, json!({}));
    worker.answer_next(
        "PUT /connectors/a/config",
        500,
        refusal(500, "Request timed out"),
    );
    let path = ["connectors", "a", "config"];
    api.put(&path, &json!({"x": "1"})).await.unwrap();
    assert_eq!(worker.changes(), ["PUT /connectors/a/config"; 4]);
    assert_eq!(
        worker.state().connectors["a"],
        json!({"name": "a", "x": "1"})
    );

    worker.answer_next(
        "PUT /connectors/b",
        400,
        refusal(400, "Connector configuration is invalid"),
    );
    let error = api
        .put(&["connectors", "b", "config"], &json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "PUT {}/connectors/b/config was answered 400 Bad Request: Connector configuration is \
             invalid",
            worker.url
        )
    );
    worker.answer_next("GET /connectors", 500, refusal(500, "boom"));
    api.get(&["connectors"], "").await.unwrap_err();
    assert!(
        api.delete(&["connectors", "nope"])
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(worker.changes().len(), 6);
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_repeated_only_if_it_was_not_done() {
    let worker = ScriptedWorker::start(&[("a", json!({}))]);
    let api = api(&worker.url, PATIENT);
    let body = json!({"name": "b", "config": {}});
    worker.answer_next("POST", 409, refusal(409, "a rebalance is expected"));
    api.post(&["connectors"], &body).await.unwrap();
    worker.answer_next("POST", 500, refusal(500, "Request timed out"));
    api.post(&["connectors"], &body).await.unwrap_err();
    let exists = api.post(&["connectors"], &body).await.unwrap_err();
    assert!(
        exists
            .to_string()
            .ends_with("409 Conflict: Connector b already exists"),
        "{exists}"
    );
    assert_eq!(worker.changes(), ["POST /connectors"; 4]);
}

#[tokio::test]
async fn a_worker_that_is_not_there_yet_is_waited_for() {
    /// What the first notice does.
    static START: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

    let port = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}");
    let mut api = api(&url, PATIENT);
    api.notice = |text| {
        assert!(text.contains("Cannot reach a worker at") && text.contains("trying again in"));
        if let Some(start) = START.lock().unwrap().take() {
            start();
        }
    };
    *START.lock().unwrap() = Some(Box::new(move || {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        ScriptedWorker::serve(listener, &[("a", json!({}))]);
    }));
    let connectors = api.get_json(&["connectors"], "expand=info").await.unwrap();
    assert_eq!(connectors["a"]["info"]["name"], "a");
}

#[tokio::test]
async fn tries_end() {
    let port = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let retries = Retries {
        give_up_after: Duration::from_millis(20),
        ..PATIENT
    };
    let api = api(&format!("http://127.0.0.1:{port}"), retries);
    let error = api.get(&["connectors"], "").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Is it running, and is --url its REST API?"),
        "{error}"
    );
}

#[tokio::test]
async fn names_are_encoded_and_users_authenticate() {
    let worker = ScriptedWorker::start(&[]);
    let url = worker.url.replace("http://", "http://ann:hunter2@");
    let api = api(&url, Retries::NONE);
    let error = api.delete(&["connectors", "a/b c?ü"]).await.unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let request = worker.state().requests[0].clone();
    assert_eq!(request.line, "DELETE /connectors/a%2Fb%20c%3F%C3%BC");
    assert_eq!(
        request.authorization.as_deref(),
        Some("Basic YW5uOmh1bnRlcjI=")
    );
    worker.answer_next("GET", 401, json!({}));
    let error = api.get(&["connectors"], "").await.unwrap_err().to_string();
    assert!(
        error.contains("401 Unauthorized (set DOVETAIL_USER"),
        "{error}"
    );
    assert!(!api.url().contains("hunter2"));
}

#[test]
fn messages_are_those_of_workers_or_cut() {
    assert_eq!(message(r#"{"error_code": 1, "message": "m"}"#), "m");
    assert_eq!(message(" <html> "), "<html>");
    assert!(message(&"x".repeat(10_000)).len() < 5_000);
}

/// What users write.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    connection: Connection,
}

/// Speaks TLS before a worker, to clients with this certificate; its own certificate is `own`.
async fn tls_before(
    worker: &ScriptedWorker,
    own: &CertifiedKey<rcgen::KeyPair>,
    client: &CertificateDer<'static>,
) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(client.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
        .build()
        .unwrap();
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.cert.der().clone()], PrivateKeyDer::from(key))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let worker = worker.url.trim_start_matches("http://").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut behind = tokio::net::TcpStream::connect(&worker).await.unwrap();
            // A client that goes away ends the connection, which is all there is to it.
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn certificates_of_both_sides_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let [server, client] =
        [(); 2].map(|()| generate_simple_self_signed(vec!["localhost".to_string()]).unwrap());
    let ca = write("ca.pem", server.cert.pem());
    let own = write(
        "client.pem",
        client.cert.pem() + &client.signing_key.serialize_pem(),
    );
    let worker = ScriptedWorker::start(&[("a", json!({}))]);
    let url = tls_before(&worker, &server, client.cert.der()).await;
    let ask = async |arguments: &[&str]| {
        let line = ["dovetail", "--url", &url]
            .into_iter()
            .chain(arguments.iter().copied());
        let connection = Line::try_parse_from(line).unwrap().connection;
        let api = WorkerApi::open(&connection, Duration::from_secs(60), Retries::NONE).unwrap();
        api.get(&["connectors"], "expand=info")
            .await
            .map_err(|error| error.to_string())
    };
    let (ca, own) = (ca.to_str().unwrap(), own.to_str().unwrap());
    let answer = ask(&["--ca-file", ca, "--client-cert-file", own])
        .await
        .unwrap();
    assert!(answer.contains("\"a\""), "{answer}");
    let untrusted = ask(&["--client-cert-file", own]).await.unwrap_err();
    assert!(
        untrusted.to_lowercase().contains("certificate"),
        "{untrusted}"
    );
    ask(&["--ca-file", ca]).await.unwrap_err();
    assert_eq!(worker.state().requests.len(), 1);
}
