use super::*;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, Timestamp, doc, oid::ObjectId};
use connect_api::data::{Decimal, Value};
use proptest::prelude::*;

fn any_value() -> impl Strategy<Value = Bson> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Bson::Int32),
        any::<i64>().prop_map(Bson::Int64),
        any::<f64>()
            .prop_filter("not-a-number is not equal to itself", |number| !number
                .is_nan())
            .prop_map(Bson::Double),
        any::<bool>().prop_map(Bson::Boolean),
        any::<String>().prop_map(Bson::String),
        Just(Bson::Null),
        Just(Bson::Undefined),
        Just(Bson::MinKey),
        Just(Bson::MaxKey),
        any::<[u8; 12]>().prop_map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes))),
        any::<i64>().prop_map(|ms| Bson::DateTime(DateTime::from_millis(ms))),
        // The shell and Java's reader know integers of 32 bits with a sign here.
        (0..i32::MAX as u32, 0..i32::MAX as u32)
            .prop_map(|(time, increment)| { Bson::Timestamp(Timestamp { time, increment }) }),
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(
            |(subtype, bytes)| {
                Bson::Binary(Binary {
                    subtype: BinarySubtype::from(subtype),
                    bytes,
                })
            }
        ),
        "[0-9]{1,34}".prop_map(|digits| Bson::Decimal128(digits.parse().unwrap())),
        any::<String>().prop_map(Bson::Symbol),
        any::<String>().prop_map(Bson::JavaScriptCode),
    ];
    leaf.prop_recursive(4, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Bson::Array),
            // A name with $ may stand for a type; no name holds a zero.
            proptest::collection::vec(("[^$\0]{0,6}", inner), 0..8)
                .prop_map(|fields| Bson::Document(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_json_says_everything(value in any_value()) {
        let document = doc! {"v": value};
        let json = document_to_json(&document, JsonMode::Canonical);
        let read = parse_document(&json).unwrap();
        // Equal in order, too.
        prop_assert_eq!(read.to_vec().unwrap(), document.to_vec().unwrap());
    }

    #[test]
    fn relaxed_json_is_read(value in any_value()) {
        let json = document_to_json(&doc! {"v": value}, JsonMode::Relaxed);
        prop_assert!(parse_document(&json).is_ok(), "{}", json);
    }

    #[test]
    fn bytes_are_read_as_they_were_written(value in any_value()) {
        let document = doc! {"v": value};
        let bytes = document.to_vec().unwrap();
        let read = document_from_bytes(&bytes).unwrap();
        prop_assert_eq!(read.to_vec().unwrap(), bytes);
    }

    #[test]
    fn no_text_breaks_the_reader(text in any::<String>()) {
        let _ = parse_document(&text);
        let _ = parse_documents(&text);
        let _ = parse_document(&format!("{{a: {text}"));
    }

    #[test]
    fn no_text_of_its_own_words_breaks_the_reader(
        words in proptest::collection::vec(
            prop_oneof![
                Just("{"), Just("}"), Just("["), Just("]"), Just("("), Just(")"), Just(":"), Just(","),
                Just("$oid"), Just("$date"), Just("$binary"), Just("$type"), Just("$regex"),
                Just("$options"), Just("'x'"), Just("1"), Just("-"), Just("/x/"), Just("new"),
                Just("Date"), Just("ObjectId"), Just("NumberLong"), Just("\\"), Just("é"), Just("'"),
            ],
            0..30,
        )
    ) {
        let _ = parse_document(&words.join(""));
        let _ = parse_document(&words.join(" "));
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = document_from_bytes(&bytes);
        let mut framed = ((bytes.len() + 5) as i32).to_le_bytes().to_vec();
        framed.extend(&bytes);
        framed.push(0);
        let _ = document_from_bytes(&framed);
    }

    #[test]
    fn dates_are_read_as_they_were_written(ms in 0_i64..253_402_300_799_999) {
        prop_assert_eq!(parse_iso(&format_iso(ms).unwrap()), Some(ms));
    }

    #[test]
    fn dates_of_any_year_are_those_of_the_calendar(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
        let date = chrono::DateTime::<chrono::Utc>::from_timestamp_millis(ms).unwrap();
        let text = format_iso_of_java(ms);
        let ours = chrono::DateTime::parse_from_rfc3339(&text).unwrap();
        prop_assert_eq!(ours, date.fixed_offset(), "{}", text);
    }

    #[test]
    fn no_date_breaks_the_calendar(ms in any::<i64>()) {
        prop_assert!(format_iso_of_java(ms).ends_with('Z'));
    }

    #[test]
    fn decimals_keep_their_value_or_are_refused(unscaled in any::<i128>(), scale in -7000..7000_i32) {
        let decimal = Decimal { unscaled: unscaled.into(), scale };
        if let Ok(converted) = to_decimal128(&decimal) {
            let read: Decimal = converted.to_string().parse().unwrap();
            let ours = (&decimal.unscaled, decimal.scale);
            let theirs = (&read.unscaled, read.scale);
            // One of both may have more zeros at its end.
            let difference = (ours.1 - theirs.1).unsigned_abs();
            let ten = num_bigint::BigInt::from(10).pow(difference);
            if unscaled == 0 {
                prop_assert_eq!(read.unscaled, decimal.unscaled);
            } else if ours.1 >= theirs.1 {
                prop_assert_eq!(ours.0.clone(), theirs.0 * ten);
            } else {
                prop_assert_eq!(ours.0 * ten, theirs.0.clone());
            }
        }
    }
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let json = format!("{{a: {}", "[".repeat(100_000));
    let error = parse_document(&json).unwrap_err();
    assert!(error.message().contains("nested more than 200"), "{error}");

    let mut document = doc! {};
    for _ in 0..MAX_BSON_DEPTH {
        document = doc! {"a": document};
    }
    assert!(document_from_bytes(&document.to_vec().unwrap()).is_ok());
    let bytes = doc! {"a": document}.to_vec().unwrap();
    let error = document_from_bytes(&bytes).unwrap_err();
    assert!(error.message().contains("nested more than 200"), "{error}");

    let mut value = Value::Array(Vec::new());
    for _ in 0..300 {
        value = Value::Array(vec![value]);
    }
    let map = Value::Map([("a", value)].into_iter().collect());
    assert!(
        to_document(&map)
            .unwrap_err()
            .message()
            .contains("nested more than 200")
    );
}

#[test]
fn arrays_of_documents_are_as_people_write_them() {
    assert_eq!(
        parse_documents("[{'$match': {'beds': 5}}, {$limit: 1},]").unwrap(),
        [doc! {"$match": {"beds": 5}}, doc! {"$limit": 1}]
    );
    assert!(parse_documents("{}").is_err());
    assert!(parse_documents("[1]").is_err());
    assert_eq!(parse_documents("[]").unwrap(), Vec::<Document>::new());
}
