use super::*;

fn namespace() -> Namespace {
    Namespace::new("db", "coll").unwrap()
}

async fn connection(uri: &str) -> MongoConnection {
    let options = mongodb::options::ClientOptions::parse(uri).await.unwrap();
    MongoConnection {
        write_concern: options.write_concern.clone(),
        retry_writes: options.retry_writes != Some(false),
        client: mongodb::Client::with_options(options).unwrap(),
        hosts: "mongodb://localhost".into(),
        credential_source: None,
    }
}

const LIMITS: ServerLimits = ServerLimits {
    max_document_bytes: 1000,
    max_statements: 3,
    supports_retryable_writes: true,
};

fn encoded(model: WriteModel) -> Statement {
    Statement::encode(model, &LIMITS).unwrap()
}

fn insert(id: i32) -> Statement {
    encoded(WriteModel::InsertOne {
        document: doc! {"a": 1, "_id": id},
    })
}

fn delete(id: i32) -> Statement {
    encoded(WriteModel::DeleteOne {
        filter: doc! {"_id": id},
    })
}

/// The names and sizes of the commands of a bulk write that always succeeds.
async fn commands(ordered: bool, models: Vec<Statement>) -> Vec<(String, usize)> {
    let connection = connection("mongodb://localhost/?w=0").await;
    let mut write = BulkWrite::new(namespace(), ordered, models);
    let mut number = 1;
    let mut commands = Vec::new();
    while let Some(command) = write.command(&LIMITS, &connection, &mut number).unwrap() {
        let body = Document::try_from(&command.body).unwrap();
        let name = body.keys().next().unwrap().clone();
        commands.push((name, command.members.len()));
        write.answered(&doc! {"ok": 1}).unwrap();
    }
    commands
}

#[tokio::test]
async fn ordered_statements_keep_their_order_and_unordered_ones_come_together() {
    let models = || {
        vec![
            insert(1),
            delete(2),
            insert(3),
            insert(4),
            insert(5),
            insert(6),
        ]
    };
    let named = |commands: &[(&str, usize)]| {
        commands
            .iter()
            .map(|(name, count)| (name.to_string(), *count))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        commands(true, models()).await,
        named(&[("insert", 1), ("delete", 1), ("insert", 3), ("insert", 1)])
    );
    assert_eq!(
        commands(false, models()).await,
        named(&[("insert", 3), ("insert", 2), ("delete", 1)])
    );
}

#[tokio::test]
async fn commands_are_bounded_in_bytes() {
    let models = (0..6)
        .map(|id| {
            encoded(WriteModel::InsertOne {
                document: doc! {"_id": id, "text": "x".repeat(400)},
            })
        })
        .collect();
    let sizes = commands(true, models).await;
    assert_eq!(sizes, vec![("insert".to_string(), 2); 3]);
}

#[tokio::test]
async fn an_unanswered_command_is_sent_again_under_its_number() {
    let connection = connection("mongodb://localhost/?w=majority&wtimeoutMS=5").await;
    let mut write = BulkWrite::new(namespace(), true, vec![insert(1), delete(1)]);
    let mut number = 7;
    let first = write
        .command(&LIMITS, &connection, &mut number)
        .unwrap()
        .unwrap();
    let again = write
        .command(&LIMITS, &connection, &mut number)
        .unwrap()
        .unwrap();
    assert_eq!(first.body, again.body);
    let body = Document::try_from(&first.body).unwrap();
    assert_eq!(body.get_i64("txnNumber").unwrap(), 7);
    assert_eq!(
        body.get_document("writeConcern").unwrap(),
        &doc! {"w": "majority", "wtimeout": 5_i64}
    );
    // The id stands first.
    assert_eq!(
        body.get_array("documents").unwrap()[0],
        Bson::Document(doc! {"_id": 1, "a": 1})
    );
    let stepping_down =
        doc! {"ok": 1, "writeConcernError": {"code": 189, "errmsg": "stepping down"}};
    assert_eq!(
        write.answered(&stepping_down),
        Err((189, "stepping down".to_string()))
    );
    write.answered(&doc! {"ok": 1, "n": 1}).unwrap();
    let second = write
        .command(&LIMITS, &connection, &mut number)
        .unwrap()
        .unwrap();
    assert_eq!(second.number, 8);
}

