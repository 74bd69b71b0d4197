#![allow(
    clippy::disallowed_methods,
    reason = "the flakes that are expected stand in files, and real Nix parses them"
)]

use std::process::Command;

use rnix::ast::{self, HasEntry as _};
use rstest::rstest;
use snapbox::data::{Data, DataFormat};

use super::*;

const OVERLAY: Option<Toolchain> = Some(Toolchain::RustOverlay);
const FENIX: Option<Toolchain> = Some(Toolchain::Fenix);

fn locked(crates: &[&str]) -> String {
    let packages = crates
        .iter()
        .map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n"));
    packages.collect::<Vec<_>>().join("\n")
}

fn toml(text: &str) -> ToolchainFile<'_> {
    ToolchainFile {
        name: "rust-toolchain.toml",
        text,
    }
}

fn plain(text: &str) -> ToolchainFile<'_> {
    ToolchainFile {
        name: "rust-toolchain",
        text,
    }
}

/// The flake for `sources`, which parses and has one shell of many lines.
#[track_caller]
fn flake(sources: &Sources<'_>) -> String {
    let flake = generate(&Project::detect(sources).unwrap()).unwrap();
    assert!(flake.ends_with("}\n"), "{flake}");
    for line in flake.lines() {
        assert_eq!(line.trim_end(), line, "{flake}");
        let code = line.split("; # ").next().unwrap_or_default();
        let is_description = code.starts_with("  description");
        assert!(is_description || code.chars().count() <= 100, "{line}");
    }
    assert!(!flake.contains("\n\n\n"), "{flake}");
    let parsed = rnix::Root::parse(&flake);
    assert_eq!(parsed.errors(), [], "{flake}");
    assert!(flake.contains("default = pkgs.mkShell {\n"), "{flake}");
    flake
}

/// Compares with `tests/generated/<name>.nix`; `SNAPSHOTS=overwrite` writes the file.
#[track_caller]
fn assert_generated(name: &str, sources: &Sources<'_>) {
    let flake = flake(sources);
    let expected = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join("tests/generated")
        .join(name)
        .with_extension("nix");
    snapbox::Assert::new().action_env("SNAPSHOTS").eq(
        flake,
        Data::read_from(&expected, Some(DataFormat::Text)).raw(),
    );
}

#[sccfg_requires::requires(nix)]
#[test]
fn nix_parses_what_is_expected() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join("tests/generated");
    let store = tempfile::tempdir().unwrap();
    let mut parsed = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let output = Command::new("nix-instantiate")
            .arg("--parse")
            .arg(file.unwrap().path())
            .env("NIX_STORE_DIR", store.path().join("store"))
            .env("NIX_STATE_DIR", store.path().join("var"))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        parsed += 1;
    }
    assert!(parsed > 1, "{parsed}");
}

#[test]
fn a_new_project_gets_the_rust_of_nixpkgs() {
    assert_generated(
        "new-project",
        &Sources {
            directory_name: "new-project",
            ..Sources::default()
        },
    );
}

#[test]
fn a_toolchain_file_is_followed_through_rust_overlay() {
    assert_generated(
        "web-service",
        &Sources {
            directory_name: "web-service",
            cargo_toml: Some(
                "[package]\nname = \"web-service\"\ndescription = \"Serves \\\"${pages}\\\"\"\n",
            ),
            cargo_lock: Some(&locked(&["openssl-sys", "pq-sys", "prost-build", "serde"])),
            toolchain_file: Some(toml(
                "[toolchain]\nchannel = \"1.90.0\"\ncomponents = [\"clippy\"]\n",
            )),
            ..Sources::default()
        },
    );
}

#[test]
fn a_game_finds_the_libraries_that_it_loads_at_run_time() {
    assert_generated(
        "game",
        &Sources {
            directory_name: "game",
            cargo_lock: Some(&locked(&[
                "alsa-sys",
                "ash",
                "bindgen",
                "clang-sys",
                "khronos-egl",
                "libudev-sys",
                "tikv-jemalloc-sys",
                "winit",
                "yeslogic-fontconfig-sys",
            ])),
            toolchain: OVERLAY,
            ..Sources::default()
        },
    );
}

#[test]
fn fenix_serves_a_channel_as_the_lock_file_pins_it() {
    assert_generated(
        "wasm-on-fenix",
        &Sources {
            directory_name: "wasm",
            toolchain_file: Some(toml(
                "[toolchain]\nchannel = \"nightly\"\nprofile = \"minimal\"\n\
                 components = [\"rust-analyzer\"]\n\
                 targets = [\"wasm32-unknown-unknown\", \"thumbv8m.main-none-eabi\"]\n",
            )),
            toolchain: FENIX,
            ..Sources::default()
        },
    );
}

#[test]
fn fenix_reads_a_pinned_release_given_a_hash() {
    let sources = Sources {
        directory_name: "pinned",
        toolchain_file: Some(toml("[toolchain]\nchannel = \"1.90.0\"\n")),
        toolchain: FENIX,
        ..Sources::default()
    };
    assert_generated("pinned-on-fenix", &sources);
    let project = Project::detect(&sources).unwrap();
    assert!(project.manual_steps().unwrap().contains("fakeSha256"));
}

