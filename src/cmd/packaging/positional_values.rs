//! Positional arguments in completion scripts: their known values, which `clap_complete` writes for bash, zsh and nushell only.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Command, ValueHint};
use clap_complete::Shell;

/// The values of an argument of one command. If there are none, the argument is no path.
struct Argument {
    /// The names of the command and of those above it, such as `config` and `set`.
    command: Vec<String>,
    values: Vec<Value>,
}

struct Value {
    name: String,
    /// Empty if there is none.
    help: String,
}

impl Value {
    fn new(name: &str, help: Option<&StyledStr>) -> Self {
        Self {
            name: name.to_owned(),
            help: help.map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// The `script` of `clap_complete` for `shell`, with the values of the positional arguments of `root`.
pub(super) fn add(shell: Shell, root: &Command, mut script: String) -> String {
    let mut arguments = Vec::new();
    collect(root, &[], &mut arguments);
    if shell == Shell::Fish {
        // clap_complete takes the word `help` itself for its argument.
        let commands = root.get_subcommands();
        arguments.push(Argument {
            command: vec!["help".to_owned()],
            values: commands
                .map(|command| Value::new(command.get_name(), command.get_about()))
                .collect(),
        });
    }
    for argument in &arguments {
        match shell {
            Shell::Fish => script.push_str(&fish(argument)),
            Shell::Elvish => script = insert(&script, argument, "&'{}'= {", elvish),
            Shell::PowerShell => script = insert(&script, argument, "'{}' {", power_shell),
            _ => {}
        }
    }
    script
}

fn collect(command: &Command, above: &[String], arguments: &mut Vec<Argument>) {
    for argument in command.get_positionals() {
        let values = argument.get_possible_values();
        let values: Vec<_> = values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| Value::new(value.get_name(), value.get_help()))
            .collect();
        if !values.is_empty() || argument.get_value_hint() == ValueHint::Other {
            arguments.push(Argument {
                command: above.to_owned(),
                values,
            });
        }
    }
    for command in command.get_subcommands() {
        let path = [above, &[command.get_name().to_owned()]].concat();
        collect(command, &path, arguments);
    }
}

/// Lines that complete the argument until one of its values is there.
fn fish(argument: &Argument) -> String {
    let [command, below @ ..] = argument.command.as_slice() else {
        return String::new();
    };
    let mut condition = format!("__fish_sccfg_using_subcommand {command}");
    for name in below {
        let _ = write!(condition, "; and __fish_seen_subcommand_from {name}");
    }
    if argument.values.is_empty() {
        return format!("complete -c sccfg -n \"{condition}\" -f\n");
    }
    let names: Vec<_> = argument
        .values
        .iter()
        .map(|value| value.name.as_str())
        .collect();
    let names = names.join(" ");
    let _ = write!(condition, "; and not __fish_seen_subcommand_from {names}");
    let line = |values: &str, help: &str| {
        let help = help.replace('\\', r"\\").replace('\'', r"\'");
        let described = if help.is_empty() {
            String::new()
        } else {
            format!(" -d '{help}'")
        };
        format!("complete -c sccfg -n \"{condition}\" -f -a \"{values}\"{described}\n")
    };
    if argument.values.iter().all(|value| value.help.is_empty()) {
        return line(&names, "");
    }
    let lines = argument
        .values
        .iter()
        .map(|value| line(&value.name, &value.help));
    lines.collect()
}

/// Inserts lines for the values after the line that begins the candidates of the command, which is `header` with its name.
fn insert(
    script: &str,
    argument: &Argument,
    header: &str,
    line: fn(&str, &str) -> String,
) -> String {
    let command = format!("sccfg;{}", argument.command.join(";"));
    let header = format!("        {}\n", header.replace("{}", &command));
    if argument.values.is_empty() {
        return script.to_owned();
    }
    let mut block = header.clone();
    for Value { name, help } in &argument.values {
        let help = if help.is_empty() { name } else { help };
        let help = help.replace('\'', "''");
        let _ = writeln!(block, "            {}", line(name, &help));
    }
    script.replacen(&header, &block, 1)
}

fn elvish(name: &str, help: &str) -> String {
    format!("cand {name} '{help}'")
}

fn power_shell(name: &str, help: &str) -> String {
    format!(
        "[CompletionResult]::new('{name}', '{name}', [CompletionResultType]::ParameterValue, '{help}')"
    )
}
