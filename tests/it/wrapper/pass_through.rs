//! Everything that is not rustc passes through: sccache's own commands, exit codes and what is piped
//! in.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use super::project::{Project, succeeds};
use crate::support::{version, wait_until};

/// The wrapper, called as cc-rs, cmake and others do.
fn wrapper(project: &Project, args: &[&str], input: &[u8]) -> Output {
    let mut command = project.command(project.wrapper());
    command
        .args(args)
        .env_remove("RUSTC_WRAPPER")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[requires(sccache)]
#[test]
fn exit_codes_signals_and_streams_are_those_of_the_program() {
    let project = Project::new();
    let failed = wrapper(&project, &["cc", "-c", "nowhere.c", "-o", "x.o"], b"");
    // The compiler's own status, which is not sccache's: that has 254 for this.
    let mut direct = project.command("cc");
    let direct = direct
        .args(["-c", "nowhere.c", "-o", "x.o"])
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), direct.status.code());
    assert!(
        String::from_utf8_lossy(&failed.stderr).contains("nowhere.c"),
        "{failed:?}"
    );
    // From standard input, to standard output.
    let piped = wrapper(
        &project,
        &["cc", "-E", "-x", "c", "-"],
        b"int made_of = __LINE__;\n",
    );
    assert!(piped.status.success(), "{piped:?}");
    assert!(
        String::from_utf8_lossy(&piped.stdout).contains("int made_of = 1;"),
        "{piped:?}"
    );
    let rustc = project.command("rustc").arg("-vV").output().unwrap();
    let through = || wrapper(&project, &["rustc", "-vV"], b"").stdout;
    assert_eq!(rustc.stdout, through());
    // After a compile, it is saved.
    let compile = [
        "rustc",
        "--crate-name=empty",
        "--crate-type=lib",
        "--emit=dep-info,metadata,link",
        "--out-dir=out",
        "-Cmetadata=1",
        "empty.rs",
    ];
    project.sandbox.write("empty.rs", "");
    let compiled = wrapper(&project, &compile, b"");
    assert!(compiled.status.success(), "{compiled:?}");
    assert_eq!(rustc.stdout, through());
    // A program on standard input, as cargo asks.
    let asked = wrapper(
        &project,
        &[
            "rustc",
            "-",
            "--crate-name",
            "___",
            "--print=file-names",
            "--crate-type",
            "bin",
        ],
        b"",
    );
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "___\n", "{asked:?}");
    let wrong = wrapper(
        &project,
        &[
            "rustc",
            "--crate-name",
            "x",
            "nowhere.rs",
            "--emit=link",
            "--out-dir",
            "/tmp",
            "--crate-type",
            "lib",
        ],
        b"",
    );
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let strange = wrapper(&project, &["rustc", "--no-such-flag"], b"");
    assert_eq!(strange.status.code(), Some(1), "{strange:?}");
    let nobody = wrapper(&project, &["no-such-compiler-at-all", "-c", "x.c"], b"");
    assert!(!nobody.status.success());
}

#[requires(sccache)]
#[test]
fn a_signal_ends_it_as_it_would_the_compiler() {
    let project = Project::new();
    let slow = "pub const S: u64 = { let mut i = 0; while i < u64::MAX { i += 1 } i };\n";
    project.sandbox.write(
        "slow.rs",
        &format!("#![allow(long_running_const_eval)]\n{slow}"),
    );
    let mut command = project.command(project.wrapper());
    command
        .args([
            "rustc",
            "--crate-name",
            "slow",
            "--crate-type",
            "lib",
            "--emit=link",
            "--out-dir",
        ])
        .arg(project.sandbox.path("tmp"))
        .arg(project.sandbox.path("slow.rs"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let slow = project.sandbox.path("slow.rs");
    let slow = slow.to_str().unwrap();
    // Its wrapper, and the compiler behind the server.
    wait_until("a compile", || running_with(slow).len() > 1);
    let pid = child.id().to_string();
    succeeds(crate::lab::kill().args(["-s", "TERM", &pid]));
    let status = child.wait().unwrap();
    assert_eq!(
        status.signal().or(status.code().map(|code| code - 128)),
        Some(15),
        "{status:?}"
    );
    // Nothing that it started goes on for ever; the server of an old sccache goes on compiling.
    if version(project.sccache()) < "0.17.0".parse().unwrap() {
        for pid in running_with(slow) {
            succeeds(crate::lab::kill().args(["-9", &pid.to_string()]));
        }
        return;
    }
    wait_until("the end of all that compiles", || {
        running_with(slow).is_empty()
    });
}

/// The processes that have this in their command line.
fn running_with(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(text)
        })
        .collect()
}

#[requires(sccache)]
#[test]
fn sccaches_own_commands_work_through_it() {
    let project = Project::new();
    if project.wrapper().ends_with("env") {
        return;
    }
    let version = wrapper(&project, &["--version"], b"");
    let direct = Command::new(project.sccache())
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(version.stdout, direct.stdout);
    let stats = wrapper(&project, &["--show-stats", "--stats-format=json"], b"");
    assert!(
        serde_json::from_slice::<serde_json::Value>(&stats.stdout).is_ok(),
        "{stats:?}"
    );
}

/// No sccache, no cache: but a build.
#[requires(sccache)]
#[test]
fn a_build_works_where_the_cache_does_not() {
    let project = Project::new();
    if project.wrapper().ends_with("env") {
        return;
    }
    let project = project
        .package(
            "app",
            "",
            &[("src/main.rs", "fn main() { println!(\"1\"); }\n")],
        )
        .committed();
    let main = project.main();
    let nowhere = project.sandbox.path("nowhere");
    for (name, value) in [
        ("SCCFG_SCCACHE", nowhere.join("sccache")),
        ("SCCACHE_SERVER_UDS", nowhere.join("s")),
        ("SCCACHE_CONF", project.sandbox.path("main/Cargo.toml")),
        ("XDG_CACHE_HOME", "/proc/nowhere".into()),
        ("XDG_DATA_HOME", "/proc/nowhere".into()),
        ("HOME", "/proc/nowhere".into()),
        ("XDG_RUNTIME_DIR", "/proc/nowhere".into()),
        ("TMPDIR", "/proc/nowhere".into()),
    ] {
        main.clean();
        let uncached = main
            .with(name, value.to_str().unwrap())
            .uncached(&["build"]);
        main.clean();
        let built = main.with(name, value.to_str().unwrap()).cargo(&["build"]);
        assert_eq!(built.ran.code, uncached.ran.code, "{name}: {:?}", built.ran);
        if built.ran.code == Some(0) {
            assert_eq!(main.says("app"), "1\n", "{name}");
        }
    }
}
