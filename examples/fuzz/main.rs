//! Edits random flakes, and stops at the first violation of a property.
//!
//! `cargo run --release --example fuzz -- EXECUTIONS [SEED] [--go-on] [--nix]`, or `scripts/fuzz`.
//!
//! With `--manual-edits`, `init` is followed by what people, formatters and merges do next to a region,
//! and that by `apply` and `remove`.
//!
//! With `--nix`, real Nix evaluates every shell before and after, with the inputs of `tests/world`:
//! it detects what rnix accepts wrongly, and shows the resulting shell. With `--go-on`, a violation does
//! not end the run.
//!
//! Execution `n` of a run is determined by `SEED + n`, so `-- 1 <that number>` repeats it.
//! `SCCFG_CORPUS` names a directory of repositories to start from, in addition to those of the tests. What
//! was found is written to `target/fuzz/`, as small as it could be made.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers, which may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use sccfg::sccfg_toml::{Incremental, ShellName};

#[path = "../../tests/it/fuzzing/mod.rs"]
mod fuzzing;
mod minimise;
mod world;

use fuzzing::flakes::{self, Flake};
use fuzzing::judge::{Verdict, Violation, Wish, judge};
use fuzzing::manual_edits;
use fuzzing::mutate::Random;
use minimise::minimised;
use world::{EVALUATED, evaluated};

/// Whether real Nix is to read the results, too.
static ASK_NIX: AtomicBool = AtomicBool::new(false);

/// What a refusal of the editor's last checks starts with.
const LAST_CHECK: &str = "could not edit this file safely: ";

/// Where the last panic was.
static PANIC: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    let (flags, numbers): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|word| word.starts_with('-'));
    let number = |index: usize, default: u64| {
        numbers
            .get(index)
            .map_or(default, |word| word.parse().unwrap())
    };
    let (executions, first) = (number(0, 100_000), number(1, 0));
    ASK_NIX.store(flags.iter().any(|flag| flag == "--nix"), Ordering::Relaxed);
    let go_on = flags.iter().any(|flag| flag == "--go-on");

    std::panic::set_hook(Box::new(|info| {
        *PANIC.lock().unwrap() = info.to_string();
    }));
    let only_corpus = flags.iter().any(|flag| flag == "--only-corpus");
    let mut all = if only_corpus {
        Vec::new()
    } else {
        flakes::seeds()
    };
    if let Some(directory) = env::var_os("SCCFG_CORPUS") {
        all.extend(flakes::directories(Path::new(&directory)));
    }
    if flags.iter().any(|flag| flag == "--manual-edits") {
        let once = flags.iter().any(|flag| flag == "--once");
        return fuzz_manual_edits(all, if once { None } else { Some(executions) }, first);
    }
    let mut tally = Tally::default();
    let mut times = Vec::new();
    let plain = Wish::plain(Incremental::Off);
    for flake in &all {
        // This also tells which files the editor looks at: only these are worth changing.
        let start = Instant::now();
        tally.note(flake, &plain, &try_one(flake, &plain), "unchanged");
        times.push((start.elapsed(), &flake.name));
    }
    times.sort();
    for (time, name) in times.iter().rev().take(3) {
        println!("slow: {time:.1?} {name}");
    }
    println!("{} flakes; unchanged: {tally}", all.len());
    for flake in &mut all {
        let asked = flake.asked();
        flake.files.retain(|path, _| asked.contains(path));
    }
    if !tally.violations.is_empty() && !go_on {
        return ExitCode::FAILURE;
    }

    let start = Instant::now();
    let mut said = start;
    for n in 0..executions {
        let (flake, wish) = nth(&all, first + n);
        let outcome = try_one(&flake, &wish);
        let new = tally.note(&flake, &wish, &outcome, &(first + n).to_string());
        if new && !go_on {
            break;
        }
        if said.elapsed() > Duration::from_secs(20) {
            said = Instant::now();
            println!("{n}: {tally}");
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let done = tally.done - all.len() as u64;
    #[allow(clippy::cast_precision_loss, reason = "a figure to read")]
    let rate = done as f64 / seconds;
    println!("{done} executions in {seconds:.0} s, {rate:.0} a second: {tally}");
    println!("{} shells evaluated", EVALUATED.load(Ordering::Relaxed));
    for (why, count) in &tally.last_checks {
        println!("{count:>8} {why}");
    }
    if tally.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Makes every edit of a user next to every flake's regions, until so many are made; with no
/// number, each once.
fn fuzz_manual_edits(flakes: Vec<Flake>, executions: Option<u64>, first: u64) -> ExitCode {
    let all = manual_edits::managed(flakes);
    let mut tally = manual_edits::Tally::default();
    let mut seed = first;
    let mut done = 0;
    'rounds: loop {
        for managed in &all {
            for edit in 0..manual_edits::EDITS.len() {
                if executions == Some(done) {
                    break 'rounds;
                }
                done += 1;
                tally.judge(managed, manual_edits::Step { edit, seed });
            }
            seed += 1;
        }
        if executions.is_none() || all.is_empty() {
            break;
        }
    }
    for wrong in tally.wrong.iter().take(40) {
        println!("{wrong}");
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for wrong in &tally.wrong {
        let line = wrong.lines().next().unwrap_or_default();
        *kinds
            .entry(line.split_once("} ").map_or(line, |(_, rest)| rest))
            .or_default() += 1;
    }
    for (kind, count) in kinds {
        println!("{count:>6} {kind}");
    }
    println!(
        "{} managed files, {done} edits of {} kinds\n{tally}",
        all.len(),
        manual_edits::EDITS.len()
    );
    ExitCode::from(u8::from(!tally.wrong.is_empty()))
}

/// The flake of execution `n`.
fn nth(flakes: &[Flake], n: u64) -> (Flake, Wish) {
    let mut random = Random(n.wrapping_mul(0x2545_f491_4f6c_dd1d));
    // Small ones more often: as much can break in them, and a run gets further.
    let size = |flake: &&Flake| flake.files.values().map(String::len).sum::<usize>();
    let either = [random.below(flakes.len()), random.below(flakes.len())];
    let flake = either
        .map(|index| &flakes[index])
        .into_iter()
        .min_by_key(size);
    let flake = flake.unwrap_or(&flakes[0]);
    let incremental = match random.below(4) {
        0 => Incremental::Auto,
        _ => Incremental::Off,
    };
    let wish = match random.below(4) {
        0 => Wish::two(incremental),
        _ => Wish::plain(incremental),
    };
    let wish = match random.below(3) {
        0 => wish.with_input(),
        _ => wish,
    };
    (flake.mutated(&random.steps()), wish)
}

fn try_one(flake: &Flake, wish: &Wish) -> Result<Verdict, Violation> {
    let judged = catch_unwind(AssertUnwindSafe(|| judge(flake, wish)));
    let verdict = judged.unwrap_or_else(|_| {
        Err(Violation {
            property: "no panic",
            details: PANIC.lock().unwrap().clone(),
        })
    })?;
    if let (Verdict::Edited(edited), true) = (&verdict, ASK_NIX.load(Ordering::Relaxed)) {
        let names: Vec<&str> = match wish.shells.as_slice() {
            [_] => vec![&edited.touched[0].shell],
            all => all.iter().map(ShellName::as_str).collect(),
        };
        for name in names {
            evaluated(flake, edited, wish, name)?;
        }
    }
    Ok(verdict)
}

#[derive(Default)]
struct Tally {
    done: u64,
    edited: u64,
    /// Executions by violated property.
    violations: BTreeMap<String, u64>,
    /// Edits that only the editor's last checks kept from being made.
    last_checks: BTreeMap<String, u64>,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} done, {} edited, {} violations of {} properties",
            self.done,
            self.edited,
            self.violations.values().sum::<u64>(),
            self.violations.len()
        )
    }
}

