//! Real Nix with the stub flakes of `tests/nix`.
//!
//! ```ignore
//! let nix = nix();
//! let sandbox = Sandbox::new().file("repo/flake.nix", FLAKE);
//! assert_eq!(nix.dev_env(&sandbox, "repo", None)["CARGO_INCREMENTAL"], "0");
//! ```

#![allow(dead_code, reason = "the harness is for all topics")]

use indoc::indoc;
mod flake;
mod home_manager;
mod hook;
mod init;
mod linker;
mod modules;
mod portable;
mod real;
mod shell_nix;
mod sizes;
mod stub;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Ran, Sandbox, program, project, sccache_if_any};

/// Nix with its own store in `target/`, without a daemon and without a network.
///
/// With `SCCFG_NIXPKGS`, a flake reference or a checkout, it is the machine's own Nix instead, and
/// that nixpkgs instead of the stub.
pub(crate) struct Nix {
    flakes: PathBuf,
    nixpkgs: String,
    variables: Vec<(&'static str, PathBuf)>,
    /// Inputs that are something else than the flakes of `tests/nix`.
    instead: Vec<(String, String)>,
}

/// The fixture, set up once per process, for tests with `#[requires(nix)]`.
pub(crate) fn nix() -> &'static Nix {
    static NIX: OnceLock<Nix> = OnceLock::new();
    NIX.get_or_init(|| {
        assert!(program("nix").is_some(), "the test lacks #[requires(nix)]");
        Nix::new()
    })
}

impl Nix {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nix");
        let flakes = copy_flakes(&root);
        if let Some(nixpkgs) = std::env::var_os("SCCFG_NIXPKGS").filter(|it| !it.is_empty()) {
            let nixpkgs = nixpkgs.to_string_lossy().into_owned();
            let nixpkgs = if Path::new(&nixpkgs).is_absolute() {
                format!("path:{nixpkgs}")
            } else {
                nixpkgs
            };
            return Self {
                flakes,
                nixpkgs,
                variables: Vec::new(),
                instead: Vec::new(),
            };
        }
        let conf = root.join("conf");
        fs::create_dir_all(&conf).unwrap();
        replace(
            &conf.join("nix.conf"),
            indoc! {"
                experimental-features = nix-command flakes
                sandbox = false
                build-users-group =
                substituters =
                flake-registry =
                eval-cache = false
                warn-dirty = false
            "},
        );
        let nix = Self {
            nixpkgs: format!("path:{}", flakes.join("nixpkgs").display()),
            flakes,
            variables: vec![
                ("NIX_CONF_DIR", conf),
                ("NIX_STORE_DIR", root.join("store")),
                ("NIX_STATE_DIR", root.join("var")),
                ("NIX_LOG_DIR", root.join("log")),
                ("NIX_REMOTE", PathBuf::from("local")),
            ],
            instead: Vec::new(),
        };
        // Two processes that create the store at once would conflict.
        let sandbox = Sandbox::new();
        let made = (0..5).any(|_| {
            let mut command = nix.command(&sandbox, "nix-instantiate");
            let output = command.args(["--eval", "-E", "1"]).output().unwrap();
            output.status.success()
        });
        assert!(made, "Nix does not run with a store of its own");
        nix
    }

    /// The same, with other references for these inputs.
    pub(crate) fn with(&self, instead: Vec<(String, String)>) -> Self {
        Self {
            flakes: self.flakes.clone(),
            nixpkgs: self.nixpkgs.clone(),
            variables: self.variables.clone(),
            instead,
        }
    }

    /// The flake of `tests/nix` in this directory; `sccfg` is this project's own.
    pub(crate) fn flake(&self, directory: &str) -> PathBuf {
        self.flakes.join(directory)
    }

    /// A command of Nix in `sandbox`, with flakes switched on.
    pub(crate) fn command(&self, sandbox: &Sandbox, program: &str) -> Command {
        let mut command = sandbox.command(program);
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .args(["--extra-experimental-features", "nix-command flakes"]);
        command
    }

