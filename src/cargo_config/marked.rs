//! Lines of sccfg in a config file of cargo or sccache, between two markers.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use nix_shell_edit::region::{BEGIN, END, duplicate};
use sccache_control::config::toml;
use sccfg_util::problem::{Place, Problem};

/// The first line of the region with the linker.
pub(super) const OF_LINKER: &str = "# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`";
/// The first line of the region with the wrapper of the user.
pub(super) const OF_USER_WRAPPER: &str = "# >>> sccfg >>> written by `sccfg cargo --user`";
/// The first lines of the regions that a config file of cargo may have.
pub(super) const STARTS: [&str; 2] = [OF_LINKER, OF_USER_WRAPPER];

/// `text` with a region of these `lines`, which begins with `start`, at the start of a line or at the end.
pub(crate) fn insert(text: &str, offset: usize, start: &str, lines: &[String]) -> String {
    let newline = toml::line_break(text);
    let lines = lines.iter().map(String::as_str);
    let region: Vec<&str> = [start].into_iter().chain(lines).chain([END]).collect();
    let region = region.join(newline);
    let is_last = offset == text.len() && !text.is_empty() && !text.ends_with('\n');
    let region = if is_last {
        format!("{newline}{region}")
    } else {
        format!("{region}{newline}")
    };
    format!("{}{region}{}", &text[..offset], &text[offset..])
}

/// The range that [`insert`] has added, and what is between the markers.
pub(crate) fn find<'t>(text: &'t str, start: &str) -> Option<(Range<usize>, &'t str)> {
    let start = toml::line_start(text, text.find(start)?);
    let inside = toml::line_end(text, start);
    let end = inside + text[inside..].find(END)?;
    let mut range = start..toml::line_end(text, end);
    // The text had no line break at its end.
    if !text[range.clone()].ends_with('\n') {
        let before = &text[..start];
        let before = before
            .strip_suffix('\n')
            .map_or(before, |before| before.strip_suffix('\r').unwrap_or(before));
        range.start = before.len();
    }
    Some((range, &text[inside..toml::line_start(text, end)]))
}

/// Refuses damaged regions in `text`, the contents of a config file at `path` whose regions begin with one of `starts`.
///
/// # Errors
/// If a marker has no counterpart or was edited, or a region is in the file twice.
pub(crate) fn check(text: &str, path: &Path, starts: &[&'static str]) -> Result<(), Problem> {
    let at = |offset: usize| Place::at(path, text, offset);
    let no_end = |begin: usize| {
        Problem::new(format!("`{END}` is missing after this line"))
            .at(at(begin))
            .hint("restore the line below the lines of sccfg, or delete these by hand")
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut open: Option<usize> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.starts_with(BEGIN) {
            if let Some(begin) = open {
                return Err(no_end(begin));
            }
            let Some(known) = starts.iter().find(|known| line == **known) else {
                let starts = starts.iter().map(|start| format!("`{start}`"));
                let starts = starts.collect::<Vec<_>>().join(" or ");
                return Err(Problem::new("this sccfg begin marker was edited")
                    .at(at(start))
                    .hint(format!("restore it: {starts}")));
            };
            if seen.contains(known) {
                return Err(duplicate(at(start)));
            }
            seen.push(known);
            open = Some(start);
        } else if line == END && open.take().is_none() {
            return Err(Problem::new("this sccfg end marker has no begin marker")
                .at(at(start))
                .hint("restore the line that starts with `# >>> sccfg`, or delete all lines of the region"));
        }
    }
    open.map_or(Ok(()), |begin| Err(no_end(begin)))
}

/// The values of a text without those at `keys`, and without tables that are empty then.
pub(super) fn values_without(text: &str, keys: &[&[&str]]) -> Option<Value> {
    let mut values: Value = toml_edit::de::from_str(text).ok()?;
    for keys in keys {
        remove(&mut values, keys);
    }
    Some(values)
}

fn remove(values: &mut Value, keys: &[&str]) {
    let (Some(table), Some((first, rest))) = (values.as_object_mut(), keys.split_first()) else {
        return;
    };
    let is_empty = table.get_mut(*first).is_some_and(|value| {
        remove(value, rest);
        rest.is_empty() || value.as_object().is_some_and(serde_json::Map::is_empty)
    });
    if is_empty {
        table.remove(*first);
    }
}
