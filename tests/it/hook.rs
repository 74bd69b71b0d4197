//! The shell hook, run through the real shells, and against a real sccache server.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sccfg::config::size::ByteSize;
use sccfg::hook::HookText;
use sccfg::policy::{Incremental, Wrapper};

use crate::support::{Ran, Sandbox, left_out, program, sccache};

const GIB: u64 = 1 << 30;

fn hook(size: Option<u64>, incremental: Incremental) -> String {
    HookText {
        size: size.map(ByteSize::from_bytes),
        incremental,
        wrapper: Wrapper::Sccache,
    }
    .render()
    .unwrap()
}

/// The shells of this machine out of those that have to run the hook.
fn shells() -> Vec<&'static str> {
    let (found, missing): (Vec<_>, Vec<_>) = ["bash", "zsh", "dash"]
        .into_iter()
        .partition(|shell| program(shell).is_some());
    for shell in missing {
        left_out(&format!("no {shell}"));
    }
    found
}

/// Runs the hook as a careful caller's shell would, and prints what it left behind.
///
/// `PATH` is that of the tests without any sccache, unless `front` names folders to put first.
fn run(sandbox: &Sandbox, shell: &str, text: &str, front: &[&Path]) -> Ran {
    prepare(sandbox, text);
    enter(sandbox, shell, front)
}

fn prepare(sandbox: &Sandbox, text: &str) {
    sandbox.write("hook.sh", text);
    sandbox.write(
        "caller.sh",
        "set -eu\n\
         (set -o pipefail) 2>/dev/null && set -o pipefail\n\
         . ./hook.sh\n\
         case $- in *e*u* | *u*e*) ;; *) echo 'options changed' ;; esac\n\
         set | grep -a -E '^_+sccfg|^(conf|dir|size|table|unit|key|value)=' && echo 'left behind'\n\
         for name in SCCACHE_DIR SCCACHE_CACHE_SIZE CARGO_INCREMENTAL RUSTC_WRAPPER; do\n\
           eval \"[ -z \\\"\\${$name+x}\\\" ] || printf '%s=%s\\n' $name \\\"\\$$name\\\"\"\n\
         done\n\
         echo \"sccache=$(command -v sccache || :)\"\n",
    );
}

fn enter(sandbox: &Sandbox, shell: &str, front: &[&Path]) -> Ran {
    let output = enter_command(sandbox, shell, front).output().unwrap();
    Ran::new(format!("the hook in {shell}"), &output).status(0)
}

fn enter_command(sandbox: &Sandbox, shell: &str, front: &[&Path]) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let rest = std::env::split_paths(&path)
        .filter(|folder| !folder.join("sccache").exists() && !folder.join("sccfg").exists());
    let front = front.iter().map(|folder| folder.to_path_buf());
    let mut command = sandbox.command(shell);
    command
        .arg("caller.sh")
        .env("PATH", std::env::join_paths(front.chain(rest)).unwrap());
    command
}

/// That the hook said nothing, and left exactly these variables of the ones that `run` prints.
#[track_caller]
fn assert_environment(ran: &Ran, what: &str, pairs: &[(&str, &str)]) {
    let mut left: Vec<&str> = ran.stdout.lines().collect();
    left.pop(); // where sccache is
    let expected: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        (left, &*ran.stderr),
        (expected.iter().map(String::as_str).collect(), ""),
        "{what}"
    );
}

