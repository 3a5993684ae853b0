//! Change data capture: records that tell what changed in another database.

mod change_stream;
mod debezium;
mod qlik;

use super::document::SinkDocument;
use super::write_model::WriteModel;
use connect_api::Result;

/// The handlers of `change.data.capture.handler`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CdcHandler {
    /// The change events of the MongoDB source connector.
    ChangeStream,
    /// Debezium's events of MongoDB before version 2, with patches of the oplog.
    DebeziumMongoDbOplog,
    /// Debezium's events of MongoDB since version 2, from change streams.
    DebeziumMongoDbChangeStream,
    /// Debezium's events of relational databases.
    DebeziumRdbms,
    /// Qlik Replicate's events of relational databases.
    QlikRdbms,
}

impl CdcHandler {
    /// The handler of a class; `None` for one that is not known.
    pub fn from_class(class: &str) -> Option<Self> {
        Some(
            match class.strip_prefix("com.mongodb.kafka.connect.sink.cdc.")? {
                "mongodb.ChangeStreamHandler" => Self::ChangeStream,
                "debezium.mongodb.MongoDbHandler" => Self::DebeziumMongoDbOplog,
                "debezium.mongodb.ChangeStreamHandler" => Self::DebeziumMongoDbChangeStream,
                "debezium.rdbms.RdbmsHandler"
                | "debezium.rdbms.mysql.MysqlHandler"
                | "debezium.rdbms.postgres.PostgresHandler" => Self::DebeziumRdbms,
                "qlik.rdbms.RdbmsHandler" => Self::QlikRdbms,
                _ => return None,
            },
        )
    }

    /// The statement that repeats a change; `None` if the record asks for none.
    pub fn handle(self, document: &mut SinkDocument<'_>) -> Result<Option<WriteModel>> {
        match self {
            Self::ChangeStream => change_stream::handle(document),
            Self::DebeziumMongoDbOplog => debezium::mongodb::handle(document, false),
            Self::DebeziumMongoDbChangeStream => debezium::mongodb::handle(document, true),
            Self::DebeziumRdbms => debezium::rdbms::handle(document),
            Self::QlikRdbms => qlik::handle(document),
        }
    }
}
