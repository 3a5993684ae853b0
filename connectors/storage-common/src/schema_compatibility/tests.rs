use super::*;
use connect_api::data::{SchemaBuilder, Value};

fn version(version: i32, fields: impl FnOnce(SchemaBuilder) -> SchemaBuilder) -> SchemaRef {
    let builder = Schema::struct_builder().name("R").version(version);
    fields(builder.field("id", Schema::int32()))
        .build()
        .unwrap()
}

fn two() -> SchemaRef {
    version(2, |builder| {
        builder.field("note", Schema::optional_string())
    })
}

fn one() -> SchemaRef {
    version(1, |builder| builder)
}

#[test]
fn names_that_are_not_known_are_none() {
    for (name, mode) in [
        ("NONE", SchemaCompatibility::None),
        ("BACKWARD", SchemaCompatibility::Backward),
        ("FORWARD", SchemaCompatibility::Forward),
        ("FULL", SchemaCompatibility::Full),
        ("backward", SchemaCompatibility::None),
        ("", SchemaCompatibility::None),
    ] {
        assert_eq!(SchemaCompatibility::from_name(name), mode, "{name}");
    }
}

#[test]
fn modes_go_by_versions() {
    use SchemaCompatibility::{Backward, Forward, Full, None};
    for (mode, older, newer) in [
        (None, Fit::Rotates, Fit::Rotates),
        (Backward, Fit::Projected, Fit::Rotates),
        (Full, Fit::Projected, Fit::Rotates),
        (Forward, Fit::Rotates, Fit::Projected),
    ] {
        assert_eq!(mode.fit(&one(), &two()).unwrap(), older, "{mode:?}");
        assert_eq!(mode.fit(&two(), &one()).unwrap(), newer, "{mode:?}");
        // Another instance of the same schema is no change.
        assert_eq!(mode.fit(&one(), &one()).unwrap(), Fit::Same, "{mode:?}");
    }
}

#[test]
fn a_schema_that_values_cannot_be_projected_to_rotates() {
    let file = version(2, |builder| builder.field("x", Schema::int64()));
    for (record, fit) in [
        (
            version(2, |builder| builder.field("x", Schema::int32())),
            Fit::Projected,
        ),
        (
            version(2, |builder| builder.field("x", Schema::string())),
            Fit::Rotates,
        ),
        (
            version(2, |builder| builder.field("x", Schema::float64())),
            Fit::Rotates,
        ),
        (one(), Fit::Rotates),
        (
            version(2, |builder| {
                builder.field("x", Schema::primitive(SchemaType::Int64, true).unwrap())
            }),
            Fit::Rotates,
        ),
    ] {
        let found = SchemaCompatibility::Backward.fit(&record, &file).unwrap();
        assert_eq!(found, fit, "{:?}", record.fields());
    }
}

#[test]
fn every_mode_but_none_needs_versions() {
    let bare = Schema::struct_builder()
        .name("R")
        .field("id", Schema::int32())
        .build()
        .unwrap();
    let error = SchemaCompatibility::Forward.fit(&bare, &one()).unwrap_err();
    assert_eq!(
        error.message(),
        "Schema version required for FORWARD compatibility"
    );
    assert_eq!(error.kind(), connect_api::ErrorKind::Data);
    let fit = SchemaCompatibility::None.fit(&bare, &one()).unwrap();
    assert_eq!(fit, Fit::Rotates);
}

#[test]
fn what_fits_can_be_projected() {
    use connect_api::data::Struct;
    let value = Struct::from_values(one(), vec![Value::Int32(5)]);
    let projected = project_value(&one(), &Value::from(value), &two()).unwrap();
    let expected = Struct::from_values(two(), vec![Value::Int32(5), Value::Null]);
    assert_eq!(projected, Value::from(expected));
}
