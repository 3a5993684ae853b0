use std::collections::BTreeMap;

use super::*;

fn read(lines: &[(&str, &str)]) -> Result<SecuritySettings, SecurityError> {
    let lines: BTreeMap<&str, &str> = lines.iter().copied().collect();
    SecuritySettings::read(&|key| lines.get(key).copied())
}

fn sasl(mechanism: &str, jaas: &str) -> Result<SaslSettings, SecurityError> {
    read(&[
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", mechanism),
        ("sasl.jaas.config", jaas),
    ])
    .map(|settings| settings.sasl.expect("a SASL protocol"))
}

const PLAIN: &str = "a.PlainLoginModule required username=\"u\" password=\"hunter2\";";
const SCRAM: &str = "a.ScramLoginModule required username=\"u\" password=\"hunter2\";";

#[test]
fn credentials_come_from_the_mechanisms_own_module() {
    let credentials = Credentials {
        username: "u".to_owned(),
        password: Password::new("hunter2"),
    };
    for (mechanism, jaas, expected) in [
        ("PLAIN", PLAIN, SaslSettings::Plain(credentials.clone())),
        (
            "SCRAM-SHA-256",
            SCRAM,
            SaslSettings::Scram(ScramHash::Sha256, credentials.clone()),
        ),
        (
            "SCRAM-SHA-512",
            SCRAM,
            SaslSettings::Scram(ScramHash::Sha512, credentials),
        ),
    ] {
        let settings = sasl(mechanism, jaas).expect("valid");
        assert_eq!(settings, expected);
        assert_eq!(settings.mechanism(), mechanism);
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}

#[test]
fn refusals_name_key_and_remedy_and_no_secret() {
    let jaas = "[hidden] for configuration sasl.jaas.config: ";
    for (mechanism, text, part) in [
        (
            "GSSAPI",
            PLAIN,
            "Invalid value GSSAPI for configuration sasl.mechanism: supported are PLAIN, SCRAM",
        ),
        (
            "PLAIN",
            SCRAM,
            "its login module must be PlainLoginModule for PLAIN",
        ),
        (
            "SCRAM-SHA-256",
            PLAIN,
            "must be ScramLoginModule for SCRAM-SHA-256",
        ),
        ("OAUTHBEARER", PLAIN, "must be OAuthBearerLoginModule"),
        ("PLAIN", "", "it is needed for PLAIN"),
        (
            "PLAIN",
            "a.PlainLoginModule required password=\"hunter2\";",
            "'username' is missing",
        ),
        (
            "PLAIN",
            "a.PlainLoginModule required username=hunter2;",
            "'password' is missing",
        ),
        (
            "PLAIN",
            "a.PlainLoginModule required password=hunter2",
            "closing ';'",
        ),
        (
            "SCRAM-SHA-512",
            "a.ScramLoginModule required username=u password=hunter2 tokenauth=true;",
            "remove tokenauth",
        ),
        (
            "OAUTHBEARER",
            "a.OAuthBearerLoginModule required;",
            "unsecuredLoginStringClaim_sub is missing",
        ),
    ] {
        let error = sasl(mechanism, text).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
        assert!(
            error.contains(jaas) || !error.contains("jaas") || text.is_empty(),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = read(&[("security.protocol", "TLS")]).expect_err("no protocol");
    assert!(
        error.to_string().contains("one of PLAINTEXT, SSL"),
        "{error}"
    );
    let error = read(&[
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/no.jks"),
    ])
    .expect_err("no file");
    assert!(
        error
            .to_string()
            .contains("/no.jks for configuration ssl.truststore.location")
    );
}

#[test]
fn java_classes_are_refused_but_for_the_one_that_stands_for_what_is_done() {
    for handler in [
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
        "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
    ] {
        read(&[("sasl.login.callback.handler.class", handler)]).expect("Kafka's own");
    }
    for key in JAVA_CLASSES {
        let error = read(&[(key, "com.example.Own")])
            .expect_err(key)
            .to_string();
        assert!(
            error.contains(key) && error.contains("remove it"),
            "{error}"
        );
    }
}

#[test]
fn settings_of_an_unused_protocol_have_no_effect() {
    let settings = read(&[
        ("security.protocol", "PLAINTEXT"),
        ("sasl.mechanism", "GSSAPI"),
        ("ssl.truststore.location", "/no.jks"),
    ])
    .expect("valid");
    assert_eq!((settings.tls, settings.sasl), (None, None));
}
