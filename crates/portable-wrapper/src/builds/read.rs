//! Reading the records of a build directory.

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::build_dir;
use super::recorder::directory;
use super::{BuildStart, EXTENSION, Line, Seeding, Started, UnitRecord};
use sccache_control::server::process;
use sccfg_util::fsio::{self, FileId};

/// The maximum lag of file times behind the system clock, in milliseconds.
const TICK: u64 = 20;

/// A build, read from its records.
#[derive(Debug, Clone)]
pub struct Build {
    /// The file of its records.
    pub file: PathBuf,
    /// The command and directory of the build; `None` if that record is missing.
    pub start: Option<BuildStart>,
    /// The units that ended, in the order in which they began.
    pub units: Vec<UnitRecord>,
    /// The units that were started and have not ended. If cargo has exited, the build was interrupted during these.
    pub unfinished: Vec<Started>,
    /// What the build directory was seeded with, if this is the first build there.
    pub seeding: Option<Seeding>,
    /// The time since the last record was written.
    pub age: Duration,
    /// Whether cargo still runs.
    pub is_running: bool,
}

/// The builds that are recorded in a build directory. A file is read again only if it has changed.
#[derive(Debug)]
pub struct RecordedBuilds {
    root: PathBuf,
    all: Vec<Build>,
    /// The states of the files when they were read.
    states: BTreeMap<PathBuf, FileId>,
}

impl RecordedBuilds {
    /// Those in the build directory at `root`, none of which has been read yet.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            all: Vec::new(),
            states: BTreeMap::new(),
        }
    }

    /// The builds as they are now, the last one first.
    pub fn read(&mut self) -> &[Build] {
        let known = mem::take(&mut self.all).into_iter();
        let mut known: BTreeMap<PathBuf, Build> =
            known.map(|build| (build.file.clone(), build)).collect();
        let states = mem::take(&mut self.states);
        let directory = directory(&self.root);
        let names = fsio::names_in(&directory).into_iter();
        for name in names.filter(|name| name.ends_with(EXTENSION)) {
            let file = directory.join(name);
            let state = fsio::file_id(&file);
            let is_known = state.is_some() && states.get(&file) == state.as_ref();
            let build = match known.remove(&file).filter(|_| is_known) {
                Some(build) => build.refreshed(&self.root),
                None => Build::read(&file, &self.root),
            };
            self.all.extend(build);
            self.states.extend(state.map(|state| (file, state)));
        }
        self.all
            .sort_by(|a, b| (a.age, &a.file).cmp(&(b.age, &b.file)));
        if let Some(first) = self.all.last_mut() {
            first.seeding = Seeding::read(&self.root);
        }
        &self.all
    }
}

/// The builds that are recorded in the build directory at `root`, the last one first.
pub fn builds(root: &Path) -> Vec<Build> {
    let mut builds = RecordedBuilds::new(root);
    builds.read();
    builds.all
}

/// When something was last recorded in the build directory at `root`; `None` if it has no records.
pub(crate) fn last_record(root: &Path) -> Option<SystemTime> {
    fsio::newest_file_in(&directory(root))
}

