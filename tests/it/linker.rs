//! `cargo.linker-config`: the linker for builds without the dev shell.

use std::fs;

use crate::doctor::FLAKE;
use crate::support::{Ran, Sandbox};
use crate::wrapper::project::{cargo_home, package, rustup_home};

const CONFIG: &str = "repo/.cargo/config.toml";
const OURS: &str = "[alias] # mine\nb = \"build\"";

fn repository() -> Sandbox {
    Sandbox::new()
        .file("repo/flake.nix", FLAKE)
        .file("repo/Cargo.toml", &package("app", ""))
        .file("repo/src/main.rs", "fn main() {}\n")
        .file(CONFIG, OURS)
}

#[track_caller]
fn init(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let init = ["-C", "repo", "init", "--no-user-config"];
    sandbox.sccfg(&[&init, more].concat())
}

/// Whether mold links the program, in a build with the real cargo.
#[track_caller]
fn is_linked_by_mold(sandbox: &Sandbox) -> bool {
    let mut cargo = sandbox.command("cargo");
    cargo
        .args(["build", "--offline"])
        .current_dir(sandbox.path("repo"))
        .env_remove("RUSTFLAGS")
        .env("CARGO_HOME", cargo_home())
        .env("RUSTUP_HOME", rustup_home());
    Ran::new("cargo build".into(), &cargo.output().unwrap()).status(0);
    let program = fs::read(sandbox.path("repo/target/debug/app")).unwrap();
    memchr::memmem::find(&program, b"mold ").is_some()
}

#[requires(mold)]
#[test]
fn cargo_links_with_it_if_it_is_set() {
    let sandbox = repository();
    init(
        &sandbox,
        &["--linker", "mold", "--linker-config", "comment"],
    )
    .status(0);
    assert!(
        sandbox
            .read(CONFIG)
            .contains("\n# rustflags = [\"-C\", \"link-arg=-fuse-ld=mold\"]\n")
    );
    assert!(!is_linked_by_mold(&sandbox));
    init(&sandbox, &["--linker-config", "set"]).status(0);
    assert!(is_linked_by_mold(&sandbox));
    init(&sandbox, &["--linker-config", "set"])
        .status(0)
        .stdout_has("nothing to do");
    let check = ["-C", "repo", "apply", "--check"];
    sandbox.sccfg(&check).status(0);
    let policy = sandbox.read("repo/sccfg.toml");
    sandbox.write("repo/sccfg.toml", &policy.replace("\"set\"", "\"none\""));
    sandbox.sccfg(&check).status(1).stdout_has("-fuse-ld=mold");
    sandbox.sccfg(&["-C", "repo", "apply"]).status(0);
    assert_eq!(sandbox.read(CONFIG), OURS);
    init(&sandbox, &["--linker-config", "set"]).status(0);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read(CONFIG), OURS);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

#[test]
fn a_file_that_was_created_is_deleted() {
    let sandbox = repository();
    fs::remove_file(sandbox.path(CONFIG)).unwrap();
    init(&sandbox, &["--linker", "lld", "--linker-config", "set"])
        .status(0)
        .stdout_has("created .cargo/config.toml");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert!(!sandbox.exists(CONFIG));
}

#[test]
fn flags_of_the_project_are_not_lost() {
    let sandbox = repository();
    let flags = "[build]\nrustflags = [\"-Ctarget-cpu=native\"]\n";
    sandbox.write(CONFIG, flags);
    init(&sandbox, &["--linker", "mold", "--linker-config", "set"])
        .status(1)
        .stderr_has(".cargo/config.toml:2:1: could not set the linker")
        .stderr_has("hint:");
    assert_eq!(sandbox.read(CONFIG), flags);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

/// Lines that `--fix-cargo-config` commented out are restored in the same file.
#[test]
fn other_edits_of_the_file_are_undone_as_well() {
    let sandbox = repository();
    let wrapper = "[build]\nrustc-wrapper = \"sccache\"\n";
    sandbox.write(CONFIG, wrapper);
    let options = [
        "--fix-cargo-config",
        "--linker",
        "mold",
        "--linker-config",
        "set",
    ];
    init(&sandbox, &options).status(0);
    let text = sandbox.read(CONFIG);
    assert!(
        text.contains("# sccfg:was rustc-wrapper") && text.contains("-fuse-ld=mold"),
        "{text}"
    );
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read(CONFIG), wrapper);
}
