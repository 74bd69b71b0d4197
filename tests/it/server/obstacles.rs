//! What can be in the way of a server: each with a message that says what to do.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{GIB, Machine, free_port, signal};
use crate::support::{Ran, sccache};
use indoc::indoc;

#[requires(sccache, proc)]
#[test]
fn a_port_of_another_program_is_not_used() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let listener = TcpListener::bind(("127.0.0.1", machine.port)).unwrap();
    let ensure = machine.sccfg(&["server", "ensure"]).status(1);
    let process = format!("process {}", std::process::id());
    ensure
        .stderr_has(&process)
        .stderr_has("hint:")
        .stderr_has("SCCACHE_SERVER_PORT");
    let shell = machine.shell("sccache --show-stats >/dev/null; echo $SCCACHE_SERVER_UDS");
    let shell = shell.status(0).says_once(&["is used by", "instead"]);
    assert!(shell.stdout.contains("/sccache-"), "{}", shell.stdout);
    // It might never answer, so nothing waits for it.
    listener.set_nonblocking(true).unwrap();
    let connection = listener.accept().map_err(|error| error.kind());
    assert_eq!(connection.unwrap_err(), ErrorKind::WouldBlock);
}

#[requires(sccache, proc)]
#[test]
fn a_server_that_hangs_is_distinguished_from_one_that_works() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let hung = machine.start("24G");
    signal("STOP", hung);
    let ran = machine.sccfg(&["server", "status"]).status(1);
    ran.stderr_has("does not respond")
        .stderr_has("restart --force");
    machine
        .shell("")
        .status(0)
        .says_once(&["does not respond", "restart --force"]);
    machine.sccfg(&["server", "stop", "--wait", "0"]).status(1);
    machine.sccfg(&["server", "restart", "--force"]).status(0);
    assert_ne!(machine.pid(), hung);
    machine.shell("").status(0).quiet();
}

/// A server that was probed before is not probed again by each shell.
#[requires(sccache, proc)]
#[test]
fn a_server_that_hangs_after_it_was_probed_is_reported() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let hung = machine.start("24G");
    let probe_and_stop = || {
        signal("CONT", hung);
        machine.shell("").status(0).quiet();
        signal("STOP", hung);
    };
    probe_and_stop();
    let words = ["does not respond", &format!("process {hung}")];
    machine.shell("").status(0).says_once(&words);
    for args in [
        &["ensure"][..],
        &["start"],
        &["stop", "--wait", "2"],
        &["restart", "--wait", "2"],
    ] {
        probe_and_stop();
        let ran = machine.sccfg(&[&["server"], args].concat()).status(1);
        ran.stderr_has(words[0]).stderr_has(words[1]);
    }
    probe_and_stop();
    let status = machine.sccfg(&["server", "status"]).status(1);
    status.stdout_has(&format!("does not respond, process {hung}\n"));
    let status = machine.status();
    assert_eq!(status["running"], true);
    assert_eq!(status["responds"], false);
    assert_eq!(status["pid"], hung);
    probe_and_stop();
    machine
        .sccfg(&["server", "ensure", "--force"])
        .status(0)
        .stdout_has("started");
    assert_ne!(machine.pid(), hung);
    assert_eq!(machine.status()["responds"], true);
}

#[requires(sccache, proc)]
#[test]
fn a_shell_uses_another_address_if_no_socket_can_be_created() {
    let long = format!("/tmp/{}", "x".repeat(110));
    for (path, reason) in [
        ("", "SCCACHE_SERVER_UDS is empty"),
        ("/nowhere/below/socket", "/nowhere/below is not a directory"),
        (&long, "its path has 115 bytes"),
    ] {
        let machine = Machine::new().variable("SCCACHE_SERVER_UDS", path);
        machine.file_says(24 * GIB);
        let shell = machine.shell("echo $SCCACHE_SERVER_UDS").status(0);
        shell
            .says_once(&["no server can start", reason, "instead"])
            .stdout_has("/sccfg/sccache-");
        assert_eq!(machine.pids().len(), 1);
        machine
            .sccfg(&["server", "ensure"])
            .status(1)
            .stderr_has(reason)
            .stderr_has("hint: set SCCACHE_SERVER_UDS");
        let doctor = machine.sccfg(&["doctor"]).status(1);
        doctor.stdout_has("S022").stdout_has(reason);
    }
}

