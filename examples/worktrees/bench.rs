//! `bench`: all variants alternately in several rounds, then one round without timing that lists the
//! units that were compiled.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::proc::watched::{Event, Line, WatchedProgram};

use crate::BenchOptions;
use crate::lab::{Compile, CompileLog, Counts};
use crate::variant::{Programs, State, Step, Variant};
use crate::workspace::{Contents, Place, Workspace};

/// The result of one step of one variant.
#[derive(Debug, Default)]
struct Row {
    walls: Vec<Duration>,
    /// Of a seeded worktree: how long seeding took each time.
    seeding: Vec<Duration>,
    /// And how long it took to link the files that it made.
    linking: Vec<Duration>,
    /// How long it took to build in a seeded worktree without a wrapper: what is compiled there has the paths of the worktree in
    /// it, and has to be compiled by whatever cache.
    without_wrapper: Vec<Duration>,
    counts: Option<Counts>,
    units: u64,
    compiled: Option<Vec<Compile>>,
    wrong: Option<String>,
}

/// How often a worktree is seeded, and the files are linked, one after the other.
const SEEDINGS: usize = 5;

/// The output of the built programs.
pub(crate) type Said = Vec<String>;

pub(crate) fn run(options: &BenchOptions, interrupt: &Interrupt) -> Result<ExitCode> {
    let programs = &options.common.programs()?;
    let workspace = Workspace::make(&options.common.directory, Contents::All)?;
    let mut variants = options.caches.only.clone();
    variants.retain(|variant| match programs.missing(*variant) {
        None => true,
        Some(why) => {
            eprintln!("left out: {}: {why}", variant.name());
            false
        }
    });
    for what in &workspace.left_out {
        eprintln!("left out: {what}");
    }
    let mut bench = Bench {
        workspace: &workspace,
        interrupt,
        rows: BTreeMap::new(),
        expected: None,
    };
    for round in 0..options.rounds {
        // The order differs in each round.
        for turn in 0..variants.len() {
            let variant = variants[(turn + round) % variants.len()];
            bench.all_steps(variant, programs, None)?;
        }
    }
    if !options.no_names {
        // Not rustup's proxy: with that, sccache would bypass the spy.
        let output = Command::new("rustc")
            .args(["--print", "sysroot"])
            .output()?;
        let sysroot = String::from_utf8(output.stdout)?;
        let rustc = Path::new(sysroot.trim()).join("bin/rustc");
        let directory = tempfile::tempdir()?;
        for variant in variants.iter().filter(|it| **it != Variant::Nothing) {
            let compile_log = CompileLog::new(&directory.path().join(variant.name()), &rustc);
            bench.all_steps(*variant, programs, Some(&compile_log))?;
        }
    }
    let is_right = bench.print(options.rounds);
    Ok(ExitCode::from(u8::from(!is_right)))
}

struct Bench<'a> {
    workspace: &'a Workspace,
    interrupt: &'a Interrupt,
    rows: BTreeMap<(Variant, Step), Row>,
    /// The output of the programs of a build without a cache.
    expected: Option<Said>,
}

