//! The settings of a repository without a policy: variables of its dev shells and of `.envrc`, and keys of its cargo
//! configuration.

use std::path::Path;

use crate::cargo_config::string_in;
use crate::doctor::Files;
use nix_shell_edit::{OwnSetting, assigned};
use sccfg_util::problem::Place;

/// The key of the wrapper in cargo's configuration.
pub(super) const WRAPPER_KEY: &str = "build.rustc-wrapper";
pub(super) const WRAPPER: &str = "RUSTC_WRAPPER";
pub(super) const INCREMENTAL: &str = "CARGO_INCREMENTAL";
pub(super) const SIZE: &str = "SCCACHE_CACHE_SIZE";
pub(super) const DIR: &str = "SCCACHE_DIR";

/// All settings, those of the dev shells first, which are `in_shells`.
pub(super) fn own(files: &Files, in_shells: Vec<OwnSetting>) -> Vec<OwnSetting> {
    let mut own = in_shells;
    let mut shell_files = files.shell_files().iter();
    if let Some(envrc) = shell_files.find(|file| file.path.ends_with(".envrc")) {
        own.extend(in_envrc(&envrc.shown, &envrc.text));
    }
    for file in &files.cargo_files {
        for (name, keys) in [
            (WRAPPER_KEY, ["build", "rustc-wrapper"]),
            (SIZE, ["env", SIZE]),
            (DIR, ["env", DIR]),
        ] {
            let found = string_in(&file.text, &file.shown, &keys);
            own.extend(found.map(|(value, place)| OwnSetting { name, value, place }));
        }
    }
    own
}

fn in_envrc(shown: &Path, text: &str) -> Vec<OwnSetting> {
    let mut offset = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let start = offset + (line.len() - line.trim_start().len());
        offset += line.len();
        (start, line)
    });
    let exported = lines.filter(|(_, line)| line.trim_start().starts_with("export "));
    exported
        .filter_map(|(start, line)| {
            let found = assigned(line)?;
            Some(OwnSetting {
                name: found.name,
                value: found.value?,
                place: Place::at(shown, text, start),
            })
        })
        .collect()
}

/// The effective wrapper: a variable overrides cargo's configuration.
pub(super) fn wrapper(own: &[OwnSetting]) -> Option<&OwnSetting> {
    named(own, WRAPPER).or_else(|| named(own, WRAPPER_KEY))
}

/// The first setting of this name.
pub(super) fn named<'o>(own: &'o [OwnSetting], name: &str) -> Option<&'o OwnSetting> {
    own.iter().find(|setting| setting.name == name)
}

/// Whether a wrapper is sccache.
pub(super) fn is_sccache(setting: &OwnSetting) -> bool {
    program(&setting.value) == Some("sccache")
}

/// The string of a value, if it is a literal.
pub(super) fn plain(value: &str) -> Option<&str> {
    let value = value.trim();
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .or_else(|| value.strip_prefix("''")?.strip_suffix("''"))
        .unwrap_or(value);
    let is_plain = |c: char| !c.is_whitespace() && !"${}()\"'`\\;".contains(c);
    (!inner.is_empty() && inner.chars().all(is_plain)).then_some(inner)
}

/// The name of the program that a value names: `"${pkgs.sccache}/bin/sccache"`, `lib.getExe pkgs.sccache`, `sccache`.
/// `None` for no program, and for an expression of another form.
pub(super) fn program(value: &str) -> Option<&str> {
    let value = value.trim().trim_matches(['"', '\'']);
    let value = match value.strip_prefix("${") {
        // `"${lib.getExe pkgs.sccache}"`
        Some(inner) => match inner.strip_suffix('}') {
            Some(inner) if inner.contains("getExe ") => inner,
            // A name, which may be bound to anything.
            Some(inner) if !inner.contains('}') => return None,
            _ => value,
        },
        None => value,
    };
    let last = match value.rsplit_once('/') {
        Some((_, last)) => last,
        None => match value.split_whitespace().collect::<Vec<_>>()[..] {
            [function, package] if function.ends_with("getExe") => {
                package.rsplit('.').next().unwrap_or(package)
            }
            [only] => only,
            _ => return None,
        },
    };
    let is_name = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    (!last.is_empty() && last.chars().all(is_name)).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_value() {
        for (value, expected) in [
            (r#""${pkgs.sccache}/bin/sccache""#, Some("sccache")),
            ("${pkgs.sccache}/bin/sccache", Some("sccache")),
            ("lib.getExe pkgs.sccache", Some("sccache")),
            (r#""${lib.getExe pkgs.kache}""#, Some("kache")),
            ("\"sccache\"", Some("sccache")),
            ("/usr/bin/mbx", Some("mbx")),
            ("\"\"", None),
            ("if isDarwin then \"\" else \"sccache\"", None),
            ("\"${wrapper}\"", None),
        ] {
            assert_eq!(program(value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_computed_is_not_plain() {
        assert_eq!(plain("\"24G\""), Some("24G"));
        assert_eq!(plain("24G"), Some("24G"));
        assert_eq!(plain("''/var/cache''"), Some("/var/cache"));
        for value in ["\"${size}\"", "$HOME/.cache", "size + \"G\"", "\"\"", ""] {
            assert_eq!(plain(value), None, "{value}");
        }
    }
}
