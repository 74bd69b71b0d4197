//! `sccfg doctor`

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Outcome, json_does_not_ask};
use crate::cli;
use crate::doctor::{CHECKS, Diagnosis, Examination, examine, explain};
use crate::report::Report;
use sccfg_util::problem::Problem;

/// How often the checks run again after changes.
const MAX_ROUNDS: usize = 4;

pub(super) fn run(args: &cli::Doctor, start: &Path, report: Report) -> Result<Outcome> {
    if let Some(code) = &args.explain {
        let section = explain::section(&code.to_uppercase());
        report.data(&format!("{}\n", section.unwrap_or_default()));
        return Ok(Outcome::Done);
    }
    let mut examination = examine(start)?;
    let (mut fixed, mut tried) = (Vec::new(), Vec::new());
    // A change may show another problem: a server differs from a config file once that has grown.
    for _ in 0..MAX_ROUNDS {
        let done = if args.fix {
            fix(&examination.found, &mut tried, args, report)?
        } else {
            Vec::new()
        };
        if done.is_empty() {
            break;
        }
        fixed.extend(done);
        examination = examine(start)?;
    }
    if args.json {
        print_json(&examination, &fixed, report);
    } else {
        print(&examination.found, report);
    }
    Ok(if examination.found.is_empty() {
        Outcome::Done
    } else {
        Outcome::Drift
    })
}

/// Makes the changes that are confirmed and returns what was done. What is in `tried` was done, declined or
/// failed before. A change that fails is a warning, because the others do not depend on it.
fn fix(
    found: &[Diagnosis],
    tried: &mut Vec<String>,
    args: &cli::Doctor,
    report: Report,
) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for diagnosis in found {
        let Some(fix) = &diagnosis.finding.fix else {
            continue;
        };
        if tried.contains(&fix.what) {
            continue;
        }
        tried.push(fix.what.clone());
        if !args.yes && args.json {
            return Err(json_does_not_ask(&fix.what, ", or no --fix").into());
        }
        if !args.yes && !is_confirmed(diagnosis, &fix.what, report)? {
            continue;
        }
        match fix.apply() {
            Ok(()) => {
                if !args.json {
                    report.done("fixed", &format!("{}: {}", diagnosis.check.code, fix.what));
                }
                done.push(fix.what.clone());
            }
            Err(mut problem) => {
                problem.what = format!("could not {}: {}", fix.what, problem.what);
                report.warning(&problem);
            }
        }
    }
    Ok(done)
}

fn is_confirmed(diagnosis: &Diagnosis, what: &str, report: Report) -> Result<bool, Problem> {
    let code = diagnosis.check.code;
    let question = format!("{code}: {}\n{what}?", diagnosis.finding.what);
    report.ask(&question).ok_or_else(|| {
        Problem::new(format!("could not ask whether to {what}: not a terminal")).hint("pass --yes")
    })
}

fn print(found: &[Diagnosis], report: Report) {
    for diagnosis in found {
        report.finding(diagnosis);
    }
    let Some(first) = found.first() else {
        report.data(&format!("no problems found ({} checks)\n", CHECKS.len()));
        return;
    };
    let count = match found.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let fixable = found.iter().filter(|one| one.finding.fix.is_some()).count();
    let fix = match (fixable, found.len()) {
        (0, _) => String::new(),
        (1, 1) => "; fix it: sccfg doctor --fix".to_owned(),
        (some, all) if some == all => "; fix them: sccfg doctor --fix".to_owned(),
        (some, _) => format!("; fix {some} of them: sccfg doctor --fix"),
    };
    let code = first.check.code;
    report.data(&format!(
        "{count} found{fix}; explain a code: sccfg doctor --explain {code}\n"
    ));
}

fn print_json(examination: &Examination, fixed: &[String], report: Report) {
    let problems = examination.found.iter().map(Diagnosis::json);
    let problems: Vec<Value> = problems.collect();
    let value = json!({
        "root": examination.root.display().to_string(),
        "checks": CHECKS.len(),
        "problems": problems,
        "fixed": fixed,
    });
    report.json_without_secrets(value);
}
