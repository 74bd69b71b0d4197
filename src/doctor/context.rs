//! The inputs of the checks, read once. The server is queried once.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::as_problem;
use super::files::Files;
use crate::config_file::ConfigFile;
use crate::repository::Repository;
use crate::sccfg_toml::Wrapper;
use crate::session::{Purpose, Session, base_address};
use sccache_control::config::check::{Diagnostic, check};
use sccache_control::config::version::parse_version;
use sccache_control::server::address::Address;
use sccache_control::server::desired_state::{DISK_VARIABLES, Difference};
use sccache_control::server::probe::{Probe, RunningServer};
use sccache_control::server::supervisor::Supervisor;
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{find_program, is_wrapper};

/// The shell, the repository and the machine.
#[derive(Debug)]
pub(super) struct Context {
    /// The directory in which cargo would run.
    pub(super) start: PathBuf,
    files: Files,
    pub(super) session: Session,
    /// sccache's config file, or why it cannot be read.
    pub(super) config: Result<ConfigFile, Problem>,
    pub(super) address: Address,
    /// Whether this is a shell of `nix develop`, of `devenv shell`, or of direnv.
    pub(super) is_dev_shell: bool,
    /// Whether `RUSTC_WRAPPER` names sccache, or a wrapper of that name.
    pub(super) uses_sccache: bool,
    server: OnceCell<Option<Server>>,
    diagnostics: OnceCell<Vec<Diagnostic>>,
}

impl Deref for Context {
    type Target = Files;

    fn deref(&self) -> &Files {
        &self.files
    }
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
        let files = Files::around(repository, &start);
        let around = match &files.policy {
            Ok(_) => start.as_path(),
            // A faulty sccfg.toml is one finding; the rest is checked without it.
            Err(_) => Path::new("/"),
        };
        let wrapper = env::var_os("RUSTC_WRAPPER").unwrap_or_default();
        Ok(Self {
            is_dev_shell: ["IN_NIX_SHELL", "DEVENV_ROOT"]
                .into_iter()
                .any(|name| env::var_os(name).is_some()),
            uses_sccache: Path::new(&wrapper).file_stem() == Some(OsStr::new("sccache")),
            session: Session::gather(around, Purpose::Env)?,
            config: ConfigFile::load().map_err(as_problem),
            address: base_address(),
            server: OnceCell::new(),
            diagnostics: OnceCell::new(),
            start,
            files,
        })
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

    /// The server at the address of this shell; `None` if sccache cannot be used.
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

    /// The problems that `sccfg config check` reports.
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
}
