//! The variables in a key.

use std::path::PathBuf;

use super::super::macro_effects::{self, AttributeMacros};
use super::super::package;
use super::{KeyBuilder, out_dir};
use sccfg_util::env;

/// The variables that cargo sets for a crate and that a macro may read, besides `CARGO_PKG_*`. Other variables count only if
/// the source reads them.
pub(crate) const CARGO_VARIABLES: [&str; 7] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];
/// Variables that change what clippy does. `cargo clippy` also sets them for the compiler of other packages, which ignores them.
const CLIPPY_VARIABLES: [&str; 3] = [
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "CLIPPY_DISABLE_DOCS_LINKS",
];
/// Variables that change what rustc and widely used macros do, and that dep-info does not list.
pub(crate) const OTHER_VARIABLES: [&str; 7] = [
    "DATABASE_URL",
    "RUSTC_BOOTSTRAP",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUST_TARGET_PATH",
    "SQLX_OFFLINE",
    "SQLX_OFFLINE_DIR",
    "__CARGO_DEFAULT_LIB_METADATA",
];

/// The value of a variable that is not set.
pub(crate) const UNSET: &str = "unset";

impl KeyBuilder<'_> {
    /// Adds the variables that cargo sets. Returns whether it is known which of them come from the
    /// build script.
    pub(super) fn add_variables(&mut self) -> bool {
        let named = env::var_os("OUT_DIR").map(PathBuf::from);
        let set = named.as_deref().and_then(package::set_by_build_script);
        let is_known = set.is_some() || out_dir().is_none();
        let set = set.unwrap_or_default();
        let is_clippy = self.is_clippy;
        self.add_variables_that(|name| {
            name.starts_with("CARGO_PKG_")
                || CARGO_VARIABLES.contains(&name)
                || OTHER_VARIABLES.contains(&name)
                || is_clippy && CLIPPY_VARIABLES.contains(&name)
                || set.iter().any(|variable| variable == name)
        });
        is_known
    }

    /// Adds the variables whose names `keep` accepts, in order.
    pub(super) fn add_variables_that(&mut self, keep: impl Fn(&str) -> bool) {
        for name in variables_that(keep) {
            self.add_variable(&name);
        }
    }

    pub(super) fn add_variable(&mut self, name: &str) {
        let what = format!("${name}");
        let Some(value) = env::var_os(name) else {
            return self.key.add(what, UNSET);
        };
        let value = value.as_encoded_bytes();
        let hidden = self.path_map.to_placeholders(value);
        if self.path_map.find_in(value).is_some() {
            self.path_variables.insert(name.to_owned());
        } else if hidden != value {
            self.cargo_home_variables.insert(name.to_owned());
        }
        let value = [b"=", &*hidden].concat();
        self.key.add_secret(what, &value, &self.hasher);
    }

    /// Records that a macro may use the variable `name`.
    pub(super) fn expose_variable(&mut self, name: &str) {
        if self.path_variables.contains(name) {
            self.exposed.insert(name.to_owned());
        }
        self.exposes_cargo_home |= self.cargo_home_variables.contains(name);
    }

    /// Whether the code that procedural macros generate for these attributes may ask for the path of the source: by itself, or by the
    /// call of another macro.
    pub(super) fn may_ask_for_place(&self, attributes: AttributeMacros) -> bool {
        let of_others = match attributes {
            AttributeMacros::None => return false,
            AttributeMacros::Derives => None,
            AttributeMacros::Any => Some(&self.macros.calls_of_attributes),
        };
        let mut called = of_others
            .into_iter()
            .flatten()
            .chain(&self.macros.quoted_calls);
        let asks = |name| self.macros_below.contains(name) || self.storing_below.contains(name);
        self.macros.asks_for_source || called.any(asks)
    }

    /// Whether the variable `name` is only used to include files, by the sources, by macros that they use and by included code.
    pub(super) fn only_includes(&self, name: &String) -> bool {
        let macros = &self.macros;
        let may_be_read = macros.environment.is_some() || macros.variables.contains(name);
        let is_read_by_macro = may_be_read && !self.read_by_compiler.contains(name);
        macro_effects::is_path_variable(name)
            && !macros.is_own
            && !is_read_by_macro
            && !self.generated_asks
            && !macros.paths.contains(name)
            && !self.paths.contains(name)
    }
}

/// The names of the environment's variables that `keep` accepts, sorted.
pub(crate) fn variables_that(keep: impl Fn(&str) -> bool) -> Vec<String> {
    let pairs = env::vars_where(keep).into_iter();
    let mut names: Vec<String> = pairs
        .filter_map(|(name, _)| name.into_string().ok())
        .collect();
    names.sort_unstable();
    names
}
