//! The stub flakes of `tests/nix` behave like the real ones: how variables, inputs and hooks reach a dev
//! shell, and what is refused.

use super::{nix, system};
use crate::support::Sandbox;

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

#[requires(nix)]
#[test]
fn attributes_and_env_become_variables_and_inputs_come_on_path() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn a_name_at_top_level_and_in_env_is_refused() {
    let nix = nix();
    let sandbox = sandbox(&[], "pkgs.mkShell { A = \"1\"; env = { A = \"2\"; }; }");
    nix.evaluate(&sandbox, "repo", None)
        .status(1)
        .stderr_has("The `env` attribute set cannot contain any attributes passed to derivation")
        .stderr_has("A");
}

#[requires(nix)]
#[test]
fn env_takes_no_lists() {
    let nix = nix();
    let sandbox = sandbox(&[], "pkgs.mkShell { env.A = [ \"1\" ]; }");
    nix.evaluate(&sandbox, "repo", None)
        .status(1)
        .stderr_has("The `A` attribute is of type list");
}

#[requires(nix)]
#[test]
fn hooks_of_inputs_from_run_first_and_the_last_one_before_the_others() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn a_shell_can_be_overridden() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn overlays_call_package_and_outputs_by_system_work() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn flake_parts_merges_modules() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn an_unknown_output_of_flake_parts_is_refused() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn crane_hands_variables_and_hook_to_mk_shell() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn numtide_devshell_takes_a_list_and_refuses_unknown_options() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn devenv_merges_enter_shell_and_refuses_two_values() {
    let nix = nix();
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

#[requires(nix)]
#[test]
fn a_flake_with_an_input_without_a_stub_is_not_evaluable() {
    let nix = nix();
    let sandbox = sandbox(&["someone/something"], "pkgs.mkShell { }");
    let problem = nix.overrides(&sandbox, "repo").unwrap_err();
    assert!(problem.contains("someone/something"), "{problem}");
}

#[requires(nix)]
#[test]
fn many_shells_open_at_once() {
    let nix = nix();
    let sandbox = sandbox(
        &[],
        "pkgs.mkShell { packages = [ pkgs.cargo ]; A = \"1\"; }",
    );
    nix.dev_env(&sandbox, "repo", None);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(nix.dev_env(&sandbox, "repo", None)["A"], "1"));
        }
    });
}
