//! What `arg.properties` says about the values of a type.

use crate::generator::{Iteration, Kind, Length, NumberType, Text};
use crate::json_value::to_value;
use crate::regex::Regex;
use crate::schema::{ARG_PROPERTIES, MAX_NUM_VALUES, MAX_TEXT_NUM_BYTES, Outcome, Place};
use connect_api::data::{SchemaRef, Value};
use serde_json::Value as Json;

const DEFAULT_LENGTH: Length = Length { min: 8, max: 16 };

/// What `arg.properties` says.
pub(crate) struct Hints<'a> {
    properties: Option<&'a serde_json::Map<String, Json>>,
    pub(crate) place: &'a Place,
}

impl<'a> Hints<'a> {
    pub(crate) fn of(object: &'a serde_json::Map<String, Json>, place: &'a Place) -> Outcome<Self> {
        let properties = match object.get(ARG_PROPERTIES) {
            None => None,
            Some(Json::Object(properties)) => Some(properties),
            Some(_) => return place.fault("'arg.properties' is no object"),
        };
        Ok(Self { properties, place })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Json> {
        self.properties?.get(name)
    }

    pub(crate) fn options(&self, schema: &SchemaRef) -> Outcome<Option<Vec<Value>>> {
        match self.get("options") {
            None => Ok(None),
            Some(Json::Array(options)) if !options.is_empty() => {
                let value = |option| to_value(option, schema, self.place);
                options.iter().map(value).collect::<Outcome<_>>().map(Some)
            }
            Some(Json::Object(_)) => self
                .place
                .fault("'options' from a file are not supported; list them in the schema"),
            Some(_) => self.place.fault("'options' is no list with values"),
        }
    }

    fn whole(&self, object: &Json, name: &str) -> Outcome<Option<i64>> {
        match object.get(name) {
            None => Ok(None),
            Some(value) => match value.as_i64().or_else(|| value.as_f64().map(|n| n as i64)) {
                Some(number) => Ok(Some(number)),
                None => self.place.fault(format!("'{name}' is no number")),
            },
        }
    }

    fn fraction(&self, object: &Json, name: &str) -> Outcome<Option<f64>> {
        match object.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => self.place.fault(format!("'{name}' is no number")),
            },
        }
    }

    pub(crate) fn boolean(&self, count: i64) -> Outcome<Kind> {
        if let Some(iteration) = self.get("iteration") {
            let start = iteration.get("start").and_then(Json::as_bool);
            return match start {
                Some(start) => Ok(Kind::Alternation { start, count }),
                None => self.place.fault("'iteration' of a boolean has no 'start'"),
            };
        }
        let odds = match self.get("odds") {
            None => 0.5,
            Some(odds) => match odds.as_f64().filter(|odds| (0.0..=1.0).contains(odds)) {
                Some(odds) => odds,
                None => return self.place.fault("'odds' is no number from 0 to 1"),
            },
        };
        Ok(Kind::Boolean { odds })
    }

    fn iteration(&self, number_type: NumberType, count: i64) -> Outcome<Option<Kind>> {
        let Some(object) = self.get("iteration") else {
            return Ok(None);
        };
        let Some(start) = self.whole(object, "start")? else {
            return self.place.fault("'iteration' has no 'start'");
        };
        let restart = self.whole(object, "restart")?;
        let step = match (self.whole(object, "step")?, restart) {
            (_, Some(restart)) if restart == start => {
                return self
                    .place
                    .fault("'restart' of an iteration equals its 'start'");
            }
            (Some(step), _) => step,
            (None, Some(restart)) if restart < start => -1,
            (None, _) => 1,
        };
        let iteration = Iteration {
            start,
            initial: self.whole(object, "initial")?.unwrap_or(start),
            step,
            restart,
        };
        Ok(Some(Kind::Iteration {
            iteration,
            count,
            number_type,
        }))
    }

    pub(crate) fn number(&self, number_type: NumberType, count: i64) -> Outcome<Kind> {
        if let Some(iteration) = self.iteration(number_type, count)? {
            return Ok(iteration);
        }
        let range = self.get("range").unwrap_or(&Json::Null);
        let is_fraction = matches!(number_type, NumberType::Float32 | NumberType::Float64);
        if is_fraction {
            let min = self.fraction(range, "min")?.unwrap_or(0.0);
            let max =
                self.fraction(range, "max")?
                    .unwrap_or(if min < 1.0 { 1.0 } else { min * 2.0 });
            return match min < max {
                true => Ok(Kind::Fraction {
                    min,
                    max,
                    number_type,
                }),
                false => self.place.fault("'max' of 'range' is not above 'min'"),
            };
        }
        let (least, greatest) = match number_type {
            NumberType::Time => (0, 86_400_000),
            NumberType::Date => (0, 100_000),
            NumberType::Timestamp => (0, 4_000_000_000_000),
            NumberType::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let min = self.whole(range, "min")?.unwrap_or(least);
        let max = self.whole(range, "max")?.unwrap_or(greatest);
        let fits = i32::try_from(min).is_ok() && i32::try_from(max).is_ok();
        if number_type == NumberType::Int32 && !fits {
            return self.place.fault("'range' goes beyond 32 bits");
        }
        match min < max {
            true => Ok(Kind::Whole {
                min,
                max,
                number_type,
            }),
            false => self.place.fault("'max' of 'range' is not above 'min'"),
        }
    }

    pub(crate) fn decimal(&self, scale: i32, precision: u64) -> Outcome<Kind> {
        let number_type = NumberType::Decimal { scale };
        let unscaled = |number: f64| number * 10f64.powi(scale);
        // 18 digits fit 64 bits.
        let greatest = 10f64.powi(precision.min(18) as i32);
        let range = self.get("range").unwrap_or(&Json::Null);
        let min = self.fraction(range, "min")?.map_or(0.0, unscaled);
        let max = self.fraction(range, "max")?.map_or(greatest, unscaled);
        match min < max {
            true => Ok(Kind::Fraction {
                min,
                max,
                number_type,
            }),
            false => self.place.fault("'max' of 'range' is not above 'min'"),
        }
    }

    pub(crate) fn text(&self, count: i64) -> Outcome<Kind> {
        if let Some(iteration) = self.iteration(NumberType::Text, count)? {
            return Ok(iteration);
        }
        let part = |name| {
            self.get(name)
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_string()
        };
        let text = match self.get("regex") {
            None => Text::Letters(self.length(self.text_bound())?),
            Some(Json::String(regex)) => {
                Text::Regex(Regex::parse(regex).or_else(|why| self.place.fault(why))?)
            }
            Some(_) => return self.place.fault("'regex' is no text"),
        };
        Ok(Kind::Text {
            text,
            prefix: part("prefix"),
            suffix: part("suffix"),
        })
    }

    pub(crate) fn length(&self, bound: usize) -> Outcome<Length> {
        let length = match self.get("length") {
            None => return Ok(DEFAULT_LENGTH),
            Some(number) if number.is_number() => {
                let whole = number.as_i64();
                (whole, whole)
            }
            Some(object) => {
                let min = self.whole(object, "min")?.unwrap_or(0);
                let max = self.whole(object, "max")?.unwrap_or(min.saturating_add(8));
                (Some(min), Some(max))
            }
        };
        let whole = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        match (whole(length.0), whole(length.1)) {
            (Some(min), Some(max)) if min <= max && max <= bound => Ok(Length { min, max }),
            _ => self
                .place
                .fault(format!("'length' is no length up to {bound}")),
        }
    }

    /// The longest text or bytes, if a record holds several.
    pub(crate) fn text_bound(&self) -> usize {
        MAX_TEXT_NUM_BYTES / self.place.num_values.max(1)
    }

    /// The length of an array or map, and the place of what stands in it.
    pub(crate) fn collection(&self, inner: &str) -> Outcome<(Length, Place)> {
        let length = self.length(MAX_NUM_VALUES / self.place.num_values.max(1))?;
        let mut place = self.place.inner(format!("{} {inner}", self.place.path));
        place.num_values = place.num_values.saturating_mul(length.max.max(1));
        Ok((length, place))
    }
}
