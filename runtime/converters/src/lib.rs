//! Bytes to and from Connect data: the converters of Apache Kafka, under their Java class names.
//!
//! Linking this crate registers them: [`JsonConverter`], [`StringConverter`], [`ByteArrayConverter`],
//! [`BooleanConverter`], the converters of numbers and [`SimpleHeaderConverter`]. All but the last one
//! convert keys, values and headers.

mod boolean;
mod byte_array;
mod config;
mod header;
mod json;
mod number;
pub mod registry_formats;
mod simple_header;
mod string;
mod utf8;

pub use boolean::BooleanConverter;
pub use byte_array::ByteArrayConverter;
pub use json::JsonConverter;
pub use number::{
    DoubleConverter, FloatConverter, IntegerConverter, LongConverter, ShortConverter,
};
pub use simple_header::SimpleHeaderConverter;
pub use string::StringConverter;

/// The class of the errors of Kafka's serializers.
const SERIALIZATION_EXCEPTION: &str = "org.apache.kafka.common.errors.SerializationException";

/// Registers a type as converter and as header converter.
macro_rules! register {
    ($class:literal, $converter:ty, $config_def:path) => {
        const _: () = {
            #[linkme::distributed_slice(connect_api::CONVERTERS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static CONVERTER: connect_api::ConverterPlugin = connect_api::ConverterPlugin {
                class: $class,
                version: connect_api::KAFKA_VERSION,
                config_def: $config_def,
                create: || Box::new(<$converter>::default()),
            };

            #[linkme::distributed_slice(connect_api::HEADER_CONVERTERS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static HEADER_CONVERTER: connect_api::HeaderConverterPlugin =
                connect_api::HeaderConverterPlugin {
                    class: $class,
                    version: connect_api::KAFKA_VERSION,
                    config_def: $config_def,
                    create: || Box::new($crate::header::AsHeaderConverter::<$converter>::default()),
                };
        };
    };
}
use register;
