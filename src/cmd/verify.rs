//! `sccfg verify`

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::report::{Progress, Report};
use crate::verify::{self, Baseline, Cache, Proof, Request, Second, Stopped, Watcher, table};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::problem::Problem;

impl Watcher for Progress {
    fn build(&self, name: &str, units: Option<u64>) {
        self.begin(name, units);
    }

    fn unit(&self, name: &str) {
        self.part(name);
    }
}

pub(super) fn run(args: &cli::Verify, start: &Path, report: Report) -> Result<Outcome> {
    let interrupt = Interrupt::catch().context("catching Ctrl-C")?;
    let dir = args
        .dir
        .as_ref()
        .map_or_else(|| start.to_owned(), |dir| start.join(dir));
    let dir = std::path::absolute(dir)?;
    if !dir.is_dir() {
        return Err(Problem::new(format!("there is no directory {}", dir.display())).into());
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
            Baseline::LeaveOut
        },
        second: if args.no_worktree {
            Second::LeaveOut
        } else {
            Second::Worktree
        },
    };
    let progress = report.progress();
    let proof = match verify::verify(&request, &progress, &interrupt) {
        Err(Stopped::Interrupted) => {
            drop(progress);
            report.one_line(&Problem::new("interrupted; everything is put away"));
            return Ok(Outcome::Interrupted);
        }
        Err(Stopped::Failed(problem)) => return Err(problem.into()),
        Err(Stopped::Other(error)) => return Err(error),
        Ok(proof) => proof,
    };
    drop(progress);
    let verdict = Verdict::of(&proof, args.min_hit_rate);
    if args.json {
        let value = json!({
            "sccache": proof.sccache,
            "builds": proof.builds,
            "no_worktree": proof.no_worktree,
            "rate": verdict.rate,
            "wanted_rate": args.min_hit_rate,
            "passed": verdict.problem.is_none(),
        });
        report.data(&format!("{value:#}\n"));
    } else {
        report.data(&table::table(&proof, request.cache));
        tell_left_out(&proof, request.cache, report);
    }
    match &verdict.problem {
        Some(problem) => {
            report.warning(problem);
            Ok(Outcome::Drift)
        }
        None => Ok(Outcome::Done),
    }
}

fn tell_left_out(proof: &Proof, cache: Cache, report: Report) {
    if let Some(why) = &proof.no_worktree {
        report.note(&Problem::new(format!(
            "no build in a linked worktree: {why}"
        )));
    }
    if cache == Cache::InPlace {
        report.note(
            &Problem::new(
                "the server is shared: builds of others count as well, and nothing is named",
            )
            .hint("without --in-place, what missed is named"),
        );
    }
}

/// Whether the clean rebuild found enough.
struct Verdict {
    rate: Option<f64>,
    problem: Option<Problem>,
}

impl Verdict {
    fn of(proof: &Proof, wanted: f64) -> Self {
        let Some((language, count)) = proof.rate() else {
            return Self {
                rate: None,
                problem: Some(
                    Problem::new("nothing of this build can be cached").hint(
                        "sccache caches libraries: see the reasons above, and `incremental` in sccfg.toml",
                    ),
                ),
            };
        };
        let rate = count.rate();
        let problem = rate.is_none_or(|rate| rate < wanted).then(|| {
            Problem::new(format!(
                "{} of {language} in the clean rebuild, {wanted} % are wanted",
                count.percent()
            ))
            .hint("`sccfg config check` and `sccfg stats` say more")
        });
        Self { rate, problem }
    }
}
