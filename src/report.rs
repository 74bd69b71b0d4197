//! All output: results, notes, diffs and errors.

mod audit;
mod finding;
mod json;
mod progress;

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use similar::{ChangeTag, TextDiff};

use sccfg_util::problem::Problem;
use sccfg_util::{fsio, printed, secret};

pub(crate) use audit::AuditText;
pub(crate) use progress::Progress;

/// When to color.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// The first error of standard output.
static OUTPUT_ERROR: OnceLock<std::io::Error> = OnceLock::new();

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Only errors, and requested data.
    Quiet,
    /// Results and warnings.
    Normal,
    /// Also the files read and written, the programs run, and the decisions made.
    Verbose,
}

/// Prints results to standard output and the rest to standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    verbosity: Verbosity,
    color: ColorChoice,
}

impl Report {
    pub(crate) fn new(verbosity: Verbosity, color: Color) -> Self {
        let color = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { verbosity, color }
    }

    /// Prints log messages if the output is verbose. Only the first call in a process has an effect.
    pub(crate) fn follow_log(self) {
        if self.verbosity >= Verbosity::Verbose && log::set_boxed_logger(Box::new(self)).is_ok() {
            log::set_max_level(log::LevelFilter::Debug);
        }
    }

    /// A progress bar, hidden unless standard error is a terminal.
    pub(crate) fn progress(self) -> Progress {
        Progress::new(self.verbosity >= Verbosity::Normal && std::io::stderr().is_terminal())
    }

    /// Asks a yes-or-no question; `None` if this is not a terminal.
    pub(crate) fn ask(self, question: &str) -> Option<bool> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        self.err(&format!("{question} [y/N] "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).ok()?;
        Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_terminal_output() -> bool {
        std::io::stdout().is_terminal()
    }

    /// Prints a message without the secrets that it may contain.
    fn say(self, text: &str) {
        self.out(&printed::text(&secret::redact_message(text)));
    }

    fn out(self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout().lock(), self.color);
        let written = stream.write_all(text.as_bytes());
        match written.and_then(|()| stream.flush()) {
            // A closed pipe (`sccfg … | head`) is not an error.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let _ = OUTPUT_ERROR.set(error);
            }
            _ => {}
        }
    }

    /// Why something was not printed to standard output, if so.
    pub(crate) fn output_error() -> Option<Problem> {
        let error = OUTPUT_ERROR.get()?;
        let what = format!("could not write to standard output: {error}");
        Some(
            Problem::new(what)
                .hint("check the free space of the disk, and the file or program to which the output is redirected"),
        )
    }

    fn err(self, text: &str) {
        let text = secret::redact_message(text);
        let text = printed::text(&text);
        let _ = AutoStream::new(std::io::stderr().lock(), self.color).write_all(text.as_bytes());
    }

    /// Prints requested data unchanged, also with `--quiet`.
    pub(crate) fn data(self, text: &str) {
        self.out(text);
    }

    /// Prints requested text, also with `--quiet`, without the control characters that names of files may have.
    pub(crate) fn text(self, text: &str) {
        self.out(&printed::text(text));
    }

    /// Prints a finished step: `edited flake.nix`.
    pub(crate) fn done(self, verb: &str, what: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.say(&format!("{GOOD}{verb}{GOOD:#} {what}\n"));
        }
    }

    /// Prints a step that is left to the user.
    pub(crate) fn next(self, step: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.say(&format!("{HINT}next:{HINT:#}    {step}\n"));
        }
    }

    /// Whether only errors are printed.
    pub(crate) fn is_quiet(self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// Prints a line of the result.
    pub(crate) fn line(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.say(&format!("{text}\n"));
        }
    }

    /// Prints a warning with its hint.
    pub(crate) fn warning(self, problem: &Problem) {
        if self.verbosity >= Verbosity::Normal {
            self.err(&format!("{WARNING}warning:{WARNING:#} {problem}\n"));
            self.hint(problem.hint.as_deref());
        }
    }

    /// Prints a problem in one line, for a shell that starts.
    pub(crate) fn one_line(self, problem: &Problem) {
        if self.verbosity >= Verbosity::Normal {
            let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})"));
            let line = format!("sccfg: {problem}{}", hint.unwrap_or_default());
            self.err(&(line.replace(char::is_control, " ") + "\n"));
        }
    }

    /// Prints what was done, in one line, for a shell that starts.
    pub(crate) fn shell_line(self, text: &str) {
        self.one_line(&Problem::new(text));
    }

    /// Prints a note with its hint.
    pub(crate) fn note(self, problem: &Problem) {
        if self.verbosity >= Verbosity::Normal {
            self.err(&format!("{HINT}note:{HINT:#} {problem}\n"));
            self.hint(problem.hint.as_deref());
        }
    }

    /// Prints an error with its causes and its hint.
    pub(crate) fn error(self, error: &anyhow::Error) {
        self.err(&format!("{ERROR}error:{ERROR:#} {error:#}\n"));
        let hint = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Problem>()?.hint.as_deref())
            .or_else(|| {
                let io = error.chain().find_map(|cause| cause.downcast_ref());
                io.and_then(fsio::hint_for)
            });
        self.hint(hint);
    }

    fn hint(self, hint: Option<&str>) {
        if let Some(hint) = hint {
            self.err(&format!("{HINT}hint:{HINT:#} {hint}\n"));
        }
    }

    /// Prints a unified diff of one file, also with `--quiet`.
    pub(crate) fn diff(self, name: &str, before: Option<&str>, after: Option<&str>) {
        self.out(&unified_diff(name, before, after));
    }
}

/// Prefixes of the log targets of this workspace's crates.
const OWN_CRATES: [&str; 4] = [
    "sccfg",
    "nix_shell_edit",
    "portable_wrapper",
    "sccache_control",
];

/// The messages that `--verbose` shows.
impl log::Log for Report {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        OWN_CRATES
            .iter()
            .any(|name| metadata.target().starts_with(name))
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.err(&format!("{PLACE}sccfg:{PLACE:#} {}\n", record.args()));
        }
    }

    fn flush(&self) {}
}

/// A colored unified diff that `git apply` and `patch -p1` accept. `name` is relative to the repository,
/// or absolute; then the diff applies to `/`.
pub(crate) fn unified_diff(name: &str, before: Option<&str>, after: Option<&str>) -> String {
    let name = name.trim_start_matches('/');
    let header = |text: Option<&str>, side: char| match text {
        None => "/dev/null".to_owned(),
        Some(_) => format!("{side}/{name}"),
    };
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    let mut out = format!(
        "{REMOVED}--- {}{REMOVED:#}\n{ADDED}+++ {}{ADDED:#}\n",
        header(before, 'a'),
        header(after, 'b')
    );
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        out.push_str(&format!("{PLACE}{}{PLACE:#}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new()),
                ChangeTag::Delete => ('-', REMOVED),
                ChangeTag::Insert => ('+', ADDED),
            };
            let line = change.value();
            let text = line.strip_suffix('\n').unwrap_or(line);
            out.push_str(&format!("{style}{sign}{text}{style:#}\n"));
            if !line.ends_with('\n') {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}
