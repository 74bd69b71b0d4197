//! `sccfg hook` in `nix develop`.

use std::path::Path;

use indoc::indoc;

use super::nix;
use crate::server::{GIB, Machine};
use crate::support::Ran;

/// A shell gets the hooks of `inputsFrom`, and none of the variables.
#[requires(nix, sccache, proc)]
#[test]
fn a_shell_that_inherits_the_hook_stays_incremental() {
    let (nix, machine) = (nix(), Machine::new());
    let directory = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let machine = machine.variable("PATH", &path);
    let sandbox = &machine.sandbox;
    sandbox.write(
        "repo/flake.nix",
        indoc! {r#"
            {
              inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
              outputs = { nixpkgs, ... }:
                let pkgs = nixpkgs.legacyPackages.x86_64-linux; in
                {
                  devShells.x86_64-linux = rec {
                    default = pkgs.mkShell { };
                    full = pkgs.mkShell { inputsFrom = [ default ]; };
                  };
                };
            }
        "#},
    );
    let init = ["-C", "repo", "init", "--no-user-config"];
    sandbox.sccfg(&init).status(0);
    let shown = "echo \"${RUSTC_WRAPPER-no wrapper} ${CARGO_INCREMENTAL-unset}\"";
    let enter = |shell| {
        let ran = nix.develop(sandbox, "repo", Some(shell), &["bash", "-c", shown]);
        ran.status(0)
    };
    enter("default").stdout_has("/sccache 0\n");
    enter("full").stdout_has("no wrapper unset\n");
    // Once it is managed as well, it has both.
    sandbox
        .sccfg(&["-C", "repo", "init", "--shell", "full"])
        .status(0);
    enter("full").stdout_has("/sccache 0\n");
}

#[requires(nix, sccache, proc)]
#[test]
fn two_worktrees_entered_together_share_one_server_that_is_restarted_once() {
    let (nix, machine) = (nix(), Machine::new());
    let directory = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let machine = machine.variable("PATH", &path);
    let git = |args: &[&str]| {
        let mut git = machine.sandbox.command("git");
        git.args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
        Ran::new(format!("git {args:?}"), &git.args(args).output().unwrap()).status(0);
    };
    let sandbox = &machine.sandbox;
    sandbox.write("one/Cargo.toml", "[package]\nname = \"x\"\n");
    sandbox
        .sccfg(&[
            "-C",
            "one",
            "init",
            "--incremental",
            "auto",
            "--no-user-config",
        ])
        .status(0);
    git(&["init", "-q", "one"]);
    git(&["-C", "one", "add", "."]);
    git(&["-C", "one", "commit", "-q", "-m", "x"]);
    git(&["-C", "one", "worktree", "add", "-q", "../two"]);
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let enter = |worktree: &str| {
        let script = "echo \"$SCCACHE_CACHE_SIZE ${CARGO_INCREMENTAL-unset}\"; \
                      sccache --show-stats --stats-format=json";
        nix.develop(sandbox, worktree, None, &["bash", "-c", script])
            .status(0)
    };
    std::thread::scope(|scope| {
        let two = scope.spawn(|| enter("two"));
        let one = enter("one").stdout_has("25769803776 unset\n");
        let two = two.join().unwrap().stdout_has("25769803776 0\n");
        for ran in [one, two] {
            ran.stdout_has("\"max_cache_size\":25769803776");
        }
    });
    assert_ne!(machine.pid(), before);
    let first = machine.pid();
    enter("one");
    assert_eq!((machine.pid(), machine.largest()), (first, 24 * GIB));
}
