//! `sccfg stats` and `sccfg clear`: a real server, its counters and its cache.

use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Ran, Sandbox, sccache};

/// A machine with a server on a socket of its own, which goes when this does.
pub(crate) struct Machine {
    pub(crate) sandbox: Sandbox,
    sccache: PathBuf,
}

impl Machine {
    /// With a cache of 100 MB in `cache`.
    pub(crate) fn new() -> Self {
        Self::of(Sandbox::new())
    }

    /// The same, whose server writes a log of each unit.
    pub(crate) fn logging() -> Self {
        let sandbox = Sandbox::new();
        let log = sandbox.path("log").to_str().unwrap().to_owned();
        let sandbox = sandbox.variable("SCCACHE_LOG", "debug");
        Self::of(sandbox.variable("SCCACHE_ERROR_LOG", &log))
    }

    fn of(sandbox: Sandbox) -> Self {
        let sccache = sccache();
        for directory in ["run", "src", "out"] {
            fs::create_dir(sandbox.path(directory)).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", sccache.parent().unwrap().display());
        let (socket, run) = (sandbox.path("s"), sandbox.path("run"));
        let real_home = std::env::var("HOME").unwrap();
        let rustup = std::env::var("RUSTUP_HOME").unwrap_or(format!("{real_home}/.rustup"));
        let sandbox = sandbox
            .variable("PATH", &path)
            .variable("XDG_RUNTIME_DIR", run.to_str().unwrap())
            .variable("SCCACHE_SERVER_UDS", socket.to_str().unwrap())
            .variable("RUSTUP_HOME", &rustup);
        let machine = Self { sandbox, sccache };
        machine.file_says(&machine.sandbox.path("cache"));
        machine
    }

    /// The machine's file names this directory.
    pub(crate) fn file_says(&self, cache: &Path) {
        let text = format!(
            "[cache.disk]\ndir = '{}'\nsize = 100000000\n",
            cache.display()
        );
        self.sandbox.write("home/.config/sccache/config", &text);
    }

    /// Compiles a crate or a C file of this name through the server.
    pub(crate) fn compile(&self, file: &str, text: &str) {
        self.sandbox.write(&format!("src/{file}"), text);
        let output = self.compiler(file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Compiles a crate of another type than `lib`.
    pub(crate) fn compile_as(&self, crate_type: &str, file: &str, text: &str) {
        self.sandbox.write(&format!("src/{file}"), text);
        let mut command = self.sandbox.command(&self.sccache);
        command.current_dir(self.sandbox.path("src"));
        command.args(["rustc", "--crate-name", "one", "--emit", "link"]);
        command.args(["--crate-type", crate_type, "--out-dir", "../out", file]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn compiler(&self, file: &str) -> std::process::Command {
        let mut command = self.sandbox.command(&self.sccache);
        command.current_dir(self.sandbox.path("src"));
        if let Some(name) = file.strip_suffix(".rs") {
            command.args(["rustc", "--crate-name", name, "--crate-type", "lib"]);
            command.args(["--emit", "link,dep-info", "--out-dir"]);
            command.arg(self.sandbox.path("out")).arg(file);
        } else {
            command.args(["cc", "-c", file, "-o", "../out.o"]);
        }
        command
    }

    /// Whether a compiler is at work on this file.
    pub(crate) fn compiles(&self, file: &str) -> bool {
        let source = self.sandbox.path("src");
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries.map(|entry| entry.path()).any(|process| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            let mut words = line.split('\0');
            words
                .next()
                .is_some_and(|program| program.ends_with("rustc"))
                && words.any(|word| word == file)
                && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == source)
        })
    }

    #[track_caller]
    pub(crate) fn sccfg(&self, args: &[&str]) -> Ran {
        self.sandbox.sccfg(args)
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.sccfg(args).status(0).stdout).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self
            .sandbox
            .command(&self.sccache)
            .arg("--stop-server")
            .output();
    }
}

#[requires(sccache)]
#[test]
fn hits_are_listed_by_language_and_misses_with_their_reason() {
    let machine = Machine::new();
    machine
        .sccfg(&["stats"])
        .status(0)
        .stdout_has("not running");
    assert_eq!(machine.json(&["stats", "--json"])["running"], false);
    let reset = machine.sccfg(&["stats", "--zero"]).status(0);
    assert!(!reset.stdout.contains("reset"), "{reset:?}");
    reset.stderr_has("there are no statistics to reset");
    assert!(!machine.sandbox.exists("s"), "asking starts no server");

    machine.sccfg(&["server", "start"]).status(0);
    machine.sccfg(&["stats"]).status(0).stdout_has("none yet");
    for text in ["pub fn a() {}", "pub fn a() {}", "pub fn b() {}"] {
        machine.compile("a.rs", text);
    }
    machine.compile("a.c", "int a;\n");
    // A program is linked, and never cached.
    machine.sandbox.write("src/m.rs", "fn main() {}");
    let mut program = machine.sandbox.command(&machine.sccache);
    program.current_dir(machine.sandbox.path("src"));
    program.args([
        "rustc",
        "--crate-name",
        "m",
        "--crate-type",
        "bin",
        "--emit",
        "link",
    ]);
    let output = program
        .args(["--out-dir", "../out", "m.rs"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let text = machine.sccfg(&["stats"]).status(0).stdout;
    assert!(text.contains("Rust       1 of 3 hits, 33.3 %"), "{text}");
    assert!(text.contains("C/C++      0 of 1 hits, 0 %"), "{text}");
    assert!(text.contains(": linked: programs"), "{text}");
    assert!(text.contains(" of 95.3MiB, "), "{text}");
    assert!(text.contains("[#"), "{text}");
    assert!(text.contains("saved      about "), "{text}");

    let json = machine.json(&["stats", "--json", "--zero"]);
    assert_eq!(json["languages"]["Rust"]["hits"], 1);
    assert_eq!(json["misses"], 3);
    assert!(json["used"].as_u64().unwrap() > 0);
    assert!(json["not_cacheable"][0]["advice"].is_string());
    let json = machine.json(&["stats", "--json"]);
    assert_eq!((&json["hits"], &json["misses"]), (&0.into(), &0.into()));
}

#[requires(sccache)]
#[test]
fn watching_goes_on_until_ctrl_c() {
    let machine = Machine::new();
    machine.sccfg(&["server", "start"]).status(0);
    let mut command = machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    let mut watching = command
        .args(["stats", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It has looked once, and sees what is compiled from now on.
    let mut said = std::io::BufReader::new(watching.stdout.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    machine.compile("a.rs", "pub fn a() {}");
    let mut rest = String::new();
    while !rest.contains("0 hits, 1 misses") {
        assert_ne!(said.read_line(&mut rest).unwrap(), 0, "{first}{rest}");
    }
    let pid = watching.id().to_string();
    let mut kill = crate::lab::kill();
    assert!(kill.args(["-s", "INT", &pid]).status().unwrap().success());
    assert!(watching.wait().unwrap().success());
    assert!(first.starts_with("0 hits, 0 misses"), "{first}");
}
