//! Java's semantics where values of configurations rely on them: regular expressions, replacement strings, date formats.
