//! This project's own flake, with the stub of nixpkgs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{nix, nix_path, system};
use crate::support::{Ran, Sandbox, project};

/// `nix flake check` and the like, on the project's flake in `directory`.
pub(super) fn nix_flake(
    sandbox: &Sandbox,
    directory: &Path,
    nixpkgs: &str,
    arguments: &[&str],
) -> Ran {
    let mut command = nix().command(sandbox, "nix");
    let reference = format!("path:{}", directory.display());
    let output = command
        .args(arguments)
        .args([&*reference, "--no-write-lock-file"])
        .args(["--override-input", "nixpkgs", nixpkgs])
        .output()
        .unwrap();
    Ran::new(format!("nix {}", arguments.join(" ")), &output)
}

/// The same with the stub.
fn own_flake(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let nix = nix();
    nix_flake(sandbox, &nix.flake("sccfg"), nix.nixpkgs(), arguments)
}

#[requires(nix, shellcheck)]
#[test]
fn the_flake_is_in_order_and_its_checks_pass() {
    own_flake(&Sandbox::new(), &["flake", "check"]).status(0);
}

#[requires(nix)]
#[test]
fn the_flake_has_the_outputs_that_people_expect() {
    let ran = own_flake(&Sandbox::new(), &["flake", "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&ran.status(0).stdout).unwrap();
    let system = system();
    for path in [
        &["packages", &system, "default"][..],
        &["devShells", &system, "default"],
        &["checks", &system, "package"],
        &["checks", &system, "hook"],
        &["checks", &system, "options-doc"],
        &["formatter", &system],
        &["overlays", "default"],
        &["nixosModules", "default"],
        &["templates", "default"],
        &["lib"],
        &["flakeModule"],
        &["flakeModules"],
        &["devenvModules"],
        &["devshellModules"],
        &["homeModules"],
        &["homeManagerModules"],
        &["darwinModules"],
    ] {
        let found = path.iter().try_fold(&shown, |value, name| value.get(name));
        assert!(found.is_some(), "{path:?} in {shown}");
    }
    assert_eq!(shown["packages"][&system]["default"]["name"], "sccfg-0.1.0");
}

#[requires(nix)]
#[test]
fn as_an_input_it_has_a_package_for_every_linux_of_nixpkgs() {
    let flake = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells = nixpkgs.lib.genAttrs nixpkgs.lib.systems.flakeExposed (system:
      let pkgs = nixpkgs.legacyPackages.${system};
      in { default = pkgs.mkShell { packages = [ pkgs.cargo ]; }; });
  };
}
"#;
    let sandbox = Sandbox::new().file("repo/flake.nix", flake);
    let init = ["-C", "repo", "init", "--no-user-config"];
    let input = ["--wrapper", "portable", "--input", "github:example/sccfg"];
    sandbox.sccfg(&[&init[..], &input].concat()).status(0);
    for variable in ["RUSTC_WRAPPER", "shellHook"] {
        let output = format!("devShells.riscv64-linux.default.{variable}");
        let value = nix().value(&sandbox, "repo", &output);
        assert!(value.as_str().unwrap().contains("-sccfg-"), "{value}");
    }
}