/// sccache would wait for what is written into it, and so would this test.
#[requires(sccache, proc)]
#[test]
fn a_fifo_as_config_file_is_named() {
    let machine = Machine::new();
    let fifo = machine.sandbox.path("conf");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    machine
        .shell("")
        .status(0)
        .says_once(&["/conf", "not a regular file"]);
    machine
        .sccfg(&["server", "ensure"])
        .status(1)
        .stderr_has("/conf");
}

#[requires(sccache, proc, python3)]
#[test]
fn another_program_that_replies_is_reported() {
    let machine = Machine::new();
    // Itself, not a stand-in that looks at its name.
    let mut python = Command::new("python3");
    let python = python.args(["-c", "import sys; print(sys.executable, end='')"]);
    let python = String::from_utf8(python.output().unwrap().stdout).unwrap();
    machine.file_says(24 * GIB);
    // By its name it might be one.
    let named = machine.sandbox.path("sccache");
    std::os::unix::fs::symlink(python, &named).unwrap();
    let script = indoc! {"
        import socket, sys
        s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
        print(flush=True)
        while True: s.accept()[0].close()
    "};
    let mut imposter = Command::new(named)
        .args(["-c", script, &machine.port.to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let _ = imposter.stdout.as_mut().unwrap().read(&mut [0; 1]);
    let ran = machine.sccfg(&["server", "ensure"]);
    let shell = machine.shell("echo $SCCACHE_SERVER_UDS");
    imposter.kill().unwrap();
    imposter.wait().unwrap();
    ran.status(1)
        .stderr_has("does not reply like an sccache server")
        .stderr_has("hint:");
    shell.status(0).stdout_has("/sccache-");
}

#[requires(sccache, proc)]
#[test]
fn a_socket_left_behind_is_replaced() {
    let machine = Machine::new();
    let socket = machine.sandbox.path("left behind.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let machine = machine.variable("SCCACHE_SERVER_UDS", socket.to_str().unwrap());
    machine.file_says(24 * GIB);
    // Clients that start a server by themselves would orphan one another's, so a shell does.
    machine.shell("").status(0).quiet();
    let first = machine.pid();
    let ensure = || machine.sccfg(&["server", "ensure"]).status(0).quiet();
    ensure().stdout_has("up to date");
    assert_eq!(machine.pid(), first);
    machine.file_says(30 * GIB);
    ensure().stdout_has("restarted");
    assert_ne!(machine.pid(), first);
    // Many at once do not orphan one another's servers.
    machine.sccfg(&["server", "stop"]).status(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| machine.sccfg(&["server", "ensure"]).status(0));
        }
    });
    assert_eq!(machine.pids().len(), 1);
}

#[requires(sccache, proc)]
#[test]
fn a_broken_config_file_is_named_and_neither_variable_is_set() {
    let machine = Machine::new();
    machine.sandbox.write("conf", "[cache.disk]\nsise = 5\n");
    let shell = machine.shell("echo ${SCCACHE_DIR-unset} ${SCCACHE_CACHE_SIZE-unset}");
    let shell = shell
        .status(0)
        .says_once(&["sccfg: ", "/conf:2:1", "did you mean"]);
    assert_eq!(shell.stdout, "unset unset\n");
    machine
        .sccfg(&["server", "status"])
        .status(1)
        .stderr_has("/conf:2:1");
}

#[requires(sccache, proc)]
#[test]
fn an_unusable_cache_directory_is_reported() {
    let machine = Machine::new();
    machine.sandbox.write("file", "");
    let dir = machine.sandbox.path("file/cache");
    let text = format!("[cache.disk]\ndir = '{}'\nsize = 5\n", dir.display());
    machine.sandbox.write("conf", &text);
    machine
        .shell("")
        .status(0)
        .says_once(&["file/cache", "/conf:2", "nothing will be cached"]);
    machine
        .sccfg(&["server", "status"])
        .stderr_has("cache.disk.dir");
}

#[requires(sccache, proc)]
#[test]
fn sccache_missing_costs_the_cache_and_not_the_build() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    for wrapper in ["/nowhere/sccache", "no-such-wrapper"] {
        let mut shell = machine.shell_command("echo ${RUSTC_WRAPPER-unset} ${SCCACHE_DIR-unset}");
        let output = shell
            .env("RUSTC_WRAPPER", wrapper)
            .env("SCCACHE_DIR", "/stale")
            .output()
            .unwrap();
        let ran = Ran::new("hook".into(), &output).status(0);
        assert_eq!(ran.stdout, "unset unset\n");
        ran.says_once(&["sccfg: cannot run ", wrapper, "nothing will be cached"]);
    }
    let output = machine
        .sandbox
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["server", "ensure"])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    Ran::new("ensure".into(), &output)
        .status(1)
        .stderr_has("hint: add sccache to PATH");
    let output = machine
        .sandbox
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["server", "status"])
        .env("RUSTC_WRAPPER", "/nowhere/sccache")
        .output()
        .unwrap();
    Ran::new("status".into(), &output)
        .status(1)
        .stderr_has("cannot run /nowhere/sccache")
        .stderr_has("hint: correct RUSTC_WRAPPER, or unset it");
}

