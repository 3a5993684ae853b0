//! JSON Schema to and from Connect data, mapped as Confluent's JsonSchemaData maps them.
