//! The results of a check of the config file.

use serde::Serialize;

use sccfg_util::problem::{Place, Problem};

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Everything works; there may be a problem elsewhere.
    Note,
    /// sccache silently does something else than what is written.
    #[serde(rename = "surprises")]
    Warning,
    /// sccache fails, at every command or when its server starts, and so does cargo.
    #[serde(rename = "fails")]
    Error,
}

/// What a diagnostic is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Topic {
    /// The text of the file.
    #[default]
    File,
    /// The value of this environment variable.
    Variable(String),
    /// Variables that replace a table of the file.
    ReplacedTable,
    /// Which back ends are used.
    BackEnds,
    /// The directory and the size of the disk cache.
    Disk,
}

/// A problem that `check` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Its severity.
    pub severity: Severity,
    /// Where, if it is in the file.
    pub place: Option<Place>,
    /// The message.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// What it is about.
    #[serde(skip)]
    pub topic: Topic,
}

impl Diagnostic {
    /// The diagnostic as an error.
    pub fn into_problem(self) -> Problem {
        Problem {
            what: self.what,
            place: self.place,
            hint: self.hint,
            is_usage: false,
        }
    }

    pub(super) fn warning(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            place: None,
            what: what.into(),
            hint: Some(hint.into()),
            topic: Topic::default(),
        }
    }

    pub(super) fn error(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::warning(what, hint)
        }
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    pub(super) fn about(mut self, topic: Topic) -> Self {
        self.topic = topic;
        self
    }

    pub(super) fn of_variable(self, name: &str) -> Self {
        self.about(Topic::Variable(name.to_owned()))
    }
}
