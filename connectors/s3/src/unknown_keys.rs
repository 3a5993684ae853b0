//! Keys that users set on the S3 sink though it does not know them.

use connect_api::config::ConfigMap;

/// Keys of other sinks and of earlier versions, and what was probably meant.
const MISTAKEN: &[(&str, &str)] = &[
    ("s3.endpoint", "store.url"),
    ("aws.s3.endpoint", "store.url"),
    ("s3.path.style.access", "s3.path.style.access.enabled"),
    ("s3.access.key.id", "aws.access.key.id"),
    ("s3.secret.access.key", "aws.secret.access.key"),
    ("aws.s3.bucket.name", "s3.bucket.name"),
    ("aws.s3.region", "s3.region"),
    ("s3.bucket", "s3.bucket.name"),
];

/// Logs a hint for each.
pub(crate) fn warn_about(config: &ConfigMap) {
    for (key, meant) in mistaken_keys(config) {
        tracing::warn!("The key {key} is not used by this connector: did you mean {meant}?");
    }
}

fn mistaken_keys(config: &ConfigMap) -> impl Iterator<Item = (&'static str, &'static str)> {
    MISTAKEN
        .iter()
        .copied()
        .filter(|(key, meant)| config.contains_key(key) && !config.contains_key(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_comes_only_where_the_right_key_is_missing() {
        let config = ConfigMap::from_iter([
            ("s3.endpoint", "http://minio:9000"),
            ("aws.s3.region", "us-east-1"),
            ("s3.region", "us-east-1"),
        ]);
        let found: Vec<_> = mistaken_keys(&config).collect();
        assert_eq!(found, [("s3.endpoint", "store.url")]);
    }
}
