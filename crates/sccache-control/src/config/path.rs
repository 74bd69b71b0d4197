//! Where sccache's config file and its disk cache are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sccfg_util::env;
use sccfg_util::problem::Problem;

/// What decides where sccache's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// `SCCACHE_CONF`, `None` when unset. sccache takes an empty value as it is.
    pub conf: Option<OsString>,
    /// The config directory of `ProjectDirs::from("", "Mozilla", "sccache")`.
    pub config_dir: PathBuf,
    /// Its preference directory: another place only on macOS, and where sccache built on
    /// `directories` before 3 looked.
    pub preference_dir: PathBuf,
    /// Its cache directory.
    pub cache_dir: PathBuf,
    /// Whether there is a `config` in the config directory.
    pub in_config_dir: bool,
    /// Whether there is a `config` in the preference directory.
    pub in_preference_dir: bool,
}

impl Lookup {
    /// That of this user, by the same crate that sccache asks.
    ///
    /// # Errors
    /// When there is no home directory.
    pub fn from_environment() -> Result<Self, Problem> {
        let dirs = directories::ProjectDirs::from("", "Mozilla", "sccache").ok_or_else(|| {
            Problem::new("finding the home directory: HOME is not set").hint("set HOME")
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

/// The one config file that sccache reads (`config_file` in its `config.rs`): `SCCACHE_CONF`
/// exactly as it stands; else the config directory if there is a file; else the preference
/// directory if there is one; else the config directory.
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

/// What decided about [`user_config`], to stand behind it.
pub fn said_by(lookup: &Lookup) -> &'static str {
    match lookup.conf {
        Some(_) => ", by SCCACHE_CONF",
        None => "",
    }
}

/// Where sccache keeps its disk cache when nothing says otherwise.
pub fn default_cache_dir(lookup: &Lookup) -> PathBuf {
    lookup.cache_dir.clone()
}

/// Refuses a config file that is a link into the Nix store: `target` is where the file at `path`
/// leads. Such a file belongs to home-manager, and the next switch would bring it back anyway.
///
/// # Errors
/// When `target` is in the store, with the option to set instead.
pub fn refuse_store_link(path: &Path, target: &Path) -> Result<(), Problem> {
    if !target.starts_with("/nix/store") {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} is a symbolic link to {}, in the read-only Nix store: home-manager owns it",
        path.display(),
        target.display()
    ))
    .hint(
        "change it in your home-manager configuration, by `sccfg home --size SIZE` or \
         `programs.sccache.cache.size`, and run `home-manager switch`",
    ))
}

/// Refuses a config file in JSON, which sccache reads and sccfg does not edit.
///
/// # Errors
/// When the name ends in `.json`.
pub fn refuse_json(path: &Path) -> Result<(), Problem> {
    if !is_json(path) {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} is JSON, and sccfg edits TOML only",
        path.display()
    ))
    .hint(
        "write the same settings as TOML in a file without `.json`, and let SCCACHE_CONF name it",
    ))
}

/// Whether sccache reads the file at `path` as JSON: by its extension, in exactly this spelling.
pub fn is_json(path: &Path) -> bool {
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
    fn on_macos_the_preference_directory_counts_when_only_it_has_a_file() {
        let config = Path::new("/U/Library/Application Support/Mozilla.sccache/config");
        let preference = Path::new("/U/Library/Preferences/Mozilla.sccache/config");
        assert_eq!(user_config(&mac(false, false)), config);
        assert_eq!(user_config(&mac(true, true)), config);
        assert_eq!(user_config(&mac(false, true)), preference);
    }

    #[test]
    fn an_empty_sccache_conf_is_taken_as_it_is() {
        let lookup = Lookup {
            conf: Some(OsString::new()),
            ..mac(true, true)
        };
        assert_eq!(user_config(&lookup), Path::new(""));
    }

    #[test]
    fn a_link_into_the_store_names_the_option() {
        let path = Path::new("/home/u/.config/sccache/config");
        let store = Path::new("/nix/store/abc-home-manager-files/.config/sccache/config");
        let problem = refuse_store_link(path, store).unwrap_err();
        assert!(
            problem
                .hint
                .unwrap()
                .contains("programs.sccache.cache.size")
        );
        assert_eq!(
            refuse_store_link(path, Path::new("/home/u/dotfiles/sccache")),
            Ok(())
        );
        assert_eq!(
            refuse_store_link(path, Path::new("/nix/storehouse")),
            Ok(())
        );
    }
}
