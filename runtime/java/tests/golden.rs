//! Answers of `java.util.regex` and `java.text.SimpleDateFormat`, made by
//! `tests/java/JavaSemanticsGolden.java`.

use connect_java::date_format::{Locale, SimpleDateFormat, Zone};
use connect_java::regex::{Match, Pattern};

/// The moment from which Java read years of two digits: November 21, 1946.
const TWO_DIGIT_YEAR_START_MS: i64 = -729_388_800_000;

fn unescaped(column: &str) -> String {
    let mut out = String::new();
    let mut rest = column.chars();
    while let Some(next) = rest.next() {
        out.push(match next {
            '\\' => match rest.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            plain => plain,
        });
    }
    out
}

/// Runs each line; tells all that differ, for one cause often shows in many.
fn compare(golden: &str, at_least: usize, answer: impl Fn(&[&str]) -> String) {
    let mut count = 0;
    let mut differences = Vec::new();
    for line in golden.lines() {
        count += 1;
        let columns: Vec<String> = line.split('\t').map(unescaped).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let (expected, question) = columns.split_last().expect("a line has columns");
        let actual = answer(question);
        if actual != *expected {
            differences.push(format!(
                "{question:?}\n  Java {expected:?}\n  ours {actual:?}"
            ));
        }
    }
    assert!(count >= at_least, "only {count} cases");
    assert!(
        differences.is_empty(),
        "{} of {count} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Repetitions of what may be empty: Java goes round once more for nothing, so that the group is empty in
/// the end; here it keeps what it took last. Only the whole match is compared.
const KEEPS_ITS_LAST_GROUP: &[&str] = &["(a*)*", "(a*)+", "(|a)+"];

fn groups(pattern: &Pattern, found: &Match<'_>) -> String {
    (0..=pattern.group_count())
        .map(|group| match found.group(group) {
            Some(_) if group > 0 && KEEPS_ITS_LAST_GROUP.contains(&pattern.as_str()) => {
                "<>".to_string()
            }
            text => format!("<{}>", text.unwrap_or("∅")),
        })
        .collect()
}

#[test]
fn patterns_are_javas() {
    compare(include_str!("golden/regex.tsv"), 2_600, |question| {
        let pattern = match (Pattern::compile(question[1]), question[0]) {
            (Err(error), "illegal") => return error.to_string(),
            (Err(error), _) => return format!("!{error}"),
            (Ok(_), "illegal") => return "compiled".into(),
            (Ok(pattern), _) => pattern,
        };
        let text = question[2];
        match question[0] {
            "matches" => match pattern.match_whole(text) {
                Ok(Some(found)) => groups(&pattern, &found),
                Ok(None) => "no".into(),
                Err(error) => format!("!{error}"),
            },
            "find" => match pattern.find_all(text) {
                Ok(all) => all
                    .iter()
                    .map(|found| groups(&pattern, found) + ";")
                    .collect(),
                Err(error) => format!("!{error}"),
            },
            operation => {
                let replaced = if operation == "replaceAll" {
                    pattern.replace_all(text, question[3])
                } else {
                    pattern.replace_first(text, question[3])
                };
                match replaced {
                    Ok(text) => format!("={text}"),
                    Err(error) => format!("!{}: {error}", error.java_class()),
                }
            }
        }
    });
}

#[test]
fn dates_are_javas() {
    compare(include_str!("golden/dates.tsv"), 1_300, |question| {
        let [operation, pattern, zone, locale, input] = question else {
            return format!("{} columns", question.len());
        };
        let zone = Zone::for_id(zone).expect("the zones of the golden file are known");
        let locale = match *locale {
            "root" => Locale::Root,
            _ => Locale::English,
        };
        let format = match SimpleDateFormat::new(pattern, zone, locale) {
            Ok(format) => format.with_two_digit_year_start(TWO_DIGIT_YEAR_START_MS),
            Err(error) => return format!("!{error}"),
        };
        if *operation == "format" {
            return format!("={}", format.format(input.parse().expect("a number")));
        }
        match format.parse(input) {
            Ok(epoch_ms) => format!("={epoch_ms}"),
            Err(error) => {
                let offset = error.error_offset();
                let offset = offset.map_or("-1".to_string(), |offset| offset.to_string());
                format!("!{error} at {offset}")
            }
        }
    });
}