    /// The variables for a program that runs Nix by itself.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let paths = self.variables.iter();
        let paths = paths.map(|(name, path)| ((*name).to_owned(), path.display().to_string()));
        let features = "extra-experimental-features = nix-command flakes";
        paths
            .chain([("NIX_CONFIG".to_owned(), features.to_owned())])
            .collect()
    }

    /// Another program in `sandbox` that runs Nix by itself.
    pub(crate) fn user(&self, sandbox: &Sandbox, program: &str) -> Command {
        let mut command = sandbox.command(program);
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env(
                "NIX_CONFIG",
                "extra-experimental-features = nix-command flakes",
            );
        command
    }

    /// The store.
    pub(crate) fn store(&self) -> PathBuf {
        let own = self
            .variables
            .iter()
            .find(|(name, _)| *name == "NIX_STORE_DIR");
        own.map_or_else(|| PathBuf::from("/nix/store"), |(_, store)| store.clone())
    }

    /// The reference of nixpkgs, for a flake that names it itself.
    pub(crate) fn nixpkgs(&self) -> &str {
        &self.nixpkgs
    }

    /// The arguments that point the inputs of the flake in `dir` at the flakes of `tests/nix`;
    /// an error if an input has no stub, so that the flake cannot be evaluated.
    pub(crate) fn overrides(&self, sandbox: &Sandbox, dir: &str) -> Result<Vec<String>, String> {
        let flake = sandbox.path(dir).join("flake.nix");
        let expression = format!(
            "let flake = import {}; named = flake.inputs or {{ }}; \
             implicit = removeAttrs (builtins.functionArgs flake.outputs) [ \"self\" ]; \
             in builtins.mapAttrs (_: input: if input ? follows then \"\" else input.url or \"\") \
             (builtins.mapAttrs (_: _: {{ }}) implicit // named)",
            nix_path(&flake)
        );
        let output = self
            .command(sandbox, "nix-instantiate")
            .args(["--eval", "--strict", "--json", "-E", &expression])
            .output()
            .unwrap();
        let ran = Ran::new("reading the inputs".to_owned(), &output).status(0);
        let inputs: BTreeMap<String, String> = serde_json::from_str(&ran.stdout).unwrap();
        let names: Vec<String> = inputs.keys().cloned().collect();
        let mut arguments = Vec::new();
        for (name, url) in inputs {
            let reference = if url.is_empty() { &name } else { &url };
            let target = match stub(reference) {
                Some("nixpkgs") => self.nixpkgs.clone(),
                Some(directory) => format!("path:{}", self.flakes.join(directory).display()),
                None => return Err(format!("no stub for the input {name} ({reference})")),
            };
            if !self.instead.iter().any(|(instead, _)| *instead == name) {
                arguments.extend(["--override-input".to_owned(), name, target]);
            }
        }
        if names.iter().any(|name| name == "sccfg") && !names.iter().any(|name| name == "nixpkgs") {
            // No inputs to follow.
            let target = self.nixpkgs.clone();
            arguments.extend([
                "--override-input".to_owned(),
                "sccfg/nixpkgs".to_owned(),
                target,
            ]);
        }
        for (name, target) in self.instead.clone() {
            arguments.extend(["--override-input".to_owned(), name, target]);
        }
        Ok(arguments)
    }

    /// `nix develop` of the flake in directory `dir` of `sandbox`, by path, so that files unknown
    /// to git count too; runs `command` in the shell after its hook.
    #[track_caller]
    pub(crate) fn develop(
        &self,
        sandbox: &Sandbox,
        dir: &str,
        shell: Option<&str>,
        command: &[&str],
    ) -> Ran {
        let mut nix = self.flake_command(sandbox, "develop", dir, shell);
        let output = nix.arg("-c").args(command).output().unwrap();
        Ran::new(
            format!("nix develop {dir} -c {}", command.join(" ")),
            &output,
        )
    }

    /// The variables of the dev shell after its hook.
    #[track_caller]
    pub(crate) fn dev_env(
        &self,
        sandbox: &Sandbox,
        dir: &str,
        shell: Option<&str>,
    ) -> BTreeMap<String, String> {
        let ran = self
            .develop(sandbox, dir, shell, &["/usr/bin/env", "-0"])
            .status(0);
        ran.stdout
            .split_terminator('\0')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The value of an output of the flake in `dir`.
    #[track_caller]
    pub(crate) fn value(&self, sandbox: &Sandbox, dir: &str, output: &str) -> serde_json::Value {
        let mut nix = self.flake_command(sandbox, "eval", dir, Some(output));
        let output = nix.arg("--json").output().unwrap();
        let ran = Ran::new(format!("nix eval {dir}"), &output).status(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Evaluates the dev shell without entering it.
    #[track_caller]
    pub(crate) fn evaluate(&self, sandbox: &Sandbox, dir: &str, shell: Option<&str>) -> Ran {
        let mut nix = self.flake_command(sandbox, "print-dev-env", dir, shell);
        let output = nix.output().unwrap();
        Ran::new(format!("nix print-dev-env {dir}"), &output)
    }

    #[track_caller]
    fn flake_command(
        &self,
        sandbox: &Sandbox,
        verb: &str,
        dir: &str,
        shell: Option<&str>,
    ) -> Command {
        let overrides = self.overrides(sandbox, dir).unwrap();
        let directory = fs::canonicalize(sandbox.path(dir)).unwrap();
        let mut reference = format!("path:{}", directory.display());
        if let Some(shell) = shell {
            reference = format!("{reference}#{shell}");
        }
        let mut command = self.command(sandbox, "nix");
        command
            .current_dir(directory)
            .args([verb, &reference, "--no-write-lock-file"])
            .args(overrides);
        command
    }
}

/// The directory of `tests/nix` with the stub of the flake `reference`.
fn stub(reference: &str) -> Option<&'static str> {
    let reference = reference
        .split(['?', '#'])
        .next()
        .unwrap_or(reference)
        .trim_end_matches(".git");
    let has = |name: &str| {
        reference
            .split(['/', ':'])
            .any(|part| part.eq_ignore_ascii_case(name))
    };
    let table: [(&[&str], &'static str); 22] = [
        (&["sccfg"], "sccfg"),
        (&["flake-utils"], "flake-utils"),
        (&["flake-parts"], "flake-parts"),
        (&["nix-systems", "systems"], "systems"),
        (&["crane"], "crane"),
        (&["fenix"], "fenix"),
        (&["rust-overlay"], "rust-overlay"),
        (&["naersk"], "naersk"),
        (&["devshell"], "devshell"),
        (&["devenv"], "devenv"),
        (&["treefmt-nix", "treefmt"], "treefmt-nix"),
        (
            &[
                "git-hooks.nix",
                "git-hooks",
                "pre-commit-hooks.nix",
                "pre-commit-hooks",
            ],
            "git-hooks",
        ),
        (&["advisory-db"], "advisory-db"),
        (&["flake-compat"], "flake-compat"),
        (&["flakelight"], "flakelight"),
        (&["mill-scale"], "mill-scale"),
        (&["nixify"], "nixify"),
        (&["nix-cargo-integration"], "nix-cargo-integration"),
        (&["std"], "std"),
        (&["dev-shells"], "dev-shells"),
        (&["blueprint"], "blueprint"),
        (
            &[
                "nixpkgs",
                "nixpkgs.lib",
                "nixpkgs-unstable",
                "nixpkgs-stable",
                "devenv-nixpkgs",
                "nixos-unstable",
            ],
            "nixpkgs",
        ),
    ];
    table
        .into_iter()
        .find(|(names, _)| names.iter().any(|name| has(name)))
        .map(|(_, directory)| directory)
}

/// A path as a Nix expression, whatever characters it has.
pub(crate) fn nix_path(path: &Path) -> String {
    format!("(/. + {:?})", path.to_str().unwrap())
}

/// Copies `tests/nix` below `root`, with what is known of this host written into it. The copy is
/// named by its contents, so runs that overlap do not disturb each other.
fn copy_flakes(root: &Path) -> PathBuf {
    let mut files = Vec::new();
    let source = project().join("tests/nix");
    list(&source, &mut files);
    files.sort();
    let mut contents: Vec<(PathBuf, Vec<u8>)> = files
        .iter()
        .map(|path| {
            let relative = path.strip_prefix(&source).unwrap().to_owned();
            (relative, fs::read(path).unwrap())
        })
        .collect();
    for (path, text) in &mut contents {
        if path == Path::new("nixpkgs/host.nix") {
            *text = host().into_bytes();
        }
    }
    // A flake cannot reach beyond its directory, and some need a nixpkgs without having it as an
    // input.
    let nixpkgs: Vec<_> = contents
        .iter()
        .filter(|(path, _)| path.starts_with("nixpkgs"))
        .cloned()
        .collect();
    for directory in [
        "dev-shells",
        "devshell",
        "fenix",
        "flakelight",
        "git-hooks",
        "naersk",
        "nix-cargo-integration",
        "nixify",
        "std",
    ] {
        let copies = nixpkgs.iter().cloned();
        contents.extend(copies.map(|(path, text)| (Path::new(directory).join(path), text)));
    }
    for path in own_files() {
        let text = fs::read(project().join(&path)).unwrap();
        contents.push((Path::new("sccfg").join(path), text));
    }
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    let target = root.join(format!("flakes-{:016x}", hasher.finish()));
    if !target.exists() {
        fs::create_dir_all(root).unwrap();
        let staging = tempfile::tempdir_in(root).unwrap();
        for (path, text) in contents {
            let path = staging.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        if fs::rename(staging.path(), &target).is_ok() {
            let _ = staging.keep();
        }
        assert!(target.exists(), "another process made it, or this one did");
    }
    target
}

/// The files of this project's flake.
fn own_files() -> Vec<PathBuf> {
    let mut files = ["Cargo.lock", "Cargo.toml", "flake.lock", "flake.nix"]
        .map(|file| project().join(file))
        .to_vec();
    files.extend(["package.nix", "sccfg.toml"].map(|file| project().join(file)));
    for directory in [
        "benches",
        "crates",
        "docs",
        "modules",
        "src",
        "templates",
        "tests/generated",
    ] {
        list(&project().join(directory), &mut files);
    }
    let relative = |path: PathBuf| path.strip_prefix(project()).unwrap().to_owned();
    let mut files: Vec<_> = files.into_iter().map(relative).collect();
    files.sort();
    files
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The text of `host.nix`. Of rustup's proxies, which look for their toolchains at home, the real
/// programs are taken.
fn host() -> String {
    let mut directories = Vec::new();
    if let Some(sccache) = sccache_if_any() {
        directories.extend(sccache.parent().map(Path::to_owned));
    }
    if let Ok(output) = Command::new("rustc").args(["--print", "sysroot"]).output() {
        directories.push(Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    directories.extend(std::env::split_paths(&path).filter(|directory| directory.is_absolute()));
    let mut stamp = DefaultHasher::new();
    for directory in &directories {
        fs::metadata(directory)
            .and_then(|metadata| metadata.modified())
            .ok()
            .hash(&mut stamp);
    }
    format!(
        "{{\n  system = {:?};\n  bash = {:?};\n  path = {:?};\n  built = {:?};\n  stamp = \"{:x}\";\n}}\n",
        system(),
        program("bash").unwrap().to_str().unwrap(),
        std::env::join_paths(&directories)
            .unwrap()
            .to_str()
            .unwrap(),
        Path::new(env!("CARGO_BIN_EXE_sccfg"))
            .parent()
            .unwrap()
            .to_str()
            .unwrap(),
        stamp.finish()
    )
}

/// This machine as Nix names it.
pub(crate) fn system() -> String {
    format!(
        "{}-{}",
        std::env::consts::ARCH,
        std::env::consts::OS.replace("macos", "darwin")
    )
}

/// Writes a file in one step.
fn replace(path: &Path, text: &str) {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap()).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    file.persist(path).unwrap();
}
