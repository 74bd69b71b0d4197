//! The toolchain that rustup selects, read from rustup's files. rustup is not run, because it may install a toolchain that a
//! project names.
//!
//! The order is that of `Cfg::find_active_toolchain` in rustup's `config.rs`: `RUSTUP_TOOLCHAIN`; for each directory
//! from the current one up, an override in the settings, then `rust-toolchain` or `rust-toolchain.toml`; the default.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// The known version of the format of rustup's settings.
const SETTINGS_VERSION: &str = "12";
const SETTINGS: &str = "settings.toml";
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// `~/.rustup/settings.toml`
#[derive(Deserialize)]
struct Settings {
    version: String,
    default_toolchain: Option<String>,
    default_host_triple: Option<String>,
    #[serde(default)]
    overrides: BTreeMap<PathBuf, String>,
}

/// `rust-toolchain.toml`
#[derive(Deserialize)]
struct ToolchainFile {
    toolchain: Named,
}

#[derive(Deserialize)]
struct Named {
    channel: Option<String>,
    path: Option<PathBuf>,
}

/// The toolchain that rustup selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The toolchain in this directory.
    Installed(PathBuf),
    /// A toolchain that is not installed.
    Missing,
    /// Not known without running rustup.
    Unknown,
}

/// The program `name` that rustup's proxy would run in `directory`. `None` if it is not installed, or is not known without
/// running rustup.
pub fn installed_program(name: &str, directory: &Path) -> Option<PathBuf> {
    let program = find_program(OsStr::new(name), &env::search_path())?;
    if !is_proxy(&program) {
        return Some(program);
    }
    match selected(directory) {
        Toolchain::Installed(toolchain) => program_in(&toolchain, OsStr::new(name)),
        Toolchain::Missing | Toolchain::Unknown => None,
    }
}

/// Whether the program at `path` is rustup's proxy.
pub(super) fn is_proxy(path: &Path) -> bool {
    // Only the file name of the target counts, so links in the path of the program need not be resolved.
    fsio::link_target(path).is_some_and(|real| real.file_stem() == Some(OsStr::new("rustup")))
}

/// The program `name` of the toolchain in `directory`.
pub(super) fn program_in(toolchain: &Path, name: &OsStr) -> Option<PathBuf> {
    let program = toolchain.join("bin").join(name);
    fsio::is_executable(&program).then_some(program)
}

/// The toolchain that is selected in `directory`, an absolute path.
pub(super) fn selected(directory: &Path) -> Toolchain {
    let Some(home) = home() else {
        return Toolchain::Unknown;
    };
    selected_in(&home, env::var("RUSTUP_TOOLCHAIN"), directory)
}

/// The files in which rustup looks for the toolchain to select in `directory`.
pub(super) fn selecting_files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = home().map(|home| home.join(SETTINGS)).into_iter().collect();
    for directory in directory.ancestors() {
        files.extend(TOOLCHAIN_FILES.map(|name| directory.join(name)));
    }
    files
}

fn selected_in(home: &Path, variable: Option<String>, directory: &Path) -> Toolchain {
    if let Some(name) = variable.filter(|name| !name.is_empty()) {
        // Names usually include the host. Then no settings are needed.
        let named = home.join("toolchains").join(&name);
        if named.is_dir() {
            return Toolchain::Installed(named);
        }
        return settings(home).map_or(Toolchain::Unknown, |settings| find(home, &settings, &name));
    }
    let Some(settings) = settings(home) else {
        return Toolchain::Unknown;
    };
    for directory in directory.ancestors() {
        if let Some(name) = settings.overrides.get(directory) {
            return find(home, &settings, name);
        }
        match named_by_file(directory) {
            Ok(None) => {}
            Ok(Some(Named {
                path: Some(path), ..
            })) => return Toolchain::Installed(directory.join(path)),
            Ok(Some(Named {
                channel: Some(name),
                ..
            })) => return find(home, &settings, &name),
            // The file only names components, or cannot be read.
            Ok(Some(_)) | Err(()) => return Toolchain::Unknown,
        }
    }
    match &settings.default_toolchain {
        Some(name) => find(home, &settings, name),
        None => Toolchain::Unknown,
    }
}

fn settings(home: &Path) -> Option<Settings> {
    let text = fsio::read(&home.join(SETTINGS)).ok()??;
    let settings: Settings = toml_edit::de::from_str(&text).ok()?;
    (settings.version == SETTINGS_VERSION).then_some(settings)
}

/// What the toolchain file in `directory` names, if there is one.
fn named_by_file(directory: &Path) -> Result<Option<Named>, ()> {
    for name in TOOLCHAIN_FILES {
        let Some(text) = fsio::read(&directory.join(name)).map_err(drop)? else {
            continue;
        };
        let text = text.trim();
        if name == "rust-toolchain" && text.lines().count() == 1 && !text.contains('=') {
            return Ok(Some(Named {
                channel: Some(text.to_owned()),
                path: None,
            }));
        }
        let file: ToolchainFile = toml_edit::de::from_str(text).map_err(drop)?;
        return Ok(Some(file.toolchain));
    }
    Ok(None)
}

