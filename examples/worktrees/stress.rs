//! `stress`: many worktrees build at once with one server, and builds in which the server, the wrapper
//! or the shim is killed. All outputs have to be correct.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use sccfg_util::interrupt::Interrupt;

use crate::StressOptions;
use crate::bench::{Said, said, what_is_wrong};
use crate::variant::State;
use crate::workspace::{Contents, Place, Workspace};

pub(crate) fn run(options: &StressOptions, interrupt: &Interrupt) -> Result<ExitCode> {
    let programs = &options.common.programs()?;
    let variant = options.only;
    if let Some(why) = programs.missing(variant) {
        bail!("{}: {why}", variant.name());
    }
    let contents = if options.heavy {
        Contents::All
    } else {
        Contents::Small
    };
    let workspace = Workspace::make(&options.common.directory, contents)?;
    let mut stress = Stress {
        state: State::new(variant, programs)?,
        interrupt,
        wrong: 0,
        random: Random(options.seed),
    };
    println!("{}, seed {}", variant.name(), options.seed);
    stress.together(&workspace, options)?;
    stress.killed(&workspace, options)?;
    let is_right = stress.wrong == 0;
    println!(
        "{}",
        if is_right {
            "all right"
        } else {
            "not all right"
        }
    );
    Ok(ExitCode::from(u8::from(!is_right)))
}

struct Stress<'a> {
    state: State<'a>,
    interrupt: &'a Interrupt,
    wrong: usize,
    random: Random,
}

impl Stress<'_> {
    /// Builds in all worktrees at once, several times, each time from scratch.
    fn together(&mut self, workspace: &Workspace, options: &StressOptions) -> Result<()> {
        let main = workspace.path(Place::Main);
        self.finish(cargo(&main, &[], &ALL)?)?;
        let expected: Said = said(&main, options.heavy)?;
        fs::remove_dir_all(main.join("target"))?;
        let places: Vec<PathBuf> = (0..options.worktrees)
            .map(|number| workspace.another(number))
            .collect::<Result<_>>()?;
        for time in 0..options.rounds {
            let started = Instant::now();
            let changes = self.state.changes();
            let running: Vec<Child> = places
                .iter()
                .map(|place| cargo(place, &changes, &ALL))
                .collect::<Result<_>>()?;
            let mut failed = 0;
            for (place, child) in places.iter().zip(running) {
                if let Some(complaint) = self.finish_or_complain(child)? {
                    failed += 1;
                    let place = place.display();
                    self.is_wrong(&format!("time {time}, {place}: {complaint}"));
                }
            }
            for place in &places {
                if let Ok(said) = said(place, options.heavy) {
                    let wrong = what_is_wrong(&said, Some(&expected), place);
                    if let Some(wrong) = wrong {
                        self.is_wrong(&format!("time {time}, {}: {wrong}", place.display()));
                    }
                }
                fs::remove_dir_all(place.join("target"))?;
            }
            println!(
                "time {}: {} worktrees at once in {:.1} s, {failed} failed; {:?}",
                time + 1,
                places.len(),
                started.elapsed().as_secs_f64(),
                self.state.counts()
            );
        }
        Ok(())
    }

    /// Builds a small package and kills a process in each build. After each, a build in a clean directory
    /// must give the correct output.
    fn killed(&mut self, workspace: &Workspace, options: &StressOptions) -> Result<()> {
        let directory = workspace.directory.join("a/small");
        let (mut hit, mut failed): (BTreeMap<&str, usize>, usize) = (BTreeMap::new(), 0);
        for number in 0..options.builds {
            if self.interrupt.is_received() {
                bail!("interrupted");
            }
            // Half of the builds are of sources that are cached.
            let value = number / 2;
            write_small(&directory, value)?;
            let changes = self.state.changes();
            let mut child = cargo(&directory, &changes, &["build", "--offline"])?;
            let pause = self.random.below(350);
            std::thread::sleep(Duration::from_millis(pause));
            let server = self.state.server().map(crate::lab::Server::pid);
            let targets = targets(child.id(), server);
            // There is always a server, but not always the same one.
            let place = usize::try_from(self.random.below(1 + targets.len() as u64))?;
            let victim = match targets.len() {
                1 => targets.first(),
                _ => targets.get(place),
            };
            if let Some((pid, what)) = victim {
                *hit.entry(what).or_default() += 1;
                kill(*pid);
                if *what == "server" {
                    self.state.replace_server();
                }
            }
            if self.finish_one(&mut child)?.is_some() {
                failed += 1;
            }
            remove(&directory.join("target"))?;
            let child = cargo(&directory, &changes, &["build", "--offline"])?;
            if let Some(complaint) = self.finish_or_complain(child)? {
                self.is_wrong(&format!("build {number} after a kill: {complaint}"));
                continue;
            }
            let output = Command::new(directory.join("target/debug/small")).output()?;
            let wanted = format!("{value} {value} src/main.rs {}\n", directory.display());
            let found = String::from_utf8_lossy(&output.stdout);
            if found != wanted {
                self.is_wrong(&format!("build {number}: `{found}`, not `{wanted}`"));
            }
            // cargo must not take the remains of a crash for finished work.
            if number % 10 == 0 {
                remove(&directory.join("target"))?;
            }
        }
        println!(
            "{} builds with something killed: {hit:?}; {failed} of them failed, each clean build after them was looked at",
            options.builds
        );
        Ok(())
    }

    fn is_wrong(&mut self, what: &str) {
        println!("WRONG: {what}");
        self.wrong += 1;
    }

    fn finish(&self, mut child: Child) -> Result<()> {
        let complaint = self.finish_one(&mut child)?;
        ensure!(complaint.is_none(), "{complaint:?}");
        Ok(())
    }

    fn finish_or_complain(&self, mut child: Child) -> Result<Option<String>> {
        self.finish_one(&mut child)
    }

    /// Waits for a build. Returns its output if it failed. Ctrl-C ends the build as well, because it has
    /// the same terminal.
    fn finish_one(&self, child: &mut Child) -> Result<Option<String>> {
        let mut said = String::new();
        if let Some(stderr) = child.stderr.take() {
            said = std::io::read_to_string(stderr).unwrap_or_default();
        }
        let status = child.wait()?;
        if self.interrupt.is_received() {
            bail!("interrupted");
        }
        let last: Vec<_> = said.lines().rev().take(12).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        Ok((!status.success()).then(|| format!("{status}\n{}", last.join("\n"))))
    }
}