impl Build {
    /// Reads the file of its records. `None` if it has no unit.
    pub fn read(file: &Path, root: &Path) -> Option<Self> {
        let age = fsio::file_age(file)?;
        let bytes = fsio::read_bytes(file)?;
        let mut start = None;
        let mut units: BTreeMap<String, UnitRecord> = BTreeMap::new();
        let mut started: BTreeMap<String, Started> = BTreeMap::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(Line::Unit(unit)) => {
                    started.remove(&unit.unit);
                    units.insert(unit.unit.clone(), *unit);
                }
                Ok(Line::Started(unit)) => {
                    started.insert(unit.unit.clone(), unit);
                }
                Ok(Line::Build(build)) => start = Some(build),
                // A line of a later version, or an incomplete one.
                Err(_) => {}
            }
        }
        let mut units: Vec<UnitRecord> = units.into_values().collect();
        units.sort_by(|a, b| (a.start, &a.unit).cmp(&(b.start, &b.unit)));
        let mut build = Self {
            is_running: is_running(file),
            file: file.to_owned(),
            start,
            units,
            unfinished: started.into_values().collect(),
            seeding: None,
            age,
        };
        build.complete_runs(root);
        (!build.units.is_empty() || !build.unfinished.is_empty()).then_some(build)
    }

    /// The build as it is now, if its file has not changed.
    fn refreshed(mut self, root: &Path) -> Option<Self> {
        self.age = fsio::file_age(&self.file)?;
        if self.is_running {
            self.is_running = is_running(&self.file);
            self.complete_runs(root);
        }
        Some(self)
    }

    /// Sets the end of runs of build scripts that replaced the wrapper (`exec`) to the time at which cargo wrote what they printed.
    fn complete_runs(&mut self, root: &Path) {
        let last = self.units.iter().filter_map(|unit| unit.end).max();
        for unit in self.units.iter_mut().filter(|unit| unit.end.is_none()) {
            let out_dir = root.join(&unit.dir).join("out");
            let end = build_dir::end_of_run(&out_dir);
            let end = end.filter(|end| end.saturating_add(TICK) >= unit.start);
            // Another build may have run it since.
            let end = end.filter(|end| last.is_none_or(|last| *end <= last));
            unit.end = end.map(|end| end.max(unit.start));
        }
    }

    /// When the first unit began and the last one ended, in milliseconds since 1970.
    pub fn span(&self) -> (u64, u64) {
        let starts = self.units.iter().map(|unit| unit.start);
        let ends = self.units.iter().map(|unit| unit.end.unwrap_or(unit.start));
        let start = starts.min().unwrap_or_default();
        (start, ends.max().unwrap_or_default().max(start))
    }

    /// The unit of this name.
    pub fn unit(&self, name: &str) -> Option<&UnitRecord> {
        self.units.iter().find(|unit| unit.unit == name)
    }
}

/// Whether the process that the records at `file` are named after still runs.
fn is_running(file: &Path) -> bool {
    let read = || -> Option<bool> {
        let name = file.file_name()?.to_str()?.strip_suffix(EXTENSION)?;
        let (pid, started) = name.split_once('-')?;
        let (pid, started): (u32, u64) = (pid.parse().ok()?, started.parse().ok()?);
        Some(started > 0 && process::started(pid) == Some(started))
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = r#"{"unit":{"unit":"a-1","dir":"debug/deps","package":"a","version":"1.0.0","name":"a","types":["lib"],"outcome":"miss","start":5,"end":9,"key":"k"}}"#;

    fn read(text: &str) -> Option<Build> {
        let root = tempfile::tempdir().unwrap();
        let file = directory(root.path()).join("1-1.jsonl");
        fsio::append(&file, text.as_bytes()).unwrap();
        Build::read(&file, root.path())
    }

    #[test]
    fn a_record_is_read_again_only_after_a_change() {
        let root = tempfile::tempdir().unwrap();
        let file = directory(root.path()).join("1-1.jsonl");
        let add = |line: &str| fsio::append(&file, format!("{line}\n").as_bytes()).unwrap();
        add(UNIT);
        let mut builds = RecordedBuilds::new(root.path());
        assert_eq!(builds.read()[0].units.len(), 1);
        // What was read is kept.
        builds.all[0].units[0].package = "kept".to_owned();
        assert_eq!(builds.read()[0].units[0].package, "kept");
        add(&UNIT.replace("a-1", "a-2"));
        assert_eq!(builds.read()[0].units.len(), 2);
        assert_eq!(builds.read()[0].units[0].package, "a");
        fsio::remove_file(&file).unwrap();
        assert!(builds.read().is_empty());
    }

    #[test]
    fn unknown_lines_are_skipped() {
        let text = format!("{}\n{{\"later\":{{}}}}\nnot json\n{UNIT}\n", &UNIT[..20]);
        let build = read(&text).unwrap();
        assert_eq!(build.units.len(), 1);
        assert!(build.start.is_none() && !build.is_running);
        assert!(read("{\"later\":{}}\n").is_none());
    }

    #[test]
    fn a_started_unit_without_an_end_is_unfinished() {
        let started = |name: &str| {
            format!(
                r#"{{"started":{{"unit":"{name}","name":"a","package":"a","types":["lib"],"start":5}}}}"#
            )
        };
        let build = read(&format!("{}\n{}\n{UNIT}\n", started("a-1"), started("b-1"))).unwrap();
        assert_eq!(build.unfinished.len(), 1);
        assert_eq!(build.unfinished[0].unit, "b-1");
        assert_eq!(build.span(), (5, 9));
    }
}
