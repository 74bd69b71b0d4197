//! Changes of the parts of a key as text.

use std::path::{Path, PathBuf};

use crate::build_report::cause::{Between, cause_of};
use crate::build_report::key_part;
use portable_wrapper::builds::Change;
use portable_wrapper::explain::{FirstDifference, UnitReport};
use sccfg_util::posix::quote;
use sccfg_util::secret;

/// Adds later changes to earlier ones.
pub(super) fn add_all(changes: &mut Vec<Change>, later: &[Change]) {
    for change in later {
        match changes
            .iter_mut()
            .find(|known| known.what == change.what && known.to == change.from)
        {
            Some(known) => known.to.clone_from(&change.to),
            None => changes.push(change.clone()),
        }
    }
}

/// The description of the first difference.
pub(super) fn why(found: &FirstDifference) -> Option<String> {
    if let Some(why) = &found.uncached {
        return Some(format!("not cached: {why}"));
    }
    let first = found.changes.first()?;
    let same = found
        .changes
        .iter()
        .filter(|change| change.kind() == first.kind());
    Some(cause_of(first, same.count() - 1, Between::Checkouts).text)
}

/// A line for each change. `names` say which value is which.
pub(super) fn lines(changes: &[Change], unit: &UnitReport, names: [&str; 2]) -> String {
    let [before, now] = names;
    let value = |value: &Option<String>| match value {
        Some(value) => key_part::value(value),
        None => "missing".to_owned(),
    };
    let line = |change: &Change| {
        let (from, to) = (value(&change.from), value(&change.to));
        let label = key_part::label(&change.what);
        let line = if from == to {
            format!("    {label}: {from} {before}, to another value {now}\n")
        } else {
            format!("    {label}: {from} {before}, {to} {now}\n")
        };
        line + &value_of(unit, &change.what)
    };
    changes.iter().map(line).collect()
}

/// The value of a variable, if this shell has the one that is in the key. Other values are not recorded.
pub(super) fn value_of(unit: &UnitReport, what: &str) -> String {
    let Some(value) = unit.value_here(what) else {
        return String::new();
    };
    let name = what
        .trim_start_matches('$')
        .trim_start_matches("env!(")
        .trim_end_matches(')');
    if secret::is_secret_name(name) {
        return String::new();
    }
    let value = secret::redact_text(&value);
    format!(
        "      here it is {}; the other value is not recorded\n",
        quote(&value)
    )
}

pub(super) fn is_in_workspace(file: &str) -> bool {
    !file.starts_with('/')
}

/// The command that shows the difference of a source file.
pub(super) fn diff_hint(changes: &[Change], here: &UnitReport, there: &UnitReport) -> String {
    let roots = here.workspace().zip(there.workspace());
    let mut files = changes.iter().filter_map(Change::file);
    let file = files.find(|file| is_in_workspace(file));
    let Some(((here, there), file)) = roots.zip(file) else {
        return String::new();
    };
    let path = |root: &Path| -> PathBuf { root.join(file) };
    let quoted = |path: PathBuf| quote(&path.to_string_lossy());
    let (there, here) = (quoted(path(there)), quoted(path(here)));
    format!("  hint: diff -u {there} {here}\n")
}
