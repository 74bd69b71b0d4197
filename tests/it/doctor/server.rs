//! S020 to S023: the running server.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::DevShell;
use crate::server::{GIB, free_port, real_rustc, signal};
use crate::support::{Ran, other_sccache, sccache, wait_until};

/// A shell in which the hook did not reconcile the server: the file was changed since.
fn with_other_settings() -> DevShell {
    let shell = DevShell::new();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    shell
}

#[requires(sccache, proc)]
#[test]
fn a_server_with_another_size_is_restarted_by_fix() {
    let shell = with_other_settings();
    // The hook would restart an idle server, and leaves this shell's alone.
    let shell = shell.with("SCCACHE_SERVER_PORT", &free_port().to_string());
    let before = start_at_the_shells_port(&shell, "10G");
    let finding = shell.finding();
    assert_eq!(finding["code"], "S020", "{finding:#}");
    assert_eq!(finding["where"]["pid"], before);
    assert_eq!(finding["command"], "sccfg server ensure --wait 600");
    shell.finds("S020", &["the server has size 10GiB, not 3GiB", "/conf:3"]);
    shell.is_cured_by_changing(&[]);
    assert_ne!(shell.machine.pid(), before);
}

fn start_at_the_shells_port(shell: &DevShell, size: &str) -> u32 {
    let port = shell.variable("SCCACHE_SERVER_PORT");
    let sccache = &shell.machine.sccache;
    let mut command = shell.machine.sandbox.command(sccache);
    let output = command
        .arg("--start-server")
        .env("SCCACHE_SERVER_PORT", port)
        .env("SCCACHE_DIR", shell.path("cache"))
        .env("SCCACHE_CACHE_SIZE", size)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    shell.machine.pid()
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn a_server_of_another_version_is_reported_with_its_danger() {
    for (client, server) in [(sccache(), other_sccache()), (other_sccache(), sccache())] {
        let shell = DevShell::of(client.clone());
        shell.machine.sccfg(&["server", "stop"]).status(0);
        let shell = shell.with("SCCACHE_SERVER_PORT", &free_port().to_string());
        let port = shell.variable("SCCACHE_SERVER_PORT");
        let mut command = shell.machine.sandbox.command(&server);
        let output = command
            .arg("--start-server")
            .env("SCCACHE_SERVER_PORT", port)
            .env("SCCACHE_DIR", shell.path("cache"))
            .env("SCCACHE_CACHE_SIZE", (3 * GIB).to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let finding = shell.finding();
        assert_eq!(finding["code"], "S021", "{finding:#}");
        let is_older = crate::support::version(&client) < crate::support::version(&server);
        let severity = if is_older { "error" } else { "warning" };
        assert_eq!(finding["severity"], severity);
        // What it says is the remedy.
        shell.evaluating("env").is_healthy();
    }
}

#[requires(sccache, proc)]
#[test]
fn another_program_at_the_address_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shell = DevShell::new().with("SCCACHE_SERVER_PORT", &port.to_string());
    let finding = shell.finding();
    assert_eq!(finding["code"], "S022", "{finding:#}");
    assert_eq!(finding["where"]["pid"], std::process::id());
    assert_eq!(finding["severity"], "error");
}

#[requires(sccache, proc)]
#[test]
fn a_directory_in_the_place_of_a_socket_is_reported() {
    let shell = DevShell::new();
    let directory = shell.path("run").display().to_string();
    let shell = shell.with("SCCACHE_SERVER_UDS", &directory);
    let what = format!("no server can start at socket {directory}, which is a directory");
    shell.finds("S022", &[&what, "error[S022]", "set SCCACHE_SERVER_UDS"]);
    let sandbox = &shell.machine.sandbox;
    let mut ensure = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    ensure.env("SCCACHE_SERVER_UDS", &directory);
    let output = ensure.args(["server", "ensure"]).output().unwrap();
    Ran::new("sccfg server ensure".into(), &output)
        .status(1)
        .stderr_has(&what)
        .stderr_has("hint: set SCCACHE_SERVER_UDS");
    // What it says is the remedy.
    shell.evaluating("env").is_healthy();
    // sccache replaces a file.
    let shell = DevShell::new();
    shell.write("run/file", "");
    let file = shell.path("run/file").display().to_string();
    shell.with("SCCACHE_SERVER_UDS", &file).is_healthy();
}

#[requires(sccache, proc)]
#[test]
fn a_server_that_does_not_reply_is_replaced_by_fix() {
    let shell = with_other_settings();
    let shell = shell.with("SCCACHE_SERVER_PORT", &free_port().to_string());
    let hung = start_at_the_shells_port(&shell, "3G");
    signal("STOP", hung);
    let finding = shell.finding();
    assert_eq!(finding["code"], "S023", "{finding:#}");
    assert_eq!(finding["where"]["pid"], hung);
    shell.is_cured_by_changing(&[]);
    assert_ne!(shell.machine.pid(), hung);
}

/// Clients of 0.16 and 0.19 that start together do this.
#[requires(sccache, proc)]
#[test]
fn a_server_that_lost_its_socket_is_stopped_by_fix() {
    let shell = DevShell::new().without_hook();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    let socket = shell.path("run/s").display().to_string();
    let start = || {
        let mut command = shell.machine.sandbox.command(&shell.machine.sccache);
        let output = command
            .arg("--start-server")
            .env("SCCACHE_SERVER_UDS", &socket)
            .env("SCCACHE_DIR", shell.path("cache"))
            .env("SCCACHE_CACHE_SIZE", (3 * GIB).to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    start();
    let first = shell.machine.pid();
    start();
    let pids = shell.machine.pids();
    let second = pids.into_iter().find(|pid| *pid != first).unwrap();
    let shell = shell.with("SCCACHE_SERVER_UDS", &socket);
    let finding = shell.finding();
    assert_eq!(finding["code"], "S024", "{finding:#}");
    assert_eq!(finding["where"]["pid"], first);
    assert_eq!(finding["command"], format!("kill {first}"));
    let before = shell.files();
    shell.doctor(&["--fix", "--yes"]).stdout_has("fixed S024");
    assert_eq!(shell.machine.pid(), second);
    assert!(shell.changed_since(&before).is_empty());
    shell.is_healthy();
}

#[requires(sccache, redis_server, proc)]
#[test]
fn a_server_with_back_ends_of_another_shell_is_restarted_by_fix() {
    let port = free_port().to_string();
    let shell = DevShell::new().without_hook();
    let mut redis = shell.machine.sandbox.command("redis-server");
    let redis = redis
        .args(["--port", &port, "--save", ""])
        .stdout(Stdio::null());
    let mut redis = redis.spawn().unwrap();
    wait_until("redis listens", || {
        TcpStream::connect(format!("127.0.0.1:{port}")).is_ok()
    });
    shell.machine.sccfg(&["server", "stop"]).status(0);
    let mut command = shell.machine.sandbox.command(&shell.machine.sccache);
    let endpoint = format!("redis://127.0.0.1:{port}");
    let command = command
        .arg("--start-server")
        .env("SCCACHE_REDIS", &endpoint);
    let output = command.output().unwrap();
    let before = shell.machine.pid();
    let finding = shell.finding();
    let files = shell.files();
    let ran = shell.doctor(&["--fix", "--yes"]);
    let after = shell.machine.pid();
    let changed = shell.changed_since(&files);
    redis.kill().unwrap();
    redis.wait().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(finding["code"], "S025", "{finding:#}");
    assert_eq!(finding["where"]["pid"], before);
    let what = finding["what"].as_str().unwrap();
    assert!(
        what.contains("SCCACHE_REDIS,") && !what.contains(&port),
        "{what}"
    );
    ran.status(0).stdout_has("fixed S025");
    assert_ne!(after, before);
    assert!(changed.is_empty(), "{changed:?}");
}

#[requires(sccache, proc)]
#[test]
fn a_cache_that_evicts_what_was_used_today_is_reported() {
    let shell = DevShell::new();
    let policy = shell.machine.sandbox.read("repo/sccfg.toml");
    shell.write("repo/sccfg.toml", &policy.replace("3GiB", "1MiB"));
    shell.machine.sccfg(&["-C", "repo", "apply"]).status(0);
    shell.machine.file_says(1 << 20);
    shell.machine.sccfg(&["server", "ensure"]).status(0);
    shell.is_healthy();
    fs::create_dir_all(shell.path("units/out")).unwrap();
    for number in 0..50 {
        let name = format!("c{number}");
        let text = format!("pub static F: &[u8] = include_bytes!(\"{name}.txt\");\n");
        shell.write(&format!("units/{name}.rs"), &text);
        shell.write(&format!("units/{name}.txt"), &noise(number, 40_000));
        let mut rustc = shell.machine.sandbox.command(&shell.machine.sccache);
        let source = format!("{name}.rs");
        let rustc = rustc
            .arg(real_rustc())
            .args([
                "--crate-type=lib",
                "--emit=link,dep-info,metadata",
                "--out-dir=out",
            ])
            .args(["--crate-name", &name, &source])
            .current_dir(shell.path("units"));
        let output = rustc.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    shell.finds(
        "S040",
        &[
            "the cache is full",
            "less than an hour ago",
            "set cache.disk.size",
        ],
    );
    // Entries that nobody used for a day may go.
    for entry in walk(&shell.path("cache")) {
        let mut touch = std::process::Command::new("touch");
        let touched = touch.args(["-d", "2 days ago"]).arg(entry).status();
        assert!(touched.unwrap().success());
    }
    shell.is_healthy();
}

/// A text that hardly gets smaller when it is compressed.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + u8::try_from(state >> 32 & 63).unwrap())
    };
    (0..length).map(|_| next()).collect()
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
