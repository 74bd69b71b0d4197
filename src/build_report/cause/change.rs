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

    /// How a variable changed. One that is not in a key may be set, and not be read.
    fn became_variable(self, change: &Change) -> String {
        const UNSET: &str = "unset";
        let became = match (self, change.from.as_deref(), change.to.as_deref()) {
            (Self::Builds, Some(UNSET), Some(_)) => "was set",
            (Self::Builds, Some(_), Some(UNSET)) => "was unset",
            (Self::Builds, None, _) => "was set, or is read now",
            (Self::Builds, _, None) => "was unset, or is not read any more",
            (Self::Checkouts, Some(UNSET), Some(_)) => "is set only here",
            (Self::Checkouts, Some(_), Some(UNSET)) => "is set only there",
            (Self::Checkouts, None, _) => "is set or read only here",
            (Self::Checkouts, _, None) => "is set or read only there",
            (_, Some(from), Some(to)) if from.starts_with('"') && to.starts_with('"') => {
                return format!("is {to} instead of {from}");
            }
            _ => "has another value",
        };
        became.to_owned()
    }
}

/// Whether a change is a variable, or a program of a macro, that entered or left the key. That may follow from another change, such
/// as other features of a macro, which then reads other variables.
pub(crate) fn may_follow(change: &Change) -> bool {
    let is_in_both = change.from.is_some() && change.to.is_some();
    let is_program = matches!(change.part(), Part::Program(_));
    (change.kind() == Kind::Variable || is_program) && !is_in_both
}

/// `became` for one thing, or for several if there are `more`.
fn of_several(became: &str, more: usize) -> String {
    let verbs = [("was ", "were "), ("is ", "are "), ("has ", "have ")];
    let mut verbs = verbs.iter().filter(|_| more > 0);
    let plural = verbs.find_map(|(one, several)| {
        let rest = became.strip_prefix(one)?;
        Some(format!("{several}{}", rest.replace(" is ", " are ")))
    });
    match plural {
        Some(plural) => plural,
        None if more > 0 && became == "differs" => "differ".to_owned(),
        None => became.to_owned(),
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
                (Some(file), _) => {
                    let became = of_several(became, more);
                    format!("{}{} {became}", key_part::path(file), others("file"))
                }
                (None, Part::History) => format!("the state of git {became}"),
                (None, Part::Workspace) => format!("a file {became} that a macro may read"),
                (None, Part::Package) => format!("the content of its package {became}"),
                (None, _) => format!("{} {became}", change.what),
            };
            (CauseKind::Source, text)
        }
        Kind::Variable => {
            let name = change.variable().unwrap_or(&change.what);
            let became = of_several(&between.became_variable(change), more);
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
            let became = of_several(became, more);
            let others = match more {
                0 => String::new(),
                1 => " and another dependency".to_owned(),
                more => format!(" and {more} other dependencies"),
            };
            (CauseKind::Dependency, format!("{name}{others} {became}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn change(what: &str, from: Option<&str>, to: Option<&str>) -> Change {
        Change {
            what: what.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            by_script: false,
        }
    }

    #[test]
    fn a_variable_that_is_not_in_a_key_may_be_set() {
        let text = |from, to| cause_of(&change("$HOME", from, to), 0, Between::Builds).text;
        let set = Some("set, digest 00");
        assert_eq!(text(set, Some("unset")), "the variable HOME was unset");
        assert_eq!(
            text(set, None),
            "the variable HOME was unset, or is not read any more"
        );
        assert!(may_follow(&change("$HOME", set, None)));
        assert!(!may_follow(&change("$HOME", set, Some("unset"))));
    }

    #[test]
    fn several_changes_have_a_plural() {
        let text =
            |from, to, more, between| cause_of(&change("$HOME", from, to), more, between).text;
        let set = Some("set, digest 00");
        assert_eq!(
            text(set, None, 6, Between::Builds),
            "the variable HOME and 6 other variables were unset, or are not read any more"
        );
        let file = change("file a.rs", Some("0"), Some("1"));
        assert_eq!(
            cause_of(&file, 1, Between::Checkouts).text,
            "a.rs and another file differ"
        );
    }
}
