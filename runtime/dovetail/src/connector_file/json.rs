//! Connectors as JSON.

use super::{Fault, Field, Object, Place, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The object that the text holds, with its inner objects one deep.
pub fn object(text: &str) -> Result<Object, Fault> {
    let fields = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let start = text.len() - text.trim_start().len();
    Source { text }.object(fields, start, true)
}

fn not_json(error: &serde_json::Error) -> Fault {
    let place = Place {
        line: error.line().max(1),
        column: error.column().max(1),
    };
    let message = error.to_string();
    // The place stands before the message already.
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(text, _)| text);
    Fault::new(place, format!("it is not a connector in JSON: {message}"))
}

/// The fields of an object as they are written, keys too: what is borrowed tells its place.
struct Fields<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Deserialize<'t> for Fields<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'t> Visitor<'t> for FieldsVisitor {
            type Value = Fields<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of settings")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Fields<'t>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct Source<'t> {
    text: &'t str,
}

impl<'t> Source<'t> {
    fn place(&self, raw: &RawValue) -> Place {
        Place::of_offset(self.text, self.offset(raw))
    }

    /// Where a part of the text stands in it.
    fn offset(&self, raw: &RawValue) -> usize {
        (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn object(
        &self,
        fields: Fields<'t>,
        start: usize,
        is_outermost: bool,
    ) -> Result<Object, Fault> {
        let fields = fields.0.into_iter().map(|(key, value)| {
            Ok(Field {
                key: self.string(key)?,
                key_place: self.place(key),
                value: self.value(value, is_outermost)?,
                value_place: self.place(value),
            })
        });
        Ok(Object {
            place: Place::of_offset(self.text, start),
            fields: fields.collect::<Result<_, Fault>>()?,
        })
    }

    fn value(&self, raw: &'t RawValue, is_outermost: bool) -> Result<Value, Fault> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Value::Null,
            Some(b'"') => Value::Text(self.string(raw)?),
            Some(b'{') if is_outermost => {
                let fields = serde_json::from_str(text)
                    .map_err(|_| Fault::new(self.place(raw), "it cannot be read"))?;
                Value::Object(self.object(fields, self.offset(raw), false)?)
            }
            Some(b'{' | b'[') | None => Value::Other,
            Some(_) => Value::Text(text.to_string()),
        })
    }

    fn string(&self, raw: &RawValue) -> Result<String, Fault> {
        // Its form was checked before, but not whether its escapes make characters.
        serde_json::from_str(raw.get())
            .map_err(|_| Fault::new(self.place(raw), "it has \\u escapes that are no characters"))
    }
}
