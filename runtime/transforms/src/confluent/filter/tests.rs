use super::*;
use connect_api::data::{Map, Schema, Struct, Value};
use connect_api::{SinkOrigin, SourceRecord, TimestampType};
use proptest::prelude::*;

fn filter(condition: &str, filter_type: &str, missing: &str) -> Filter {
    let mut filter = Filter::new(Half::Value);
    let config = [
        (CONDITION, condition),
        (TYPE, filter_type),
        (MISSING_OR_NULL, missing),
    ];
    filter.configure(&config.into_iter().collect()).unwrap();
    filter
}

fn apply(filter: &mut Filter, value: Value) -> Result<bool> {
    let record = SourceRecord::new("t", None, value).record;
    let origin = SinkOrigin {
        original_topic: "t".into(),
        original_kafka_partition: 0,
        kafka_offset: 0,
        timestamp_type: TimestampType::CreateTime,
    };
    let kept = filter.apply(record, Origin::Sink(&origin))?;
    Ok(kept.is_some())
}

fn order() -> Value {
    let item: Map = [
        ("name", Value::from("book")),
        ("price", Value::Float64(8.5)),
    ]
    .into_iter()
    .collect();
    let source: Map = [("table", Value::from("orders"))].into_iter().collect();
    let order: Map = [
        ("status", Value::from("open")),
        ("amount", Value::Int32(12)),
        ("tsm", Value::Int64(1_592_300_893_000)),
        ("text_number", Value::from("100")),
        ("nothing", Value::Null),
        ("gone", Value::Boolean(false)),
        ("source", Value::from(source)),
        ("items", Value::Array(vec![Value::from(item)])),
        ("dotted.name", Value::Int32(1)),
    ]
    .into_iter()
    .collect();
    order.into()
}

#[test]
fn conditions_hold_as_in_jayways_language() {
    for (condition, holds) in [
        ("$[?(@.status == 'open')]", true),
        ("$[?(@.status == \"closed\")]", false),
        ("$.[?(@.status)]", true),
        ("$[?(@.missing)]", false),
        ("$[?(!@.missing)]", true),
        ("$[?(@.nothing)]", true),
        ("$[?(@.nothing == null)]", true),
        ("$[?(@.status != 'closed' && @.amount > 10)]", true),
        ("$[?(@.status == 'closed' || @.amount >= 12)]", true),
        ("$[?(@.amount < 12)]", false),
        (
            "$[?((@.amount < 12 || @.gone == false) && @.source.table == 'orders')]",
            true,
        ),
        ("$[?(@.tsm < 1592300893001)]", true),
        ("$[?(@.text_number == 100)]", true),
        ("$[?(@.status =~ /.*pen/)]", true),
        ("$[?(@.status =~ /OPEN/i)]", true),
        ("$[?(@.status =~ /pen/)]", false),
        ("$[?(@.status in ['open', 'new'])]", true),
        ("$[?(@.status nin ['open', 'new'])]", false),
        ("$[?(@.amount in [1, 12])]", true),
        ("$.items[?(@.price < 10)]", true),
        ("$.items[?(@.price > 10)]", false),
        ("$.items[0].name", true),
        ("$..name", true),
        ("$..missing", false),
        ("$.items[*].name", true),
        ("$['dotted.name']", true),
        ("$[?(@['dotted.name'] == 1)]", true),
        ("$[?($.amount == 12)]", true),
        ("$[?(@.status == 12)]", false),
        ("$.source[?(@.table == 'orders')]", true),
    ] {
        let kept = apply(&mut filter(condition, "include", "fail"), order());
        assert_eq!(kept.unwrap(), holds, "{condition}");
        let kept = apply(&mut filter(condition, "exclude", "fail"), order());
        assert_eq!(kept.unwrap(), !holds, "{condition}");
    }
}

#[test]
fn what_is_missing_is_refused_kept_or_dropped() {
    for condition in ["$.missing[?(@.a == 1)]", "$.nothing", "$.items[7]"] {
        let error = apply(&mut filter(condition, "include", "fail"), order()).unwrap_err();
        assert!(error.message().contains("cannot be decided"), "{error}");
        assert!(apply(&mut filter(condition, "include", "include"), order()).unwrap());
        assert!(!apply(&mut filter(condition, "include", "exclude"), order()).unwrap());
    }
    assert!(apply(&mut filter("$[?(@.a)]", "include", "fail"), Value::Null).is_err());
}

#[test]
fn structs_are_looked_into() {
    let schema = Schema::struct_builder()
        .field("status", Schema::string())
        .build()
        .unwrap();
    let mut order = Struct::new(schema).unwrap();
    order.put("status", "open").unwrap();
    let condition = "$[?(@.status == 'open')]";
    assert!(apply(&mut filter(condition, "include", "fail"), order.into()).unwrap());
}

#[test]
fn a_path_that_is_none_is_told_where() {
    for wrong in [
        "",
        "status",
        "$[",
        "$[?(@.a ==)]",
        "$[?(@.a",
        "$.",
        "$[?(@.a =~ /b)]",
        "$ x",
    ] {
        let error = JsonPath::parse(wrong).unwrap_err();
        assert!(error.contains("position"), "{error}");
    }
    assert!(JsonPath::parse(&"$[?(".repeat(5_000)).is_err());
    assert!(JsonPath::parse(&format!("$[?({}@.a)]", "!".repeat(5_000))).is_err());
}

proptest! {
    #[test]
    fn no_path_panics(path in r"\$?[\[\]?()@.$'\x22/=~!<>&|a-c0-9 *é-]{0,24}") {
        if let Ok(path) = JsonPath::parse(&path) {
            let _ = path.find(&order());
        }
    }
}
