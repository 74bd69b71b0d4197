//! Builds in flight: nobody's is ever hurt.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use super::{GIB, Machine, real_rustc};
use crate::support::{Ran, wait_until};
use indoc::formatdoc;

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
            &formatdoc!(
                r#"
                    [package]
                    name = "c{n}"
                    version = "0.1.0"
                    edition = "2021"
                    [dependencies]
                    {dependencies}"#
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

/// A build of which one unit goes on until [`let_go`].
fn held_build(machine: &Machine, units: usize) -> Child {
    workspace(machine, "project", units);
    let rustc = machine.sandbox.path("rustc");
    let path = |name: &str| machine.sandbox.path(name).display().to_string();
    let text = format!(
        "#!/bin/sh\ncase $* in *' c0 '*link*) : >'{}'; while [ ! -e '{}' ]; do sleep 0.05; done ;; \
         esac\nexec '{}' \"$@\"\n",
        path("held"),
        path("let-go"),
        real_rustc().display()
    );
    fs::write(&rustc, text).unwrap();
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
    let mut cargo = machine.sandbox.command("bash");
    let cargo = cargo
        .args(["-c", CARGO])
        .env("RUSTC", rustc)
        .current_dir(machine.sandbox.path("project"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the compile of c0", || machine.sandbox.exists("held"));
    cargo
}

fn let_go(machine: &Machine) {
    machine.sandbox.write("let-go", "");
}

const CARGO: &str = "export CARGO_INCREMENTAL=0 RUSTC_WRAPPER=sccache; cargo build --offline 2>&1";

#[requires(sccache, proc)]
#[test]
fn thirty_shells_do_not_disturb_a_running_build() {
    const UNITS: usize = 12;
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let cargo = held_build(&machine, UNITS);
    std::thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let ran = machine.sccfg(&["server", "ensure"]).status(1);
                ran.stderr_has("is in use; left it running")
                    .stderr_has("hint:");
            });
        }
    });
    // A shell is not kept from opening, and says one line.
    machine
        .shell("")
        .status(0)
        .says_once(&["sccfg: ", "10GiB instead of 24GiB", "in use"]);
    let_go(&machine);
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

#[requires(sccache, proc)]
#[test]
fn ensure_waits_for_the_end_of_a_build_on_request() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let cargo = held_build(&machine, 12);
    machine
        .sccfg(&["server", "stop", "--wait", "0"])
        .status(1)
        .stderr_has("--force");
    let mut ensure = machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    let mut ensure = ensure
        .args(["server", "ensure", "--wait", "120"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(ensure.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("for running builds"), "{said}");
    let_go(&machine);
    Ran::new("ensure".into(), &ensure.wait_with_output().unwrap())
        .status(0)
        .stdout_has("restarted");
    let output = cargo.wait_with_output().unwrap();
    let ran = Ran::new("cargo build".into(), &output).status(0);
    assert!(!ran.stdout.contains("locally instead"), "{}", ran.stdout);
    assert_ne!(machine.pid(), before);
}
