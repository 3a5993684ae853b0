//! Values made up after the description in a schema.

use crate::java_random::JavaRandom;
use crate::regex::Regex;
use connect_api::data::{Decimal, Map, SchemaRef, Struct, Value};

const MS_PER_DAY: i64 = 86_400_000;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Makes the values of one place in a record.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    /// The schema of the values.
    pub(crate) schema: SchemaRef,
    pub(crate) kind: Kind,
}

/// What a number is turned into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NumberType {
    Int32,
    Int64,
    Float32,
    Float64,
    /// The digits as text.
    Text,
    Date,
    Time,
    Timestamp,
    Decimal {
        scale: i32,
    },
}

impl NumberType {
    /// Casts as Java's `(int)` of a whole number does.
    pub(crate) fn of_whole(self, number: i64) -> Value {
        match self {
            Self::Int32 => Value::Int32(number as i32),
            Self::Int64 => Value::Int64(number),
            Self::Float32 => Value::Float32(number as f32),
            Self::Float64 => Value::Float64(number as f64),
            Self::Text => Value::string(number.to_string()),
            Self::Date => Value::Date(i64::from(number as i32) * MS_PER_DAY),
            Self::Time => Value::Date(number.rem_euclid(MS_PER_DAY)),
            Self::Timestamp => Value::Date(number),
            Self::Decimal { scale } => Decimal {
                unscaled: number.into(),
                scale,
            }
            .into(),
        }
    }

    /// Numbers that are no fractions lose what stands after the point.
    pub(crate) fn of_fraction(self, number: f64) -> Value {
        match self {
            Self::Float32 => Value::Float32(number as f32),
            Self::Float64 => Value::Float64(number),
            Self::Text => Value::string(connect_api::data::double_to_java_string(number)),
            whole => whole.of_whole(number as i64),
        }
    }
}

/// Whole numbers that go on by a step, and around if they have an end.
#[derive(Clone, Debug)]
pub(crate) struct Iteration {
    pub(crate) start: i64,
    pub(crate) initial: i64,
    pub(crate) step: i64,
    pub(crate) restart: Option<i64>,
}

impl Iteration {
    fn at(&self, count: i64) -> i64 {
        let (start, count) = (i128::from(self.start), i128::from(count));
        let number = i128::from(self.initial) + count * i128::from(self.step);
        match self.restart.map(|restart| i128::from(restart) - start) {
            // The remainder of a negative length is taken downwards from the start.
            Some(len) if len < 0 => (start - (start - number).rem_euclid(-len)) as i64,
            Some(len) if len > 0 => (start + (number - start).rem_euclid(len)) as i64,
            _ => number as i64,
        }
    }
}

/// A length from `min` (included) to `max` (excluded, unless equal).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl Length {
    fn pick(self, random: &mut JavaRandom) -> usize {
        self.min + random.index(self.max.saturating_sub(self.min).max(1))
    }
}

/// How a text is made.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Letters(Length),
    Regex(Regex),
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    /// One of these.
    Options(Vec<Value>),
    Boolean {
        odds: f64,
    },
    /// `true` and `false` by turns, `start` first.
    Alternation {
        start: bool,
        count: i64,
    },
    Iteration {
        iteration: Iteration,
        count: i64,
        number_type: NumberType,
    },
    /// From `min` to below `max`.
    Whole {
        min: i64,
        max: i64,
        number_type: NumberType,
    },
    /// From `min` to below `max`.
    Fraction {
        min: f64,
        max: f64,
        number_type: NumberType,
    },
    Bytes(Length),
    Text {
        text: Text,
        prefix: String,
        suffix: String,
    },
    Array {
        items: Box<Generator>,
        length: Length,
    },
    Map {
        keys: Box<Generator>,
        values: Box<Generator>,
        length: Length,
    },
    Record(Vec<Generator>),
    /// One of these, null among them or not; all of one schema.
    Union(Vec<Generator>),
}

