//! Logical types: Decimal, Date, Time and Timestamp.

use super::{Schema, SchemaBuilder, SchemaRef, SchemaType, Value};
use crate::error::{ConnectError, Result};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use std::fmt;

pub(super) const MS_PER_DAY: i64 = 86_400_000;

/// `java.math.BigDecimal`: an unscaled integer and the number of digits after the point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits.
    pub unscaled: BigInt,
    /// The number of digits after the point; may be negative.
    pub scale: i32,
}

impl Decimal {
    /// The name of the schema.
    pub const NAME: &'static str = "org.apache.kafka.connect.data.Decimal";
    /// The schema parameter that holds the scale.
    pub const SCALE_FIELD: &'static str = "scale";

    /// A builder for the schema of decimals with the given scale.
    pub fn builder(scale: i32) -> SchemaBuilder {
        Schema::builder(SchemaType::Bytes)
            .name(Self::NAME)
            .version(1)
            .parameter(Self::SCALE_FIELD, scale.to_string())
    }

    /// The scale that a schema asks for.
    pub fn scale_of(schema: &Schema) -> Result<i32> {
        let text = schema.parameter(Self::SCALE_FIELD).ok_or_else(|| {
            ConnectError::data("Invalid Decimal schema: scale parameter not found.")
        })?;
        text.parse().map_err(|_| {
            ConnectError::data(
                "Invalid scale parameter found in Decimal schema: scale parameter must be an integer.",
            )
        })
    }

    /// The bytes of the unscaled value: big-endian two's complement, as short as can be.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.unscaled.to_signed_bytes_be()
    }

    /// Reads the bytes of an unscaled value. Empty bytes are not a number.
    pub fn from_bytes(bytes: &[u8], scale: i32) -> Result<Self> {
        if bytes.is_empty() {
            return Err(ConnectError::data("Zero length BigInteger")
                .with_class("java.lang.NumberFormatException"));
        }
        Ok(Self {
            unscaled: BigInt::from_signed_bytes_be(bytes),
            scale,
        })
    }

    /// `Decimal.fromLogical`: checks the scale.
    pub fn to_logical_bytes(&self, schema: &Schema) -> Result<Vec<u8>> {
        let scale = Self::scale_of(schema)?;
        if self.scale != scale {
            return Err(ConnectError::data(format!(
                "Decimal value has mismatching scale for given Decimal schema. Schema has scale \
                 {scale}, value has scale {}.",
                self.scale
            )));
        }
        Ok(self.to_bytes())
    }
}

/// `BigDecimal.toString()`: plain digits, or scientific notation for small and negative scales.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return self.unscaled.fmt(f);
        }
        let digits = self.unscaled.abs().to_string();
        if self.unscaled.is_negative() {
            f.write_str("-")?;
        }
        let num_digits = digits.len() as i64;
        let adjusted = -i64::from(self.scale) + (num_digits - 1);
        if self.scale >= 0 && adjusted >= -6 {
            let point = num_digits - i64::from(self.scale);
            if point > 0 {
                let (whole, fraction) = digits.split_at(point as usize);
                return write!(f, "{whole}.{fraction}");
            }
            let zeros = "0".repeat(point.unsigned_abs() as usize);
            return write!(f, "0.{zeros}{digits}");
        }
        let (first, rest) = digits.split_at(1);
        f.write_str(first)?;
        if !rest.is_empty() {
            write!(f, ".{rest}")?;
        }
        if adjusted != 0 {
            write!(f, "E{}{adjusted}", if adjusted > 0 { "+" } else { "" })?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Decimal {
    type Err = ConnectError;

    /// `new BigDecimal(text)`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid =
            || ConnectError::data(text.to_string()).with_class("java.lang.NumberFormatException");
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => {
                let exponent = &text[at + 1..];
                // One sign at most: Rust's parser takes it, be it plus or minus.
                (&text[..at], exponent.parse::<i64>().map_err(|_| invalid())?)
            }
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.as_bytes().first() {
            Some(b'-') => (true, &mantissa[1..]),
            Some(b'+') => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(invalid());
        }
        let scale = i64::try_from(fraction.len())
            .ok()
            .and_then(|num_digits| num_digits.checked_sub(exponent))
            .ok_or_else(invalid)?;
        let mut unscaled: BigInt = digits.parse().map_err(|_| invalid())?;
        if negative {
            unscaled = -unscaled;
        }
        Ok(Self {
            unscaled,
            scale: i32::try_from(scale).map_err(|_| invalid())?,
        })
    }
}