#[test]
fn the_lock_pins_nixpkgs_and_nothing_else() {
    let lock = fs::read_to_string(project().join("flake.lock")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let nodes: Vec<_> = lock["nodes"].as_object().unwrap().keys().collect();
    assert_eq!(nodes, ["nixpkgs", "root"]);
    assert_eq!(lock["version"], 7);
    assert_eq!(
        lock["nodes"]["nixpkgs"]["original"]["ref"],
        "nixpkgs-unstable"
    );
}

#[requires(nix)]
#[test]
fn the_package_has_completions_a_manual_page_and_the_wrapper() {
    let sandbox = Sandbox::new();
    let ran = own_flake(&sandbox, &["build", "--out-link", "result"]);
    ran.status(0);
    for (file, part) in [
        ("share/bash-completion/completions/sccfg.bash", "_sccfg()"),
        (
            "share/fish/vendor_completions.d/sccfg.fish",
            "complete -c sccfg",
        ),
        ("share/zsh/site-functions/_sccfg", "#compdef sccfg"),
        ("share/man/man1/sccfg.1", ".TH sccfg 1"),
    ] {
        let text = sandbox.read(&format!("result/{file}"));
        assert!(text.contains(part), "{file}: {text}");
    }
    let link = fs::read_link(sandbox.path("result/libexec/sccfg/sccache")).unwrap();
    assert_eq!(link, Path::new("../../bin/sccfg"));
    let launcher = fs::metadata(sandbox.path("result/libexec/sccfg/c/sccache")).unwrap();
    assert_eq!(launcher.permissions().mode() & 0o111, 0o111);
    let mut sccfg = sandbox.command(sandbox.path("result/bin/sccfg"));
    let output = sccfg.arg("--version").output().unwrap();
    Ran::new("sccfg".to_owned(), &output)
        .status(0)
        .stdout_has("sccfg 0.1.0");
}

#[test]
fn its_own_shell_and_the_template_are_as_sccfg_would_render_them() {
    for directory in ["", "templates/flake"] {
        let sandbox = Sandbox::new();
        for file in ["flake.nix", "sccfg.toml"] {
            let text = fs::read_to_string(project().join(directory).join(file)).unwrap();
            sandbox.write(&format!("repo/{file}"), &text);
        }
        // Run `sccfg apply` in that directory to fix it.
        sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    }
}

#[requires(nix, sccache)]
#[test]
fn its_own_shell_caches() {
    let nix = nix();
    // Only the shell is evaluated, so the other files of the flake are not needed.
    let text = fs::read_to_string(project().join("flake.nix")).unwrap();
    let sandbox = Sandbox::new()
        .variable("SCCACHE_SERVER_PORT", "1")
        .file("repo/flake.nix", &text);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
}

#[requires(nix, sccache)]
#[test]
fn the_template_gives_a_project_a_shell_that_caches() {
    let nix = nix();
    let sandbox = Sandbox::new()
        .variable("SCCACHE_SERVER_PORT", "1")
        .file("repo/Cargo.toml", "[package]\nname = \"x\"\n");
    let template = format!("path:{}", nix.flake("sccfg").display());
    let mut init = nix.command(&sandbox, "nix");
    let output = init
        .args(["flake", "init", "-t", &template])
        .current_dir(sandbox.path("repo"))
        .output()
        .unwrap();
    Ran::new("nix flake init".to_owned(), &output).status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    sandbox
        .sccfg(&["-C", "repo", "remove"])
        .status(0)
        .stdout_has("flake.nix");
}

#[requires(nix)]
#[test]
fn the_overlay_builds_sccfg_with_its_nixpkgs() {
    let nix = nix();
    let system = system();
    let sandbox = Sandbox::new().file(
        "repo/flake.nix",
        &format!(
            "{{
               inputs.nixpkgs.url = \"github:NixOS/nixpkgs\";
               inputs.sccfg.url = \"github:somebody/sccfg\";
               outputs = {{ nixpkgs, sccfg, ... }}: {{
                 name = (import nixpkgs {{
                   system = \"{system}\";
                   overlays = [ sccfg.overlays.default ];
                 }}).sccfg.name;
               }};
             }}"
        ),
    );
    let nix = nix.with(vec![("sccfg/nixpkgs".to_owned(), nix.nixpkgs().to_owned())]);
    assert_eq!(nix.value(&sandbox, "repo", "name"), "sccfg-0.1.0");
}

/// The text of `docs/options.md` with this `lib`.
pub(super) fn options_doc(lib: &Path) -> String {
    let sandbox = Sandbox::new();
    let mut command = nix().command(&sandbox, "nix");
    let expression = format!(
        "import {} {{ lib = import {}; }}",
        nix_path(&project().join("docs/options.nix")),
        nix_path(lib)
    );
    let output = command
        .args(["eval", "--impure", "--raw", "--expr", &expression])
        .output()
        .unwrap();
    Ran::new("nix eval".to_owned(), &output).status(0).stdout
}

#[requires(nix)]
#[test]
fn the_options_are_documented_as_they_are() {
    let nix = nix();
    let written = fs::read_to_string(project().join("docs/options.md")).unwrap();
    // `scripts/options-doc` regenerates it.
    assert_eq!(options_doc(&nix.flake("nixpkgs/lib")), written);
}
