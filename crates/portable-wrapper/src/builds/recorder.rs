//! Writing records.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::args::Unit;
use super::super::build_dir::{self, wrapper_dir};
use super::super::compiler::is_clippy;
use super::super::path_map::{PathMap, Role};
use super::{BUILDS, BuildStart, Details, EXTENSION, KEPT_BUILDS, KEPT_BYTES, TEST};
use super::{Line, Outcome, Seeding, Started, UnitRecord};
use sccfg_util::clock::{millis, since_1970};
use sccfg_util::{env, fsio, proc};

/// Flags of cargo that are recorded. Others may have secrets as values.
const FLAGS: [&str; 16] = [
    "--all-features",
    "--all-targets",
    "--benches",
    "--bins",
    "--examples",
    "--frozen",
    "--lib",
    "--locked",
    "--no-default-features",
    "--no-run",
    "--offline",
    "--release",
    "--tests",
    "--workspace",
    "-r",
    "-v",
];

/// Records one unit of this build.
pub(in super::super) struct Recorder {
    start: u64,
    began: Instant,
    waited: Cell<Duration>,
    unknown_input: OnceCell<String>,
}

/// A unit, as it is recorded.
pub(in super::super) struct Subject {
    /// The root of the build directory.
    pub(in super::super) root: PathBuf,
    pub(in super::super) unit: String,
    pub(in super::super) dir: String,
    pub(in super::super) name: String,
    pub(in super::super) types: Vec<String>,
    pub(in super::super) target: Option<String>,
    pub(in super::super) uses: Vec<String>,
    /// The process ID and start time of cargo, if it is not the parent of this process.
    cargo: Option<(u32, u64)>,
}

impl Recorder {
    /// At the beginning of a unit.
    pub(in super::super) fn begin() -> Self {
        Self {
            start: millis(since_1970()),
            began: Instant::now(),
            waited: Cell::default(),
            unknown_input: OnceCell::new(),
        }
    }

    /// Sets what is not in the key, because of which the unit is not cached: the path of a file or program, or the crate of a build
    /// script or macro.
    pub(in super::super) fn reads_unknown(&self, what: String) {
        let _ = self.unknown_input.set(what);
    }

    /// What is not in the key, if any.
    pub(in super::super) fn unknown_input(&self) -> Option<String> {
        self.unknown_input.get().cloned()
    }

    /// Adds the time that was spent waiting for another build that compiled the same unit.
    pub(in super::super) fn waited(&self, duration: Duration) {
        self.waited.set(self.waited.get() + duration);
    }

    /// Records a unit that has ended now.
    pub(in super::super) fn ended(
        &self,
        subject: Option<Subject>,
        outcome: Outcome,
        key: &str,
        details: Details,
    ) {
        let end = Some(self.start.saturating_add(millis(self.began.elapsed())));
        self.record(subject, outcome, key, details, end);
    }

    /// Records a unit before this process is replaced by the program that makes it.
    pub(in super::super) fn replaced(&self, subject: Option<Subject>, outcome: Outcome) {
        self.record(subject, outcome, "", Details::default(), None);
    }

    fn record(
        &self,
        subject: Option<Subject>,
        outcome: Outcome,
        key: &str,
        details: Details,
        end: Option<u64>,
    ) {
        let Some(subject) = subject else {
            return;
        };
        let line = Line::Unit(Box::new(UnitRecord {
            unit: subject.unit,
            dir: subject.dir,
            package: env::var("CARGO_PKG_NAME").unwrap_or_default(),
            version: env::var("CARGO_PKG_VERSION").unwrap_or_default(),
            name: subject.name,
            types: subject.types,
            target: subject.target,
            outcome,
            start: self.start,
            end,
            key: key.to_owned(),
            uses: subject.uses,
            details: Details {
                waited: millis(self.waited.get()),
                unknown_input: self.unknown_input(),
                ..details
            },
        }));
        append(&subject.root, subject.cargo, &line);
    }
}

impl Subject {
    /// Records that it was not found at once.
    pub(in super::super) fn started(&self) {
        let line = Line::Started(Started {
            unit: self.unit.clone(),
            name: self.name.clone(),
            package: env::var("CARGO_PKG_NAME").unwrap_or_default(),
            types: self.types.clone(),
            start: millis(since_1970()),
        });
        append(&self.root, self.cargo, &line);
    }

