//! The shell hook against a real sccache server.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sccfg::policy::Incremental;

use super::{GIB, enter_command, executable, hook, prepare, run, shells};
use crate::server::real_rustc;
use crate::support::{Ran, Sandbox, left_out, sccache};

/// A real server on an address of its own, stopped by its process number in the end.
struct Server {
    sandbox: Sandbox,
    program: PathBuf,
    port: u16,
}

impl Server {
    fn start(program: PathBuf, size: &str) -> Self {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let sandbox = Sandbox::new();
        let (cache, conf) = (sandbox.path("cache"), sandbox.path("conf"));
        let sandbox = sandbox
            .variable("SCCACHE_SERVER_PORT", &port.to_string())
            .variable("SCCACHE_CONF", conf.to_str().unwrap())
            .variable("RUSTC_WRAPPER", program.to_str().unwrap());
        let server = Self {
            sandbox,
            program,
            port,
        };
        let mut start = server.sandbox.command(&server.program);
        let output = start
            .arg("--start-server")
            .env("SCCACHE_DIR", cache)
            .env("SCCACHE_CACHE_SIZE", size)
            .output()
            .unwrap();
        Ran::new("sccache --start-server".into(), &output).status(0);
        server
    }

    fn config(&self, size: u64) {
        let dir = self.sandbox.path("cache");
        let text = format!("[cache.disk]\ndir = '{}'\nsize = {size}\n", dir.display());
        self.sandbox.write("conf", &text);
    }

    fn hook(&self, shell: &str, size: Option<u64>) -> Ran {
        let folder = self.program.parent().unwrap();
        run(
            &self.sandbox,
            shell,
            &hook(size, Incremental::Off),
            &[folder],
        )
    }

    /// The processes of the servers at this address.
    fn pids(&self) -> Vec<u32> {
        let variable = format!("SCCACHE_SERVER_PORT={}", self.port);
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let read = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
                let environ = read("environ");
                let mut variables = environ.split(|byte| *byte == 0);
                read("comm") == b"sccache\n"
                    && variables.clone().any(|it| it == b"SCCACHE_START_SERVER=1")
                    && variables.any(|it| it == variable.as_bytes())
            })
            .collect()
    }

    /// The one process, once those that were told to stop have gone.
    fn pid(&self) -> u32 {
        let started = Instant::now();
        loop {
            let pids = self.pids();
            if pids.len() == 1 {
                return pids[0];
            }
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "servers: {pids:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn largest_size(&self) -> u64 {
        let mut stats = self.sandbox.command(&self.program);
        let output = stats
            .args(["--show-stats", "--stats-format=json"])
            .output()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["max_cache_size"].as_u64().unwrap()
    }

    /// A compile through the server that takes some seconds; returns once it is under way.
    fn slow_compile(&self) -> Child {
        let mark = self.sandbox.path("compiling");
        executable(
            &self.sandbox,
            "bin/rustc",
            &format!(
                "#!/bin/sh\ncase $* in *link*) : >'{}'; sleep 3 ;; esac\nexec '{}' \"$@\"\n",
                mark.display(),
                real_rustc().display()
            ),
        );
        self.sandbox.write("slow.rs", "pub fn slow() {}\n");
        fs::create_dir_all(self.sandbox.path("out")).unwrap();
        let child = self
            .sandbox
            .command(&self.program)
            .arg(self.sandbox.path("bin/rustc"))
            .args([
                "--crate-name",
                "slow",
                "--crate-type",
                "lib",
                "--emit=dep-info,link",
            ])
            .args(["--out-dir", "out", "slow.rs"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while !mark.exists() {
            assert!(started.elapsed() < Duration::from_secs(20), "no compile");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for pid in self.pids() {
            let _ = Command::new("kill").arg(pid.to_string()).status();
        }
    }
}

/// sccache, where the processes of its servers can be seen.
fn watched_sccache() -> Option<PathBuf> {
    if !Path::new("/proc/net/tcp").exists() {
        left_out("no /proc");
        return None;
    }
    sccache()
}

#[test]
fn an_idle_server_with_other_settings_is_restarted_once() {
    let Some(program) = watched_sccache() else {
        return;
    };
    for shell in shells() {
        let server = Server::start(program.clone(), "10G");
        server.config(24 * GIB);
        let before = server.pid();
        let ran = server.hook(shell, None);
        assert_eq!(ran.stderr, "", "{shell}");
        let after = server.pid();
        assert_ne!(after, before, "{shell}");
        assert_eq!(server.largest_size(), 24 * GIB);
        server.hook(shell, None);
        assert_eq!(server.pid(), after, "what agrees is left alone");
        assert!(
            !server.sandbox.exists("home/.sccfg-restart"),
            "the lock is gone"
        );
    }
}

#[test]
fn no_folder_of_the_shell_sticks_to_a_server_that_was_restarted() {
    let Some(program) = watched_sccache() else {
        return;
    };
    let mut server = Server::start(program, "10G");
    server.config(24 * GIB);
    let temporary = server.sandbox.path("going away");
    fs::create_dir(&temporary).unwrap();
    server.sandbox = std::mem::replace(&mut server.sandbox, Sandbox::new())
        .variable("TMPDIR", temporary.to_str().unwrap())
        .variable("AWS_REGION", "somewhere");
    server.hook("bash", None);
    assert_eq!(server.largest_size(), 24 * GIB);
    let environ = fs::read(format!("/proc/{}/environ", server.pid())).unwrap();
    let environ = String::from_utf8_lossy(&environ);
    assert!(environ.contains("AWS_REGION=somewhere") && environ.contains("HOME="));
    assert!(!environ.contains("TMPDIR="), "{environ}");
    let folder = fs::read_link(format!("/proc/{}/cwd", server.pid())).unwrap();
    assert_eq!(folder, Path::new("/"));
}

#[test]
fn many_shells_that_open_at_once_restart_it_once() {
    let Some(program) = watched_sccache() else {
        return;
    };
    let server = Server::start(program, "10G");
    server.config(24 * GIB);
    let calls = server.sandbox.path("calls");
    executable(
        &server.sandbox,
        "logged/sccache",
        &format!(
            "#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n",
            calls.display(),
            server.program.display()
        ),
    );
    let logged = server.sandbox.path("logged");
    prepare(&server.sandbox, &hook(None, Incremental::Off));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut shell = enter_command(&server.sandbox, "bash", &[&logged]);
                let output = shell.env_remove("RUSTC_WRAPPER").output().unwrap();
                assert_eq!(Ran::new("bash".into(), &output).status(0).stderr, "");
            });
        }
    });
    assert_eq!(server.largest_size(), 24 * GIB);
    let calls = server.sandbox.read("calls");
    let count = |verb| calls.lines().filter(|call| *call == verb).count();
    assert_eq!((count("--stop-server"), count("--start-server")), (1, 1));
}

