//! The variables through which a shell configures the portable wrapper.

use std::path::PathBuf;

use crate::env;

/// `off` runs compilers directly, without a cache. `verify` compiles hits as well, and compares.
pub const SWITCH: &str = "SCCFG_WRAPPER";
/// `off` does not cache linked outputs.
pub const LINKS: &str = "SCCFG_WRAPPER_LINKS";
/// The share of hits that are compiled as well and compared, such as `2%`.
pub const VERIFY: &str = "SCCFG_WRAPPER_VERIFY";
/// `off` runs each build script, without a cache.
pub const SCRIPTS: &str = "SCCFG_WRAPPER_SCRIPTS";
/// `off` never fills the target directory of a new worktree from another one, except by `sccfg seed`.
pub const SEED: &str = "SCCFG_SEED";
/// The sccache behind the wrapper.
pub const SCCACHE: &str = "SCCFG_SCCACHE";
/// How the path of registry sources in `CARGO_HOME` is handled: `shared` remaps it, so that all users
/// share the outputs; `exact` keeps it.
pub const CARGO_HOME_MODE: &str = "SCCFG_WRAPPER_HOME";
/// The wrapper's state directory, instead of the one in the user's cache directory.
pub const STATE_DIR: &str = "SCCFG_WRAPPER_DIR";
/// The file with sccfg's settings, instead of `~/.config/sccfg/config.toml`. An absolute path.
pub const CONFIG: &str = "SCCFG_CONFIG";
/// `on` or `off`: whether the local store is used, whatever the settings say.
pub const STORE: &str = "SCCFG_STORE";
/// How many seconds the compiles of one build wait in total for an sccache that does not respond.
pub const TIMEOUT: &str = "SCCFG_SCCACHE_TIMEOUT";

/// The boolean value of the variable `name`: `on`, or `off` and its equivalents `0` and `false`. `None` for any other value.
pub fn switch(name: &str) -> Option<bool> {
    match env::var(name).as_deref() {
        Some("on") => Some(true),
        Some("off" | "0" | "false") => Some(false),
        _ => None,
    }
}

/// Whether the variable `name` is `off`, as [`switch`] parses it.
pub fn is_off(name: &str) -> bool {
    switch(name) == Some(false)
}

/// The file with sccfg's settings: the variable `SCCFG_CONFIG`, or `sccfg/config.toml` in the user's directory for
/// settings. `None` without a home directory.
pub fn settings_file() -> Option<PathBuf> {
    let named = env::var_os(CONFIG).map(PathBuf::from);
    let named = named.filter(|file| file.is_absolute());
    named.or_else(|| Some(env::config_dir()?.join("sccfg").join("config.toml")))
}
