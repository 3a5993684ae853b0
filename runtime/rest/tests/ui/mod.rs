//! The page for people, as a browser gets it.

use crate::fake_herder::FakeHerder;
use crate::options::{ANN, BOB, ask, users};
use connect_rest::{Rest, RestOptions, StatusPage};
use connect_telemetry::metrics::MBean;

fn mbeans() -> Vec<MBean> {
    let tags = vec![
        ("connector", "</script>".to_string()),
        ("task", "0".to_string()),
    ];
    let mut bean = MBean::connect("source-task-metrics", tags);
    bean.counter("source-record-write-total", 7);
    vec![bean]
}

fn rest(options: RestOptions) -> Rest {
    crate::rest(FakeHerder::default()).with_options(RestOptions {
        status_page: Some(StatusPage::new(mbeans)),
        ..options
    })
}

const BROWSER: (&str, &str) = (
    "Accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
);

#[tokio::test]
async fn the_page_runs_its_own_scripts_and_no_others() {
    let rest = rest(RestOptions::default());
    let mut policies = Vec::new();
    for path in ["/ui", "/ui/"] {
        let (status, headers, page) = ask(&rest, "GET", path, &[BROWSER], "").await;
        assert_eq!(status, 200);
        assert_eq!(headers["Content-Type"], "text/html; charset=utf-8");
        assert_eq!(headers["X-Content-Type-Options"], "nosniff");
        assert_eq!(headers["Cache-Control"], "no-store");
        let policy = headers["Content-Security-Policy"].to_str().expect("ASCII");
        let (_, rest) = policy.split_once("script-src 'nonce-").expect("a nonce");
        let (nonce, _) = rest.split_once('\'').expect("an end");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        let scripts = page.matches("<script").count();
        assert!(scripts > 0);
        let with_nonce = format!("<script nonce=\"{nonce}\">");
        assert_eq!(page.matches(&with_nonce).count(), scripts);
        assert_eq!(page.matches("<style nonce=").count(), 1);
        assert!(!page.contains("{{"), "a place that nothing has filled");
        policies.push(policy.to_string());
    }
    assert_ne!(policies[0], policies[1], "a nonce serves one answer");
}

#[tokio::test]
async fn the_figures_say_who_asks_and_what_tasks_have_done() {
    let open = rest(RestOptions::default());
    let (status, headers, body) = ask(&open, "GET", "/ui/figures", &[], "").await;
    assert_eq!(status, 200);
    assert_eq!(headers["Content-Type"], "application/json");
    assert!(
        body.starts_with(r#"{"user":null,"role":"admin","time_ms":"#),
        "{body}"
    );
    let task = r#""tasks":[{"connector":"</script>","task":0,"num_records":7.0,"lag":null,"num_errors":0.0}]}"#;
    assert!(body.ends_with(task), "{body}");
    let closed = rest(users("bob", None, false));
    for (user, start) in [
        (ANN, r#"{"user":"ann","role":"admin","#),
        (BOB, r#"{"user":"bob","role":"reader","#),
    ] {
        let (_, _, body) = ask(&closed, "GET", "/ui/figures", &[user], "").await;
        assert!(body.starts_with(start), "{body}");
    }
}

#[tokio::test]
async fn a_browser_is_asked_for_a_password_where_users_are_needed() {
    let rest = rest(users("bob", None, false));
    for path in ["/ui", "/ui/figures"] {
        let (status, headers, _) = ask(&rest, "GET", path, &[], "").await;
        assert_eq!(status, 401, "{path}");
        let challenge = "Basic realm=\"Dovetail\", charset=\"UTF-8\"";
        assert_eq!(headers["WWW-Authenticate"], challenge);
        assert_eq!(ask(&rest, "GET", path, &[BOB], "").await.0, 200);
    }
    // The API itself answers as the JVM's extension does.
    let (status, headers, _) = ask(&rest, "GET", "/connectors", &[], "").await;
    assert_eq!(status, 401);
    assert!(!headers.contains_key("WWW-Authenticate"));
}

#[tokio::test]
async fn the_page_only_reads_and_is_not_there_unless_it_is_on() {
    let on = rest(RestOptions::default());
    let off = crate::rest(FakeHerder::default());
    for path in ["/ui", "/ui/figures"] {
        assert_eq!(ask(&on, "HEAD", path, &[], "").await.0, 200);
        assert_eq!(ask(&on, "POST", path, &[], "").await.0, 405);
        let (status, _, body) = ask(&off, "GET", path, &[BROWSER], "").await;
        assert_eq!(
            (status, &*body),
            (404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#)
        );
    }
    assert_eq!(ask(&on, "GET", "/ui/else", &[], "").await.0, 404);
    let json_only = ("Accept", "application/json");
    assert_eq!(ask(&on, "GET", "/ui", &[json_only], "").await.0, 406);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let rest = rest(RestOptions::default());
    let create = r#"{"name":"x","config":{}}"#;
    assert_eq!(ask(&rest, "POST", "/connectors", &[], create).await.0, 201);
    let restart = "/connectors/x/restart";
    let site = |site| [("Origin", "http://evil"), ("Sec-Fetch-Site", site)];
    let (status, _, body) = ask(&rest, "POST", restart, &site("cross-site"), "").await;
    assert_eq!(status, 403);
    assert!(body.contains("access.control.allow.origin"), "{body}");
    let own = ask(&rest, "POST", restart, &site("same-origin"), "").await;
    assert_eq!(own.0, 204);
    // To look is no change; what a page may see of the answer is up to CORS.
    let look = ask(&rest, "GET", "/connectors", &site("cross-site"), "").await;
    assert_eq!(look.0, 200);
}
