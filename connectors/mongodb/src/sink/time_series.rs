//! Collections of time series.

use super::namespace::Namespace;
use super::topic_settings::TimeSeries;
use crate::client::{MongoConnection, code_of, is_retriable, to_connect_error};
use bson::{Document, doc};
use connect_api::{ConnectError, Result};
use mongodb::error::Error;

const NAMESPACE_EXISTS: i32 = 48;
const UNAUTHORIZED: i32 = 13;
const NAMESPACE_NOT_FOUND: i32 = 26;

/// Creates the collection if it is not there. One that is there must be of time series.
pub(super) async fn ensure(
    connection: &MongoConnection,
    namespace: &Namespace,
    time_series: &TimeSeries,
) -> Result<()> {
    let database = connection.client.database(&namespace.database);
    let failed = |error: &Error| {
        let what = format!("Failed to create collection for: `{namespace}`");
        if is_retriable(error) {
            return to_connect_error(&what, error);
        }
        let detail = to_connect_error("", error);
        let detail = detail.message().trim_start_matches(": ");
        let because = match code_of(error) {
            Some(UNAUTHORIZED) => {
                " Unauthorized, user does not have the correct permissions to check for and create the \
                 collection."
            }
            _ => "",
        };
        ConnectError::config(format!("{what}.{because} {detail}"))
    };
    let statistics = match statistics(connection, namespace).await {
        Ok(statistics) => statistics,
        // Some servers answer so where others count nothing.
        Err(error) if code_of(&error) == Some(NAMESPACE_NOT_FOUND) => Document::new(),
        Err(error) => return Err(failed(&error)),
    };
    if statistics.contains_key("timeseries") {
        return Ok(());
    }
    let num_indexes = match statistics.get("nindexes") {
        Some(bson::Bson::Int32(count)) => i64::from(*count),
        Some(bson::Bson::Int64(count)) => *count,
        Some(bson::Bson::Double(count)) => *count as i64,
        _ => 0,
    };
    if num_indexes > 0 {
        return Err(not_time_series(namespace));
    }
    match database
        .run_command(create_command(namespace, time_series))
        .await
    {
        Ok(_) => Ok(()),
        // Another task was faster.
        Err(error) if code_of(&error) == Some(NAMESPACE_EXISTS) => {
            match self::statistics(connection, namespace).await {
                Ok(statistics) if statistics.contains_key("timeseries") => Ok(()),
                Ok(_) => Err(not_time_series(namespace)),
                Err(error) => Err(failed(&error)),
            }
        }
        Err(error) => Err(failed(&error)),
    }
}

fn not_time_series(namespace: &Namespace) -> ConnectError {
    ConnectError::config(format!(
        "A collection already exists for: `{namespace}` that is not a timeseries collection."
    ))
}

async fn statistics(
    connection: &MongoConnection,
    namespace: &Namespace,
) -> Result<Document, Error> {
    connection
        .client
        .database(&namespace.database)
        .run_command(doc! {"collStats": namespace.collection.as_ref()})
        .await
}

fn create_command(namespace: &Namespace, time_series: &TimeSeries) -> Document {
    let mut options = doc! {"timeField": &time_series.time_field};
    if let Some(meta_field) = &time_series.meta_field {
        options.insert("metaField", meta_field);
    }
    if let Some(granularity) = &time_series.granularity {
        options.insert("granularity", granularity);
    }
    let mut command = doc! {
        "create": namespace.collection.as_ref(),
        "timeseries": options,
    };
    if let Some(seconds) = time_series.expire_after_s {
        command.insert("expireAfterSeconds", seconds);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_created_with_what_the_settings_say() {
        let namespace = Namespace::new("db", "coll").unwrap();
        let mut time_series = TimeSeries {
            time_field: "ts".into(),
            meta_field: None,
            granularity: None,
            expire_after_s: None,
        };
        assert_eq!(
            create_command(&namespace, &time_series),
            doc! {"create": "coll", "timeseries": {"timeField": "ts"}}
        );
        time_series.meta_field = Some("m".into());
        time_series.granularity = Some("hours".into());
        time_series.expire_after_s = Some(60);
        assert_eq!(
            create_command(&namespace, &time_series),
            doc! {
                "create": "coll",
                "timeseries": {"timeField": "ts", "metaField": "m", "granularity": "hours"},
                "expireAfterSeconds": 60_i64,
            }
        );
    }
}
