//! Real Nix over the flakes of `tests/nix`, and the proof that these behave as the real ones do
//! where it matters: how variables, inputs and hooks reach a dev shell.
//!
//! ```ignore
//! let Some(nix) = nix() else { return };
//! let sandbox = Sandbox::new().file("repo/flake.nix", FLAKE);
//! assert_eq!(nix.dev_env(&sandbox, "repo", None)["CARGO_INCREMENTAL"], "0");
//! ```

#![allow(dead_code, reason = "the harness is for all topics")]

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Ran, Sandbox, left_out, program, project, sccache};

/// Nix with a store of its own below `target/`, without a daemon and without a network.
///
/// With `SCCFG_NIXPKGS`, a flake reference or a checkout, it is the machine's own Nix instead, and
/// that nixpkgs takes the stand-in's place.
pub(crate) struct Nix {
    flakes: PathBuf,
    nixpkgs: String,
    variables: Vec<(&'static str, PathBuf)>,
}

/// The fixture, set up once per process; `None`, and a line on standard error, where `nix` is not
/// on `PATH`.
pub(crate) fn nix() -> Option<&'static Nix> {
    static NIX: OnceLock<Option<Nix>> = OnceLock::new();
    NIX.get_or_init(|| {
        let found = program("nix").map(|_| Nix::new());
        if found.is_none() {
            left_out("no nix");
        }
        found
    })
    .as_ref()
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
            };
        }
        let conf = root.join("conf");
        fs::create_dir_all(&conf).unwrap();
        replace(
            &conf.join("nix.conf"),
            "experimental-features = nix-command flakes\n\
             sandbox = false\n\
             build-users-group =\n\
             substituters =\n\
             flake-registry =\n\
             eval-cache = false\n\
             warn-dirty = false\n",
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
        };
        // Two that make the store at the same moment get into each other's way.
        let sandbox = Sandbox::new();
        let made = (0..5).any(|_| {
            let mut command = nix.command(&sandbox, "nix-instantiate");
            let output = command.args(["--eval", "-E", "1"]).output().unwrap();
            output.status.success()
        });
        assert!(made, "Nix does not run with a store of its own");
        nix
    }

    /// A command of Nix in `sandbox`, with flakes switched on.
    pub(crate) fn command(&self, sandbox: &Sandbox, program: &str) -> Command {
        let mut command = sandbox.command(program);
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .args(["--extra-experimental-features", "nix-command flakes"]);
        command
    }

    /// The arguments that point the inputs of the flake in `dir` at the flakes of `tests/nix`;
    /// an error that names an input which has no double, so that the flake is not evaluable here.
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
        let mut arguments = Vec::new();
        for (name, url) in inputs {
            let reference = if url.is_empty() { &name } else { &url };
            let target = match double(reference) {
                Some("nixpkgs") => self.nixpkgs.clone(),
                Some(folder) => format!("path:{}", self.flakes.join(folder).display()),
                None => return Err(format!("no double for the input {name} ({reference})")),
            };
            arguments.extend(["--override-input".to_owned(), name, target]);
        }
        Ok(arguments)
    }

    /// `nix develop` of the flake in folder `dir` of `sandbox`, by path, so that files unknown to
    /// git count too; runs `command` in the shell after its hook.
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
        let folder = fs::canonicalize(sandbox.path(dir)).unwrap();
        let mut reference = format!("path:{}", folder.display());
        if let Some(shell) = shell {
            reference = format!("{reference}#{shell}");
        }
        let mut command = self.command(sandbox, "nix");
        command
            .current_dir(folder)
            .args([verb, &reference, "--no-write-lock-file"])
            .args(overrides);
        command
    }
}

