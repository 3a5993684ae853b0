use super::*;
use crate::data::{Map, Value};
use bytes::Bytes;
use proptest::prelude::*;

fn parse(text: &str) -> Value {
    JsonParser::new()
        .parse(&Bytes::copy_from_slice(text.as_bytes()))
        .unwrap()
        .unwrap()
}

fn text(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, &JsonOptions::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn strings_are_escaped_as_jackson_does() {
    assert_eq!(
        text(&Value::string(
            "a\"\\\u{8}\t\n\u{c}\r\u{1f}\u{7f}/é\u{2028}😀z"
        )),
        "\"a\\\"\\\\\\b\\t\\n\\f\\r\\u001F\u{7f}/é\u{2028}\\uD83D\\uDE00z\""
    );
}

#[test]
fn strings_without_escapes_share_the_input() {
    let input = Bytes::from_static(b"[\"hello\",\"a\\nb\"]");
    let Some(Value::Array(items)) = JsonParser::new().parse(&input).unwrap() else {
        panic!("an array was expected");
    };
    assert_eq!(items[0].as_str().unwrap().as_ptr(), input[2..].as_ptr());
    assert_eq!(items[1], Value::string("a\nb"));
}

#[test]
fn objects_of_one_shape_share_keys_in_hash_order() {
    let mut parser = JsonParser::new();
    let mut parse = |text: &'static str| match parser.parse(&Bytes::from_static(text.as_bytes())) {
        Ok(Some(Value::Map(map))) => map,
        other => panic!("an object was expected, not {other:?}"),
    };
    let first = parse(r#"{"topic":"t","partition":1,"cluster":"c"}"#);
    let second = parse(r#"{"topic":"u","partition":2,"cluster":"d"}"#);
    assert!(std::sync::Arc::ptr_eq(
        first.shared_keys(),
        second.shared_keys()
    ));
    assert_eq!(second.to_string(), "{cluster=d, partition=2, topic=u}");
    let duplicate = parse(r#"{"a":1,"b":2,"a":3}"#);
    assert_eq!(duplicate.to_string(), "{a=3, b=2}");
}

#[test]
fn objects_with_more_keys_than_are_remembered_are_read_too() {
    let members: Vec<String> = (0..5000).map(|i| format!("\"k{i}\":{i}")).collect();
    let Value::Map(map) = parse(&format!("{{{}}}", members.join(","))) else {
        panic!("an object was expected");
    };
    assert_eq!(map.len(), 5000);
    assert_eq!(map.get_str("k4711"), Some(&Value::Int64(4711)));
    let mut parser = JsonParser::new();
    for index in 0..10_000 {
        let text = format!("{{\"id{index}\":{{\"x{index}\":{index}}}}}");
        let value = parser.parse(&Bytes::from(text.clone())).unwrap().unwrap();
        assert_eq!(self::text(&value), text);
    }
}

#[test]
fn numbers_wrap_and_widen_as_in_java() {
    assert_eq!(
        parse("12345678901234567890"),
        Value::Int64(-6_101_065_172_474_983_726)
    );
    assert_eq!(
        parse("-12345678901234567890"),
        Value::Int64(6_101_065_172_474_983_726)
    );
    assert_eq!(parse("-9223372036854775808"), Value::Int64(i64::MIN));
    assert_eq!(parse("007"), Value::Int64(7));
    assert_eq!(parse("1.0e400"), Value::Float64(f64::INFINITY));
    assert_eq!(text(&parse("-0.0")), "0.0");
    assert_eq!(text(&parse("-1e-400")), "-0.0");
}

#[test]
fn whole_parts_of_fractions() {
    let long = |text: &str| {
        let input = Bytes::copy_from_slice(text.as_bytes());
        let mut reader = JsonReader::new(&input);
        reader.read_number().unwrap().to_long()
    };
    for (text, value) in [
        ("1.9", 1),
        ("-1.9", -1),
        ("1e3", 1000),
        ("1234.5e2", 123_450),
        ("0.00012e5", 12),
        ("1e64", 0),
        ("1e-5", 0),
        ("1e999999999", 0),
        ("18446744073709551617.5", 1),
    ] {
        assert_eq!(long(text), value, "{text}");
    }
}

#[test]
fn maps_with_other_keys_are_arrays_of_pairs() {
    let map: Map = [
        (Value::Int64(1), Value::string("a")),
        (Value::Null, Value::Null),
    ]
    .into_iter()
    .collect();
    assert_eq!(text(&Value::Map(map)), r#"[[1,"a"],[null,null]]"#);
}

#[test]
fn depth_is_bounded() {
    let deep = |depth: usize| Bytes::from("[".repeat(depth) + &"]".repeat(depth));
    assert!(JsonParser::new().parse(&deep(1000)).is_ok());
    assert_eq!(
        JsonParser::new().parse(&deep(1001)).unwrap_err().message(),
        "Document nesting depth (1001) exceeds the maximum allowed (1000, from \
         `StreamReadConstraints.getMaxNestingDepth()`)"
    );
}

fn any_value(with_fractions: bool) -> impl Strategy<Value = Value> {
    let fraction = if with_fractions {
        proptest::num::f64::NORMAL.boxed()
    } else {
        Just(0.5).boxed()
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Int64),
        fraction.prop_map(Value::Float64),
        any::<String>().prop_map(Value::from),
        "[ -~\"\\\\\u{0}-\u{1f}]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((any::<String>(), inner), 0..6).prop_map(|entries| {
                Value::Map(entries.into_iter().collect::<Map>().into_java_hash_order())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in any_value(true)) {
        let written = text(&value);
        prop_assert_eq!(&parse(&written), &value);
        prop_assert_eq!(text(&parse(&written)), written);
    }

    // Without fractions, whose last digit serde_json does not always get right.
    #[test]
    fn other_parsers_agree_on_what_is_written(value in any_value(false)) {
        let written = text(&value);
        let other: serde_json::Value = serde_json::from_str(&written).unwrap();
        let again = serde_json::to_string(&other).unwrap();
        prop_assert_eq!(parse(&again), parse(&written));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = JsonParser::new().parse(&Bytes::from(bytes));
    }

    #[test]
    fn no_json_like_text_panics(text in "[\\[\\]{}:,\"\\\\u0-9a-f eE+.\n-]{0,40}|\\PC{0,20}") {
        let _ = JsonParser::new().parse(&Bytes::from(text));
    }
}
