//! Values of configurations that stand elsewhere: files, directories, the environment.
