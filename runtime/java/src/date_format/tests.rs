use super::*;

fn format(pattern: &str) -> SimpleDateFormat {
    SimpleDateFormat::new(pattern, Zone::utc(), Locale::English).unwrap()
}

#[test]
fn week_years_differ_from_years_at_their_ends() {
    // December 31, 2023 is a Sunday: the first day of the first week of 2024.
    assert_eq!(
        format("YYYY-MM-dd yyyy").format(1_703_980_800_000),
        "2024-12-31 2023"
    );
}

#[test]
fn values_beyond_their_range_carry_over() {
    assert_eq!(
        format("yyyy-MM-dd").parse("2023-14-01 and more").unwrap(),
        format("yyyy-MM-dd").parse("2024-02-01").unwrap()
    );
}

#[test]
fn years_of_two_digits_lie_in_a_hundred_years() {
    let format = format("yy-MM-dd").with_two_digit_year_start(0);
    assert_eq!(format.parse("70-01-01").unwrap(), 0);
    assert_eq!(format.parse("69-01-01").unwrap(), 3_124_224_000_000);
}

#[test]
fn an_error_tells_the_text() {
    let error = format("yyyy-MM-dd").parse("yesterday").unwrap_err();
    assert_eq!(error.to_string(), "Unparseable date: \"yesterday\"");
    assert_eq!(
        SimpleDateFormat::new("yyyy-MM-ddThh", Zone::utc(), Locale::Root)
            .unwrap_err()
            .to_string(),
        "Illegal pattern character 'T'"
    );
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_pattern_no_text_and_no_moment_panics(
            pattern in "[GyMdkHmsSEDFwWahKzZYuXL'. :é-]{0,10}",
            text in "[0-9a-zA-Z+: é😀-]{0,20}",
            epoch_ms in any::<i64>(),
        ) {
            for zone in ["UTC", "Europe/Zurich", "GMT-11:30"] {
                let zone = Zone::for_id(zone).unwrap();
                if let Ok(format) = SimpleDateFormat::new(&pattern, zone, Locale::English) {
                    let _ = format.format(epoch_ms);
                    let _ = format.parse(&text).map_err(|error| error.to_string());
                }
            }
        }

        #[test]
        fn what_is_formatted_is_parsed(epoch_ms in -62_135_769_600_000_i64..253_402_300_799_999) {
            for pattern in ["yyyy-MM-dd'T'HH:mm:ss.SSSX", "G yyyy D HHmmssSSS Z", "EEEE dd MMMM yyyy KK:mm:ss.SSS a z"] {
                let format = format(pattern);
                prop_assert_eq!(format.parse(&format.format(epoch_ms)), Ok(epoch_ms));
            }
        }

        #[test]
        fn week_dates_are_parsed(day in -100_000_i64..100_000) {
            let format = format("YYYY-ww-u");
            let epoch_ms = day * 86_400_000;
            prop_assert_eq!(format.parse(&format.format(epoch_ms)), Ok(epoch_ms));
        }
    }
}
