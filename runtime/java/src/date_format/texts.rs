//! Names of months, days, eras and zones.

use super::Locale;
use std::sync::LazyLock;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Sunday on, as Java numbers them.
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(super) const HALVES_OF_DAY: [&str; 2] = ["AM", "PM"];

impl Locale {
    pub(super) fn month(self, month: usize, long: bool) -> &'static str {
        shortened(MONTHS[month % 12], long && self == Self::English)
    }

    pub(super) fn day_of_week(self, day_of_week: i64, long: bool) -> &'static str {
        let index = (day_of_week - 1).rem_euclid(7) as usize;
        shortened(DAYS[index], long && self == Self::English)
    }

    pub(super) fn eras(self) -> [&'static str; 2] {
        match self {
            Self::Root => ["BCE", "CE"],
            Self::English => ["BC", "AD"],
        }
    }

    /// The names of eras that texts may have.
    pub(super) fn eras_to_read(self) -> impl Iterator<Item = (i64, &'static str)> {
        let long = match self {
            Self::Root => None,
            Self::English => Some(["Before Christ", "Anno Domini"]),
        };
        (0..)
            .zip(self.eras())
            .chain(long.into_iter().flat_map(|long| (0..).zip(long)))
    }
}

fn shortened(name: &'static str, long: bool) -> &'static str {
    if long { name } else { &name[..3] }
}

/// What a zone is called in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZoneNames {
    pub id: &'static str,
    /// Long and short name of the standard time, long and short name of the summer time.
    pub names: [&'static str; 4],
}

impl ZoneNames {
    pub fn name(&self, is_dst: bool, long: bool) -> &'static str {
        self.names[usize::from(is_dst) * 2 + usize::from(!long)]
    }
}

/// The zones with names, in the order in which a text is compared with them.
pub(super) fn zone_names() -> &'static [ZoneNames] {
    static NAMES: LazyLock<Vec<ZoneNames>> = LazyLock::new(|| {
        include_str!("zone_names.tsv")
            .lines()
            .filter_map(|line| {
                let mut columns = line.split('\t');
                let id = columns.next()?;
                let mut name = || columns.next();
                Some(ZoneNames {
                    id,
                    names: [name()?, name()?, name()?, name()?],
                })
            })
            .collect()
    });
    &NAMES
}

pub(super) fn names_of_zone(id: &str) -> Option<&'static ZoneNames> {
    zone_names().iter().find(|names| names.id == id)
}
