//! `sccfg verify`: real cargo, a real sccache, real worktrees.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use indoc::{formatdoc, indoc};
use rstest::rstest;
use serde_json::Value;

use crate::lab::Layout;
use crate::nix::nix;
use crate::support::{Ran, Sandbox, program, sccache, wait_until};

/// Why units that use `sys` are not shared if it contains the path of the checkout.
const ABOVE_SYS: &str =
    "not shared with other checkouts: it uses sys, which depends on the path of the checkout";

/// A project in a git repository, and an sccache on `PATH`.
struct Project {
    sandbox: Sandbox,
}

impl Project {
    /// A library with a dependency, a C file and a program; `None` where sccache is missing.
    fn new() -> Self {
        let sccache = sccache();
        let sandbox = Sandbox::new();
        let temporary = sandbox.path("tmp");
        fs::create_dir(&temporary).unwrap();
        let run = sandbox.path("run");
        fs::create_dir(&run).unwrap();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", sccache.parent().unwrap().display());
        let sandbox = sandbox
            .variable("PATH", &path)
            .variable("SCCACHE_SERVER_PORT", "1")
            .variable("TMPDIR", temporary.to_str().unwrap())
            .variable("XDG_RUNTIME_DIR", run.to_str().unwrap())
            .variable("CARGO_HOME", cargo_home().to_str().unwrap())
            .variable("RUSTUP_HOME", rustup_home().to_str().unwrap())
            .file("p/Cargo.toml", "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nitoa = \"1\"\nsys = { path = \"sys\" }\n[workspace]\n")
            .file("p/src/lib.rs", "pub fn f(x: u32) -> i32 { let _ = itoa::Buffer::new().format(x); sys::g() }\n")
            .file("p/src/main.rs", "fn main() {}\n")
            .file("p/sys/Cargo.toml", "[package]\nname = \"sys\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
            .file("p/sys/build.rs", BUILD_SCRIPT)
            .file("p/sys/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n")
            .file("p/sys/a.c", "int a(int x) { return x + 1; }\n");
        Self { sandbox }
    }

    /// With portable keys, sccache alone counts what is measured.
    fn without_store(mut self) -> Self {
        self.sandbox = self.sandbox.variable("SCCFG_STORE", "off");
        self
    }

    fn committed(self) -> Self {
        for args in [
            &["init", "-q"][..],
            &["add", "."],
            &[
                "-c",
                "user.name=n",
                "-c",
                "user.email=e@x",
                "commit",
                "-q",
                "-m",
                "m",
            ],
        ] {
            self.git(args);
        }
        self
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = self.sandbox.command("git");
        let output = git.arg("-C").arg("p").args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn verify(&self, args: &[&str]) -> Ran {
        let mut all = vec!["-C", "p", "verify"];
        all.extend(args);
        self.sandbox.sccfg(&all)
    }

    /// Starts `sccfg verify`.
    fn started(&self) -> Child {
        let mut command = self.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        command
            .args(["-C", "p", "verify"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until it has created `reached` in its directory.
    fn wait_for(&self, verify: &mut Child, reached: &str) {
        let started = Instant::now();
        let is_there = || {
            let mut directories = fs::read_dir(self.sandbox.path("tmp")).unwrap().flatten();
            directories.any(|directory| directory.path().join(reached).exists())
        };
        while !is_there() {
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(120), "{reached} never came");
            let ended = verify.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {reached}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asserts that nothing remains: no directory, no worktree, no server.
    #[track_caller]
    fn is_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.sandbox.path("tmp"))
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().starts_with("sccfg-"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        if self.sandbox.exists("p/.git") {
            assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1);
            assert!(!self.sandbox.exists("p/.git/worktrees"));
        }
        assert!(!self.sandbox.exists("p/target"));
        let ours = self.sandbox.path("tmp");
        assert_eq!(processes_with(&ours), [0_u32; 0]);
    }
}

const BUILD_SCRIPT: &str = r#"use std::{env, fs, process::Command};
fn main() {
    let out = env::var("OUT_DIR").unwrap();
    fs::write(format!("{out}/g.rs"), "pub fn g() -> i32 { 1 }").unwrap();
    let sccache = env::var("RUSTC_WRAPPER").unwrap_or_default();
    let mut command = match sccache.as_str() {
        "" => Command::new("cc"),
        sccache => { let mut it = Command::new(sccache); it.arg("cc"); it }
    };
    let object = format!("{out}/a.o");
    assert!(command.args(["-c", "a.c", "-o", &object]).status().unwrap().success());
}
"#;

fn cargo_home() -> std::path::PathBuf {
    home_of("CARGO_HOME", ".cargo")
}

fn rustup_home() -> std::path::PathBuf {
    home_of("RUSTUP_HOME", ".rustup")
}

fn home_of(variable: &str, directory: &str) -> std::path::PathBuf {
    std::env::var_os(variable).map_or_else(
        || Path::new(&std::env::var_os("HOME").unwrap()).join(directory),
        Into::into,
    )
}

/// The processes whose environment or command line contains `directory`.
fn processes_with(directory: &Path) -> Vec<u32> {
    let directory = directory.to_str().unwrap();
    let names = |pid: u32, file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(directory)
    };
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| names(*pid, "cmdline") || names(*pid, "environ"))
        .collect()
}

fn build<'a>(proof: &'a Value, name: &str) -> &'a Value {
    let builds = proof["builds"].as_array().unwrap();
    builds.iter().find(|build| build["build"] == name).unwrap()
}

