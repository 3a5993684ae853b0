//! The plugins that are linked in, as users name them.
