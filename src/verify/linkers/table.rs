//! The links as text.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use super::{Linkers, ProgramLinks};
use crate::sccfg_toml::Linker;

/// A table with a row for each program and linker, and what it means for a build.
pub(crate) fn table(linkers: &Linkers) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["program", "linker", "least", "median", "", "made by"]);
    for column in table.column_iter_mut().skip(2).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for program in &linkers.programs {
        let system = program.least(Linker::System);
        for links in &program.links {
            let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), milliseconds);
            let change = match (system, links.least) {
                (Some(system), Some(least)) if links.linker != Linker::System => {
                    percent(system, least)
                }
                _ => String::new(),
            };
            let by = match (&links.failure, &links.made_by) {
                (Some(why), _) => format!("cannot link it: {why}"),
                (None, Some(name)) => name.clone(),
                (None, None) => "a linker that leaves no name, as GNU ld".to_owned(),
            };
            table.add_row([
                program.program.clone(),
                links.linker.name().to_owned(),
                time(links.least),
                time(links.median),
                change,
                by,
            ]);
        }
    }
    let mut out: String = table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect();
    out.push('\n');
    for program in &linkers.programs {
        out.push_str(&of_build(program, linkers.best));
    }
    out.push_str(&advice(linkers.best));
    out
}

/// The share of the link in the time of a build.
fn of_build(program: &ProgramLinks, best: Option<Linker>) -> String {
    let Some(link) = program.least(Linker::System) else {
        return String::new();
    };
    let (name, build) = (&program.program, program.rebuild);
    let mut text = format!(
        "a build that compiles {name} alone takes {}, {} of it to link",
        milliseconds(build),
        milliseconds(link)
    );
    if let Some(best) = best
        && let Some(faster) = program.least(best)
    {
        let then = (build + faster).saturating_sub(link);
        text.push_str(&format!(
            "; with {} it would take {} ({})",
            best.name(),
            milliseconds(then),
            percent(build, then)
        ));
    }
    text + "\n"
}

/// The setting that selects the best linker.
fn advice(best: Option<Linker>) -> String {
    let Some(best) = best else {
        return "no other linker here is faster by 5 % or more\n".to_owned();
    };
    let name = best.name();
    format!(
        "to use {name}: write `linker = \"{name}\"` below [cargo] of sccfg.toml, and run `sccfg apply`; for builds \
         without the dev shell also `linker-config = \"set\"`\n"
    )
}

fn milliseconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 10.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds => format!("{seconds:.1} s"),
    }
}

/// How much less `now` is than `before`.
fn percent(before: Duration, now: Duration) -> String {
    let change = (now.as_secs_f64() / before.as_secs_f64() - 1.0) * 100.0;
    format!("{change:+.0} %").replace('-', "−")
}