#[test]
fn a_server_that_compiles_is_left_alone_until_it_is_idle() {
    let Some(program) = watched_sccache() else {
        return;
    };
    let server = Server::start(program, "10G");
    server.config(24 * GIB);
    let before = server.pid();
    let mut compile = server.slow_compile();
    let ran = server.hook("bash", None);
    assert_eq!(server.pid(), before);
    assert!(ran.stderr.starts_with("sccfg: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(compile.wait().unwrap().success());
    assert!(server.sandbox.exists("out/libslow.rlib"));
    assert_eq!(server.hook("bash", None).stderr, "");
    assert_ne!(server.pid(), before, "idle now");
}

#[test]
fn a_connection_alone_keeps_a_server() {
    let Some(program) = watched_sccache() else {
        return;
    };
    let server = Server::start(program, "10G");
    server.config(24 * GIB);
    let before = server.pid();
    let connection = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    assert!(server.hook("bash", None).stderr.starts_with("sccfg: "));
    assert_eq!(server.pid(), before);
    drop(connection);
}

#[test]
fn without_a_file_a_server_only_grows() {
    let Some(program) = watched_sccache() else {
        return;
    };
    let server = Server::start(program, "20G");
    let before = server.pid();
    assert_eq!(server.hook("bash", Some(15 * GIB)).stderr, "");
    server.hook("bash", None);
    assert_eq!(server.pid(), before, "a smaller request, and none");
    server.hook("bash", Some(30 * GIB));
    assert_ne!(server.pid(), before);
    assert_eq!(server.largest_size(), 30 * GIB);
}

#[test]
fn a_lock_left_by_a_dead_shell_stops_one_shell_only() {
    let Some(program) = watched_sccache() else {
        return;
    };
    let server = Server::start(program, "10G");
    server.config(24 * GIB);
    let before = server.pid();
    server.sandbox.write("home/.sccfg-restart", "999999999\n");
    server.hook("bash", None);
    assert_eq!(server.pid(), before);
    server.hook("bash", None);
    assert_ne!(server.pid(), before);
    // That of a live one does.
    server.config(30 * GIB);
    let before = server.pid();
    let alive = format!("{}\n", std::process::id());
    server.sandbox.write("home/.sccfg-restart", &alive);
    server.hook("bash", None);
    server.hook("bash", None);
    assert_eq!(server.pid(), before);
}
