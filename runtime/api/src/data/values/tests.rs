use super::*;
use crate::data::Map;
use proptest::prelude::*;

#[test]
fn nesting_beyond_reason_is_an_error_and_not_a_crash() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse_string(&nested(500)).is_ok());
    let error = parse_string(&nested(100_000)).unwrap_err();
    assert_eq!(error.class(), "java.lang.StackOverflowError");
}

#[test]
fn other_types_are_cut_to_the_schema() {
    let convert = |schema: &Schema, value: Value| convert_to(schema, None, value).unwrap();
    assert_eq!(convert(&Schema::int8(), Value::Int32(300)), Value::Int8(44));
    assert_eq!(
        convert(&Schema::int32(), Value::from("1.9e1")),
        Value::Int32(19)
    );
    assert_eq!(
        convert(&Schema::int32(), Value::from("+5")),
        Value::Int32(5)
    );
    assert_eq!(
        convert(&Schema::float64(), Value::from("2.5")),
        Value::Float64(2.5)
    );
    assert_eq!(
        convert(&Schema::boolean(), Value::from("true")),
        Value::Boolean(true)
    );
    assert_eq!(convert(&Schema::string(), Value::Int8(5)), Value::from("5"));
    assert_eq!(
        convert_to(&Schema::int8(), None, Value::Boolean(true))
            .unwrap_err()
            .message(),
        "Unable to convert true (class java.lang.Boolean) to a number"
    );
    assert_eq!(
        convert_to(&Schema::int8(), None, Value::Null)
            .unwrap_err()
            .message(),
        "Unable to convert a null value to a schema that requires a value"
    );
}

/// Data of the kinds that keep their type in a text.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i8>().prop_map(Value::Int8),
        (1_000_000i32..i32::MAX).prop_map(Value::Int32),
        any::<bool>().prop_map(Value::Boolean),
        // Blanks next to delimiters get lost, in Java too.
        "[a-zA-Z,:{}\\[\\]]{0,12}".prop_map(Value::from),
    ];
    prop_oneof![
        proptest::collection::vec(leaf.clone(), 1..2).prop_map(Value::Array),
        proptest::collection::vec(("[a-z]{1,5}", leaf), 1..2)
            .prop_map(|entries| Value::Map(entries.into_iter().collect::<Map>())),
    ]
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"\\\\0-9a-zTZ.+ -]{0,40}|\\PC{0,30}|[0-9]{1,24}[-:.TZ0-9]{0,23}") {
        let parsed = parse_string(&text);
        prop_assert!(parsed.is_ok());
    }

    #[test]
    fn what_is_formatted_parses_back(value in any_value()) {
        let text = convert_to_string(&value);
        prop_assert_eq!(parse_string(&text).unwrap().value, value, "{}", text);
    }
}
