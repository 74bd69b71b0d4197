//! One build with cargo, followed by its JSON messages.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Error, Progress};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;
use sccfg_util::proc::watched::{Event, Line, WatchedProgram};

/// Interval for checking Ctrl-C.
const TICK: Duration = Duration::from_millis(50);
/// Number of lines of output in an error.
const ERROR_LINES: usize = 60;

/// A build to run.
#[derive(Debug)]
pub(super) struct Build<'a> {
    /// The path of cargo.
    pub(super) cargo: &'a Path,
    /// The working directory.
    pub(super) dir: &'a Path,
    /// Arguments of `cargo build`, or another command with its arguments.
    pub(super) args: &'a [OsString],
    /// Passed as an argument, because `CARGO_TARGET_DIR` would be part of every key.
    pub(super) target: &'a Path,
    /// Whether `build.build-dir` is set; units would be compiled there.
    pub(super) has_build_dir: bool,
    /// Changes of the environment.
    pub(super) environment: &'a [(OsString, Option<OsString>)],
}

/// The result of a build.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Wall time of cargo.
    pub(super) wall: Duration,
    /// Number of compiled units: crates, once for each profile and target, and build scripts.
    pub(super) units: u64,
    /// The messages of the wrapper.
    pub(super) messages: Vec<String>,
    /// Package IDs by root file of the crate.
    pub(super) packages: BTreeMap<PathBuf, String>,
    /// Package IDs that ran a build script.
    pub(super) with_script: BTreeSet<String>,
    /// Package IDs by `OUT_DIR`.
    pub(super) out_dirs: BTreeMap<PathBuf, String>,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        package_id: String,
        target: Target,
        fresh: bool,
    },
    BuildScriptExecuted {
        package_id: String,
        out_dir: PathBuf,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    src_path: PathBuf,
}

impl Build<'_> {
    pub(super) fn run(
        &self,
        name: &str,
        progress: &dyn Progress,
        interrupt: &Interrupt,
    ) -> Result<Built, Error> {
        let started = Instant::now();
        let mut cargo =
            WatchedProgram::start(self.cargo, &self.command(), self.dir, self.environment)
                .map_err(|error| {
                    Problem::new(format!("could not run {}: {error}", self.cargo.display()))
                })?;
        let mut built = Built::default();
        let mut stderr = Vec::new();
        let status = loop {
            if interrupt.is_received() {
                return Err(Error::Interrupted);
            }
            match cargo
                .next(TICK)
                .map_err(|error| Problem::new(error.to_string()))?
            {
                Event::Nothing => {}
                Event::Exited(status) => break status,
                Event::Line(Line::Err(line)) => {
                    if line.starts_with("sccfg: ") {
                        built.messages.push(line.clone());
                    }
                    stderr.push(line);
                }
                Event::Line(Line::Out(line)) => {
                    if let Some(unit) = built.take(&line) {
                        progress.unit(&unit);
                    }
                }
            }
        };
        built.wall = started.elapsed();
        if interrupt.is_received() {
            return Err(Error::Interrupted);
        }
        if !status.success() {
            let from = stderr.len().saturating_sub(ERROR_LINES);
            return Err(Problem::new(format!(
                "the {name} failed ({status}):\n{}",
                stderr[from..].join("\n")
            ))
            .hint("check that it builds without sccache: RUSTC_WRAPPER= cargo build")
            .into());
        }
        Ok(built)
    }

    /// `cargo build ARGS`, or `cargo check …` if the user names a command.
    fn command(&self) -> Vec<OsString> {
        let is_command = |arg: &&OsString| !arg.as_encoded_bytes().starts_with(b"-");
        let (command, rest) = match self.args.first().filter(is_command) {
            Some(command) => (command.as_os_str(), &self.args[1..]),
            None => (OsStr::new("build"), self.args),
        };
        let mut args = vec![
            command.to_owned(),
            "--message-format=json-render-diagnostics".into(),
            "--target-dir".into(),
            self.target.into(),
        ];
        if self.has_build_dir {
            let value = toml_edit::Value::from(self.target.to_string_lossy().into_owned());
            args.extend(["--config".into(), format!("build.build-dir={value}").into()]);
        }
        args.extend(rest.iter().cloned());
        args
    }
}

impl Built {
    /// The package with this root file. For workspace members, rustc gets the path relative to the
    /// workspace.
    pub(super) fn package_of(&self, source: &Path) -> Option<&str> {
        let packages = &self.packages;
        let by_end = || packages.iter().find(|(path, _)| path.ends_with(source));
        let found = packages.get_key_value(source).or_else(by_end)?;
        Some(found.1)
    }