/// The folder of `tests/nix` that stands for the flake that `reference` names.
fn double(reference: &str) -> Option<&'static str> {
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
    let table: [(&[&str], &'static str); 14] = [
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
        (
            &[
                "nixpkgs",
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
        .map(|(_, folder)| folder)
}

/// A path as a Nix expression, whatever characters it has.
fn nix_path(path: &Path) -> String {
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
    // A flake cannot reach beyond its folder, and some need a nixpkgs without having it as an input.
    let nixpkgs: Vec<_> = contents
        .iter()
        .filter(|(path, _)| path.starts_with("nixpkgs"))
        .cloned()
        .collect();
    for folder in ["devshell", "fenix", "git-hooks", "naersk"] {
        let copies = nixpkgs.iter().cloned();
        contents.extend(copies.map(|(path, text)| (Path::new(folder).join(path), text)));
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

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
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
    let mut folders = Vec::new();
    if let Some(sccache) = sccache() {
        folders.extend(sccache.parent().map(Path::to_owned));
    }
    if let Ok(output) = Command::new("rustc").args(["--print", "sysroot"]).output() {
        folders.push(Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path).filter(|folder| folder.is_absolute()));
    let mut stamp = DefaultHasher::new();
    for folder in &folders {
        fs::metadata(folder)
            .and_then(|metadata| metadata.modified())
            .ok()
            .hash(&mut stamp);
    }
    format!(
        "{{\n  system = {:?};\n  bash = {:?};\n  path = {:?};\n  stamp = \"{:x}\";\n}}\n",
        system(),
        program("bash").unwrap().to_str().unwrap(),
        std::env::join_paths(&folders).unwrap().to_str().unwrap(),
        stamp.finish()
    )
}

/// This machine as Nix names it.
fn system() -> String {
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

/// A flake of which `shell` is the default shell, with `pkgs`, `inputs` and `system` in scope.
fn flake(inputs: &[&str], shell: &str) -> String {
    let inputs = inputs.iter().fold(String::new(), |text, input| {
        let name = input.rsplit('/').next().unwrap();
        let name = name.trim_end_matches(".nix");
        text + &format!("  inputs.{name}.url = \"github:{input}\";\n")
    });
    let system = system();
    format!(
        "{{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";\n{inputs}  \
         outputs = {{ self, nixpkgs, ... }}@inputs:\n    let\n      system = \"{system}\";\n      \
         pkgs = nixpkgs.legacyPackages.${{system}};\n    in\n    {{\n      \
         devShells.${{system}}.default = {shell};\n    }};\n}}\n"
    )
}

fn sandbox(inputs: &[&str], shell: &str) -> Sandbox {
    Sandbox::new().file("repo/flake.nix", &flake(inputs, shell))
}

#[test]
fn attributes_and_env_become_variables_and_inputs_come_on_path() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(
        &[],
        "pkgs.mkShell {
          packages = [ pkgs.cargo pkgs.hello ];
          buildInputs = [ pkgs.openssl.dev null ];
          TOP = \"a b\";
          NUMBER = 3;
          YES = true;
          NO = false;
          LIST = [ \"x\" \"y\" ];
          env.INNER = \"${pkgs.hello}/bin\";
          shellHook = ''
            export HOOKED=\"$TOP\"
          '';
        }",
    );
    let env = nix.dev_env(&sandbox, "repo", None);
    for (name, value) in [
        ("TOP", "a b"),
        ("NUMBER", "3"),
        ("YES", "1"),
        ("NO", ""),
        ("LIST", "x y"),
        ("HOOKED", "a b"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    assert!(env["PATH"].contains(&env["INNER"]));
    assert!(env["PATH"].contains("-cargo/bin:"));
}

#[test]
fn a_name_at_top_level_and_in_env_is_refused() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(&[], "pkgs.mkShell { A = \"1\"; env = { A = \"2\"; }; }");
    nix.evaluate(&sandbox, "repo", None)
        .status(1)
        .stderr_has("The `env` attribute set cannot contain any attributes passed to derivation")
        .stderr_has("A");
}

#[test]
fn env_takes_no_lists() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(&[], "pkgs.mkShell { env.A = [ \"1\" ]; }");
    nix.evaluate(&sandbox, "repo", None)
        .status(1)
        .stderr_has("The `A` attribute is of type list");
}

#[test]
fn hooks_of_inputs_from_run_first_and_the_last_one_before_the_others() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(
        &[],
        "let part = name: pkgs.mkShell {
            ${name} = \"1\";
            packages = [ pkgs.${name} ];
            shellHook = \"SEEN=\\\"$SEEN\\\"${name}:\";
          };
        in pkgs.mkShell {
          inputsFrom = [ (part \"just\") (part \"bacon\") ];
          shellHook = \"export SEEN=\\\"$SEEN\\\"own\";
        }",
    );
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env["SEEN"], "bacon:just:own");
    assert!(!env.contains_key("just"), "variables are not handed on");
    assert!(env["PATH"].contains("-bacon/bin:"), "packages are");
}

#[test]
fn a_shell_can_be_overridden() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(
        &[],
        "((pkgs.mkShell.override { stdenv = pkgs.clangStdenv; }) {
          A = \"1\";
          env.KEPT = \"2\";
          shellHook = \"export SEEN=first\";
        }).overrideAttrs (old: {
          A = \"${old.A}0\";
          env = (old.env or { }) // { B = \"${pkgs.sccache}/bin/sccache\"; };
          shellHook = \"export NEW=1\\n\" + (old.shellHook or \"\");
        })",
    );
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!((&*env["A"], &*env["KEPT"]), ("10", "2"));
    assert_eq!((&*env["SEEN"], &*env["NEW"]), ("first", "1"));
    assert!(env["B"].ends_with("-sccache/bin/sccache"));
    assert!(env["PATH"].contains("-clang/bin:") && !env["PATH"].contains("-gcc/bin"));
}

