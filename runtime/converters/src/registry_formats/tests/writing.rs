use super::*;

#[tokio::test]
async fn the_frame_is_the_id_before_the_data() {
    let mut converter = words("writing-prefix", &[]);
    let bytes = bytes_of(&mut converter, "t", &schema("word"), "hello").await;
    assert_eq!(bytes, b"\0\0\0\0\x01word:hello"[..]);
    let bytes = bytes_of(&mut converter, "t", &schema("other"), "x").await;
    assert_eq!(bytes, b"\0\0\0\0\x02other:x"[..]);
    let back = read(&mut converter, "t", &bytes).await.unwrap();
    assert_eq!(back.value, Value::from("x"));
    assert_eq!(back.schema.unwrap().version(), Some(2));
}

#[tokio::test]
async fn the_frame_has_the_path_to_the_message() {
    let mut converter: IndexedWords = converter("writing-indexes", &[]);
    let bytes = bytes_of(&mut converter, "t", &schema("word"), "x").await;
    assert_eq!(bytes, b"\0\0\0\0\x01\0word:x"[..]);
    let bytes = bytes_of(&mut converter, "t", &schema("nested"), "x").await;
    assert_eq!(bytes, b"\0\0\0\0\x02\x04\x02\0nested:x"[..]);
}

#[tokio::test]
async fn the_guid_may_stand_in_a_header_once() {
    let scope = "writing-header";
    let serializer = "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer";
    let mut converter = words(scope, &[("value.schema.id.serializer", serializer)]);
    let schema = schema("word");
    let (_, bytes, mut headers) = write(&mut converter, "t", Some(&schema), &Value::from("x"))
        .await
        .unwrap();
    assert_eq!(bytes, b"word:x"[..]);
    assert_eq!(headers.len(), 1);
    assert_eq!(&*headers[0].key, "__value_schema_id");
    let frame = headers[0].value.clone().unwrap();
    assert_eq!((frame.len(), frame[0]), (17, 1));
    // An equal last header is not repeated; another one is answered by a new one.
    let mut out = BytesMut::new();
    let value = Value::from("x");
    converter
        .from_connect_data("t", &mut headers, Some(&schema), &value, &mut out)
        .unwrap();
    assert_eq!(headers.len(), 1);
    headers.push(RawHeader {
        key: "__value_schema_id".into(),
        value: None,
    });
    converter
        .from_connect_data("t", &mut headers, Some(&schema), &value, &mut out)
        .unwrap();
    assert_eq!(headers.len(), 3);
    assert_eq!(headers[2].value.as_ref(), Some(&frame));
    let message = RawMessage {
        topic: "t",
        headers: &headers,
        payload: Some(&bytes),
    };
    converter.prepare_to_connect(&[message]).await;
    assert_eq!(
        converter.to_connect_data(message).unwrap().value,
        Value::from("x")
    );
}

#[tokio::test]
async fn tombstones_ask_nobody() {
    let scope = "writing-null";
    let mut converter = words(scope, &[]);
    let optional = Schema::builder(connect_api::data::SchemaType::String)
        .name("word")
        .optional()
        .build()
        .unwrap();
    let (mut headers, mut out) = (Vec::new(), BytesMut::new());
    for schema in [None, Some(&optional)] {
        let encoded = converter
            .from_connect_data("t", &mut headers, schema, &Value::Null, &mut out)
            .unwrap();
        assert_eq!(encoded, Encoded::Null);
    }
    assert!(out.is_empty());
    assert_eq!(MockRegistry::of_scope(scope).num_requests(), 0);
    let required = schema("word");
    let error = converter
        .from_connect_data("t", &mut headers, Some(&required), &Value::Null, &mut out)
        .unwrap_err();
    assert_eq!(error.message(), "Found null value for non-optional schema");
    let defaulted = Schema::builder(connect_api::data::SchemaType::String)
        .name("word")
        .default_value("d")
        .build()
        .unwrap();
    let (encoded, bytes, _) = write(&mut converter, "t", Some(&defaulted), &Value::Null)
        .await
        .unwrap();
    assert_eq!(
        (encoded, bytes),
        (
            Encoded::Appended,
            Bytes::from_static(b"\0\0\0\0\x01word:default")
        )
    );
}

#[tokio::test]
async fn schemas_are_asked_for_once_also_if_each_record_has_its_own() {
    let scope = "writing-once";
    let registry = MockRegistry::of_scope(scope);
    let mut converter = words(scope, &[]);
    let schemas: Vec<SchemaRef> = (0..1000).map(|_| schema("word")).collect();
    let batch: Vec<(&str, Option<&SchemaRef>)> =
        schemas.iter().map(|schema| ("t", Some(schema))).collect();
    converter.prepare_from_connect(&batch).await;
    // The association of the topic and the registration.
    assert_eq!(registry.num_requests(), 2);
    for schema in &schemas {
        let mut out = BytesMut::new();
        let value = Value::from("x");
        converter
            .from_connect_data("t", &mut Vec::new(), Some(schema), &value, &mut out)
            .unwrap();
        assert_eq!(out, b"\0\0\0\0\x01word:x"[..]);
    }
    assert_eq!(registry.num_requests(), 2);
}

