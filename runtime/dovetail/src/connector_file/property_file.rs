//! Connectors as Java properties.

use super::{Fault, Field, Object, Place, Value};
use connect_java::properties;

/// The entries; a value has the place of its key.
pub fn object(text: &str) -> Result<Object, Fault> {
    let entries = properties::entries(text).map_err(|error| {
        let line = error.line();
        Fault::new(Place { line, column: 1 }, error.to_string())
    })?;
    let fields = entries.into_iter().map(|entry| {
        let place = Place {
            line: entry.line,
            column: entry.column,
        };
        Field {
            key: entry.key,
            key_place: place,
            value: Value::Text(entry.value),
            value_place: place,
        }
    });
    Ok(Object {
        place: Place::default(),
        fields: fields.collect(),
    })
}
