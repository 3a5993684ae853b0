use super::*;
use proptest::prelude::*;

/// What a time-based partitioner does with a timestamp, as the generator of the golden values does.
fn floored(
    pattern: &str,
    locale: &str,
    zone: &str,
    duration_ms: i64,
    ms: i64,
) -> Result<String, String> {
    let zone = TimeZone::for_id(zone)?;
    let pattern = DatePattern::compile(pattern, Locale::new(locale))?;
    let instant = zone.to_instant(zone.to_local(ms) / duration_ms * duration_ms);
    let mut text = String::new();
    pattern
        .format(instant, &zone, &mut text)
        .ok_or("out of range")?;
    Ok(text)
}

#[test]
fn formats_are_those_of_joda_time() {
    let mut faults = Vec::new();
    let lines = include_str!("golden/joda_formats.tsv").lines();
    for line in lines.clone() {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[pattern, locale, zone, duration, timestamp, expected] = columns.as_slice() else {
            panic!("{line}");
        };
        let result = floored(
            pattern,
            locale,
            zone,
            duration.parse().unwrap(),
            timestamp.parse().unwrap(),
        );
        let right = match (&result, expected.split_at(1)) {
            (Ok(text), ("=", expected)) => text == expected,
            // The hint follows Joda's text.
            (Err(error), ("!", expected)) => error.starts_with(expected),
            _ => false,
        };
        if !right {
            faults.push(format!("{line}: {result:?}"));
        }
    }
    assert!(lines.count() > 3000);
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn refusals_say_what_to_do() {
    let refusal = |pattern| DatePattern::compile(pattern, Locale::new("en")).unwrap_err();
    assert_eq!(
        refusal("dt=yyyy"),
        "Illegal pattern component: t. Put fixed letters in single quotes, for example \
         'year'=YYYY/'month'=MM"
    );
    assert_eq!(refusal(""), "Invalid pattern specification");
    assert!(refusal("HH zzz").contains("use Z"));
    assert!(refusal(&"y".repeat(101)).contains("Illegal pattern component"));
}

proptest! {
    #[test]
    fn any_pattern_and_moment_is_taken_or_refused(pattern in "\\PC{0,12}|[A-Za-z'/=é]{0,12}", ms: i64, locale in "\\PC{0,5}") {
        if let Ok(pattern) = DatePattern::compile(&pattern, Locale::new(&locale)) {
            let mut text = String::new();
            let zone = TimeZone::for_id("Europe/Zurich").unwrap();
            let _ = pattern.format(ms, &zone, &mut text);
        }
    }

    #[test]
    fn quoted_text_stays_as_it_is(text in "[^']{1,20}") {
        let pattern = DatePattern::compile(&format!("'{text}'"), Locale::new("en")).unwrap();
        let mut out = String::new();
        prop_assert!(pattern.format(0, &TimeZone::utc(), &mut out).is_some());
        prop_assert_eq!(out, text);
    }
}
