//! The caches to compare, each with its own state.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;

use crate::lab::{Counts, Server};
use crate::workspace::Place;

/// The cache of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Variant {
    /// No cache
    #[value(name = "none")]
    Nothing,
    /// sccache
    Plain,
    /// sccfg with its defaults: the first build of a worktree is seeded
    Portable,
    /// The same without seeding, so that hits are measured
    Keys,
    /// kache
    Kache,
    /// mbx
    Mbx,
}

/// A measured build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Cold,
    Again,
    Second,
    Deep,
    Next,
    Seeded,
}

impl Variant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Plain => "plain",
            Self::Portable => "portable",
            Self::Keys => "keys",
            Self::Kache => "kache",
            Self::Mbx => "mbx",
        }
    }

    pub(crate) fn steps(self) -> &'static [Step] {
        match self {
            Self::Nothing => &Step::ALL[..1],
            Self::Portable => &Step::ALL,
            Self::Plain | Self::Keys | Self::Kache | Self::Mbx => &Step::ALL[..5],
        }
    }
}

impl Step {
    const ALL: [Self; 6] = [
        Self::Cold,
        Self::Again,
        Self::Second,
        Self::Deep,
        Self::Next,
        Self::Seeded,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Again => "same directory",
            Self::Second => "second worktree",
            Self::Deep => "other depth",
            Self::Next => "one source changed",
            Self::Seeded => "seeded",
        }
    }

    pub(crate) fn place(self) -> Place {
        match self {
            Self::Cold | Self::Again => Place::Main,
            Self::Second => Place::Second,
            Self::Deep => Place::Deep,
            Self::Next => Place::Next,
            Self::Seeded => Place::Seeded,
        }
    }
}

/// Paths of the programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) cargo: PathBuf,
    pub(crate) sccfg: PathBuf,
    sccache: PathBuf,
    kache: Option<PathBuf>,
    mbx: Option<PathBuf>,
    /// The portable wrapper, if this sccfg has it.
    front: Option<PathBuf>,
}

impl Programs {
    pub(crate) fn find(sccfg: &Path) -> Result<Self> {
        let sccfg = sccfg.canonicalize().context("no sccfg")?;
        let named = std::env::var_os("SCCFG_SCCACHE").map(PathBuf::from);
        let Some(sccache) = named.or_else(|| on_path("sccache")) else {
            bail!("no sccache: set SCCFG_SCCACHE to one");
        };
        let output = Command::new(&sccfg)
            .args(["wrapper", "path"])
            .env("SCCFG_SCCACHE", &sccache)
            .output()?;
        let said = String::from_utf8(output.stdout)?;
        let front = output.status.success().then(|| said.trim().into());
        Ok(Self {
            cargo: on_path("cargo").context("no cargo")?,
            sccfg,
            sccache,
            kache: on_path("kache"),
            mbx: on_path("mbx"),
            front,
        })
    }

    /// Why a variant is skipped.
    pub(crate) fn missing(&self, variant: Variant) -> Option<&'static str> {
        match variant {
            Variant::Kache if self.kache.is_none() => Some("kache is not on PATH"),
            Variant::Mbx if self.mbx.is_none() => Some("mbx is not on PATH"),
            Variant::Portable | Variant::Keys if self.front.is_none() => {
                Some("this sccfg has no `wrapper path`")
            }
            _ => None,
        }
    }
}

/// A variant with an empty cache, ready to build.
#[derive(Debug)]
pub(crate) struct State<'a> {
    variant: Variant,
    programs: &'a Programs,
    directory: tempfile::TempDir,
    server: Option<Server>,
}

impl<'a> State<'a> {
    /// Starts the servers of the variant.
    pub(crate) fn new(variant: Variant, programs: &'a Programs) -> Result<Self> {
        // The path of a socket has to be short.
        let directory = tempfile::Builder::new().prefix("sccfg-bench-").tempdir()?;
        for name in ["home", "config", "data", "run"] {
            fs::create_dir(directory.path().join(name))?;
        }
        let has_server = matches!(variant, Variant::Plain | Variant::Portable | Variant::Keys);
        let server = has_server.then(|| Server::start(&programs.sccache, directory.path()));
        let state = Self {
            variant,
            programs,
            directory,
            server,
        };
        if variant == Variant::Kache {
            state.kache("start")?;
        }
        Ok(state)
    }

    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Replaces the server, with the same cache.
    pub(crate) fn replace_server(&mut self) {
        if let Some(server) = &mut self.server {
            server.replace();
        }
    }

    /// The program that builds.
    pub(crate) fn cargo(&self) -> &Path {
        match (self.variant, &self.programs.mbx) {
            (Variant::Mbx, Some(mbx)) => mbx,
            _ => &self.programs.cargo,
        }
    }

    /// Changes of the environment for cargo.
    pub(crate) fn changes(&self) -> Vec<(OsString, Option<OsString>)> {
        let mut changes: Vec<(OsString, Option<OsString>)> = Vec::new();
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("SCCACHE_")
                || text.starts_with("KACHE_")
                || text.starts_with("MBX_")
                || text.starts_with("SCCFG_")
                || text.starts_with("RUSTC")
                || text == "CARGO_TARGET_DIR"
            {
                changes.push((name, None));
            }
        }
        let mut set = |name: &str, value: OsString| changes.push((name.into(), Some(value)));
        set("CARGO_INCREMENTAL", "0".into());
        set("CARGO_TERM_COLOR", "never".into());
        let path = |name: &str| OsString::from(self.directory.path().join(name));
        // The state of a wrapper outside its cache is separate as well.
        set("XDG_CACHE_HOME", path("home"));
        set("XDG_CONFIG_HOME", path("config"));
        set("XDG_DATA_HOME", path("data"));
        set("XDG_RUNTIME_DIR", path("run"));
        if let Some(server) = &self.server {
            for (name, value) in server.variables() {
                set(&name, value.into());
            }
        }
        match self.variant {
            // mbx sets the wrapper by itself.
            Variant::Nothing | Variant::Mbx => {}
            Variant::Plain => set("RUSTC_WRAPPER", self.programs.sccache.clone().into()),
            Variant::Portable | Variant::Keys => {
                let front = self.programs.front.clone().unwrap_or_default();
                set("RUSTC_WRAPPER", front.into());
                set("SCCFG_SCCACHE", self.programs.sccache.clone().into());
                if self.variant == Variant::Keys {
                    set("SCCFG_SEED", "off".into());
                }
            }
            Variant::Kache => {
                let kache = self.programs.kache.clone().unwrap_or_default();
                set("RUSTC_WRAPPER", kache.into());
                set("KACHE_CACHE_DIR", path("cache"));
            }
        }
        changes
    }

    pub(crate) fn counts(&self) -> Option<Counts> {
        self.server.as_ref().map(Server::counts)
    }

    /// Starts or stops kache's daemon.
    fn kache(&self, what: &str) -> Result<()> {
        let Some(kache) = &self.programs.kache else {
            return Ok(());
        };
        let mut command = Command::new(kache);
        command.args(["daemon", what]);
        for (name, value) in self.changes() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.output()?;
        ensure!(output.status.success(), "kache daemon {what}: {output:?}");
        Ok(())
    }
}

impl Drop for State<'_> {
    fn drop(&mut self) {
        if self.variant == Variant::Kache {
            let _ = self.kache("stop");
        }
    }
}

/// The program `name` on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}