/// The logical types whose values are `java.util.Date` or `java.math.BigDecimal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogicalType {
    /// [`Decimal`], over `BYTES`.
    Decimal,
    /// Days since the epoch, over `INT32`.
    Date,
    /// Milliseconds of the day, over `INT32`.
    Time,
    /// Milliseconds since the epoch, over `INT64`.
    Timestamp,
}

impl LogicalType {
    /// The name of the schema.
    pub const fn schema_name(self) -> &'static str {
        match self {
            Self::Decimal => Decimal::NAME,
            Self::Date => "org.apache.kafka.connect.data.Date",
            Self::Time => "org.apache.kafka.connect.data.Time",
            Self::Timestamp => "org.apache.kafka.connect.data.Timestamp",
        }
    }

    /// The logical type of a schema name.
    pub fn from_schema_name(name: &str) -> Option<Self> {
        let simple = name.strip_prefix("org.apache.kafka.connect.data.")?;
        Some(match simple {
            "Decimal" => Self::Decimal,
            "Date" => Self::Date,
            "Time" => Self::Time,
            "Timestamp" => Self::Timestamp,
            _ => return None,
        })
    }

    /// The logical type of a schema.
    pub fn of(schema: &Schema) -> Option<Self> {
        schema.name().and_then(Self::from_schema_name)
    }

    /// A schema of Date, Time or Timestamp; of Decimal with scale 0.
    pub fn schema(self, optional: bool) -> SchemaRef {
        let builder = match self {
            Self::Decimal => Decimal::builder(0),
            Self::Date | Self::Time => Schema::builder(SchemaType::Int32),
            Self::Timestamp => Schema::builder(SchemaType::Int64),
        };
        let builder = match self {
            Self::Decimal => builder,
            _ => builder.name(self.schema_name()).version(1),
        };
        let builder = if optional {
            builder.optional()
        } else {
            builder
        };
        builder
            .build()
            .expect("each attribute is set once and there is no default")
    }

    /// `fromLogical`: a `java.util.Date` to the number that is stored.
    pub fn date_to_number(self, ms: i64) -> Result<Value> {
        match self {
            Self::Date if ms.rem_euclid(MS_PER_DAY) != 0 => Err(ConnectError::data(
                "Kafka Connect Date type should not have any time fields set to non-zero values.",
            )),
            Self::Date => Ok(Value::Int32(ms.div_euclid(MS_PER_DAY) as i32)),
            Self::Time if !(0..=MS_PER_DAY).contains(&ms) => Err(ConnectError::data(
                "Kafka Connect Time type should not have any date fields set to non-zero values.",
            )),
            Self::Time => Ok(Value::Int32(ms as i32)),
            Self::Timestamp | Self::Decimal => Ok(Value::Int64(ms)),
        }
    }

    /// `toLogical`: the stored number to a `java.util.Date`.
    pub fn number_to_date(self, number: i64) -> Result<Value> {
        match self {
            Self::Date => Ok(Value::Date(number * MS_PER_DAY)),
            Self::Time if !(0..=MS_PER_DAY).contains(&number) => Err(ConnectError::data(
                "Time values must use number of milliseconds greater than 0 and less than 86400000",
            )),
            _ => Ok(Value::Date(number)),
        }
    }
}

/// The first day of the Gregorian calendar, 15 October 1582. Java counts earlier days in the Julian one.
const FIRST_GREGORIAN_DAY: i64 = -141_427;

