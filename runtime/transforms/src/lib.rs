//! The transforms and predicates of Apache Kafka, and the add-ons that configurations use most.
//!
//! Linking this crate registers them under their Java class names; nothing else is public. What they do
//! is held by outputs of the Java classes.

mod confluent;
mod debezium;
mod half;
mod jcustenborder;
mod kafka;
mod map_edit;
mod predicates;
mod requirements;
mod schema_cache;
mod settings;
mod struct_edit;

/// Registers a transform that makes no difference between key and value.
macro_rules! register {
    ($class:literal, $version:expr, $config_def:path, $create:expr) => {
        const _: () = {
            #[linkme::distributed_slice(connect_api::TRANSFORMS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static TRANSFORM: connect_api::TransformPlugin = connect_api::TransformPlugin {
                class: $class,
                version: $version,
                config_def: $config_def,
                create: || Box::new($create),
            };
        };
    };
}

/// Registers the classes `$Key` and `$Value` of a transform; `$create` makes one for a half.
macro_rules! register_halves {
    ($class:literal, $version:expr, $config_def:path, $create:path) => {
        const _: () = {
            #[linkme::distributed_slice(connect_api::TRANSFORMS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static KEY: connect_api::TransformPlugin = connect_api::TransformPlugin {
                class: concat!($class, "$Key"),
                version: $version,
                config_def: $config_def,
                create: || Box::new($create($crate::half::Half::Key)),
            };

            #[linkme::distributed_slice(connect_api::TRANSFORMS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static VALUE: connect_api::TransformPlugin = connect_api::TransformPlugin {
                class: concat!($class, "$Value"),
                version: $version,
                config_def: $config_def,
                create: || Box::new($create($crate::half::Half::Value)),
            };
        };
    };
}

/// Registers a predicate.
macro_rules! register_predicate {
    ($class:literal, $version:expr, $config_def:path, $predicate:ty) => {
        const _: () = {
            #[linkme::distributed_slice(connect_api::PREDICATES)]
            #[linkme(crate = connect_api::registry::linkme)]
            static PREDICATE: connect_api::PredicatePlugin = connect_api::PredicatePlugin {
                class: $class,
                version: $version,
                config_def: $config_def,
                create: || Box::new(<$predicate>::default()),
            };
        };
    };
}
use {register, register_halves, register_predicate};
