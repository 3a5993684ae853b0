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

#[test]
fn what_would_match_otherwise_than_in_java_is_refused() {
    for pattern in [
        r"(a|b\1)+",
        r"\X",
        r"\N{DIGIT ONE}",
        r"\b{g}",
        "(?c)a",
        "a{20001}",
    ] {
        let error = Pattern::compile(pattern).unwrap_err();
        assert!(
            error.description().contains("not supported here"),
            "{error}"
        );
    }
    assert!(Pattern::compile(&"(".repeat(10_000)).is_err());
    assert!(Pattern::compile(&"[".repeat(10_000)).is_err());
    assert!(Pattern::compile(&r"\p{L}".repeat(10_000)).is_err());
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    /// Texts that are patterns more often than chance would have it.
    fn pattern_like() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "(", ")", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?<n>", "(?i)", "(?x)",
                "(?m)", "[", "[^", "]", "&&", "-", "*", "+", "?", "*+", "*?", "{2}", "{1,3}",
                "{2,}", "{", "}", "|", "^", "$", ".", "\\d", "\\W", "\\p{L}", "\\P{Lu}", "\\p{",
                "\\Q", "\\E", "\\1", "\\2", "\\k<n>", "\\x41", "\\x{", "\\u00e9", "\\0", "\\c",
                "\\", "\\b", "\\R", "\\G", "\\Z", "#", " ", "a", "b", "é", "😀", "\0", "9",
            ])
            .prop_map(str::to_string),
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_text_panics(
            pattern in pattern_like(),
            text in "[ab9é😀\\n\\r ]{0,12}",
            replacement in r"[a$\\{}0-9n]{0,6}",
        ) {
            match Pattern::compile(&pattern) {
                Err(error) => { let _ = error.to_string(); }
                Ok(pattern) => {
                    let whole = pattern.match_whole(&text);
                    prop_assert_eq!(whole.map(|found| found.is_some()), pattern.matches(&text));
                    let _ = pattern.find_all(&text);
                    let _ = pattern.replace_first(&text, &replacement);
                    let _ = pattern.replace_all(&text, &replacement);
                }
            }
        }

        #[test]
        fn a_quoted_text_matches_itself(text in any::<String>()) {
            prop_assume!(!text.contains("\\E"));
            let pattern = Pattern::compile(&format!("\\Q{text}\\E")).unwrap();
            prop_assert!(pattern.matches(&text).unwrap());
        }

        #[test]
        fn replacing_all_by_the_match_changes_nothing(pattern in pattern_like(), text in "[ab9é\\n]{0,12}") {
            if let Ok(pattern) = Pattern::compile(&pattern)
                && let Ok(replaced) = pattern.replace_all(&text, "$0")
            {
                prop_assert_eq!(replaced, text);
            }
        }
    }
}
