//! What a look at the server tells about a configuration.

use super::settings::SourceSettings;
use crate::config::Fault;
use crate::config::connection::CONNECTION_URI;
use crate::server_check::{Namespaced, check_permissions, greet, within_deadline};
use bson::Document;

const ACTIONS: &[&str] = &["changeStream", "find"];

/// Connects and looks at versions, permissions and the kind of the server.
pub(super) async fn check_server(settings: &SourceSettings) -> Vec<Fault> {
    let mut faults = Vec::new();
    let check = check(settings, &mut faults);
    let checked = within_deadline(&settings.connection, check).await;
    faults.extend(checked.err());
    faults
}

async fn check(settings: &SourceSettings, faults: &mut Vec<Fault>) -> Result<(), Fault> {
    let (connected, hello) = greet(&settings.connection, "source", faults).await?;
    if stands_alone(&hello) {
        faults.push(Fault::new(
            CONNECTION_URI,
            "The server stands alone: change streams need a replica set or a sharded cluster. For a \
             single server, start it with --replSet and run rs.initiate() once",
        ));
    }
    let (database, collection) = settings.stream.scope.names();
    let namespace = Namespaced {
        database,
        collection,
    };
    check_permissions(&connected, namespace, ACTIONS, faults).await;
    Ok(())
}

/// Neither a member of a replica set nor the router of a cluster.
fn stands_alone(hello: &Document) -> bool {
    let says = |name| hello.get_bool(name).unwrap_or(false);
    let is_router = hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    // A set that is not initiated yet says `isreplicaset`.
    let is_member = hello.contains_key("setName") || says("isreplicaset");
    !is_router && !is_member && (says("isWritablePrimary") || says("ismaster"))
}

#[cfg(test)]
mod tests;
