//! Builds the workspace with the cache of this shell, compiles each hit as well, and compares.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::build::Build;
use super::scratch::Scratch;
use super::{Error, Progress, basedirs, bench, cargo_for, sccache_of};
use crate::cargo_dirs::CargoDirs;
use crate::session::{Purpose, Session};
use portable_wrapper::Verified;
use portable_wrapper::builds::{self, UnitRecord};
use sccfg_util::env;
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::programs::{find_program, is_wrapper};
use sccfg_util::wrapper_vars::SWITCH;

/// The outcome of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Comparison {
    /// The cache has something else.
    Differs,
    /// Two compiles differ as well.
    NotReproducible,
    /// The cache entry equals the compiler's outputs.
    Same,
    /// The cache did not have it.
    NotCached,
    /// It has no key, or is the run of a build script.
    NotCompared,
}

/// A unit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Compared {
    pub name: String,
    pub version: String,
    pub types: Vec<String>,
    pub result: Comparison,
}

/// The result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Differential {
    pub units: Vec<Compared>,
    /// The wrapper's messages about each difference.
    pub messages: Vec<String>,
}

impl Comparison {
    const ALL: [Self; 5] = [
        Self::Same,
        Self::Differs,
        Self::NotReproducible,
        Self::NotCached,
        Self::NotCompared,
    ];

    fn describe(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "different",
            Self::NotReproducible => "not reproducible: two compiles differ as well",
            Self::NotCached => "not in the cache, compiled once",
            Self::NotCompared => "not compared: without a key, or a run of a build script",
        }
    }

    fn of(record: &UnitRecord) -> Self {
        match record.details.verified {
            Some(Verified::Same) => Self::Same,
            Some(Verified::NotReproducible) => Self::NotReproducible,
            Some(Verified::Differs) => Self::Differs,
            None if record.outcome == builds::Outcome::Miss => Self::NotCached,
            None => Self::NotCompared,
        }
    }
}

impl Differential {
    pub(crate) fn count(&self, result: Comparison) -> usize {
        self.units
            .iter()
            .filter(|unit| unit.result == result)
            .count()
    }

    /// A table of the results, and the differences.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["units", ""]);
        for column in table.column_iter_mut().take(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for result in Comparison::ALL {
            table.add_row([self.count(result).to_string(), result.describe().to_owned()]);
        }
        let mut out: String = table
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect();
        if !self.messages.is_empty() {
            out.push('\n');
        }
        for message in &self.messages {
            out.push_str(&format!("{message}\n"));
        }
        out
    }
}

/// Builds the workspace that contains `dir` into a temporary target directory, and compares.
///
/// # Errors
/// If a program is missing, if portable keys are not used, if the build fails, or on Ctrl-C.
pub(crate) fn compare(
    dir: &Path,
    cargo_args: &[OsString],
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<Differential, Error> {
    let cargo = cargo_for(dir)?;
    let mut session = Session::gather(dir, Purpose::Env)?;
    let scratch = Scratch::create(sccache_of(&session)?, basedirs())?;
    let mut changes = bench::shell_changes(&mut session)?;
    let named = changes
        .iter()
        .rev()
        .find(|(name, _)| name == "RUSTC_WRAPPER")
        .map_or_else(|| env::var_os("RUSTC_WRAPPER"), |(_, value)| value.clone());
    let wrapper = named.as_deref().and_then(|name: &OsStr| {
        find_program(name, &env::search_path()).or_else(|| Some(PathBuf::from(name)))
    });
    if !wrapper.is_some_and(|path| is_wrapper(&path)) {
        return Err(Problem::new(format!(
            "only portable keys can be compared, and {} does not use them",
            dir.display()
        ))
        .hint("set wrapper = \"portable\" in [cargo] of sccfg.toml")
        .into());
    }
    changes.push((SWITCH.into(), Some("verify".into())));
    let target = scratch.path("target");
    let cargo_build = Build {
        cargo: &cargo,
        dir,
        args: cargo_args,
        target: &target,
        has_build_dir: CargoDirs::of(&cargo, dir).is_some_and(|dirs| dirs.are_separate()),
        environment: &changes,
    };
    progress.build("differential build", None);
    let built = cargo_build.run("differential build", progress, interrupt)?;
    let records = builds::builds(&target).into_iter().next();
    let units = records.map(|records| records.units).unwrap_or_default();
    let mut units: Vec<Compared> = units
        .iter()
        .map(|record| Compared {
            name: record.name.clone(),
            version: record.version.clone(),
            types: record.types.clone(),
            result: Comparison::of(record),
        })
        .collect();
    units.sort_by(|a, b| (a.result, &a.name, &a.types).cmp(&(b.result, &b.name, &b.types)));
    Ok(Differential {
        units,
        messages: built.messages,
    })
}
