//! User name and password of `sasl.jaas.config`.

use connect_api::config::Password;

/// `username` and `password` of the first login module, as `username:password`; `None` if it has no
/// `username`.
///
/// The grammar is Kafka's: `MODULE FLAG KEY=VALUE ... ;`, values bare or in quotes, with `\` before a
/// character that is meant literally.
pub(crate) fn user_info_of_jaas(config: &str) -> Option<Password> {
    let mut rest = config.chars().peekable();
    let mut words = Vec::new();
    loop {
        match rest.peek() {
            None | Some(';') => break,
            Some(blank) if blank.is_whitespace() => {
                rest.next();
            }
            Some(_) => words.push(next_word(&mut rest)),
        }
    }
    let mut username = None;
    let mut password = None;
    for (key, value) in words.into_iter().skip(2) {
        match key.as_str() {
            "username" => username = value,
            "password" => password = value,
            _ => {}
        }
    }
    let username = username?;
    Some(Password::new(format!(
        "{username}:{}",
        password.unwrap_or_default()
    )))
}

/// A bare word, or a key with its value.
fn next_word(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (String, Option<String>) {
    let mut key = String::new();
    while let Some(&next) = rest.peek() {
        if next.is_whitespace() || next == ';' {
            return (key, None);
        }
        rest.next();
        if next == '=' {
            return (key, Some(next_value(rest)));
        }
        key.push(next);
    }
    (key, None)
}

fn next_value(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let quote = rest.next_if(|next| matches!(next, '"' | '\''));
    let mut value = String::new();
    while let Some(&next) = rest.peek() {
        match quote {
            Some(quote) if next == quote => {
                rest.next();
                break;
            }
            None if next.is_whitespace() || next == ';' => break,
            _ => {}
        }
        rest.next();
        match (next, quote) {
            ('\\', Some(_)) => value.extend(rest.next()),
            _ => value.push(next),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn user_and_password_are_found_in_their_quotes() {
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        for (options, expected) in [
            (
                r#"username="alice" password="s;e cr\"et";"#,
                Some("alice:s;e cr\"et"),
            ),
            ("username='al ice'\n password='x';", Some("al ice:x")),
            ("password=p username=u serviceName=kafka;", Some("u:p")),
            ("username=u;", Some("u:")),
            ("serviceName=kafka; username=u", None),
            ("", None),
        ] {
            let found = user_info_of_jaas(&format!("{module} {options}"));
            assert_eq!(found.as_ref().map(Password::expose), expected, "{options}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "\\PC*") {
            let _ = user_info_of_jaas(&text);
        }
    }
}
