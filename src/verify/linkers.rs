//! Measures the linkers of this machine: the programs of a workspace are built once, into a temporary target directory,
//! and then only their links are repeated.
//!
//! ```text
//! build (with `link-recorder.sh`) ──→ link: the command of each ──→ measure ──→ comment: who made it ──→ table
//! ```

mod comment;
mod link;
mod measure;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::build::{Build, Built};
use super::scratch::TemporaryDir;
use super::{Error, Progress, cargo_for};
use crate::cargo_dirs::CargoDirs;
use crate::sccfg_toml::Linker;
use link::Link;
use sccfg_templates::{LINK_RECORDER, render};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

pub(crate) use table::table;

/// How often a program alone is compiled and linked; the least time counts.
const REBUILDS: u32 = 3;
/// A linker that saves less is not worth a setting.
const WORTHWHILE: f64 = 0.05;

/// The options of a measurement.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub dir: PathBuf,
    pub cargo_args: Vec<OsString>,
    /// How often each program is linked by each linker.
    pub rounds: u32,
}

/// The links of a program by one linker.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Links {
    pub linker: Linker,
    /// The name and the version that the linker left in the program.
    pub made_by: Option<String>,
    /// The least time; `None` if it cannot link the program.
    #[serde(rename = "least_seconds", serialize_with = "seconds")]
    pub least: Option<Duration>,
    #[serde(rename = "median_seconds", serialize_with = "seconds")]
    pub median: Option<Duration>,
    /// Why it cannot.
    pub failure: Option<String>,
}

/// A program and how long its links take.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProgramLinks {
    pub program: String,
    /// The wall time of a build that compiles the program itself again, and links it.
    #[serde(rename = "rebuild_seconds", serialize_with = "super::seconds")]
    pub rebuild: Duration,
    pub links: Vec<Links>,
}

/// The result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Linkers {
    pub rounds: u32,
    pub programs: Vec<ProgramLinks>,
    /// The fastest linker, if it saves at least 5 % of the time of the system's.
    pub best: Option<Linker>,
}

/// Builds and measures. All files are temporary.
///
/// # Errors
/// If a program is missing, a build fails, or on Ctrl-C.
pub(crate) fn measure(
    request: &Request,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<Linkers, Error> {
    if !cfg!(target_os = "linux") {
        let problem = Problem::new("`sccfg verify --linker` measures linkers of Linux");
        return Err(problem
            .hint("on macOS, Apple's linker is already fast")
            .into());
    }
    let cargo = cargo_for(&request.dir)?;
    let directory = TemporaryDir::create()?;
    let workshop = Workshop::create(request, &cargo, directory.path(), progress, interrupt)?;
    workshop.build("build")?;
    let mut names = workshop.recorded();
    names.sort();
    if names.is_empty() {
        return Err(Problem::new("the build linked no program")
            .hint("select one: sccfg verify --linker -- --bin NAME")
            .into());
    }
    workshop.stop_recording()?;
    let mut rebuilds = Vec::new();
    for name in &names {
        rebuilds.push(workshop.rebuild(name)?);
    }
    workshop.start_recording()?;
    for name in &names {
        forget(&workshop.target, crate_of(name));
    }
    workshop.build("build for the links")?;
    let mut programs = Vec::new();
    for (name, rebuild) in names.iter().zip(rebuilds) {
        let path = workshop.links.join(name);
        let link = Link::read(&path)?;
        let here = fsio::read_text(path.with_file_name(format!("{name}{DIRECTORY}")));
        let here = here.map_or_else(|| request.dir.clone(), PathBuf::from);
        let program = crate_of(name).to_owned();
        progress.build(&format!("links of {program}"), None);
        let at = measure::Place {
            directory: &here,
            output: &directory.path().join("out"),
            interrupt,
        };
        let links = measure::links(&link, &at, request.rounds)?;
        programs.push(ProgramLinks {
            program,
            rebuild,
            links,
        });
    }
    Ok(Linkers {
        rounds: request.rounds,
        best: best(&programs),
        programs,
    })
}

/// The end of the name of a file with the directory of a link.
const DIRECTORY: &str = ".dir";

/// The temporary directory with the recorder and the target directory, and how to build with them.
struct Workshop<'a> {
    request: &'a Request,
    cargo: &'a Path,
    target: PathBuf,
    /// Where the recorder writes the commands of links, while it exists.
    links: PathBuf,
    changes: Vec<(OsString, Option<OsString>)>,
    has_build_dir: bool,
    progress: &'a dyn Progress,
    interrupt: &'a Interrupt,
}

impl<'a> Workshop<'a> {
    fn create(
        request: &'a Request,
        cargo: &'a Path,
        directory: &Path,
        progress: &'a dyn Progress,
        interrupt: &'a Interrupt,
    ) -> Result<Self, Error> {
        let links = directory.join("links");
        let recorder = directory.join("recorder");
        let wrapper = env::var("RUSTC_WRAPPER").unwrap_or_default();
        let wrapper = if wrapper.is_empty() {
            String::new()
        } else {
            quote(&wrapper)
        };
        let context = serde_json::json!({
            "links": quote(&links.display().to_string()),
            "wrapper": wrapper,
        });
        let text = render(LINK_RECORDER, context)?;
        fsio::write_executable(&recorder, text.as_bytes()).map_err(|error| unwritten(&error))?;
        let workshop = Self {
            request,
            cargo,
            target: directory.join("target"),
            links,
            changes: vec![("RUSTC_WRAPPER".into(), Some(recorder.into()))],
            has_build_dir: CargoDirs::of(cargo, &request.dir)
                .is_some_and(|dirs| dirs.are_separate()),
            progress,
            interrupt,
        };
        workshop.start_recording()?;
        Ok(workshop)
    }