    /// A unit that rustc compiles. `None` if cargo did not start the compile, as for a probe of a build script.
    pub(in super::super) fn of_unit(unit: &Unit, path_map: &PathMap) -> Option<Self> {
        let root = root_of(&unit.out_dir, unit.target.as_deref(), path_map)?;
        let root = root.as_path();
        let script = env::var_os("OUT_DIR").map(PathBuf::from);
        let is_probe = script
            .as_ref()
            .is_some_and(|dir| unit.out_dir.starts_with(dir));
        let dir = unit.out_dir.strip_prefix(root).ok()?.to_str()?;
        if unit.name.is_empty() || dir.is_empty() || is_probe {
            return None;
        }
        let uses = unit.externs.iter().filter_map(|(name, path)| {
            let stem = path.as_ref()?.file_stem()?.to_str()?;
            Some(dependency(name, stem.strip_prefix("lib").unwrap_or(stem)))
        });
        let run = script.and_then(|dir| run_of(&dir, root));
        Some(Self {
            unit: unit.stem(),
            dir: dir.to_owned(),
            name: unit.name.clone(),
            types: if unit.is_test {
                vec![TEST.to_owned()]
            } else if unit.is_build_script {
                vec!["build-script".to_owned()]
            } else {
                unit.crate_types.clone()
            },
            target: unit.target.clone(),
            uses: uses.chain(run).collect(),
            root: root.to_owned(),
            cargo: None,
        })
    }

    /// The run of the build script with this `OUT_DIR`, whose program is the unit `program`.
    pub(in super::super) fn of_run(out_dir: &Path, root: &Path, program: &str) -> Option<Self> {
        let dir = out_dir.parent()?.strip_prefix(root).ok()?.to_str()?;
        Some(Self {
            root: root.to_owned(),
            unit: run_of(out_dir, root)?,
            dir: dir.to_owned(),
            name: "build_script".to_owned(),
            types: vec!["run".to_owned()],
            target: None,
            uses: vec![program.to_owned()],
            cargo: None,
        })
    }

    /// An object that a build script has compiled from the C or C++ file `source`. `None` if no cargo started the script.
    pub(in super::super) fn of_object(
        source: &str,
        output: &Path,
        path_map: &PathMap,
    ) -> Option<Self> {
        let root = root_of(output, env::var("TARGET").as_deref(), path_map)?;
        let output = output.strip_prefix(&root).ok()?;
        let cargo = env::var_os("CARGO").map(PathBuf::from)?;
        Some(Self {
            unit: format!("object {}", output.to_str()?),
            dir: output.parent()?.to_str()?.to_owned(),
            name: Path::new(source).file_name()?.to_str()?.to_owned(),
            types: vec!["object".to_owned()],
            target: None,
            uses: Vec::new(),
            cargo: Some(proc::ancestor(&cargo)?),
            root,
        })
    }
}

/// The root of the build directory with `output`. `path_map` lacks it if its path is too long.
fn root_of(output: &Path, target: Option<&str>, path_map: &PathMap) -> Option<PathBuf> {
    let mapped = path_map.around(output, Role::Target);
    mapped
        .map(Path::to_owned)
        .or_else(|| build_dir::root(output, target))
}

/// The name of the run of the build script with this `OUT_DIR`.
fn run_of(out_dir: &Path, root: &Path) -> Option<String> {
    let dir = out_dir.parent()?.strip_prefix(root).ok()?;
    Some(format!("run {}", dir.to_str()?))
}

/// A dependency that is called `name` and whose files are called `stem`.
fn dependency(name: &str, stem: &str) -> String {
    let name = name.rsplit(':').next().unwrap_or(name);
    let crate_name = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
    if name == crate_name {
        stem.to_owned()
    } else {
        format!("{name}={stem}")
    }
}

/// The directory of the records below the root of a build directory.
pub(super) fn directory(root: &Path) -> PathBuf {
    wrapper_dir(root).join(BUILDS)
}

/// The file of the records of this build, and the process ID of cargo: that of `cargo`, or of the parent process.
fn file_of_build(root: &Path, cargo: Option<(u32, u64)>) -> (PathBuf, u32) {
    let (pid, started) = match cargo.or_else(proc::parent) {
        Some((pid, started)) => (pid, started),
        None => (std::os::unix::process::parent_id(), 0),
    };
    let file = directory(root).join(format!("{pid}-{started}{EXTENSION}"));
    (file, pid)
}

/// The records of this build so far.
pub(super) struct SoFar(Vec<u8>);

impl SoFar {
    pub(super) fn read(root: &Path) -> Self {
        let (file, _) = file_of_build(root, None);
        Self(fsio::read_bytes(file).unwrap_or_default())
    }

    /// Whether `unit` has begun.
    pub(super) fn has(&self, unit: &str) -> bool {
        let field = format!("\"unit\":\"{unit}\"");
        memchr::memmem::find(&self.0, field.as_bytes()).is_some()
    }
}

