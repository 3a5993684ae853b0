//! Whether a value fits a schema (`ConnectSchema.validateValue`).

use super::{LogicalType, Schema, Value};
use crate::error::{ConnectError, Result};

/// Checks a value against a schema. `field` is the field that it is meant for, if any.
pub fn validate_value(field: Option<&str>, schema: &Schema, value: &Value) -> Result<()> {
    let place = match field {
        Some(field) => Place::Field(field),
        None => Place::Value,
    };
    validate_at(&place, schema, value)
}

/// Where a value stands; its text is only made for an error.
enum Place<'a> {
    Value,
    Field(&'a str),
    Element(&'a Place<'a>),
    Key(&'a Place<'a>),
    MapValue(&'a Place<'a>),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value => f.write_str("value"),
            Self::Field(name) => write!(f, "field: \"{name}\""),
            Self::Element(place) => write!(f, "element of array {place}"),
            Self::Key(place) => write!(f, "key of map {place}"),
            Self::MapValue(place) => write!(f, "value of map {place}"),
        }
    }
}

fn validate_at(place: &Place<'_>, schema: &Schema, value: &Value) -> Result<()> {
    if value.is_null() {
        return if schema.is_optional() {
            Ok(())
        } else {
            Err(ConnectError::data(format!(
                "Invalid value: null used for required {place}, schema type: {}",
                schema.schema_type()
            )))
        };
    }
    if !class_fits(schema, value) {
        let name = schema
            .name()
            .map(|name| format!(" \"{name}\""))
            .unwrap_or_default();
        return Err(ConnectError::data(format!(
            "Invalid Java object for schema{name} with type {}: class {} for {place}",
            schema.schema_type(),
            value.java_class().unwrap_or("null")
        )));
    }
    match value {
        Value::Struct(record) => {
            if **record.schema() != *schema {
                return Err(ConnectError::data("Struct schemas do not match."));
            }
            record.validate()
        }
        Value::Array(items) => {
            let element = Place::Element(place);
            let item_schema = known(schema.value_schema()?, &element)?;
            items
                .iter()
                .try_for_each(|item| validate_at(&element, item_schema, item))
        }
        Value::Map(map) => {
            let (key_place, value_place) = (Place::Key(place), Place::MapValue(place));
            let key_schema = known(schema.key_schema()?, &key_place)?;
            let value_schema = known(schema.value_schema()?, &value_place)?;
            map.iter().try_for_each(|(key, value)| {
                validate_at(&key_place, key_schema, key)?;
                validate_at(&value_place, value_schema, value)
            })
        }
        _ => Ok(()),
    }
}

fn known<'a>(schema: Option<&'a super::SchemaRef>, place: &Place<'_>) -> Result<&'a Schema> {
    schema
        .map(|schema| &**schema)
        .ok_or_else(|| ConnectError::data(format!("No schema defined for {place}")))
}

/// The name of a logical type decides about the class, whatever the physical type is.
fn class_fits(schema: &Schema, value: &Value) -> bool {
    match LogicalType::of(schema) {
        Some(LogicalType::Decimal) => return matches!(value, Value::Decimal(_)),
        Some(_) => return matches!(value, Value::Date(_)),
        None => {}
    }
    schema.schema_type().holds(value)
}

#[cfg(test)]
mod tests {
    use super::super::Map;
    use super::*;

    #[test]
    fn places_nest_in_messages() {
        let schema = Schema::map_builder(
            Schema::string(),
            Schema::array_builder(Schema::int32()).build().unwrap(),
        )
        .build()
        .unwrap();
        let value: Map = [("k", Value::Array(vec![Value::Null]))]
            .into_iter()
            .collect();
        assert_eq!(
            validate_value(Some("f"), &schema, &Value::Map(value))
                .unwrap_err()
                .message(),
            "Invalid value: null used for required element of array value of map field: \"f\", \
             schema type: INT32"
        );
    }

    #[test]
    fn a_logical_name_replaces_the_class() {
        let timestamp = LogicalType::Timestamp.schema(false);
        validate_value(None, &timestamp, &Value::Date(5)).unwrap();
        assert_eq!(
            validate_value(None, &timestamp, &Value::Int64(5))
                .unwrap_err()
                .message(),
            "Invalid Java object for schema \"org.apache.kafka.connect.data.Timestamp\" with type \
             INT64: class java.lang.Long for value"
        );
    }
}
