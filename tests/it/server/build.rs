//! Builds in flight: nobody's is ever hurt.

use std::process::Stdio;
use std::time::Duration;

use super::{GIB, Machine};
use crate::support::Ran;

/// A workspace of `count` libraries, four to a row, each of which needs the row before.
fn workspace(machine: &Machine, name: &str, count: usize) {
    let members: Vec<String> = (0..count).map(|n| format!("\"c{n}\"")).collect();
    machine.sandbox.write(
        &format!("{name}/Cargo.toml"),
        &format!(
            "[workspace]\nresolver = \"2\"\nmembers = [{}]\n",
            members.join(", ")
        ),
    );
    for n in 0..count {
        let row = n / 4;
        let needed: Vec<usize> = (0..count).filter(|other| other / 4 + 1 == row).collect();
        let dependencies: Vec<String> = needed
            .iter()
            .map(|other| format!("c{other} = {{ path = \"../c{other}\" }}\n"))
            .collect();
        let dependencies = dependencies.concat();
        machine.sandbox.write(
            &format!("{name}/c{n}/Cargo.toml"),
            &format!(
                "[package]\nname = \"c{n}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                 [dependencies]\n{dependencies}"
            ),
        );
        let functions: Vec<String> = (0..60)
            .map(|f| {
                format!(
                    "pub fn f{f}(x: u64) -> Vec<String> {{ (0..x).map(|y| format!(\"{{y}} {f} \
                     {{:?}}\", [y; {f}])).collect() }}\n"
                )
            })
            .collect();
        machine
            .sandbox
            .write(&format!("{name}/c{n}/src/lib.rs"), &functions.concat());
    }
}

const CARGO: &str = "export CARGO_INCREMENTAL=0 RUSTC_WRAPPER=sccache; cargo build --offline 2>&1";

#[test]
fn thirty_shells_leave_a_build_in_flight_alone() {
    const UNITS: usize = 60;
    let Some(machine) = Machine::new() else {
        return;
    };
    workspace(&machine, "project", UNITS);
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let mut cargo = machine.sandbox.command("bash");
    let cargo = cargo
        .args(["-c", CARGO])
        .current_dir(machine.sandbox.path("project"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while machine.status()["in_flight"]["connections"] == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let ran = machine.sccfg(&["server", "ensure"]).status(1);
                ran.stderr_has("is in use: left as it is")
                    .stderr_has("hint:");
            });
        }
    });
    // A shell is not kept from opening, and says one line.
    machine
        .shell("")
        .status(0)
        .says_once(&["sccfg: ", "10GiB instead of 24GiB", "in use"]);
    let output = cargo.wait_with_output().unwrap();
    let ran = Ran::new("cargo build".into(), &output).status(0);
    for word in ["locally instead", "sccache: "] {
        assert!(!ran.stdout.contains(word), "{}", ran.stdout);
    }
    assert_eq!(machine.pid(), before);
    let status = machine.status();
    assert_eq!(status["misses"], UNITS, "each unit once");
    machine
        .sccfg(&["server", "ensure", "--wait", "20"])
        .status(0)
        .stdout_has("restarted");
    assert_ne!(machine.pid(), before);
    assert_eq!(machine.largest(), 24 * GIB);
}

#[test]
fn ensure_waits_for_the_end_of_a_build_when_told_to() {
    let Some(machine) = Machine::new() else {
        return;
    };
    workspace(&machine, "project", 12);
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let mut cargo = machine.sandbox.command("bash");
    let cargo = cargo
        .args(["-c", CARGO])
        .current_dir(machine.sandbox.path("project"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while machine.status()["in_flight"]["connections"] == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    machine
        .sccfg(&["server", "stop", "--wait", "0"])
        .status(1)
        .stderr_has("--force");
    machine
        .sccfg(&["server", "ensure", "--wait", "120"])
        .status(0)
        .stderr_has("builds are in flight")
        .stdout_has("restarted");
    let output = cargo.wait_with_output().unwrap();
    let ran = Ran::new("cargo build".into(), &output).status(0);
    assert!(!ran.stdout.contains("locally instead"), "{}", ran.stdout);
    assert_ne!(machine.pid(), before);
}
