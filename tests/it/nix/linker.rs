//! `cargo.linker`: which program links in `nix develop`.

use rstest::rstest;

use super::nix;
use crate::support::{Ran, Sandbox};

/// A shell whose `cc` adds `NIX_CFLAGS_LINK` to links, as nixpkgs' wrapper does (`cc-wrapper.sh`), and a package.
fn sandbox() -> Sandbox {
    let flake = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      cc = pkgs.writeShellScriptBin "cc" ''
        case " $* " in *" -c "*) ;; *) set -- "$@" $NIX_CFLAGS_LINK ;; esac
        exec ${pkgs.gcc}/bin/cc "$@"
      '';
    in
    { devShells.x86_64-linux.default = pkgs.mkShell { packages = [ cc ]; }; };
}
"#;
    Sandbox::new()
        .file("repo/flake.nix", flake)
        .file("repo/Cargo.toml", "[package]\nname = \"x\"\n")
        .file("repo/main.rs", "fn main() {}\n")
}

/// What links the program: the sections `.comment` of its objects and of the linker.
fn comment(sandbox: &Sandbox) -> String {
    let link = "rustc main.rs -o x && readelf --string-dump=.comment x";
    let ran = nix().develop(sandbox, "repo", None, &["bash", "-c", link]);
    ran.status(0).stdout
}

#[track_caller]
fn init(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let init = ["-C", "repo", "init", "--no-user-config"];
    sandbox.sccfg(&[&init, more].concat()).status(0)
}

#[requires(nix, mold)]
#[test]
fn the_program_is_linked_by_the_linker_of_the_policy() {
    let sandbox = sandbox();
    let before = sandbox.read("repo/flake.nix");
    init(&sandbox, &[]);
    assert!(!comment(&sandbox).contains("mold"));
    init(&sandbox, &["--linker", "mold"]).stdout_has("linker mold");
    assert!(comment(&sandbox).contains("mold"));
    let check = ["-C", "repo", "apply", "--check"];
    sandbox.sccfg(&check).status(0);
    // The policy decides from then on.
    let policy = sandbox.read("repo/sccfg.toml");
    let system = policy.replace("linker = \"mold\"", "linker = \"system\"");
    assert_ne!(policy, system);
    sandbox.write("repo/sccfg.toml", &system);
    sandbox
        .sccfg(&check)
        .status(1)
        .stdout_has("NIX_CFLAGS_LINK");
    sandbox.sccfg(&["-C", "repo", "apply"]).status(0);
    assert!(!comment(&sandbox).contains("mold"));
    init(&sandbox, &["--linker", "mold"]);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), before);
}

#[requires(nix)]
#[test]
fn every_worktree_has_the_same_linker() {
    let sandbox = sandbox();
    init(&sandbox, &["--linker", "lld"]);
    crate::wrapper::project::copy(&sandbox.path("repo"), &sandbox.path("other"));
    let flags = |directory| nix().dev_env(&sandbox, directory, None)["NIX_CFLAGS_LINK"].clone();
    let here = flags("repo");
    assert!(here.starts_with("-fuse-ld=lld -B/"), "{here}");
    assert_eq!(flags("other"), here);
}

/// GCC knows wild from 16.1 on, and clang any linker.
#[rstest]
#[requires(nix)]
fn wild_is_the_linker_of_compilers_that_know_it(
    #[values("16.1.0", "15.2.0", "clang")] compiler: &str,
) {
    let sandbox = sandbox();
    let cc = match compiler {
        "clang" => "{ isClang = true; version = \"21.1.0\"; }".to_owned(),
        version => format!("{{ version = \"{version}\"; }}"),
    };
    let packages = "pkgs = nixpkgs.legacyPackages.x86_64-linux;";
    let flake = sandbox.read("repo/flake.nix");
    let other = format!(
        "pkgs = let p = nixpkgs.legacyPackages.x86_64-linux; in \
         p // {{ stdenv = p.stdenv // {{ cc = p.stdenv.cc // {cc}; }}; }};"
    );
    sandbox.write("repo/flake.nix", &flake.replace(packages, &other));
    init(&sandbox, &["--linker", "wild"]);
    let flags = nix().dev_env(&sandbox, "repo", None)["NIX_CFLAGS_LINK"].clone();
    if compiler == "15.2.0" {
        assert_eq!(flags, "");
    } else {
        let directory = flags.strip_prefix("-fuse-ld=wild -B/");
        assert!(directory.unwrap().ends_with("-wild/bin"), "{flags}");
    }
}
