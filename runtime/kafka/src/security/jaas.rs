//! The text of `sasl.jaas.config`.

use std::collections::BTreeMap;
use std::fmt;

/// One login module entry. Its option values may be secrets: `Debug` shows only their names.
#[derive(Clone, PartialEq, Eq)]
pub struct JaasEntry {
    /// The Java class of the login module.
    pub login_module: String,
    /// `required`, `requisite`, `sufficient` or `optional`.
    pub control_flag: String,
    /// The options, such as `username` and `password`.
    pub options: BTreeMap<String, String>,
}

impl fmt::Debug for JaasEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JaasEntry")
            .field("login_module", &self.login_module)
            .field("control_flag", &self.control_flag)
            .field("options", &self.options.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Reads `<login module class> <flag> (<option>=<value>)*;`, the one entry that Kafka allows.
///
/// # Errors
/// A text that says what is missing. It never holds a part of the input, which has secrets in it.
pub fn parse_jaas(text: &str) -> Result<JaasEntry, String> {
    let mut tokens = Tokens {
        rest: text.chars().peekable(),
    };
    let Some(Token::Word(login_module)) = tokens.next()? else {
        return Err("the login module class is missing".to_owned());
    };
    let control_flag = match tokens.next()? {
        Some(Token::Word(flag))
            if ["required", "requisite", "sufficient", "optional"]
                .contains(&flag.to_ascii_lowercase().as_str()) =>
        {
            flag.to_ascii_lowercase()
        }
        _ => {
            return Err("after the login module class must stand 'required', 'requisite', 'sufficient' or 'optional'".to_owned());
        }
    };
    let mut options = BTreeMap::new();
    loop {
        match tokens.next()? {
            Some(Token::End) => break,
            Some(Token::Word(name)) => {
                let (Some(Token::Equals), Some(Token::Word(value))) =
                    (tokens.next()?, tokens.next()?)
                else {
                    return Err("an option is not of the form name=\"value\"".to_owned());
                };
                options.insert(name, value);
            }
            Some(Token::Equals) => return Err("an option has no name".to_owned()),
            None => return Err("the closing ';' is missing".to_owned()),
        }
    }
    if tokens.next()?.is_some() {
        return Err("only one login module is allowed".to_owned());
    }
    Ok(JaasEntry {
        login_module,
        control_flag,
        options,
    })
}

enum Token {
    Word(String),
    Equals,
    End,
}

struct Tokens<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<Token>, String> {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = self.rest.next() else {
            return Ok(None);
        };
        Ok(Some(match first {
            ';' => Token::End,
            '=' => Token::Equals,
            quote @ ('"' | '\'') => Token::Word(self.quoted(quote)?),
            other => {
                let mut word = String::from(other);
                while let Some(c) = self
                    .rest
                    .next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '='))
                {
                    word.push(c);
                }
                Token::Word(word)
            }
        }))
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut word = String::new();
        loop {
            match self.rest.next() {
                Some('\\') => match self.rest.next() {
                    Some('n') => word.push('\n'),
                    Some('t') => word.push('\t'),
                    Some('r') => word.push('\r'),
                    Some(other) => word.push(other),
                    None => return Err("a quoted value is not closed".to_owned()),
                },
                Some(c) if c == quote => return Ok(word),
                Some(c) => word.push(c),
                None => return Err("a quoted value is not closed".to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_kafka_users_write() {
        let entry = parse_jaas(
            "org.apache.kafka.common.security.plain.PlainLoginModule required\n  username=\"al ice\" password='p\\'w;=';",
        )
        .expect("a valid entry");
        assert_eq!(
            entry.login_module,
            "org.apache.kafka.common.security.plain.PlainLoginModule"
        );
        assert_eq!(entry.options["username"], "al ice");
        assert_eq!(entry.options["password"], "p'w;=");
    }

    #[test]
    fn faults_are_named_without_the_secret() {
        for (text, part) in [
            ("", "class is missing"),
            ("A sometimes x=1;", "'required'"),
            ("A required password=\"hunter2\"", "closing ';'"),
            ("A required password=\"hunter2", "not closed"),
            ("A required hunter2;", "name=\"value\""),
            ("A required; B required;", "only one"),
        ] {
            let error = parse_jaas(text).expect_err(text);
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn debug_hides_values() {
        let entry = parse_jaas("A required password=\"hunter2\";").expect("a valid entry");
        assert!(!format!("{entry:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn any_value_survives_quoting(value in "\\PC*") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let entry = parse_jaas(&format!("A required password=\"{quoted}\";")).expect("quoted");
            prop_assert_eq!(&entry.options["password"], &value);
        }

        #[test]
        fn any_text_is_answered(text in "\\PC*") {
            let _ = parse_jaas(&text);
        }
    }
}
