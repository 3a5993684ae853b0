//! The files that every schema may import without a reference.

use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;

/// The file that declares the wrapper messages.
pub(crate) const WRAPPERS_IMPORT: &str = "google/protobuf/wrappers.proto";
/// Where the option with Confluent's parameters of a field is declared.
pub(crate) const META_IMPORT: &str = "confluent/meta.proto";

macro_rules! files {
    ($($import:literal => $file:literal),* $(,)?) => {
        &[$(($import, include_str!(concat!("known/", $file)))),*]
    };
}

/// Import names and texts. Those that a mapped Connect schema may import are to the letter what Confluent
/// registers for them; the others go without what neither bytes nor Connect schemas depend on.
static TEXTS: &[(&str, &str)] = files! {
    "confluent/meta.proto" => "confluent_meta.proto",
    "confluent/type/decimal.proto" => "confluent_decimal.proto",
    "confluent/type/variant.proto" => "confluent_variant.proto",
    "google/protobuf/timestamp.proto" => "timestamp.proto",
    "google/protobuf/wrappers.proto" => "wrappers.proto",
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
    "google/protobuf/type.proto",
];

/// Whether an import is known everywhere, so that `skip.known.types` needs no reference for it.
pub fn is_known_import(import: &str) -> bool {
    DESCRIBED.contains(&import) || TEXTS.iter().any(|(known, _)| *known == import)
}

/// The text of a file that [`Encoder::imports`](crate::Encoder::imports) names, as Confluent registers it.
pub fn known_text(import: &str) -> Option<&'static str> {
    TEXTS
        .iter()
        .find(|(known, _)| *known == import)
        .map(|(_, text)| *text)
}

/// A known file.
pub(crate) enum KnownFile {
    Text(&'static str),
    Descriptor(Box<FileDescriptorProto>),
}

pub(crate) fn known_file(import: &str) -> Option<KnownFile> {
    if let Some(text) = known_text(import) {
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
        _ if is_wrapper(type_name) => WRAPPERS_IMPORT,
        _ => return None,
    })
}

const WRAPPERS: [&str; 9] = [
    "DoubleValue",
    "FloatValue",
    "Int64Value",
    "UInt64Value",
    "Int32Value",
    "UInt32Value",
    "BoolValue",
    "StringValue",
    "BytesValue",
];

/// Whether a message wraps one scalar.
pub(crate) fn is_wrapper(full_name: &str) -> bool {
    full_name
        .strip_prefix("google.protobuf.")
        .is_some_and(|name| WRAPPERS.contains(&name))
}
