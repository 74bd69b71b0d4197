//! Files that the second key can omit: the first key covers them, or they belong to the toolchain or to the run.

use std::path::{Path, PathBuf};

use super::Run;
use super::canonical_paths::canonicalize_existing;
use super::of_toolchain::OfToolchain;
use crate::build_script::inputs::Script;
use crate::build_script::machine::{self, HEADERS};
use crate::cc::launcher;
use crate::known_inputs::is_below_kernel_directory;
use crate::observation::{Requests, Uses};
use crate::observed_inputs::is_of_package;
use crate::package;
use sccfg_util::env;
use sccfg_util::fsio::{NIX_STORE, RealPaths};

/// The files that the second key can omit; see the [module](self).
pub(super) struct CoveredFiles<'p> {
    script: &'p Script<'p>,
    /// Directories and files of the package, the run and the toolchain, also by their canonical paths.
    directories: Vec<PathBuf>,
    /// The files of the toolchain and of rustup.
    toolchain: OfToolchain,
    /// Directories that the first key covers by the machine, also by their canonical paths.
    of_machine: Vec<PathBuf>,
    /// Paths whose contents are in the first key, also by their canonical paths. [Some files](package::is_left_out) are left
    /// out of these contents.
    contents: Vec<PathBuf>,
    /// The canonical paths of this wrapper and of its launcher of C compilers, which do not change the output of compilers.
    wrappers: Vec<PathBuf>,
    /// Whether the first key has the state of the git repository.
    has_history: bool,
    /// Whether the first key has the programs and headers of the machine.
    has_machine: bool,
    pub(super) real_paths: &'p RealPaths,
}

impl<'p> CoveredFiles<'p> {
    /// Files that the second key can omit: the first key covers them, or they belong to the toolchain or to the run.
    pub(super) fn of(run: &'p Run<'p>, requests: &Requests, real_paths: &'p RealPaths) -> Self {
        let script = run.script;
        let runs_programs = script.source.may_run_programs(script.used);
        // For a run of the workspace, each file that it read there counts.
        let of_machine = (runs_programs && script.is_published).then(machine::directories);
        let mut of_machine: Vec<PathBuf> = of_machine.into_iter().flatten().collect();
        let package = script.is_published.then_some(script.package);
        let own = [package, Some(script.out_dir), Some(run.program)];
        let own = own.into_iter().flatten().map(Path::to_owned);
        let of_run = script.out_dir.parent().map(Path::to_owned);
        let state = script.state.directory().to_owned();
        let mut directories: Vec<PathBuf> = own.chain(of_run).chain([state]).collect();
        let contents = run.contents.iter().filter(|_| script.is_published);
        let mut contents: Vec<PathBuf> = contents.cloned().collect();
        for paths in [&mut directories, &mut of_machine, &mut contents] {
            let real: Vec<_> = paths
                .iter()
                .filter_map(|path| real_paths.of(path))
                .collect();
            paths.extend(real);
        }
        let launcher = launcher::path().and_then(|path| real_paths.of(&path));
        Self {
            script,
            directories,
            toolchain: OfToolchain::find(requests, script.state),
            of_machine,
            contents,
            wrappers: env::current_program().into_iter().chain(launcher).collect(),
            has_history: script.source.reads_git(script.used),
            has_machine: runs_programs,
            real_paths,
        }
    }

    /// Whether `path` belongs to a package of the system, which the first key covers.
    fn is_of_package(&self, path: &Path) -> bool {
        is_of_package(path) && (self.script.is_published || !path.starts_with(HEADERS))
    }

    /// The name of the program of the toolchain at `path`.
    pub(super) fn program_of_toolchain<'n>(&self, path: &'n Path) -> Option<&'n str> {
        self.toolchain.program(path)
    }

    /// Whether the second key can omit the file at `path`, also by its canonical path, for a run that used it so.
    pub(super) fn has(&self, path: &Path, uses: Uses) -> bool {
        if self.has_history && is_of_repository_around(path, self.script.package)
            || is_descriptor(path) && !uses.is_read
        {
            return true;
        }
        let is_of_system = |path: &Path| {
            // The Nix store never changes. A script whose source names a kernel file runs each time.
            path.starts_with(NIX_STORE)
                || is_below_kernel_directory(path)
                || self.has_machine && self.is_of_package(path)
                || is_below(path, &self.of_machine)
        };
        let has_content = |path: &Path| {
            self.contents.iter().any(|directory| {
                path.starts_with(directory) && !package::is_left_out(path, directory)
            })
        };
        // A checkout may be below a directory of the system, and a variable may name a directory in a checkout.
        let is_one = |path: &Path| {
            is_below(path, &self.directories)
                || self.toolchain.has(path, uses)
                || !self.script.is_of_checkout(path) && (is_of_system(path) || has_content(path))
        };
        let real = canonicalize_existing(path, self.real_paths);
        is_one(path) && is_one(&real) || self.wrappers.contains(&real)
    }
}

/// Whether `path` is a device or a kernel file whose content may differ each time. The C library reads those that are listed
/// here.
pub(super) fn differs_each_time(path: &Path) -> bool {
    const THE_SAME: [&str; 21] = [
        "/dev/fd",
        "/dev/null",
        "/dev/stderr",
        "/dev/stdin",
        "/dev/stdout",
        "/dev/tty",
        "/dev/zero",
        "/proc/self/auxv",
        "/proc/self/cgroup",
        "/proc/self/cmdline",
        "/proc/self/cwd",
        "/proc/self/environ",
        "/proc/self/exe",
        "/proc/self/fd",
        "/proc/self/maps",
        "/proc/self/mountinfo",
        "/proc/self/statm",
        "/proc/sys/vm/overcommit_memory",
        "/sys/devices/system/cpu",
        "/sys/fs/cgroup",
        "/sys/kernel/mm/transparent_hugepage",
    ];
    is_below_kernel_directory(path) && !THE_SAME.iter().any(|other| path.starts_with(other))
}

/// Whether `path` is an open file of the process that asked for it, and another one in this process.
fn is_descriptor(path: &Path) -> bool {
    let mut directories = ["/proc/self/fd", "/dev/fd"].iter();
    let number = directories.find_map(|directory| path.strip_prefix(directory).ok()?.to_str());
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether `path` is in the `.git` of the repository that contains `directory`.
fn is_of_repository_around(path: &Path, directory: &Path) -> bool {
    let mut above = path.ancestors();
    let repository = above.find(|above| above.file_name() == Some(".git".as_ref()));
    let root = repository.and_then(Path::parent);
    root.is_some_and(|root| directory.starts_with(root))
}

fn is_below(path: &Path, directories: &[PathBuf]) -> bool {
    let mut directories = directories.iter();
    directories.any(|directory| path.starts_with(directory))
}
