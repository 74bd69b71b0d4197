//! The shells of the cases, entered with real Nix: the policy is applied, and the user's own
//! variables and hooks are kept.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rstest::rstest;

use super::golden::Tree;
use super::{Case, Enter, expecting};
use crate::nix::{nix, system};
use crate::support::{Ran, Sandbox};

/// Prints the environment after a line that no hook prints.
const SHOW: &str = "printf '\\n--- the environment\\n'; exec /usr/bin/env -0";

/// The machine's own size and directory, which take precedence.
const SIZE: &str = "25769803776";

#[rstest]
#[requires(nix, sccache)]
fn shell(#[files("tests/cases/*/case.toml")] path: PathBuf) {
    let case = Case::load(&path);
    expecting(case.defect.shell.as_ref(), || check_shell(&case));
}

fn check_shell(case: &Case) {
    if case.exit != 0 {
        return;
    }
    let nix = nix();
    let sandbox = machine(case.sandbox(), case.has_input());
    sandbox.sccfg(&case.init()).status(0);
    for (path, _) in Tree::read(&sandbox.path("repo")).nix() {
        let mut parse = nix.command(&sandbox, "nix-instantiate");
        let output = parse
            .arg("--parse")
            .arg(sandbox.path("repo").join(path))
            .output();
        Ran::new("nix-instantiate --parse".to_owned(), &output.unwrap()).status(0);
    }
    if case.not_evaluated.is_some() {
        return;
    }
    let shells = match case.shells.as_slice() {
        [] => vec![None],
        shells => shells.iter().map(|shell| Some(shell.as_str())).collect(),
    };
    let mut entered: Vec<(&str, Option<&str>)> = Vec::new();
    if case.enter != Enter::Devenv {
        entered.extend(shells.into_iter().map(|shell| ("repo", shell)));
    }
    if case.enter != Enter::Nix {
        as_devenv_does(&sandbox, case);
        entered.push(("devenv", None));
    }
    for (directory, shell) in entered {
        let ran = nix.develop(&sandbox, directory, shell, &["/bin/sh", "-c", SHOW]);
        let ran = ran.status(0);
        let (hook, environment) = ran
            .stdout
            .split_once("\n--- the environment\n")
            .expect("an environment");
        let environment: BTreeMap<&str, &str> = environment
            .split_terminator('\0')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let is = |name: &str| environment.get(name).copied();
        let wrapper = is("RUSTC_WRAPPER").expect("a wrapper");
        let sccache = if case.is_portable() {
            let front = "/libexec/sccfg/sccache";
            assert!(wrapper.ends_with(front) && is_program(wrapper), "{wrapper}");
            is("SCCFG_SCCACHE").expect("SCCFG_SCCACHE")
        } else {
            wrapper
        };
        let is_sccache = sccache.ends_with("/bin/sccache") && is_program(sccache);
        assert!(is_sccache, "{sccache}");
        // sccfg repeats the settings of the file; without it, only sccache reads the file.
        let repeated = |value| case.has_input().then_some(value);
        let dir = sandbox.path("cache");
        assert_eq!(is("SCCACHE_CACHE_SIZE"), repeated(SIZE));
        assert_eq!(is("SCCACHE_DIR"), repeated(dir.to_str().unwrap()));
        if case.has_input() {
            let path = is("PATH").unwrap();
            let brings = path.split(':').any(|directory| {
                directory.contains("/store/") && is_program(&format!("{directory}/sccfg"))
            });
            assert!(brings, "no sccfg of the input's in {path}");
        }
        let incremental = (case.incremental() == "off").then_some("0");
        assert_eq!(is("CARGO_INCREMENTAL"), incremental, "CARGO_INCREMENTAL");
        assert_eq!(is("CARGO_BUILD_INCREMENTAL"), None);
        for (name, value) in &case.own {
            assert_eq!(is(name), Some(value.as_str()), "{name}");
        }
        if let Some(text) = &case.hook {
            assert!(hook.contains(text), "no `{text}` from the hook in\n{hook}");
        }
    }
}

/// Writes a flake, in the directory `devenv`, whose shell is the one that the command `devenv` enters in the repository.
fn as_devenv_does(sandbox: &Sandbox, case: &Case) {
    Tree::read(&sandbox.path("repo")).write(&sandbox.path("devenv/project"));
    let yaml = std::fs::read_to_string(sandbox.path("repo/devenv.yaml")).unwrap_or_default();
    let imports = yaml
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ./"));
    let imports: String = imports.map(|import| format!("{import:?} ")).collect();
    let input = if case.has_input() {
        "  inputs.sccfg = { url = \"github:owner/sccfg\"; inputs.nixpkgs.follows = \"nixpkgs\"; };\n"
    } else {
        ""
    };
    let system = system();
    sandbox.write(
        "devenv/flake.nix",
        &format!(
            "{{
  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";
  inputs.devenv.url = \"github:cachix/devenv\";
{input}  outputs = inputs: {{
    devShells.{system}.default = inputs.devenv.lib.mkProject {{
      inherit inputs;
      pkgs = inputs.nixpkgs.legacyPackages.{system};
      root = ./project;
      imports = [ {imports}];
    }};
  }};
}}
"
        ),
    );
}

fn is_program(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// A machine with a config file of its own, and with a `nu` for hooks that end in it. No server of
/// the machine is asked, and none is started.
fn machine(sandbox: Sandbox, has_sccfg: bool) -> Sandbox {
    let config = format!(
        "[cache.disk]\ndir = {:?}\nsize = {SIZE}\n",
        sandbox.path("cache").to_str().unwrap()
    );
    let sandbox = sandbox
        .file("home/.config/sccache/config", &config)
        .file("bin/nu", &format!("#!/bin/sh\n{SHOW}\n"));
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(sandbox.path("bin/nu"), permissions).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(sandbox.path("bin")).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(directories).unwrap();
    let sandbox = sandbox.variable("PATH", path.to_str().unwrap());
    if has_sccfg {
        let run = sandbox.path("run");
        std::fs::create_dir(&run).unwrap();
        return sandbox
            .variable("XDG_RUNTIME_DIR", run.to_str().unwrap())
            .variable("SCCACHE_SERVER_PORT", "1");
    }
    let nobody = sandbox.path("nobody-listens");
    sandbox.variable("SCCACHE_SERVER_UDS", nobody.to_str().unwrap())
}
