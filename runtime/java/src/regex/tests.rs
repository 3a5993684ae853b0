use super::*;

fn replaced(pattern: &str, text: &str, replacement: &str) -> String {
    Pattern::compile(pattern)
        .unwrap()
        .replace_first(text, replacement)
        .unwrap()
}

#[test]
fn patterns_of_configurations_match_as_in_java() {
    let matches =
        |pattern: &str, text: &str| Pattern::compile(pattern).unwrap().matches(text).unwrap();
    let all_but_dlq = "^(?!dlq$|__consumer_offsets).*";
    assert!(matches(all_but_dlq, "orders"));
    assert!(matches(all_but_dlq, "dlq-orders"));
    assert!(!matches(all_but_dlq, "dlq"));
    assert!(!matches(all_but_dlq, "__consumer_offsets"));
    assert!(matches(r"a\\.b", r"a\xb"));
    assert!(!matches("a*+a", "aaa"));
}

#[test]
fn a_group_in_a_replacement_ends_at_the_first_letter() {
    assert_eq!(replaced("(.*)-(.*)", "a-b", "$1_$2"), "a_b");
    assert_eq!(replaced("(.*)", "a", "$10"), "a0");
    assert_eq!(replaced("(?<left>.)(.)", "ab", r"$2${left}\$$0"), "ba$ab");
    let pattern = Pattern::compile("(a)(b)").unwrap();
    assert_eq!(
        pattern.replace_first("ab", "$3").unwrap_err().to_string(),
        "No group 3"
    );
}

#[test]
fn an_error_points_into_the_pattern() {
    assert_eq!(
        Pattern::compile("(a").unwrap_err().to_string(),
        "Unclosed group near index 2\n(a"
    );
    assert_eq!(
        Pattern::compile("*a").unwrap_err().to_string(),
        "Dangling meta character '*' near index 0\n*a\n^"
    );
}

#[test]
fn a_pattern_that_runs_on_and_on_is_given_up() {
    let pattern = Pattern::compile(r"(?:(a+)+\1)+b").unwrap();
    let text = "a".repeat(60);
    assert!(matches!(
        pattern.matches(&text),
        Err(MatchError::Undecided { .. })
    ));
}
