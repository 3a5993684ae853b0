//! Membership of a worker in its Connect group.
//!
//! [`GroupMembership`] is what a herder holds: it asks for a rejoin, says that it is alive, leaves.
//! What the group wants of the herder comes as [`GroupEvent`]s on a channel, those that need an
//! answer with a reply channel in them, so that the herder stays one loop that never waits for a
//! broker. [`GroupMember`] speaks to a real broker; [`SoloMember`] is a group of one in memory.
//!
//! The metadata and assignments of members pass through here as opaque bytes; [`protocol`] reads
//! and writes them.

mod events;
mod member;
pub mod protocol;
mod requests;
mod signals;
mod solo;

#[cfg(test)]
mod membership_suite;

pub use events::{
    GroupAssignment, GroupConfig, GroupError, GroupEvent, GroupMembership, GroupProtocol,
    MemberAssignment, MemberMetadata,
};
pub use member::GroupMember;
pub use solo::SoloMember;