#[requires(sccache, proc)]
#[test]
fn a_remote_that_is_down_is_named_by_what_set_it_up() {
    let machine = Machine::new();
    let closed = free_port();
    let text = format!("[cache.redis]\nendpoint = 'redis://127.0.0.1:{closed}'\n");
    machine.sandbox.write("conf", &text);
    let ran = machine.sccfg(&["server", "ensure"]).status(1);
    ran.stderr_has("`redis`")
        .stderr_has("/conf:1")
        .stderr_has("hint: builds fail while");
    // A shell is not kept waiting for it: it starts no server.
    machine.shell("").status(0).quiet();
    for (command, starts) in [(&["env"][..], false), (&["server", "ensure"], true)] {
        let ran = machine.sccfg(&[&["--verbose"], command].concat());
        assert_eq!(ran.stderr.contains("--start-server"), starts, "{ran:?}");
    }
    fs::remove_file(machine.sandbox.path("conf")).unwrap();
    let machine = machine
        .variable("SCCACHE_BUCKET", "b")
        .variable("SCCACHE_REGION", "auto")
        .variable("SCCACHE_ENDPOINT", &format!("http://127.0.0.1:{closed}"))
        .variable("AWS_ACCESS_KEY_ID", "x")
        .variable("AWS_SECRET_ACCESS_KEY", "hunter2");
    let ran = machine.sccfg(&["server", "start"]).status(1);
    let ran = ran.stderr_has("configured by SCCACHE_BUCKET");
    assert!(!ran.stderr.contains("hunter2"));
    let ran = machine.sccfg(&["env", "--shell", "json"]).status(0);
    assert!(!ran.stdout.contains("hunter2") && ran.stdout.contains("SCCACHE_BUCKET"));
    let ran = machine
        .sccfg(&["env", "--shell", "json", "--show-secrets"])
        .status(0);
    ran.stdout_has("hunter2");
}

#[requires(sccache, proc)]
#[test]
fn without_a_runtime_directory_there_is_one_in_tmp() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    machine.start("10G");
    machine.sandbox.write("run/sccfg", "in the way");
    machine
        .sccfg(&["server", "ensure"])
        .status(0)
        .stdout_has("restarted");
    assert_eq!(machine.largest(), 24 * GIB);
}

