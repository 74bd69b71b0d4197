//! `sccfg doctor`: the real situation, its detection, and that `--fix` cures it and touches nothing else.
//!
//! ```ignore
//! let shell = DevShell::new();
//! shell.doctor(&[]).status(0).stdout_has("no problems found");
//! shell.with("CARGO_INCREMENTAL", "1").finds("S030", "variable CARGO_INCREMENTAL");
//! ```

mod build;
mod cargo;
mod config;
mod flags;
mod hooks;
mod nix;
mod report;
mod server;
mod service;
mod variables;
mod worktrees;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{GIB, Machine};
use crate::support::{Ran, sccache};

pub(crate) const FLAKE: &str = "{\n  outputs = { nixpkgs, ... }:\n    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in\n    { devShells.x86_64-linux.default = pkgs.mkShell { packages = [ ]; }; };\n}\n";

/// A machine and a repository as `sccfg init` leaves them, and a shell as the hook leaves it.
pub(crate) struct DevShell {
    pub(crate) machine: Machine,
    /// Changes of the environment, after the hook.
    changes: Vec<(String, Option<String>)>,
    /// Commands whose output is evaluated after these changes.
    evaluated: Vec<String>,
    has_hook: bool,
}

impl DevShell {
    pub(crate) fn new() -> Self {
        Self::of(sccache())
    }

    pub(crate) fn of(sccache: PathBuf) -> Self {
        let machine = Machine::with(sccache);
        machine.file_says(3 * GIB);
        for (name, text) in [
            ("flake.nix", FLAKE),
            (
                "Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
            ),
            ("src/lib.rs", "pub fn f() {}\n"),
            (".gitignore", "/target\n"),
        ] {
            machine.sandbox.write(&format!("repo/{name}"), text);
        }
        let shell = Self {
            machine,
            changes: Vec::new(),
            evaluated: Vec::new(),
            has_hook: true,
        };
        shell.git("repo", &["init", "--quiet"]);
        let init = ["-C", "repo", "init", "--size", "3GiB"];
        shell.machine.sccfg(&init).status(0);
        shell.machine.sccfg(&["server", "ensure"]).status(0);
        shell
    }

    /// The repository has an `.envrc`, and the user has nix-direnv as home-manager installs it.
    pub(crate) fn with_direnv() -> Self {
        let shell = Self::new();
        let init = ["-C", "repo", "init", "--direnv"];
        shell.machine.sccfg(&init).status(0);
        shell.write("home/.config/direnv/lib/hm-nix-direnv.sh", "# nix-direnv\n");
        shell
    }

    /// `direnv allow` in a directory.
    #[track_caller]
    pub(crate) fn allow(&self, directory: &str) {
        let mut direnv = self.machine.sandbox.command("direnv");
        let direnv = direnv.arg("allow").current_dir(self.path(directory));
        Ran::new("direnv allow".into(), &direnv.output().unwrap()).status(0);
    }

