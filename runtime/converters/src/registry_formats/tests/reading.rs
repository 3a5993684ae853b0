use super::*;
use proptest::prelude::*;

#[tokio::test]
async fn the_version_under_the_subject_becomes_that_of_the_schema() {
    let scope = "reading-version";
    register(scope, "t-value", "first");
    let id = register(scope, "t-value", "second");
    let mut words = words(scope, &[]);
    let read = read(&mut words, "t", &frame(id, "second:hello"))
        .await
        .unwrap();
    assert_eq!(read.value, Value::from("hello"));
    let schema = read.schema.unwrap();
    assert_eq!(schema.name(), Some("second[0]"));
    assert_eq!(schema.version(), Some(2));
}

#[tokio::test]
async fn metadata_may_name_another_version() {
    let scope = "reading-confluent-version";
    let id = register(scope, "t-value", "word");
    MockRegistry::of_scope(scope).set_metadata("t-value", &[("confluent:version", "9")]);
    let mut converter = words(scope, &[]);
    let read = read(&mut converter, "t", &frame(id, "word:x"))
        .await
        .unwrap();
    assert_eq!(read.schema.unwrap().version(), Some(9));
}

#[tokio::test]
async fn an_id_that_the_subject_does_not_hold_fails_the_record() {
    let scope = "reading-foreign-id";
    let id = register(scope, "other-value", "word");
    register(scope, "t-value", "mine");
    let mut converter = words(scope, &[]);
    let error = read(&mut converter, "t", &frame(id, "word:x"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(
        trace(&error),
        [
            "org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic t to \
             Avro:",
            "Caused by: org.apache.kafka.common.errors.SerializationException: Error retrieving Avro \
             value schema version for id SchemaId{schemaType='AVRO', id=1, guid='null', \
             messageIndexes=null}",
            "Caused by: io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException: \
             Schema not found; error code: 40403 (POST \
             mock://reading-foreign-id/subjects/t-value?normalize=false&deleted=true: HTTP 404). The \
             subject does not hold this schema: register it there, set auto.register.schemas=true, or \
             check the subject name strategy",
        ]
    );
}

#[tokio::test]
async fn ids_of_a_batch_are_asked_for_once() {
    let scope = "reading-once";
    let ids = ["a", "b", "c"].map(|word| register(scope, "t-value", word));
    let registry = MockRegistry::of_scope(scope);
    let payloads: Vec<Bytes> = (0..3000)
        .map(|at| frame(ids[at % 3], &format!("{}:{at}", ["a", "b", "c"][at % 3])))
        .collect();
    let batch: Vec<RawMessage<'_>> = payloads
        .iter()
        .map(|payload| message("t", payload))
        .collect();
    let mut converter = words(scope, &[]);
    let before = registry.num_requests();
    converter.prepare_to_connect(&batch).await;
    // One association of the topic; then for each id the schema and its version.
    assert_eq!(registry.num_requests() - before, 1 + 3 * 2);
    for (at, message) in batch.iter().enumerate() {
        let read = converter.to_connect_data(*message).unwrap();
        assert_eq!(read.value, Value::from(at.to_string()));
    }
    converter.prepare_to_connect(&batch).await;
    assert_eq!(registry.num_requests() - before, 1 + 3 * 2);
}

#[tokio::test]
async fn a_header_goes_before_the_data() {
    let scope = "reading-dual";
    let id = register(scope, "t-value", "prefixed");
    register(scope, "t-value", "headed");
    let (_, answer) =
        MockRegistry::of_scope(scope).answer("GET", &["schemas", "ids", "2"], &[], None);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let guid = connect_registry::Guid::parse(answer["guid"].as_str().unwrap()).unwrap();
    let header = |key: &str, value: Option<Vec<u8>>| RawHeader {
        key: key.into(),
        value: value.map(Bytes::from),
    };
    let guid = frame::encode_frame(frame::SchemaId::Guid(guid), None);
    let payload = Bytes::from_static(b"headed:x");
    let mut converter = words(scope, &[]);
    let mut read = async |headers: &[RawHeader], payload: &Bytes| {
        let message = RawMessage {
            topic: "t",
            headers,
            payload: Some(payload),
        };
        converter.prepare_to_connect(&[message]).await;
        converter.to_connect_data(message).map(|read| read.value)
    };
    let headers = [
        header("__value_schema_id", Some(vec![9])),
        header("__value_schema_id", Some(guid.clone())),
    ];
    assert_eq!(read(&headers, &payload).await.unwrap(), Value::from("x"));
    // A header of keys, or one without a value, says nothing about values.
    let headers = [
        header("__key_schema_id", Some(guid)),
        header("__value_schema_id", None),
    ];
    let prefixed = frame(id, "prefixed:y");
    assert_eq!(read(&headers, &prefixed).await.unwrap(), Value::from("y"));
    // One that is broken is an error, even if the data begins with a frame.
    let headers = [header("__value_schema_id", Some(vec![9]))];
    let error = read(&headers, &prefixed).await.unwrap_err();
    assert_eq!(
        error.cause().unwrap().message(),
        "Error deserializing schema ID"
    );
}

#[tokio::test]
async fn data_may_have_no_frame_at_all() {
    let scope = "reading-config";
    let id = register(scope, "t-value", "word").to_string();
    let mut converter = words(
        scope,
        &[
            ("value.schema.id.deserializer", "ConfigSchemaIdDeserializer"),
            ("use.schema.id", &id),
        ],
    );
    let read = read(&mut converter, "t", &Bytes::from_static(b"word:x"))
        .await
        .unwrap();
    assert_eq!(read.value, Value::from("x"));
}

#[tokio::test]
async fn what_has_no_frame_fails_with_confluents_chain() {
    let mut converter = words("reading-magic", &[]);
    let payload = Bytes::from_static(b"{\"a\":1}");
    let error = read(&mut converter, "t", &payload).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(
        trace(&error),
        [
            "org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic t to \
             Avro:",
            "Caused by: org.apache.kafka.common.errors.SerializationException: Error deserializing \
             schema ID",
            "Caused by: java.lang.IllegalArgumentException: Unknown magic byte!",
        ]
    );
    assert_eq!(MockRegistry::of_scope("reading-magic").num_requests(), 0);
}

#[tokio::test]
async fn errors_of_bytes_are_wrapped_and_errors_of_mapping_are_not() {
    let scope = "reading-errors";
    let id = register(scope, "t-value", "word");
    let mut converter = words(scope, &[]);
    let error = read(&mut converter, "t", &frame(id, "other:x"))
        .await
        .unwrap_err();
    assert_eq!(
        trace(&error),
        [
            "org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic t to \
             Avro:",
            "Caused by: org.apache.kafka.common.errors.SerializationException: Error deserializing \
             Avro message for id SchemaId{schemaType='AVRO', id=1, guid='null', messageIndexes=null}",
            "Caused by: org.apache.kafka.common.errors.SerializationException: not of word",
        ]
    );
    let error = read(&mut converter, "t", &frame(id, "word:unmappable"))
        .await
        .unwrap_err();
    assert_eq!(
        trace(&error),
        ["org.apache.kafka.connect.errors.DataException: cannot be mapped"]
    );
}

#[tokio::test]
async fn a_schema_of_another_format_says_so() {
    let scope = "reading-type";
    let id = register_type(scope, "t-value", "word", "PROTOBUF", "[]");
    let mut converter = words(scope, &[]);
    let error = read(&mut converter, "t", &frame(id, "word:x"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with(
            "The schema is of type PROTOBUF, but this converter reads AVRO: check the class of the \
             converter"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn imports_come_innermost_first() {
    let scope = "reading-references";
    register(scope, "inner", "inner");
    let reference = |name: &str, subject: &str| {
        format!(r#"[{{"name":"{name}","subject":"{subject}","version":1}}]"#)
    };
    register_type(scope, "middle", "middle", "AVRO", &reference("in", "inner"));
    let id = register_type(
        scope,
        "t-value",
        "outer",
        "AVRO",
        &reference("mid", "middle"),
    );
    let mut converter = words(scope, &[]);
    let read = read(&mut converter, "t", &frame(id, "outer:x"))
        .await
        .unwrap();
    let names: Vec<String> = read
        .schema
        .unwrap()
        .parameters()
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(names, ["in", "mid"]);
}

#[tokio::test]
async fn message_indexes_choose_the_reader_and_the_subject() {
    let scope = "reading-indexes";
    let id = register_type(scope, "ns.word.[1, 0]", "word", "PROTOBUF", "[]");
    let strategy = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
    let mut converter: IndexedWords =
        converter(scope, &[("value.subject.name.strategy", strategy)]);
    let mut payload = frame::encode_frame(frame::SchemaId::Id(id), Some(&[1, 0]));
    payload.extend_from_slice(b"word:x");
    let read = read(&mut converter, "t", &payload.into()).await.unwrap();
    assert_eq!(read.value, Value::from("x"));
    assert_eq!(read.schema.unwrap().name(), Some("word[1, 0]"));
}

#[tokio::test]
async fn data_is_read_as_the_latest_version_if_asked() {
    let scope = "reading-latest";
    let id = register(scope, "t-value", "old");
    register(scope, "t-value", "new");
    let mut converter = words(scope, &[("use.latest.version", "true")]);
    let read = read(&mut converter, "t", &frame(id, "old:x"))
        .await
        .unwrap();
    assert_eq!(read.value, Value::from("x as new"));
    assert_eq!(read.schema.unwrap().version(), Some(1));
}

#[tokio::test]
async fn nulls_ask_nobody() {
    let scope = "reading-null";
    let mut converter = words(scope, &[]);
    let message = RawMessage {
        topic: "t",
        headers: &[],
        payload: None,
    };
    converter.prepare_to_connect(&[message]).await;
    assert_eq!(
        converter.to_connect_data(message).unwrap(),
        SchemaAndValue::NULL
    );
    assert_eq!(MockRegistry::of_scope(scope).num_requests(), 0);
}

#[test]
fn without_preparation_the_record_is_tried_again() {
    let mut converter = words("reading-unprepared", &[]);
    let payload = frame(5, "word:x");
    let error = converter
        .to_connect_data(message("t", &payload))
        .unwrap_err();
    assert!(error.is_retriable());
    assert!(
        error.to_string().contains("schema 5 of data in topic t"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        payload in proptest::collection::vec(prop_oneof![4 => 0u8..3, 1 => any::<u8>()], 0..40),
        header in proptest::option::of(proptest::collection::vec(0u8..3, 0..24)),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        register("reading-any", "t-value", "word");
        let mut converter: IndexedWords = converter("reading-any", &[]);
        let headers: Vec<RawHeader> = header
            .map(|value| RawHeader { key: "__value_schema_id".into(), value: Some(value.into()) })
            .into_iter()
            .collect();
        let payload = Bytes::from(payload);
        let message = RawMessage { topic: "t", headers: &headers, payload: Some(&payload) };
        runtime.block_on(converter.prepare_to_connect(&[message]));
        prop_assert!(converter.to_connect_data(message).is_err());
    }
}
