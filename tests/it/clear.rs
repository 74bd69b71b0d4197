//! `sccfg clear`: a real cache, and what is no cache.

use std::fs;
use std::path::Path;
use std::thread;

use indoc::indoc;
use serde_json::Value;

use crate::stats::Machine;
use crate::support::{Ran, wait_until};

/// The names of all that is in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[requires(sccache)]
#[test]
fn the_cache_is_emptied_and_the_server_runs_again() {
    let machine = Machine::new();
    machine.sccfg(&["server", "start"]).status(0);
    machine.compile("a.rs", "pub fn a() {}");
    // C fills the directory `preprocessor` as well.
    machine.compile("a.c", "int a;\n");
    let cache = machine.sandbox.path("cache");
    assert!(
        names(&cache).contains(&"preprocessor".to_owned()),
        "{:?}",
        names(&cache)
    );

    machine
        .sccfg(&["clear"])
        .status(1)
        .stderr_has("not a terminal")
        .stderr_has("hint: pass --yes");
    machine
        .sccfg(&["clear", "--json"])
        .status(1)
        .stderr_has("--json does not ask whether to remove 3 entries")
        .stderr_has("hint: pass --yes");
    assert!(!names(&cache).is_empty());

    let ran = machine.sccfg(&["clear", "--yes", "--json"]).status(0);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["entries"], 3, "{json}");
    assert!(json["freed"].as_u64().unwrap() > 0);
    assert_eq!(names(&cache), [""; 0]);
    machine
        .sccfg(&["server", "status"])
        .status(0)
        .stdout_has("running, process");

    // The server knows that its cache is empty.
    machine.compile("a.rs", "pub fn a() {}");
    machine
        .sccfg(&["stats"])
        .status(0)
        .stdout_has("Rust       0 of 1 hits");
    machine.sccfg(&["server", "stop"]).status(0);
    machine
        .sccfg(&["clear", "-y"])
        .status(0)
        .stdout_has("in 1 entries of");
    machine
        .sccfg(&["clear", "-y"])
        .status(0)
        .stdout_has("nothing to do");
    machine
        .sccfg(&["server", "status"])
        .stdout_has("not running");
}

