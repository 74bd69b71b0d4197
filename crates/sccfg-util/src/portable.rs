//! What a shell tells the portable wrapper: the names of the variables that both sides know.

use crate::env;

/// `off`: compilers are run as they are.
pub const SWITCH: &str = "SCCFG_WRAPPER";
/// `off`: what is linked is not cached.
pub const LINKS: &str = "SCCFG_WRAPPER_LINKS";
/// The real sccache.
pub const SCCACHE: &str = "SCCFG_SCCACHE";
/// Whether registries' sources may be anywhere (`shared`) or what is compiled speaks of where they
/// are (`exact`).
pub const HOME: &str = "SCCFG_WRAPPER_HOME";
/// Where the wrapper remembers things, in place of the user's cache directory.
pub const MEMORY: &str = "SCCFG_WRAPPER_DIR";

/// How many seconds the compiles of a build wait, in all, for an sccache that does not answer.
pub const TIMEOUT: &str = "SCCFG_SCCACHE_TIMEOUT";

/// Whether a shell has switched this off.
pub fn is_off(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value == "off")
}