/// Appends a line to the records of this build. A record that cannot be written is lost.
fn append(root: &Path, cargo: Option<(u32, u64)>, line: &Line) {
    let Ok(mut bytes) = serde_json::to_vec(line) else {
        return;
    };
    bytes.push(b'\n');
    let (file, pid) = file_of_build(root, cargo);
    if fsio::append_record(&file, &bytes).is_ok_and(|is_first| is_first) {
        begin_build(root, &file, pid);
    }
}

/// Records how the build was called, and removes old builds.
fn begin_build(root: &Path, file: &Path, pid: u32) {
    let directory = proc::directory_of(pid).unwrap_or_default();
    let start = Line::Build(BuildStart {
        at: millis(since_1970()),
        directory: directory.to_string_lossy().into_owned(),
        command: command(&proc::arguments_of(pid), runs_clippy()),
    });
    if let Ok(mut bytes) = serde_json::to_vec(&start) {
        bytes.push(b'\n');
        let _ = fsio::append_record(file, &bytes);
    }
    prune(root);
}

/// Whether `cargo clippy` started cargo: it runs another subcommand, with clippy as the compiler of the workspace.
fn runs_clippy() -> bool {
    let wrapper = env::var_os("RUSTC_WORKSPACE_WRAPPER");
    wrapper.is_some_and(|program| is_clippy(program.as_ref()))
        && env::var_os("CLIPPY_ARGS").is_some()
}

/// cargo's subcommand, as the user wrote it, and its known flags.
fn command(arguments: &[String], is_clippy: bool) -> String {
    let is_option = |word: &&String| word.starts_with('-') || word.starts_with('+');
    let words = arguments.iter().skip(1);
    let own: Vec<&String> = words.take_while(|word| *word != "--").collect();
    let is_name = |word: &&&String| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let subcommand = own.iter().find(|word| !is_option(word)).filter(is_name);
    let of_clippy = |name: &str| is_clippy && (name == "check" || name == "fix");
    let flags = own.iter().filter(|word| FLAGS.contains(&word.as_str()));
    let subcommand = subcommand.map(|name| {
        if of_clippy(name) {
            "clippy"
        } else {
            name.as_str()
        }
    });
    let words = subcommand
        .into_iter()
        .chain(flags.map(|word| word.as_str()));
    ["cargo"]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Removes all but the last builds.
fn prune(root: &Path) {
    let directory = directory(root);
    let mut names = fsio::names_in(&directory);
    names.retain(|name| name.ends_with(EXTENSION));
    if names.len() <= 1 {
        return;
    }
    let paths = names.iter().map(|name| directory.join(name));
    let mut files: Vec<_> = paths
        .filter_map(|path| Some((fsio::file_age(&path)?, path)))
        .collect();
    files.sort();
    let mut bytes = 0;
    for (nth, (_, path)) in files.iter().enumerate() {
        bytes += fsio::file_size(path);
        if nth > 0 && (nth >= KEPT_BUILDS || bytes > KEPT_BYTES) {
            let _ = fsio::remove_file(path);
            Seeding::forget(root);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_flags_of_cargo_are_recorded() {
        for (line, recorded) in [
            ("cargo build --release", "cargo build --release"),
            (
                "/bin/cargo +nightly -v test --workspace -- --token",
                "cargo test -v --workspace",
            ),
            ("cargo check --all-targets", "cargo check --all-targets"),
            ("cargo publish --token hunter2", "cargo publish"),
            ("cargo --config registry.token='\"hunter2\"' check", "cargo"),
            ("cargo", "cargo"),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(command(&words, false), recorded, "{line}");
            let of_clippy = recorded.replace("cargo check", "cargo clippy");
            assert_eq!(command(&words, true), of_clippy, "{line}");
        }
    }

    #[test]
    fn old_builds_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let directory = directory(root.path());
        for nth in 0..KEPT_BUILDS + 3 {
            fsio::append_record(&directory.join(format!("{nth}-1.jsonl")), b"{}\n").unwrap();
        }
        prune(root.path());
        assert_eq!(fsio::names_in(&directory).len(), KEPT_BUILDS);
        let large = vec![b'x'; usize::try_from(KEPT_BYTES).unwrap() + 1];
        fsio::append_record(&directory.join("last-1.jsonl"), &large).unwrap();
        prune(root.path());
        assert_eq!(fsio::names_in(&directory), ["last-1.jsonl"]);
    }

    #[test]
    fn a_dependency_with_another_name_keeps_both() {
        assert_eq!(dependency("serde", "serde-0a"), "serde-0a");
        assert_eq!(dependency("priv:my_serde", "serde-0a"), "my_serde=serde-0a");
    }
}
