//! The rules of `response.http.headers.config`.

/// Checks the rules, each `[action] [header name]:[header value]`; the error is the whole message.
pub(super) fn check_header_rules(rules: &str) -> Result<(), String> {
    split_rules(rules)
        .iter()
        .try_for_each(|rule| check_rule(rule))
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

fn check_rule(rule: &str) -> Result<(), String> {
    const ACTIONS: &[&str] = &["set", "add", "setDate", "addDate"];
    let rule = rule.trim();
    let wrong_format = || {
        format!(
            "Invalid format of header config '{rule}'. Expected: '[action] [header name]:[header \
             value]'"
        )
    };
    let (left, _) = rule.split_once(':').ok_or_else(wrong_format)?;
    let (action, name) = left
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(wrong_format)?;
    if !ACTIONS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(action))
    {
        return Err(format!(
            "Invalid header config action '{action}'. The action must be one of {}",
            ACTIONS.join(", ")
        ));
    }
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!(
            "Invalid header name '{name}'. The header name may not contain whitespace"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_header_rules;

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
        for bad in ["set X", "setX:y", "put X:y", "set X Y:z", "set  :z"] {
            assert!(check_header_rules(bad).is_err(), "{bad}");
        }
    }
}
