//! What a look at the server tells about a configuration.

use super::keys;
use super::settings::SinkSettings;
use super::time_series;
use super::topic_settings::TopicSettings;
use crate::client::ConnectionSettings;
use crate::config::Fault;
use crate::server_check::{Namespaced, check_permissions, greet, is_5_0, within_deadline};

const WRITE_ACTIONS: &[&str] = &["insert", "update", "remove"];
const TIME_SERIES_ACTIONS: &[&str] = &["insert", "update", "remove", "collStats"];

/// Connects and looks at versions, permissions and collections.
pub(super) async fn check_server(
    settings: &SinkSettings,
    connection: &ConnectionSettings,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let check = check(settings, connection, &mut faults);
    let checked = within_deadline(connection, check).await;
    faults.extend(checked.err());
    faults
}

async fn check(
    settings: &SinkSettings,
    connection: &ConnectionSettings,
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let (connected, hello) = greet(connection, "sink", faults).await?;
    let is_5_0 = is_5_0(&hello);
    let mut topics: Vec<&TopicSettings> = settings.known_topics().map(AsRef::as_ref).collect();
    topics.sort_by(|a, b| a.topic.cmp(&b.topic));
    for topic in topics {
        let default = &topic.namespaces.default;
        let namespace = Namespaced {
            database: &default.database,
            collection: &default.collection,
        };
        let actions = match topic.time_series {
            Some(_) => TIME_SERIES_ACTIONS,
            None => WRITE_ACTIONS,
        };
        check_permissions(&connected, namespace, actions, faults).await;
        let Some(time_series) = &topic.time_series else {
            continue;
        };
        if !is_5_0 {
            faults.push(Fault::new(
                keys::TIMESERIES_TIMEFIELD,
                "Timeseries support requires MongoDB 5.0 or newer",
            ));
        } else if faults.is_empty() && topic.namespaces.is_fixed() && settings.has_named_topics() {
            let namespace = &topic.namespaces.default;
            if let Err(error) = time_series::ensure(&connected, namespace, time_series).await {
                faults.push(Fault::new(keys::TIMESERIES_TIMEFIELD, error.message()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
