//! What a check of a config file found.

use serde::Serialize;

use sccfg_util::problem::{Place, Problem};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; nothing is wrong here and now.
    Note,
    /// sccache silently does otherwise than what is written.
    #[serde(rename = "surprises")]
    Warning,
    /// sccache ends with an error, at any command or when its server starts; cargo fails with it.
    #[serde(rename = "fails")]
    Error,
}

/// Something that `check` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where in the file, if it is in the file.
    pub place: Option<Place>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// The finding as an error.
    pub fn into_problem(self) -> Problem {
        Problem {
            what: self.what,
            place: self.place,
            hint: self.hint,
        }
    }

    pub(super) fn surprise(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            place: None,
            what: what.into(),
            hint: Some(hint.into()),
        }
    }

    pub(super) fn failure(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::surprise(what, hint)
        }
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}
