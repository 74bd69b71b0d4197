//! The variables through which a shell configures the portable wrapper.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env;
use crate::problem::Problem;

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

/// The boolean value of the variable `name`: `on` or `off`, or `1`, `true`, `0` or `false`. `None` for any other value.
pub fn switch(name: &str) -> Option<bool> {
    switch_of(&env::var(name)?)
}

fn switch_of(text: &str) -> Option<bool> {
    match text {
        "on" | "1" | "true" => Some(true),
        "off" | "0" | "false" => Some(false),
        _ => None,
    }
}

/// Whether the variable `name` is `off`, as [`switch`] parses it.
pub fn is_off(name: &str) -> bool {
    switch(name) == Some(false)
}

/// Whether [`SWITCH`] says that each hit is to be compiled as well.
pub fn verifies_all() -> bool {
    env::var(SWITCH).as_deref() == Some("verify")
}

/// The value of [`VERIFY`]: `2%` as 0.02.
pub fn share_to_verify() -> Option<f64> {
    share(&env::var(VERIFY)?)
}

fn share(text: &str) -> Option<f64> {
    let percent: f64 = text.trim().strip_suffix('%')?.trim_end().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// The value of [`CARGO_HOME_MODE`]: whether it is `shared`.
pub fn shares_cargo_home() -> Option<bool> {
    mode(&env::var(CARGO_HOME_MODE)?)
}

fn mode(text: &str) -> Option<bool> {
    match text {
        "shared" => Some(true),
        "exact" => Some(false),
        _ => None,
    }
}

/// The value of [`TIMEOUT`].
pub fn timeout() -> Option<Duration> {
    seconds(&env::var(TIMEOUT)?)
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The value of [`STATE_DIR`].
pub fn state_dir() -> Option<PathBuf> {
    let directory = env::var_os(STATE_DIR).map(PathBuf::from);
    directory.filter(|directory| directory.is_absolute())
}

/// A variable with a value that is not understood, so that the default applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The variable.
    pub name: &'static str,
    /// What to tell the user.
    pub problem: Problem,
}

/// Whether a value is understood.
type IsUnderstood<'a> = &'a dyn Fn(&str) -> bool;

/// The variables with values that are not understood. An empty value is like none.
pub fn ignored() -> Vec<Ignored> {
    let is_switch = |text: &str| switch_of(text).is_some();
    let is_absolute = |text: &str| Path::new(text).is_absolute();
    let known: [(&str, IsUnderstood<'_>, &str); 10] = [
        (
            SWITCH,
            &|text| is_switch(text) || text == "verify",
            "on, off or verify",
        ),
        (LINKS, &is_switch, "on or off"),
        (SCRIPTS, &is_switch, "on or off"),
        (SEED, &is_switch, "on or off"),
        (STORE, &is_switch, "on or off"),
        (
            VERIFY,
            &|text| share(text).is_some(),
            "a percentage, such as 2%",
        ),
        (
            CARGO_HOME_MODE,
            &|text| mode(text).is_some(),
            "shared or exact",
        ),
        (
            TIMEOUT,
            &|text| seconds(text).is_some(),
            "a number of seconds",
        ),
        (STATE_DIR, &is_absolute, "an absolute path"),
        (CONFIG, &is_absolute, "an absolute path"),
    ];
    let ignored = known
        .into_iter()
        .filter_map(|(name, is_understood, values)| {
            let value =
                env::var(name).filter(|value| !value.is_empty() && !is_understood(value))?;
            let problem = Problem::new(format!("{name}={value} is ignored"))
                .hint(format!("write {values}, or unset the variable"));
            Some(Ignored { name, problem })
        });
    ignored.collect()
}

/// The file with sccfg's settings: the variable `SCCFG_CONFIG`, or `sccfg/config.toml` in the user's directory for
/// settings. `None` without a home directory.
pub fn settings_file() -> Option<PathBuf> {
    let named = env::var_os(CONFIG).map(PathBuf::from);
    let named = named.filter(|file| file.is_absolute());
    named.or_else(|| Some(env::config_dir()?.join("sccfg").join("config.toml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!(share("2%"), Some(0.02));
        assert_eq!(share(" 0.5 % "), Some(0.005));
        assert_eq!(share("100%"), Some(1.0));
        for text in ["", "2", "-1%", "101%", "x%", "NaN%"] {
            assert_eq!(share(text), None, "{text}");
        }
    }
}
