//! Which back end fits a job.

use super::workflow::{Job, Runner};
use super::{Backend, Ci, Provider};
use crate::cargo_use::CargoUse;
use crate::remote::{Kind, Remote};

/// With fewer packages, a job compiles them faster than it gets a cache.
const FEW_PACKAGES: usize = 20;

/// What the decision for a repository depends on.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) ci: &'a Ci,
    pub(crate) remote: &'a Remote,
    /// The packages in Cargo.lock; `None` if there is no such file.
    pub(crate) packages: Option<usize>,
}

/// The decision for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The back end; never [`Backend::Auto`].
    pub(crate) backend: Backend,
    /// Why, in one sentence without a full stop.
    pub(crate) why: String,
}

impl Decision {
    fn new(backend: Backend, why: impl Into<String>) -> Self {
        Self {
            backend,
            why: why.into(),
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
    if let Some(obstacle) = job.obstacle {
        return Decision::new(Backend::None, obstacle);
    }
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
    match facts.packages {
        Some(few) if few < FEW_PACKAGES => Decision::new(
            Backend::None,
            format!("Cargo.lock has {few} packages, which compile faster than a cache is fetched"),
        ),
        packages => {
            let count = packages.map_or_else(
                || "there is no Cargo.lock".to_owned(),
                |count| format!("Cargo.lock has {count} packages"),
            );
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
    }
}
