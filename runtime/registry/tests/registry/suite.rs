//! What every registry must do, run on both.

use super::{MockRegistry, RegistryClient, Server, answer_from, client};
use connect_registry::{RegistryErrorKind, SchemaDefinition, SchemaReference, SchemaType};
use std::sync::Arc;

fn definition(text: &str, references: &[(&str, &str, i32)]) -> Arc<SchemaDefinition> {
    typed(SchemaType::Avro, text, references)
}

fn typed(
    schema_type: SchemaType,
    text: &str,
    references: &[(&str, &str, i32)],
) -> Arc<SchemaDefinition> {
    Arc::new(SchemaDefinition {
        schema_type,
        text: text.into(),
        references: references
            .iter()
            .map(|&(name, subject, version)| SchemaReference {
                name: name.to_string(),
                subject: subject.to_string(),
                version,
            })
            .collect(),
    })
}

/// Runs the suite; `registry` is the one that stands behind the client.
async fn run(client: RegistryClient, registry: MockRegistry) {
    registration_and_look_up(&client).await;
    ids_and_guids(&client).await;
    latest_versions(&client, &registry).await;
    references(&client).await;
    associations(&client, &registry).await;
    one_request_for_many(&client, &registry).await;
}

async fn registration_and_look_up(client: &RegistryClient) {
    let first = definition("\"string\"", &[]);
    let error = client
        .look_up("a/b ü", &first, false, false)
        .await
        .unwrap_err();
    assert_eq!(
        *error.kind(),
        RegistryErrorKind::Status {
            status: 404,
            error_code: 40401
        }
    );
    assert!(
        error
            .to_string()
            .starts_with("Subject 'a/b ü' not found.; error code: 40401")
    );
    let registered = client.register("a/b ü", &first, false).await.unwrap();
    assert_eq!(registered.definition, first);
    let found = client.look_up("a/b ü", &first, false, false).await.unwrap();
    assert_eq!(found.id, registered.id);
    assert_eq!(found.version, Some(1));
    assert_eq!(found.subject.as_deref(), Some("a/b ü"));
    let error = client
        .look_up("a/b ü", &definition("\"int\"", &[]), true, true)
        .await
        .unwrap_err();
    assert_eq!(
        *error.kind(),
        RegistryErrorKind::Status {
            status: 404,
            error_code: 40403
        }
    );
}

async fn ids_and_guids(client: &RegistryClient) {
    for schema_type in [SchemaType::Avro, SchemaType::Protobuf, SchemaType::Json] {
        let text = format!("\"of {schema_type}\"");
        let definition = typed(schema_type, &text, &[]);
        let registered = client.register("types", &definition, true).await.unwrap();
        let id = registered.id.unwrap();
        let by_id = client.schema_by_id(id, Some("types")).await.unwrap();
        assert_eq!(by_id.definition, definition);
        assert_eq!(by_id.id, Some(id));
        let by_guid = client
            .schema_by_guid(registered.guid.unwrap())
            .await
            .unwrap();
        assert_eq!(by_guid.definition, definition);
        assert_eq!(by_guid.guid, registered.guid);
    }
    let error = client.schema_by_id(9999, None).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Schema 9999 not found; error code: 40403"),
        "{error}"
    );
    assert!(
        error.to_string().contains("check schema.registry.url"),
        "{error}"
    );
}

async fn latest_versions(client: &RegistryClient, registry: &MockRegistry) {
    let old = definition("\"old\"", &[]);
    client.register("latest", &old, false).await.unwrap();
    registry.set_metadata("latest", &[("app", "v1"), ("confluent:version", "7")]);
    client
        .register("latest", &definition("\"new\"", &[]), false)
        .await
        .unwrap();
    let latest = client.latest("latest").await.unwrap();
    assert_eq!(
        (&*latest.definition.text, latest.version),
        ("\"new\"", Some(2))
    );
    let properties = [("app".to_string(), "v1".to_string())];
    let tagged = client
        .latest_with_metadata("latest", &properties)
        .await
        .unwrap();
    assert_eq!(tagged.definition, old);
    assert_eq!(tagged.confluent_version(), Some(7));
    let properties = [("app".to_string(), "v2".to_string())];
    let error = client
        .latest_with_metadata("latest", &properties)
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert_eq!(client.version("latest", 1).await.unwrap().definition, old);
    assert_eq!(
        client.version("latest", 5).await.unwrap_err().status(),
        Some(404)
    );
}

async fn references(client: &RegistryClient) {
    let leaf = definition("\"leaf\"", &[]);
    let left = definition("\"left\"", &[("leaf.avsc", "leaf", 1)]);
    let right = definition(
        "\"right\"",
        &[("leaf.avsc", "leaf", 1), ("ring", "ring", 1)],
    );
    // It imports what imports it.
    let ring = definition("\"ring\"", &[("right", "right", 1)]);
    for (subject, definition) in [
        ("leaf", leaf),
        ("left", left),
        ("right", right),
        ("ring", ring),
    ] {
        client.register(subject, &definition, false).await.unwrap();
    }
    let root = definition("\"root\"", &[("left", "left", 1), ("right", "right", 1)]);
    let resolved = client.resolve(&root.references).await.unwrap();
    let names: Vec<&str> = resolved.iter().map(|reference| &*reference.name).collect();
    assert_eq!(names, ["leaf.avsc", "left", "ring", "right"]);
    assert_eq!(&*resolved[1].text, "\"left\"");
    // A chain that is too long to be meant.
    for link in 0..70 {
        let next = format!("chain-{}", link + 1);
        let text = format!("\"link {link}\"");
        let definition = definition(&text, &[(&next, &next, 1)]);
        client
            .register(&format!("chain-{link}"), &definition, false)
            .await
            .unwrap();
    }
    let chain = definition("\"chain\"", &[("chain-0", "chain-0", 1)]);
    let error = client.resolve(&chain.references).await.unwrap_err();
    assert_eq!(*error.kind(), RegistryErrorKind::References);
    assert!(error.to_string().contains("chain-64"), "{error}");
    assert!(!error.is_retriable());
}

async fn associations(client: &RegistryClient, registry: &MockRegistry) {
    registry.associate("topic", "key", "subject-of-keys");
    let subjects = client
        .associated_subjects(None, "topic", true)
        .await
        .unwrap();
    assert_eq!(subjects[..], ["subject-of-keys".to_string()]);
    let subjects = client
        .associated_subjects(Some("cluster"), "topic", false)
        .await
        .unwrap();
    assert!(subjects.is_empty());
}

async fn one_request_for_many(client: &RegistryClient, registry: &MockRegistry) {
    let shared = definition("\"shared\"", &[]);
    let id = client
        .register("shared", &shared, false)
        .await
        .unwrap()
        .id
        .unwrap();
    let before = registry.num_requests();
    let requests = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .schema_by_id(id, None)
                .await
                .unwrap()
                .definition
                .clone()
        })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), shared);
    }
    assert_eq!(registry.num_requests() - before, 1);
}

#[tokio::test]
async fn in_memory() {
    let client = client("mock://suite", &[]).unwrap();
    run(client, MockRegistry::of_scope("suite")).await;
}

#[tokio::test]
async fn over_http_below_a_path() {
    const BASE: &str = "/apis/ccompat/v7";
    let registry = MockRegistry::default();
    let server = Server::start({
        let registry = registry.clone();
        move |request| answer_from(&registry, BASE, request)
    })
    .await;
    let client = client(&format!("{}{BASE}", server.url), &[]).unwrap();
    run(client, registry).await;
}
