//! `sccfg gc`: real builds in real worktrees, and what must not be touched.

mod in_use;
mod inaccessible;
mod interrupted;
mod kept;
mod orphans;
mod sizes;
mod unused;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::lab::Layout;
use crate::support::{Ran, Sandbox};
use crate::wrapper::project::{cargo_home, rustup_home, succeeds};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A package in a git repository, in `repo`.
struct Repo {
    sandbox: Sandbox,
    layout: Layout,
}

impl Repo {
    fn new() -> Self {
        Self::laid_out(Layout::V1)
    }

    fn laid_out(layout: Layout) -> Self {
        let sandbox = Sandbox::new()
            .variable("CARGO_HOME", cargo_home().to_str().unwrap())
            .variable("RUSTUP_HOME", rustup_home().to_str().unwrap())
            .file(
                "repo/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
            )
            .file("repo/src/main.rs", "fn main() { println!(\"works\"); }\n")
            .file("repo/.gitignore", "/target\n/.worktrees\n");
        let repo = Self { sandbox, layout };
        repo.git(&["init", "-q", "-b", "main"]);
        repo.commit();
        repo
    }

    fn git(&self, args: &[&str]) {
        let mut git = self.sandbox.command("git");
        git.current_dir(self.sandbox.path("repo"));
        git.args(["-c", "user.name=n", "-c", "user.email=e@x"]);
        succeeds(git.args(args));
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "m"]);
    }

    /// A linked worktree at this path from the sandbox.
    fn linked(&self, place: &str) -> PathBuf {
        let path = self.path(place);
        self.git(&["worktree", "add", "-q", "--detach", path.to_str().unwrap()]);
        path
    }

    /// Removes a worktree, of which its target directory is left.
    fn remove_all_but_target(&self, place: &str) {
        let keep = self.path("keep");
        let target = self.path(place).join("target");
        fs::rename(&target, &keep).unwrap();
        fs::remove_dir_all(self.path(place)).unwrap();
        fs::create_dir(self.path(place)).unwrap();
        fs::rename(keep, target).unwrap();
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.sandbox.path(relative)
    }

    fn cargo(&self, place: &str) -> Command {
        let mut cargo = self.sandbox.command("cargo");
        cargo.current_dir(self.path(place)).arg("--offline");
        for name in ["RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR"] {
            cargo.env_remove(name);
        }
        cargo.envs(self.layout.variables().iter().copied());
        cargo
    }

    fn build(&self, place: &str) {
        succeeds(self.cargo(place).args(["build", "-q"]));
    }

    fn build_into(&self, place: &str, target: &str) {
        let target = self.path(target);
        succeeds(
            self.cargo(place)
                .args(["build", "-q"])
                .env("CARGO_TARGET_DIR", target),
        );
    }

    /// What cargo says to a build.
    fn says(&self, place: &str) -> String {
        let output = succeeds(self.cargo(place).args(["build", "-v"]));
        String::from_utf8(output.stderr).unwrap()
    }

    /// `sccfg gc ARGS` in the repository.
    #[track_caller]
    fn gc(&self, args: &[&str]) -> Ran {
        let all: Vec<&str> = ["-C", "repo", "gc"].iter().chain(args).copied().collect();
        self.sandbox.sccfg(&all)
    }

    /// What `sccfg gc ARGS --dry-run --json` finds: kinds and paths from the sandbox.
    #[track_caller]
    fn finds(&self, args: &[&str]) -> Vec<(String, String)> {
        let json = self.json(&[args, &["--dry-run"]].concat());
        let findings = json["findings"].as_array().unwrap().iter();
        let root = self.path("").canonicalize().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        findings
            .map(|finding| {
                let path = PathBuf::from(text(&finding["path"]));
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
                (text(&finding["kind"]), path.to_owned())
            })
            .collect()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let ran = self.gc(&[args, &["--json"]].concat()).status(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Sets the times of everything below `place` to `age` ago.
    fn age(&self, place: &str, age: Duration) {
        let time = SystemTime::now() - age;
        for path in all_below(&self.path(place)) {
            set_times(&path, time);
        }
    }
}

fn found(kind: &str, path: &str) -> (String, String) {
    (kind.to_owned(), path.to_owned())
}

fn set_times(path: &Path, time: SystemTime) {
    let times = fs::FileTimes::new().set_modified(time).set_accessed(time);
    fs::File::open(path).unwrap().set_times(times).unwrap();
}

/// Everything below `directory`, links not followed, and the directory.
fn all_below(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            all.extend(all_below(&entry.path()));
        } else {
            all.push(entry.path());
        }
    }
    all.push(directory.to_owned());
    all
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What the files take on the disk.
fn occupied(directory: &Path) -> u64 {
    let mut all: Vec<_> = all_below(directory)
        .iter()
        .map(|path| fs::symlink_metadata(path).unwrap())
        .map(|metadata| (metadata.ino(), metadata.blocks() * 512))
        .collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|(_, size)| size).sum()
}
