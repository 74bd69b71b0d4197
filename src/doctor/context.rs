//! What the checks look at: read once, and the server asked once.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::as_problem;
use crate::cargo_config::{self, Contradiction};
use crate::config_file::ConfigFile;
use crate::plan::{Plan, UserConfig, apply};
use crate::repository::Repository;
use crate::sccfg_toml::{Incremental, Policy, Wrapper};
use crate::session::{Purpose, Session, base_address};
use crate::worktrees::Worktree;
use sccache_control::config::check::{Diagnostic, check};
use sccache_control::config::version::parse_version;
use sccache_control::server::address::Address;
use sccache_control::server::desired_state::{DISK_VARIABLES, Difference};
use sccache_control::server::probe::{Probe, RunningServer};
use sccache_control::server::supervisor::Supervisor;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{find_program, is_wrapper};
use sccfg_util::{env, fsio};

/// The shell, the repository and the machine.
#[derive(Debug)]
pub(super) struct Context {
    /// The directory in which cargo would run.
    pub(super) start: PathBuf,
    pub(super) repository: Repository,
    /// `sccfg.toml`, if there is one.
    pub(super) policy: Result<Option<Policy>, Problem>,
    pub(super) session: Session,
    /// sccache's config file, or why it cannot be read.
    pub(super) config: Result<ConfigFile, Problem>,
    /// cargo's config files that apply in `start`, the nearest first.
    pub(super) cargo_files: Vec<CargoFile>,
    pub(super) address: Address,
    /// Whether this is a shell of `nix develop`, or of direnv.
    pub(super) is_dev_shell: bool,
    /// Whether `RUSTC_WRAPPER` names sccache, or a wrapper of that name.
    pub(super) uses_sccache: bool,
    /// The git worktree around `start`.
    pub(super) worktree: Option<Worktree>,
    plan: OnceCell<(Result<Plan, Problem>, Option<Problem>)>,
    shell_files: OnceCell<Vec<ShellFile>>,
    server: OnceCell<Option<Server>>,
    diagnostics: OnceCell<Vec<Diagnostic>>,
}

/// A config file of cargo.
#[derive(Debug)]
pub(super) struct CargoFile {
    pub(super) path: PathBuf,
    /// Its path as it is shown.
    pub(super) shown: PathBuf,
    pub(super) text: String,
    /// Whether it is the user's file, which applies to every project.
    pub(super) is_users: bool,
}

/// A file from which a shell takes variables or commands.
#[derive(Debug)]
pub(super) struct ShellFile {
    pub(super) path: PathBuf,
    /// Its path as it is shown.
    pub(super) shown: PathBuf,
    pub(super) text: String,
}

/// The server at the address of this shell.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) supervisor: Supervisor,
    pub(super) probe: Probe,
}

impl Server {
    pub(super) fn running(&self) -> Option<&RunningServer> {
        match &self.probe {
            Probe::Server(running) => Some(running),
            Probe::NotRunning | Probe::Foreign(_) => None,
        }
    }

    /// How the server differs from the config file.
    pub(super) fn differences(&self, address: &Address) -> Vec<Difference> {
        let running = self.running();
        let differences = running.map(|running| self.supervisor.differences(running, address));
        differences.and_then(Result::ok).unwrap_or_default()
    }
}

impl Context {
    /// Reads everything but the server around `start`.
    ///
    /// # Errors
    /// If there is no home directory.
    pub(super) fn gather(start: &Path) -> Result<Self> {
        let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
        let repository = Repository::locate(None, &start)?;
        let policy = repository
            .policy()
            .map(|found| found.map(|(policy, _)| policy));
        let around = match &policy {
            Ok(_) => start.as_path(),
            // A faulty sccfg.toml is one finding; the rest is checked without it.
            Err(_) => Path::new("/"),
        };
        let wrapper = env::var_os("RUSTC_WRAPPER").unwrap_or_default();
        Ok(Self {
            is_dev_shell: env::var_os("IN_NIX_SHELL").is_some(),
            uses_sccache: Path::new(&wrapper).file_stem() == Some(OsStr::new("sccache")),
            session: Session::gather(around, Purpose::Env)?,
            config: ConfigFile::load().map_err(as_problem),
            cargo_files: cargo_files(&start, &repository),
            address: base_address(),
            worktree: Worktree::around(&start),
            plan: OnceCell::new(),
            shell_files: OnceCell::new(),
            server: OnceCell::new(),
            diagnostics: OnceCell::new(),
            start,
            repository,
            policy,
        })
    }

