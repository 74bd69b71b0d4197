//! Findings of checks.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::Check;
use sccfg_util::fsio::{self, Change, Links, NewFileMode};
use sccfg_util::problem::{Place, Problem};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It costs cache hits, time or space.
    Warning,
    /// cargo or sccache fails.
    Error,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Where {
    File(Place),
    /// A file or directory as a whole.
    Path(PathBuf),
    /// A variable of this shell.
    Variable(String),
    Process {
        pid: u32,
        /// The description, such as `the server at port 4226`.
        what: String,
    },
    /// The address of a server.
    Address(String),
    /// A unit of systemd's user manager.
    Unit(&'static str),
}

impl Where {
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::File(place) => {
                json!({ "file": place.path.display().to_string(), "line": place.line, "column": place.column })
            }
            Self::Path(path) => json!({ "file": path.display().to_string() }),
            Self::Variable(name) => json!({ "variable": name }),
            Self::Process { pid, what } => json!({ "pid": pid, "process": what }),
            Self::Address(address) => json!({ "address": address }),
            Self::Unit(unit) => json!({ "unit": unit }),
        }
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => write!(f, "{place}"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Process { pid, what } => write!(f, "process {pid}, {what}"),
            Self::Address(address) => f.write_str(address),
            Self::Unit(unit) => write!(f, "{unit} of systemd's user manager"),
        }
    }
}

/// How a problem is solved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// This command.
    Command(String),
    /// Another action, described in a sentence.
    Words(String),
}

/// A change that solves a problem.
pub(crate) struct Fix {
    /// The action, as the end of a question: `restart the server`.
    pub what: String,
    action: Box<dyn Fn() -> Result<(), Problem> + Send>,
}

impl Fix {
    pub(super) fn new(
        what: impl Into<String>,
        action: impl Fn() -> Result<(), Problem> + Send + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            action: Box::new(action),
        }
    }

    /// Replaces the text of the file at `path` by the result of `change`.
    pub(super) fn edit(
        what: impl Into<String>,
        path: &Path,
        links: Links,
        change: impl Fn(&str) -> Result<String, Problem> + Send + 'static,
    ) -> Self {
        let path = path.to_owned();
        Self::new(what, move || {
            // An earlier fix may have changed it.
            let before = fsio::read(&path)?.unwrap_or_default();
            let after = change(&before)?;
            fsio::commit(&[Change {
                path: path.clone(),
                before: Some(before),
                after: Some(after),
                links: links.clone(),
                new_file_mode: NewFileMode::Umask,
            }])
        })
    }

    /// Makes the change.
    ///
    /// # Errors
    /// If that fails; nothing is changed then.
    pub(crate) fn apply(&self) -> Result<(), Problem> {
        (self.action)()
    }
}

impl fmt::Debug for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fix").field(&self.what).finish()
    }
}

/// A problem that a check found.
#[derive(Debug)]
pub(crate) struct Finding {
    pub severity: Severity,
    /// The problem, in one sentence.
    pub what: String,
    pub place: Option<Where>,
    pub remedy: Remedy,
    pub fix: Option<Fix>,
}

impl Finding {
    /// cargo or sccache fails.
    pub(crate) fn error(what: impl Into<String>, remedy: Remedy) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::warning(what, remedy)
        }
    }

    /// Something costs cache hits, time or space.
    pub(crate) fn warning(what: impl Into<String>, remedy: Remedy) -> Self {
        Self {
            severity: Severity::Warning,
            what: what.into(),
            place: None,
            remedy,
            fix: None,
        }
    }

    /// A problem that another command reports as well.
    pub(super) fn of_problem(severity: Severity, problem: Problem) -> Self {
        let hint = problem.hint;
        let hint = hint.unwrap_or_else(|| "correct it, then run `sccfg doctor` again".to_owned());
        Self {
            severity,
            place: problem.place.map(Where::File),
            ..Self::warning(problem.what, Remedy::Words(hint))
        }
    }

    pub(crate) fn at(mut self, place: impl Into<Option<Where>>) -> Self {
        self.place = place.into();
        self
    }

    pub(super) fn fixed_by(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.fix = fix.into();
        self
    }
}

/// A finding, and the check that made it.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub check: &'static Check,
    pub finding: Finding,
}

impl Diagnosis {
    pub(crate) fn json(&self) -> Value {
        let finding = &self.finding;
        let (command, words) = match &finding.remedy {
            Remedy::Command(command) => (Some(command), None),
            Remedy::Words(words) => (None, Some(words)),
        };
        json!({
            "code": self.check.code,
            "name": self.check.name,
            "severity": finding.severity,
            "what": finding.what,
            "where": finding.place.as_ref().map(Where::json),
            "why": self.check.why,
            "command": command,
            "advice": words,
            "fixable": finding.fix.is_some(),
        })
    }
}
