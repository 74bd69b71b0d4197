//! S035: variables that are part of every key, and change nothing that rustc does.

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use crate::cargo_config::is_in_the_key;
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S035",
    name: "variables that change every key",
    why: "sccache's keys contain every CARGO_* variable: a shell that lacks it, or has another value, shares \
          no unit",
    find,
};

/// Beginnings of names that concern cargo alone, not rustc. A profile is a choice of what is compiled.
const OF_CARGO: [&str; 11] = [
    "CARGO_ALIAS_",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_CACHE_",
    "CARGO_HTTP_",
    "CARGO_INSTALL_ROOT",
    "CARGO_LOG",
    "CARGO_NET_",
    "CARGO_REGISTRY_",
    "CARGO_TARGET_DIR",
    "CARGO_TERM_",
];

fn find(context: &Context) -> Vec<Finding> {
    if !context.uses_sccache || context.is_portable() {
        return Vec::new();
    }
    let is_of_cargo = |name: &str| OF_CARGO.iter().any(|prefix| name.starts_with(prefix));
    let variables =
        env::vars_where(|name| is_in_the_key(name) && (is_of_cargo(name) || name == "CARGO_HOME"));
    let mut names: Vec<String> = variables
        .into_iter()
        .filter(|(name, value)| {
            // The same for all projects of a user, unless it is in the project.
            name != "CARGO_HOME" || context.is_in_worktree(value)
        })
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.into_iter().map(finding).collect()
}

fn finding(name: String) -> Finding {
    let what = format!("{name} is set, and is part of the key of every unit");
    let remedy = if name.starts_with("CARGO_REGISTRY_") {
        Remedy::Words(
            "unset it where nothing is published; `cargo login` stores a token in a file"
                .to_owned(),
        )
    } else if name == "CARGO_HOME" {
        Remedy::Words(
            "use one CARGO_HOME for all projects: the default, or a directory outside of them"
                .to_owned(),
        )
    } else if let Some(key) = config_key(&name) {
        Remedy::Words(format!(
            "unset it, and set `{key}` in cargo's configuration, which changes no key"
        ))
    } else {
        Remedy::Command(format!("unset {name}"))
    };
    Finding::warning(what, remedy).at(Where::Variable(name))
}

/// `term.color` for `CARGO_TERM_COLOR`.
fn config_key(name: &str) -> Option<String> {
    if name == "CARGO_TARGET_DIR" {
        return Some("build.target-dir".to_owned());
    }
    let (table, key) = name.strip_prefix("CARGO_")?.split_once('_')?;
    let is_table = ["BUILD", "HTTP", "NET", "TERM"].contains(&table);
    is_table.then(|| {
        let (table, key) = (table.to_lowercase(), key.to_lowercase());
        format!("{table}.{}", key.replace('_', "-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_keys_in_cargos_configuration() {
        assert_eq!(
            config_key("CARGO_TERM_COLOR").as_deref(),
            Some("term.color")
        );
        assert_eq!(
            config_key("CARGO_NET_GIT_FETCH_WITH_CLI").as_deref(),
            Some("net.git-fetch-with-cli")
        );
        assert_eq!(config_key("CARGO_LOG"), None);
        assert_eq!(config_key("CARGO_ALIAS_B"), None);
    }
}