#[tokio::test]
async fn an_error_ends_an_ordered_write_only() {
    let connection = connection("mongodb://localhost/?retryWrites=false").await;
    let refused = doc! {"ok": 1, "writeErrors": [
        {"index": 1, "code": 11000, "errmsg": "E11000 duplicate key", "errInfo": {"a": 1}},
        {"index": 99, "code": 1, "errmsg": "of nothing"},
    ]};
    for ordered in [true, false] {
        let models = (0..5).map(insert).collect();
        let mut write = BulkWrite::new(namespace(), ordered, models);
        let mut number = 1;
        let command = write
            .command(&LIMITS, &connection, &mut number)
            .unwrap()
            .unwrap();
        let body = Document::try_from(&command.body).unwrap();
        assert!(!body.contains_key("txnNumber"));
        write.answered(&refused).unwrap();
        let error = StatementError {
            member: 1,
            code: 11000,
            message: "E11000 duplicate key".into(),
            details: doc! {"a": 1},
        };
        assert_eq!(write.errors, [error]);
        let next = write.command(&LIMITS, &connection, &mut number).unwrap();
        if ordered {
            assert_eq!(write.skipped, [2, 3, 4]);
            assert!(next.is_none());
        } else {
            assert!(write.skipped.is_empty());
            assert_eq!(next.unwrap().members, [3, 4]);
            assert_eq!(write.give_up(), [3, 4]);
        }
    }
}

#[test]
fn statements_that_a_server_would_misread_are_not_sent() {
    let refuse = |model: WriteModel| {
        Statement::encode(model, &LIMITS)
            .unwrap_err()
            .to_java_string()
    };
    let update = |update: Document| WriteModel::UpdateOne {
        filter: doc! {},
        update,
        upsert: true,
    };
    assert_eq!(
        refuse(update(doc! {})),
        "java.lang.IllegalArgumentException: Invalid BSON document for an update. The document may not \
         be empty."
    );
    assert_eq!(
        refuse(update(doc! {"$set": {}, "a": 1})),
        "java.lang.IllegalArgumentException: All update operators must start with '$', but 'a' does not"
    );
    assert_eq!(
        refuse(WriteModel::ReplaceOne {
            filter: doc! {},
            replacement: doc! {"$set": {}},
            upsert: true
        }),
        "java.lang.IllegalArgumentException: Field names in a replacement document can not start with \
         '$' but '$set' does"
    );
    let large = WriteModel::InsertOne {
        document: doc! {"_id": 1, "a": "x".repeat(1000)},
    };
    assert_eq!(
        refuse(large),
        "org.bson.BsonMaximumSizeExceededException: Document size of 1022 is larger than maximum of 1000."
    );
    let broken = WriteModel::InsertOne {
        document: doc! {"a\0b": 1},
    };
    assert!(refuse(broken).starts_with("org.bson.BsonSerializationException: "));
}

#[test]
fn claims_of_a_server_are_bounded() {
    let greedy = doc! {"maxBsonObjectSize": i64::MAX, "maxWriteBatchSize": -5, "setName": "rs0"};
    assert_eq!(
        ServerLimits::from_hello(&greedy),
        ServerLimits {
            max_document_bytes: 16 << 20,
            max_statements: 1,
            supports_retryable_writes: false,
        }
    );
    let router = doc! {"msg": "isdbgrid", "logicalSessionTimeoutMinutes": 30};
    assert!(ServerLimits::from_hello(&router).supports_retryable_writes);
}
