//! S037, S038, S041 and S042: build scripts, editors and the places of files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::DevShell;
use crate::support::{Ran, program, wait_until};

/// A workspace in which `app` depends on `middle`, and that on `info`.
fn workspace(script: &str) -> DevShell {
    let shell = DevShell::new();
    let package = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
    };
    shell.write(
        "repo/Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n",
    );
    let of = |name: &str| format!("[dependencies]\n{name} = {{ path = \"../{name}\" }}\n");
    for (name, manifest) in [
        ("app", package("app", &of("middle"))),
        ("middle", package("middle", &of("info"))),
        ("info", package("info", "")),
    ] {
        shell.write(&format!("repo/crates/{name}/Cargo.toml"), &manifest);
        shell.write(&format!("repo/crates/{name}/src/lib.rs"), "pub fn f() {}\n");
    }
    shell.write("repo/crates/info/build.rs", script);
    if script.contains("COMMIT") {
        let source = "pub const COMMIT: &str = env!(\"COMMIT\");\n";
        shell.write("repo/crates/info/src/lib.rs", source);
    }
    fs::remove_dir_all(shell.path("repo/src")).unwrap();
    shell
}

const COMMIT: &str = "use std::process::Command;

fn main() {
    let output = Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output().unwrap();
    let commit = String::from_utf8(output.stdout).unwrap();
    println!(\"cargo::rustc-env=COMMIT={commit}\");
}
";

#[requires(sccache, proc)]
#[test]
fn a_build_script_that_stamps_the_commit_is_named_with_what_is_above() {
    let shell = workspace(COMMIT);
    shell.finds(
        "S037",
        &[
            "crates/info/build.rs:4:",
            "`info` passes the commit on",
            "app, middle",
        ],
    );
}

/// What is reported is so: after a commit, what is above the script misses.
#[requires(sccache, proc)]
#[test]
fn what_is_above_a_stamp_misses_after_each_commit() {
    let shell = workspace(COMMIT);
    shell.commit();
    let misses = || {
        let run = |program: &std::path::Path, args: &[&str]| {
            let mut command = shell.machine.sandbox.command(program);
            let command = command
                .env_remove("CARGO_TARGET_DIR")
                .args(args)
                .current_dir(shell.path("repo"));
            let command = command
                .env("RUSTC_WRAPPER", &shell.machine.sccache)
                .env("CARGO_INCREMENTAL", "0");
            let output = command.output().unwrap();
            Ran::new(format!("{args:?}"), &output).status(0).stdout
        };
        let sccache = &shell.machine.sccache;
        run(sccache, &["--zero-stats"]);
        run("cargo".as_ref(), &["clean", "--quiet"]);
        run("cargo".as_ref(), &["build", "--offline", "--quiet"]);
        let stats = run(sccache, &["--show-stats", "--stats-format=json"]);
        let json: serde_json::Value = serde_json::from_str(&stats).unwrap();
        json["stats"]["cache_misses"]["counts"]["Rust"]
            .as_u64()
            .unwrap_or(0)
    };
    assert_eq!(misses(), 3);
    assert_eq!(misses(), 0);
    shell.git(
        "repo",
        &["commit", "--quiet", "--allow-empty", "-m", "next"],
    );
    assert!(misses() > 0);
}

#[requires(sccache, proc)]
#[test]
fn other_build_scripts_are_not_reported() {
    for script in [
        "fn main() { println!(\"cargo::rustc-env=A=b\"); }\n",
        "fn main() { std::process::Command::new(\"git\").arg(\"submodule\"); }\n",
        "fn main() { let started = std::time::Instant::now(); println!(\"{started:?}\"); }\n",
    ] {
        workspace(script).is_healthy();
    }
    // The crate does not read the variable, so sccache finds it.
    let shell = workspace(COMMIT);
    shell.write("repo/crates/info/src/lib.rs", "pub fn f() {}\n");
    shell.is_healthy();
    // Nothing is above it.
    let shell = workspace("fn main() {}\n");
    shell.write("repo/crates/app/build.rs", COMMIT);
    shell.is_healthy();
    // A crate does it.
    let shell = workspace("fn main() { vergen::EmitBuilder::builder().emit(); }\n");
    let manifest = shell.machine.sandbox.read("repo/crates/info/Cargo.toml");
    let with = manifest + "[build-dependencies]\nvergen = \"8\"\n";
    shell.write("repo/crates/info/Cargo.toml", &with);
    shell.finds("S037", &["uses vergen", "build.rs:1:13"]);
}

/// A process of this name in `repo`, with an environment of its own: what is looked at of rust-analyzer.
struct Editor(Child);

impl Editor {
    fn start(shell: &DevShell, variables: &[(&str, &str)]) -> Self {
        let named = shell.path("rust-analyzer");
        if !named.exists() {
            fs::copy(program("sleep").unwrap(), &named).unwrap();
        }
        let child = Command::new(named)
            .arg("600")
            .current_dir(shell.path("repo"))
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        let comm = format!("/proc/{}/comm", child.id());
        wait_until("the process has its name", || {
            fs::read_to_string(&comm).is_ok_and(|name| name == "rust-analyzer\n")
        });
        Self(child)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[requires(sccache, proc)]
#[test]
fn an_editor_with_other_variables_of_build_scripts_is_reported() {
    let script = "fn main() { println!(\"cargo::rerun-if-env-changed=MY_LIB_DIR\"); }\n";
    let shell = workspace(script).with("MY_LIB_DIR", "/one");
    let build = |value: &str| {
        let mut cargo = shell.machine.sandbox.command("cargo");
        let cargo = cargo
            .args(["build", "--offline"])
            .current_dir(shell.path("repo"));
        let output = cargo
            .env("MY_LIB_DIR", value)
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("CARGO_TARGET_DIR")
            .output();
        Ran::new("cargo build".into(), &output.unwrap())
            .status(0)
            .stderr
    };
    build("/one");
    // They do undo each other's units.
    assert!(!build("/one").contains("Compiling"));
    assert!(build("/two").contains("Compiling middle"));
    {
        let _editor = Editor::start(&shell, &[("MY_LIB_DIR", "/one"), ("OTHER", "x")]);
        shell.is_healthy();
    }
    let _editor = Editor::start(&shell, &[("MY_LIB_DIR", "/two")]);
    shell.finds(
        "S038",
        &["MY_LIB_DIR", "rust-analyzer.cargo.targetDir", "process "],
    );
    let ran = shell.doctor(&[]).status(1);
    assert!(!ran.stdout.contains("/two"), "{}", ran.stdout);
    shell.write(
        "repo/.vscode/settings.json",
        "{ \"rust-analyzer.cargo.targetDir\": true }\n",
    );
    shell.is_healthy();
}

#[requires(sccache, dev_shm, proc)]
#[test]
fn a_local_store_on_another_file_system_is_reported() {
    let shell = DevShell::new();
    let init = ["-C", "repo", "init", "--wrapper", "portable"];
    shell.machine.sccfg(&init).status(0);
    let memory = Path::new("/dev/shm");
    let other = if device(memory) == device(shell.path("").as_path()) {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
    } else {
        memory
    };
    let elsewhere = tempfile::tempdir_in(other).unwrap();
    let dir = elsewhere.path().to_str().unwrap();
    shell
        .machine
        .sccfg(&["config", "set", "store.dir", dir])
        .status(0);
    shell.finds("S041", &[dir, "sccfg config set store.dir"]);
    // sccache's own cache may be anywhere.
    let init = ["-C", "repo", "init", "--wrapper", "sccache"];
    shell.machine.sccfg(&init).status(0);
    shell.is_healthy();
}

fn device(path: &Path) -> u64 {
    fs::metadata(path).unwrap().dev()
}

/// A directory of a machine, which is this one, mounted by SSHFS without an SSH connection in between.
struct Remote {
    mount: PathBuf,
    programs: [Child; 2],
}

impl Remote {
    fn mount(directory: &Path, mount: PathBuf) -> Self {
        let (requests, to_server) = std::io::pipe().unwrap();
        let (replies, to_client) = std::io::pipe().unwrap();
        let server = Command::new("/usr/lib/openssh/sftp-server")
            .stdin(requests)
            .stdout(to_client)
            .spawn()
            .unwrap();
        let client = Command::new("sshfs")
            .args(["-f", "-o", "passive"])
            .arg(format!("host:{}", directory.display()))
            .arg(&mount)
            .stdin(replies)
            .stdout(to_server)
            .spawn()
            .unwrap();
        let above = device(mount.parent().unwrap());
        wait_until("the file system is mounted", || device(&mount) != above);
        Self {
            mount,
            programs: [client, server],
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let mut unmount = Command::new("fusermount3");
        let _ = unmount.args(["-u", "-z"]).arg(&self.mount).status();
        for program in &mut self.programs {
            let _ = program.wait();
        }
    }
}

#[requires(sccache, sshfs, sftp_server, fuse, proc)]
#[test]
fn caches_and_a_target_directory_on_another_machine_are_reported() {
    let shell = DevShell::new();
    for directory in ["exported", "mounted"] {
        fs::create_dir(shell.path(directory)).unwrap();
    }
    let remote = Remote::mount(&shell.path("exported"), shell.path("mounted"));
    let on = |name: &str| remote.mount.join(name).display().to_string();
    let shell = shell.with("CARGO_TARGET_DIR", &on("target"));
    let (target, why) = (on("target"), "is on SSHFS");
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("warning[S042]")
        .stdout_has(&format!("the target directory {target} {why}"))
        .stdout_has("`export CARGO_TARGET_DIR=PATH`");
    let shell = shell.without("CARGO_TARGET_DIR");
    shell.is_healthy();

    let init = ["-C", "repo", "init", "--wrapper", "portable"];
    shell.machine.sccfg(&init).status(0);
    let (store, cache) = (on("store"), on("cache"));
    for (key, dir) in [("store.dir", &store), ("cache.disk.dir", &cache)] {
        let set = ["config", "set", key, dir.as_str()];
        shell.machine.sccfg(&set).status(0);
    }
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has(&format!("the local store {store} {why}"))
        .stdout_has(&format!("sccache's cache {cache} {why}"))
        .stdout_has("`sccfg config set store.dir PATH`");
}
