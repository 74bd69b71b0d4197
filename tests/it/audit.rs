//! `sccfg audit`: real repositories in a directory, what is found in them, and what `--fix` changes.
//!
//! ```ignore
//! let projects = Projects::new();
//! projects.repository("app", &[("flake.nix", FLAKE)]);
//! projects.audit(&[]).status(0).stdout_has("no problems found");
//! ```

mod findings;
mod fix;
mod printed;
mod search;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, Sandbox};
use crate::wrapper::project::succeeds;

pub(crate) use crate::doctor::FLAKE;

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

/// A directory `all` with repositories.
struct Projects {
    sandbox: Sandbox,
}

impl Projects {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.path("all")).unwrap();
        Self { sandbox }
    }

    /// Adds a committed repository with a package and these files.
    fn repository(&self, name: &str, files: &[(&str, &str)]) {
        let path = |file: &str| format!("all/{name}/{file}");
        self.sandbox.write(&path("Cargo.toml"), MANIFEST);
        self.sandbox
            .write(&path(".gitignore"), "/target\n/.worktrees\n");
        for (file, text) in files {
            self.sandbox.write(&path(file), text);
        }
        self.git(name, &["init", "--quiet"]);
        self.git(name, &["add", "."]);
        self.git(name, &["commit", "--quiet", "--message", "m"]);
    }

    /// Adds a repository as `sccfg init` leaves it.
    fn managed(&self, name: &str, options: &[&str]) {
        self.repository(name, &[("flake.nix", FLAKE)]);
        self.init(name, options);
        self.git(name, &["add", "."]);
        self.git(name, &["commit", "--quiet", "--message", "sccfg"]);
    }

    fn init(&self, name: &str, options: &[&str]) {
        let root = format!("all/{name}");
        let init = [&["-C", &root, "init"], options].concat();
        self.sandbox.sccfg(&init).status(0);
    }

    #[track_caller]
    fn git(&self, name: &str, args: &[&str]) {
        let mut git = self.sandbox.command("git");
        git.current_dir(self.sandbox.path(&format!("all/{name}")));
        git.args(["-c", "user.name=n", "-c", "user.email=e@x"]);
        succeeds(git.args(args));
    }

    /// `sccfg audit` in the directory.
    fn audit(&self, options: &[&str]) -> Ran {
        self.sandbox
            .sccfg(&[&["-C", "all", "audit"], options].concat())
    }

    fn json(&self, options: &[&str]) -> Value {
        let ran = self.audit(&[&["--json"], options].concat());
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// The repositories found, relative to the directory.
    #[track_caller]
    fn found(&self) -> Vec<String> {
        let json = self.json(&[]);
        let all = self.sandbox.path("all").canonicalize().unwrap();
        let repositories = json["repositories"].as_array().unwrap().iter();
        repositories
            .map(|one| {
                let root = Path::new(one["root"].as_str().unwrap());
                root.strip_prefix(&all).unwrap().display().to_string()
            })
            .collect()
    }

    /// What is said of one repository.
    #[track_caller]
    fn about(&self, name: &str) -> Value {
        let json = self.json(&[]);
        let mut all = json["repositories"].as_array().unwrap().iter();
        let ends = |one: &&Value| {
            one["root"]
                .as_str()
                .unwrap()
                .ends_with(&format!("all/{name}"))
        };
        all.find(ends).unwrap().clone()
    }

    /// The codes found in one repository.
    #[track_caller]
    fn codes(&self, name: &str) -> Vec<String> {
        let about = self.about(name);
        let problems = about["problems"].as_array().unwrap().iter();
        problems
            .map(|problem| problem["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The bytes of every file below the directory, except git's and cargo's.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.sandbox.path("all");
        let walk = ignore::WalkBuilder::new(&root)
            .standard_filters(false)
            .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some(".git" | "target")))
            .build();
        walk.flatten()
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                let name = entry.path().strip_prefix(&root).unwrap();
                (
                    name.display().to_string(),
                    std::fs::read(entry.path()).unwrap(),
                )
            })
            .collect()
    }
}

/// A flake whose dev shell has these attributes.
fn flake_with(attributes: &str) -> String {
    FLAKE.replace("packages = [ ];", &format!("packages = [ ]; {attributes}"))
}

const USES_SCCACHE: &str = "RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\";";
