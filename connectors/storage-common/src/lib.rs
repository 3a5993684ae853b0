//! Partitioners, rotation, formats and object names shared by every object-store sink.
