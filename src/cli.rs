//! The command line: clap definitions, nothing else.

#![allow(clippy::doc_markdown, reason = "the documentation is the help text")]

mod audit;
mod cargo;
mod ci;
mod config;
mod dist;
mod docker;
mod doctor;
mod gc;
mod remote;
mod report;
mod repository;
mod seed;
mod server;
mod shell;
mod store;
mod verify;
mod wrapper;

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub(crate) use audit::Audit;
pub(crate) use cargo::Cargo;
pub(crate) use ci::{Ci, CiMode};
pub(crate) use config::Config;
pub(crate) use dist::{Dist, DistCheck, DistClient, DistScheduler, DistServer, DistToolchain};
pub(crate) use docker::Docker;
pub(crate) use doctor::Doctor;
pub(crate) use gc::Gc;
pub(crate) use remote::{Remote, RemoteAdd, RemoteCheck};
pub(crate) use report::{BuildReports, Explain, Watch};
pub(crate) use repository::{Apply, Home, Init, PlanOutput, Remove};
pub(crate) use seed::{Seed, WorktreeCommand};
pub(crate) use server::{Clear, Server, Stats, Waiting};
pub(crate) use shell::{Env, Hook};
pub(crate) use store::StoreCommand;
pub(crate) use verify::Verify;
pub(crate) use wrapper::WrapperCommand;

use crate::report::{Color, Report, Verbosity};
use crate::sccfg_toml::Incremental;
use crate::shell::Shell;

const GLOBAL: &str = "Global options";

/// Configure sccache for Rust projects in Nix dev shells
#[derive(Debug, Parser)]
#[command(
    name = "sccfg",
    version,
    arg_required_else_help = true,
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = "\
Examples:
  sccfg init --size 24GiB    Set up the repository around the current directory
  sccfg verify               Measure what the cache saves
  sccfg doctor               Find problems of this shell, repository and machine

Run `sccfg COMMAND --help` for the options of a command."
)]
pub(crate) struct Cli {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = clap::ValueHint::DirPath)]
    #[arg(help_heading = GLOBAL)]
    pub directory: Option<PathBuf>,
    /// Print only errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub quiet: bool,
    /// Also print the files read and written, the programs run, and the decisions made
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
    /// Color the output; auto: on terminals that support it
    #[arg(long, value_name = "WHEN", global = true, default_value_t, value_enum)]
    #[arg(help_heading = GLOBAL)]
    pub color: Color,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::Help, help_heading = GLOBAL)]
    help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = GLOBAL)]
    version: Option<bool>,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the command line of a hook without clap, whose set-up takes longer than the hook
    /// itself: every new shell waits for it. `None` for any other command line.
    pub(crate) fn parse_hook(arguments: &[OsString]) -> Option<Self> {
        let [hook, shell, options @ ..] = arguments else {
            return None;
        };
        if hook != "hook" {
            return None;
        }
        let mut hook = Hook {
            shell: Shell::from_str(shell.to_str()?, false).ok()?,
            incremental: None,
            size: None,
        };
        for option in options {
            match option.to_str()?.split_once('=')? {
                ("--incremental", value) if hook.incremental.is_none() => {
                    hook.incremental = Some(Incremental::from_str(value, false).ok()?);
                }
                ("--size", value) if hook.size.is_none() => hook.size = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(Self {
            directory: None,
            help: None,
            version: None,
            quiet: false,
            verbose: false,
            color: Color::Auto,
            command: Command::Hook(hook),
        })
    }
}

impl Cli {
    /// Parses the command line. Its help and its errors are colored as its `--color` says.
    pub(crate) fn parse_in_color(arguments: &[OsString]) -> Self {
        let color = color_of(arguments);
        let choice = match color {
            Color::Auto => clap::ColorChoice::Auto,
            Color::Always => clap::ColorChoice::Always,
            Color::Never => clap::ColorChoice::Never,
        };
        let mut command = Self::command().color(choice);
        let words = [OsString::from("sccfg")]
            .into_iter()
            .chain(arguments.iter().cloned());
        let parsed = command.try_get_matches_from_mut(words).and_then(|matches| {
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        });
        parsed.unwrap_or_else(|error| print_and_exit(&error, color))
    }
}

/// Prints help, the version or an error, and ends the process.
fn print_and_exit(error: &clap::Error, color: Color) -> ! {
    if error.use_stderr() {
        error.exit();
    }
    let report = Report::new(Verbosity::Normal, color);
    report.data(&error.render().ansi().to_string());
    let failed = Report::output_error();
    if let Some(problem) = &failed {
        report.error(&problem.clone().into());
    }
    std::process::exit(i32::from(failed.is_some()))
}

/// A whole number.
fn whole_number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "expected a whole number")
}

