//! All tests against real servers, in one binary: its tests share the servers of `stack::shared`.

mod architecture;
mod bad_input;
mod cluster;
mod coordinator;
mod data_plane;
mod e2e_flights;
mod exactly_once;
mod gitops;
mod interop;
mod kill;
mod licences;
mod mongodb;
mod mongodb_source;
mod object_formats;
mod oracle;
mod quickstart;
mod rest_clients;
mod rest_fuzz;
mod security;
mod stack_smoke;
mod standalone;
mod ui;
mod zookeeper;
