//! The files that every schema may import without a reference.

use crate::definition::{FieldDefinition, FileDefinition, MessageDefinition};
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;

/// Where the option with Confluent's parameters of a field is declared.
pub(crate) const META_IMPORT: &str = "confluent/meta.proto";

macro_rules! files {
    ($($import:literal => $file:literal),* $(,)?) => {
        &[$(($import, include_str!(concat!("known/", $file)))),*]
    };
}

/// Import names and texts, without what neither bytes nor Connect schemas depend on.
static TEXTS: &[(&str, &str)] = files! {
    "confluent/meta.proto" => "confluent_meta.proto",
    "confluent/type/decimal.proto" => "confluent_decimal.proto",
    "confluent/type/variant.proto" => "confluent_variant.proto",
    "google/type/calendar_period.proto" => "calendar_period.proto",
    "google/type/color.proto" => "color.proto",
    "google/type/date.proto" => "date.proto",
    "google/type/datetime.proto" => "datetime.proto",
    "google/type/dayofweek.proto" => "dayofweek.proto",
    "google/type/decimal.proto" => "decimal.proto",
    "google/type/expr.proto" => "expr.proto",
    "google/type/fraction.proto" => "fraction.proto",
    "google/type/interval.proto" => "interval.proto",
    "google/type/latlng.proto" => "latlng.proto",
    "google/type/money.proto" => "money.proto",
    "google/type/month.proto" => "month.proto",
    "google/type/phone_number.proto" => "phone_number.proto",
    "google/type/postal_address.proto" => "postal_address.proto",
    "google/type/quaternion.proto" => "quaternion.proto",
    "google/type/timeofday.proto" => "timeofday.proto",
};

/// Files that come with the library.
static DESCRIBED: &[&str] = &[
    "google/protobuf/any.proto",
    "google/protobuf/api.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/source_context.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/type.proto",
    "google/protobuf/wrappers.proto",
];

/// Whether an import is known everywhere, so that `skip.known.types` needs no reference for it.
pub fn is_known_import(import: &str) -> bool {
    DESCRIBED.contains(&import) || TEXTS.iter().any(|(known, _)| *known == import)
}

/// A known file.
pub(crate) enum KnownFile {
    Text(&'static str),
    Descriptor(Box<FileDescriptorProto>),
}

pub(crate) fn known_file(import: &str) -> Option<KnownFile> {
    if let Some((_, text)) = TEXTS.iter().find(|(known, _)| *known == import) {
        return Some(KnownFile::Text(text));
    }
    if !DESCRIBED.contains(&import) {
        return None;
    }
    let file = DescriptorPool::global().get_file_by_name(import)?;
    Some(KnownFile::Descriptor(Box::new(
        file.file_descriptor_proto().clone(),
    )))
}

/// The import of a message that Connect schemas are mapped to.
pub(crate) fn import_of(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "confluent.type.Decimal" => "confluent/type/decimal.proto",
        "confluent.type.Variant" => "confluent/type/variant.proto",
        "google.type.Date" => "google/type/date.proto",
        "google.type.TimeOfDay" => "google/type/timeofday.proto",
        "google.protobuf.Timestamp" => "google/protobuf/timestamp.proto",
        _ if is_wrapper(type_name) => "google/protobuf/wrappers.proto",
        _ => return None,
    })
}

const WRAPPERS: [(&str, &str); 9] = [
    ("DoubleValue", "double"),
    ("FloatValue", "float"),
    ("Int64Value", "int64"),
    ("UInt64Value", "uint64"),
    ("Int32Value", "int32"),
    ("UInt32Value", "uint32"),
    ("BoolValue", "bool"),
    ("StringValue", "string"),
    ("BytesValue", "bytes"),
];

/// Whether a message wraps one scalar.
pub(crate) fn is_wrapper(full_name: &str) -> bool {
    full_name
        .strip_prefix("google.protobuf.")
        .is_some_and(|name| WRAPPERS.iter().any(|(wrapper, _)| *wrapper == name))
}

/// The file of the wrappers as it is registered for keys and values that are mere scalars.
pub(crate) fn wrappers_definition() -> FileDefinition {
    FileDefinition {
        package: Some("google.protobuf".to_string()),
        imports: Vec::new(),
        options: [
            r#"java_package = "com.google.protobuf""#,
            r#"java_outer_classname = "WrappersProto""#,
            "java_multiple_files = true",
            r#"go_package = "google.golang.org/protobuf/types/known/wrapperspb""#,
            "cc_enable_arenas = true",
            r#"objc_class_prefix = "GPB""#,
            r#"csharp_namespace = "Google.Protobuf.WellKnownTypes""#,
        ]
        .map(str::to_string)
        .to_vec(),
        messages: WRAPPERS
            .map(|(name, scalar)| MessageDefinition {
                name: name.to_string(),
                fields: vec![FieldDefinition {
                    label: None,
                    type_name: scalar.to_string(),
                    name: "value".to_string(),
                    number: 1,
                    params: Vec::new(),
                    options: vec![r#"json_name = "value""#.to_string()],
                }],
                ..MessageDefinition::default()
            })
            .into(),
    }
}
