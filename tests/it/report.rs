//! `sccfg report` without portable keys: what sccache knows, and what is not known.

use serde_json::Value;

use crate::stats::Machine;

#[requires(sccache)]
#[test]
fn without_records_the_last_build_is_not_known() {
    let machine = Machine::new();
    machine.compile("one.rs", "pub fn one() {}\n");
    machine.compile("one.rs", "pub fn one() {}\n");
    let ran = machine.sandbox.sccfg(&["-C", "src", "report"]).status(0);
    for part in [
        "no build is recorded in ",
        "last build    not known",
        "server's log  none",
        "server        1 hits, 1 misses since it started or was reset",
    ] {
        assert!(ran.stdout.contains(part), "no `{part}` in\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("sccfg init --wrapper portable"));
    let json = machine.sandbox.sccfg(&["-C", "src", "report", "--json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["build"], Value::Null);
    assert_eq!(json["log"], Value::Null);
    assert_eq!(json["server"]["hits"], 1);
    machine
        .sandbox
        .sccfg(&["-C", "src", "report", "--since", "1y"])
        .status(2);
}

#[requires(sccache)]
#[test]
fn a_log_of_the_server_names_what_missed_here() {
    let machine = Machine::logging();
    machine.compile("one.rs", "pub fn one() {}\n");
    machine.compile("one.rs", "pub fn one() {}\n");
    machine.compile("two.rs", "pub fn two() {}\n");
    let target = ["-C", "src", "report", "--target-dir", "../out"];
    let ran = machine.sandbox.sccfg(&target).status(0);
    assert!(
        ran.stdout.contains("1 hit, 2 missed units"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("missed: one") && ran.stdout.contains("missed: two"));
    // Units of another build directory do not count.
    let target = ["-C", "src", "report", "--target-dir", "../other"];
    let ran = machine.sandbox.sccfg(&target).status(0);
    assert!(
        ran.stdout.contains("0 hits, 0 missed units"),
        "{}",
        ran.stdout
    );
}