    /// The name of the package whose build script ran a compiler with these arguments.
    pub(super) fn package_of_script(&self, args: &[String]) -> Option<&str> {
        let is_named = |out_dir: &Path| {
            let out_dir = out_dir.to_string_lossy();
            args.iter().any(|arg| arg.contains(&*out_dir))
        };
        let mut named = self
            .out_dirs
            .iter()
            .filter(|(out_dir, _)| is_named(out_dir));
        name_of(named.next()?.1)
    }

    /// Reads a message of cargo. Returns the name of the unit, if one was compiled.
    fn take(&mut self, line: &str) -> Option<String> {
        match serde_json::from_str(line).ok()? {
            Message::CompilerArtifact {
                package_id,
                target,
                fresh,
            } => {
                self.packages.insert(target.src_path, package_id);
                (!fresh).then(|| {
                    self.units += 1;
                    target.name
                })
            }
            Message::BuildScriptExecuted {
                package_id,
                out_dir,
            } => {
                self.out_dirs.insert(out_dir, package_id.clone());
                self.with_script.insert(package_id);
                None
            }
            Message::Other => None,
        }
    }
}

/// The name in a package ID: `path+file:///w/a#0.1.0`, `path+file:///w/x#a@0.1.0`, or before cargo 1.77
/// `a 0.1.0 (path+file:///w/x)`.
fn name_of(id: &str) -> Option<&str> {
    if let Some((name, _)) = id.split_once(' ') {
        return Some(name);
    }
    let (source, named) = id.rsplit_once('#')?;
    match named.split_once('@') {
        Some((name, _)) => Some(name),
        None => source.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str]) -> Vec<String> {
        command_of(args, false)
    }

    fn command_of(args: &[&str], has_build_dir: bool) -> Vec<String> {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        let build = Build {
            cargo: Path::new("cargo"),
            dir: Path::new("."),
            args: &args,
            target: Path::new("/t"),
            has_build_dir,
            environment: &[],
        };
        let text = |arg: &OsString| arg.to_string_lossy().into_owned();
        build.command().iter().map(text).collect()
    }

    #[test]
    fn arguments_are_those_of_build_unless_a_command_is_named() {
        let ours = [
            "--message-format=json-render-diagnostics",
            "--target-dir",
            "/t",
        ];
        let with = |first, rest: &[&str]| {
            let mut all = vec![first];
            all.extend(ours);
            all.extend(rest);
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(command(&[]), with("build", &[]));
        assert_eq!(command(&["--release"]), with("build", &["--release"]));
        let test = ["test", "--no-run", "--", "x"];
        assert_eq!(command(&test), with("test", &["--no-run", "--", "x"]));
    }

    #[test]
    fn a_build_directory_that_has_build_dir_is_the_target_directory() {
        let command = command_of(&[], true);
        assert_eq!(command[4..], ["--config", "build.build-dir=\"/t\""]);
    }

    #[test]
    fn objects_belong_to_the_package_whose_out_dir_is_named() {
        let mut built = Built::default();
        for (id, out_dir) in [
            (
                "path+file:///w/my-sys#0.1.0",
                "/t/debug/build/my-sys-01/out",
            ),
            ("registry+https://r#z-sys@1.2.0", "/build/x/z-sys/02/out"),
            ("old 0.1.0 (path+file:///w/o)", "/t/debug/build/old-03/out"),
        ] {
            let line = format!(
                r#"{{"reason":"build-script-executed","package_id":"{id}","out_dir":"{out_dir}"}}"#
            );
            assert_eq!(built.take(&line), None);
        }
        for (object, package) in [
            ("/t/debug/build/my-sys-01/out/a.o", Some("my-sys")),
            ("/build/x/z-sys/02/out/a.o", Some("z-sys")),
            ("/t/debug/build/old-03/out/a.o", Some("old")),
            ("/build/x/out/a.o", None),
        ] {
            let args = ["-o", object].map(str::to_owned);
            assert_eq!(built.package_of_script(&args), package, "{object}");
        }
    }

    #[test]
    fn messages_of_cargo_are_counted() {
        let mut built = Built::default();
        let artifact = r#"{"reason":"compiler-artifact","package_id":"r#a@1","fresh":false,
            "target":{"name":"a","kind":["lib"],"src_path":"/a/lib.rs"}}"#;
        assert_eq!(built.take(artifact).as_deref(), Some("a"));
        let fresh = artifact.replace("false", "true");
        assert_eq!(built.take(&fresh), None);
        let script = r#"{"reason":"build-script-executed","package_id":"r#a@1","out_dir":"/o"}"#;
        assert_eq!(built.take(script), None);
        assert_eq!(
            built.take(r#"{"reason":"build-finished","success":true}"#),
            None
        );
        assert_eq!(built.take("what a build script printed"), None);
        assert_eq!(built.units, 1);
        assert!(
            built
                .with_script
                .contains(&built.packages[Path::new("/a/lib.rs")])
        );
    }
}