#[test]
fn overlays_call_package_and_outputs_by_system_work() {
    let Some(nix) = nix() else { return };
    let sandbox = Sandbox::new()
        .file(
            "repo/flake.nix",
            r#"{
  inputs = {
    nixpkgs.url = "nixpkgs/nixos-unstable";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    flake-utils.url = "github:numtide/flake-utils";
  };
  outputs = { nixpkgs, rust-overlay, flake-utils, ... }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        overlays = [ (import rust-overlay) (final: prev: { word = "${prev.hello.name}!"; }) ];
        pkgs = import nixpkgs { inherit system overlays; };
      in {
        devShells.default = pkgs.callPackage ./shell.nix {
          rust = pkgs.rust-bin.stable.latest.default.override { extensions = [ "rust-src" ]; };
        };
        devShells.bare = with pkgs; mkShellNoCC { WORD = word; };
      });
}
"#,
        )
        .file(
            "repo/shell.nix",
            "{ mkShell, rust, word, lib }: mkShell { packages = [ rust ]; WORD = lib.toUpper word; }",
        );
    assert_eq!(nix.dev_env(&sandbox, "repo", None)["WORD"], "HELLO!");
    assert_eq!(
        nix.dev_env(&sandbox, "repo", Some("bare"))["WORD"],
        "hello!"
    );
}

#[test]
fn flake_parts_merges_modules() {
    let Some(nix) = nix() else { return };
    let sandbox = Sandbox::new()
        .file(
            "repo/flake.nix",
            r#"{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-parts.url = "github:hercules-ci/flake-parts";
    devshell.url = "github:numtide/devshell";
    devenv.url = "github:cachix/devenv";
    treefmt-nix.url = "github:numtide/treefmt-nix";
    git-hooks.url = "github:cachix/git-hooks.nix";
    systems.url = "github:nix-systems/default";
  };
  outputs = inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = import inputs.systems;
      imports = [
        ./more.nix
        inputs.devshell.flakeModule
        inputs.devenv.flakeModule
        inputs.treefmt-nix.flakeModule
        inputs.git-hooks.flakeModule
      ];
      perSystem = { config, self', pkgs, system, lib, ... }: {
        packages.default = pkgs.rustPlatform.buildRustPackage { pname = "x"; version = "1"; };
        treefmt.programs.nixfmt.enable = true;
        devShells.default = pkgs.mkShell {
          inputsFrom = [ self'.packages.default config.treefmt.build.devShell ];
          SYSTEM = system;
          shellHook = config.pre-commit.installationScript;
        };
        devshells.numtide.env = [ { name = "N"; value = "v w"; } ];
        devenv.shells.dev = { env.D = "1"; languages.rust.enable = true; };
      };
      flake.answer = 42;
    };
}
"#,
        )
        .file(
            "repo/more.nix",
            "{ ... }: { perSystem = { pkgs, lib, config, ... }: {
                devShells.more = lib.mkIf true (pkgs.mkShell { M = \"1\"; });
                devshells.numtide.devshell.startup.x.text = \"export S=1\";
                devenv.shells.dev.enterShell = \"export E=1\";
             }; }",
        );
    let env = nix.dev_env(&sandbox, "repo", None);
    assert!(env["SYSTEM"].contains('-') && env["GIT_HOOKS_INSTALLED"] == "1");
    assert!(env["PATH"].contains("-cargo/bin:"), "of the package");
    assert_eq!(nix.dev_env(&sandbox, "repo", Some("more"))["M"], "1");
    let numtide = nix.dev_env(&sandbox, "repo", Some("numtide"));
    assert_eq!((&*numtide["N"], &*numtide["S"]), ("v w", "1"));
    let devenv = nix.dev_env(&sandbox, "repo", Some("dev"));
    assert_eq!((&*devenv["D"], &*devenv["E"]), ("1", "1"));
}

#[test]
fn an_unknown_output_of_flake_parts_is_refused() {
    let Some(nix) = nix() else { return };
    let sandbox = Sandbox::new().file(
        "repo/flake.nix",
        "{ inputs = { nixpkgs.url = \"nixpkgs\"; flake-parts.url = \"flake-parts\"; };
           outputs = inputs: inputs.flake-parts.lib.mkFlake { inherit inputs; } {
             systems = [ \"x86_64-linux\" \"aarch64-linux\" ];
             perSystem = { pkgs, ... }: { devShell.default = pkgs.mkShell { }; };
           };
         }",
    );
    nix.evaluate(&sandbox, "repo", None)
        .status(1)
        .stderr_has("devShell' does not exist");
}

