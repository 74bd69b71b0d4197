//! `sccfg verify`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::report::{Progress, Report};
use crate::verify::differential::{self, Comparison};
use crate::verify::linkers;
use crate::verify::{self, Baseline, Cache, Error, LinkedWorktree, Measurements, Request, table};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;

impl verify::Progress for Progress {
    fn build(&self, name: &str, units: Option<u64>) {
        self.begin(name, units);
    }

    fn unit(&self, name: &str) {
        self.part(name);
    }
}

pub(super) fn run(args: &cli::Verify, start: &Path, report: Report) -> Result<Outcome> {
    let interrupt = Interrupt::catch().context("could not catch Ctrl-C")?;
    let dir = args
        .dir
        .as_ref()
        .map_or_else(|| start.to_owned(), |dir| start.join(dir));
    let dir = std::path::absolute(dir)?;
    if !dir.is_dir() {
        let problem = Problem::new(format!("directory not found: {}", dir.display()));
        return Err(problem
            .hint("pass the directory of a cargo project: sccfg verify DIR")
            .into());
    }
    if args.differential {
        return compare(args, &dir, report, &interrupt);
    }
    if args.linker {
        return measure_linkers(args, dir, report, &interrupt);
    }
    let request = Request {
        dir,
        cargo_args: args.cargo_args.clone(),
        cache: if args.in_place {
            Cache::InPlace
        } else {
            Cache::Scratch
        },
        baseline: if args.baseline {
            Baseline::Build
        } else {
            Baseline::Skip
        },
        worktree: if args.no_worktree {
            LinkedWorktree::Skip
        } else {
            LinkedWorktree::Build
        },
    };
    let progress = report.progress();
    let measured = verify::verify(&request, &progress, &interrupt);
    drop(progress);
    let measured = match measured {
        Ok(measured) => measured,
        Err(error) => return ended(error, report),
    };
    let verdict = Verdict::of(&measured, args.min_hit_rate);
    if args.json {
        let value = json!({
            "sccache": measured.sccache,
            "builds": measured.builds,
            "no_worktree": measured.no_worktree,
            "rate": verdict.rate,
            "wanted_rate": args.min_hit_rate,
            "passed": verdict.problem.is_none(),
        });
        report.json(&value);
    } else {
        report.data(&table::table(&measured, request.cache));
        print_notes(&measured, request.cache, report);
    }
    match &verdict.problem {
        Some(problem) => {
            report.warning(problem);
            Ok(Outcome::Drift)
        }
        None => Ok(Outcome::Done),
    }
}

/// `--linker`
fn measure_linkers(
    args: &cli::Verify,
    dir: PathBuf,
    report: Report,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let request = linkers::Request {
        dir,
        cargo_args: args.cargo_args.clone(),
        rounds: args.rounds,
    };
    let progress = report.progress();
    let measured = linkers::measure(&request, &progress, interrupt);
    drop(progress);
    let measured = match measured {
        Ok(measured) => measured,
        Err(error) => return ended(error, report),
    };
    if args.json {
        report.json(&json!(measured));
    } else {
        report.data(&linkers::table(&measured));
        if measured
            .programs
            .iter()
            .all(|program| program.links.len() == 1)
        {
            let note = Problem::new("no other linker is on PATH");
            report.note(&note.hint("install mold, lld, or wild with clang, and run it again"));
        }
    }
    Ok(Outcome::Done)
}

/// `--differential`
fn compare(
    args: &cli::Verify,
    dir: &Path,
    report: Report,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let progress = report.progress();
    let compared = differential::compare(dir, &args.cargo_args, &progress, interrupt);
    drop(progress);
    let compared = match compared {
        Ok(compared) => compared,
        Err(error) => return ended(error, report),
    };
    let differ = compared.count(Comparison::Differs);
    if args.json {
        let value = json!({
            "units": compared.units,
            "messages": compared.messages,
            "passed": differ == 0,
        });
        report.json(&value);
    } else {
        report.data(&compared.table());
        if compared.count(Comparison::Same) + differ == 0 {
            let note = Problem::new("the cache had none of these units, so nothing was compared");
            report.note(&note.hint("run it again"));
        }
    }
    if differ == 0 {
        return Ok(Outcome::Done);
    }
    let what = match differ {
        1 => "1 unit was".to_owned(),
        _ => format!("{differ} units were"),
    };
    report.warning(&Problem::new(format!(
        "{what} in the cache with other outputs than the compiler writes; the entries were replaced"
    )));
    Ok(Outcome::Drift)
}

/// How a run ends that was not finished.
fn ended(error: Error, report: Report) -> Result<Outcome> {
    match error {
        Error::Interrupted => {
            report.one_line(&Problem::new(
                "interrupted; the temporary cache and server are removed",
            ));
            Ok(Outcome::Interrupted)
        }
        Error::Failed(problem) => Err(problem.into()),
        Error::Other(error) => Err(error),
    }
}

fn print_notes(measured: &Measurements, cache: Cache, report: Report) {
    if let Some(why) = &measured.no_worktree {
        report.note(&Problem::new(format!(
            "no build in a linked worktree: {why}"
        )));
    }
    if cache == Cache::InPlace {
        report.note(
            &Problem::new(
                "the server is shared: the counters include other builds, and misses are not listed",
            )
            .hint("omit --in-place to list the misses"),
        );
    }
}

/// Whether the clean rebuild reached the requested hit rate.
struct Verdict {
    rate: Option<f64>,
    problem: Option<Problem>,
}

impl Verdict {
    fn of(measured: &Measurements, wanted: f64) -> Self {
        let Some((language, count)) = measured.rate() else {
            return Self {
                rate: None,
                problem: Some(
                    Problem::new("no unit of this build can be cached")
                        .hint("see the reasons above, and check `incremental` in sccfg.toml"),
                ),
            };
        };
        let rate = count.rate();
        let problem = rate.is_none_or(|rate| rate < wanted).then(|| {
            Problem::new(format!(
                "hit rate of {language} in the clean rebuild is {}, below {wanted} %",
                count.percent()
            ))
            .hint("run `sccfg config check` and `sccfg stats`")
        });
        Self { rate, problem }
    }
}
