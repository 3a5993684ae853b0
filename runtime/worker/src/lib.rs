//! Task loops, conversion chain, tolerance and offset tracking.
