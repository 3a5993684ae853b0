//! The rules of `response.http.headers.config`.

/// What a rule does with its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderAction {
    /// `set`: in place of what is there.
    Set,
    /// `add`: beside what is there.
    Add,
    /// `setDate`: as `set`, the value being a time so many milliseconds from now.
    SetDate,
    /// `addDate`: as `add`, the value being a time so many milliseconds from now.
    AddDate,
}

/// A rule of `response.http.headers.config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRule {
    /// What to do.
    pub action: HeaderAction,
    /// The name of the header.
    pub name: String,
    /// Its value, or the milliseconds of a date.
    pub value: String,
}

/// Checks the rules, each `[action] [header name]:[header value]`; the error is the whole message.
pub(super) fn check_header_rules(rules: &str) -> Result<(), String> {
    header_rules(rules).map(drop)
}

/// Reads the rules.
pub(super) fn header_rules(rules: &str) -> Result<Vec<HeaderRule>, String> {
    split_rules(rules)
        .iter()
        .map(|rule| header_rule(rule))
        .collect()
}

/// Splits at commas that are not within double quotes, and takes the quotes off.
fn split_rules(rules: &str) -> Vec<String> {
    let mut split = Vec::new();
    let (mut rule, mut is_quoted) = (String::new(), false);
    for c in rules.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => split.push(std::mem::take(&mut rule)),
            c => rule.push(c),
        }
    }
    split.push(rule);
    split.retain(|rule| !rule.trim().is_empty());
    split
}

fn header_rule(rule: &str) -> Result<HeaderRule, String> {
    const ACTIONS: [(&str, HeaderAction); 4] = [
        ("set", HeaderAction::Set),
        ("add", HeaderAction::Add),
        ("setDate", HeaderAction::SetDate),
        ("addDate", HeaderAction::AddDate),
    ];
    let rule = rule.trim();
    let wrong_format = || {
        format!(
            "Invalid format of header config '{rule}'. Expected: '[action] [header name]:[header \
             value]'"
        )
    };
    let (left, value) = rule.split_once(':').ok_or_else(wrong_format)?;
    let (action, name) = left
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(wrong_format)?;
    let known = ACTIONS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(action));
    let Some((_, action)) = known else {
        return Err(format!(
            "Invalid header config action '{action}'. The action must be one of {}",
            ACTIONS.map(|(name, _)| name).join(", ")
        ));
    };
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!(
            "Invalid header name '{name}'. The header name may not contain whitespace"
        ));
    }
    let value = value.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(is_token) || value.chars().any(char::is_control) {
        return Err(format!(
            "Invalid header config '{rule}'. HTTP does not allow these characters"
        ));
    }
    let is_date = matches!(action, HeaderAction::SetDate | HeaderAction::AddDate);
    if is_date && value.parse::<i64>().is_err() {
        return Err(format!(
            "Invalid header config '{rule}'. The value of a date is a number of milliseconds"
        ));
    }
    Ok(HeaderRule {
        action: *action,
        name: name.to_string(),
        value: value.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::{HeaderAction, HeaderRule, check_header_rules, header_rules};

    #[test]
    fn rules_have_an_action_a_name_and_a_value() {
        for good in [
            "",
            "set X-Frame-Options:DENY",
            "add Cache-Control: no-cache, setDate Expires: 31540000000",
            r#"add X-Frame-Options: DENY,"add Cache-Control: no-cache, no-store, must-revalidate""#,
        ] {
            assert_eq!(check_header_rules(good), Ok(()), "{good}");
        }
        assert_eq!(
            check_header_rules("foo").unwrap_err(),
            "Invalid format of header config 'foo'. Expected: '[action] [header name]:[header value]'"
        );
        for bad in [
            "set X",
            "setX:y",
            "put X:y",
            "set X Y:z",
            "set  :z",
            "set X/Y:z",
            "setDate X:tomorrow",
        ] {
            assert!(check_header_rules(bad).is_err(), "{bad}");
        }
    }
    #[test]
    fn values_are_read_without_quotes_and_blanks() {
        let rule = |action, name: &str, value: &str| HeaderRule {
            action,
            name: name.to_string(),
            value: value.to_string(),
        };
        assert_eq!(
            header_rules(r#"ADD X-A: a:b ,"set Cache-Control: no-cache, no-store",addDate D:-5"#),
            Ok(vec![
                rule(HeaderAction::Add, "X-A", "a:b"),
                rule(HeaderAction::Set, "Cache-Control", "no-cache, no-store"),
                rule(HeaderAction::AddDate, "D", "-5"),
            ])
        );
    }
}
