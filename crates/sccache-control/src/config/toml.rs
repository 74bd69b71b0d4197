//! Edits TOML text by byte ranges: the parser provides the positions, and all other bytes stay as they
//! are. `toml_edit` would turn CRLF into LF and move tables when it writes a document.

mod list;

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, InlineTable, Item, Key, Table, TableLike, Value};

pub(crate) use self::list::set_array;
use sccfg_util::problem::{Place, Problem};

/// A parsed text with the positions of its keys and values.
pub type Parsed<'a> = Document<&'a str>;

/// Parses `text`, the contents of `path`.
pub fn parse<'a>(text: &'a str, path: &Path) -> Result<Parsed<'a>, Problem> {
    Document::parse(text).map_err(|error| {
        let problem = Problem::new(format!("invalid TOML: {}", error.message()))
            .hint("correct the file, then run the command again");
        match error.span() {
            Some(span) => problem.at(Place::at(path, text, span.start)),
            None => problem.at(Place::at(path, text, 0)),
        }
    })
}

/// The item at `keys`, with its key.
pub fn find<'d>(root: &'d Table, keys: &[&str]) -> Option<(&'d Key, &'d Item)> {
    let (last, tables) = keys.split_last()?;
    let mut table: &dyn TableLike = root;
    for name in tables {
        table = table.get(name)?.as_table_like()?;
    }
    table
        .get_key_value(last)
        .filter(|(_, item)| !item.is_none())
}

/// The line break that `text` uses.
pub fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The start of the line that contains byte `offset`.
pub fn line_start(text: &str, offset: usize) -> usize {
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    if start == 0 && text.starts_with('\u{feff}') {
        return '\u{feff}'.len_utf8().min(offset);
    }
    start
}

/// The end of the line that contains byte `offset`, after its line break.
pub fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find('\n')
        .map_or(text.len(), |at| offset + at + 1)
}

/// The whole lines of `key = value`, including a comment and the line break.
pub fn lines_of(text: &str, key: &Key, item: &Item) -> Option<Range<usize>> {
    let (key, value) = (key.span()?, item.span()?);
    Some(line_start(text, key.start)..line_end(text, value.end.max(key.end)))
}

/// Replacements of byte ranges of a text. If two ranges overlap, the second may only remove.
#[derive(Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Adds the replacement of `range`.
    pub fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.0.push((range, with.into()));
    }

    /// `text` with all replacements made.
    pub fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (range, with) in self.0 {
            out.push_str(&text[done..range.start.max(done)]);
            out.push_str(&with);
            done = range.end.max(done);
        }
        out.push_str(&text[done..]);
        out
    }
}

/// Sets `keys` to `value`: replaces the existing value, or adds a line or element to the existing table,
/// or adds a table with a `[header]` at the end.
///
/// ```toml
/// [cache]
/// disk = { dir = "/a" }            # before
/// disk = { dir = "/a", size = 5 }  # after `cache.disk.size = 5`
/// ```
pub fn set(text: &str, path: &Path, keys: &[&str], value: &Value) -> Result<String, Problem> {
    let document = parse(text, path)?;
    let value = value.to_string();
    let value = value.trim();
    let mut edits = Edits::default();
    match find(document.as_table(), keys) {
        Some((_, Item::Value(old))) => {
            let span = old.span().ok_or_else(|| no_position(keys))?;
            edits.replace(span, value);
        }
        Some(_) => {
            return Err(Problem::new(format!(
                "`{}` is a table in {}, not a value",
                keys.join("."),
                path.display()
            )));
        }
        None => insert(text, &document, keys, value, &mut edits)?,
    }
    Ok(edits.apply(text))
}

/// Removes the value or table at `keys`; comments between tables stay. `None` if it does not exist.
pub fn unset(text: &str, path: &Path, keys: &[&str]) -> Result<Option<String>, Problem> {
    let document = parse(text, path)?;
    let Some((key, item)) = find(document.as_table(), keys) else {
        return Ok(None);
    };
    let mut edits = Edits::default();
    let ranges = match braces(document.as_table(), keys) {
        Some(braces) => removals(text, braces.table, &[&keys[braces.innermost..]]),
        None => all_lines(text, key, item),
    };
    for range in ranges {
        edits.replace(range, "");
    }
    Ok(Some(edits.apply(text)))
}

/// The lines of an item and of everything below it; they may overlap.
pub fn all_lines(text: &str, key: &Key, item: &Item) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    collect_lines(text, key, item, &mut out);
    out
}

