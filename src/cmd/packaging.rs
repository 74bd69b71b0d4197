//! `sccfg completions` and `sccfg man`, for packagers.

mod positional_values;

use std::path::Path;
use std::string::FromUtf8Error;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, ValueHint};
use clap_complete::{Generator, Shell, generate};
use clap_complete_nushell::Nushell;

use super::Outcome;
use crate::cli::{Cli, CompletedShell};
use crate::report::Report;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

pub(super) fn completions(shell: CompletedShell, report: Report) -> Result<Outcome> {
    let script = match shell {
        CompletedShell::Bash => script_of(Shell::Bash),
        CompletedShell::Elvish => script_with_values(Shell::Elvish),
        CompletedShell::Fish => script_with_values(Shell::Fish),
        CompletedShell::Nushell => script_of(Nushell),
        CompletedShell::PowerShell => script_with_values(Shell::PowerShell),
        CompletedShell::Zsh => script_of(Shell::Zsh),
    };
    report.data(&script.context("could not write the completion script")?);
    Ok(Outcome::Done)
}

fn script_of(shell: impl Generator) -> Result<String, FromUtf8Error> {
    let mut script = Vec::new();
    generate(shell, &mut completed(Cli::command()), "sccfg", &mut script);
    String::from_utf8(script)
}

/// The command, with arguments that are no paths marked as such. Otherwise, shells complete them with names of files.
fn completed(command: clap::Command) -> clap::Command {
    let mark = |argument: clap::Arg| match argument.get_value_hint() {
        ValueHint::Unknown if argument.get_action().takes_values() => {
            argument.value_hint(ValueHint::Other)
        }
        _ => argument,
    };
    command.mut_args(mark).mut_subcommands(completed)
}

fn script_with_values(shell: Shell) -> Result<String, FromUtf8Error> {
    let script = script_of(shell)?;
    let command = completed(Cli::command());
    Ok(positional_values::add(shell, &command, script))
}

/// Prints the manual page of the command with this name, or of sccfg.
pub(super) fn manual(name: &[String], report: Report) -> Result<Outcome> {
    let root = command();
    let mut command = &root;
    for word in name {
        let Some(found) = command.find_subcommand(word) else {
            let name = name.join(" ");
            return Err(Problem::new(format!("no command `{name}`"))
                .hint("`sccfg --help` lists the commands")
                .in_arguments()
                .into());
        };
        command = found;
    }
    let (_, page) = page(command)?;
    report.data(&String::from_utf8(page).context("could not write the manual page")?);
    Ok(Outcome::Done)
}

/// Writes the manual pages of all commands into `directory`: `sccfg.1`, `sccfg-config.1`,
/// `sccfg-config-set.1`, …
pub(super) fn manuals(directory: &Path, report: Report) -> Result<Outcome> {
    fn write(command: &clap::Command, directory: &Path) -> Result<usize> {
        let (name, page) = page(command)?;
        let path = directory.join(name);
        fsio::replace_and_create_dir(&path, &page)
            .with_context(|| format!("could not write {}", path.display()))?;
        let mut count = 1;
        for command in command.get_subcommands() {
            count += write(command, directory)?;
        }
        Ok(count)
    }
    let count = write(&command(), directory)?;
    report.done(
        "wrote",
        &format!("{count} manual pages to {}", directory.display()),
    );
    Ok(Outcome::Done)
}

/// sccfg's command line with the full names of its commands, and the options that they inherit.
fn command() -> clap::Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// The file name and the text of a command's manual page.
fn page(command: &clap::Command) -> Result<(String, Vec<u8>)> {
    // Only the command itself has a version.
    let source = concat!("sccfg ", env!("CARGO_PKG_VERSION"));
    // Without a date, the source would be in its place.
    let manual = clap_mangen::Man::new(command.clone())
        .date(" ")
        .source(source);
    let mut page = Vec::new();
    manual
        .render(&mut page)
        .context("could not write the manual page")?;
    Ok((manual.get_filename(), page))
}