#[rstest]
#[case::nothing_asked_nothing_there(None, None, Toolchain::Nixpkgs)]
#[case::a_file_decides(None, Some(plain("stable\n")), Toolchain::RustOverlay)]
#[case::the_user_decides(FENIX, Some(plain("stable\n")), Toolchain::Fenix)]
#[case::the_user_decides(OVERLAY, None, Toolchain::RustOverlay)]
fn the_toolchain_is_chosen(
    #[case] requested: Option<Toolchain>,
    #[case] file: Option<ToolchainFile<'_>>,
    #[case] chosen: Toolchain,
) {
    assert_eq!(choose(requested, file), chosen);
}

#[rstest]
#[case::legacy(
    plain("nightly-2026-01-01\n"),
    "fromRustupToolchainFile ./rust-toolchain;"
)]
#[case::toml_without_extension(
    plain("[toolchain]\nchannel = \"stable\"\n"),
    "fromRustupToolchainFile ./rust-toolchain;"
)]
#[case::has_the_source(
    toml("[toolchain]\nchannel = \"beta\"\ncomponents = [\"rust-src\"]\n"),
    "toolchain = pkgs.rust-bin.fromRustupToolchainFile ./rust-toolchain.toml;"
)]
fn rust_overlay_reads_each_form_of_the_file(
    #[case] file: ToolchainFile<'_>,
    #[case] expected: &str,
) {
    let flake = flake(&Sources {
        toolchain_file: Some(file),
        ..Sources::default()
    });
    assert!(flake.contains(expected), "{flake}");
}

#[rstest]
#[case::latest(None, "rust.stable.withComponents")]
#[case::stable(Some(plain("stable\n")), "rust.stable.withComponents")]
#[case::nightly(Some(plain("nightly")), "rust.complete.withComponents")]
#[case::a_day(
    Some(plain("nightly-2026-01-01")),
    "name = builtins.readFile ./rust-toolchain;"
)]
#[case::a_version_with_source(
    Some(toml("[toolchain]\nchannel = \"1.90\"\ncomponents = [\"rust-src\"]\n")),
    "toolchain = rust.fromToolchainFile {"
)]
fn fenix_has_each_channel(
    #[case] toolchain_file: Option<ToolchainFile<'_>>,
    #[case] expected: &str,
) {
    let flake = flake(&Sources {
        toolchain_file,
        toolchain: FENIX,
        ..Sources::default()
    });
    assert!(flake.contains(expected), "{flake}");
}

#[rstest]
#[case::custom(
    plain("esp\n"),
    "rust-toolchain:1:1: rust-overlay has no toolchain `esp`"
)]
#[case::host(
    toml("[toolchain]\nchannel = \"nightly-2026-01-01-x86_64-unknown-linux-gnu\"\n"),
    "rust-toolchain.toml:2:12: rust-overlay has no toolchain"
)]
#[case::path(
    toml("[toolchain]\npath = \"/opt/rust\"\n"),
    "rust-toolchain.toml:2:9: the toolchain at `/opt/rust`"
)]
#[case::dated_stable(
    plain("stable-2026-01-01"),
    "rust-toolchain:1:1: rust-overlay has no stable"
)]
#[case::toml_in_one_line(
    toml("toolchain.channel = \"1.90\"\n"),
    "rust-toolchain.toml:1:1: rust-overlay reads a one-line file"
)]
#[case::empty(plain(""), "rust-toolchain:1:1: ")]
#[case::broken(toml("[toolchain]\nchannel = 1.90\n"), "rust-toolchain.toml:2:11: ")]
fn a_toolchain_that_cannot_be_had_is_refused(
    #[case] file: ToolchainFile<'_>,
    #[case] expected: &str,
) {
    let problem = Project::detect(&Sources {
        toolchain_file: Some(file),
        ..Sources::default()
    })
    .unwrap_err();
    assert!(problem.to_string().starts_with(expected), "{problem}");
    assert!(problem.hint.is_some());

    let nixpkgs = Sources {
        toolchain_file: Some(file),
        toolchain: Some(Toolchain::Nixpkgs),
        ..Sources::default()
    };
    assert!(Project::detect(&nixpkgs).is_ok());
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "\"; x = ${builtins.abort \"\"} \\\n''${y}'' $${z} ü🦀 # /* */";
    let manifest = format!(
        "[package]\nname = \"a\"\ndescription = {}\n",
        toml_edit::value(hostile)
    );
    let components = "a\"]; evil = ${1}; #";
    let toolchain = format!(
        "[toolchain]\nchannel = \"stable\"\ncomponents = [{0}]\ntargets = [{0}]\n",
        toml_edit::value(components)
    );
    let flake = flake(&Sources {
        directory_name: "a",
        cargo_toml: Some(&manifest),
        toolchain_file: Some(toml(&toolchain)),
        toolchain: FENIX,
        ..Sources::default()
    });
    let Some(ast::Expr::AttrSet(set)) = rnix::Root::parse(&flake).tree().expr() else {
        panic!("{flake}");
    };
    assert_eq!(
        set.entries().count(),
        3,
        "description, inputs, outputs: {flake}"
    );
    assert!(!flake.contains("shellHook"));
}

#[test]
fn every_row_of_the_table_gives_a_flake_that_parses() {
    let table: toml_edit::DocumentMut = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../templates/native-packages.toml"
    ))
    .parse()
    .unwrap();
    let mut all = Vec::new();
    for row in table["needs"].as_array_of_tables().unwrap() {
        let crates: Vec<&str> = row["crates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        flake(&Sources {
            cargo_lock: Some(&locked(&crates)),
            ..Sources::default()
        });
        all.extend(crates);
    }
    flake(&Sources {
        cargo_lock: Some(&locked(&all)),
        ..Sources::default()
    });
}
