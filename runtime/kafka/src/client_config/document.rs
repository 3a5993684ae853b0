//! `docs/client-settings.md`, rendered from the table: a document of its own would go stale.
//!
//! `UPDATE_DOCS=1 cargo test -p connect-kafka document` writes it anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::security;
use super::table::{self, Action};
use super::{ClientProperties, ClientType};

const INTRODUCTION: &str = "\
# Client settings

Workers and connectors take the settings of Kafka's Java clients: `producer.*`, `consumer.*` and \
`admin.*` in the worker's file, `producer.override.*`, `consumer.override.*` and `admin.override.*` \
in a connector's configuration. Dovetail's clients are librdkafka; this page says what becomes of each \
setting. It is generated from the table that the program reads \
(`runtime/kafka/src/client_config/table.rs`).

- **same**: passed on under its name.
- **bounded**: passed on, perhaps under another name; a number beyond the library's bounds becomes the \
nearest one within.
- **translated**: name or value differ in the library; a value that cannot be translated is refused.
- **Dovetail**: read by Dovetail itself, not by the library.
- **ignored**: has no effect; where a reason is given, a warning says it once.
- **refused**: the task or worker fails with the reason, because leaving it out would do something else \
than was asked for.

A setting that no Java client of the kind knows is ignored with a warning.
";

const SECURITY: &str = "\
## TLS and SASL

For clients of all kinds.

| Setting | What becomes of it |
| --- | --- |
| `security.protocol` | `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT`, `SASL_SSL` |
| `sasl.mechanism` | `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER`; others (also Java's \
default `GSSAPI`) are refused |
| `sasl.jaas.config` | translated: `username` and `password` of `PlainLoginModule` and \
`ScramLoginModule`; of `OAuthBearerLoginModule` the options of unsecured tokens (`unsecuredLogin*`), or, \
with an endpoint, `clientId`, `clientSecret`, `scope`, `extension_*` and `ssl.*` |
| `sasl.oauthbearer.token.endpoint.url` | Dovetail: an identity provider, or a `file:` with a token; \
`sasl.login.callback.handler.class` need not be set for it |
| `sasl.oauthbearer.client.credentials.client.id`, `.client.secret`, `sasl.oauthbearer.scope`, \
`sasl.oauthbearer.sub.claim.name`, `sasl.oauthbearer.header.urlencode`, `sasl.login.connect.timeout.ms`, \
`sasl.login.read.timeout.ms`, `sasl.login.retry.backoff.ms`, `sasl.login.retry.backoff.max.ms` | Dovetail |
| `ssl.truststore.*`, `ssl.keystore.*`, `ssl.key.password` | Dovetail: stores of type PEM, PKCS12 \
and JKS, or PEM text in the setting; a store without a type is what its file is |
| `ssl.endpoint.identification.algorithm` | `https`, or empty for no check of the \
broker's name |
";

fn cell(action: Action) -> String {
    let text = match action {
        Action::Same => "same".to_owned(),
        Action::Clamped(name, min, max) => format!("bounded: `{name}`, {min} to {max}"),
        Action::Convert(_) => "translated".to_owned(),
        Action::Own => "Dovetail".to_owned(),
        Action::Security => "see TLS and SASL".to_owned(),
        Action::Ignored(reason) => format!("ignored: {reason}"),
        Action::IgnoredSilently => "ignored".to_owned(),
        Action::Refused(reason) => format!("refused: {reason}"),
    };
    text.replace('|', "\\|")
}

fn defaults(text: &mut String, title: &str, properties: &ClientProperties) {
    let _ = writeln!(text, "\n{title}\n");
    for (key, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "- `{key}={value}`");
    }
}

fn render() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (client, title) in [
        (ClientType::Producer, "Producers of source tasks"),
        (ClientType::Consumer, "Consumers of sink tasks"),
        (ClientType::Admin, "Admin clients"),
    ] {
        let _ = writeln!(text, "\n## {title}");
        let set_by = "What Connect sets unless the worker or the connector says otherwise:";
        match client {
            ClientType::Producer => {
                defaults(
                    &mut text,
                    set_by,
                    &ClientProperties::connector_producer("", ""),
                );
            }
            ClientType::Consumer => {
                defaults(
                    &mut text,
                    set_by,
                    &ClientProperties::connector_consumer("", "", ""),
                );
            }
            ClientType::Admin => {}
        }
        let library = ClientProperties::from_iter(table::defaults(client).iter().copied());
        defaults(
            &mut text,
            "Where nothing is set, librdkafka gets:",
            &library,
        );
        text.push_str("\n| Setting | What becomes of it |\n| --- | --- |\n");
        for key in table::keys(client) {
            let _ = writeln!(text, "| `{key}` | {} |", cell(table::action(client, key)));
        }
    }
    let _ = write!(text, "\n{SECURITY}");
    for (keys, fate) in [
        (
            security::IGNORED,
            "ignored: the client library decides this by itself",
        ),
        (
            crate::security::JAVA_CLASSES,
            "refused: Java classes can't be loaded here",
        ),
    ] {
        for key in keys {
            let _ = writeln!(text, "| `{key}` | {fate} |");
        }
    }
    text
}

#[test]
fn the_document_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/client-settings.md");
    let rendered = render();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == rendered,
        "docs/client-settings.md is stale: run UPDATE_DOCS=1 cargo test -p connect-kafka document"
    );
}

#[test]
fn every_action_shows_in_the_document() {
    let rendered = render();
    for line in [
        "| `acks` | same |",
        "| `linger.ms` | bounded: `linger.ms`, 0 to 900000 |",
        "| `batch.size` | translated |",
        "| `max.poll.records` | Dovetail |",
        "| `max.block.ms` | ignored |",
        "| `transaction.two.phase.commit.enable` | refused: two-phase commit is not supported |",
        "| `sasl.login.class` | refused: Java classes can't be loaded here |",
    ] {
        assert!(rendered.lines().any(|it| it == line), "{line}");
    }
}
