//! How the process ends.

use std::process::ExitCode;

/// The ways to end, with the codes of Connect's own commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Stopped on request, or done.
    Success = 0,
    /// The command line is wrong, what was asked for failed, or the worker failed after its start.
    Usage = 1,
    /// The worker could not be started.
    Startup = 2,
    /// A connector of a standalone worker could not be started.
    Connector = 3,
    /// `dovetail diff --exit-code` has found differences.
    Differences = 4,
    /// A second signal came while the worker was stopping.
    Interrupted = 130,
}

impl Exit {
    /// What was asked for failed, or the worker failed after its start.
    pub const FAILURE: Self = Self::Usage;
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
