//! `build.rustc-wrapper` in the user's config file of cargo, between two markers.
//!
//! ```toml
//! [build]
//! # >>> sccfg >>> written by `sccfg cargo --user`
//! rustc-wrapper = "/home/me/.local/share/sccfg/cargo/sccache"
//! # <<< sccfg <<<
//! jobs = 4
//! ```

use std::ops::Range;
use std::path::Path;

use toml_edit::{Item, Table};

use super::marked;
use sccache_control::config::toml;
use sccfg_util::problem::{Place, Problem};

const KEYS: [&str; 2] = ["build", "rustc-wrapper"];

/// `text`, the contents of `path`, with `wrapper` as `build.rustc-wrapper`. [`without`] returns `text` again.
///
/// # Errors
/// If the text is not TOML, names a wrapper already, or has `build` as an inline table; if the lines between the
/// markers were edited.
pub(crate) fn with(text: &str, path: &Path, wrapper: &str) -> Result<String, Problem> {
    let plain = without(text, path)?;
    let document = toml::parse(&plain, path)?;
    let root = document.as_table();
    if let Some((key, item)) = toml::find(root, &KEYS) {
        let named = item.as_str().unwrap_or_default();
        let problem = Problem::new(format!("`build.rustc-wrapper` is `{named}` already"));
        return Err(at(problem, path, &plain, key.span())
            .hint("remove the line, then run `sccfg cargo --user` again"));
    }
    let value = toml_edit::Value::from(wrapper).to_string();
    let (offset, lines) = match place(root, &plain) {
        Some(Insertion::InTable(offset)) => (offset, vec![format!("rustc-wrapper = {value}")]),
        Some(Insertion::Dotted(offset)) => (offset, vec![format!("build.rustc-wrapper = {value}")]),
        Some(Insertion::NewTable) => {
            let lines = vec!["[build]".to_owned(), format!("rustc-wrapper = {value}")];
            (plain.len(), lines)
        }
        None => {
            let span = root.get_key_value("build").and_then(|(key, _)| key.span());
            let problem = Problem::new("could not add `rustc-wrapper` to an inline table");
            return Err(at(problem, path, &plain, span)
                .hint("write it as a table: `[build]`, with a line for each key"));
        }
    };
    let result = marked::insert(&plain, offset, marked::OF_USER_WRAPPER, &lines);
    let parsed = toml::parse(&result, path)?;
    let is_set = toml::find(parsed.as_table(), &KEYS)
        .is_some_and(|(_, item)| item.as_str() == Some(wrapper));
    if !is_set || without(&result, path)? != plain {
        return Err(Problem::new(format!(
            "could not add `build.rustc-wrapper` to {} safely",
            path.display()
        ))
        .hint(format!("add it by hand: rustc-wrapper = {value}")));
    }
    Ok(result)
}

/// The wrapper that [`with`] has written into `text`.
pub(crate) fn written(text: &str, path: &Path) -> Option<String> {
    let (range, _) = marked::find(text, marked::OF_USER_WRAPPER)?;
    let document = toml::parse(text, path).ok()?;
    let (key, item) = toml::find(document.as_table(), &KEYS)?;
    let is_inside = key.span().is_some_and(|span| range.contains(&span.start));
    is_inside.then(|| item.as_str().map(str::to_owned))?
}

/// The text before [`with`]. What was written below the table that it began stays in that table.
///
/// # Errors
/// If the lines between the markers were edited, or a marker is missing.
pub(crate) fn without(text: &str, path: &Path) -> Result<String, Problem> {
    marked::check(text, path, &marked::STARTS)?;
    let Some((range, inside)) = marked::find(text, marked::OF_USER_WRAPPER) else {
        return Ok(text.to_owned());
    };
    let is_ours = |line: &str| {
        let line = line.trim();
        line == "[build]"
            || line.starts_with("rustc-wrapper = ")
            || line.starts_with("build.rustc-wrapper = ")
    };
    if let Some(foreign) = inside.lines().find(|line| !is_ours(line)) {
        let offset = range.start + text[range.clone()].find(foreign).unwrap_or_default();
        let problem = Problem::new("sccfg did not write this line between its markers");
        return Err(problem
            .at(Place::at(path, text, offset))
            .hint("move it out of the markers"));
    }
    let removed = format!("{}{}", &text[..range.start], &text[range.end..]);
    if !inside.contains("[build]")
        || marked::values_without(&removed, &[]) == marked::values_without(text, &[&KEYS])
    {
        return Ok(removed);
    }
    // Keys were added below the header.
    let newline = toml::line_break(text);
    Ok(format!(
        "{}[build]{newline}{}",
        &text[..range.start],
        &text[range.end..]
    ))
}

