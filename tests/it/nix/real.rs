//! The modules with the real flake-parts, devshell and devenv, and nixpkgs' real `lib`: checkouts
//! that `SCCFG_NIXPKGS_LIB`, `SCCFG_FLAKE_PARTS`, `SCCFG_DEVSHELL` and `SCCFG_DEVENV` name. Only the
//! packages are stubs.

use std::fs;
use std::path::{Path, PathBuf};

use super::modules::{Way, assert_caches, assert_same_text, flake};
use super::{Nix, flake as own, list, nix};
use crate::support::{Ran, Sandbox, project};

/// The directory in a variable, for tests with `#[requires(…)]` of that variable.
#[track_caller]
pub(super) fn checkout(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(variable).expect(variable))
}

fn reference(path: &Path) -> String {
    format!("path:{}", path.display())
}

/// The stub of nixpkgs with the real `lib`.
fn nixpkgs_with(lib: &Path, nix: &Nix, sandbox: &Sandbox) -> String {
    let target = sandbox.path("nixpkgs");
    for (from, to) in [
        (nix.flake("nixpkgs"), target.clone()),
        (lib.join("lib"), target.join("lib")),
    ] {
        let _ = fs::remove_dir_all(&to);
        let mut files = Vec::new();
        list(&from, &mut files);
        for file in files {
            let to = to.join(file.strip_prefix(&from).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file, to).unwrap();
        }
    }
    reference(&target)
}

/// Enters the shell of `way` with the flake `name` of `variable`'s checkout.
fn enter(way: Way, name: &str, variable: &str, more: &str) {
    let nix = nix();
    let (lib, real) = (checkout("SCCFG_NIXPKGS_LIB"), checkout(variable));
    let sandbox = Sandbox::new()
        .variable("SCCACHE_SERVER_PORT", "1")
        .file("empty/flake.nix", "{ outputs = _: { }; }\n");
    let more = more.replace("@repo@", sandbox.path("repo").to_str().unwrap());
    let settings = "{ cache.size = \"24GiB\"; }";
    sandbox.write("repo/flake.nix", &flake(way, settings, &more));
    let nixpkgs = nixpkgs_with(&lib, nix, &sandbox);
    let mut instead = vec![
        ("nixpkgs".to_owned(), nixpkgs.clone()),
        (name.to_owned(), reference(&real)),
    ];
    // Its own inputs, so that nothing is fetched.
    let lock = fs::read_to_string(real.join("flake.lock")).unwrap_or_default();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap_or_default();
    let inputs = lock["nodes"]["root"]["inputs"].as_object();
    for input in inputs.into_iter().flat_map(|inputs| inputs.keys()) {
        let target = match input.as_str() {
            "nixpkgs" => nixpkgs.clone(),
            "nixpkgs-lib" => reference(&lib),
            _ => reference(&sandbox.path("empty")),
        };
        instead.push((format!("{name}/{input}"), target));
    }
    let nix = nix.with(instead);
    assert_caches(&nix, &sandbox);
    assert_same_text(&nix, &sandbox);
    let with = |settings: &str| sandbox.write("repo/flake.nix", &flake(way, settings, &more));
    with("{ cache.size = 24; }");
    nix.evaluate(&sandbox, "repo", None)
        .status(0)
        .stderr_has("sccfg.cache.size is 24 bytes, less than 1 MiB");
    for (setting, option, allowed) in [
        (
            "cache.size = \"24 apples\"",
            "sccfg.cache.size",
            "\"24GiB\"",
        ),
        ("incremental = \"on\"", "sccfg.incremental", "\"workspace\""),
    ] {
        with(&format!("{{ {setting}; }}"));
        nix.evaluate(&sandbox, "repo", None)
            .status(1)
            .stderr_has(option)
            .stderr_has(allowed);
    }
}

#[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_FLAKE_PARTS)]
#[test]
fn flake_parts() {
    enter(Way::FlakeParts, "flake-parts", "SCCFG_FLAKE_PARTS", "");
}

#[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_DEVSHELL)]
#[test]
fn devshell() {
    enter(Way::Devshell, "devshell", "SCCFG_DEVSHELL", "");
}

#[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_DEVENV)]
#[test]
fn devenv() {
    // Otherwise the environment has its root, and another program runs its tasks.
    let more = "devenv.root = \"@repo@\";
                task.package = pkgs.writeShellScriptBin \"devenv-tasks\" \":\";";
    enter(Way::Devenv, "devenv", "SCCFG_DEVENV", more);
}

