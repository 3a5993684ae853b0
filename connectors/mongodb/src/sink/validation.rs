//! What a look at the server tells about a configuration.

use super::keys;
use super::settings::SinkSettings;
use super::time_series;
use super::topic_settings::TopicSettings;
use crate::client::{ConnectionSettings, MongoConnection, to_connect_error};
use crate::config::Fault;
use crate::config::connection::CONNECTION_URI;
use bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use std::time::Duration;

/// How long a server may take to answer, unless `connectTimeoutMS` stands in the connection string.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The margin on top of it.
const MARGIN: Duration = Duration::from_millis(500);

/// How long everything may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Wire version of MongoDB 5.0.
const WIRE_VERSION_5_0: i64 = 13;

const WRITE_ACTIONS: &[&str] = &["insert", "update", "remove"];
const TIME_SERIES_ACTIONS: &[&str] = &["insert", "update", "remove", "collStats"];

/// Connects and looks at versions, permissions and collections.
pub(super) async fn check_server(
    settings: &SinkSettings,
    connection: &ConnectionSettings,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let checked = tokio::time::timeout(DEADLINE, check(settings, connection, &mut faults)).await;
    match checked {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => faults.push(fault),
        Err(_) => tracing::warn!(
            "The server {} took more than {} s to answer questions about permissions and collections; \
             they are not checked",
            connection.hosts(),
            DEADLINE.as_secs()
        ),
    }
    faults
}

fn unable(why: &str) -> Fault {
    tracing::warn!("Validation found no server: {why}");
    Fault::new(CONNECTION_URI, "Unable to connect to the server.")
}

async fn check(
    settings: &SinkSettings,
    connection: &ConnectionSettings,
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let timeout = connection.connect_timeout().unwrap_or(CONNECT_TIMEOUT) + MARGIN;
    let connected = tokio::time::timeout(timeout, connection.connect("sink", Some(timeout)))
        .await
        .map_err(|_| unable("the address was not found in time"))?
        .map_err(|error| unable(error.message()))?;
    let hello = match tokio::time::timeout(timeout, connected.hello()).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(error)) => {
            return Err(match error.kind.as_ref() {
                ErrorKind::Authentication { message, .. } => Fault::new(
                    CONNECTION_URI,
                    format!("Invalid user permissions authentication failed. {message}"),
                ),
                _ => unable(to_connect_error(&connected.hosts, &error).message()),
            });
        }
        Err(_) => return Err(unable("it did not answer in time")),
    };
    let is_5_0 = matches!(hello.get("maxWireVersion"), Some(Bson::Int32(version))
        if i64::from(*version) >= WIRE_VERSION_5_0);
    if connection.has_server_api() && !is_5_0 {
        faults.push(Fault::new(
            CONNECTION_URI,
            "Server Version API requires MongoDB 5.0 or greater",
        ));
    }
    let mut topics: Vec<&TopicSettings> = settings.known_topics().map(AsRef::as_ref).collect();
    topics.sort_by(|a, b| a.topic.cmp(&b.topic));
    for topic in topics {
        check_permissions(&connected, topic, faults).await;
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

async fn check_permissions(
    connection: &MongoConnection,
    topic: &TopicSettings,
    faults: &mut Vec<Fault>,
) {
    let Some(source) = &connection.credential_source else {
        return;
    };
    let actions = match topic.time_series {
        Some(_) => TIME_SERIES_ACTIONS,
        None => WRITE_ACTIONS,
    };
    match missing_actions(connection, source, topic, actions).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => {
            let fault = Fault::new(
                CONNECTION_URI,
                format!(
                    "Invalid user permissions. Missing the following action permissions: {}",
                    missing.join(", ")
                ),
            );
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        Err(error) => match error.kind.as_ref() {
            ErrorKind::Authentication { message, .. } => faults.push(Fault::new(
                CONNECTION_URI,
                format!("Invalid user permissions authentication failed. {message}"),
            )),
            _ => tracing::warn!(
                "Permission validation failed due to: {}",
                to_connect_error(&connection.hosts, &error).message()
            ),
        },
    }
}

async fn missing_actions(
    connection: &MongoConnection,
    source: &str,
    topic: &TopicSettings,
    actions: &[&'static str],
) -> Result<Vec<&'static str>, Error> {
    let namespace = &topic.namespaces.default;
    let remove_granted = |missing: &mut Vec<&'static str>, privileges: &[Bson]| {
        for privilege in privileges.iter().filter_map(Bson::as_document) {
            if applies(
                privilege,
                source,
                &namespace.database,
                &namespace.collection,
            ) {
                let granted = documents(privilege, "actions");
                missing.retain(|action| !granted.iter().any(|name| name.as_str() == Some(action)));
            }
        }
    };
    let mut missing = actions.to_vec();
    let status = connection
        .client
        .database(source)
        .run_command(doc! {"connectionStatus": 1, "showPrivileges": true})
        .await?;
    let Ok(info) = status.get_document("authInfo") else {
        return Ok(missing);
    };
    remove_granted(&mut missing, documents(info, "authenticatedUserPrivileges"));
    for role in documents(info, "authenticatedUserRoles")
        .iter()
        .filter_map(Bson::as_document)
    {
        if missing.is_empty() {
            break;
        }
        let (Ok(name), Ok(database)) = (role.get_str("role"), role.get_str("db")) else {
            continue;
        };
        let command = doc! {"rolesInfo": name, "showPrivileges": true, "showBuiltinRoles": true};
        let answer = connection
            .client
            .database(database)
            .run_command(command)
            .await?;
        for role in documents(&answer, "roles")
            .iter()
            .filter_map(Bson::as_document)
        {
            remove_granted(&mut missing, documents(role, "inheritedPrivileges"));
        }
    }
    Ok(missing)
}

fn documents<'d>(document: &'d Document, field: &str) -> &'d [Bson] {
    document.get_array(field).map_or(&[], Vec::as_slice)
}

/// Whether a privilege is about a collection.
fn applies(privilege: &Document, source: &str, database: &str, collection: &str) -> bool {
    let Ok(resource) = privilege.get_document("resource") else {
        return false;
    };
    if resource.get_bool("cluster").unwrap_or(false) {
        return true;
    }
    let (Ok(on_database), Ok(on_collection)) =
        (resource.get_str("db"), resource.get_str("collection"))
    else {
        return false;
    };
    let collection_fits = on_collection.is_empty() || on_collection == collection;
    (on_database.is_empty() && collection_fits)
        || (on_database == source && on_collection.is_empty())
        || (on_database == database && collection_fits)
}

#[cfg(test)]
mod tests;
