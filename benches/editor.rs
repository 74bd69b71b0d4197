//! How long the editor takes: `cargo bench`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

use std::fmt::Write as _;
use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use nix_shell_edit::generate::{self, Project};
use nix_shell_edit::{Edited, Request, Sources, edit, strip};
use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::{Incremental, Linker, ShellName, Wrapper};
use sccfg_util::problem::Problem;

fn main() {
    divan::main();
}

/// A flake of a single file.
struct One(String);

impl Sources for One {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        Ok((path == Path::new("flake.nix")).then(|| self.0.clone()))
    }

    fn list(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

fn hook() -> String {
    let hook = HookText {
        size: None,
        incremental: Incremental::Off,
        settings: Settings::InPolicy,
    };
    hook.render()
}

fn edited(flake: &One, hook: &str) -> Edited {
    let request = Request {
        shells: &[ShellName::default()],
        take_only_shell: true,
        may_be_gone: &[],
        incremental: Incremental::Off,
        hook,
        hook_options: "{ }",
        wrapper: Wrapper::Sccache,
        linker: Linker::System,
        input: None,
        devenv_imports: &[],
    };
    edit(flake, &request).unwrap()
}

/// A flake of about 300 lines, as a workspace of many packages has it.
fn long() -> One {
    let mut packages = String::new();
    for n in 0..40 {
        writeln!(
            packages,
            "        tool-{n} = craneLib.buildPackage (commonArgs // {{\n          \
             pname = \"tool-{n}\";\n          \
             cargoExtraArgs = \"--package tool-{n} --features ${{toString {n}}}\";\n          \
             nativeBuildInputs = with pkgs; [ pkg-config protobuf ];\n          \
             doCheck = false; # in CI\n        }});",
        )
        .unwrap();
    }
    One(format!(
        r#"{{
  description = "A workspace";

  inputs = {{
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    crane.url = "github:ipetkov/crane";
    flake-utils.url = "github:numtide/flake-utils";
  }};

  outputs = {{ self, nixpkgs, crane, flake-utils, ... }}:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = import nixpkgs {{ inherit system; }};
        craneLib = crane.mkLib pkgs;
        commonArgs = {{ src = craneLib.cleanCargoSource ./.; strictDeps = true; }};
      in
      {{
        packages = {{
{packages}        }};

        checks = self.packages.${{system}};

        devShells.default = pkgs.mkShell {{
          inputsFrom = builtins.attrValues self.packages.${{system}};
          packages = with pkgs; [
            cargo
            clippy
            rust-analyzer
            rustc
            rustfmt
          ];
          env = {{
            RUST_BACKTRACE = "1";
            CARGO_INCREMENTAL = "1";
          }};
          shellHook = ''
            export SCCACHE_CACHE_SIZE="10G"
            echo "welcome"
          '';
        }};
      }});
}}
"#
    ))
}

#[divan::bench]
fn edit_300_lines(bencher: Bencher<'_, '_>) {
    let (flake, hook) = (long(), hook());
    let lines = flake.0.lines().count();
    assert!((280..320).contains(&lines), "{lines} lines");
    bencher
        .counter(BytesCount::of_str(&flake.0))
        .bench_local(|| edited(black_box(&flake), &hook));
}

#[divan::bench]
fn edit_300_lines_again(bencher: Bencher<'_, '_>) {
    let hook = hook();
    let flake = One(edited(&long(), &hook).files.remove(0).after);
    bencher
        .counter(BytesCount::of_str(&flake.0))
        .bench_local(|| edited(black_box(&flake), &hook));
}

#[divan::bench]
fn strip_300_lines(bencher: Bencher<'_, '_>) {
    let after = edited(&long(), &hook()).files.remove(0).after;
    bencher
        .counter(BytesCount::of_str(&after))
        .bench_local(|| strip(Path::new("flake.nix"), black_box(&after)));
}

/// Rendering the hook, editing and taking out again, for a thousand flakes of about a page.
#[divan::bench(sample_count = 5)]
fn a_thousand_flakes(bencher: Bencher<'_, '_>) {
    let flakes: Vec<One> = (0..1000)
        .map(|n| {
            One(format!(
                "{{\n  outputs = {{ nixpkgs, ... }}: let\n    pkgs = nixpkgs.legacyPackages.x86_64-linux;\n  \
                 in {{\n    packages.x86_64-linux.p{n} = pkgs.hello;\n    \
                 devShells.x86_64-linux.default = pkgs.mkShell {{\n      packages = [ pkgs.cargo ];\n      \
                 shellHook = ''\n        echo {n}\n      '';\n    }};\n  }};\n}}\n"
            ))
        })
        .collect();
    bencher
        .counter(ItemsCount::new(flakes.len()))
        .bench_local(|| {
            for flake in &flakes {
                let file = edited(flake, &hook()).files.remove(0);
                let back = strip(&file.path, &file.after).unwrap();
                assert_eq!(back, flake.0);
            }
        });
}

#[divan::bench]
fn generate_a_flake(bencher: Bencher<'_, '_>) {
    let sources = generate::Sources {
        cargo_toml: Some("[package]\nname = \"x\"\nversion = \"0.1.0\"\n"),
        cargo_lock: Some("version = 4\n[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.1\"\n"),
        toolchain_file: Some(generate::ToolchainFile {
            name: "rust-toolchain.toml",
            text: "[toolchain]\nchannel = \"1.90.0\"\n",
        }),
        ..generate::Sources::default()
    };
    bencher.bench_local(|| {
        let project = Project::detect(black_box(&sources)).unwrap();
        generate::generate(&project).unwrap()
    });
}