const ALL: [&str; 4] = ["build", "--workspace", "--all-targets", "--offline"];

fn cargo(
    directory: &Path,
    changes: &[(std::ffi::OsString, Option<std::ffi::OsString>)],
    args: &[&str],
) -> Result<Child> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(args)
        .current_dir(directory)
        .env_remove("RUSTC_WRAPPER")
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_INCREMENTAL", "0");
    for (name, value) in changes {
        match value {
            Some(value) => cargo.env(name, value),
            None => cargo.env_remove(name),
        };
    }
    cargo
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting cargo")
}

/// Removes a directory, in which compiles of a killed client may still write files.
fn remove(directory: &Path) -> Result<()> {
    let started = Instant::now();
    loop {
        match fs::remove_dir_all(directory) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if started.elapsed() > Duration::from_secs(30) => {
                return Err(error).with_context(|| format!("removing {}", directory.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// A package with a build script, a library, and a program that prints its path.
fn write_small(directory: &Path, value: usize) -> Result<()> {
    fs::create_dir_all(directory.join("src"))?;
    let write = |name: &str, text: &str| fs::write(directory.join(name), text);
    write(
        "Cargo.toml",
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    )?;
    write(
        "build.rs",
        &format!(
            "fn main() {{ std::fs::write(format!(\"{{}}/g.rs\", std::env::var(\"OUT_DIR\").unwrap()), \"pub const G: usize = {value};\").unwrap(); }}\n"
        ),
    )?;
    write(
        "src/lib.rs",
        &format!(
            "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\npub fn v() -> usize {{ {value} }}\n"
        ),
    )?;
    write(
        "src/main.rs",
        "fn main() { println!(\"{} {} {} {}\", small::G, small::v(), file!(), env!(\"CARGO_MANIFEST_DIR\")); }\n",
    )?;
    Ok(())
}

/// The processes to kill: the server, and the wrappers, shims and compilers of server and cargo.
fn targets(cargo: u32, server: Option<u32>) -> Vec<(u32, &'static str)> {
    let mut found: Vec<_> = server.map(|pid| (pid, "server")).into_iter().collect();
    let below = [Some(cargo), server].into_iter().flatten().flat_map(below);
    found.extend(below.filter_map(|pid| {
        let exe = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let called = line.split(|byte| *byte == 0).next()?;
        let called = String::from_utf8_lossy(called).into_owned();
        let is_sccfg = exe
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("sccfg"));
        match (is_sccfg, called.ends_with("rustc")) {
            (true, true) => Some((pid, "shim")),
            (true, false) => Some((pid, "front")),
            (false, true) => Some((pid, "rustc")),
            _ => called.ends_with("sccache").then_some((pid, "client")),
        }
    }));
    found
}

/// The descendants of a process that this program started.
fn below(pid: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten();
        tasks
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|text| {
                text.split_whitespace()
                    .filter_map(|it| it.parse().ok())
                    .collect::<Vec<u32>>()
            })
            .collect()
    };
    let mut found = children(pid);
    let mut at = 0;
    while let Some(pid) = found.get(at).copied() {
        found.extend(children(pid));
        at += 1;
    }
    found
}

fn kill(pid: u32) {
    let _ = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// A deterministic random number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
