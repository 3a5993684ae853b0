//! Lines of JSON as the JVM's tasks print them: the keys in the order of a `java.util.HashMap`.

use connect_api::data::Value;
use connect_api::json::{JsonOptions, write_string, write_value, write_with_schema};

/// Appends one line. Decimals and dates, which have no JSON without their schema, are written as text.
pub(crate) fn append_json_line(fields: &[(&str, &Value)], out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        let start = out.len();
        let options = JsonOptions::default();
        let written = match value {
            Value::Struct(record) => write_with_schema(Some(record.schema()), value, &options, out),
            value => write_value(value, &options, out),
        };
        if written.is_err() {
            out.truncate(start);
            write_string(&value.to_string(), out);
        }
    }
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::data::{Decimal, Map, Schema, Struct};

    fn line(value: Value) -> String {
        let mut out = Vec::new();
        append_json_line(&[("task", &Value::Null), ("seqno", &value)], &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn any_value_makes_a_line_of_json() {
        let schema = Schema::struct_builder()
            .field("a", Schema::int32())
            .build()
            .expect("schema");
        let mut record = Struct::new(schema).expect("struct");
        record.put("a", 1i32).expect("fits");
        for (value, text) in [
            (Value::Int64(7), "7"),
            (Value::string("a\"b"), r#""a\"b""#),
            (Value::Null, "null"),
            (record.into(), r#"{"a":1}"#),
            (Map::from_iter([("k", 1i64)]).into(), r#"{"k":1}"#),
            (
                Value::from(Decimal::from_bytes(&[12], 1).expect("decimal")),
                "\"1.2\"",
            ),
        ] {
            assert_eq!(line(value), format!("{{\"task\":null,\"seqno\":{text}}}\n"));
        }
    }
}
