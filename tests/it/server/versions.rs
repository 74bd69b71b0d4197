//! Projects pin different nixpkgs, so different versions of sccache meet.

use super::{GIB, Machine, path_with};
use crate::support::{Ran, other_sccache, sccache};

const BUILD: &str = "export RUSTC_WRAPPER=sccache CARGO_INCREMENTAL=0\n\
                     cargo build --offline --quiet 2>&1; echo \"${SCCACHE_SERVER_UDS-none}\"";

fn project(machine: &Machine, name: &str) {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[workspace]\n");
    machine
        .sandbox
        .write(&format!("{name}/Cargo.toml"), &manifest);
    machine
        .sandbox
        .write(&format!("{name}/src/lib.rs"), "pub fn f() {}\n");
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn a_client_of_another_version_gets_an_address_of_its_own_and_both_build() {
    let (one, other) = (sccache(), other_sccache());
    // Whichever is older cannot build with a server of the other.
    for (first, second) in [(&one, &other), (&other, &one)] {
        let machine = Machine::with(first.clone());
        machine.file_says(24 * GIB);
        project(&machine, "first");
        project(&machine, "second");
        machine.start("24G");
        let enter = |sccache: &std::path::Path, name: &str| {
            let mut shell = machine.shell_command(BUILD);
            let shell = shell.env("PATH", path_with(sccache));
            let output = shell.current_dir(machine.sandbox.path(name)).output();
            Ran::new(
                format!("{name} with {}", sccache.display()),
                &output.unwrap(),
            )
            .status(0)
            .quiet()
        };
        assert_eq!(
            enter(first, "first").stdout,
            "none\n",
            "the first one stays"
        );
        let ran = enter(second, "second");
        let socket = machine.sandbox.path("run/sccfg/sccache-");
        assert!(ran.stdout.starts_with(socket.to_str().unwrap()), "{ran:?}");
        assert!(ran.stdout.len() <= 108, "{ran:?}");
        assert_eq!(machine.pids().len(), 2);
        // Again, and from within the first shell's environment: the same addresses.
        assert_eq!(enter(second, "second").stdout, ran.stdout);
        let socket = ran.stdout.trim();
        let mut nested = machine.shell_command("echo \"${SCCACHE_SERVER_UDS-none}\"");
        let output = nested.env("SCCACHE_SERVER_UDS", socket).output().unwrap();
        let nested = Ran::new("nested".into(), &output).status(0).quiet();
        assert_eq!(
            nested.stdout, "none\n",
            "not the address of another version"
        );
        assert_eq!(machine.pids().len(), 2);
    }
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn a_server_of_another_version_keeps_it_when_it_is_restarted() {
    let (one, other) = (sccache(), other_sccache());
    let machine = Machine::with(one);
    machine.file_says(24 * GIB);
    machine.start_with(&other, "10G");
    let ran = machine.sccfg(&["server", "ensure"]).status(0);
    ran.stdout_has("restarted");
    let status = machine.status();
    assert_eq!(status["largest"], 24 * GIB);
    assert_ne!(status["version"], status["client_version"]);
    machine
        .sccfg(&["server", "status"])
        .status(1)
        .stderr_has("a separate address");
}
