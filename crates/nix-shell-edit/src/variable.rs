//! The variables that sccfg sets in a shell, or keeps out of it.

use std::fmt;

use sccfg_util::wrapper_vars;

/// A variable that a dev shell must not decide by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Variable {
    RustcWrapper,
    CargoIncremental,
    CargoBuildIncremental,
    SccacheDir,
    SccacheCacheSize,
    SccfgSccache,
}

impl Variable {
    /// Those that a shell must never decide.
    pub(crate) const ALL: [Self; 5] = [
        Self::RustcWrapper,
        Self::CargoIncremental,
        Self::CargoBuildIncremental,
        Self::SccacheDir,
        Self::SccacheCacheSize,
    ];

    /// Those that may be set.
    pub(crate) const SET: [Self; 3] = [
        Self::RustcWrapper,
        Self::SccfgSccache,
        Self::CargoIncremental,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RustcWrapper => "RUSTC_WRAPPER",
            Self::CargoIncremental => "CARGO_INCREMENTAL",
            // sccache refuses to compile at all when either of the two is 1.
            Self::CargoBuildIncremental => "CARGO_BUILD_INCREMENTAL",
            Self::SccacheDir => "SCCACHE_DIR",
            Self::SccacheCacheSize => "SCCACHE_CACHE_SIZE",
            // The sccache that the portable wrapper stands in front of.
            Self::SccfgSccache => wrapper_vars::SCCACHE,
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .chain([Self::SccfgSccache])
            .find(|variable| variable.name() == name)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
