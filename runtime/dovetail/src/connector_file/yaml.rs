//! Connectors as YAML.

use super::{Fault, Field, Object, Place, Value};
use std::str::Chars;
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

/// The object that the text holds, with its inner objects one deep. Values are texts as they are written:
/// `yes` is no boolean and `1.50` no number.
pub fn object(text: &str) -> Result<Object, Fault> {
    let mut events = Events {
        parser: Parser::new_from_str(text),
    };
    loop {
        match events.next()? {
            (Event::StreamEnd, place) => return Err(Fault::new(place, "the file is empty")),
            (Event::MappingStart(..), place) => {
                let object = events.object(place, true)?;
                events.end()?;
                return Ok(object);
            }
            (Event::Scalar(..) | Event::SequenceStart(..) | Event::Alias(_), place) => {
                return Err(Fault::new(place, "it is not an object of settings"));
            }
            _ => {}
        }
    }
}

fn place(marker: &Marker) -> Place {
    Place {
        line: marker.line().max(1),
        // Columns of this library begin at 0.
        column: marker.col() + 1,
    }
}

struct Events<'t> {
    parser: Parser<Chars<'t>>,
}

impl Events<'_> {
    fn next(&mut self) -> Result<(Event, Place), Fault> {
        let not_yaml = |error: ScanError| {
            Fault::new(
                place(error.marker()),
                format!("it is not YAML: {}", error.info()),
            )
        };
        let (event, marker) = self.parser.next_token().map_err(not_yaml)?;
        Ok((event, place(&marker)))
    }

    /// An object whose start was read.
    fn object(&mut self, start: Place, is_outermost: bool) -> Result<Object, Fault> {
        let mut fields = Vec::new();
        loop {
            let (key, key_place) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(text, ..), place) => (text, place),
                (_, place) => return Err(Fault::new(place, "a key must be a text")),
            };
            let (value, value_place) = match self.next()? {
                (Event::Scalar(text, style, ..), place) => (scalar(text, style), place),
                (Event::MappingStart(..), place) if is_outermost => {
                    (Value::Object(self.object(place, false)?), place)
                }
                (Event::MappingStart(..) | Event::SequenceStart(..), place) => {
                    self.skip()?;
                    (Value::Other, place)
                }
                (_, place) => {
                    return Err(Fault::of_key(
                        place,
                        &key,
                        "aliases (*name) are not read; write the value out",
                    ));
                }
            };
            fields.push(Field {
                key,
                key_place,
                value,
                value_place,
            });
        }
        Ok(Object {
            // The mark of a block is behind its first key.
            place: fields
                .first()
                .map_or(start, |field| start.min(field.key_place)),
            fields,
        })
    }

    /// Passes over a list or object whose start was read.
    fn skip(&mut self) -> Result<(), Fault> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()?.0 {
                Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes sure that nothing is left.
    fn end(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart, place) => {
                    return Err(Fault::new(
                        place,
                        "a second document begins here; a file holds one connector",
                    ));
                }
                _ => {}
            }
        }
    }
}

fn scalar(text: String, style: TScalarStyle) -> Value {
    let is_null = style == TScalarStyle::Plain
        && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    if is_null {
        Value::Null
    } else {
        Value::Text(text)
    }
}
