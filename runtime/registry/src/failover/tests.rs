use super::*;
use crate::connection::{Answer, ConnectionError};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// Answers by address; the last of a list is repeated.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<HashMap<&'static str, Vec<Result<Answer, ConnectionError>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Connection for Script {
    async fn send(&self, base: &BaseUrl, _request: &Request) -> Result<Answer, ConnectionError> {
        let mut asked = self.asked.lock().unwrap();
        let base = base.to_string();
        let num_before = asked.iter().filter(|url| **url == base).count();
        let answers = &self.answers[base.as_str()];
        asked.push(base);
        answers[num_before.min(answers.len() - 1)].clone()
    }
}

impl Script {
    fn new<const N: usize>(
        answers: [(&'static str, Vec<Result<Answer, ConnectionError>>); N],
    ) -> Self {
        Self {
            answers: Arc::new(HashMap::from(answers)),
            asked: Arc::default(),
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn failover(&self, urls: &[&str]) -> Failover {
        let retry = RetryConfig {
            max_retries: 3,
            wait: Duration::from_secs(1),
            max_wait: Duration::from_secs(3),
        };
        let urls = urls
            .iter()
            .map(|url| BaseUrl::parse(url).unwrap())
            .collect();
        Failover::new(Box::new(self.clone()), urls, retry, false)
    }
}

fn status(status: u16) -> Result<Answer, ConnectionError> {
    let body = format!("{{\"error_code\":{status}01,\"message\":\"m{status}\"}}");
    Ok(Answer {
        status,
        body: body.into_bytes(),
    })
}

fn broken(kind: RegistryErrorKind) -> Result<Answer, ConnectionError> {
    Err(ConnectionError {
        kind,
        message: "refused".to_string(),
        advice: "advice",
    })
}

const A: &str = "http://a/";
const B: &str = "http://b/";
const C: &str = "http://c/";

#[tokio::test(start_paused = true)]
async fn only_what_may_pass_is_repeated() {
    for (answer, num_requests) in [
        (status(200), 1),
        (status(204), 1),
        (status(400), 1),
        (status(401), 1),
        (status(403), 1),
        (status(404), 1),
        (status(408), 4),
        (status(409), 1),
        (status(422), 1),
        (status(429), 4),
        (status(500), 4),
        (status(501), 1),
        (status(502), 4),
        (status(503), 4),
        (status(504), 4),
        (broken(RegistryErrorKind::Network), 4),
        (broken(RegistryErrorKind::Timeout), 4),
        (broken(RegistryErrorKind::TokenRefused), 1),
    ] {
        let script = Script::new([(A, vec![answer.clone()])]);
        let outcome = script
            .failover(&[A])
            .send(&Request::schema_by_id(1, None))
            .await;
        let succeeds = matches!(&answer, Ok(answer) if answer.status < 300);
        assert_eq!(outcome.is_ok(), succeeds, "{answer:?}");
        assert_eq!(script.asked().len(), num_requests, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_double_up_to_the_longest() {
    let script = Script::new([(A, vec![status(503)])]);
    let failover = script.failover(&[A]);
    let start = Instant::now();
    failover
        .send(&Request::schema_by_id(1, None))
        .await
        .unwrap_err();
    let waited = start.elapsed();
    // At least a millisecond each, at most 1, 2 and 3 seconds.
    assert!(waited >= Duration::from_millis(3), "{waited:?}");
    assert!(waited <= Duration::from_millis(6_003), "{waited:?}");
    let longest: Vec<u64> = (0..40)
        .map(|retries| longest_wait(failover.retry, retries).as_secs())
        .collect();
    assert_eq!(longest[..4], [1, 2, 3, 3]);
    assert_eq!(longest[39], 3);
    let none = RetryConfig {
        wait: Duration::ZERO,
        ..failover.retry
    };
    assert_eq!(wait_before_retry(none, 5), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_next_address_is_asked_and_kept() {
    let script = Script::new([
        (A, vec![status(503)]),
        (B, vec![broken(RegistryErrorKind::Network)]),
        (C, vec![status(200)]),
    ]);
    let failover = script.failover(&[A, B, C]);
    let request = Request::schema_by_id(1, None);
    failover.send(&request).await.unwrap();
    assert_eq!(script.asked(), [A, A, A, A, B, B, B, B, C]);
    failover.send(&request).await.unwrap();
    assert_eq!(script.asked(), [C]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_recovers_needs_no_other() {
    let script = Script::new([
        (
            A,
            vec![broken(RegistryErrorKind::Timeout), status(500), status(200)],
        ),
        (B, vec![status(200)]),
    ]);
    let failover = script.failover(&[A, B]);
    failover
        .send(&Request::schema_by_id(1, None))
        .await
        .unwrap();
    assert_eq!(script.asked(), [A, A, A]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_will_not_change_ends_the_search() {
    let script = Script::new([
        (A, vec![status(503)]),
        (B, vec![status(404)]),
        (C, vec![status(200)]),
    ]);
    let error = script
        .failover(&[A, B, C])
        .send(&Request::version("t-value", None))
        .await
        .unwrap_err();
    assert_eq!(script.asked().last().map(String::as_str), Some(B));
    assert_eq!(
        error.to_string(),
        "m404; error code: 40401 (GET http://b/subjects/t-value/versions/latest: HTTP 404). Register \
         the schema under this subject, or check the subject name strategy"
    );
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_last_one_speaks() {
    let script = Script::new([
        (A, vec![status(503)]),
        (B, vec![broken(RegistryErrorKind::Network)]),
    ]);
    let error = script
        .failover(&[A, B])
        .send(&Request::schema_by_id(9, Some("s")))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "refused (GET http://b/schemas/ids/9?fetchMaxId=false&subject=s). advice"
    );
}

#[tokio::test]
async fn pages_of_proxies_are_shown_in_part() {
    let page = "<html>".repeat(1000);
    let script = Script::new([(
        A,
        vec![Ok(Answer {
            status: 403,
            body: page.into_bytes(),
        })],
    )]);
    let error = script
        .failover(&[A])
        .send(&Request::schema_by_id(1, None))
        .await
        .unwrap_err();
    assert_eq!(
        *error.kind(),
        RegistryErrorKind::Status {
            status: 403,
            error_code: 50005
        }
    );
    assert!(
        error
            .to_string()
            .starts_with("Unable to parse error message from schema registry: '(<html>")
    );
    assert!(error.to_string().len() < 600);
}