impl Tally {
    /// Counts an outcome; whether it is one to stop at.
    fn note(
        &mut self,
        flake: &Flake,
        wish: &Wish,
        outcome: &Result<Verdict, Violation>,
        id: &str,
    ) -> bool {
        self.done += 1;
        match outcome {
            Ok(Verdict::Edited(_)) => self.edited += 1,
            Ok(Verdict::Refused(why)) => {
                if let Some(why) = why.strip_prefix(LAST_CHECK) {
                    let count = self.last_checks.entry(kind(why)).or_default();
                    *count += 1;
                    if *count <= 3 {
                        let same = |other: &Result<Verdict, Violation>| matches!(other, Ok(Verdict::Refused(other)) if other.contains(why) && other.starts_with(LAST_CHECK));
                        keep(
                            flake,
                            wish,
                            &format!("last-check-{}-{count}", kind(why)),
                            id,
                            why,
                            same,
                        );
                    }
                }
            }
            Err(violation) => {
                let key = match violation.property {
                    it @ ("no panic"
                    | "real Nix reads the result"
                    | "real Nix evaluates the result") => {
                        format!("{it}: {}", kind(&violation.details))
                    }
                    other => other.to_owned(),
                };
                let count = self.violations.entry(key.clone()).or_default();
                *count += 1;
                if *count <= 3 {
                    println!("execution {id}: {key}");
                    let same = |other: &Result<Verdict, Violation>| matches!(other, Err(other) if other.property == violation.property);
                    let name = format!("{key}-{count}");
                    keep(flake, wish, &name, id, &violation.to_string(), same);
                }
                return true;
            }
        }
        false
    }
}

/// The part of a message that is the same each time.
fn kind(message: &str) -> String {
    let end = message.find(['`', '\n']).unwrap_or(message.len());
    message[..end].trim().to_owned()
}

/// Writes the smallest flake for which `same` holds.
fn keep(
    flake: &Flake,
    wish: &Wish,
    name: &str,
    id: &str,
    what: &str,
    same: impl Fn(&Result<Verdict, Violation>) -> bool,
) {
    let holds = |flake: &Flake| same(&try_one(flake, wish));
    let small = minimised(flake, holds);
    let name: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let directory = PathBuf::from("target/fuzz").join(name);
    fs::create_dir_all(&directory).unwrap();
    for (path, text) in &small.files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let outcome = try_one(&small, wish);
    let said = match &outcome {
        Err(violation) => violation.to_string(),
        other => format!("{other:?}"),
    };
    let after: String = nix_shell_edit::edit(&small, &wish.request()).map_or_else(
        |problem| problem.to_string(),
        |edited| edited.files.into_iter().map(|file| file.after).collect(),
    );
    let report = format!(
        "execution {id} of {}, {wish:?}\n{what}\n\nminimised:\n{said}\n\nafter:\n{after}\n",
        flake.name
    );
    fs::write(directory.join("report.txt"), report).unwrap();
    println!("  written to {}", directory.display());
}
