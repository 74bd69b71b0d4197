//! `hook` and `env`: commands whose output a shell evaluates.

use std::ffi::OsStr;
use std::marker::PhantomData;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use sccfg_util::size::ByteSize;

use crate::sccfg_toml::Incremental;
use crate::shell::{Form, Shell};

/// `sccfg hook`
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Hook {
    /// Shell that evaluates the output
    #[arg(value_parser = ShellParser::<Shell>::NEW)]
    pub shell: Shell,
    /// Policy for incremental compilation, if there is no sccfg.toml
    #[arg(long, value_name = "POLICY", value_enum)]
    pub incremental: Option<Incremental>,
    /// Cache size to request, if there is no sccfg.toml
    #[arg(long)]
    pub size: Option<ByteSize>,
}

/// `sccfg env`
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "\
Examples:
  eval \"$(sccfg env)\"                  In bash, zsh or another POSIX shell
  sccfg env --shell fish | source      In fish")]
pub(crate) struct Env {
    /// Print the variables in the syntax of this shell
    #[arg(long, value_name = "SHELL", value_parser = ShellParser::<Form>::NEW, default_value = "bash")]
    pub shell: Form,
    /// Include passwords and tokens of back ends in JSON
    #[arg(long)]
    pub show_secrets: bool,
}

/// Accepts a shell by its name. The error for another one says what that shell can read.
#[derive(Debug, Clone, Copy)]
struct ShellParser<T>(PhantomData<fn() -> T>);

impl<T> ShellParser<T> {
    const NEW: Self = Self(PhantomData);
}

impl<T: ValueEnum + Send + Sync + 'static> TypedValueParser for ShellParser<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let name = value.to_string_lossy();
        T::from_str(&name, false).map_err(|_| {
            let known = T::value_variants().iter();
            let known: Vec<String> = known
                .filter_map(|shell| Some(shell.to_possible_value()?.get_name().to_owned()))
                .collect();
            clap::Error::raw(
                ErrorKind::InvalidValue,
                format!(
                    "no syntax for the shell `{name}`: the known ones are {}\n\
                     hint: every POSIX shell reads that of bash; for others, convert `sccfg env --shell json`\n",
                    known.join(", ")
                ),
            )
            .with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let shells = T::value_variants().iter();
        Some(Box::new(shells.filter_map(T::to_possible_value)))
    }
}
