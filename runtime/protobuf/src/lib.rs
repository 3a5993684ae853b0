//! Protobuf to and from Connect data: schemas mapped as Confluent's ProtobufData maps them, and compiled plans for values.
