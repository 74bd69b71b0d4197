//! sccfg as an input of a repository's flake; `tests/cases/input-*` has the shapes of flakes.

use crate::nix::nix;
use crate::support::{Ran, Sandbox};

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default =
      let pkgs = nixpkgs.legacyPackages.x86_64-linux;
      in pkgs.mkShell {
        packages = [ pkgs.cargo ];
      };
  };
}
"#;

const INPUT: &str = "github:owner/sccfg";

fn repository() -> Sandbox {
    Sandbox::new().file("repo/flake.nix", FLAKE)
}

fn init(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.sccfg(&[&["-C", "repo", "init", "--no-user-config"], arguments].concat())
}

#[test]
fn the_policy_remembers_the_address() {
    let sandbox = repository();
    init(&sandbox, &["--input", INPUT])
        .status(0)
        .stdout_has("edited  flake.nix  (dev shell default, input sccfg)");
    let policy = sandbox.read("repo/sccfg.toml");
    assert!(
        policy.contains("[flake]\ninput = \"github:owner/sccfg\" # "),
        "{policy}"
    );

    // Another reference is drift until it is applied, and none removes the input.
    sandbox.write("repo/sccfg.toml", &policy.replace("owner", "other"));
    sandbox
        .sccfg(&["-C", "repo", "apply", "--check"])
        .status(1)
        .stdout_has("+  inputs.sccfg.url = \"github:other/sccfg\";");
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0);
    let without = policy.split("\n[flake]").next().unwrap();
    sandbox.write("repo/sccfg.toml", without);
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0);
    assert!(!sandbox.read("repo/flake.nix").contains("inputs.sccfg"));

    init(&sandbox, &["--input", INPUT]).status(0);
    assert_eq!(
        sandbox.read("repo/sccfg.toml").matches("[flake]").count(),
        1
    );
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

#[test]
fn init_says_what_happens_to_the_lock_file() {
    let lock = r#"{ "nodes": { "nixpkgs": {}, "root": { "inputs": { "nixpkgs": "nixpkgs" } } }, "root": "root", "version": 7 }"#;
    let sandbox = repository().file("repo/flake.lock", lock);
    init(&sandbox, &["--input", INPUT]).status(0).stdout_has(
        "the next `nix develop` adds the input sccfg to flake.lock; to do it now: nix flake lock",
    );
    assert_eq!(sandbox.read("repo/flake.lock"), lock);
    let locked = lock.replace("\"inputs\": {", "\"inputs\": { \"sccfg\": \"sccfg\",");
    sandbox.write("repo/flake.lock", &locked);
    let again = init(&sandbox, &["--incremental", "auto"]).status(0);
    assert!(!again.stdout.contains("flake.lock"), "{}", again.stdout);
    sandbox
        .sccfg(&["-C", "repo", "remove"])
        .status(0)
        .stdout_has("removes the input sccfg from flake.lock");
}

#[test]
fn an_invalid_flake_reference_is_refused_first() {
    for address in ["two words", "", "github:owner/sccfg#default", "${x}"] {
        init(&repository(), &["--input", address])
            .status(2)
            .stderr_has("is not a flake reference");
    }
    repository()
        .file("repo/sccfg.toml", "[flake]\ninputs = \"x\"\n")
        .sccfg(&["-C", "repo", "apply"])
        .status(1)
        .stderr_has("sccfg.toml:2:1: ")
        .stderr_has("hint: did you mean `input`?");
}

#[requires(nix)]
#[test]
fn a_generated_flake_has_the_input() {
    let sandbox = Sandbox::new().file("repo/Cargo.toml", "[package]\nname = \"new\"\n");
    init(&sandbox, &["--input", INPUT, "--wrapper", "portable"])
        .status(0)
        .stdout_has("created flake.nix");
    let flake = sandbox.read("repo/flake.nix");
    assert!(flake.contains("/libexec/sccfg/sccache\";"), "{flake}");
    // The wrapper comes with it.
    assert!(!sandbox.exists("home/.local/share/sccfg"));
    init(&sandbox, &[]).status(0).stdout_has("nothing to do");
    let sandbox = sandbox.variable("SCCACHE_SERVER_PORT", "1");
    let wrapper = &nix().dev_env(&sandbox, "repo", None)["RUSTC_WRAPPER"];
    assert!(wrapper.ends_with("/libexec/sccfg/sccache"), "{wrapper}");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert!(!sandbox.exists("repo/flake.nix"));
}
