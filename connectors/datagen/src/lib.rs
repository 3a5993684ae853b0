//! The Datagen source connector.
