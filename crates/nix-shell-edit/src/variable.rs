//! The variables that sccfg sets in a shell, or removes from it.

use std::fmt;

use sccfg_util::wrapper_vars;

/// A variable that sccfg manages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Variable {
    RustcWrapper,
    CargoIncremental,
    CargoBuildIncremental,
    SccacheDir,
    SccacheCacheSize,
    SccfgSccache,
    NixCflagsLink,
}

impl Variable {
    /// Those that a shell must not set itself.
    pub(crate) const ALL: [Self; 5] = [
        Self::RustcWrapper,
        Self::CargoIncremental,
        Self::CargoBuildIncremental,
        Self::SccacheDir,
        Self::SccacheCacheSize,
    ];

    /// Those that sccfg may set.
    pub(crate) const SET: [Self; 4] = [
        Self::RustcWrapper,
        Self::SccfgSccache,
        Self::CargoIncremental,
        Self::NixCflagsLink,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RustcWrapper => "RUSTC_WRAPPER",
            Self::CargoIncremental => "CARGO_INCREMENTAL",
            // sccache refuses to compile at all when either of the two is 1.
            Self::CargoBuildIncremental => "CARGO_BUILD_INCREMENTAL",
            Self::SccacheDir => "SCCACHE_DIR",
            Self::SccacheCacheSize => "SCCACHE_CACHE_SIZE",
            // The sccache that the portable wrapper calls.
            Self::SccfgSccache => wrapper_vars::SCCACHE,
            // nixpkgs' compiler wrapper adds its value to the command line of each link.
            Self::NixCflagsLink => "NIX_CFLAGS_LINK",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .chain([Self::SccfgSccache, Self::NixCflagsLink])
            .find(|variable| variable.name() == name)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
