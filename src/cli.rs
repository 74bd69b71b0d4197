//! The command line: clap definitions, nothing else.

#![allow(clippy::doc_markdown, reason = "the documentation is the help text")]

use nix_shell_edit::generate::Toolchain;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::sccfg_toml::{FlakeRef, Incremental, ShellName, Wrapper};
use crate::shell::{Form, Shell};
use sccache_control::config::file::known_key;
use sccache_control::config::keys;
use sccfg_util::size::ByteSize;

/// Makes sccache simply work in Nix dev shells.
#[derive(Debug, Parser)]
#[command(
    name = "sccfg",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = clap::ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print also which files are read and written, which programs run, and what is decided
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to colour what is printed
    #[arg(long, value_name = "WHEN", global = true, default_value_t, value_enum)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line of a hook, read by hand: every shell that opens waits for it, and to set
    /// clap up takes longer than all the rest of it. `None` for anything else.
    pub(crate) fn hook_alone(arguments: &[OsString]) -> Option<Self> {
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
            quiet: false,
            verbose: false,
            color: Color::Auto,
            command: Command::Hook(hook),
        })
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// When printing to a terminal that wants it
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set up a repository: edit or generate flake.nix, write sccfg.toml, create or grow the
    /// user's sccache config
    Init(Init),
    /// Render the managed regions again from sccfg.toml
    Apply(Apply),
    /// Take out everything that init put in; flake.nix gets its old bytes back
    Remove(Remove),
    /// Set sccache up in your home-manager configuration: generate sccache.nix and import it
    Home(Home),
    /// Read and change sccache's own user config file
    #[command(subcommand)]
    Config(Config),
    /// Print what a shell has to set for sccache to work as the machine's file says
    Env(Env),
    /// What a dev shell evaluates: brings the server in line, prints what to set
    Hook(Hook),
    /// The life of the sccache server
    #[command(subcommand)]
    Server(Server),
    /// Print what sccache found and what not, why, and how full its cache is
    Stats(Stats),
    /// Empty the cache on the disk, once no build needs it
    Clear(Clear),
    /// Prove that caching works: build, rebuild after a clean and in a linked worktree, with what
    /// sccache found each time; exit 1 below the wanted rate
    Verify(Verify),
    /// Portable keys: the wrapper that gives a unit the same key in every checkout, in force where
    /// sccfg.toml says wrapper = "portable"
    #[cfg(unix)]
    #[command(subcommand)]
    Wrapper(WrapperCommand),
    /// Inspect, verify or clear the local store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `sccfg hook`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Hook {
    /// The shell that evaluates it
    #[arg(value_enum)]
    pub shell: Shell,
    /// The policy on incremental compilation where no sccfg.toml says it: of a shell from a Nix
    /// module
    #[arg(long, value_enum)]
    pub incremental: Option<Incremental>,
    /// The size to ask for where no sccfg.toml says it
    #[arg(long)]
    pub size: Option<ByteSize>,
}

/// `sccfg init`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Init {
    /// The repository; by default the nearest directory upwards with a sccfg.toml or flake.nix
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// The cache size to ask of the machine, such as 24GiB
    #[arg(long, value_name = "SIZE")]
    pub size: Option<ByteSize>,
    /// The cache directory to write into the user config (an absolute path)
    #[arg(long = "dir", value_name = "PATH", id = "cache_dir")]
    pub cache_dir: Option<PathBuf>,
    /// Incremental compilation against caching
    #[arg(long, value_name = "POLICY", value_enum)]
    pub incremental: Option<Incremental>,
    /// What cargo runs rustc through: sccache itself, or portable keys in front of it
    #[arg(long, value_enum)]
    pub wrapper: Option<Wrapper>,
    /// The dev shell to manage; may be given several times
    #[arg(long = "shell", value_name = "NAME")]
    pub shells: Vec<ShellName>,
    /// Where a generated flake.nix takes Rust from
    #[arg(long, value_enum)]
    pub toolchain: Option<Toolchain>,
    /// Make sccfg an input of the flake, from this address, such as github:owner/sccfg: the shell
    /// then brings sccfg itself
    #[arg(long, value_name = "URL")]
    pub input: Option<FlakeRef>,
    /// Leave the user's sccache config alone
    #[arg(long)]
    pub no_user_config: bool,
    /// Also edit what contradicts the policy in the .cargo/config.toml files
    #[arg(long)]
    pub fix_cargo_config: bool,
    /// Write or complete .envrc, so that direnv enters the dev shell
    #[arg(long)]
    pub direnv: bool,
    /// Make new files known to git (`git add -N`), without which flakes do not see them
    #[arg(long)]
    pub git_add: bool,
    /// How to run
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg apply`
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The repository; by default the nearest directory upwards with a sccfg.toml or flake.nix
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Write nothing; exit 1 with the diff when something is out of date
    #[arg(long)]
    pub check: bool,
    /// Leave the user's sccache config alone
    #[arg(long)]
    pub no_user_config: bool,
    /// How to run
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg remove`
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The repository; by default the nearest directory upwards with a sccfg.toml or flake.nix
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// How to run
    #[command(flatten)]
    pub output: PlanOutput,
}

