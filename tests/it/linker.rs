//! `cargo.linker-config`: the linker for builds without the dev shell.

use std::fs;

use rstest::rstest;
use serde_json::Value;

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

/// Whether the program has `mark`, in a build with the real cargo.
#[track_caller]
fn is_linked_by(mark: &str, sandbox: &Sandbox) -> bool {
    let mut cargo = sandbox.command("cargo");
    cargo
        .args(["build", "--offline"])
        .current_dir(sandbox.path("repo"))
        .env_remove("RUSTFLAGS")
        .env("CARGO_HOME", cargo_home())
        .env("RUSTUP_HOME", rustup_home());
    Ran::new("cargo build".into(), &cargo.output().unwrap()).status(0);
    let program = fs::read(sandbox.path("repo/target/debug/app")).unwrap();
    memchr::memmem::find(&program, mark.as_bytes()).is_some()
}

#[track_caller]
fn is_linked_by_mold(sandbox: &Sandbox) -> bool {
    is_linked_by("mold ", sandbox)
}

#[requires(wild, clang)]
#[test]
fn cargo_links_with_wild() {
    let sandbox = repository();
    let wild = ["--linker", "wild", "--linker-config", "set"];
    init(&sandbox, &wild).status(0);
    assert!(is_linked_by("Linker: Wild ", &sandbox));
    init(&sandbox, &wild).status(0).stdout_has("nothing to do");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read(CONFIG), OURS);
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

#[rstest]
#[case::no_begin(
    "# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`\n",
    "",
    ":1: this sccfg end marker has no begin marker"
)]
#[case::other_begin(
    "rendered from sccfg.toml by",
    "written by",
    "config.toml:3:1: this sccfg begin marker was edited"
)]
#[case::no_end(
    "# <<< sccfg <<<",
    "",
    "config.toml:3:1: `# <<< sccfg <<<` is missing after this line"
)]
fn a_damaged_marker_is_reported(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
    for how in ["comment", "set"] {
        let sandbox = repository();
        let options = ["--linker", "mold", "--linker-config", how];
        init(&sandbox, &options).status(0);
        let text = sandbox.read(CONFIG);
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text);
        sandbox.write(CONFIG, &damaged);
        for command in ["apply", "apply --check", "remove", "doctor"] {
            let args: Vec<&str> = ["-C", "repo"]
                .into_iter()
                .chain(command.split(' '))
                .collect();
            let ran = sandbox.sccfg(&args).status(1);
            let printed = format!("{}{}", ran.stdout, ran.stderr);
            for part in said.splitn(2, ": ") {
                assert!(printed.contains(part), "{command}: {printed}");
            }
            assert_eq!(sandbox.read(CONFIG), damaged);
        }
        // Once it is restored, everything is undone.
        sandbox.write(CONFIG, &text);
        sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
        assert_eq!(sandbox.read(CONFIG), OURS);
    }
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

/// Runs `sccfg -C repo verify --linker …` with the real cargo.
#[track_caller]
fn verify(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let args = [&["-C", "repo", "verify", "--linker", "--rounds", "2"], more].concat();
    let mut sccfg = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    sccfg
        .args(&args)
        .env_remove("RUSTFLAGS")
        .env("TMPDIR", sandbox.path("tmp"))
        .env("CARGO_HOME", cargo_home())
        .env("RUSTUP_HOME", rustup_home());
    Ran::new(args.join(" "), &sccfg.output().unwrap())
}

/// A workspace of a program with a build script, and of a library.
fn workspace() -> Sandbox {
    let members = "[workspace]\nmembers = [\"util\"]\n";
    let sandbox = repository()
        .file("repo/Cargo.toml", &(package("my-app", "") + members))
        .file("repo/build.rs", "fn main() {}\n")
        .file("repo/util/Cargo.toml", &package("util", ""))
        .file("repo/util/src/lib.rs", "pub fn f() {}\n");
    fs::create_dir(sandbox.path("tmp")).unwrap();
    sandbox
}

#[requires(mold)]
#[test]
fn every_linker_is_measured_and_nothing_is_left() {
    let sandbox = workspace();
    let found: Value =
        serde_json::from_str(&verify(&sandbox, &["--json"]).status(0).stdout).unwrap();
    let program = &found["programs"][0];
    assert_eq!(program["program"], "my_app", "{found:#}");
    assert_eq!(found["programs"].as_array().unwrap().len(), 1, "{found:#}");
    assert!(program["rebuild_seconds"].as_f64().is_some(), "{found:#}");
    let links = |name: &str| {
        let mut links = program["links"].as_array().unwrap().iter();
        links.find(|links| links["linker"] == name).unwrap().clone()
    };
    for name in ["system", "mold"] {
        let links = links(name);
        let time = |key: &str| links[key].as_f64().unwrap();
        assert!(time("least_seconds") <= time("median_seconds"), "{found:#}");
    }
    let made_by = links("mold")["made_by"].clone();
    assert!(made_by.as_str().unwrap().starts_with("mold "), "{found:#}");
    assert_eq!(fs::read_dir(sandbox.path("tmp")).unwrap().count(), 0);
    assert!(!sandbox.exists("repo/target"));
}

/// The settings of the project do not count: `system` is what the compiler runs without them.
#[requires(mold)]
#[test]
fn a_linker_that_the_project_has_set_is_compared_with_the_system() {
    let sandbox = workspace();
    init(&sandbox, &["--linker", "mold", "--linker-config", "set"]).status(0);
    let table = verify(&sandbox, &["--", "--bin", "my-app"])
        .status(0)
        .stdout;
    let row = |name: &str| {
        let mut rows = table.lines().map(|line| line.split_whitespace());
        let row = rows.find(|row| row.clone().nth(1) == Some(name));
        row.unwrap_or_else(|| panic!("{table}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(!row("system").contains("mold"), "{table}");
    assert!(row("mold").contains(" mold "), "{table}");
    assert!(
        table.contains("a build that compiles my_app alone takes "),
        "{table}"
    );
}

#[requires(wild, clang)]
#[test]
fn wild_is_measured_by_clang() {
    let found = verify(&workspace(), &["--json"]).status(0).stdout;
    let found: Value = serde_json::from_str(&found).unwrap();
    let links = found["programs"][0]["links"].as_array().unwrap();
    let wild = links
        .iter()
        .find(|links| links["linker"] == "wild")
        .unwrap();
    assert_eq!(wild["failure"], Value::Null, "{found:#}");
    assert!(
        wild["made_by"].as_str().unwrap().starts_with("Wild "),
        "{found:#}"
    );
}

#[test]
fn a_build_without_a_program_has_no_link() {
    let sandbox = workspace();
    verify(&sandbox, &["--", "-p", "util"])
        .status(1)
        .stderr_has("the build linked no program")
        .stderr_has("hint: select one: sccfg verify --linker -- --bin NAME");
    sandbox
        .sccfg(&["-C", "repo", "verify", "--rounds", "2"])
        .status(2);
}
