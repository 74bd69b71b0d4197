//! Lines of sccfg in a config file of cargo, between two markers.

use std::ops::Range;

use serde_json::Value;

use sccache_control::config::toml;

/// The last line of a region.
pub(crate) const END: &str = "# <<< sccfg <<<";

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