/// `sccfg home`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Home {
    /// The directory of the configuration, or the module to edit; by default ~/.config/home-manager
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub dir: Option<PathBuf>,
    /// The size of the cache, such as 24GiB [default: as it is, or 10GiB]
    #[arg(long, value_name = "SIZE")]
    pub size: Option<ByteSize>,
    /// The directory of the cache (an absolute path)
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Have cargo use sccache outside of dev shells as well, with this policy
    #[arg(long, value_name = "POLICY", value_enum)]
    pub incremental: Option<Incremental>,
    /// Of several users of NixOS or nix-darwin, this one's home
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub user: Option<String>,
    /// Of several homeConfigurations, this one
    #[arg(long, value_name = "NAME")]
    pub config: Option<String>,
    /// Take the values of a config file over that is there already, and move it to config.backup
    #[arg(long)]
    pub take_over: bool,
    /// Take the module and its import out again
    #[arg(long, conflicts_with_all = ["size", "cache_dir", "incremental", "user", "config", "take_over", "check"])]
    pub remove: bool,
    /// Write nothing; exit 1 with the diff when something is out of date
    #[arg(long)]
    pub check: bool,
    /// Make the new file known to git (`git add -N`), without which flakes do not see it
    #[arg(long)]
    pub git_add: bool,
    /// How to run
    #[command(flatten)]
    pub output: PlanOutput,
}