#[requires(sccache)]
#[test]
fn what_sccache_did_not_write_is_never_touched() {
    let machine = Machine::new();
    machine.sccfg(&["server", "start"]).status(0);
    machine.compile("a.rs", "pub fn a() {}");
    machine.sccfg(&["server", "stop"]).status(0);
    let cache = machine.sandbox.path("cache");
    let before = names(&cache);
    let key = "36be8f1a285803e96019378e9ae87f228e9b5ea87f67ac3c560f99580df1102a";
    // What stands where no entry of sccache can be, and the outermost of it, which is named.
    for (foreign, named) in [
        ("notes.txt".to_owned(), "notes.txt"),
        (format!("4/2/{key}"), &*format!("4/2/{key}")),
        (format!("3/{key}"), &*format!("3/{key}")),
        ("3/6/thesis".to_owned(), "3/6/thesis"),
        ("a/b/c/d".to_owned(), "a/b/c"),
        (
            format!("preprocessor/3/6/{key}"),
            &*format!("preprocessor/3/6/{key}"),
        ),
        ("src/main.rs".to_owned(), "src"),
    ] {
        let path = cache.join(&foreign);
        let was: Vec<bool> = path.ancestors().map(Path::exists).collect();
        machine.sandbox.write(&format!("cache/{foreign}"), "mine");
        machine
            .sccfg(&["clear", "--yes"])
            .status(1)
            .stderr_has("contains files that sccache did not write (")
            .stderr_has(&format!("({named})"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(&path).unwrap();
        for (directory, was) in path.ancestors().zip(was).skip(1) {
            if !was {
                fs::remove_dir(directory).unwrap();
            }
        }
        assert_eq!(names(&cache), before);
    }
    // Nor is anything a link leads to.
    machine.sandbox.write("elsewhere/x", "mine");
    // Where no entry is yet: the key that sccache gave depends on the sandbox.
    let free = ["e", "f"]
        .into_iter()
        .find(|name| !before.contains(&(*name).to_owned()));
    let free = free.unwrap();
    std::os::unix::fs::symlink(machine.sandbox.path("elsewhere"), cache.join(free)).unwrap();
    machine
        .sccfg(&["clear", "--yes"])
        .status(1)
        .stderr_has(&format!("({free})"));
    assert_eq!(machine.sandbox.read("elsewhere/x"), "mine");
}

#[requires(sccache)]
#[test]
fn the_root_and_the_home_directory_are_refused() {
    let machine = Machine::new();
    let home = machine.sandbox.path("home");
    for directory in [Path::new("/"), &home, home.parent().unwrap()] {
        machine.file_says(directory);
        machine
            .sccfg(&["clear", "--yes"])
            .status(1)
            .stderr_has("refusing to clear");
    }
    machine.sandbox.write(
        "home/.config/sccache/config",
        "[cache.redis]\nendpoint = 'redis://127.0.0.1:1'\n",
    );
    machine
        .sccfg(&["clear", "--yes"])
        .status(1)
        .stderr_has("the cache is not on disk");
}

#[requires(sccache)]
#[test]
fn a_running_build_is_waited_for() {
    let machine = Machine::new();
    machine.sccfg(&["server", "start"]).status(0);
    machine.compile("a.rs", "pub fn a() {}");
    let slow = indoc! {"
        #![allow(long_running_const_eval)]
        pub const S: u64 = slow();
        const fn slow() -> u64 { let mut i = 0; while i < 8_000_000 { i += 1 } i }
    "};
    thread::scope(|scope| {
        let build = scope.spawn(|| machine.compile("b.rs", slow));
        wait_until("the compile", || machine.compiles("b.rs"));
        assert!(
            !build.is_finished(),
            "the compile is too fast for this test"
        );
        machine
            .sccfg(&["clear", "--yes", "--wait", "0"])
            .status(1)
            .stderr_has("the sccache server is in use");
        let ran = machine.sccfg(&["clear", "--yes"]).status(0);
        ran.stdout_has("freed");
        assert!(build.is_finished());
    });
    machine.sccfg(&["stats"]).status(0).stdout_has("none yet");
}

/// It is used by a server that is started without sccfg.
#[requires(sccache)]
#[test]
fn without_a_server_the_variable_names_the_directory() {
    let machine = Machine::new();
    machine.sccfg(&["server", "start"]).status(0);
    machine.compile("a.rs", "pub fn a() {}");
    machine.sccfg(&["server", "stop"]).status(0);
    let cache = machine.sandbox.path("cache");
    let other = machine.sandbox.path("other");
    crate::wrapper::project::copy(&cache, &other);
    let before = names(&cache);
    let with = |variable: &str| {
        let mut sccfg = machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        sccfg.args(["clear", "--yes"]).env("SCCACHE_DIR", variable);
        let output = sccfg.output().unwrap();
        Ran::new(format!("SCCACHE_DIR={variable} sccfg clear"), &output).status(0)
    };
    with(other.to_str().unwrap()).stdout_has(other.to_str().unwrap());
    assert_eq!(names(&other), [""; 0]);
    assert_eq!(names(&cache), before);
    let mut sccfg = machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    sccfg
        .args(["clear", "--yes"])
        .env("SCCACHE_DIR", "relative");
    Ran::new("a relative path".to_owned(), &sccfg.output().unwrap())
        .status(1)
        .stderr_has("SCCACHE_DIR is a relative path");
    assert_eq!(names(&cache), before);
    let mut sccfg = machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    sccfg.args(["clear", "--yes"]).env("SCCACHE_DIR", &cache);
    sccfg.env("SCCACHE_REDIS_ENDPOINT", "redis://127.0.0.1:1");
    Ran::new(
        "with a remote back end".to_owned(),
        &sccfg.output().unwrap(),
    )
    .status(1)
    .stderr_has("the cache is not on disk");
    assert_eq!(names(&cache), before);
    with("").stdout_has(cache.to_str().unwrap());
    assert_eq!(names(&cache), [""; 0]);
}
