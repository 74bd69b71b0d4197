//! Edits lists of texts, line by line.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Array, Value};

use super::{Edits, find, line_break, line_end, line_start, parse, set};
use sccfg_util::problem::Problem;

/// Sets `keys` to a list of texts. In a list of several lines, what is added or removed gets or had a line of its own, and
/// the other lines stay, with their comments.
///
/// ```toml
/// chain = [
///   "disk", # first
///   "redis", # added
/// ]
/// ```
pub(crate) fn set_array(
    text: &str,
    path: &Path,
    keys: &[&str],
    items: &Array,
) -> Result<String, Problem> {
    let document = parse(text, path)?;
    let old = find(document.as_table(), keys).and_then(|(_, item)| item.as_array());
    match old.and_then(|old| edits_of_lines(text, old, items)) {
        Some(edits) => Ok(edits.apply(text)),
        None => set(text, path, keys, &Value::Array(items.clone())),
    }
}

/// The edits that make a list of several lines contain `items`; `None` if it has other lines, or has to be sorted.
fn edits_of_lines(text: &str, array: &Array, items: &Array) -> Option<Edits> {
    let close = array.span()?.end.checked_sub(1)?;
    if !text[array.span()?].contains('\n') {
        return None;
    }
    let texts = |array: &Array| -> Option<Vec<String>> {
        let texts = array.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect()
    };
    let (present, wanted) = (texts(array)?, texts(items)?);
    let spans: Vec<Range<usize>> = array.iter().map(Value::span).collect::<Option<_>>()?;
    let kept = present.iter().filter(|value| wanted.contains(value));
    let kept: Vec<String> = kept.cloned().collect();
    let added = wanted.strip_prefix(kept.as_slice())?;
    let mut edits = Edits::default();
    if kept.len() < present.len() {
        if !added.is_empty() {
            return None;
        }
        for (item, span) in present.iter().zip(&spans) {
            if !wanted.contains(item) {
                edits.replace(line_of_item(text, span, close), "");
            }
        }
        return Some(edits);
    }
    if added.is_empty() {
        return Some(edits);
    }
    let last = spans.last()?;
    let comma = comma_after(text, last.end, close);
    if comma.is_none() {
        edits.replace(last.end..last.end, ",");
    }
    let end = comma.map_or(last.end, |comma| comma + 1);
    let line = line_start(text, last.start)..line_end(text, end);
    let quoted = added
        .iter()
        .map(|item| Value::from(item.as_str()).to_string());
    if line.end > close {
        let quoted: Vec<String> = quoted.collect();
        edits.replace(end..end, format!(" {}", quoted.join(", ")));
        return Some(edits);
    }
    let before = &text[line.start..last.start];
    let indent = if before.trim().is_empty() {
        before
    } else {
        "  "
    };
    let newline = line_break(text);
    let lines: Vec<String> = quoted.map(|item| format!("{indent}{item}")).collect();
    let comma = if comma.is_some() { "," } else { "" };
    let lines = lines.join(&format!(",{newline}"));
    edits.replace(line.end..line.end, format!("{lines}{comma}{newline}"));
    Some(edits)
}

/// The range to remove of a list that ends at `close`, for its item at `span`: its line, if nothing else is in it.
fn line_of_item(text: &str, span: &Range<usize>, close: usize) -> Range<usize> {
    let end = comma_after(text, span.end, close).map_or(span.end, |comma| comma + 1);
    let line = line_start(text, span.start)..line_end(text, end);
    let rest = text[end..line.end].trim();
    let before = text[line.start..span.start].trim_end();
    let is_alone =
        before.is_empty() && (rest.is_empty() || rest.starts_with('#')) && line.end <= close;
    if is_alone {
        line
    } else {
        line.start + before.len()..end
    }
}

/// Where the comma behind an item of a list that ends at `close` is, behind blanks and comments.
fn comma_after(text: &str, mut at: usize, close: usize) -> Option<usize> {
    while at < close {
        match text.as_bytes()[at] {
            b',' => return Some(at),
            b'#' => at = line_end(text, at),
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => return None,
        }
    }
    None
}
