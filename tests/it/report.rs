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
        "server        1 hit, 1 miss since it started or was reset",
    ] {
        assert!(ran.stdout.contains(part), "no `{part}` in\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("sccfg init --wrapper portable"));
    // The policy is there, but this is not the dev shell.
    let sandbox = &machine.sandbox;
    sandbox.write("src/sccfg.toml", "[cargo]\nwrapper = \"portable\"\n");
    let portable = sandbox.sccfg(&["-C", "src", "report"]).status(0);
    portable.stdout_has("next:    nix develop, then cargo build");
    std::fs::remove_file(sandbox.path("src/sccfg.toml")).unwrap();
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
    let explained = |name: &str, what: &str| {
        let explain = [&["-C", "src", "explain", name][..], &target[3..]].concat();
        let ran = machine.sandbox.sccfg(&explain).status(0);
        let first = format!(
            "the outcome of {name} is not known: the portable wrapper compiled nothing in "
        );
        assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
        let log = format!("server's log  {what}");
        assert!(ran.stdout.contains(&log), "{}", ran.stdout);
        ran.stdout_has("next:    sccfg init --wrapper portable");
    };
    explained(
        "one",
        "sccache had it in some builds, and missed it in others",
    );
    explained("two", "it missed: ");
    explained("three", "not in it: ");
    // Units of another build directory do not count.
    let target = ["-C", "src", "report", "--target-dir", "../other"];
    let ran = machine.sandbox.sccfg(&target).status(0);
    assert!(
        ran.stdout.contains("0 hits, 0 missed units"),
        "{}",
        ran.stdout
    );
}

#[requires(sccache)]
#[test]
fn what_sccache_does_not_look_up_is_explained() {
    let machine = Machine::new();
    machine.compile_as("bin", "one.rs", "fn main() {}\n");
    let ran = machine.sandbox.sccfg(&["-C", "src", "explain", "one"]);
    let ran = ran.status(0).stdout_has("server's log  none");
    ran.stdout_has("not cached    1 crate-type")
        .stdout_has("portable keys");
    let json = machine
        .sandbox
        .sccfg(&["-C", "src", "explain", "one", "--json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["units"], serde_json::json!([]));
    let reason = &json["sccache"]["server"]["not_cached"][0]["reason"];
    assert!(
        reason.as_str().unwrap().starts_with("crate-type"),
        "{json:#}"
    );
}
