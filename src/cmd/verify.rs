//! `sccfg verify`

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::report::{Progress, Report};
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
        return Err(Problem::new(format!("directory not found: {}", dir.display())).into());
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
    let measured = match verify::verify(&request, &progress, &interrupt) {
        Err(Error::Interrupted) => {
            drop(progress);
            report.one_line(&Problem::new(
                "interrupted; the temporary cache and server are removed",
            ));
            return Ok(Outcome::Interrupted);
        }
        Err(Error::Failed(problem)) => return Err(problem.into()),
        Err(Error::Other(error)) => return Err(error),
        Ok(measured) => measured,
    };
    drop(progress);
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
        report.data(&format!("{value:#}\n"));
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

fn print_notes(measured: &Measurements, cache: Cache, report: Report) {
    if let Some(why) = &measured.no_worktree {
        report.note(&Problem::new(format!(
            "no build in a linked worktree: {why}"
        )));
    }
    if cache == Cache::InPlace {
        report.note(
            &Problem::new(
                "the server is shared: other builds are counted as well, and misses are not listed",
            )
            .hint("omit --in-place to list what missed"),
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