    fn start_recording(&self) -> Result<(), Problem> {
        fsio::create_dir_all(&self.links).map_err(|error| unwritten(&error))
    }

    fn stop_recording(&self) -> Result<(), Problem> {
        fsio::remove_dir(&self.links).map_err(|error| unwritten(&error))
    }

    /// The names of the links: the crate's name, and cargo's hash.
    fn recorded(&self) -> Vec<String> {
        let mut names = fsio::names_in(&self.links);
        names.retain(|name| !name.ends_with(DIRECTORY));
        names
    }

    fn build(&self, name: &str) -> Result<Built, Error> {
        self.progress.build(name, None);
        let build = Build {
            cargo: self.cargo,
            dir: &self.request.dir,
            args: &self.request.cargo_args,
            target: &self.target,
            has_build_dir: self.has_build_dir,
            environment: &self.changes,
        };
        build.run(name, self.progress, self.interrupt)
    }

    /// The wall time of a build that compiles and links one program.
    fn rebuild(&self, name: &str) -> Result<Duration, Error> {
        let program = crate_of(name);
        let mut least = Duration::MAX;
        for _ in 0..REBUILDS {
            forget(&self.target, program);
            let built = self.build(&format!("build of {program} alone"))?;
            least = least.min(built.wall);
        }
        Ok(least)
    }
}

fn unwritten(error: &std::io::Error) -> Problem {
    Problem::new(format!("could not write a temporary directory: {error}"))
        .hint("set TMPDIR to a writable directory with space for a build")
}

/// The crate in the name of a link, which ends in cargo's hash.
fn crate_of(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(name, _)| name)
}

/// Makes cargo compile the program of this crate again: removes its fingerprints below `directory`.
fn forget(directory: &Path, crate_name: &str) {
    const KINDS: [&str; 8] = [
        "test-integration-test-",
        "test-example-",
        "test-bench-",
        "test-bin-",
        "test-lib-",
        "example-",
        "bench-",
        "bin-",
    ];
    for entry in fsio::entries(directory).unwrap_or_default() {
        match entry.kind {
            // The outputs of units, and the compiler's incremental state.
            fsio::EntryKind::Directory
                if ["deps", "incremental", "out"].contains(&entry.name.as_str()) => {}
            fsio::EntryKind::Directory => forget(&entry.path, crate_name),
            _ => {
                let name = entry.name.trim_end_matches(".json");
                let target = KINDS.iter().find_map(|kind| name.strip_prefix(kind));
                if target.is_some_and(|target| target.replace('-', "_") == crate_name) {
                    let _ = fsio::remove_file(&entry.path);
                }
            }
        }
    }
}

/// The linker with the least time for all programs together, if that is less than the system's.
fn best(programs: &[ProgramLinks]) -> Option<Linker> {
    let total = |linker: Linker| -> Option<f64> {
        let times = programs.iter().map(|program| program.least(linker));
        times.map(|time| time.map(|time| time.as_secs_f64())).sum()
    };
    let system = total(Linker::System)?;
    let others = [Linker::Mold, Linker::Lld, Linker::Wild].into_iter();
    let times = others.filter_map(|linker| Some((linker, total(linker)?)));
    let (linker, time) = times.min_by(|one, other| one.1.total_cmp(&other.1))?;
    (time < system * (1.0 - WORTHWHILE)).then_some(linker)
}

impl ProgramLinks {
    fn least(&self, linker: Linker) -> Option<Duration> {
        let mut links = self.links.iter();
        links.find(|links| links.linker == linker)?.least
    }
}

#[allow(clippy::ref_option, reason = "serde calls it so")]
fn seconds<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&time.map(|time| time.as_secs_f64()), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_linker_saves_something_in_all_programs_together() {
        let links = |linker, milliseconds: Option<u64>| Links {
            linker,
            made_by: None,
            least: milliseconds.map(Duration::from_millis),
            median: None,
            failure: None,
        };
        let program = |system, mold, wild| ProgramLinks {
            program: "a".to_owned(),
            rebuild: Duration::ZERO,
            links: vec![
                links(Linker::System, Some(system)),
                links(Linker::Mold, Some(mold)),
                links(Linker::Wild, wild),
            ],
        };
        let two = [program(100, 80, Some(50)), program(100, 90, None)];
        assert_eq!(best(&two), Some(Linker::Mold), "wild links only one");
        assert_eq!(best(&two[..1]), Some(Linker::Wild));
        assert_eq!(best(&[program(100, 96, None)]), None);
    }

    #[test]
    fn only_the_fingerprints_of_a_program_are_removed() {
        let target = tempfile::tempdir().unwrap();
        let kept = [
            "debug/.fingerprint/my-app-1/lib-my-app",
            "debug/.fingerprint/x-2/bin-x-my-app",
            "debug/deps/bin-my-app",
        ];
        let removed = [
            "debug/.fingerprint/my-app-1/bin-my-app",
            "debug/.fingerprint/my-app-1/bin-my-app.json",
            "debug/build/my-app/1/fingerprint/test-bin-my-app",
        ];
        for name in kept.iter().chain(&removed) {
            let path = target.path().join(name);
            fsio::replace_and_create_dir(&path, b"").unwrap();
        }
        forget(target.path(), "my_app");
        for name in kept {
            assert!(target.path().join(name).exists(), "{name}");
        }
        for name in removed {
            assert!(!target.path().join(name).exists(), "{name}");
        }
    }
}
