//! From a record to a statement.

use super::document::SinkDocument;
use super::namespace::Namespace;
use super::topic_settings::TopicSettings;
use super::write_model::WriteModel;
use connect_api::{ConnectError, Result, SinkRecord};

/// The collection and the statement of a record; `None` if the record asks for nothing, as a tombstone
/// of a change stream does.
pub fn process(
    settings: &TopicSettings,
    record: &SinkRecord,
    now_ms: i64,
) -> Result<Option<(Namespace, WriteModel)>> {
    let mut document = SinkDocument::new(&record.record.key, &record.record.value);
    let namespace = settings.namespaces.namespace(record, &mut document);
    let write_model = write_model(settings, record, document, now_ms);
    // Java tries both and tells of the second error.
    let write_model = write_model?;
    Ok(match (namespace?, write_model) {
        (namespace, Some(write_model)) => Some((namespace, write_model)),
        (_, None) => None,
    })
}

fn write_model(
    settings: &TopicSettings,
    record: &SinkRecord,
    mut document: SinkDocument<'_>,
    now_ms: i64,
) -> Result<Option<WriteModel>> {
    if let Some(handler) = settings.cdc_handler {
        return handler.handle(&mut document);
    }
    let id_strategy = &settings.id_strategy;
    for post_processor in &settings.post_processors {
        post_processor.process(&mut document, record, id_strategy)?;
    }
    if document.value.is_present() {
        let write_model =
            settings
                .write_strategy
                .create(&mut document, record, id_strategy, now_ms);
        return write_model.map(Some).map_err(|error| {
            if error.class() == "org.apache.kafka.connect.errors.DataException" {
                return error;
            }
            ConnectError::data("Could not build the WriteModel.").with_cause(error)
        });
    }
    if !document.key.is_present() {
        return Err(ConnectError::data(
            "Invalid Sink Record neither key doc nor value doc were present",
        ));
    }
    let failed = "Could not create write model";
    let Some(strategy) = settings.delete_strategy else {
        return Err(ConnectError::data(failed).with_cause(ConnectError::data(failed)));
    };
    strategy
        .create(&mut document, record, id_strategy, now_ms)
        .map(Some)
        .map_err(|error| ConnectError::data(failed).with_cause(error))
}