/// The position of the key.
enum Insertion {
    /// Below the header `[build]`.
    InTable(usize),
    /// Before `build.… = …`.
    Dotted(usize),
    NewTable,
}

fn place(root: &Table, text: &str) -> Option<Insertion> {
    let Some((key, item)) = root.get_key_value("build") else {
        return Some(Insertion::NewTable);
    };
    let Item::Table(table) = item else {
        return None;
    };
    if table.is_implicit() && !table.is_dotted() {
        return Some(Insertion::NewTable);
    }
    let offset = key.span()?.start;
    Some(if table.is_dotted() {
        Insertion::Dotted(toml::line_start(text, offset))
    } else {
        Insertion::InTable(toml::line_end(text, offset))
    })
}

fn at(problem: Problem, path: &Path, text: &str, span: Option<Range<usize>>) -> Problem {
    match span {
        Some(span) => problem.at(Place::at(path, text, span.start)),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix_shell_edit::region::END;

    fn path() -> &'static Path {
        Path::new("config.toml")
    }

    #[test]
    fn what_is_written_is_read_by_cargo_and_removed_byte_for_byte() {
        for (text, line) in [
            ("", "[build]"),
            ("# mine\n", "[build]"),
            ("[net]\noffline = true", "[build]"),
            ("[build] # fast\njobs = 4\n\n[net]\n", "jobs = 4"),
            ("[net]\n[build]", "[build]"),
            ("build.jobs = 4 # few\n[net]\n", "build.jobs = 4"),
            ("[build.warnings]\nx = 1\n", "[build.warnings]"),
            ("[build]\r\njobs = 4\r\n", "jobs = 4"),
            ("\u{feff}[net]\n", "[net]"),
        ] {
            let result = with(text, path(), "/w/sccache").unwrap();
            assert!(result.contains(line), "{result}");
            assert_eq!(
                written(&result, path()).as_deref(),
                Some("/w/sccache"),
                "{result}"
            );
            assert_eq!(without(&result, path()).unwrap(), text, "{result:?}");
            // Another path replaces it.
            let other = with(&result, path(), "/o/sccache").unwrap();
            assert_eq!(written(&other, path()).as_deref(), Some("/o/sccache"));
            assert_eq!(without(&other, path()).unwrap(), text);
        }
    }

    #[test]
    fn keys_below_the_new_table_stay_in_it() {
        let result = with("[net]\n", path(), "/w/sccache").unwrap() + "jobs = 4\n";
        assert_eq!(
            without(&result, path()).unwrap(),
            "[net]\n[build]\njobs = 4\n"
        );
    }

    #[test]
    fn a_wrapper_set_by_someone_else_is_refused_with_its_location() {
        for (text, what) in [
            (
                "[build]\nrustc-wrapper = \"kache\"\n",
                "config.toml:2:1: `build.rustc-wrapper` is `kache` already",
            ),
            (
                "build = { jobs = 4 }\n",
                "config.toml:1:1: could not add `rustc-wrapper` to an inline table",
            ),
            ("[build\n", "config.toml:1:"),
        ] {
            let problem = with(text, path(), "/w").unwrap_err();
            assert!(problem.to_string().starts_with(what), "{problem}");
        }
        let result = with("", path(), "/w").unwrap();
        let edited = result.replace(END, &format!("jobs = 4\n{END}"));
        let problem = without(&edited, path()).unwrap_err();
        assert!(
            problem
                .to_string()
                .starts_with("config.toml:4:1: sccfg did not write this line"),
            "{problem}"
        );
        assert!(without(&result.replace(END, ""), path()).is_err());
    }
}
