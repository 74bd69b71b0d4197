//! The shells that evaluate what sccfg prints, and their quoting.

use sccfg_util::posix;
use serde_json::{Map, Value};

/// The form in which variables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// bash, and any other POSIX shell
    #[value(aliases = ["sh", "dash", "ksh"])]
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// nushell
    #[value(alias = "nushell")]
    Nu,
    /// one JSON object, with null for variables to unset
    Json,
}

/// A shell that evaluates the output of `sccfg hook`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash, and any other POSIX shell
    #[value(aliases = ["sh", "dash", "ksh"])]
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// nushell
    #[value(alias = "nushell")]
    Nu,
}

impl From<Shell> for Form {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
            Shell::Nu => Self::Nu,
        }
    }
}

/// A change of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Set the variable to this value.
    Set(&'static str, String),
    /// Unset the variable.
    Unset(&'static str),
    /// Put this directory first on `PATH`.
    First {
        /// The directory to add.
        directory: String,
        /// The whole value of `PATH`, with the directory.
        whole: String,
    },
}

/// The text that makes `changes` when evaluated.
///
/// ```
/// use sccfg::shell::{Change, Form, text};
/// let changes = [Change::Set("SCCACHE_DIR", "/it's".to_owned()), Change::Unset("RUSTC_WRAPPER")];
/// assert_eq!(text(Form::Bash, &changes), "export SCCACHE_DIR=\"/it's\"\nunset RUSTC_WRAPPER\n");
/// let fish = text(Form::Fish, &changes);
/// assert!(fish.starts_with("set -gx SCCACHE_DIR '/it\\'s'\nset -eg RUSTC_WRAPPER; "));
/// ```
pub fn text(form: Form, changes: &[Change]) -> String {
    if form == Form::Json {
        return json(changes).to_string() + "\n";
    }
    changes
        .iter()
        .map(|change| line(form, change) + "\n")
        .collect()
}

fn line(form: Form, change: &Change) -> String {
    let quoted = |text: &str| quote(form, text);
    match (form, change) {
        (Form::Fish, Change::Set(name, value)) => format!("set -gx {name} {}", quoted(value)),
        (Form::Fish, Change::Unset(name)) => unset_in_fish(name),
        (Form::Fish, Change::First { directory, .. }) => {
            format!("set -gx PATH {} $PATH", quoted(directory))
        }
        (Form::Nu, Change::Set(name, value)) => format!("$env.{name} = {}", quoted(value)),
        (Form::Nu, Change::Unset(name)) => format!("hide-env --ignore-errors {name}"),
        (Form::Nu, Change::First { directory, .. }) => {
            format!("$env.PATH = ($env.PATH | prepend {})", quoted(directory))
        }
        (_, Change::Set(name, value)) => format!("export {name}={}", quoted(value)),
        (_, Change::Unset(name)) => format!("unset {name}"),
        (_, Change::First { directory, .. }) => {
            format!("export PATH={}:\"$PATH\"", quoted(directory))
        }
    }
}

/// Unsets the global variable `name`, and ends with status 0 if there is none. fish gives an exported
/// universal variable to each program unless a global one with a value hides it, and the user has set
/// it for all shells, so it stays, and a line says so.
fn unset_in_fish(name: &str) -> String {
    format!(
        "set -eg {name}; set -qUx {name}; and echo 'sccfg: {name} stays set, as a universal variable \
         (to remove it: set -eU {name})' >&2; or true"
    )
}

/// `text` as one literal word of the shell.
pub fn quote(form: Form, text: &str) -> String {
    match form {
        Form::Bash | Form::Zsh => posix::quote(text),
        Form::Fish => format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
        // nushell does not expand variables within double quotes.
        Form::Nu => format!("\"{}\"", text.chars().map(nu_character).collect::<String>()),
        Form::Json => Value::from(text).to_string(),
    }
}

/// A character within nushell's double quotes: escapes are those of JSON, except numeric ones.
fn nu_character(character: char) -> String {
    match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        control if control.is_control() => format!("\\u{{{:x}}}", u32::from(control)),
        other => other.to_string(),
    }
}

/// One object, with null for variables to unset: the format of `direnv export json`.
pub fn json(changes: &[Change]) -> Value {
    let entries = changes.iter().map(|change| match change {
        Change::Set(name, value) => ((*name).to_owned(), value.as_str().into()),
        Change::Unset(name) => ((*name).to_owned(), Value::Null),
        Change::First { whole, .. } => ("PATH".to_owned(), whole.as_str().into()),
    });
    Value::Object(entries.collect::<Map<_, _>>())
}
