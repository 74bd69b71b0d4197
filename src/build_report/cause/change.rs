//! The cause that a change of a key is.

use super::super::key_part;
use super::{Cause, CauseKind};
use portable_wrapper::builds::{Change, Kind, Part};

/// The two compared states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// An earlier build and a later one of the same checkout.
    Builds,
    /// Another checkout and this one.
    Checkouts,
}

impl Between {
    /// How a named thing changed.
    fn became(self, change: &Change) -> &'static str {
        match (self, &change.from, &change.to) {
            (Self::Builds, None, _) => "was added",
            (Self::Builds, _, None) => "was removed",
            (Self::Builds, ..) => "changed",
            (Self::Checkouts, None, _) => "is only here",
            (Self::Checkouts, _, None) => "is only there",
            (Self::Checkouts, ..) => "differs",
        }
    }

    /// How a variable changed.
    fn became_variable(self, change: &Change) -> String {
        let (from, to) = (change.from.as_deref(), change.to.as_deref());
        let is_unset = |value: Option<&str>| matches!(value, None | Some("unset"));
        match (self, is_unset(from), is_unset(to)) {
            (Self::Builds, true, false) => "was set".to_owned(),
            (Self::Builds, false, true) => "was unset".to_owned(),
            (Self::Checkouts, true, false) => "is set only here".to_owned(),
            (Self::Checkouts, false, true) => "is set only there".to_owned(),
            _ => match (from, to) {
                (Some(from), Some(to)) if from.starts_with('"') && to.starts_with('"') => {
                    format!("is {to} instead of {from}")
                }
                _ => "has another value".to_owned(),
            },
        }
    }
}

/// The cause that corresponds to a change of a key. `more` is the number of further changes of the same kind.
pub(crate) fn cause_of(change: &Change, more: usize, between: Between) -> Cause {
    let others = |what: &str| match more {
        0 => String::new(),
        1 => format!(" and another {what}"),
        more => format!(" and {more} other {what}s"),
    };
    let became = between.became(change);
    let (kind, text) = match change.kind() {
        Kind::Source => {
            let text = match (change.file(), change.part()) {
                (Some(file), _) => format!("{}{} {became}", key_part::path(file), others("file")),
                (None, Part::History) => format!("the state of git {became}"),
                (None, Part::Workspace) => format!("a file {became} that a macro may read"),
                (None, Part::Package) => format!("the content of its package {became}"),
                (None, _) => format!("{} {became}", change.what),
            };
            (CauseKind::Source, text)
        }
        Kind::Variable => {
            let name = change.variable().unwrap_or(&change.what);
            let became = between.became_variable(change);
            let text = format!("the variable {name}{} {became}", others("variable"));
            (CauseKind::Variable, text)
        }
        Kind::Flag => (CauseKind::Flag, flag(change, became) + &others("flag")),
        Kind::Compiler => {
            let is_there_once = change.from.is_none() || change.to.is_none();
            let text = match change.part() {
                Part::ClippyDriver => "another clippy".to_owned(),
                Part::StandardLibrarySources if is_there_once => {
                    format!("the component rust-src {became}")
                }
                _ => "another compiler".to_owned(),
            };
            (CauseKind::Compiler, text)
        }
        Kind::Machine => {
            let text = match change.part() {
                Part::Program(program) => format!("the program {program} {became}"),
                _ => "other programs or headers, or another processor".to_owned(),
            };
            (CauseKind::Machine, text)
        }
        Kind::Generated => {
            let text = "its build script wrote something else".to_owned();
            (CauseKind::Generated, text)
        }
        Kind::Dependency => {
            let name = change.dependency().unwrap_or("a dependency");
            let more = match more {
                0 => String::new(),
                1 => " and another dependency".to_owned(),
                more => format!(" and {more} other dependencies"),
            };
            (CauseKind::Dependency, format!("{name}{more} {became}"))
        }
        Kind::Linker => {
            let text = match change.part() {
                Part::Library(library) => format!("the library {library} {became}"),
                _ => format!("the linker {became}"),
            };
            (CauseKind::Linker, text)
        }
        Kind::Place => {
            let text = "the path of the checkout is in its key".to_owned();
            (CauseKind::Place, text)
        }
        Kind::EachTime => (CauseKind::EachTime, "it is compiled each time".to_owned()),
        Kind::Format => {
            let text = "another version of sccfg, which makes other keys".to_owned();
            (CauseKind::Format, text)
        }
        Kind::Other => (CauseKind::Unknown, format!("{} {became}", change.what)),
    };
    Cause::new(kind, text)
}

fn flag(change: &Change, became: &str) -> String {
    let what = match change.what.as_str() {
        "argument" => "flag",
        "source" => "path of its source",
        "emit" => "kind of its output",
        other => other,
    };
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{what} `{to}` instead of `{from}`"),
        (None, Some(value)) | (Some(value), None) => format!("{what} `{value}` {became}"),
        (None, None) => format!("{what} {became}"),
    }
}