/// The toolchain with this name, which may lack the host.
fn find(home: &Path, settings: &Settings, name: &str) -> Toolchain {
    if Path::new(name).is_absolute() {
        return Toolchain::Installed(name.into());
    }
    let toolchains = home.join("toolchains");
    let is_installed = |name: &str| toolchains.join(name).is_dir();
    if is_installed(name) {
        return Toolchain::Installed(toolchains.join(name));
    }
    // rustup's settings have the host only if the user set it.
    let is_of_host = |installed: &&String| {
        let host = installed.strip_prefix(name);
        let host = host.and_then(|rest| rest.strip_prefix('-'));
        host.is_some_and(|host| match &settings.default_host_triple {
            Some(triple) => host == triple,
            None => {
                host.starts_with(&format!("{}-", std::env::consts::ARCH))
                    && host.contains(std::env::consts::OS)
            }
        })
    };
    let names = fsio::names_in(&toolchains);
    let mut found = names.iter().filter(is_of_host);
    match (found.next(), found.next()) {
        (Some(one), None) => Toolchain::Installed(toolchains.join(one)),
        (Some(_), Some(_)) => Toolchain::Unknown,
        (None, _) => Toolchain::Missing,
    }
}

fn home() -> Option<PathBuf> {
    let set = env::var_os("RUSTUP_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    set.or_else(|| Some(env::home_dir()?.join(".rustup")))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rustup(tempfile::TempDir);

    impl Rustup {
        /// One with these toolchains, of this machine's kind, and settings.
        fn with(toolchains: &[&str], settings: &str) -> Self {
            let rustup = Self(tempfile::tempdir().unwrap());
            for name in toolchains {
                fsio::create_dir_all(&rustup.toolchain(name)).unwrap();
            }
            let settings = format!("version = \"12\"\n{settings}");
            rustup.write("settings.toml", &settings.replace('@', &Rustup::host()));
            rustup
        }

        fn host() -> String {
            format!(
                "{}-unknown-{}-gnu",
                std::env::consts::ARCH,
                std::env::consts::OS
            )
        }

        fn toolchain(&self, name: &str) -> PathBuf {
            self.0
                .path()
                .join("toolchains")
                .join(name.replace('@', &Self::host()))
        }

        fn project(&self) -> PathBuf {
            self.0.path().join("project")
        }

        fn write(&self, path: &str, text: &str) {
            fsio::replace_and_create_dir(&self.0.path().join(path), text.as_bytes()).unwrap();
        }

        fn selected(&self) -> Toolchain {
            selected_in(self.0.path(), None, &self.project().join("below"))
        }

        #[track_caller]
        fn selects(&self, name: &str) {
            assert_eq!(self.selected(), Toolchain::Installed(self.toolchain(name)));
        }
    }

    const DEFAULT: &str = "default_toolchain = \"stable-@\"\n";
    const BOTH: [&str; 2] = ["stable-@", "1.80.0-@"];

    #[test]
    fn the_nearest_toolchain_file_counts() {
        let rustup = Rustup::with(&BOTH, DEFAULT);
        rustup.selects("stable-@");
        rustup.write(
            "project/rust-toolchain.toml",
            "[toolchain]\nchannel = \"1.80.0\"\n",
        );
        rustup.selects("1.80.0-@");
        rustup.write("project/rust-toolchain", "stable\n");
        rustup.selects("stable-@");
        rustup.write(
            "project/below/rust-toolchain",
            "[toolchain]\npath = \"/opt/rust\"\n",
        );
        assert_eq!(rustup.selected(), Toolchain::Installed("/opt/rust".into()));
    }

    #[test]
    fn a_variable_and_an_override_come_first() {
        let rustup = Rustup::with(&BOTH, DEFAULT);
        let directory = rustup.project();
        rustup.write("project/rust-toolchain", "stable");
        let settings = format!(
            "version = \"12\"\n{}[overrides]\n{directory:?} = \"1.80.0\"\n",
            DEFAULT.replace('@', &Rustup::host())
        );
        rustup.write("settings.toml", &settings);
        rustup.selects("1.80.0-@");
        let selected = selected_in(rustup.0.path(), Some("stable".to_owned()), &directory);
        assert_eq!(selected, Toolchain::Installed(rustup.toolchain("stable-@")));
    }

    #[test]
    fn missing_and_unknown_toolchains_are_reported() {
        let rustup = Rustup::with(&BOTH, DEFAULT);
        rustup.write(
            "project/rust-toolchain.toml",
            "[toolchain]\nchannel = \"1.79\"\n",
        );
        assert_eq!(rustup.selected(), Toolchain::Missing);
        rustup.write(
            "project/rust-toolchain.toml",
            "[toolchain]\nprofile = \"minimal\"\n",
        );
        assert_eq!(rustup.selected(), Toolchain::Unknown);
        rustup.write("settings.toml", "version = \"99\"\n");
        assert_eq!(rustup.selected(), Toolchain::Unknown);
    }
}
