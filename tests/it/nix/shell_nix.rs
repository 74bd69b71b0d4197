//! `sccfg init` in a repository with `shell.nix`, which `nix-shell` and direnv's `use nix` load.

use super::{Nix, nix};
use crate::support::{Ran, Sandbox};

const SHELL: &str = "\
# What nix-shell loads.
{ pkgs ? import <nixpkgs> { } }:
pkgs.mkShell {
  packages = [ pkgs.cargo ];
  OWN = \"1\";
}
";

fn repository(shell: &str) -> Sandbox {
    Sandbox::new()
        .variable("SCCACHE_SERVER_UDS", "/nobody/listens")
        .file("repo/Cargo.toml", "[package]\nname = \"x\"\n")
        .file("repo/shell.nix", shell)
}

fn init(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let init = ["-C", "repo", "init", "--no-user-config", "--size", "24GiB"];
    sandbox.sccfg(&[&init, more].concat())
}

/// The output of `printenv` in the shell that `nix-shell` loads.
fn in_nix_shell(nix: &Nix, sandbox: &Sandbox, name: &str) -> String {
    let nixpkgs = nix.flake("nixpkgs");
    let mut command = nix.command(sandbox, "nix-shell");
    command
        .arg(sandbox.path("repo/shell.nix"))
        .args(["--run", &format!("printenv {name}")])
        .env("NIX_PATH", format!("nixpkgs={}", nixpkgs.display()));
    let ran = Ran::new("nix-shell".to_owned(), &command.output().unwrap()).status(0);
    ran.stdout.trim_end().to_owned()
}

#[requires(nix, sccache)]
#[test]
fn a_shell_nix_that_takes_pkgs_is_the_shell_of_the_new_flake() {
    let nix = nix();
    let sandbox = repository(SHELL);
    let ran = init(&sandbox, &[]).status(0);
    assert_eq!(ran.stderr, "");
    ran.stdout_has("created flake.nix")
        .stdout_has("edited  shell.nix  (dev shell default)");
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env["OWN"], "1");
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(in_nix_shell(nix, &sandbox, "OWN"), "1");
    assert_eq!(
        in_nix_shell(nix, &sandbox, "RUSTC_WRAPPER"),
        env["RUSTC_WRAPPER"]
    );

    init(&sandbox, &[]).status(0).stdout_has("nothing to do");
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/shell.nix"), SHELL);
    assert!(!sandbox.exists("repo/flake.nix") && !sandbox.exists("repo/sccfg.toml"));
}

#[requires(nix, sccache)]
#[test]
fn a_shell_nix_that_takes_the_system_gets_it() {
    let nix = nix();
    let shell = SHELL.replace(
        "{ pkgs ? import <nixpkgs> { } }",
        "{ system ? builtins.currentSystem, pkgs ? import <nixpkgs> { inherit system; }, own ? system, ... }",
    );
    let sandbox = repository(&shell.replace("\"1\"", "own"));
    init(&sandbox, &[]).status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env["OWN"], crate::nix::system());
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
}

#[requires(nix, sccache)]
#[test]
fn with_an_input_the_call_is_wrapped_and_nix_shell_loads_the_same_as_before() {
    let nix = nix();
    let sandbox = repository(SHELL);
    init(&sandbox, &["--input", "github:example/sccfg"]).status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env["OWN"], "1");
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(sandbox.read("repo/shell.nix"), SHELL);
}

#[requires(nix, sccache)]
#[test]
fn a_shell_nix_with_its_own_nixpkgs_is_kept_and_named() {
    let nix = nix();
    for shell in [
        "with import <nixpkgs> { };\nmkShell { packages = [ cargo ]; }\n",
        "{ pkgs ? import ./nix { } }:\npkgs.mkShell { }\n",
    ] {
        let sandbox = repository(shell);
        init(&sandbox, &[])
            .status(0)
            .stderr_has("the new flake does not use shell.nix")
            .stderr_has("delete flake.nix, and run `sccfg init` again\n");
        assert_eq!(sandbox.read("repo/shell.nix"), shell);
        let env = nix.dev_env(&sandbox, "repo", None);
        assert!(env["PATH"].contains("-cargo/bin:"), "a shell of its own");
    }
}

#[test]
fn with_a_toolchain_the_shell_is_a_new_one() {
    let sandbox = repository(SHELL);
    init(&sandbox, &["--toolchain", "fenix"])
        .status(0)
        .stderr_has("the new flake does not use shell.nix")
        .stderr_has("to load it: delete flake.nix, and run `sccfg init` again without --toolchain");
    assert_eq!(sandbox.read("repo/shell.nix"), SHELL);
    assert!(sandbox.read("repo/flake.nix").contains("fenix"));
}

#[test]
fn a_flake_without_shells_does_not_use_it() {
    let sandbox = repository(SHELL).file("repo/flake.nix", "{ outputs = _: { }; }\n");
    init(&sandbox, &[])
        .status(1)
        .stderr_has("flake.nix:1:3: no dev shell found in the outputs of this flake, which do not use shell.nix")
        .stderr_has("hint: add it, then run sccfg again: devShells.default = import ./shell.nix { inherit pkgs; };");
    let own = "let pkgs = import ./nixpkgs.nix; in pkgs.mkShell { }\n";
    let sandbox = repository(own).file("repo/flake.nix", "{ outputs = _: { }; }\n");
    init(&sandbox, &[])
        .status(1)
        .stderr_has("which do not use shell.nix")
        .stderr_has("hint: let shell.nix take nixpkgs");
}