fn collect_lines(text: &str, key: &Key, item: &Item, out: &mut Vec<Range<usize>>) {
    let table_lines = |table: &Table, out: &mut Vec<Range<usize>>| {
        if !table.is_dotted()
            && !table.is_implicit()
            && let Some(header) = table.span()
        {
            out.push(line_start(text, header.start)..body_end(text, table));
        }
        for (name, child) in table {
            if let Some(key) = table.key(name) {
                collect_lines(text, key, child, out);
            }
        }
    };
    match item {
        Item::None => {}
        Item::Value(_) => out.extend(lines_of(text, key, item)),
        Item::Table(table) => table_lines(table, out),
        Item::ArrayOfTables(tables) => tables.iter().for_each(|table| table_lines(table, out)),
    }
}

fn insert(
    text: &str,
    document: &Parsed<'_>,
    keys: &[&str],
    value: &str,
    edits: &mut Edits,
) -> Result<(), Problem> {
    // The deepest existing table, the number of keys that the nearest header covers, and the
    // innermost inline table.
    let mut table: &dyn TableLike = document.as_table();
    let mut item = document.as_item();
    let mut depth = 0;
    let mut headed = 0;
    let mut braces = None;
    while depth + 1 < keys.len()
        && let Some(next) = table.get(keys[depth])
    {
        table = next.as_table_like().ok_or_else(|| {
            Problem::new(format!("`{}` is not a table", keys[..=depth].join(".")))
        })?;
        item = next;
        depth += 1;
        match next {
            Item::Table(table) if !table.is_dotted() => headed = depth,
            Item::Value(Value::InlineTable(table)) if !table.is_dotted() => {
                braces = Some((table, depth));
            }
            _ => {}
        }
    }
    let rest = keys[depth..].join(".");
    let newline = line_break(text);
    if let Some((table, depth)) = braces {
        let element = format!("{} = {value}", keys[depth..].join("."));
        return insert_element(text, table, &element, edits);
    }
    match item {
        Item::Table(table) if table.is_dotted() => {
            let line = format!("{} = {value}", keys[headed..].join("."));
            let at = dotted_end(text, table).ok_or_else(|| no_position(keys))?;
            insert_line(text, at, &indented_like(text, table, &line), edits);
            Ok(())
        }
        Item::Table(table) if depth == 0 && keys.len() == 1 => {
            let start = usize::from(text.starts_with('\u{feff}')) * '\u{feff}'.len_utf8();
            match dotted_end(text, table) {
                Some(at) => insert_line(text, at, &format!("{rest} = {value}"), edits),
                None if text[start..].trim().is_empty() => {
                    insert_line(text, text.len(), &format!("{rest} = {value}"), edits);
                }
                None => {
                    edits.replace(start..start, format!("{rest} = {value}{newline}{newline}"));
                }
            }
            Ok(())
        }
        Item::Table(table) if !table.is_implicit() && depth + 1 == keys.len() => {
            let line = indented_like(text, table, &format!("{rest} = {value}"));
            insert_line(text, body_end(text, table), &line, edits);
            Ok(())
        }
        _ => {
            let (name, tables) = keys.split_last().ok_or_else(|| no_position(keys))?;
            let gap = if text.trim_start_matches('\u{feff}').trim().is_empty() {
                ""
            } else {
                newline
            };
            let lines = format!("{gap}[{}]{newline}{name} = {value}", tables.join("."));
            let at = text.len();
            if text.is_empty() || text.ends_with('\n') || text == "\u{feff}" {
                edits.replace(at..at, format!("{lines}{newline}"));
            } else {
                edits.replace(at..at, format!("{newline}{lines}"));
            }
            Ok(())
        }
    }
}

/// The end of the last line of a table with a header.
fn body_end(text: &str, table: &Table) -> usize {
    let header = table.span().map_or(0, |span| line_end(text, span.end));
    dotted_end(text, table).map_or(header, |end| end.max(header))
}

/// The end of the last line `key = value` of a table, including its dotted tables.
fn dotted_end(text: &str, table: &Table) -> Option<usize> {
    table
        .iter()
        .filter_map(|(name, item)| match item {
            Item::Value(_) => Some(lines_of(text, table.key(name)?, item)?.end),
            Item::Table(inner) if inner.is_dotted() => dotted_end(text, inner),
            _ => None,
        })
        .max()
}

