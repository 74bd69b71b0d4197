//! The paths of sccache's config file and disk cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sccfg_util::env;
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::problem::Problem;

/// Everything that determines the paths of sccache's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// `SCCACHE_CONF`. sccache does not treat an empty value as unset.
    pub conf: Option<OsString>,
    /// The config directory of `ProjectDirs::from("", "Mozilla", "sccache")`.
    pub config_dir: PathBuf,
    /// Its preference directory, which differs only on macOS. Older versions of sccache used it.
    pub preference_dir: PathBuf,
    /// Its cache directory.
    pub cache_dir: PathBuf,
    /// Whether the config directory contains a file `config`.
    pub in_config_dir: bool,
    /// Whether the preference directory contains a file `config`.
    pub in_preference_dir: bool,
}

impl Lookup {
    /// The paths of this user, from the crate that sccache uses.
    ///
    /// # Errors
    /// When there is no home directory.
    pub fn from_environment() -> Result<Self, Problem> {
        let dirs = directories::ProjectDirs::from("", "Mozilla", "sccache").ok_or_else(|| {
            Problem::new("could not find the home directory: HOME is not set").hint("set HOME")
        })?;
        Ok(Self {
            conf: env::var_os("SCCACHE_CONF"),
            in_config_dir: dirs.config_dir().join("config").exists(),
            in_preference_dir: dirs.preference_dir().join("config").exists(),
            config_dir: dirs.config_dir().to_owned(),
            preference_dir: dirs.preference_dir().to_owned(),
            cache_dir: dirs.cache_dir().to_owned(),
        })
    }
}

/// The one config file that sccache reads (`config_file` in its `config.rs`): `SCCACHE_CONF`;
/// otherwise `config` in the config directory, or in the preference directory if it exists only there.
///
/// ```
/// # use sccache_control::config::path::{user_config, Lookup};
/// let mut lookup = Lookup {
///     conf: None,
///     config_dir: "/home/u/.config/sccache".into(),
///     preference_dir: "/home/u/.config/sccache".into(),
///     cache_dir: "/home/u/.cache/sccache".into(),
///     in_config_dir: false,
///     in_preference_dir: false,
/// };
/// assert_eq!(user_config(&lookup), std::path::Path::new("/home/u/.config/sccache/config"));
/// lookup.conf = Some("/etc/sccache.toml".into());
/// assert_eq!(user_config(&lookup), std::path::Path::new("/etc/sccache.toml"));
/// ```
pub fn user_config(lookup: &Lookup) -> PathBuf {
    if let Some(conf) = &lookup.conf {
        return conf.into();
    }
    if !lookup.in_config_dir && lookup.in_preference_dir {
        return lookup.preference_dir.join("config");
    }
    lookup.config_dir.join("config")
}

/// What determined [`user_config`], as the end of a sentence.
pub fn origin_note(lookup: &Lookup) -> &'static str {
    match lookup.conf {
        Some(_) => ", from SCCACHE_CONF",
        None => "",
    }
}

/// sccache's default directory for its disk cache.
pub fn default_cache_dir(lookup: &Lookup) -> PathBuf {
    lookup.cache_dir.clone()
}

/// Refuses a config file that is a link into the Nix store; `target` is the target of the link at
/// `path`. home-manager manages such a file, or NixOS or nix-darwin if it is in `etc`, and the next switch would
/// restore it.
///
/// # Errors
/// When `target` is in the store, with the option to set instead.
pub fn refuse_store_link(path: &Path, target: &Path, option: &str) -> Result<(), Problem> {
    if !target.starts_with(NIX_STORE) {
        return Ok(());
    }
    let is_of_system = [path, target]
        .iter()
        .any(|file| file.components().any(|part| part.as_os_str() == "etc"));
    let (manager, switch) = if !is_of_system {
        ("home-manager", "home-manager switch")
    } else if cfg!(target_os = "macos") {
        ("nix-darwin", "darwin-rebuild switch")
    } else {
        ("NixOS", "nixos-rebuild switch")
    };
    Err(Problem::new(format!(
        "{} is a symbolic link to {}, in the read-only Nix store; {manager} manages it",
        path.display(),
        target.display()
    ))
    .hint(format!(
        "set `{option}` in your {manager} configuration, then run `{switch}`"
    )))
}

/// Refuses a JSON config file, which sccache reads and sccfg does not edit.
///
/// # Errors
/// When the name ends in `.json`.
pub(crate) fn refuse_json(path: &Path) -> Result<(), Problem> {
    if !is_json(path) {
        return Ok(());
    }
    Err(Problem::new(format!(
        "could not edit {}: sccfg does not edit JSON",
        path.display()
    ))
    .hint("convert it to TOML in a file without `.json`, and set SCCACHE_CONF to that"))
}

/// Whether sccache reads the file at `path` as JSON: its extension is `json`, in lower case.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(in_config_dir: bool, in_preference_dir: bool) -> Lookup {
        Lookup {
            conf: None,
            config_dir: "/U/Library/Application Support/Mozilla.sccache".into(),
            preference_dir: "/U/Library/Preferences/Mozilla.sccache".into(),
            cache_dir: "/U/Library/Caches/Mozilla.sccache".into(),
            in_config_dir,
            in_preference_dir,
        }
    }

    #[test]
    fn on_macos_the_preference_directory_is_used_if_only_it_has_a_file() {
        let config = Path::new("/U/Library/Application Support/Mozilla.sccache/config");
        let preference = Path::new("/U/Library/Preferences/Mozilla.sccache/config");
        assert_eq!(user_config(&mac(false, false)), config);
        assert_eq!(user_config(&mac(true, true)), config);
        assert_eq!(user_config(&mac(false, true)), preference);
    }

    #[test]
    fn an_empty_sccache_conf_is_not_unset() {
        let lookup = Lookup {
            conf: Some(OsString::new()),
            ..mac(true, true)
        };
        assert_eq!(user_config(&lookup), Path::new(""));
    }

    #[test]
    fn a_link_into_the_store_names_the_option() {
        const OPTION: &str = "programs.sccache.cache.size";
        let path = Path::new("/home/u/.config/sccache/config");
        let store = Path::new("/nix/store/abc-home-manager-files/.config/sccache/config");
        let problem = refuse_store_link(path, store, OPTION).unwrap_err();
        assert!(
            problem
                .hint
                .unwrap()
                .contains("programs.sccache.cache.size")
        );
        let system = Path::new("/etc/sccache/config");
        let problem = refuse_store_link(system, Path::new("/nix/store/abc-etc/x"), OPTION);
        let problem = problem.unwrap_err();
        assert!(
            problem.what.ends_with(if cfg!(target_os = "macos") {
                "nix-darwin manages it"
            } else {
                "NixOS manages it"
            }),
            "{problem}"
        );
        assert_eq!(
            refuse_store_link(path, Path::new("/home/u/dotfiles/sccache"), OPTION),
            Ok(())
        );
        assert_eq!(
            refuse_store_link(path, Path::new("/nix/storehouse"), OPTION),
            Ok(())
        );
    }
}