#[test]
fn crane_hands_variables_and_hook_to_mk_shell() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(
        &["ipetkov/crane", "nix-community/fenix", "rustsec/advisory-db"],
        "let
          craneLib = (inputs.crane.mkLib pkgs).overrideToolchain
            inputs.fenix.packages.${system}.stable.toolchain;
          args = { pname = \"x\"; src = craneLib.cleanCargoSource ./.; buildInputs = [ pkgs.openssl ]; };
        in craneLib.devShell {
          checks.clippy = craneLib.cargoClippy (args // {
            cargoArtifacts = craneLib.buildDepsOnly args;
            shellHook = \"SEEN=check:\";
          });
          packages = [ pkgs.just ];
          A = \"1\";
          shellHook = \"export SEEN=\\\"$SEEN\\\"own\";
        }",
    );
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!((&*env["A"], &*env["SEEN"]), ("1", "check:own"));
    assert!(env["PATH"].contains("-just/bin:") && env["PATH"].contains("-openssl/bin:"));
}

#[test]
fn numtide_devshell_takes_a_list_and_refuses_what_it_does_not_know() {
    let Some(nix) = nix() else { return };
    let mk_shell = "inputs.devshell.legacyPackages.${system}.mkShell";
    let good = sandbox(
        &["numtide/devshell"],
        &format!(
            "{mk_shell} {{
              env = [ {{ name = \"A\"; value = 1; }} {{ name = \"B\"; eval = \"$A$A\"; }} ];
              packages = [ pkgs.just ];
              commands = [ {{ package = pkgs.bacon; }} {{ name = \"hi\"; command = \"echo hi\"; }} ];
              devshell.startup.hook.text = \"export S=$B\";
            }}"
        ),
    );
    let env = nix.dev_env(&good, "repo", None);
    assert_eq!((&*env["A"], &*env["B"], &*env["S"]), ("1", "11", "11"));
    for (attributes, complaint) in [
        ("A = \"1\";", "`A' does not exist"),
        ("shellHook = \"\";", "`shellHook' does not exist"),
        ("env.A = \"1\";", "is not of type"),
        ("env = [ { name = \"A\"; } ];", "wants exactly one"),
    ] {
        let bad = sandbox(
            &["numtide/devshell"],
            &format!("{mk_shell} {{ {attributes} }}"),
        );
        nix.evaluate(&bad, "repo", None)
            .status(1)
            .stderr_has(complaint);
    }
}

#[test]
fn devenv_merges_enter_shell_and_refuses_two_values() {
    let Some(nix) = nix() else { return };
    let shell = |modules: &str| {
        sandbox(
            &["cachix/devenv"],
            &format!(
                "inputs.devenv.lib.mkShell {{ inherit inputs pkgs; modules = [ {modules} ]; }}"
            ),
        )
    };
    let good = shell(
        "({ pkgs, config, ... }: {
           env.A = \"1\";
           packages = [ pkgs.just ];
           languages.rust.enable = true;
           enterShell = \"export S=a\";
         })
         { env.B = \"2\"; enterShell = \"S=$S-b\"; }",
    );
    let env = nix.dev_env(&good, "repo", None);
    assert_eq!((&*env["A"], &*env["B"], &*env["S"]), ("1", "2", "a-b"));
    assert!(env["PATH"].contains("-rustc/bin:"));
    let conflict = shell("{ env.A = \"1\"; } { env.A = \"2\"; }");
    nix.evaluate(&conflict, "repo", None)
        .status(1)
        .stderr_has("conflicting definition values");
    let unknown = shell("{ shellHook = \"\"; }");
    nix.evaluate(&unknown, "repo", None)
        .status(1)
        .stderr_has("`shellHook' does not exist");
}

#[test]
fn a_flake_with_an_input_that_has_no_double_is_not_evaluable() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(&["someone/something"], "pkgs.mkShell { }");
    let problem = nix.overrides(&sandbox, "repo").unwrap_err();
    assert!(problem.contains("someone/something"), "{problem}");
}

#[test]
fn a_shell_opens_fast_and_many_at_once() {
    let Some(nix) = nix() else { return };
    let sandbox = sandbox(
        &[],
        "pkgs.mkShell { packages = [ pkgs.cargo ]; A = \"1\"; }",
    );
    nix.dev_env(&sandbox, "repo", None);
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(nix.dev_env(&sandbox, "repo", None)["A"], "1"));
        }
    });
    assert!(started.elapsed().as_secs() < 12, "{:?}", started.elapsed());
}
