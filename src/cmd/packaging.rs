//! `sccfg completions` and `sccfg man`, for packagers.

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Outcome;
use crate::cli::Cli;
use crate::report::Report;

pub(super) fn completions(shell: Shell, report: Report) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sccfg", &mut script);
    report.data(&String::from_utf8(script).context("could not write the completion script")?);
    Ok(Outcome::Done)
}

pub(super) fn man(report: Report) -> Result<Outcome> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .context("could not write the manual page")?;
    report.data(&String::from_utf8(page).context("could not write the manual page")?);
    Ok(Outcome::Done)
}
