//! The field of the time of a time series.

use crate::sink::date_time::DateTimePattern;
use bson::{Bson, DateTime, Document};
use std::sync::Arc;

/// Makes a date of the field that holds the time, where it is a number or a text.
#[derive(Clone, Debug)]
pub struct TimeField {
    /// The name of the field.
    pub name: String,
    /// How texts are read.
    pub pattern: Arc<DateTimePattern>,
}

impl TimeField {
    /// Converts the field if it can; otherwise it stays, and the server decides.
    pub(super) fn convert(&self, value: &mut Document) {
        let ms = match value.get(&self.name) {
            Some(Bson::Int32(ms)) => i64::from(*ms),
            Some(Bson::Int64(ms)) => *ms,
            // Java cuts fractions off and keeps to the bounds of a long.
            Some(Bson::Double(ms)) => *ms as i64,
            Some(Bson::String(text)) => match self.pattern.to_epoch_ms(text) {
                Ok(ms) => ms,
                Err(why) => {
                    tracing::info!(
                        "The field {} is no date, so it stays as it is: {why}",
                        self.name
                    );
                    return;
                }
            },
            _ => return,
        };
        value.insert(&self.name, DateTime::from_millis(ms));
    }
}
