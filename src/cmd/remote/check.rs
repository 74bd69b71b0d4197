//! `sccfg remote check`

use std::ffi::OsStr;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::super::Outcome;
use super::{list, sccache};
use crate::cli;
use crate::config_file::ConfigFile;
use crate::report::Report;
use sccache_control::remote::{BackEnd, Outage, Sample, Trial, find};
use sccfg_util::env;
use sccfg_util::problem::Problem;
use sccfg_util::programs::find_program;

/// The result for one back end.
struct Checked {
    back_end: &'static BackEnd,
    sample: Sample,
    outage: Option<Outage>,
}

pub(super) fn run(args: &cli::RemoteCheck, report: Report) -> Result<Outcome> {
    let file = ConfigFile::load()?;
    let (configured, has_disk) = list::configured(&file)?;
    let names = match args.kind {
        Some(kind) => vec![kind.back_end().name],
        None if configured.is_empty() => {
            return Err(Problem::new("no remote back end is configured")
                .hint("set one up: sccfg remote add --help")
                .into());
        }
        None => configured,
    };
    let program = sccache()?.executable;
    let rustc = find_program(OsStr::new("rustc"), &env::search_path()).ok_or_else(|| {
        Problem::new("program not found: rustc")
            .hint("enter the dev shell: a tiny crate is compiled for the check")
    })?;
    let limit = Duration::from_secs(args.limit);
    let mut checked = Vec::new();
    for name in names {
        let Some(back_end) = find(name) else {
            report.warning(
                &Problem::new(format!("sccfg cannot test the back end `{name}`"))
                    .hint("run `sccache --start-server` to check whether it can be reached"),
            );
            continue;
        };
        let trial = Trial::new(
            back_end,
            file.text_or_empty(),
            &file.path,
            &program,
            &rustc,
            limit,
        )?;
        // At the same time: both mostly wait.
        let (sample, outage) = thread::scope(|scope| {
            let outage = scope.spawn(|| {
                if args.no_outage {
                    Ok(None)
                } else {
                    trial.outage(has_disk)
                }
            });
            (trial.run(), outage.join().unwrap_or(Ok(None)))
        });
        let (sample, outage) = (sample?, outage?);
        checked.push(Checked {
            back_end,
            sample,
            outage,
        });
    }
    if args.json {
        let all: Vec<Value> = checked.iter().map(Checked::json).collect();
        report.json(&json!({ "remotes": all }));
    } else {
        for checked in &checked {
            checked.print(report);
        }
    }
    Ok(
        if checked
            .iter()
            .all(|checked| checked.sample.failure.is_none())
        {
            Outcome::Done
        } else {
            Outcome::Drift
        },
    )
}

impl Checked {
    fn print(&self, report: Report) {
        let name = self.back_end.name;
        match &self.sample.failure {
            None => report.data(&format!("{name}: {}\n", self.works())),
            Some(failure) => {
                let problem = Problem::new(format!("{name}: {}", failure.what));
                report.error(&problem.hint(failure.hint.clone()).into());
            }
        }
        match self.outage {
            Some(Outage::GoesOn) => {
                report.data(&format!(
                    "{name}: while it is down, builds go on without it\n"
                ));
            }
            Some(Outage::Fails(after)) => report.data(&format!(
                "{name}: while it is down, builds fail after {}, unless a server runs already\n",
                seconds(after)
            )),
            None => {}
        }
    }

    fn works(&self) -> String {
        let parts = [
            self.sample
                .write
                .map(|time| format!("written in {}", milliseconds(time))),
            self.sample
                .read
                .map(|time| format!("read in {}", milliseconds(time))),
            self.sample
                .is_read_only
                .then(|| "readable, and not written as configured".to_owned()),
            self.sample
                .start
                .map(|time| format!("server started in {}", milliseconds(time))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }

    fn json(&self) -> Value {
        let milliseconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1000.0);
        let outage = self.outage.map(|outage| match outage {
            Outage::GoesOn => json!({ "build": "goes-on" }),
            Outage::Fails(after) => {
                json!({ "build": "fails", "after_ms": milliseconds(Some(after)) })
            }
        });
        json!({
            "name": self.back_end.name,
            "works": self.sample.failure.is_none(),
            "read_only": self.sample.is_read_only,
            "start_ms": milliseconds(self.sample.start),
            "write_ms": milliseconds(self.sample.write),
            "read_ms": milliseconds(self.sample.read),
            "failure": self.sample.failure,
            "outage": outage,
        })
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
