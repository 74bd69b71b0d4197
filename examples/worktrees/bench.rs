//! `bench`: all variants alternately in several rounds, then one round without timing that lists the
//! units that were compiled.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::proc::watched::{Event, Line, WatchedProgram};

use crate::Options;
use crate::lab::{Compile, CompileLog, Counts};
use crate::variant::{Programs, State, Step, Variant, on_path};
use crate::workspace::{Contents, Place, Workspace};

/// The result of one step of one variant.
#[derive(Debug, Default)]
struct Row {
    walls: Vec<Duration>,
    counts: Option<Counts>,
    units: u64,
    compiled: Option<Vec<Compile>>,
    wrong: Option<String>,
}

/// The output of the built programs.
pub(crate) type Said = Vec<String>;

pub(crate) fn run(
    options: &Options,
    programs: &Programs,
    interrupt: &Interrupt,
) -> Result<ExitCode> {
    let workspace = Workspace::make(&options.directory, Contents::All)?;
    let mut variants = options.only.clone();
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
    if options.names {
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
    rows: BTreeMap<(usize, usize), Row>,
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
        for (number, step) in variant.steps().iter().enumerate() {
            let checkout = self.workspace.path(step.place());
            let target = checkout.join("target");
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            let mut changes = state.changes();
            if let Some(compile_log) = compile_log {
                let variables = compile_log.variables();
                changes.extend(variables.map(|(name, value)| (name.into(), Some(value.into()))));
            }
            let before = state.counts();
            let started = Instant::now();
            let units = build(&checkout, &changes, self.interrupt)
                .with_context(|| format!("{}, {}", variant.name(), step.name()))?;
            let wall = started.elapsed();
            let counts = before.and_then(|before| Some(state.counts()? - before));
            let said = said(&checkout, true)?;
            if variant == Variant::Nothing && self.expected.is_none() {
                self.expected = Some(said.clone());
            }
            let place = self.workspace.path(step.place());
            let key = (
                Variant::ALL
                    .iter()
                    .position(|it| *it == variant)
                    .unwrap_or(0),
                number,
            );
            let row = self.rows.entry(key).or_default();
            row.wrong = row
                .wrong
                .take()
                .or_else(|| what_is_wrong(&said, self.expected.as_ref(), &place));
            if let Some(compile_log) = compile_log {
                row.compiled = Some(compile_log.take());
            } else {
                row.walls.push(wall);
                row.counts = counts;
            }
            row.units = units;
            eprintln!(
                "{:9} {:16} {:6.2} s{}",
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
        for place in [Place::Main, Place::Second, Place::Deep] {
            let _ = fs::remove_dir_all(self.workspace.path(place).join("target"));
        }
        Ok(())
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
            let variant = Variant::ALL[*variant];
            let count = |get: fn(&Counts) -> u64| {
                let counts = row.counts.as_ref();
                counts.map_or_else(|| "-".to_owned(), |counts| get(counts).to_string())
            };
            let ran = row.compiled.as_ref().map(|all| all.len().to_string());
            table.add_row([
                variant.name().to_owned(),
                variant.steps()[*step].name().to_owned(),
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
            let (variant, step) = (
                Variant::ALL[*variant],
                Variant::ALL[*variant].steps()[*step],
            );
            if let (Some(compiled), false) = (&row.compiled, step == Step::Cold) {
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
        self.print_bar();
        let mut is_right = true;
        for ((variant, step), row) in &self.rows {
            if let Some(wrong) = &row.wrong {
                let variant = Variant::ALL[*variant];
                println!(
                    "WRONG: {}, {}: {wrong}",
                    variant.name(),
                    variant.steps()[*step].name()
                );
                is_right = false;
            }
        }
        is_right
    }

    /// Compares the portable wrapper in other checkouts with plain sccache in the same one.
    fn print_bar(&self) {
        let median_of = |variant: Variant, step: Step| {
            let number = variant.steps().iter().position(|it| *it == step)?;
            let place = Variant::ALL.iter().position(|it| *it == variant)?;
            median(&self.rows.get(&(place, number))?.walls)
        };
        let Some(plain) = median_of(Variant::Plain, Step::Again) else {
            return;
        };
        for step in [Step::Second, Step::Deep] {
            for variant in [Variant::Portable, Variant::Kache] {
                if let Some(wall) = median_of(variant, step) {
                    println!(
                        "{}, {}: {:.2} of plain sccache's clean rebuild in the same directory \
                         (wanted: at most 0.50)",
                        variant.name(),
                        step.name(),
                        wall.as_secs_f64() / plain.as_secs_f64()
                    );
                }
            }
        }
    }
}

fn median(walls: &[Duration]) -> Option<Duration> {
    let mut sorted = walls.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied()
}

/// Builds everything. Returns the number of units that were not fresh.
pub(crate) fn build(
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
    let cargo = on_path("cargo").context("no cargo")?;
    let mut cargo = WatchedProgram::start(&cargo, &args, checkout, changes)?;
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
