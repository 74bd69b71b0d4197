//! Where the files of a cache entry come from.

use super::protocol::CompileResult;

/// Where the files of an entry come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The local store; nothing was compiled.
    Store,
    /// sccache; nothing was compiled.
    Sccache,
    /// The unit was compiled.
    Compiled,
    /// The unit was compiled, and a source changed during the compile. The files are right for this build, but do not match the
    /// key, so no cache may store them.
    CompiledStale,
}

impl Origin {
    /// The origin of the files of a compile with this result.
    pub(super) fn of_compile(result: &CompileResult) -> Self {
        if result.is_stale {
            Self::CompiledStale
        } else {
            Self::Compiled
        }
    }
}
