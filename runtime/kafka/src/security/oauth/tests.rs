//! Tokens of all kinds, and an identity provider over real sockets.

use super::*;
use crate::security::jaas::parse_jaas;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn settings(options: &str, more: &[(&str, &str)]) -> Result<OAuthSettings, SecurityError> {
    let more: BTreeMap<&str, &str> = more.iter().copied().collect();
    let entry = parse_jaas(&format!("a.OAuthBearerLoginModule required {options};"))
        .expect("a login module");
    OAuthSettings::read(&|key| more.get(key).copied(), entry)
}

fn login(settings: OAuthSettings) -> OAuthLogin {
    OAuthLogin {
        settings,
        current: Mutex::new(None),
    }
}

#[tokio::test]
async fn unsecured_tokens_are_those_of_kafkas_default_login() {
    let settings = settings(
        "unsecuredLoginStringClaim_sub=\"alice\" unsecuredLoginNumberClaim_n=\"7.5\" \
         unsecuredLoginListClaim_scope=\",a,b\" unsecuredLoginLifetimeSeconds=\"60\" \
         unsecuredLoginExtension_traceId=\"123\"",
        &[],
    )
    .expect("valid");
    let login = login(settings);
    let token = login.token().await.expect("no provider is asked");
    assert_eq!(token.principal, "alice");
    let parts: Vec<_> = token.text.expose().split('.').collect();
    assert_eq!(parts.len(), 3, "header, claims, no signature");
    assert_eq!(parts[2], "");
    assert_eq!(
        URL_SAFE_NO_PAD.decode(parts[0]).expect("Base64"),
        br#"{"alg":"none"}"#
    );
    let claims = claims_of(token.text.expose()).expect("claims");
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["n"], 7.5);
    assert_eq!(claims["scope"], serde_json::json!(["a", "b"]));
    let lifetime = claims["exp"].as_f64().expect("a number") - claims["iat"].as_f64().expect("one");
    assert!((lifetime - 60.0).abs() < 0.01, "{lifetime}");
    let message = String::from_utf8(login.settings().first_message(&token)).expect("ASCII");
    let expected = format!(
        "n,,\u{1}auth=Bearer {}\u{1}traceId=123\u{1}\u{1}",
        token.text.expose()
    );
    assert_eq!(message, expected);
    // It is not made anew before it is time.
    assert_eq!(login.token().await.expect("the same"), token);
    login.forget();
    assert!(login.token().await.expect("a new one").made_at >= token.made_at);
}

#[test]
fn options_that_make_no_token_are_refused() {
    const URL: &str = "sasl.oauthbearer.token.endpoint.url";
    for (options, url, part) in [
        ("", "", "unsecuredLoginStringClaim_sub is missing"),
        (
            "unsecuredLoginStringClaim_sub=a unsecuredLoginPrincipalClaimName=user",
            "",
            "unsecuredLoginStringClaim_user is missing",
        ),
        (
            "unsecuredLoginStringClaim_sub=a unsecuredLoginStringClaim_exp=1",
            "",
            "'exp' claim",
        ),
        (
            "unsecuredLoginStringClaim_sub=a unsecuredLoginNumberClaim_x=hunter2",
            "",
            "is no number",
        ),
        (
            "unsecuredLoginStringClaim_sub=a unsecuredLoginLifetimeSeconds=-1",
            "",
            "LifetimeSeconds",
        ),
        (
            "unsecuredLoginStringClaim_sub=a unsecuredLoginExtension_auth=x",
            "",
            "no SASL extension",
        ),
        ("clientId=a", "http://x/token", "'clientSecret' is missing"),
        (
            "clientSecret=hunter2",
            "http://x/token",
            "'clientId' is missing",
        ),
        (
            "clientId=a clientSecret=hunter2 extension_a1=b",
            "http://x/token",
            "no SASL extension",
        ),
        (
            "clientId=a clientSecret=hunter2 ssl.truststore.location=/no",
            "http://x/",
            "/no for",
        ),
        (
            "clientId=a clientSecret=hunter2",
            "ftp://x/token",
            "must begin with https, http or file",
        ),
        ("clientId=a clientSecret=hunter2", "token", "it is no URL"),
    ] {
        let error = settings(options, &[(URL, url)])
            .expect_err(part)
            .to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_token_file_is_read_anew_when_it_is_time() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let url = format!("file://{}", file.path().display());
    let login = login(settings("", &[(URL_KEY, &url)]).expect("valid"));
    let error = login.token().await.expect_err("an empty file");
    assert!(error.reason.contains("empty"), "{}", error.reason);
    // Expired in 1970, so that it is always time.
    let old = format!(
        "e30.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"exp":1,"sub":"bob"}"#)
    );
    std::fs::write(file.path(), format!("{old}\n")).expect("written");
    let token = login.token().await.expect("a token");
    assert_eq!(
        (token.text.expose(), token.principal.as_str()),
        (&*old, "bob")
    );
    assert_eq!(token.expires_at_ms(), 1000);
    std::fs::write(file.path(), "opaque").expect("written");
    let token = login.token().await.expect("a token");
    assert_eq!(
        (token.text.expose(), token.principal.as_str()),
        ("opaque", "")
    );
}

/// Answers one request after the other, and gives the requests back.
async fn provider(
    answers: Vec<(u16, &'static str)>,
) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/token", listener.local_addr().expect("bound"));
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            // The body is a form whose text begins with `grant_type`.
            while !String::from_utf8_lossy(&request).contains("client_credentials") {
                let num_read = stream.read(&mut chunk).await.expect("a request");
                assert!(num_read > 0, "the client hung up");
                request.extend_from_slice(&chunk[..num_read]);
            }
            requests.push(String::from_utf8(request).expect("text"));
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
        requests
    });
    (url, served)
}