/// How a command that changes files shows and does it.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PlanOutput {
    /// Show a unified diff and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// `sccfg config`
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print what sccache will use, and where each value comes from
    Show {
        /// Print passwords, tokens and addresses that hold them, too
        #[arg(long)]
        show_secrets: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the path of the file
    Path {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Report what makes sccache fail, and what it takes otherwise than meant; exit 1 if anything
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what the file has for a key; exit 1 if nothing
    Get {
        /// The key, such as cache.disk.size
        #[arg(value_parser = KeyParser, hide_possible_values = true)]
        key: String,
        /// Print passwords, tokens and addresses that hold them, too
        #[arg(long)]
        show_secrets: bool,
        /// Print JSON, sizes as numbers
        #[arg(long)]
        json: bool,
    },
    /// Set a value; comments and order are kept
    Set {
        /// The key, such as cache.disk.size
        #[arg(value_parser = KeyParser, hide_possible_values = true)]
        key: String,
        /// The value, such as 24GiB; several with commas between, where the key takes a list
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// More keys and values, for a table that needs several at once
        #[arg(value_name = "KEY VALUE", allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Take a key or a whole table out
    Unset {
        /// The key, such as cache.disk.size or cache.redis
        #[arg(value_parser = KeyParser, hide_possible_values = true)]
        key: String,
    },
}

/// `sccfg env`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Env {
    /// The shell that reads it
    #[arg(long, value_name = "SHELL", value_enum, default_value = "bash")]
    pub shell: Form,
    /// In JSON, also the passwords and tokens among the variables of the back ends
    #[arg(long)]
    pub show_secrets: bool,
}

/// `sccfg server`
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Server {
    /// Print what runs, what it has otherwise than the file says, and what it is doing; exit 1 if
    /// anything is not as it should be
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Start it, with nothing of this shell but what its back ends need
    Start {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop it, once no build needs it
    Stop(Waiting),
    /// Stop it, once no build needs it, and start it again
    Restart(Waiting),
    /// Bring it in line with the file: restart it only over a difference, and only when idle
    Ensure(Waiting),
}

/// `sccfg wrapper`
#[cfg(unix)]
#[derive(Debug, Subcommand)]
pub(crate) enum WrapperCommand {
    /// Put the wrapper where RUSTC_WRAPPER can name it
    Install,
    /// Print the wrapper's path; it is put there if need be
    Path,
    /// Print where it is, which sccache it runs and whether it is in force here
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take away the link and all that the wrapper remembers; what sccache has cached stays
    Clean,
    /// Say of a crate's units whether they are shared between checkouts, what their keys saw, and
    /// why not
    Explain {
        /// The crate, or its package
        #[arg(value_name = "CRATE")]
        name: String,
        /// The directory in which units are compiled [default: what `cargo metadata` says]
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        target_dir: Option<PathBuf>,
        /// Compare with another checkout, and print only what its keys saw otherwise
        #[arg(long, value_name = "CHECKOUT", value_hint = clap::ValueHint::DirPath)]
        against: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `sccfg store`
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Print its directory, its size, and how often it had a unit
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare every file with its digest, and remove what is damaged
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove all entries
    Clear,
}

/// `sccfg stats`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Stats {
    /// Set the counters to zero, once they are printed
    #[arg(long, conflicts_with = "watch")]
    pub zero: bool,
    /// Print them again as they change, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// Print JSON; with --watch, one object a line
    #[arg(long)]
    pub json: bool,
}

/// `sccfg clear`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Clear {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Wait so long for builds to end
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub wait: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `sccfg verify`
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Verify {
    /// The directory of the project
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Use the real cache and server, rather than empty ones that go again
    #[arg(long)]
    pub in_place: bool,
    /// Build once more without sccache
    #[arg(long)]
    pub baseline: bool,
    /// Leave the build in a linked worktree out
    #[arg(long)]
    pub no_worktree: bool,
    /// The rate that the clean rebuild has to reach, in every language
    #[arg(long, value_name = "PERCENT", default_value_t = 50.0, value_parser = percent)]
    pub min_hit_rate: f64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Arguments of `cargo build`, or another command of cargo's with its own
    #[arg(last = true, value_name = "CARGO ARGS")]
    pub cargo_args: Vec<OsString>,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}

/// How much a command minds builds in flight.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Waiting {
    /// Wait so long for builds to end [default: 600; ensure: 0]
    #[arg(long, value_name = "SECONDS", conflicts_with = "force")]
    pub wait: Option<u64>,
    /// Do it now: builds in flight fall back to compiling without sccache
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Takes the keys that sccache knows: completions list them, errors name the nearest.
#[derive(Debug, Clone)]
pub(crate) struct KeyParser;

impl TypedValueParser for KeyParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        let name = value.to_string_lossy();
        known_key(&name)
            .map(|_| name.into_owned())
            .map_err(|problem| {
                let hint = problem.hint.as_deref().unwrap_or_default();
                clap::Error::raw(
                    ErrorKind::InvalidValue,
                    format!("{}\nhint: {hint}\n", problem.what),
                )
                .with_cmd(command)
            })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = keys::names()
            .iter()
            .map(|name| PossibleValue::new(name.as_str()));
        Some(Box::new(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_hook_read_by_hand_is_the_one_that_clap_reads() {
        for shell in ["bash", "zsh", "fish", "nu", "tcsh", "--help"] {
            let by_hand = Cli::hook_alone(&["hook".into(), shell.into()]);
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
            let by_hand = Cli::hook_alone(&line.clone().map(Into::into).collect::<Vec<_>>());
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
        assert!(Cli::hook_alone(&["hook".into()]).is_none());
        assert!(Cli::hook_alone(&["env".into(), "bash".into()]).is_none());
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