/// The value of the last valid `--color` before `--`.
fn color_of(arguments: &[OsString]) -> Color {
    let words: Vec<&str> = arguments
        .iter()
        .map(|word| word.to_str().unwrap_or_default())
        .take_while(|word| *word != "--")
        .collect();
    let last = words.iter().enumerate().rev().find_map(|(at, word)| {
        let value = match *word {
            "--color" => words.get(at + 1)?,
            word => word.strip_prefix("--color=")?,
        };
        Color::from_str(value, false).ok()
    });
    last.unwrap_or_default()
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set up a repository: edit flake.nix or devenv.nix, or generate a flake, write sccfg.toml and sccache's config file
    Init(Init),
    /// Update the managed regions from sccfg.toml
    Apply(Apply),
    /// Undo init in the repository; restore flake.nix and devenv.nix byte for byte
    Remove(Remove),
    /// Set up sccache in a home-manager configuration: generate sccache.nix and import it
    Home(Home),
    /// Use sccache in every project: set build.rustc-wrapper in the user's configuration of cargo
    Cargo(Cargo),
    /// Read, check and change sccache's config file and the settings of the local store
    #[command(subcommand)]
    Config(Config),
    /// Set up, list, check and remove remote back ends, which share the cache between machines
    #[command(subcommand)]
    Remote(Remote),
    /// Compile on other machines: set up sccache-dist's scheduler, build servers and clients, and check them
    #[command(subcommand)]
    Dist(Dist),
    /// Set up sccache in CI: add an action or a script, and the steps that use it
    #[command(subcommand)]
    Ci(Ci),
    /// Use sccache in container image builds: edit Dockerfiles, or generate one
    Docker(Docker),
    /// Print the variables that make a shell use sccache, without touching the server
    Env(Env),
    /// Print the variables that a dev shell evaluates, and restart an idle server whose settings differ
    Hook(Hook),
    /// Manage the sccache server
    #[command(subcommand)]
    Server(Server),
    /// Print hits and misses of sccache and the local store, reasons for not caching, and cache usage
    Stats(Stats),
    /// Empty the local store, and the cache on the disk once no build uses it
    Clear(Clear),
    /// Find problems of this shell, repository and machine; exit with 1 if there are any
    Doctor(Doctor),
    /// Report on the last build: hits, misses with their reasons, times, the critical path
    Report(BuildReports),
    /// Print why a crate was compiled, found in a cache, or not looked up
    Explain(Explain),
    /// Find problems of every repository below some directories; exit with 1 if there are any
    Audit(Audit),
    /// Show the progress of a build in another terminal, until Ctrl-C
    Watch(Watch),
    /// Measure a cold build, a clean rebuild and a linked worktree; exit with 1 if the hit rate is too low
    Verify(Verify),
    /// Manage the wrapper for portable keys
    #[command(subcommand)]
    Wrapper(WrapperCommand),
    /// Fill the target directory of this worktree from another one
    Seed(Seed),
    /// Add a git worktree and fill its target directory from another one
    #[command(subcommand)]
    Worktree(WorktreeCommand),
    /// Inspect, verify or clear the local store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Remove unused target directories, and garbage of the local store
    Gc(Gc),
    /// Print a completion script for a shell
    Completions {
        /// Shell to complete in
        shell: CompletedShell,
    },
    /// Print a manual page
    Man {
        /// Command whose page to print, such as `config set` [default: sccfg itself]
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
        /// Write the pages of all commands into DIR instead
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        #[arg(conflicts_with = "command")]
        out_dir: Option<PathBuf>,
    },
}

/// A shell for which there is a completion script.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CompletedShell {
    Bash,
    Elvish,
    Fish,
    #[value(alias = "nu")]
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_read_by_hand_is_the_one_that_clap_reads() {
        for shell in ["bash", "zsh", "fish", "nu", "tcsh", "--help"] {
            let by_hand = Cli::parse_hook(&["hook".into(), shell.into()]);
            let by_clap = Cli::try_parse_from(["sccfg", "hook", shell]).ok();
            assert_eq!(format!("{by_hand:?}"), format!("{by_clap:?}"));
        }
        for options in [
            &["--incremental=auto", "--size=25769803776"][..],
            &["--size=24GiB"],
            &["--size="],
            &["--incremental=on"],
            &["--size=1", "--size=2"],
            &["--color=never"],
        ] {
            let line = ["hook", "bash"].iter().chain(options);
            let by_hand = Cli::parse_hook(&line.clone().map(Into::into).collect::<Vec<_>>());
            let by_clap = Cli::try_parse_from(["sccfg"].iter().chain(line)).ok();
            if let Some(by_hand) = by_hand {
                assert_eq!(format!("{by_hand:?}"), format!("{:?}", by_clap.unwrap()));
            } else {
                assert!(
                    by_clap.is_none() || options == ["--color=never"],
                    "{options:?}"
                );
            }
        }
        assert!(Cli::parse_hook(&["hook".into()]).is_none());
        assert!(Cli::parse_hook(&["env".into(), "bash".into()]).is_none());
    }

    /// Calls `check` with each option of each command.
    fn for_each_option(command: &clap::Command, check: &dyn Fn(&str, &clap::Arg)) {
        for option in command.get_arguments() {
            check(command.get_name(), option);
        }
        for command in command.get_subcommands() {
            for_each_option(command, check);
        }
    }

    #[test]
    fn an_option_has_one_name_and_one_form_in_all_commands() {
        for_each_option(&Cli::command(), &|command, option| {
            let Some(long) = option.get_long() else {
                return;
            };
            let short = match long {
                "dry-run" => Some('n'),
                "yes" => Some('y'),
                "help" | "version" | "quiet" | "verbose" => return,
                _ => None,
            };
            assert_eq!(option.get_short(), short, "{command} --{long}");
            let values = option.get_value_names().unwrap_or_default();
            let values: Vec<&str> = values.iter().map(clap::builder::Str::as_str).collect();
            let expected = match long {
                "incremental" if option.get_action().takes_values() => ["POLICY"],
                "size" | "cache-size" => ["SIZE"],
                "wait" | "limit" => ["SECONDS"],
                "target-dir" => ["DIR"],
                _ => return,
            };
            assert_eq!(values, expected, "{command} --{long}");
        });
    }

    #[test]
    fn completions_know_the_keys() {
        let mut script = Vec::new();
        let mut command = Cli::command();
        clap_complete::generate(
            clap_complete::Shell::Bash,
            &mut command,
            "sccfg",
            &mut script,
        );
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains(" cache.disk.size "));
    }
}
