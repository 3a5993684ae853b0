//! Values of configurations that stand elsewhere, in files, directories or the environment, and are
//! referred to as `${provider:path:key}`.
//!
//! [`ConfigTransformer`] puts the values in place of such variables, by asking the
//! [`ConfigProvider`](connect_api::ConfigProvider)s that the settings of the worker name. Linking this
//! crate registers Kafka's own three: [`FileConfigProvider`], [`DirectoryConfigProvider`] and
//! [`EnvVarConfigProvider`], the last one under Strimzi's name too.

mod allowed_paths;
mod directory;
mod environment;
mod file;
mod providers;
mod transformer;
mod variable;

pub use directory::DirectoryConfigProvider;
pub use environment::EnvVarConfigProvider;
pub use file::FileConfigProvider;
pub use transformer::{ConfigTransformer, Transformed};
pub use variable::{Variable, contains_variable, variables};

/// Registers a provider under a class name.
macro_rules! register {
    ($class:literal, $provider:ty, $config_def:path) => {
        const _: () = {
            #[linkme::distributed_slice(connect_api::CONFIG_PROVIDERS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static PROVIDER: connect_api::ConfigProviderPlugin =
                connect_api::ConfigProviderPlugin {
                    class: $class,
                    version: connect_api::KAFKA_VERSION,
                    config_def: $config_def,
                    create: || Box::new(<$provider>::default()),
                };
        };
    };
}
use register;