#[tokio::test]
async fn schemas_are_registered_in_the_order_of_their_records() {
    let scope = "writing-order";
    let mut converter = words(scope, &[]);
    let schemas: Vec<SchemaRef> = (0..20).map(|at| schema(&format!("v{at}"))).collect();
    let batch: Vec<(&str, Option<&SchemaRef>)> =
        schemas.iter().map(|schema| ("t", Some(schema))).collect();
    converter.prepare_from_connect(&batch).await;
    for (at, schema) in schemas.iter().enumerate() {
        let bytes = bytes_of(&mut converter, "t", schema, "x").await;
        assert_eq!(usize::from(bytes[4]), at + 1);
    }
}

/// The data that each choice of schema writes, with `word` as the schema of the data.
#[tokio::test]
async fn settings_choose_the_schema() {
    let scope = "writing-choice";
    let id = register(scope, "t-value", "by-id").to_string();
    let guid_id = register(scope, "t-value", "by-guid");
    register(scope, "t-value", "tagged");
    MockRegistry::of_scope(scope).set_metadata("t-value", &[("app", "v1")]);
    let latest_id = register(scope, "t-value", "word2");
    let (_, answer) = MockRegistry::of_scope(scope).answer(
        "GET",
        &["schemas", "ids", &guid_id.to_string()],
        &[],
        None,
    );
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let guid = answer["guid"].as_str().unwrap();
    let no_registration = ("auto.register.schemas", "false");
    let tagged = ("use.latest.with.metadata", "app=v1");
    let latest = ("use.latest.version", "true");
    for (entries, expected_id, expected) in [
        (
            vec![
                no_registration,
                ("use.schema.id", &*id),
                ("use.schema.guid", guid),
                latest,
            ],
            1,
            "by-id:x",
        ),
        (
            vec![no_registration, ("use.schema.guid", guid), tagged, latest],
            guid_id,
            "by-guid:x",
        ),
        (vec![no_registration, tagged, latest], 3, "tagged:x"),
        (vec![no_registration, latest], latest_id, "word2:x"),
        // Registration goes before all of them.
        (vec![("use.schema.id", &*id), latest], 5, "word:x"),
        // Now it is registered, so it can be looked up.
        (vec![no_registration], 5, "word:x"),
    ] {
        let mut converter = words(scope, &entries);
        let bytes = bytes_of(&mut converter, "t", &schema("word"), "x").await;
        assert_eq!(bytes, frame(expected_id, expected), "{entries:?}");
    }
}