impl Generator {
    /// The next value.
    pub(crate) fn generate(&mut self, random: &mut JavaRandom) -> Value {
        match &mut self.kind {
            Kind::Null => Value::Null,
            Kind::Options(options) => options[random.index(options.len())].clone(),
            Kind::Boolean { odds } => Value::Boolean(random.next_double() < *odds),
            Kind::Alternation { start, count } => {
                let value = *start == (*count % 2 == 0);
                *count += 1;
                Value::Boolean(value)
            }
            Kind::Iteration {
                iteration,
                count,
                number_type,
            } => {
                let number = iteration.at(*count);
                *count += 1;
                number_type.of_whole(number)
            }
            Kind::Whole {
                min,
                max,
                number_type,
            } => {
                let len = max.wrapping_sub(*min).cast_unsigned();
                number_type.of_whole(min.wrapping_add(random.below(len).cast_signed()))
            }
            Kind::Fraction {
                min,
                max,
                number_type,
            } => number_type.of_fraction(*min + random.next_double() * (*max - *min)),
            Kind::Bytes(length) => {
                let len = length.pick(random);
                let bytes: Vec<u8> = (0..len).map(|_| random.next_int() as u8).collect();
                Value::Bytes(bytes.into())
            }
            Kind::Text {
                text,
                prefix,
                suffix,
            } => {
                let text = match text {
                    Text::Regex(regex) => regex.generate(random),
                    Text::Letters(length) => {
                        let len = length.pick(random);
                        let letter = |_| char::from(LETTERS[random.index(LETTERS.len())]);
                        (0..len).map(letter).collect()
                    }
                };
                Value::string(format!("{prefix}{text}{suffix}"))
            }
            Kind::Array { items, length } => {
                let len = length.pick(random);
                Value::Array((0..len).map(|_| items.generate(random)).collect())
            }
            Kind::Map {
                keys,
                values,
                length,
            } => {
                let mut map = Map::new();
                // Equal keys take each other's place: a map of few possible keys stays short.
                for _ in 0..length.pick(random) {
                    let key = keys.generate(random);
                    map.insert(key, values.generate(random));
                }
                Value::Map(map.into_java_hash_order())
            }
            Kind::Record(fields) => {
                let values = fields
                    .iter_mut()
                    .map(|field| field.generate(random))
                    .collect();
                Struct::from_values(self.schema.clone(), values).into()
            }
            Kind::Union(branches) => {
                let index = random.index(branches.len());
                branches[index].generate(random)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(start: i64, initial: i64, step: i64, restart: Option<i64>) -> Vec<i64> {
        let iteration = Iteration {
            start,
            initial,
            step,
            restart,
        };
        (0..6).map(|count| iteration.at(count)).collect()
    }

    #[test]
    fn iterations_go_around_between_start_and_restart() {
        assert_eq!(numbers(1, 1, 10, None), [1, 11, 21, 31, 41, 51]);
        assert_eq!(numbers(0, 2, 1, Some(3)), [2, 0, 1, 2, 0, 1]);
        assert_eq!(numbers(3, 3, -1, Some(0)), [3, 2, 1, 3, 2, 1]);
        assert_eq!(numbers(5, 5, 2, Some(5)), [5, 7, 9, 11, 13, 15]);
    }

    #[test]
    fn greatest_range_does_not_overflow() {
        let mut generator = Generator {
            schema: connect_api::data::Schema::int64(),
            kind: Kind::Whole {
                min: i64::MIN,
                max: i64::MAX,
                number_type: NumberType::Int64,
            },
        };
        let mut random = JavaRandom::new(0);
        let signs: Vec<bool> = (0..50)
            .filter_map(|_| generator.generate(&mut random).as_i64())
            .map(i64::is_positive)
            .collect();
        assert_eq!(signs.len(), 50);
        assert!(signs.contains(&true) && signs.contains(&false));
    }
}
