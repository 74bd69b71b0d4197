//! Repeats the link of a program by each linker in turn.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, Instant};

use super::comment::linker_of;
use super::link::Link;
use super::{Error, Links};
use crate::cargo_config::linker::{CLANG, flag};
use crate::sccfg_toml::Linker;
use sccfg_util::interrupt::Interrupt;
use sccfg_util::proc::Program;
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// Where a program is linked.
pub(super) struct Place<'a> {
    /// The working directory of rustc.
    pub(super) directory: &'a Path,
    /// The directory for the programs that are made.
    pub(super) output: &'a Path,
    pub(super) interrupt: &'a Interrupt,
}

/// A link by one linker.
struct Candidate {
    linker: Linker,
    /// Or why it cannot be tried.
    link: Result<Link, String>,
    times: Vec<Duration>,
    made_by: Option<String>,
}

/// The links by every linker of this machine, `rounds` times each.
///
/// # Errors
/// On Ctrl-C, or when the system's linker cannot repeat the link.
pub(super) fn links(link: &Link, at: &Place<'_>, rounds: u32) -> Result<Vec<Links>, Error> {
    let mut candidates = candidates(link);
    fsio::create_dir_all(at.output).map_err(|error| super::unwritten(&error))?;
    // The first link of each is not measured: files are read then that are in memory later.
    for round in 0..=rounds {
        for candidate in &mut candidates {
            let Ok(link) = &candidate.link else {
                continue;
            };
            let output = at.output.join(candidate.linker.name());
            match run(&link.to(&output), at)? {
                Err(why) => candidate.link = Err(why),
                Ok(_) if round == 0 => {
                    candidate.made_by = linker_of(&output);
                    if let Some(why) = candidate.is_by_another() {
                        candidate.link = Err(why);
                    }
                }
                Ok(time) => candidate.times.push(time),
            }
        }
    }
    Ok(candidates.into_iter().map(Candidate::result).collect())
}

/// The linkers that are there.
fn candidates(link: &Link) -> Vec<Candidate> {
    let search_path = env::search_path();
    let find = |name: &str| find_program(OsStr::new(name), &search_path);
    let system = link.clone().without_chosen_linker();
    let with = |linker: Linker| {
        let mut link = system.clone();
        link.args.push(flag(linker));
        link
    };
    let mut all = vec![(Linker::System, Ok(system.clone()))];
    // rustc may run lld by default.
    if find("ld.lld").is_some() && !system.args.contains(&flag(Linker::Lld)) {
        all.push((Linker::Lld, Ok(with(Linker::Lld))));
    }
    if find("ld.mold").is_some() {
        all.push((Linker::Mold, Ok(with(Linker::Mold))));
    }
    if find("wild").is_some() {
        let mut link = with(Linker::Wild);
        if !link.program.contains(CLANG) {
            CLANG.clone_into(&mut link.program);
        }
        let is_there = find(&link.program).is_some();
        let link = if is_there {
            Ok(link)
        } else {
            Err("clang is not on PATH, which runs wild".to_owned())
        };
        all.push((Linker::Wild, link));
    }
    let all = all.into_iter();
    all.map(|(linker, link)| Candidate {
        linker,
        link,
        times: Vec::new(),
        made_by: None,
    })
    .collect()
}

/// How long a link takes, or why it fails.
fn run(link: &Link, at: &Place<'_>) -> Result<Result<Duration, String>, Error> {
    if at.interrupt.is_received() {
        return Err(Error::Interrupted);
    }
    let args: Vec<OsString> = link.args.iter().map(OsString::from).collect();
    let program = Program {
        path: Path::new(&link.program),
        args: &args,
        changes: &link.variables,
        directory: Some(at.directory),
    };
    let started = Instant::now();
    let result = program.output();
    let wall = started.elapsed();
    if at.interrupt.is_received() {
        return Err(Error::Interrupted);
    }
    Ok(match result {
        Err(error) => Err(format!("could not run {}: {error}", link.program)),
        Ok(output) if output.status.success() => Ok(wall),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let first = text.lines().find(|line| !line.trim().is_empty());
            Err(first.unwrap_or("it fails without a message").to_owned())
        }
    })
}

impl Candidate {
    /// Why this is not a link by its linker, if another one made the program.
    fn is_by_another(&self) -> Option<String> {
        let is_own = |made_by: &String| made_by.to_lowercase().starts_with(self.linker.name());
        if self.linker == Linker::System || self.made_by.as_ref().is_some_and(is_own) {
            return None;
        }
        let other = self.made_by.as_deref().unwrap_or("a linker without a name");
        Some(format!("the compiler runs {other} instead"))
    }

    fn result(mut self) -> Links {
        self.times.sort_unstable();
        let failure = self.link.err();
        let times = if failure.is_none() {
            self.times
        } else {
            Vec::new()
        };
        Links {
            linker: self.linker,
            made_by: self.made_by,
            least: times.first().copied(),
            median: times.get(times.len() / 2).copied(),
            failure,
        }
    }
}