/// Inserts a line at `at`, the start of a line or the end of the text.
fn insert_line(text: &str, at: usize, line: &str, edits: &mut Edits) {
    let newline = line_break(text);
    let open = text[..at].trim_start_matches('\u{feff}');
    if open.is_empty() || open.ends_with('\n') {
        edits.replace(at..at, format!("{line}{newline}"));
    } else {
        edits.replace(at..at, format!("{newline}{line}"));
    }
}

/// `line` with the indentation of the other lines of `table`.
fn indented_like(text: &str, table: &Table, line: &str) -> String {
    let first = table.iter().find_map(|(name, item)| match item {
        Item::Value(_) => table.key(name)?.span(),
        _ => None,
    });
    let indentation = first.map_or("", |span| {
        let start = line_start(text, span.start);
        let line = &text[start..span.start];
        &line[..line.len() - line.trim_start().len()]
    });
    format!("{indentation}{line}")
}

fn insert_element(
    text: &str,
    table: &InlineTable,
    element: &str,
    edits: &mut Edits,
) -> Result<(), Problem> {
    let span = table
        .span()
        .ok_or_else(|| Problem::new("the parser has no position for an inline table"))?;
    match elements(text, table).last() {
        Some(last) => edits.replace(last.end..last.end, format!(", {element}")),
        None => edits.replace(span, format!("{{ {element} }}")),
    }
    Ok(())
}

/// The ranges of the elements of `table`, in order: `a = 1`, `b.c = 2`.
fn elements(text: &str, table: &InlineTable) -> Vec<Range<usize>> {
    let Some(span) = table.span() else {
        return Vec::new();
    };
    let mut ends: Vec<usize> = table
        .get_values()
        .into_iter()
        .filter_map(|(_, value)| Some(value.span()?.end))
        .collect();
    ends.sort_unstable();
    let mut start = span.start + 1;
    ends.into_iter()
        .map(|end| {
            let element = skip_blank(text, start)..end;
            start = after_comma(text, end);
            element
        })
        .collect()
}

/// The inline tables on the way to a key.
pub struct Braces<'d> {
    /// The number of keys up to the outermost inline table.
    pub outermost: usize,
    /// The number of keys up to the innermost one.
    pub innermost: usize,
    /// The innermost one.
    pub table: &'d InlineTable,
}

/// The inline tables that contain the value at `keys`, if any do.
pub fn braces<'d>(root: &'d Table, keys: &[&str]) -> Option<Braces<'d>> {
    let mut found: Option<Braces<'d>> = None;
    for depth in 1..keys.len() {
        if let (_, Item::Value(Value::InlineTable(table))) = find(root, &keys[..depth])?
            && !table.is_dotted()
        {
            found = Some(Braces {
                outermost: found.map_or(depth, |found| found.outermost),
                innermost: depth,
                table,
            });
        }
    }
    found
}

/// The byte ranges to remove so that everything at `paths` is removed from `table`.
pub fn removals(text: &str, table: &InlineTable, paths: &[&[&str]]) -> Vec<Range<usize>> {
    let below = |element: &[&Key], path: &[&str]| {
        element.len() >= path.len()
            && element
                .iter()
                .zip(path)
                .all(|(key, name)| key.get() == *name)
    };
    let gone: Vec<usize> = table
        .get_values()
        .into_iter()
        .filter(|(element, _)| paths.iter().any(|path| below(element, path)))
        .filter_map(|(_, value)| Some(value.span()?.end))
        .collect();
    let elements = elements(text, table);
    let stays = |element: &Range<usize>| !gone.contains(&element.end);
    let first_kept = elements.iter().position(stays);
    let mut out = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        if stays(element) {
            continue;
        }
        out.push(match first_kept {
            // After the first kept element, with the comma before it.
            Some(kept) if index > kept => elements[index - 1].end..element.end,
            // Before it, up to the next element.
            _ => match elements.get(index + 1) {
                Some(next) => element.start..next.start,
                None => element.start..after_comma(text, element.end),
            },
        });
    }
    out
}

/// The offset after white space and comments.
fn skip_blank(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at = line_end(text, at);
    }
}

/// The offset after the comma that follows `at`, or `at`.
fn after_comma(text: &str, at: usize) -> usize {
    let next = skip_blank(text, at);
    if text[next..].starts_with(',') {
        next + 1
    } else {
        at
    }
}

fn no_position(keys: &[&str]) -> Problem {
    Problem::new(format!(
        "the parser has no position for `{}`",
        keys.join(".")
    ))
}

#[cfg(test)]
mod tests;