/// A machine that other users can reach, wherever this checkout and `TMPDIR` are, with copies of the
/// two programs.
struct Shared {
    machine: Machine,
    sccache: String,
    sccfg: String,
}

impl Shared {
    fn new() -> Self {
        let machine = Machine::below(Path::new("/tmp"), sccache());
        let copy = |program: &Path| {
            let copy = machine
                .sandbox
                .path("bin")
                .join(program.file_name().unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(program, &copy).unwrap();
            copy.to_str().unwrap().to_owned()
        };
        let (sccache, sccfg) = (
            copy(&machine.sccache),
            copy(Path::new(env!("CARGO_BIN_EXE_sccfg"))),
        );
        let path = format!("{}:/usr/bin:/bin", machine.sandbox.path("bin").display());
        let machine = machine.variable("PATH", &path);
        Self {
            machine,
            sccache,
            sccfg,
        }
    }

    /// Runs `args` as the user with this number.
    fn as_user(&self, user: u32, args: &[&str]) -> Command {
        let mut command = self.machine.sandbox.command("setpriv");
        command
            .args([&format!("--reuid={user}"), "--clear-groups", "--"])
            .args(args);
        command
    }

    /// A directory that every user may write to.
    fn open(&self, name: &str) -> PathBuf {
        let directory = self.machine.sandbox.path(name);
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        directory
    }
}

#[requires(sccache, proc, setpriv, root, other_users)]
#[test]
fn a_server_of_another_user_is_not_used() {
    let shared = Shared::new();
    let machine = &shared.machine;
    machine.file_says(24 * GIB);
    let mut start = shared.as_user(65534, &[&shared.sccache, "--start-server"]);
    let output = start.env("SCCACHE_DIR", shared.open("theirs")).output();
    Ran::new("sccache as another user".into(), &output.unwrap()).status(0);
    let ran = machine.sccfg(&["server", "ensure"]).status(1);
    ran.stderr_has("belongs to another user (uid 65534)")
        .stderr_has("hint:");
    machine
        .sccfg(&["doctor"])
        .status(1)
        .stdout_has("error[S022]: the server at port")
        .stdout_has("belongs to another user (uid 65534)");
    let shell = machine.shell("echo $SCCACHE_SERVER_UDS").status(0);
    shell
        .says_once(&["another user", "instead"])
        .stdout_has("/sccache-");
    // And the other way round, where this user may not even look into the process.
    let shared = Shared::new();
    shared.machine.file_says(24 * GIB);
    shared.machine.start("10G");
    let output = shared
        .as_user(65534, &[&shared.sccfg, "server", "ensure"])
        .output();
    Ran::new("as another user".into(), &output.unwrap())
        .status(1)
        .stderr_has("belongs to another user (uid 0)");
}

#[requires(sccache, proc, setpriv, root, other_users)]
#[test]
fn without_any_runtime_directory_no_server_is_started_and_the_shell_opens() {
    let shared = Shared::new();
    // A user of whose directory somebody else was the first.
    let user = 50_000 + std::process::id() % 10_000;
    let directory = format!("/tmp/sccfg-{user}");
    shared.machine.file_says(24 * GIB);
    shared.open("cache");
    fs::create_dir(&directory).unwrap();
    let output = shared
        .as_user(user, &[&shared.sccfg, "server", "ensure"])
        .output();
    let hook = shared
        .as_user(user, &[&shared.sccfg, "hook", "bash"])
        .output();
    fs::remove_dir(&directory).unwrap();
    Ran::new("ensure".into(), &output.unwrap())
        .status(1)
        .stderr_has("belongs to another user")
        .stderr_has("hint: set XDG_RUNTIME_DIR to a writable directory");
    Ran::new("hook".into(), &hook.unwrap())
        .status(0)
        .quiet()
        .stdout_has("export SCCACHE_CACHE_SIZE=25769803776");
}
