//! What the store asks of a server: the requests as they come in, on a server that answers by a script.

use super::config;
use crate::{S3Settings, S3Store};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use storage_common::{CompletedObject, Completion, ObjectStore};
use tokio::net::TcpListener;

/// One request.
#[derive(Clone, Debug)]
struct Recorded {
    /// The method and what stands behind the host, without the id of the operation.
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// The status of the answer to a request that the script names.
type Script = fn(&str) -> Option<(u16, &'static str)>;

/// The server; it ends with the test's runtime.
struct Recorder {
    endpoint: String,
    requests: Arc<Mutex<Vec<Recorded>>>,
}

const CREATED: &str = "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>\
    <UploadId>id</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><ETag>\"e\"</ETag>\
    </CompleteMultipartUploadResult>";

impl Recorder {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let record = requests.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let record = record.clone();
                tokio::spawn(async move {
                    let answer = service_fn(move |request| answer(request, record.clone(), script));
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), answer)
                        .await;
                });
            }
        });
        Self { endpoint, requests }
    }

    async fn store(&self, more: &[(&str, &str)]) -> S3Store {
        let (settings, _) = S3Settings::read(&config(&self.endpoint, more)).unwrap();
        S3Store::connect(settings).await.unwrap()
    }

    /// The requests so far, of which there must be one that begins so.
    fn request(&self, start: &str) -> Recorded {
        let requests = self.requests.lock().unwrap();
        let found = requests
            .iter()
            .find(|request| request.line.starts_with(start));
        found
            .unwrap_or_else(|| panic!("no {start} in {requests:?}"))
            .clone()
    }

    fn lines(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|request| request.line.clone())
            .collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    record: Arc<Mutex<Vec<Recorded>>>,
    script: Script,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let uri = head.uri.to_string();
    let line = format!("{} {uri}", head.method)
        .replace("?x-id=", "?")
        .replace("&x-id=", "&");
    let headers = head.headers.iter().map(|(key, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (key.to_string(), value.into_owned())
    });
    record.lock().unwrap().push(Recorded {
        line: line.clone(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let (status, text) = script(&line).unwrap_or_else(|| {
        let text = match head.method {
            Method::POST if uri.contains("uploads") => CREATED,
            Method::POST => COMPLETED,
            _ => "",
        };
        (200, text)
    });
    Ok(Response::builder()
        .status(status)
        .header("etag", "\"e\"")
        .body(Full::new(Bytes::from_static(text.as_bytes())))
        .unwrap())
}

const DONE: Script = |_| None;

/// Uploads one object.
async fn upload(store: &S3Store) -> connect_api::Result<Completion> {
    let upload = store.create_upload("k").await?;
    let part = upload
        .upload_part(1, Bytes::from_static(b"content"))
        .await?;
    upload.complete(&[part]).await
}

async fn upload_is_done(store: &S3Store) {
    assert_eq!(upload(store).await.unwrap(), Completion::Done);
}

#[tokio::test]
async fn encryption_and_the_access_list_are_asked_for_when_an_upload_begins() {
    for (more, headers) in [
        (
            &[
                ("s3.ssea.name", "AES256"),
                ("s3.acl.canned", "bucket-owner-full-control"),
            ][..],
            &[
                ("x-amz-server-side-encryption", "AES256"),
                ("x-amz-acl", "bucket-owner-full-control"),
            ][..],
        ),
        (
            &[("s3.ssea.name", "aws:kms"), ("s3.sse.kms.key.id", "arn:k")],
            &[
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", "arn:k"),
            ],
        ),
    ] {
        let recorder = Recorder::start(DONE).await;
        upload_is_done(&recorder.store(more).await).await;
        let create = recorder.request("POST /flights/k?uploads");
        for (name, value) in headers {
            assert_eq!(create.header(name), Some(*value), "{name}");
        }
        let part = recorder.request("PUT");
        assert_eq!(part.header("x-amz-server-side-encryption"), None);
    }
}

/// Thirty-two bytes, and what `md5sum` says of them.
const CUSTOMER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const CUSTOMER_KEY_MD5: &str = "KYvwGXoFFJ42a2u2GDWhwQ==";

#[tokio::test]
async fn a_key_of_the_user_goes_with_the_upload_its_parts_and_every_look() {
    let recorder = Recorder::start(DONE).await;
    let more = [
        ("s3.ssea.name", "AES256"),
        ("s3.sse.customer.key", CUSTOMER_KEY),
    ];
    let store = recorder.store(&more).await;
    upload_is_done(&store).await;
    assert!(store.exists("k").await.unwrap());
    for start in ["POST /flights/k?uploads", "PUT", "HEAD"] {
        let request = recorder.request(start);
        let header = |name: &str| {
            let name = format!("x-amz-server-side-encryption-customer-{name}");
            request.header(&name).map(str::to_string)
        };
        assert_eq!(header("algorithm").as_deref(), Some("AES256"), "{start}");
        assert_eq!(header("key").as_deref(), Some(CUSTOMER_KEY), "{start}");
        assert_eq!(
            header("key-md5").as_deref(),
            Some(CUSTOMER_KEY_MD5),
            "{start}"
        );
        assert_eq!(request.header("x-amz-server-side-encryption"), None);
    }
}

#[tokio::test]
async fn parts_carry_their_digest_only_where_the_user_wants_it() {
    for (value, digest) in [("true", Some("mgNkuembtIDdJeHwKEyFVQ==")), ("false", None)] {
        let recorder = Recorder::start(DONE).await;
        upload_is_done(&recorder.store(&[("s3.send.digest", value)]).await).await;
        assert_eq!(recorder.request("PUT").header("content-md5"), digest);
    }
}

fn object() -> CompletedObject {
    CompletedObject {
        key: "k".into(),
        start_offset: 5,
        end_offset: 9,
        num_records: 4,
    }
}

#[tokio::test]
async fn objects_are_tagged_with_their_offsets_and_the_tags_of_the_user() {
    let recorder = Recorder::start(DONE).await;
    let more = [
        ("s3.object.tagging", "true"),
        ("s3.object.tagging.key.value.pairs", "team:air,url:a:b"),
    ];
    let store = recorder.store(&more).await;
    store.label(&object()).await.unwrap();
    let body = recorder.request("PUT /flights/k?tagging").body;
    for (key, value) in [
        ("startOffset", "5"),
        ("endOffset", "9"),
        ("recordCount", "4"),
        ("team", "air"),
        ("url", "a:b"),
    ] {
        let tag = format!("<Key>{key}</Key><Value>{value}</Value>");
        assert!(body.contains(&tag), "{tag}: {body}");
    }
    assert_eq!(body.matches("<Tag>").count(), 5);

    let without = Recorder::start(DONE).await;
    without.store(&[]).await.label(&object()).await.unwrap();
    assert_eq!(without.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn an_object_that_cannot_be_tagged_fails_the_task_only_if_the_user_says_so() {
    let recorder = Recorder::start(|line| line.contains("tagging").then_some((403, ""))).await;
    let tagging = ("s3.object.tagging", "true");
    let store = recorder.store(&[tagging]).await;
    store.label(&object()).await.unwrap();
    let fails = ("s3.object.behavior.on.tagging.error", "fail");
    let store = recorder.store(&[tagging, fails]).await;
    let error = store.label(&object()).await.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("Unable to tag S3 object k: s3://flights/k"),
        "{error}"
    );
}

/// With these an object never takes the place of another.
const NEVER_REPLACES: [(&str, &str); 2] = [
    ("rotate.schedule.interval.ms", "60000"),
    ("timezone", "UTC"),
];

const TAKEN: &str = "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>";

#[tokio::test]
async fn completion_is_conditional_only_where_objects_are_not_replaced() {
    for (more, condition) in [(&NEVER_REPLACES[..], Some("*")), (&[], None)] {
        let recorder = Recorder::start(DONE).await;
        let completion = upload(&recorder.store(more).await).await.unwrap();
        assert_eq!(completion, Completion::Done);
        let complete = recorder.request("POST /flights/k?uploadId");
        assert_eq!(complete.header("if-none-match"), condition);
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_believed_unless_the_server_contradicts_itself() {
    let refused: Script = |line| {
        line.contains("uploadId=id")
            .then_some((412, TAKEN))
            .filter(|_| line.starts_with("POST"))
    };
    let recorder = Recorder::start(refused).await;
    let store = recorder.store(&NEVER_REPLACES).await;
    assert_eq!(upload(&store).await.unwrap(), Completion::NameTaken);

    // Some servers answer 200 and put the error into the body.
    let recorder = Recorder::start(|line| {
        let completes = line.starts_with("POST") && line.contains("uploadId=id");
        completes.then_some((200, TAKEN))
    })
    .await;
    let store = recorder.store(&NEVER_REPLACES).await;
    assert_eq!(upload(&store).await.unwrap(), Completion::NameTaken);

    let recorder = Recorder::start(|line| match line {
        _ if line.starts_with("HEAD") => Some((403, "")),
        _ if line.starts_with("POST") && line.contains("uploadId=id") => Some((412, TAKEN)),
        _ => None,
    })
    .await;
    let store = recorder.store(&NEVER_REPLACES).await;
    assert_eq!(upload(&store).await.unwrap(), Completion::NameTaken);
    assert!(!store.exists("k").await.unwrap(), "looking is forbidden");

    let recorder = Recorder::start(|line| match line {
        _ if line.starts_with("HEAD") => Some((404, "")),
        _ if line.starts_with("POST") && line.contains("uploadId=id") => Some((412, TAKEN)),
        _ => None,
    })
    .await;
    let store = recorder.store(&NEVER_REPLACES).await;
    let error = upload(&store).await.unwrap_err();
    assert!(
        error.message().contains("Contradicting response"),
        "{error}"
    );
}

#[tokio::test]
async fn requests_go_through_the_proxy_with_its_user() {
    for (url, more) in [
        (
            "http://HOST",
            &[("s3.proxy.user", "ada"), ("s3.proxy.password", "secret")][..],
        ),
        ("http://ada:secret@HOST", &[]),
    ] {
        let recorder = Recorder::start(DONE).await;
        let host = recorder.endpoint.trim_start_matches("http://");
        let url = url.replace("HOST", host);
        let mut more = more.to_vec();
        more.push(("s3.proxy.url", &url));
        more.push(("store.url", "http://s3.invalid:9000"));
        upload_is_done(&recorder.store(&more).await).await;
        let create = recorder.request("POST http://s3.invalid:9000/flights/k?uploads");
        assert_eq!(
            create.header("proxy-authorization"),
            Some("Basic YWRhOnNlY3JldA==")
        );
    }
}