#[tokio::test]
async fn client_credentials_are_sent_as_kafka_sends_them() {
    let (url, served) = provider(vec![
        (503, ""),
        (200, r#"{"access_token":"opaque-token","expires_in":600}"#),
    ])
    .await;
    let options =
        "clientId=\"me\" clientSecret=\"hunter2\" scope=\"a b\" extension_logicalCluster=\"lkc-1\"";
    let settings = settings(
        options,
        &[(URL_KEY, &url), ("sasl.login.retry.backoff.ms", "1")],
    )
    .expect("valid");
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.extensions["logicalCluster"], "lkc-1");
    let login = login(settings);
    let token = login.token().await.expect("the second answer");
    assert_eq!(token.text.expose(), "opaque-token");
    assert_eq!(token.principal, "me");
    let lifetime = token
        .expires_at
        .duration_since(token.made_at)
        .expect("later");
    assert_eq!(lifetime, Duration::from_secs(600));
    // Held: the provider would not answer a third time.
    assert_eq!(login.token().await.expect("the same"), token);
    let requests = served.await.expect("the provider did not panic");
    assert_eq!(requests.len(), 2);
    let request = &requests[1];
    assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("authorization: Basic bWU6aHVudGVyMg==\r\n"),
        "{request}"
    );
    assert!(
        request.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with("grant_type=client_credentials&scope=a+b"),
        "{request}"
    );
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_told_without_the_secret() {
    let (url, served) = provider(vec![(401, r#"{"error":"invalid_client"}"#)]).await;
    let settings = settings("clientId=me clientSecret=hunter2", &[(URL_KEY, &url)]).expect("valid");
    let error = login(settings).token().await.expect_err("HTTP 401");
    assert!(!error.is_retriable);
    assert!(
        error.reason.contains("401") && error.reason.contains("clientSecret"),
        "{}",
        error.reason
    );
    assert!(!error.reason.contains("hunter2"));
    served.await.expect("the provider did not panic");
}

#[tokio::test]
async fn answers_without_a_token_are_refused() {
    for (answer, part) in [
        (r#"{"token":"x"}"#, "no access_token"),
        (r#"{"access_token":"a b"}"#, "characters that no token has"),
        (r#"{"access_token":""}"#, "empty"),
    ] {
        let (url, _served) = provider(vec![(200, answer)]).await;
        let settings = settings("clientId=me clientSecret=x", &[(URL_KEY, &url)]).expect("valid");
        let error = login(settings).token().await.expect_err(answer);
        assert!(error.reason.contains(part), "{}", error.reason);
    }
}

#[test]
fn the_same_settings_share_a_login() {
    let of = |user: &str| {
        settings(&format!("unsecuredLoginStringClaim_sub={user}"), &[]).expect("valid")
    };
    let first = OAuthLogin::shared(&of("a-shared-login"));
    assert!(Arc::ptr_eq(
        &first,
        &OAuthLogin::shared(&of("a-shared-login"))
    ));
    assert!(!Arc::ptr_eq(
        &first,
        &OAuthLogin::shared(&of("another-login"))
    ));
}

proptest! {
    #[test]
    fn any_token_is_read(text in "[!-~]{0,60}") {
        let _ = Token::foreign(&text, None, "sub").expires_at_ms();
    }
}