/// `devenv.nix` after `init`, evaluated by the expression that the command `devenv` evaluates.
#[requires(nix, SCCFG_NIXPKGS_LIB, SCCFG_DEVENV)]
#[test]
fn devenv_nix_of_the_command() {
    let nix = nix();
    let (lib, devenv) = (checkout("SCCFG_NIXPKGS_LIB"), checkout("SCCFG_DEVENV"));
    // The stub of nixpkgs does not have that package.
    let overlay = "overlays = [ (_: _: { glibcLocalesUtf8 = null; }) ];";
    for module in [
        "{ pkgs, ... }: {\n  @\n  env.A = \"1\";\n  enterShell = \"echo own\";\n}\n",
        "{\n  @\n  env.A = \"1\";\n  enterShell = \"echo own\";\n}\n",
        "_: {\n  @\n  env.A = \"1\";\n  enterShell = \"echo own\";\n}\n",
        "{ lib, ... }: {\n  config = lib.mkMerge [\n    { env.A = \"1\"; }\n    { @ enterShell = \"echo own\"; }\n  ];\n}\n",
        "{ lib, ... }: {\n  @\n  imports = [ ./more.nix ];\n  env = lib.mkIf true { A = \"1\"; };\n}\n",
    ] {
        let sandbox = Sandbox::new()
            .file("repo/devenv.nix", &module.replace('@', overlay))
            .file("repo/devenv.yaml", "imports:\n- ./other\n")
            .file(
                "repo/more.nix",
                "{ env.RUSTC_WRAPPER = \"sccache\"; enterShell = \"echo own\"; }\n",
            )
            .file("repo/other/devenv.nix", "{ env.B = \"2\"; }\n");
        sandbox
            .sccfg(&["-C", "repo", "init", "--no-user-config"])
            .status(0);
        nixpkgs_with(&lib, nix, &sandbox);
        let root = sandbox.path("repo").display().to_string();
        let expression = format!(
            "let
               nixpkgs = {{ outPath = {nixpkgs}; lib = import {nixpkgs}/lib; }};
               devenv = {{ outPath = {devenv}; modules = {devenv}/src/modules; }};
               inputs = {{ inherit nixpkgs devenv; self = {{ outPath = {root:?}; }}; }};
               boot = import {devenv}/devenv-nix-backend/bootstrap/bootstrapLib.nix {{ inherit inputs; }};
               config = (boot.mkDevenvForSystem {{
                 version = \"2.2.2\";
                 system = {system:?};
                 devenv_root = {root:?};
                 devenv_dotfile = {root:?} + \"/.devenv\";
                 devenv_dotfile_path = {root:?} + \"/.devenv\";
                 devenv_tmpdir = \"/tmp\";
                 devenv_runtime = \"/tmp\";
                 devenv_direnvrc_latest_version = 1;
                 hostname = \"\";
                 username = \"\";
                 cli_options = {{ }};
                 devenv_imports = [ \"./other\" ];
               }}).project.config;
             in {{
               inherit (config.env) CARGO_INCREMENTAL A B;
               wrapper = toString config.env.RUSTC_WRAPPER;
               hook = config.enterShell;
             }}",
            nixpkgs = sandbox.path("nixpkgs").display(),
            devenv = devenv.display(),
            system = super::system(),
        );
        let mut command = nix.command(&sandbox, "nix-instantiate");
        let output = command
            .args(["--eval", "--strict", "--json", "-E", &expression])
            .output()
            .unwrap();
        let ran = Ran::new(format!("evaluating {module}"), &output).status(0);
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let is = |name: &str| found[name].as_str().unwrap_or_default();
        assert_eq!((is("CARGO_INCREMENTAL"), is("A"), is("B")), ("0", "1", "2"));
        assert!(is("wrapper").ends_with("-sccache/bin/sccache"), "{found}");
        let (hook, own) = (
            is("hook").find("sccfg hook bash"),
            is("hook").find("echo own"),
        );
        assert!(hook.is_some() && hook < own, "{}", is("hook"));
    }
}

#[requires(nix, nix_with_file_sets, SCCFG_NIXPKGS_LIB)]
#[test]
fn the_flake_is_in_order_with_the_real_lib() {
    let (nix, lib) = (nix(), checkout("SCCFG_NIXPKGS_LIB"));
    let sandbox = Sandbox::new();
    let nixpkgs = nixpkgs_with(&lib, nix, &sandbox);
    own::nix_flake(&sandbox, &nix.flake("sccfg"), &nixpkgs, &["flake", "check"]).status(0);
}

#[requires(nix, SCCFG_NIXPKGS_LIB)]
#[test]
fn the_options_are_documented_the_same_by_the_real_lib() {
    let lib = checkout("SCCFG_NIXPKGS_LIB");
    let written = fs::read_to_string(project().join("docs/options.md")).unwrap();
    assert_eq!(own::options_doc(&lib.join("lib")), written);
}
