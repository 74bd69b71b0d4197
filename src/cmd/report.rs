//! `sccfg report`

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use crate::build_report::html::html;
use crate::build_report::sccache_report::SccacheReport;
use crate::build_report::text::{self, plural};
use crate::build_report::{BuildReport, combined::Combined};
use crate::cargo_dirs::CargoDirs;
use crate::cli;
use crate::report::Report;
use crate::user_store::UserStore;
use portable_wrapper::builds::{Build, Seeding, builds};
use portable_wrapper::explain::has_units;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

pub(super) fn run(args: &cli::BuildReports, start: &Path, report: Report) -> Result<Outcome> {
    let target = target_of(start, args.target_dir.as_deref());
    let builds = builds(&target);
    if args.list {
        return Ok(list(&builds, &target, args.json, report));
    }
    if builds.is_empty() {
        if let Some(file) = &args.html {
            let problem = format!("no build is recorded in {}", target.display());
            return Err(
                Problem::new(format!("{problem}; {} was not written", file.display()))
                    .hint("builds with portable keys are recorded: sccfg init --wrapper portable")
                    .into(),
            );
        }
        if !args.json && has_units(&target) {
            report.line(&format!("no build is recorded in {}", target.display()));
            report.line("cargo found all units fresh");
            if let Some(seeding) = Seeding::read(&target) {
                report.line(&text::seeded(&seeding));
            }
            return Ok(Outcome::Done);
        }
        return plain(&target, start, args.json, report);
    }
    if let Some(since) = args.since {
        return since_then(&builds, since, args.json, report);
    }
    let number = args.build.unwrap_or(1);
    let found = BuildReport::of(&builds, number).ok_or_else(|| no_build(number, builds.len()))?;
    if let Some(file) = &args.html {
        write_page(&start.join(file), &found)?;
        report.done("written", &file.display().to_string());
    } else if args.json {
        report.json(&json!(found));
    } else {
        report.text(&text::text(&found));
        warn_of_shortage(&found, report);
    }
    Ok(Outcome::Done)
}

/// Warns if units may have been compiled because the store has evicted them.
fn warn_of_shortage(found: &BuildReport, report: Report) {
    if found.counts.missed == 0 {
        return;
    }
    let store = UserStore::in_use().ok().flatten();
    if let Some(shortage) = store.and_then(|store| store.shortage()) {
        report.warning(&shortage);
    }
}

fn write_page(file: &Path, report: &BuildReport) -> Result<()> {
    let page = html(report)?;
    fsio::write_output(file, page.as_bytes()).map_err(|error| {
        let file = file.display();
        Problem::new(format!("could not write the report to {file}: {error}"))
            .hint("check that the directory exists and is writable")
    })?;
    Ok(())
}

/// The error for a number that no build has.
pub(super) fn no_build(number: usize, recorded: usize) -> Problem {
    let are = if recorded == 1 { "is" } else { "are" };
    let recorded = plural(recorded, "build");
    Problem::new(format!(
        "there is no build {number}; {recorded} {are} recorded"
    ))
    .hint("list the builds: sccfg report --list")
}

fn reports(builds: &[Build]) -> Vec<BuildReport> {
    let numbers = 1..=builds.len();
    numbers
        .filter_map(|number| BuildReport::of(builds, number))
        .collect()
}

fn list(builds: &[Build], target: &Path, as_json: bool, report: Report) -> Outcome {
    let reports = reports(builds);
    if as_json {
        let brief = reports.iter().map(|report| {
            json!({
                "number": report.number,
                "start": report.start,
                "is_running": report.is_running,
                "age_seconds": report.age_seconds,
                "counts": report.counts,
                "times": report.times,
            })
        });
        let brief: Vec<_> = brief.collect();
        report.json(&json!({ "builds": brief }));
    } else if reports.is_empty() {
        report.line(&format!("no build is recorded in {}", target.display()));
    } else {
        report.text(&text::list(&reports));
    }
    Outcome::Done
}

fn since_then(builds: &[Build], since: Duration, as_json: bool, report: Report) -> Result<Outcome> {
    let mut reports = reports(builds);
    reports.retain(|report| report.age_seconds <= since.as_secs());
    if reports.is_empty() {
        return Err(Problem::new("no build was recorded in this time")
            .hint("list the builds: sccfg report --list")
            .into());
    }
    let together = Combined::of(&reports);
    if as_json {
        report.json(&json!(together));
    } else {
        report.text(&text::list(&reports));
        report.text(&together.text());
    }
    Ok(Outcome::Done)
}

/// The report without records.
fn plain(target: &Path, start: &Path, as_json: bool, report: Report) -> Result<Outcome> {
    let plain = SccacheReport::of(target, start)?;
    if as_json {
        report.json(&json!(plain));
    } else {
        report.text(&plain.text());
        report.next(plain.next_step());
    }
    Ok(Outcome::Done)
}

/// The build directory of a checkout.
pub(super) fn target_of(start: &Path, named: Option<&Path>) -> PathBuf {
    if let Some(named) = named {
        return start.join(named);
    }
    if let Some(dirs) = CargoDirs::of(Path::new("cargo"), start) {
        return dirs.build().to_owned();
    }
    if let Some(set) = env::var_os("CARGO_TARGET_DIR").filter(|directory| !directory.is_empty()) {
        return start.join(set);
    }
    // Above `..`, there are other directories.
    let start = &start.canonicalize().unwrap_or_else(|_| start.to_owned());
    let above = start
        .ancestors()
        .find(|directory| directory.join("target/CACHEDIR.TAG").is_file());
    above.unwrap_or(start).join("target")
}