fn why(build: &Value, name: &str) -> String {
    let missed = build["missed"].as_array().unwrap();
    let found = missed.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name} not in {missed:?}"))["why"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[requires(sccache)]
#[test]
fn every_build_is_measured_and_every_miss_is_named() {
    let project = Project::new().committed();
    let ran = project.verify(&["--json", "--baseline"]).status(0);
    let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(proof["passed"], true);
    assert_eq!(proof["rate"], 100.0);
    let cold = build(&proof, "first");
    assert_eq!(
        cold["sccache"]["misses"],
        serde_json::json!({"Rust": 3, "C/C++": 1})
    );
    // Three libraries, a program, a build script.
    assert_eq!(cold["units"], 5);
    let rebuild = build(&proof, "clean-rebuild");
    assert_eq!(
        rebuild["sccache"]["hits"],
        serde_json::json!({"Rust": 3, "C/C++": 1})
    );
    assert_eq!(rebuild["missed"], serde_json::json!([]));
    let worktree = build(&proof, "worktree");
    assert_eq!(worktree["sccache"]["hits"]["Rust"], 1, "itoa: {worktree}");
    assert!(why(worktree, "p").contains("in this checkout"));
    assert!(why(worktree, "sys").contains("in this checkout"));
    assert!(build(&proof, "baseline")["sccache"].is_null());
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn portable_keys_are_measured_where_the_policy_asks_for_them() {
    let project = Project::new().committed().without_store();
    let sandbox = &project.sandbox;
    sandbox.write("p/sccfg.toml", "[cargo]\nwrapper = \"portable\"\n");
    let verify = |json: &[&str]| -> Value {
        let ran = project.verify(json).status(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let proof = verify(&["--json", "--baseline"]);
    // Programs and build scripts as well: five units, and one C file.
    let all = serde_json::json!({"Rust": 5, "C/C++": 1});
    assert_eq!(build(&proof, "first")["sccache"]["misses"], all);
    assert_eq!(build(&proof, "clean-rebuild")["sccache"]["hits"], all);
    let worktree = build(&proof, "worktree");
    assert_eq!(worktree["sccache"]["hits"], all);
    assert_eq!(worktree["missed"], serde_json::json!([]));
    assert!(build(&proof, "baseline")["sccache"].is_null());
    // Units whose output contains the path are listed, and so are their dependents.
    sandbox.write(
        "p/sys/src/lib.rs",
        indoc! {r#"
            include!(concat!(env!("OUT_DIR"), "/g.rs"));
            pub fn place() -> &'static str { std::convert::identity(env!("CARGO_MANIFEST_DIR")) }
        "#},
    );
    let proof = verify(&["--json"]);
    assert_eq!(
        build(&proof, "clean-rebuild")["missed"],
        serde_json::json!([])
    );
    let worktree = build(&proof, "worktree");
    let missed = worktree["missed"].as_array().unwrap();
    assert_eq!(missed.len(), 2, "{missed:?}");
    let sys = why(worktree, "sys");
    assert!(sys.contains("not shared with other checkouts"), "{sys}");
    assert_eq!(why(worktree, "p (bin)"), ABOVE_SYS);
    // Without linked outputs, in a shell that has the wrapper already.
    sandbox.write(
        "p/sccfg.toml",
        "[cargo]\nwrapper = \"portable\"\n[portable]\nlinks = false\n",
    );
    let front = sandbox.path("home/.local/share/sccfg/wrapper/sccache");
    assert!(front.exists());
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    command
        .args(["-C", "p", "verify", "--json", "--no-worktree"])
        .env("RUSTC_WRAPPER", &front)
        .env("SCCFG_SCCACHE", sccache());
    let ran = Ran::new("verify".to_owned(), &command.output().unwrap()).status(0);
    let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
    let libraries = &build(&proof, "clean-rebuild")["sccache"]["hits"]["Rust"];
    assert!(libraries.as_u64().unwrap() < 5, "{libraries}");
    project.is_clean();
}

/// The builds use a temporary store if those of the user use one, and never that of the user.
#[rstest]
#[case("on", 5)]
// sccache also counts the lookup that finds that the unit is not shared.
#[case("off", 6)]
#[requires(sccache)]
fn the_local_store_is_measured_where_it_is_used(#[case] store: &str, #[case] hits: u64) {
    let mut project = Project::new().committed();
    project.sandbox = project.sandbox.variable("SCCFG_STORE", store);
    let sandbox = &project.sandbox;
    sandbox.write("p/sccfg.toml", "[cargo]\nwrapper = \"portable\"\n");
    let own = sandbox.path("own-store");
    let settings = format!("[store]\ndir = {:?}\n", own.to_str().unwrap());
    sandbox.write("home/.config/sccfg/config.toml", &settings);
    sandbox.write(
        "p/sys/src/lib.rs",
        indoc! {r#"
            include!(concat!(env!("OUT_DIR"), "/g.rs"));
            pub fn place() -> &'static str { std::convert::identity(env!("CARGO_MANIFEST_DIR")) }
        "#},
    );
    let ran = project.verify(&["--json"]).status(0);
    let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
    let (first, rebuild) = (build(&proof, "first"), build(&proof, "clean-rebuild"));
    let of = |build: &Value, cache: &str, what: &str| match cache {
        "store" => build["store"]["Rust"][what].as_u64().unwrap_or(0),
        _ => build["sccache"][what]["Rust"].as_u64().unwrap_or(0),
    };
    let (used, other) = match store {
        "on" => ("store", "sccache"),
        _ => ("sccache", "store"),
    };
    assert_eq!(of(rebuild, used, "hits"), hits, "{rebuild}");
    assert_eq!(of(rebuild, other, "hits"), 0, "{rebuild}");
    assert_eq!(of(first, other, "misses"), 0, "{first}");
    assert_eq!(proof["rate"], 100.0);
    assert_eq!(rebuild["missed"], serde_json::json!([]));
    // The run of the build script is in the store. Without one, sccache has the object that it compiles.
    let runs = &rebuild["store"]["build scripts"]["hits"];
    let objects = &rebuild["sccache"]["hits"]["C/C++"];
    let is_stored = store == "on";
    assert_eq!(
        runs.as_u64().unwrap_or(0),
        u64::from(is_stored),
        "{rebuild}"
    );
    assert_eq!(
        objects.as_u64().unwrap_or(0),
        u64::from(!is_stored),
        "{rebuild}"
    );
    let worktree = build(&proof, "worktree");
    let sys = why(worktree, "sys");
    assert!(sys.contains("not shared with other checkouts"), "{sys}");
    assert_eq!(why(worktree, "p (bin)"), ABOVE_SYS);
    assert_eq!(worktree["missed"].as_array().unwrap().len(), 2);
    let table = project.verify(&["--no-worktree"]).status(0).stdout;
    let mut rows = table.lines().map(str::trim);
    let row = rows.find(|line| line.starts_with("clean rebuild"));
    let words: Vec<&str> = row.unwrap().split_whitespace().rev().collect();
    let objects = if is_stored { "0" } else { "1" };
    assert_eq!(words[1..6], ["%", "100", "0", objects, "0"], "{table}");
    assert_eq!(words[6], hits.to_string(), "{table}");
    assert!(!own.exists());
    assert!(!sandbox.exists("home/.cache/sccfg/wrapper/store"));
    project.is_clean();
}

/// The user's build directory and its layout do not affect the measured builds.
#[rstest]
#[case(Layout::V1, Some("built"))]
#[case(Layout::V2, None)]
#[case(Layout::V2, Some("built/{workspace-path-hash}"))]
#[requires(sccache)]
fn any_build_directory_is_measured(#[case] layout: Layout, #[case] build_dir: Option<&str>) {
    let mut project = Project::new().committed().without_store();
    for (name, value) in layout.variables() {
        project.sandbox = project.sandbox.variable(name, value);
    }
    if let Some(build_dir) = build_dir {
        let value = project.sandbox.path(build_dir);
        let value = value.to_str().unwrap();
        project.sandbox = project.sandbox.variable("CARGO_BUILD_BUILD_DIR", value);
    }
    let sandbox = &project.sandbox;
    let verify = || -> Value {
        let ran = project.verify(&["--json"]).status(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let proof = verify();
    let hits = serde_json::json!({"Rust": 3, "C/C++": 1});
    assert_eq!(build(&proof, "clean-rebuild")["sccache"]["hits"], hits);
    let worktree = build(&proof, "worktree");
    assert!(why(worktree, "sys").contains("in this checkout"));

    sandbox.write("p/sccfg.toml", "[cargo]\nwrapper = \"portable\"\n");
    let proof = verify();
    let all = serde_json::json!({"Rust": 5, "C/C++": 1});
    assert_eq!(build(&proof, "first")["sccache"]["misses"], all);
    assert_eq!(build(&proof, "clean-rebuild")["sccache"]["hits"], all);
    assert_eq!(build(&proof, "worktree")["sccache"]["hits"], all);
    assert!(!sandbox.exists("built"));
    project.is_clean();
}

/// What `sccfg init` warns of for `auto`, and docs/portable-keys.md states.
#[requires(sccache)]
#[test]
fn auto_shares_the_dependencies_with_portable_keys_alone() {
    let project = Project::new().committed().without_store();
    for (wrapper, shared) in [("sccache", 0), ("portable", 1)] {
        let policy = format!("[cargo]\nincremental = \"auto\"\nwrapper = \"{wrapper}\"\n");
        project.sandbox.write("p/sccfg.toml", &policy);
        let ran = project.verify(&["--json"]).status(0);
        let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
        // itoa; workspace members are incremental in the primary checkout.
        let worktree = build(&proof, "worktree");
        let hits = worktree["sccache"]["hits"]["Rust"].as_u64();
        assert_eq!(hits.unwrap_or_default(), shared, "{wrapper}: {worktree}");
        assert!(why(worktree, "p").contains("the first build did not"));
    }
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn what_is_not_committed_is_built_in_the_worktree_as_well() {
    let project = Project::new().committed();
    let sandbox = &project.sandbox;
    let text = sandbox.read("p/src/lib.rs");
    sandbox.write(
        "p/src/lib.rs",
        &format!("mod new;\npub use new::n;\n{text}"),
    );
    sandbox.write("p/src/new.rs", "pub fn n() {}\n");
    sandbox.write("p/sys/b.c", "int b(int x) { return x + 2; }\n");
    let script = sandbox.read("p/sys/build.rs").replace("a.c", "b.c");
    sandbox.write("p/sys/build.rs", &script);
    fs::remove_file(sandbox.path("p/sys/a.c")).unwrap();
    fs::remove_file(sandbox.path("p/src/main.rs")).unwrap();
    let before = project.git(&["status", "--short"]);
    let ran = project.verify(&["--json"]).status(0);
    let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
    let units = |name| build(&proof, name)["units"].clone();
    assert_eq!(units("worktree"), units("first"));
    assert_eq!(units("first"), 4);
    let after = project.git(&["status", "--short"]);
    assert_eq!(before, after.replace("?? Cargo.lock\n", ""));
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn submodules_are_there_in_the_worktree() {
    let project = Project::new();
    let sandbox = &project.sandbox;
    let commit = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=e@x",
        "commit",
        "-q",
        "-m",
        "m",
    ];
    let git = |directory: &str, args: &[&str]| {
        let mut git = sandbox.command("git");
        let output = git.arg("-C").arg(directory).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    fs::rename(sandbox.path("p/sys"), sandbox.path("sys")).unwrap();
    for args in [&["init", "-q"][..], &["add", "."], &commit] {
        git("sys", args);
    }
    git("p", &["init", "-q"]);
    let url = sandbox.path("sys");
    let local = ["-c", "protocol.file.allow=always", "submodule", "add"];
    git(
        "p",
        &[&local[..], &["-q", url.to_str().unwrap(), "sys"]].concat(),
    );
    git("p", &["add", "."]);
    git("p", &commit);
    let ran = project.verify(&["--json"]).status(0);
    let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(build(&proof, "worktree")["units"], 5);
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn a_directory_without_git_is_verified_without_a_worktree() {
    let project = Project::new();
    project
        .verify(&["--", "check"])
        .status(0)
        .stdout_has("clean rebuild")
        .stderr_has("no build in a linked worktree: ");
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn below_the_wanted_rate_the_status_is_1() {
    let project = Project::new();
    let sandbox = &project.sandbox;
    // The output of the build script differs each time, and so does its dependent.
    let script = sandbox.read("p/sys/build.rs").replace(
        "\"pub fn g() -> i32 { 1 }\"",
        "format!(\"pub fn g() -> i32 {{ 1 }} /* {:?} */\", std::time::SystemTime::now())",
    );
    sandbox.write("p/sys/build.rs", &script);
    let ran = project
        .verify(&["--no-worktree", "--min-hit-rate", "50"])
        .status(1);
    let ran = ran
        .stdout_has("missed in the clean rebuild:")
        .stdout_has("its build script wrote or printed something else")
        .stdout_has("uses sys, which missed")
        .stderr_has("hit rate of Rust in the clean rebuild is 33.3 %, below 50 %");
    drop(ran);
    project
        .verify(&["--no-worktree", "--min-hit-rate", "30%"])
        .status(0);
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn incremental_compilation_is_named_if_it_prevents_caching() {
    let project = Project::new();
    project
        .sandbox
        .write("p/sccfg.toml", "[cargo]\nincremental = \"workspace\"\n");
    project
        .verify(&["--no-worktree"])
        .status(0)
        .stdout_has(" incremental\n       compiled incrementally");
}

#[requires(sccache)]
#[test]
fn the_shared_server_and_cache_are_not_used() {
    let project = Project::new();
    // With the config of the machine no server could start; it must not be used.
    let sandbox = project.sandbox.variable("SCCACHE_BUCKET", "nobody");
    let sandbox = sandbox.variable("SCCACHE_REDIS_ENDPOINT", "tcp://127.0.0.1:1");
    let project = Project { sandbox };
    project
        .sandbox
        .write("home/.config/sccache/config", "[cache.disk]\nsise = 1\n");
    project.verify(&["--no-worktree"]).status(0);
    assert!(!project.sandbox.exists("home/.cache/sccache"));
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn in_place_takes_the_real_server_and_keeps_what_it_compiled() {
    let project = Project::new();
    let socket = project.sandbox.path("s");
    let cache = project.sandbox.path("cache");
    let sandbox = project
        .sandbox
        .variable("SCCACHE_SERVER_UDS", socket.to_str().unwrap());
    let project = Project { sandbox };
    let conf = format!(
        "[cache.disk]\ndir = '{}'\nsize = 100000000\n",
        cache.display()
    );
    project.sandbox.write("home/.config/sccache/config", &conf);
    let ran = project.verify(&["--in-place", "--no-worktree"]).status(0);
    ran.stdout_has("first build")
        .stderr_has("the server is shared");
    project.verify(&["--in-place", "--no-worktree"]).status(0);
    assert!(cache.is_dir());
    project.sandbox.sccfg(&["server", "stop"]).status(0);
}

#[requires(sccache)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let project = Project::new().committed();
    let slow = formatdoc!(
        "
            #![allow(long_running_const_eval)]
            {}
            pub const S: u64 = slow();
            const fn slow() -> u64 {{ let mut i = 0; while i < 3_000_000 {{ i += 1 }} i }}
        ",
        project.sandbox.read("p/sys/src/lib.rs")
    );
    project.sandbox.write("p/sys/src/lib.rs", &slow);
    // In the first build, and in the worktree.
    for (signal, reached) in [("INT", "target"), ("TERM", "worktree/target"), ("HUP", "s")] {
        let mut verify = project.started();
        project.wait_for(&mut verify, reached);
        let scratch = project.sandbox.path("tmp");
        wait_until("a process of its", || !processes_with(&scratch).is_empty());
        let pid = verify.id().to_string();
        let kill = crate::lab::kill()
            .args(["-s", signal, &pid])
            .status()
            .unwrap();
        assert!(kill.success());
        let output = verify.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{signal}: {said}");
        assert!(said.contains("interrupted"), "{said}");
        project.is_clean();
    }
}

#[requires(sccache)]
#[test]
fn leftovers_of_a_killed_run_are_removed_by_the_next_one() {
    let project = Project::new().committed();
    let mut killed = project.started();
    project.wait_for(&mut killed, "worktree/target");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let scratch = project.sandbox.path("tmp");
    let is_cargo = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "cargo\n")
    };
    wait_until("the end of its build", || {
        !processes_with(&scratch).iter().any(is_cargo)
    });
    assert_eq!(project.git(&["worktree", "list"]).lines().count(), 2);
    project.verify(&["--no-worktree"]).status(0);
    project.is_clean();
}

#[requires(nix, sccache)]
#[test]
fn it_runs_in_a_dev_shell_with_the_programs_of_the_shell() {
    let (project, nix) = (Project::new(), nix());
    project.sandbox.sccfg(&["-C", "p", "init"]).status(0);
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    nix.develop(&project.sandbox, "p", None, &[sccfg, "verify"])
        .status(0)
        .stdout_has("clean rebuild")
        .stderr_has("no build in a linked worktree");
    project.is_clean();
}

#[requires(sccache)]
#[test]
fn a_package_that_is_not_in_the_worktree_is_explained() {
    let project = Project::new();
    let sandbox = &project.sandbox;
    sandbox.write(
        "outside/Cargo.toml",
        "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    sandbox.write("outside/src/lib.rs", "");
    let manifest = sandbox.read("p/Cargo.toml");
    let uses = "[dependencies]\noutside = { path = \"../outside\" }\n";
    sandbox.write("p/Cargo.toml", &manifest.replace("[dependencies]\n", uses));
    let project = project.committed();
    project
        .verify(&[])
        .status(1)
        .stderr_has("the build in the linked worktree failed")
        .stderr_has("hint: the worktree has only")
        .stderr_has("sccfg verify --no-worktree");
    project.verify(&["--no-worktree"]).status(0);
}

#[requires(sccache)]
#[test]
fn missing_programs_are_named() {
    let project = Project::new();
    let sandbox = &project.sandbox;
    sandbox
        .sccfg(&["-C", "home", "verify"])
        .status(1)
        .stderr_has("no Cargo.toml in ");
    sandbox
        .sccfg(&["verify", "nowhere"])
        .status(1)
        .stderr_has("directory not found: ")
        .stderr_has("hint: pass the directory of a cargo project");
    sandbox.write("p/src/lib.rs", "compile_error!(\"on purpose\");");
    project
        .verify(&[])
        .status(1)
        .stderr_has("the cold build failed")
        .stderr_has("on purpose")
        .stderr_has("hint: ");
    project.verify(&["--min-hit-rate", "101"]).status(2);
    project.is_clean();
    let without = |variable: &str| {
        let mut command = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        command.args(["-C", "p", "verify"]).env("PATH", variable);
        Ran::new(format!("PATH={variable}"), &command.output().unwrap())
    };
    without("/nowhere")
        .status(1)
        .stderr_has("could not find cargo on PATH");
    let cargo = program("cargo").unwrap();
    if program("sccache").is_none_or(|sccache| sccache.parent() != cargo.parent()) {
        let directory = cargo.parent().unwrap().to_str().unwrap();
        without(directory)
            .status(1)
            .stderr_has("could not run sccache");
    }
}
