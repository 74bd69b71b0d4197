//! The selection of the back end for a job.

use super::job::{Job, Runner};
use super::nix::NixShell;
use super::{Backend, Ci, Provider, Workspaces};
use crate::cargo_use::CargoUse;
use crate::remote::{Kind, Remote};

/// The minimum number of packages for which restoring a cache is faster than compiling.
const FEW_PACKAGES: usize = 20;

/// The inputs of the decisions for a repository.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) ci: &'a Ci,
    pub(crate) remote: &'a Remote,
    pub(crate) workspaces: Workspaces,
}

/// The decision for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The back end; never [`Backend::Auto`].
    pub(crate) backend: Backend,
    /// The reason, in one sentence without a full stop.
    pub(crate) why: String,
    /// Whether the job compiles, but its syntax prevents adding the step.
    pub(crate) is_obstructed: bool,
}

impl Decision {
    fn new(backend: Backend, why: impl Into<String>) -> Self {
        Self {
            backend,
            why: why.into(),
            is_obstructed: false,
        }
    }

    fn obstructed(why: impl Into<String>) -> Self {
        Self {
            is_obstructed: true,
            ..Self::new(Backend::None, why)
        }
    }
}

/// The back end for `job`.
pub(crate) fn decide(facts: &Facts<'_>, job: &Job) -> Decision {
    match job.cargo {
        CargoUse::Nothing => {
            return Decision::new(
                Backend::None,
                "its steps do not run cargo; scripts, makefiles and `just` are not looked into",
            );
        }
        CargoUse::CompilesNothing | CargoUse::Downloads => {
            return Decision::new(Backend::None, "its commands of cargo compile nothing");
        }
        CargoUse::Compiles => {}
    }
    if let Some(other) = &job.shares {
        let why = format!("its steps are those of the job `{other}`, with what is added to them");
        return Decision::new(Backend::None, why);
    }
    if let Some(obstacle) = &job.obstacle {
        return Decision::obstructed(obstacle);
    }
    let decision = selected(facts, job);
    match (&job.nix, decision.backend) {
        (NixShell::Other(why), Backend::Remote | Backend::Gha | Backend::Local) => {
            Decision::obstructed(*why)
        }
        _ => decision,
    }
}

/// The back end for a job that compiles.
fn selected(facts: &Facts<'_>, job: &Job) -> Decision {
    if facts.ci.backend != Backend::Auto {
        let name = facts.ci.backend.name();
        if facts.ci.backend == Backend::RustCache && job.has_rust_cache {
            return Decision::new(Backend::None, "it has a step with rust-cache");
        }
        let backend = match (facts.ci.backend, facts.remote.backend) {
            (Backend::Remote, Some(Kind::Gha)) => Backend::Gha,
            (backend, _) => backend,
        };
        return Decision::new(backend, format!("sccfg.toml has ci.backend = \"{name}\""));
    }
    automatic(facts, job)
}

fn automatic(facts: &Facts<'_>, job: &Job) -> Decision {
    if job.is_release {
        return Decision::new(
            Backend::None,
            "it publishes releases, which should contain nothing that another run has stored",
        );
    }
    if let Some(kind) = facts.remote.backend.filter(|kind| *kind != Kind::Gha) {
        return Decision::new(
            Backend::Remote,
            format!(
                "sccfg.toml names the back end `{}`, which all machines share",
                kind.name()
            ),
        );
    }
    if job.runner == Runner::SelfHosted {
        return Decision::new(
            Backend::Local,
            format!(
                "it runs on a machine of your own ({}), whose disk stays",
                job.runs_on
            ),
        );
    }
    if job.has_rust_cache {
        return Decision::new(
            Backend::None,
            "it has a step with rust-cache, and a hosted runner without a shared back end gains nothing by sccache",
        );
    }
    let locks = facts.workspaces.of(job);
    let packages: usize = locks.iter().map(|lock| lock.packages).sum();
    let count = match locks.as_slice() {
        [] => "there is no Cargo.lock".to_owned(),
        [lock] => format!("{} has {packages} packages", lock.file()),
        several => {
            let files: Vec<String> = several.iter().map(|lock| lock.file()).collect();
            format!("{} have {packages} packages", files.join(" and "))
        }
    };
    if !locks.is_empty() && packages < FEW_PACKAGES {
        let why = format!("{count}, which compile faster than a cache is fetched");
        return Decision::new(Backend::None, why);
    }
    let (backend, how) = match facts.ci.provider {
        Some(Provider::GitLab) => (Backend::Local, "; GitLab's cache keeps its entries"),
        _ => (Backend::RustCache, ""),
    };
    Decision::new(
        backend,
        format!(
            "it runs on a hosted runner ({}), which starts empty, and sccfg.toml names no back end; {count}{how}",
            job.runs_on
        ),
    )
}
