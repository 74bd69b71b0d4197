//! The modules with the real flake-parts, devshell and devenv, and nixpkgs' real `lib`: checkouts
//! that `SCCFG_NIXPKGS_LIB`, `SCCFG_FLAKE_PARTS`, `SCCFG_DEVSHELL` and `SCCFG_DEVENV` name. Only the
//! packages are the stand-in's.

use std::fs;
use std::path::{Path, PathBuf};

use super::modules::{Way, assert_caches, assert_same_text, flake};
use super::{Nix, flake as own, list, nix};
use crate::support::{Sandbox, left_out, project, sccache};

/// The folder that a variable names.
pub(super) fn checkout(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).filter(|it| !it.is_empty());
    if found.is_none() {
        left_out(&format!(
            "the real thing, since {variable} names no checkout"
        ));
    }
    found.map(PathBuf::from)
}

fn reference(path: &Path) -> String {
    format!("path:{}", path.display())
}

/// The stand-in for nixpkgs with the real `lib` in it.
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
    let (Some(nix), Some(_)) = (nix(), sccache()) else {
        return;
    };
    let (Some(lib), Some(real)) = (checkout("SCCFG_NIXPKGS_LIB"), checkout(variable)) else {
        return;
    };
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

#[test]
fn flake_parts() {
    enter(Way::FlakeParts, "flake-parts", "SCCFG_FLAKE_PARTS", "");
}

#[test]
fn devshell() {
    enter(Way::Devshell, "devshell", "SCCFG_DEVSHELL", "");
}

#[test]
fn devenv() {
    // Its root is asked of the environment otherwise, and its tasks are run by a program of its own.
    let more = "devenv.root = \"@repo@\";
                task.package = pkgs.writeShellScriptBin \"devenv-tasks\" \":\";";
    enter(Way::Devenv, "devenv", "SCCFG_DEVENV", more);
}

#[test]
fn the_flake_is_in_order_with_the_real_lib() {
    let (Some(nix), Some(lib)) = (nix(), checkout("SCCFG_NIXPKGS_LIB")) else {
        return;
    };
    let sandbox = Sandbox::new();
    let mut has = nix.command(&sandbox, "nix-instantiate");
    let has = has.args(["--eval", "-E", "builtins ? readFileType"]);
    if has.output().unwrap().stdout != b"true\n" {
        return left_out("lib.fileset, which wants Nix 2.14");
    }
    let nixpkgs = nixpkgs_with(&lib, nix, &sandbox);
    own::nix_flake(&sandbox, &nix.flake("sccfg"), &nixpkgs, &["flake", "check"]).status(0);
}

#[test]
fn the_options_are_documented_the_same_by_the_real_lib() {
    let (Some(_), Some(lib)) = (nix(), checkout("SCCFG_NIXPKGS_LIB")) else {
        return;
    };
    let written = fs::read_to_string(project().join("docs/options.md")).unwrap();
    assert_eq!(own::options_doc(&lib.join("lib")), written);
}
