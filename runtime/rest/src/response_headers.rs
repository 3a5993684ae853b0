//! The headers of `response.http.headers.config`.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use connect_herder::{HeaderAction, HeaderRule};

/// Adds the headers of the rules, in their order. `now` is what dates count from.
pub(crate) fn apply(rules: &[HeaderRule], now: DateTime<Utc>, headers: &mut HeaderMap) {
    for rule in rules {
        let value = match rule.action {
            HeaderAction::Set | HeaderAction::Add => rule.value.clone(),
            HeaderAction::SetDate | HeaderAction::AddDate => date(now, &rule.value),
        };
        // The settings were checked when they were read.
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(rule.name.as_bytes()),
            HeaderValue::from_str(&value),
        ) else {
            continue;
        };
        match rule.action {
            HeaderAction::Set | HeaderAction::SetDate => {
                headers.insert(name, value);
            }
            HeaderAction::Add | HeaderAction::AddDate => {
                headers.append(name, value);
            }
        }
    }
}

/// The time `offset_ms` after `now`, as HTTP writes it.
fn date(now: DateTime<Utc>, offset_ms: &str) -> String {
    let offset_ms: i64 = offset_ms.trim().parse().unwrap_or(0);
    let time = TimeDelta::try_milliseconds(offset_ms)
        .and_then(|offset| now.checked_add_signed(offset))
        .unwrap_or(now);
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_set_add_and_count_dates() {
        let rule = |action, name: &str, value: &str| HeaderRule {
            action,
            name: name.to_string(),
            value: value.to_string(),
        };
        let rules = [
            rule(HeaderAction::Add, "X-A", "1"),
            rule(HeaderAction::Add, "X-A", "2"),
            rule(HeaderAction::Set, "X-B", "1"),
            rule(HeaderAction::Set, "X-B", "2"),
            rule(HeaderAction::SetDate, "Expires", "86400000"),
            rule(HeaderAction::AddDate, "X-D", "many"),
        ];
        let now = DateTime::from_timestamp(784_111_777, 0).expect("a time");
        let mut headers = HeaderMap::new();
        headers.insert("X-B", HeaderValue::from_static("0"));
        apply(&rules, now, &mut headers);
        let all = |name: &str| -> Vec<&str> {
            let values = headers.get_all(name).iter();
            values.map(|value| value.to_str().expect("ASCII")).collect()
        };
        assert_eq!(all("X-A"), ["1", "2"]);
        assert_eq!(all("X-B"), ["2"]);
        assert_eq!(all("Expires"), ["Mon, 07 Nov 1994 08:49:37 GMT"]);
        assert_eq!(all("X-D"), ["Sun, 06 Nov 1994 08:49:37 GMT"]);
    }
}