impl Bench<'_> {
    /// Runs all builds of one variant, starting with an empty cache. With a spy, nothing is timed.
    fn all_steps(
        &mut self,
        variant: Variant,
        programs: &Programs,
        compile_log: Option<&CompileLog>,
    ) -> Result<()> {
        let state = State::new(variant, programs)?;
        for &step in variant.steps() {
            let checkout = self.workspace.path(step.place());
            remove_target(&checkout)?;
            let mut changes = state.changes();
            if let Some(compile_log) = compile_log {
                let variables = compile_log.variables();
                changes.extend(variables.map(|(name, value)| (name.into(), Some(value.into()))));
            }
            let before = state.counts();
            let mut seeded = Duration::ZERO;
            if step == Step::Seeded {
                if compile_log.is_none() {
                    self.time_seeding(programs, &checkout, &changes)?;
                }
                let started = Instant::now();
                seed(&programs.sccfg, &checkout, &changes)?;
                seeded = started.elapsed();
            }
            let started = Instant::now();
            let units = build(state.cargo(), &checkout, &changes, self.interrupt)
                .with_context(|| format!("{}, {}", variant.name(), step.name()))?;
            let wall = started.elapsed() + seeded;
            let counts = before.and_then(|before| Some(state.counts()? - before));
            let said = said(&checkout, true)?;
            if variant == Variant::Nothing && self.expected.is_none() {
                self.expected = Some(said.clone());
            }
            let row = self.rows.entry((variant, step)).or_default();
            row.wrong = row
                .wrong
                .take()
                .or_else(|| what_is_wrong(&said, self.expected.as_ref(), &checkout));
            if let Some(compile_log) = compile_log {
                row.compiled = Some(compile_log.take());
            } else {
                row.walls.push(wall);
                row.counts = counts;
            }
            row.units = units;
            eprintln!(
                "{:9} {:18} {:6.2} s{}",
                variant.name(),
                step.name(),
                wall.as_secs_f64(),
                if compile_log.is_some() {
                    " (named)"
                } else {
                    ""
                }
            );
        }
        for place in Place::ALL {
            remove_target(&self.workspace.path(place))?;
        }
        Ok(())
    }

    /// Seeds several times, links what was made, and builds without a wrapper.
    fn time_seeding(
        &mut self,
        programs: &Programs,
        checkout: &Path,
        changes: &[(OsString, Option<OsString>)],
    ) -> Result<()> {
        let row = self
            .rows
            .entry((Variant::Portable, Step::Seeded))
            .or_default();
        // ext4 without a journal looks long for inodes while many were removed in the last minutes, so nothing is removed now.
        let aside = tempfile::tempdir_in(checkout)?;
        for nth in 0..SEEDINGS {
            let started = Instant::now();
            seed(&programs.sccfg, checkout, changes)?;
            row.seeding.push(started.elapsed());
            row.linking
                .push(time_to_link(checkout, &aside.path().join("linked"))?);
            if nth + 1 < SEEDINGS {
                set_aside(checkout, &aside.path().join(nth.to_string()))?;
            }
        }
        let mut without_wrapper = changes.to_vec();
        without_wrapper.push(("RUSTC_WRAPPER".into(), None));
        let started = Instant::now();
        build(&programs.cargo, checkout, &without_wrapper, self.interrupt)?;
        row.without_wrapper.push(started.elapsed());
        set_aside(checkout, &aside.path().join("built"))
    }

    /// Prints the table. Returns whether all outputs were correct.
    fn print(&self, rounds: usize) -> bool {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header([
            "cache",
            "build",
            "wall min",
            "median",
            "units",
            "Rust hits",
            "misses",
            "not cacheable",
            "C hits",
            "C misses",
            "errors",
            "rustc ran for",
        ]);
        let seconds = |wall: Option<Duration>| {
            wall.map_or_else(
                || "-".to_owned(),
                |wall| format!("{:.2} s", wall.as_secs_f64()),
            )
        };
        for ((variant, step), row) in &self.rows {
            let count = |get: fn(&Counts) -> u64| {
                let counts = row.counts.as_ref();
                counts.map_or_else(|| "-".to_owned(), |counts| get(counts).to_string())
            };
            let ran = row.compiled.as_ref().map(|all| all.len().to_string());
            table.add_row([
                variant.name().to_owned(),
                step.name().to_owned(),
                seconds(row.walls.iter().min().copied()),
                seconds(median(&row.walls)),
                row.units.to_string(),
                count(|it| it.rust_hits),
                count(|it| it.rust_misses),
                count(|it| it.not_cacheable),
                count(|it| it.c_hits),
                count(|it| it.c_misses),
                count(|it| it.errors),
                ran.unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        println!("{rounds} rounds\n\n{table}\n");
        for ((variant, step), row) in &self.rows {
            if let (Some(compiled), false) = (&row.compiled, *step == Step::Cold) {
                let names: Vec<_> = compiled
                    .iter()
                    .map(|unit| format!("{} ({})", unit.name, unit.kind))
                    .collect();
                println!(
                    "{}, {}: compiled {}: {}",
                    variant.name(),
                    step.name(),
                    names.len(),
                    names.join(", ")
                );
            }
        }
        self.print_bars();
        let mut is_right = true;
        for ((variant, step), row) in &self.rows {
            if let Some(wrong) = &row.wrong {
                println!("WRONG: {}, {}: {wrong}", variant.name(), step.name());
                is_right = false;
            }
        }
        is_right
    }

    /// Compares the portable wrapper with the others.
    fn print_bars(&self) {
        let median_of = |(variant, step)| median(&self.rows.get(&(variant, step))?.walls);
        let better_of = |step| {
            let peers = [Variant::Kache, Variant::Mbx].into_iter();
            peers.filter_map(|variant| median_of((variant, step))).min()
        };
        let none = median_of((Variant::Nothing, Step::Cold));
        let plain = median_of((Variant::Plain, Step::Again));
        let mut bars = vec![
            (Step::Cold, "no cache", none, 1.03),
            (Step::Seeded, "plain sccache's clean rebuild", plain, 0.03),
        ];
        for step in [Step::Again, Step::Second, Step::Deep, Step::Next] {
            bars.push((step, "the better of kache and mbx", better_of(step), 1.0));
        }
        for (step, what, other, bar) in bars {
            if let (Some(wall), Some(other)) = (median_of((Variant::Portable, step)), other) {
                println!(
                    "portable, {}: {:.3} of {what} (wanted: at most {bar:.2})",
                    step.name(),
                    wall.as_secs_f64() / other.as_secs_f64()
                );
            }
        }
        let seeded = self.rows.get(&(Variant::Portable, Step::Seeded));
        if let Some(wall) = seeded.and_then(|row| median(&row.without_wrapper)) {
            println!(
                "seeded, then built without a wrapper: {:.3} s, {:.3} of plain sccache's clean rebuild, which no cache gets below",
                wall.as_secs_f64(),
                plain.map_or(f64::NAN, |plain| wall.as_secs_f64() / plain.as_secs_f64())
            );
        }
        let medians = seeded.map(|row| [&row.seeding, &row.linking].map(|all| median(all)));
        if let Some([Some(seeding), Some(linking)]) = medians {
            println!(
                "portable, seeding alone: {:.3} s, {:.1} of the {:.3} s that it takes to link the same files (wanted: at most 2)",
                seeding.as_secs_f64(),
                seeding.as_secs_f64() / linking.as_secs_f64(),
                linking.as_secs_f64()
            );
        }
    }
}

/// Fills the target directory of `checkout` from that of another worktree.
fn seed(sccfg: &Path, checkout: &Path, changes: &[(OsString, Option<OsString>)]) -> Result<()> {
    let mut command = Command::new(sccfg);
    command.arg("seed").current_dir(checkout);
    for (name, value) in changes {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output()?;
    ensure!(output.status.success(), "sccfg seed: {output:?}");
    Ok(())
}

/// How long it takes to link all files of the target directory of `checkout` into `to`, which is removed.
fn time_to_link(checkout: &Path, to: &Path) -> Result<Duration> {
    let from = checkout.join("target");
    let started = Instant::now();
    for entry in ignore::WalkBuilder::new(&from)
        .standard_filters(false)
        .build()
    {
        let entry = entry?;
        let name = to.join(entry.path().strip_prefix(&from)?);
        if entry.path().is_dir() {
            fs::create_dir(name)?;
        } else {
            fs::hard_link(entry.path(), name)?;
        }
    }
    let took = started.elapsed();
    fs::remove_dir_all(to)?;
    Ok(took)
}

/// Renames the target directory of `checkout`, which may be seeded again.
fn set_aside(checkout: &Path, to: &Path) -> Result<()> {
    forget_seeding(checkout);
    Ok(fs::rename(checkout.join("target"), to)?)
}

/// Removes the mark that `checkout` was seeded.
fn forget_seeding(checkout: &Path) {
    let git = fs::read_to_string(checkout.join(".git")).unwrap_or_default();
    if let Some(directory) = git.strip_prefix("gitdir: ") {
        let _ = fs::remove_file(Path::new(directory.trim()).join("sccfg-seeded"));
    }
}

/// Removes the target directory of `checkout`, which mbx makes a link, and the mark that it was seeded.
pub(crate) fn remove_target(checkout: &Path) -> Result<()> {
    forget_seeding(checkout);
    let target = checkout.join("target");
    if let Ok(directory) = target.canonicalize() {
        fs::remove_dir_all(directory)?;
    }
    if target.is_symlink() {
        fs::remove_file(target)?;
    }
    Ok(())
}

fn median(walls: &[Duration]) -> Option<Duration> {
    let mut sorted = walls.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied()
}

/// Builds everything. Returns the number of units that were not fresh.
pub(crate) fn build(
    cargo: &Path,
    checkout: &Path,
    changes: &[(OsString, Option<OsString>)],
    interrupt: &Interrupt,
) -> Result<u64> {
    let args = [
        "build",
        "--workspace",
        "--all-targets",
        "--offline",
        "--message-format=json-render-diagnostics",
    ];
    let mut cargo = WatchedProgram::start(cargo, &args, checkout, changes)?;
    let (mut units, mut complaints) = (0, Vec::new());
    let status = loop {
        if interrupt.is_received() {
            bail!("interrupted");
        }
        match cargo.next(Duration::from_millis(50))? {
            Event::Nothing => {}
            Event::Exited(status) => break status,
            Event::Line(Line::Err(line)) => complaints.push(line),
            Event::Line(Line::Out(line)) => {
                let message: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                let is_unit = message["reason"] == "compiler-artifact" && message["fresh"] == false;
                units += u64::from(is_unit);
            }
        }
    };
    if !status.success() {
        bail!("cargo: {status}\n{}", complaints.join("\n"));
    }
    Ok(units)
}

/// The output of the programs of a checkout, with the one that has real dependencies if it exists.
pub(crate) fn said(checkout: &Path, with_tool: bool) -> Result<Said> {
    let mut said = Vec::new();
    let names = ["matrix", "placed", "tool"];
    for name in &names[..if with_tool { 3 } else { 2 }] {
        let program = checkout.join("target/debug").join(name);
        let output = Command::new(&program)
            .env("RUST_BACKTRACE", "0")
            .output()
            .with_context(|| format!("running {}", program.display()))?;
        if !output.status.success() {
            bail!("{} fails: {output:?}", program.display());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        said.extend(text.lines().map(|line| format!("{name}: {line}")));
    }
    Ok(said)
}

/// The first line that differs from a build without a cache. The line with the path of the checkout
/// must contain the path of this one.
pub(crate) fn what_is_wrong(said: &Said, expected: Option<&Said>, place: &Path) -> Option<String> {
    let manifest = "placed: manifest: ";
    let own = format!("{manifest}{}", place.join("crates/speaks").display());
    if !said.contains(&own) {
        return Some(format!("no `{own}` in {said:?}"));
    }
    let differs =
        |(ours, theirs): &(&String, &String)| ours != theirs && !ours.starts_with(manifest);
    let found = said.iter().zip(expected?).find(differs);
    found.map(|(ours, theirs)| format!("`{ours}` where a build without a cache has `{theirs}`"))
}
