//! `sccfg watch`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Outcome;
use super::report::target_of;
use super::stats::summary;
use crate::build_report::cause::Builds;
use crate::build_report::live::{line_of, objects, view};
use crate::cli;
use crate::report::Report;
use portable_wrapper::builds::{Build, RecordedBuilds};
use sccfg_util::clock::{millis, since_1970};
use sccfg_util::interrupt::Interrupt;
use sccfg_util::printed;

/// The pause between two reads of the records.
const PAUSE: Duration = Duration::from_millis(300);
/// How often Ctrl-C is checked for.
const TICK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &cli::Watch, start: &Path, report: Report) -> Result<Outcome> {
    let interrupt = Interrupt::catch().context("could not install a handler for Ctrl-C")?;
    let target = target_of(start, args.target_dir.as_deref());
    let mut screen = Screen {
        form: if args.json {
            Form::Json
        } else if Report::is_terminal_output() {
            Form::InPlace
        } else {
            Form::Lines
        },
        shown: String::new(),
        printed: None,
        report,
    };
    let mut caches = Caches::default();
    // Units that finished earlier are not printed.
    let mut builds = RecordedBuilds::new(&target);
    screen.skip(builds.read().first());
    if !args.json {
        report.text(&format!("watching {}\n", target.display()));
    }
    while !interrupt.is_received() {
        if let Some((build, earlier)) = builds.read().split_first() {
            let is_news = screen.is_news(build);
            if is_news && screen.form == Form::InPlace {
                screen.redraw(&view(
                    &Builds::new(build, earlier),
                    millis(since_1970()),
                    caches.line(start),
                ));
            } else if is_news {
                screen.lines(&Builds::new(build, earlier));
            }
        }
        let looked = Instant::now();
        while looked.elapsed() < PAUSE && !interrupt.is_received() {
            thread::sleep(TICK);
        }
    }
    Ok(Outcome::Done)
}

/// The form of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Lines that are redrawn on the terminal.
    InPlace,
    /// A line for each unit.
    Lines,
    /// An object for each unit.
    Json,
}

/// The printed state.
struct Screen {
    form: Form,
    /// The current lines on the terminal, if they are redrawn in place.
    shown: String,
    /// The build, and its units that were printed.
    printed: Option<(PathBuf, BTreeSet<String>)>,
    report: Report,
}

impl Screen {
    /// Marks everything up to now as printed.
    fn skip(&mut self, build: Option<&Build>) {
        let names = |build: &Build| build.units.iter().map(|unit| unit.unit.clone()).collect();
        self.printed = build
            .filter(|build| !build.is_running)
            .map(|build| (build.file.clone(), names(build)));
    }

    /// Whether a build runs, or has units that were not printed.
    fn is_news(&self, build: &Build) -> bool {
        let is_printed = |(file, units): &(PathBuf, BTreeSet<String>)| {
            *file == build.file && units.len() == build.units.len()
        };
        build.is_running || !self.printed.as_ref().is_some_and(is_printed)
    }

    /// Prints a line or an object for each unit that has ended since.
    fn lines(&mut self, builds: &Builds<'_>) {
        let build = builds.build;
        let mut units = match self.printed.take() {
            Some((file, units)) if file == build.file => units,
            _ => BTreeSet::new(),
        };
        let objects = match self.form {
            Form::Json => objects(builds),
            Form::InPlace | Form::Lines => Vec::new(),
        };
        for (at, unit) in build.units.iter().enumerate() {
            if !units.insert(unit.unit.clone()) {
                continue;
            }
            match objects.get(at) {
                Some(object) => self.report.json_line(object),
                None => self.report.text(&format!("{}\n", line_of(builds, unit))),
            }
        }
        self.printed = Some((build.file.clone(), units));
    }

    /// Redraws the lines on the terminal.
    fn redraw(&mut self, now: &str) {
        if now == self.shown {
            return;
        }
        let up = match self.shown.lines().count() {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        };
        self.report.data(&(up + &printed::text(now)));
        now.clone_into(&mut self.shown);
    }
}

/// The counters of server and store, which are not queried at every read.
#[derive(Default)]
struct Caches {
    asked: Option<Instant>,
    line: Option<String>,
}

impl Caches {
    fn line(&mut self, start: &Path) -> Option<&str> {
        const AGE: Duration = Duration::from_secs(5);
        if self.asked.is_none_or(|asked| asked.elapsed() > AGE) {
            self.line = summary(start);
            self.asked = Some(Instant::now());
        }
        self.line.as_deref()
    }
}
