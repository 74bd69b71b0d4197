//! The files of the toolchain that the first key of a run covers, and those that rustup reads to select the toolchain.

use std::path::{Path, PathBuf};

use crate::compiler::Compiler;
use crate::observation::{Requests, Uses};
use crate::state_dir::StateDir;
use crate::toolchain_files::ToolchainFiles;
use sccfg_util::env;

/// The compiler, which the first key covers.
const COMPILER: &str = "rustc";
const RUSTUP: &str = "rustup";

/// See the [module](self).
#[derive(Default)]
pub(super) struct OfToolchain {
    files: ToolchainFiles,
    /// The directory of rustup, if the run used rustup only through proxies of the toolchain that cargo selected.
    rustup: Option<PathBuf>,
}

impl OfToolchain {
    /// For the run with these `requests`.
    pub(super) fn find(requests: &Requests, state: &StateDir) -> Self {
        let rustc = env::var_os("RUSTC");
        let Some(compiler) = rustc.and_then(|rustc| Compiler::find(&rustc, state)) else {
            return Self::default();
        };
        let target = env::var("TARGET");
        let mut files = ToolchainFiles::of(&compiler, target.as_deref());
        let home = env::var_os("RUSTUP_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(env::home_dir()?.join(".rustup")));
        let toolchain = env::var("RUSTUP_TOOLCHAIN").filter(|name| !name.is_empty());
        if let Some((home, name)) = home.as_ref().zip(toolchain.as_ref()) {
            files.add_root(home.join("toolchains").join(name));
        }
        let rustup = home.filter(|_| toolchain.is_some() && only_runs_programs(requests));
        Self { files, rustup }
    }

    /// Whether the first key covers `path`.
    pub(super) fn has(&self, path: &Path, uses: Uses) -> bool {
        // rustup opens directories of toolchains to open others in them.
        let is_of_rustup = |home: &PathBuf| {
            let toolchains = home.join("toolchains");
            path == home.join("settings.toml")
                || !uses.is_listed && (path == toolchains || path.parent() == Some(&toolchains))
        };
        self.files.has(path, uses.is_read) || self.rustup.as_ref().is_some_and(is_of_rustup)
    }

    /// The name of the program of the toolchain at `path`, if the first key does not cover it.
    pub(super) fn program<'n>(&self, path: &'n Path) -> Option<&'n str> {
        let name = path.file_name()?.to_str()?;
        let directory = path.parent()?;
        let is_program = |root: &Path| directory == root.join("bin");
        (name != COMPILER && self.files.roots().any(is_program) && path.is_file()).then_some(name)
    }
}

/// Whether only proxies of rustup were run, and not `rustup` itself.
fn only_runs_programs(requests: &Requests) -> bool {
    let is_rustup = |path: &Path| path.file_name() == Some(RUSTUP.as_ref());
    let mut programs = requests.programs.iter();
    requests.observed.iter().any(|path| is_rustup(path))
        && !programs.any(|program| !program.is_loaded && is_rustup(Path::new(&program.path)))
}
