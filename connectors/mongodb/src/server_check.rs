//! What both connectors look at before they accept a configuration: whether the server is there, its
//! version, and what the user may do.

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

/// Database and collection; empty where all are meant.
#[derive(Clone, Copy)]
pub(crate) struct Namespaced<'n> {
    pub(crate) database: &'n str,
    pub(crate) collection: &'n str,
}

/// Ends a check that takes too long, without a fault.
pub(crate) async fn within_deadline(
    connection: &ConnectionSettings,
    check: impl Future<Output = Result<(), Fault>>,
) -> Result<(), Fault> {
    tokio::time::timeout(DEADLINE, check).await.unwrap_or_else(|_| {
        tracing::warn!(
            "The server {} took more than {} s to answer questions about permissions and collections; \
             they are not checked",
            connection.hosts(),
            DEADLINE.as_secs()
        );
        Ok(())
    })
}

fn unable(why: &str) -> Fault {
    tracing::warn!("Validation found no server: {why}");
    Fault::new(CONNECTION_URI, "Unable to connect to the server.")
}

/// Whether a greeting is that of MongoDB 5.0 or later.
pub(crate) fn is_5_0(hello: &Document) -> bool {
    matches!(hello.get("maxWireVersion"), Some(Bson::Int32(version))
        if i64::from(*version) >= WIRE_VERSION_5_0)
}

/// Connects and exchanges greetings. `connector_type` is `sink` or `source`.
pub(crate) async fn greet(
    connection: &ConnectionSettings,
    connector_type: &str,
    faults: &mut Vec<Fault>,
) -> Result<(MongoConnection, Document), Fault> {
    let timeout = connection.connect_timeout().unwrap_or(CONNECT_TIMEOUT) + MARGIN;
    let connecting = connection.connect(connector_type, Some(timeout));
    let connected = tokio::time::timeout(timeout, connecting)
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
    if connection.has_server_api() && !is_5_0(&hello) {
        faults.push(Fault::new(
            CONNECTION_URI,
            "Server Version API requires MongoDB 5.0 or greater",
        ));
    }
    Ok((connected, hello))
}

/// Adds a fault if the user, if there is one, may not do all of this.
pub(crate) async fn check_permissions(
    connection: &MongoConnection,
    namespace: Namespaced<'_>,
    actions: &[&'static str],
    faults: &mut Vec<Fault>,
) {
    let Some(source) = &connection.credential_source else {
        return;
    };
    match missing_actions(connection, source, namespace, actions).await {
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
    namespace: Namespaced<'_>,
    actions: &[&'static str],
) -> Result<Vec<&'static str>, Error> {
    let remove_granted = |missing: &mut Vec<&'static str>, privileges: &[Bson]| {
        for privilege in privileges.iter().filter_map(Bson::as_document) {
            if applies(privilege, source, namespace.database, namespace.collection) {
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