    /// Sets a variable of the shell, after the hook.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.changes.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.changes.push((name.to_owned(), None));
        self
    }

    /// The value that [`with`](Self::with) gave to a variable.
    #[track_caller]
    pub(crate) fn variable(&self, name: &str) -> &str {
        let mut changes = self.changes.iter().rev();
        let (_, value) = changes.find(|(known, _)| known == name).unwrap();
        value.as_deref().unwrap()
    }

    /// The shell does not evaluate the hook, which would start or restart a server.
    pub(crate) fn without_hook(mut self) -> Self {
        self.has_hook = false;
        self
    }

    /// Evaluates what `sccfg` prints with these arguments, last.
    pub(crate) fn evaluating(mut self, args: &str) -> Self {
        self.evaluated.push(args.to_owned());
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.machine.sandbox.write(name, text);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.machine.sandbox.path(name)
    }

    #[track_caller]
    pub(crate) fn git(&self, directory: &str, args: &[&str]) {
        let mut git = self.machine.sandbox.command("git");
        git.current_dir(self.path(directory));
        git.args(["-c", "user.name=me", "-c", "user.email=me@localhost"]);
        let output = git.args(args).output().unwrap();
        Ran::new(format!("git {args:?}"), &output).status(0);
    }

    /// Commits everything in `repo`.
    #[track_caller]
    pub(crate) fn commit(&self) {
        self.git("repo", &["add", "--all"]);
        self.git("repo", &["commit", "--quiet", "-m", "all"]);
    }

    /// `sccfg doctor` in `repo`.
    #[track_caller]
    pub(crate) fn doctor(&self, args: &[&str]) -> Ran {
        self.doctor_in("repo", args)
    }

    #[track_caller]
    pub(crate) fn doctor_in(&self, directory: &str, args: &[&str]) -> Ran {
        let output = self.command(directory, args).output().unwrap();
        Ran::new(format!("sccfg doctor {}", args.join(" ")), &output)
    }

    /// `sccfg doctor` in a shell that evaluated the hook.
    pub(crate) fn command(&self, directory: &str, args: &[&str]) -> Command {
        let sccfg = env!("CARGO_BIN_EXE_sccfg");
        let mut command = self.machine.sandbox.command("bash");
        // As `nix develop` does; the values are those of the flake.
        command
            .env("IN_NIX_SHELL", "impure")
            .env("NIX_CONFIG", "experimental-features = nix-command flakes")
            .env("RUSTC_WRAPPER", &self.machine.sccache)
            .env("CARGO_INCREMENTAL", "0")
            .current_dir(self.path(directory));
        // Those of the cargo that runs the tests.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_") {
                command.env_remove(name);
            }
        }
        command.env("CARGO_INCREMENTAL", "0");
        let mut script = String::new();
        if self.has_hook {
            script.push_str(&format!("eval \"$('{sccfg}' hook bash)\"\n"));
        }
        for (name, value) in &self.changes {
            match value {
                Some(value) => script.push_str(&format!("export {name}='{value}'\n")),
                None => script.push_str(&format!("unset {name}\n")),
            }
        }
        for args in &self.evaluated {
            script.push_str(&format!("eval \"$('{sccfg}' {args})\"\n"));
        }
        script.push_str(&format!("exec '{sccfg}' doctor \"$@\""));
        command.args(["-euc", &script, "bash"]).args(args);
        command
    }

    /// The only finding, as JSON.
    #[track_caller]
    pub(crate) fn finding(&self) -> serde_json::Value {
        let ran = self.doctor(&["--json"]).status(1);
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let problems = json["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{json:#}");
        problems[0].clone()
    }

    /// That there is one finding, with this code, and these words in what it says of itself.
    #[track_caller]
    pub(crate) fn finds(&self, code: &str, words: &[&str]) {
        let finding = self.finding();
        assert_eq!(finding["code"], code, "{finding:#}");
        let ran = self.doctor(&[]).status(1);
        for word in words {
            assert!(ran.stdout.contains(word), "no `{word}` in {}", ran.stdout);
        }
        assert!(ran.stdout.contains(&format!("[{code}]")), "{}", ran.stdout);
    }

    #[track_caller]
    pub(crate) fn is_healthy(&self) {
        let ran = self.doctor(&[]).status(0).quiet();
        assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
        assert!(
            ran.stdout.starts_with("no problems found"),
            "{}",
            ran.stdout
        );
    }

    /// Every file of the sandbox, without what a server writes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(""), &mut files);
        let own = ["run", "cache"].map(|name| self.path(name));
        files.retain(|path, _| !own.iter().any(|own| path.starts_with(own)));
        files
    }

    /// The files that have other contents than `before`.
    pub(crate) fn changed_since(&self, before: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
        let after = self.files();
        let names: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
        let different = names.into_iter();
        different
            .filter(|path| before.get(*path) != after.get(*path))
            .cloned()
            .collect()
    }

    /// Runs `doctor --fix --yes`; after it there is no problem, and only `changed` has other contents.
    #[track_caller]
    pub(crate) fn is_cured_by_changing(&self, changed: &[&str]) {
        let before = self.files();
        self.doctor(&["--fix", "--yes"])
            .status(0)
            .stdout_has("fixed");
        let different = self.changed_since(&before);
        let changed: Vec<PathBuf> = changed.iter().map(|name| self.path(name)).collect();
        assert_eq!(different, changed);
        self.is_healthy();
    }
}

/// `inner`, run by `outer` in the same directory and environment.
pub(crate) fn through(outer: &str, args: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer);
    command
        .args(args)
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(inner.get_current_dir().unwrap());
    command
}

fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            files.insert(path, target.into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            collect(&path, files);
        } else if path.is_file() {
            files.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
}