/// Days since the epoch to year, month and day.
pub(super) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // Counted from the first of March, so that a leap day ends the year.
    let (year_from_march, day_of_year) = if days >= FIRST_GREGORIAN_DAY {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        (
            year_of_era + era * 400,
            day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100),
        )
    } else {
        let shifted = days + 719_470;
        let era = shifted.div_euclid(1_461);
        let day_of_era = shifted.rem_euclid(1_461);
        let year_of_era = (day_of_era - day_of_era / 1_460) / 365;
        (year_of_era + era * 4, day_of_era - 365 * year_of_era)
    };
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    } as u32;
    (year_from_march + i64::from(month <= 2), month, day)
}

/// Year, month (1 to 12) and day, which may lie outside the month, to days since the epoch.
pub(super) fn days_from_civil(year: i64, month: u32, day: i64) -> i64 {
    let (year, month) = (year - i64::from(month <= 2), i64::from(month));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = ((153 * month_from_march + 2) / 5).saturating_add(day - 1);
    let gregorian = {
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        (year_of_era * 365 + year_of_era / 4 - year_of_era / 100 - 719_468)
            .saturating_add(day_of_year)
            .saturating_add(era.saturating_mul(146_097))
    };
    if gregorian >= FIRST_GREGORIAN_DAY {
        return gregorian;
    }
    (year.rem_euclid(4) * 365 - 719_470)
        .saturating_add(day_of_year)
        .saturating_add(year.div_euclid(4).saturating_mul(1_461))
}

/// `java.util.Date.toString()` in UTC: `Thu Jan 01 00:00:00 UTC 1970`.
pub(super) fn fmt_java_date(ms: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = ms.div_euclid(MS_PER_DAY);
    let seconds = ms.rem_euclid(MS_PER_DAY) / 1000;
    let (year, month, day) = civil_from_days(days);
    write!(
        f,
        "{} {} {day:02} {:02}:{:02}:{:02} UTC {year}",
        WEEKDAYS[days.rem_euclid(7) as usize],
        MONTHS[month as usize - 1],
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

impl Default for Decimal {
    fn default() -> Self {
        Self {
            unscaled: BigInt::zero(),
            scale: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_that_of_big_decimal() {
        for (unscaled, scale, text) in [
            (0, 0, "0"),
            (-150, 2, "-1.50"),
            (1, 10, "1E-10"),
            (123, -2, "1.23E+4"),
            (1, 6, "0.000001"),
            (1, 7, "1E-7"),
            (5, -400, "5E+400"),
            (0, 3, "0.000"),
            (0, -3, "0E+3"),
            (12345, 5, "0.12345"),
        ] {
            let decimal = Decimal {
                unscaled: BigInt::from(unscaled),
                scale,
            };
            assert_eq!(decimal.to_string(), text);
            assert_eq!(text.parse::<Decimal>().unwrap(), decimal, "{text}");
        }
        for bad in ["", ".", "1_000", "0x10", "1f", "-", "1e", "NaN", "--1"] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_reject_time_of_day_and_times_reject_days() {
        assert_eq!(
            LogicalType::Date.date_to_number(-MS_PER_DAY).unwrap(),
            Value::Int32(-1)
        );
        assert!(LogicalType::Date.date_to_number(1).is_err());
        assert_eq!(
            LogicalType::Time.date_to_number(MS_PER_DAY).unwrap(),
            Value::Int32(86_400_000)
        );
        assert!(LogicalType::Time.date_to_number(MS_PER_DAY + 1).is_err());
        assert_eq!(
            LogicalType::Timestamp.date_to_number(-1).unwrap(),
            Value::Int64(-1)
        );
    }

    #[test]
    fn dates_print_like_java_util_date() {
        assert_eq!(Value::Date(0).to_string(), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(
            Value::Date(1_357_020_000_000).to_string(),
            "Tue Jan 01 06:00:00 UTC 2013"
        );
        assert_eq!(Value::Date(-1).to_string(), "Wed Dec 31 23:59:59 UTC 1969");
    }
}
