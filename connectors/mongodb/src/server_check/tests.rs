use super::*;
use crate::config::Values;
use crate::scripted_server::ScriptedServer;
use connect_api::config::ConfigMap;

#[test]
fn privileges_apply_to_what_they_name() {
    for (resource, expected) in [
        (doc! {"cluster": true}, true),
        (doc! {"db": "", "collection": ""}, true),
        (doc! {"db": "", "collection": "coll"}, true),
        (doc! {"db": "db", "collection": ""}, true),
        (doc! {"db": "db", "collection": "coll"}, true),
        (doc! {"db": "admin", "collection": ""}, true),
        (doc! {"db": "db", "collection": "other"}, false),
        (doc! {"db": "other", "collection": "coll"}, false),
        (doc! {"anyResource": true}, false),
    ] {
        let privilege = doc! {"resource": resource.clone()};
        assert_eq!(
            applies(&privilege, "admin", "db", "coll"),
            expected,
            "{resource}"
        );
    }
}

#[tokio::test]
async fn missing_permissions_are_named() {
    let server = ScriptedServer::start().await;
    let status = doc! {"ok": 1, "authInfo": {
        "authenticatedUserRoles": [{"role": "r", "db": "admin"}],
        "authenticatedUserPrivileges": [
            {"resource": {"db": "db", "collection": "orders"}, "actions": ["insert"]},
        ],
    }};
    server.answer("connectionStatus", status);
    let missing = missing_of(&server).await;
    assert_eq!(missing, ["update", "remove"]);
    let roles = doc! {"ok": 1, "roles": [{"inheritedPrivileges": [
        {"resource": {"db": "", "collection": ""}, "actions": ["update", "remove"]},
    ]}]};
    server.answer("rolesInfo", roles);
    assert!(missing_of(&server).await.is_empty());
}

async fn missing_of(server: &ScriptedServer) -> Vec<&'static str> {
    let config = ConfigMap::from_iter([
        ("connection.uri", server.uri("").as_str()),
        ("topics", "orders"),
        ("database", "db"),
    ]);
    let values = crate::sink::keys::config_def().validate(&config);
    let connection = ConnectionSettings::read(Values(&values), &mut Vec::new()).unwrap();
    let connection = connection.connect("sink", None).await.unwrap();
    let namespace = Namespaced {
        database: "db",
        collection: "orders",
    };
    let actions = ["insert", "update", "remove"];
    missing_actions(&connection, "admin", namespace, &actions)
        .await
        .unwrap()
}
