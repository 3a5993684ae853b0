//! All tests against real servers, in one binary: its tests share the servers of `stack::shared`.

mod architecture;
mod bad_input;
mod cluster;
mod data_plane;
mod e2e_flights;
mod gitops;
mod interop;
mod kill;
mod licences;
mod mongodb;
mod mongodb_source;
mod object_formats;
mod oracle;
mod quickstart;
mod stack_smoke;
mod standalone;
mod zookeeper;
