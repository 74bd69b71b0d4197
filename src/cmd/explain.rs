//! `sccfg explain`

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::Outcome;
use super::report::{no_build, target_of};
use crate::build_report::sccache_report::SccacheReport;
use crate::cli;
use crate::explanation::{Against, Explanation, Recorded};
use crate::report::Report;
use crate::similar;
use portable_wrapper::builds::builds;
use portable_wrapper::explain::{UnitReport, units};
use sccfg_util::problem::Problem;

pub(super) fn run(args: &cli::Explain, start: &Path, report: Report) -> Result<Outcome> {
    let target = target_of(start, args.target_dir.as_deref());
    let here = units(&target);
    if here.is_empty() {
        return plain(&target, start, args, report);
    }
    let named: Vec<&UnitReport> = here
        .iter()
        .filter(|unit| unit.is_called(&args.name))
        .collect();
    if named.is_empty() {
        return Err(Problem::new(format!(
            "no unit of the crate {} in {} was compiled through the wrapper",
            args.name,
            target.display()
        ))
        .hint(match nearest(&args.name, &here) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "build it with RUSTC_WRAPPER set to the output of `sccfg wrapper path`".to_owned()
            }
        })
        .into());
    }
    let builds = builds(&target);
    let against = match &args.against {
        None => Against::LastBuild,
        Some(other) => Against::named(other, start, builds.len())?,
    };
    let explanation = Explanation {
        here: &here,
        builds: &builds,
        against: &against,
    };
    let mut named: Vec<Recorded<'_>> = named
        .into_iter()
        .map(|unit| explanation.recorded(unit))
        .collect();
    named.sort_by_key(Recorded::build);
    if args.json {
        let units: Vec<Value> = named.iter().map(|unit| explanation.json(*unit)).collect();
        report.json(&json!({ "target": target.to_string_lossy(), "units": units }));
    } else {
        for unit in named {
            report.text(&explanation.text(unit));
        }
    }
    Ok(Outcome::Done)
}

/// The name of a crate or package that is similar to `name`.
fn nearest<'a>(name: &str, units: &'a [UnitReport]) -> Option<&'a str> {
    let names = units.iter().flat_map(|unit| [&*unit.name, &*unit.package]);
    similar::nearest(name, names, 0.85)
}

/// The information without records.
fn plain(target: &Path, start: &Path, args: &cli::Explain, report: Report) -> Result<Outcome> {
    let plain = SccacheReport::of(target, start)?;
    if args.json {
        let value = json!({ "target": target.to_string_lossy(), "units": [], "sccache": plain });
        report.json(&value);
    } else {
        report.text(&plain.text_about(&args.name));
        report.next(plain.next_step());
    }
    Ok(Outcome::Done)
}

impl Against {
    /// A number selects a build, unless there is a directory of that name.
    fn named(other: &Path, start: &Path, recorded: usize) -> Result<Self> {
        let number = other.to_str().and_then(|text| text.parse::<usize>().ok());
        match number.filter(|_| !start.join(other).is_dir()) {
            Some(number) if (1..=recorded).contains(&number) => Ok(Self::Build(number)),
            Some(number) => Err(no_build(number, recorded).into()),
            None => {
                let checkout = start.join(other).canonicalize().ok();
                let checkout = checkout.filter(|checkout| checkout.is_dir()).ok_or_else(|| {
                    Problem::new(format!("{} is not a directory", start.join(other).display()))
                        .hint("pass another checkout, or the number of a build in `sccfg report --list`")
                })?;
                Ok(Self::Checkout(units(&target_of(&checkout, None))))
            }
        }
    }
}