    /// The policy of the repository, if it has one that can be read.
    pub(super) fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref().ok()?.as_ref()
    }

    /// The policy for incremental compilation, if the repository has one.
    pub(super) fn incremental(&self) -> Option<Incremental> {
        Some(self.policy()?.cargo.incremental)
    }

    /// Whether cargo runs rustc through the portable wrapper in this shell, or is to do so.
    pub(super) fn is_portable(&self) -> bool {
        let named = env::var_os("RUSTC_WRAPPER").filter(|named| !named.is_empty());
        match named {
            Some(named) => {
                let path = find_program(&named, &env::search_path());
                is_wrapper(&path.unwrap_or_else(|| named.into()))
            }
            None => self
                .policy()
                .is_some_and(|policy| policy.cargo.wrapper == Wrapper::Portable),
        }
    }

    /// The path relative to the repository, or the whole path outside of it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        shown(path, &self.repository)
    }

    /// Whether a path is in this worktree, or relative.
    pub(super) fn is_in_worktree(&self, path: impl AsRef<Path>) -> bool {
        let worktree = self.worktree.as_ref();
        let root = worktree.map_or(&self.repository.root, |worktree| &worktree.root);
        path.as_ref().is_relative() || path.as_ref().starts_with(root)
    }

    /// What `sccfg apply` would change; `None` without a policy.
    pub(super) fn plan(&self) -> Option<&Result<Plan, Problem>> {
        self.policy()?;
        let (plan, _) = self.plan_and_refusal();
        Some(plan)
    }

    /// Why sccache's config file cannot grow to the requested size, for example because home-manager
    /// manages it.
    pub(super) fn growth_refused(&self) -> Option<&Problem> {
        self.policy()?;
        self.plan_and_refusal().1.as_ref()
    }

    fn plan_and_refusal(&self) -> &(Result<Plan, Problem>, Option<Problem>) {
        self.plan.get_or_init(|| {
            let grown = apply(&self.repository, UserConfig::Grow).map_err(as_problem);
            match grown {
                Ok(plan) => (Ok(plan), None),
                Err(refused) => {
                    let kept = apply(&self.repository, UserConfig::Keep).map_err(as_problem);
                    let is_of_config = kept.is_ok();
                    (kept, Some(refused).filter(|_| is_of_config))
                }
            }
        })
    }

    /// The files from which shells of the repository take variables and commands.
    pub(super) fn shell_files(&self) -> &[ShellFile] {
        self.shell_files.get_or_init(|| {
            let root = &self.repository.root;
            let below = |directory: PathBuf| {
                let names = fsio::names_in(&directory).into_iter();
                names.map(move |name| directory.join(name))
            };
            let nix = below(root.clone()).chain(below(root.join("nix")));
            let nix = nix.filter(|path| path.extension().is_some_and(|end| end == "nix"));
            nix.chain([root.join(".envrc")])
                .filter_map(|path| {
                    Some(ShellFile {
                        text: fsio::read_text(&path)?,
                        shown: self.shown(&path),
                        path,
                    })
                })
                .collect()
        })
    }

    /// What runs at the address of this shell; `None` if sccache cannot be used.
    pub(super) fn server(&self) -> Option<&Server> {
        self.server
            .get_or_init(|| {
                let supervisor = self.session.supervisor()?;
                let probe = supervisor.query(&self.address);
                Some(Server { supervisor, probe })
            })
            .as_ref()
    }

    /// The version of this shell's sccache.
    pub(super) fn client_version(&self) -> Option<String> {
        let runtime = self.session.runtime_dir();
        self.session.client().ok()?.version(runtime)
    }

    /// What `sccfg config check` reports.
    pub(super) fn diagnostics(&self) -> &[Diagnostic] {
        self.diagnostics.get_or_init(|| {
            let Ok(file) = &self.config else {
                return Vec::new();
            };
            let version = self.client_version();
            let version = version.and_then(|version| parse_version(&version));
            let mut context = file.context(version);
            // The hook's variables repeat the file, which has the place to report.
            if self.session.repeats_file(&context.variables) {
                for name in DISK_VARIABLES {
                    context.variables.remove(name);
                }
            }
            check(file.text.as_deref(), &file.path, &context)
        })
    }

    /// The contradictions in cargo's config files, and in profiles of `Cargo.toml`, that matter in
    /// this shell.
    pub(super) fn contradictions(&self) -> Vec<(Option<&CargoFile>, Contradiction)> {
        let incremental = self.incremental().unwrap_or_default();
        let mut all = Vec::new();
        for file in &self.cargo_files {
            let found = cargo_config::contradictions(&file.text, &file.shown, incremental);
            // cargo reports a file that is not TOML.
            let found = found.unwrap_or_default().into_iter();
            all.extend(found.map(|found| (Some(file), found)));
        }
        let manifest = self.repository.read_file("Cargo.toml");
        if let Ok(Some(text)) = manifest {
            let found = cargo_config::contradictions(&text, Path::new("Cargo.toml"), incremental);
            all.extend(
                found
                    .unwrap_or_default()
                    .into_iter()
                    .map(|found| (None, found)),
            );
        }
        all.retain(|(_, found)| found.severity != cargo_config::Severity::Mild);
        all
    }
}

/// cargo reads the file of each directory above `start`, and the user's.
fn cargo_files(start: &Path, repository: &Repository) -> Vec<CargoFile> {
    let users = cargo_config::user_file();
    let mut paths: Vec<PathBuf> = start
        .ancestors()
        .filter_map(cargo_config::file_of)
        .collect();
    paths.extend(users.clone().filter(|users| !paths.contains(users)));
    paths
        .into_iter()
        .filter_map(|path| {
            Some(CargoFile {
                text: fsio::read_text(&path)?,
                shown: shown(&path, repository),
                is_users: users.as_ref() == Some(&path),
                path,
            })
        })
        .collect()
}

fn shown(path: &Path, repository: &Repository) -> PathBuf {
    path.strip_prefix(&repository.root)
        .unwrap_or(path)
        .to_owned()
}
