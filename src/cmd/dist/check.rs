//! `sccfg dist check`

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::super::{Outcome, remote};
use super::compiler;
use crate::cli;
use crate::config_file::ConfigFile;
use crate::report::Report;
use sccache_control::dist::{Sample, Trial};
use sccfg_util::problem::Problem;

pub(super) fn run(args: &cli::DistCheck, report: Report) -> Result<Outcome> {
    let file = ConfigFile::load()?;
    let program = remote::sccache()?.executable;
    let compiler = compiler(&args.compiler)?;
    let limit = Duration::from_secs(args.limit);
    let trial = Trial::new(file.text_or_empty(), &file.path, &program, &compiler, limit)?;
    let sample = trial.run()?;
    if args.json {
        report.json(&json!(sample));
    } else {
        print(&sample, &args.compiler, report);
    }
    Ok(match sample.failure {
        None => Outcome::Done,
        Some(_) => Outcome::Drift,
    })
}

fn print(sample: &Sample, compiler: &str, report: Report) {
    if let Some(scheduler) = &sample.scheduler {
        report.data(&format!(
            "scheduler: {} with build servers: {}, processors: {}, jobs: {}\n",
            scheduler.url, scheduler.servers, scheduler.cpus, scheduler.jobs
        ));
    }
    if let (Some(server), Some(time)) = (&sample.server, sample.compile_ms) {
        report.data(&format!(
            "compile: by {compiler} on {server} in {:.1} s, with the time to send it\n",
            time / 1000.0
        ));
    }
    if let Some(failure) = &sample.failure {
        let problem = Problem::new(failure.what.clone()).hint(failure.hint.clone());
        report.error(&problem.into());
    }
}
