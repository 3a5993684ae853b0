//! Validation of connector configurations: the settings of the framework and of the plugins.
