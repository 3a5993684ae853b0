//! Values that are not shown.

use connect_config_providers::variables;
use connect_herder::plugins::Plugins;
use connect_herder::secrets::looks_secret;
use std::borrow::Cow;

const HIDDEN: &str = "[hidden]";

/// The value as it may be shown: secrets by the plugin's definition or by the name of the key are hidden,
/// and so are passwords in URLs. A value of nothing but a variable holds no secret.
pub fn masked(class: &str, key: &str, value: &str) -> String {
    if (looks_secret(key) || is_password(class, key)) && !is_variable(value) && !value.is_empty() {
        return HIDDEN.to_string();
    }
    without_url_password(value).into_owned()
}

/// A message about a setting, without its value if that is a secret.
pub fn without_value(class: &str, key: &str, value: &str, message: &str) -> String {
    let shown = masked(class, key, value);
    if value.is_empty() || shown == value {
        message.to_string()
    } else {
        message.replace(value, &shown)
    }
}

fn is_password(class: &str, key: &str) -> bool {
    let infos = Plugins::linked().config(class.trim()).unwrap_or_default();
    infos
        .iter()
        .any(|info| info.name == key && info.config_type == "PASSWORD")
}

fn is_variable(value: &str) -> bool {
    variables(value).any(|(range, _)| range == (0..value.len()))
}

/// `scheme://user:password@host` with the password hidden.
fn without_url_password(value: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("://").map(|at| at + "://".len()) {
        let (before, authority) = rest.split_at(start);
        shown.push_str(before);
        rest = authority;
        let end = authority
            .find(|c: char| c == '/' || c == '?' || c.is_whitespace())
            .unwrap_or(authority.len());
        if let Some(at) = authority[..end].rfind('@')
            && let Some(colon) = authority[..at].find(':')
            && !is_variable(&authority[colon + 1..at])
        {
            shown.push_str(&authority[..=colon]);
            shown.push_str(HIDDEN);
            rest = &authority[at..];
        }
    }
    if shown.is_empty() {
        return Cow::Borrowed(value);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_everything_else_is_shown() {
        let s3 = "io.confluent.connect.s3.S3SinkConnector";
        for (key, value, expected) in [
            ("aws.secret.access.key", "x", HIDDEN),
            ("database.password", "x", HIDDEN),
            ("value.converter.basic.auth.user.info", "u:p", HIDDEN),
            ("producer.override.sasl.jaas.config", "x", HIDDEN),
            ("database.password", "", ""),
            ("database.password", "${env:P}", "${env:P}"),
            ("database.password", "p${env:P}", HIDDEN),
            ("s3.credentials.provider.class", "a.B", "a.B"),
            ("topics", "a", "a"),
            (
                "connection.uri",
                "mongodb://u:p@h1,h2/?a=b",
                "mongodb://u:[hidden]@h1,h2/?a=b",
            ),
            (
                "connection.uri",
                "mongodb://u:${env:P}@h/",
                "mongodb://u:${env:P}@h/",
            ),
            ("connection.uri", "mongodb://h:1/a@b", "mongodb://h:1/a@b"),
            (
                "urls",
                "http://a:b@c http://d:e@f",
                "http://a:[hidden]@c http://d:[hidden]@f",
            ),
            ("regex", "a://", "a://"),
        ] {
            assert_eq!(masked(s3, key, value), expected, "{key}={value}");
        }
        assert_eq!(
            without_value(s3, "x.password", "hunter2", "Invalid value hunter2 for x"),
            "Invalid value [hidden] for x"
        );
        assert_eq!(without_value(s3, "x.password", "", "is empty"), "is empty");
    }

    #[test]
    fn definitions_of_plugins_name_secrets() {
        let s3 = "io.confluent.connect.s3.S3SinkConnector";
        assert!(is_password(s3, "aws.secret.access.key"));
        assert!(!is_password(s3, "topics"));
        assert!(!is_password("Unknown", "topics"));
    }
}