#[tokio::test]
async fn a_schema_that_is_not_registered_fails_the_record() {
    let scope = "writing-lookup";
    let mut converter = words(scope, &[("auto.register.schemas", "false")]);
    let error = write(
        &mut converter,
        "t",
        Some(&schema("word")),
        &Value::from("x"),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let trace = trace(&error);
    assert_eq!(
        trace[..2],
        [
            "org.apache.kafka.connect.errors.DataException: Failed to serialize Avro data from topic t:",
            "Caused by: org.apache.kafka.common.errors.SerializationException: Error retrieving Avro \
             schema\"word\"",
        ]
    );
    assert!(
        trace[2].contains("Subject 't-value' not found.; error code: 40401 (POST mock://"),
        "{trace:?}"
    );
}

#[tokio::test]
async fn a_latest_version_must_be_able_to_read_the_data() {
    let scope = "writing-strict";
    register(scope, "t-value", "latest another");
    let entries = [
        ("auto.register.schemas", "false"),
        ("use.latest.version", "true"),
    ];
    let mut strict = words(scope, &entries);
    let error = write(&mut strict, "t", Some(&schema("word")), &Value::from("x"))
        .await
        .unwrap_err();
    assert_eq!(
        trace(&error),
        [
            "org.apache.kafka.connect.errors.DataException: Failed to serialize Avro data from topic t:",
            "Caused by: org.apache.kafka.common.errors.SerializationException: Error serializing Avro \
             message",
            "Caused by: java.io.IOException: Incompatible schema of type 'AVRO'. Set \
             latest.compatibility.strict=false to disable this check. See log file for more details.",
        ]
    );
    let mut entries = entries.to_vec();
    entries.push(("latest.compatibility.strict", "false"));
    let mut lenient = words(scope, &entries);
    assert_eq!(
        bytes_of(&mut lenient, "t", &schema("word"), "x").await,
        frame(1, "latest:x")
    );
    let entries = [("auto.register.schemas", "false"), ("use.schema.id", "1")];
    let mut by_id = words(scope, &entries);
    let error = write(&mut by_id, "t", Some(&schema("word")), &Value::from("x"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with(
            "Incompatible schema of type 'AVRO'. Set id.compatibility.strict=false to disable this \
             check"
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_latest_version_is_asked_for_again_when_it_is_old() {
    let scope = "writing-ttl";
    register(scope, "t-value", "one");
    let mut converter = words(
        scope,
        &[
            ("auto.register.schemas", "false"),
            ("use.latest.version", "true"),
            ("latest.cache.ttl.sec", "60"),
        ],
    );
    let schema = schema("word");
    assert_eq!(
        bytes_of(&mut converter, "t", &schema, "x").await,
        frame(1, "one:x")
    );
    register(scope, "t-value", "two");
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(
        bytes_of(&mut converter, "t", &schema, "x").await,
        frame(1, "one:x")
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        bytes_of(&mut converter, "t", &schema, "x").await,
        frame(2, "two:x")
    );
}

#[tokio::test]
async fn strategies_name_the_subject() {
    for (strategy, fallback, expected) in [
        ("TopicNameStrategy", "TOPIC", "t-value"),
        ("RecordNameStrategy", "TOPIC", "ns.word"),
        ("TopicRecordNameStrategy", "TOPIC", "t-ns.word"),
        ("AssociatedNameStrategy", "TOPIC", "t-value"),
        ("AssociatedNameStrategy", "RECORD", "ns.word"),
        ("AssociatedNameStrategy", "topic_record", "t-ns.word"),
    ] {
        let scope = format!("writing-subject-{strategy}-{fallback}");
        let class = format!("io.confluent.kafka.serializers.subject.{strategy}");
        let entries = [
            ("value.subject.name.strategy", class.as_str()),
            ("subject.name.strategy.fallback.type", fallback),
        ];
        let mut converter = words(&scope, &entries);
        let bytes = bytes_of(&mut converter, "t", &schema("word"), "x").await;
        let (_, subjects) = MockRegistry::of_scope(&scope).answer("GET", &["subjects"], &[], None);
        assert_eq!(subjects, format!("[\"{expected}\"]"));
        let back = read(&mut converter, "t", &bytes).await.unwrap();
        assert_eq!(back.schema.unwrap().version(), Some(1));
    }
}

#[tokio::test]
async fn only_records_have_a_name_for_the_subject() {
    let strategy = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
    let mut converter = words(
        "writing-no-record",
        &[("value.subject.name.strategy", strategy)],
    );
    let error = write(
        &mut converter,
        "t",
        Some(&schema("primitive")),
        &Value::from("x"),
    )
    .await
    .unwrap_err();
    assert_eq!(
        trace(&error)[1],
        "Caused by: org.apache.kafka.common.errors.SerializationException: In configuration \
         value.subject.name.strategy = io.confluent.kafka.serializers.subject.RecordNameStrategy, the \
         message value must only be a record schema"
    );
}

#[tokio::test]
async fn associations_go_before_the_fallback() {
    let scope = "writing-associated";
    let registry = MockRegistry::of_scope(scope);
    registry.associate("t", "value", "theirs");
    let mut converter = words(scope, &[]);
    bytes_of(&mut converter, "t", &schema("word"), "x").await;
    assert_eq!(
        registry.answer("GET", &["subjects"], &[], None).1,
        "[\"theirs\"]"
    );
    registry.associate("two", "value", "a");
    registry.associate("two", "value", "b");
    let error = write(
        &mut converter,
        "two",
        Some(&schema("word")),
        &Value::from("x"),
    )
    .await
    .unwrap_err();
    assert_eq!(
        error.cause().unwrap().message(),
        "Multiple associated subjects found for topic two"
    );
    let mut none = words(scope, &[("subject.name.strategy.fallback.type", "NONE")]);
    let error = write(&mut none, "three", Some(&schema("word")), &Value::from("x"))
        .await
        .unwrap_err();
    assert_eq!(
        error.cause().unwrap().message(),
        "No associated subject found for topic three"
    );
}

#[tokio::test]
async fn what_a_schema_imports_is_registered_before_it() {
    let scope = "writing-dependencies";
    let mut converter = words(scope, &[]);
    let bytes = bytes_of(&mut converter, "t", &schema("base-importing"), "x").await;
    assert_eq!(bytes, frame(2, "base-importing:x"));
    let (_, answer) =
        MockRegistry::of_scope(scope).answer("GET", &["schemas", "ids", "2"], &[], None);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        answer["references"],
        serde_json::json!([{"name": "base.ref", "subject": "base-subject", "version": 1}])
    );
}

#[tokio::test]
async fn errors_of_values_are_wrapped_and_errors_of_schemas_are_not() {
    let mut converter = words("writing-errors", &[]);
    let error = write(&mut converter, "t", Some(&schema("word")), &Value::Int32(1))
        .await
        .unwrap_err();
    assert_eq!(
        trace(&error),
        [
            "org.apache.kafka.connect.errors.DataException: Failed to serialize Avro data from topic t:",
            "Caused by: org.apache.kafka.common.errors.SerializationException: Error serializing Avro \
             message",
            "Caused by: org.apache.kafka.common.errors.SerializationException: not a text",
        ]
    );
    let error = write(
        &mut converter,
        "t",
        Some(&Schema::string()),
        &Value::from("x"),
    )
    .await
    .unwrap_err();
    assert_eq!(
        trace(&error),
        ["org.apache.kafka.connect.errors.DataException: a schema without a name"]
    );
}