fn executable(sandbox: &Sandbox, path: &str, text: &str) {
    sandbox.write(path, text);
    fs::set_permissions(sandbox.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn shellcheck_finds_nothing() {
    if program("shellcheck").is_none() {
        return left_out("no shellcheck");
    }
    for incremental in [Incremental::Off, Incremental::Workspace, Incremental::Auto] {
        for size in [None, Some(24 * GIB)] {
            let sandbox = Sandbox::new().file("hook.sh", &hook(size, incremental));
            let mut shellcheck = sandbox.command("shellcheck");
            let output = shellcheck.args(["-s", "sh", "hook.sh"]).output().unwrap();
            assert_eq!(Ran::new("shellcheck".into(), &output).status(0).stdout, "");
        }
    }
}

#[test]
fn without_a_file_the_repository_s_size_stands_with_the_default_folder() {
    let Some(program) = sccache() else { return };
    let front = [program.parent().unwrap()];
    for shell in shells() {
        let sandbox = Sandbox::new()
            .variable("SCCACHE_SERVER_PORT", "1")
            .variable("SCCACHE_DIR", "/stale")
            .variable("CARGO_INCREMENTAL", "1");
        let default = sandbox.path("home/.cache/sccache");
        let text = hook(Some(24 * GIB), Incremental::Off);
        let ran = run(&sandbox, shell, &text, &front);
        let expected = [
            ("SCCACHE_DIR", default.to_str().unwrap()),
            ("SCCACHE_CACHE_SIZE", "25769803776"),
            ("CARGO_INCREMENTAL", "0"),
        ];
        assert_environment(&ran, shell, &expected);
        // A repository that asks for nothing leaves sccache its defaults.
        let text = hook(None, Incremental::Workspace);
        assert_environment(&run(&sandbox, shell, &text, &front), shell, &[]);
    }
}

#[test]
fn without_sccache_nothing_is_set_and_one_line_says_so() {
    for shell in shells() {
        let sandbox = Sandbox::new().variable("SCCACHE_DIR", "/stale");
        let text = hook(Some(24 * GIB), Incremental::Off);
        let ran = run(&sandbox, shell, &text, &[]);
        assert_eq!(ran.stdout, "CARGO_INCREMENTAL=0\nsccache=\n", "{shell}");
        assert!(ran.stderr.starts_with("sccfg: ") && ran.stderr.lines().count() == 1);
    }
}

#[test]
fn the_file_decides_on_size_and_folder() {
    const DEFAULT: &str = "the default folder";
    let Some(program) = sccache() else { return };
    let cases: [(&str, Option<(&str, &str)>); 25] = [
        (
            "[cache.disk]\ndir = \"/c\"\nsize = 25769803776\n",
            Some(("/c", "25769803776")),
        ),
        ("[cache.disk]\nsize = 123\ndir = '/c'", Some(("/c", "123"))),
        (
            "# x\n\n[cache.disk] # x\n  dir=\"/c\"  # y\n\tsize=\"7G\" # z\n",
            Some(("/c", "7516192768")),
        ),
        (
            "[cache.disk]\ndir = \"/c\"\nsize = \"512m\"\n",
            Some(("/c", "536870912")),
        ),
        ("[cache.disk]\ndir = \"/c\"\n", Some(("/c", "10737418240"))),
        ("[cache.disk]\nsize = 5\n", Some((DEFAULT, "5"))),
        ("[cache.disk]\r\nsize = 5\r\n", Some((DEFAULT, "5"))),
        (
            "[cache]\ndisk = { dir = \"/c\", size = 5 }\n",
            Some(("/c", "5")),
        ),
        (
            "cache.disk.size = 25_769_803_776\n",
            Some((DEFAULT, "25769803776")),
        ),
        (
            "[cache.disk]\ndir = \"/\\u0041\"\nsize = 5\n",
            Some(("/A", "5")),
        ),
        (
            "[cache.disk]\ndir = \"/`touch x`;'ü=  # $HOME $(touch x)\" # c\nsize = 5\n",
            Some(("/`touch x`;'ü=  # $HOME $(touch x)", "5")),
        ),
        // Nothing about the disk: sccache's own defaults, not what the repository asks for.
        ("", Some((DEFAULT, "10737418240"))),
        (
            "server_startup_timeout_ms = 1\n",
            Some((DEFAULT, "10737418240")),
        ),
        // The file itself rules where the two variables would not say all of it.
        (
            "[cache.disk]\ndir = \"/c\"\nsize = 5\nrw_mode = \"READ_ONLY\"\n",
            None,
        ),
        (
            "[cache.disk]\nsize = 5\n[cache.disk.preprocessor_cache_mode]\n\
             use_preprocessor_cache_mode = false\n",
            None,
        ),
        (
            "[cache]\ndisk = { size = 5, preprocessor_cache_mode = { ignore_time_macros = true } }",
            None,
        ),
        ("[cache.redis]\nendpoint = \"redis://x\"\n", None),
        (
            "[cache.redis]\nendpoint = \"redis://x\"\n[cache.disk]\nsize = 5\n",
            None,
        ),
        // And where its folder is none that is worth being written in a shell's quotes.
        (
            "[cache.disk]\ndir = '/a b/\"$(touch x)\\'\nsize = 5\n",
            None,
        ),
        ("[cache.disk]\ndir = \"/a\\nb\"\nsize = 5\n", None),
        ("[cache.disk]\ndir = \"\"\nsize = 5\n", None),
        ("[cache.disk]\ndir = \"relative\"\nsize = 5\n", None),
        // sccache does not take these at all, and says so itself.
        ("[cache.disk]\nsize = \"24GiB\"\n", None),
        ("[cache.disk]\nsize = 5\nsise = 6\n", None),
        ("{\"cache\": {\"disk\": {\"size\": 5}}}", None),
    ];
    for shell in shells() {
        for (text, wanted) in cases {
            let sandbox = Sandbox::new()
                .variable("SCCACHE_SERVER_PORT", "1")
                .variable("SCCACHE_CACHE_SIZE", "1G")
                .variable("SCCACHE_DIR", "/stale")
                .file("home/.config/sccache/config", text);
            let script = hook(Some(24 * GIB), Incremental::Workspace);
            let ran = run(&sandbox, shell, &script, &[program.parent().unwrap()]);
            let default = sandbox.path("home/.cache/sccache");
            let expected = wanted.map(|(dir, size)| {
                let default = default.to_str().unwrap();
                let dir = if dir == DEFAULT { default } else { dir };
                [("SCCACHE_DIR", dir), ("SCCACHE_CACHE_SIZE", size)]
            });
            let expected = expected.as_ref().map_or(&[][..], |pairs| &pairs[..]);
            assert_environment(&ran, &format!("{shell}, with the file\n{text}\n"), expected);
            assert!(!sandbox.exists("x") && !sandbox.exists("home/x"));
        }
    }
}

#[test]
fn the_file_is_where_sccache_looks_for_it() {
    let Some(program) = sccache() else { return };
    let front = [program.parent().unwrap()];
    for shell in shells() {
        let text = hook(Some(24 * GIB), Incremental::Workspace);
        let place = |sandbox: Sandbox, file: &str, dir: &str| {
            sandbox.write(file, "[cache.disk]\nsize = 5\n");
            let sandbox = sandbox.variable("SCCACHE_SERVER_PORT", "1");
            let dir = sandbox.path(dir);
            let ran = run(&sandbox, shell, &text, &front);
            let expected = [
                ("SCCACHE_DIR", dir.to_str().unwrap()),
                ("SCCACHE_CACHE_SIZE", "5"),
            ];
            assert_environment(&ran, &format!("{shell} {file}"), &expected);
        };
        let sandbox = Sandbox::new();
        let (config, cache) = (sandbox.path("xdg c"), sandbox.path("xdg d"));
        let sandbox = sandbox
            .variable("XDG_CONFIG_HOME", config.to_str().unwrap())
            .variable("XDG_CACHE_HOME", cache.to_str().unwrap());
        place(sandbox, "xdg c/sccache/config", "xdg d/sccache");
        // One that is not absolute does not count.
        let sandbox = Sandbox::new()
            .variable("XDG_CONFIG_HOME", "relative")
            .variable("XDG_CACHE_HOME", "relative");
        place(
            sandbox,
            "home/.config/sccache/config",
            "home/.cache/sccache",
        );
        let sandbox = Sandbox::new().file("home/.config/sccache/config", "[cache.disk]\nsize = 9");
        let named = sandbox.path("some where");
        let sandbox = sandbox.variable("SCCACHE_CONF", named.to_str().unwrap());
        place(sandbox, "some where", "home/.cache/sccache");
    }
}

#[test]
fn auto_is_off_in_linked_worktrees_only() {
    let text = hook(None, Incremental::Auto);
    let sandbox = Sandbox::new();
    let git = |args: &[&str]| {
        let output = sandbox
            .command("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
            .args(args)
            .output()
            .unwrap();
        Ran::new(format!("git {args:?}"), &output).status(0);
    };
    git(&["init", "-q", "main"]);
    git(&["-C", "main", "commit", "-q", "--allow-empty", "-m", "x"]);
    git(&["-C", "main", "worktree", "add", "-q", "../linked"]);
    sandbox.write("module/.git", "gitdir: ../main/.git/modules/module\n");
    for folder in ["main/a/b", "linked/a/b", "module/a", "none"] {
        fs::create_dir_all(sandbox.path(folder)).unwrap();
    }
    for shell in shells() {
        for (folder, value) in [
            ("main/a/b", ""),
            ("linked/a/b", "0"),
            ("linked", "0"),
            ("module/a", ""),
            ("none", ""),
        ] {
            let output = sandbox
                .command(shell)
                .args(["-c", &format!("{text}\necho \"${{CARGO_INCREMENTAL-}}\"")])
                .env("CARGO_INCREMENTAL", "stale")
                .current_dir(sandbox.path(folder))
                .output()
                .unwrap();
            let ran = Ran::new(format!("{shell} in {folder}"), &output).status(0);
            assert_eq!(ran.stdout.trim_end(), value, "{shell} in {folder}");
        }
    }
}

#[test]
fn a_wrapper_that_does_not_run_is_unset_with_one_line() {
    let text = hook(None, Incremental::Workspace);
    for shell in shells() {
        let sandbox = Sandbox::new().file("not executable", "");
        let plain = sandbox.path("not executable");
        for wrapper in [
            "/nowhere/sccache",
            "no-such-sccache",
            plain.to_str().unwrap(),
        ] {
            let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", wrapper);
            let ran = run(&sandbox, shell, &text, &[]);
            assert_eq!(ran.stdout, "sccache=\n", "{shell} {wrapper}");
            assert!(ran.stderr.starts_with("sccfg: "), "{}", ran.stderr);
            assert!(ran.stderr.contains(wrapper) && ran.stderr.lines().count() == 1);
        }
    }
}

#[test]
fn the_wrapper_of_the_flake_is_the_sccache_on_path() {
    let text = hook(None, Incremental::Workspace);
    for shell in shells() {
        let sandbox = Sandbox::new();
        let (own, profile, other) = (
            "nix/store/0-sccache-1.0/bin/sccache",
            "profile/bin/sccache",
            "other/sccache",
        );
        for name in [own, profile, other] {
            executable(&sandbox, name, "#!/bin/sh\nexit 1\n");
        }
        let other = sandbox.path("other");
        let on_path = |wrapper: &Path| {
            let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", wrapper.to_str().unwrap());
            let ran = run(&sandbox, shell, &text, &[&other]);
            assert_eq!(ran.stderr, "");
            let last = ran.stdout.lines().last().unwrap();
            PathBuf::from(last.strip_prefix("sccache=").unwrap())
        };
        let (own, profile) = (sandbox.path(own), sandbox.path(profile));
        assert_eq!(on_path(&own), own, "{shell}");
        // The folder of this one may hold a cargo and anything else.
        assert_eq!(on_path(&profile), other.join("sccache"), "{shell}");
        assert_eq!(
            on_path(Path::new("sccache")),
            other.join("sccache"),
            "{shell}"
        );
    }
}

#[test]
fn sccfg_takes_over_where_it_knows_how() {
    let text = hook(Some(24 * GIB), Incremental::Off);
    for shell in shells() {
        let sandbox = Sandbox::new();
        executable(
            &sandbox,
            "new/sccfg",
            "#!/bin/sh\n[ \"$*\" = 'hook bash' ] && echo \"export SCCACHE_DIR='/by sccfg'\"\n",
        );
        let ran = run(&sandbox, shell, &text, &[&sandbox.path("new")]);
        assert_environment(&ran, shell, &[("SCCACHE_DIR", "/by sccfg")]);
        executable(
            &sandbox,
            "old/sccfg",
            "#!/bin/sh\necho 'export SCCACHE_DIR=/half'\necho \"unrecognized subcommand 'hook'\" >&2\nexit 2\n",
        );
        let old = sandbox.path("old");
        let ran = run(&sandbox, shell, &text, &[&old]);
        assert_eq!(ran.stdout, "CARGO_INCREMENTAL=0\nsccache=\n", "{shell}");
    }
}

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

/// rustc itself rather than rustup's proxy, which looks for toolchains at home.
fn real_rustc() -> PathBuf {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .unwrap();
    Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("bin/rustc")
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
    let connection = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
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
