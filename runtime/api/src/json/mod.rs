//! JSON as Connect writes and reads it: Jackson's text rules over schemaless data.
