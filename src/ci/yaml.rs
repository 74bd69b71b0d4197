//! YAML with the places of its nodes. Files are never written from this tree: edits are ranges of bytes.

use std::ops::Range;
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use sccfg_util::problem::{Place, Problem};

/// A node, and the byte at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Node, Node)>),
    /// An alias of another node, which is not followed.
    Alias,
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .find(|(name, _)| *name == key)
            .map(|(_, node)| node)
    }

    /// The keys and values, if this is a table.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries: &[(Node, Node)] = match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, node)| Some((key.text()?, node)))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The nodes of a list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Whether `after` is the same, apart from items and entries that start in one of these ranges.
    pub(super) fn is_without(&self, after: &Node, added: &[Range<usize>]) -> bool {
        let is_added = |node: &Node| added.iter().any(|range| range.contains(&node.start));
        match (&self.value, &after.value) {
            (Value::Text(before), Value::Text(after)) => before == after,
            (Value::List(before), Value::List(after)) => {
                let mut after = after.iter().filter(|item| !is_added(item));
                let are_same = |item: &Node| {
                    let after = after.next();
                    after.is_some_and(|after| item.is_without(after, added))
                };
                before.iter().all(are_same) && after.next().is_none()
            }
            (Value::Table(before), Value::Table(after)) => {
                let mut after = after.iter().filter(|(key, _)| !is_added(key));
                let are_same = |(key, value): &(Node, Node)| {
                    after.next().is_some_and(|after| {
                        key.is_without(&after.0, added) && value.is_without(&after.1, added)
                    })
                };
                before.iter().all(are_same) && after.next().is_none()
            }
            (Value::Alias, Value::Alias) => true,
            _ => false,
        }
    }

    /// All texts in it, in order.
    pub(super) fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::Text(text) => vec![text],
            Value::List(items) => items.iter().flat_map(Node::texts).collect(),
            Value::Table(entries) => entries.iter().flat_map(|(_, node)| node.texts()).collect(),
            Value::Alias => Vec::new(),
        }
    }
}

/// Parses the first document of `text`, the contents of `path`; `None` if there is none.
///
/// # Errors
/// If it is not YAML.
pub(super) fn parse(path: &Path, text: &str) -> Result<Option<Node>, Problem> {
    Ok(documents(path, text)?.into_iter().next())
}

/// Parses the documents of `text`, the contents of `path`.
///
/// # Errors
/// If it is not YAML.
pub(super) fn documents(path: &Path, text: &str) -> Result<Vec<Node>, Problem> {
    let mut parts = parts(path, text)?.into_iter();
    let mut documents = Vec::new();
    while let Some(first) = parts.next() {
        documents.push(node(first, &mut parts));
    }
    Ok(documents)
}

/// The bytes at which the texts in `text` end, the contents of `path`. What is between such an end and the start of the
/// next node is no part of a text.
///
/// # Errors
/// If it is not YAML.
pub(super) fn ends_of_texts(path: &Path, text: &str) -> Result<Vec<usize>, Problem> {
    let parts = parts(path, text)?.into_iter();
    let ends = parts.filter_map(|(part, place)| match part {
        // A value that is left out has its place at the next node.
        Part::Text { is_left_out, .. } => (!is_left_out).then_some(place.end),
        _ => None,
    });
    Ok(ends.collect())
}

/// A part of a document.
#[derive(Debug)]
enum Part {
    Text {
        text: String,
        is_left_out: bool,
        anchor: usize,
    },
    List {
        anchor: usize,
    },
    Table {
        anchor: usize,
    },
    /// An alias of the node with this anchor.
    Alias {
        anchor: usize,
    },
    /// The end of a list or a table.
    End,
}

/// The parts of the documents in order, and their bytes in `text`, the contents of `path`.
///
/// GitHub accepts a closing bracket that is no deeper than the key of its list, which YAML 1.2 does not.
fn parts(path: &Path, text: &str) -> Result<Vec<(Part, Range<usize>)>, Problem> {
    let offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
    let parsed = parts_at(path, text, text, &offsets);
    parsed.or_else(|problem| {
        let (deeper, offsets) = with_deeper_brackets(text);
        parts_at(path, text, &deeper, &offsets).map_err(|_| problem)
    })
}

/// `text` with blanks in front of each line that only closes brackets, and the offset in `text` of each of its
/// characters.
fn with_deeper_brackets(text: &str) -> (String, Vec<usize>) {
    const BLANKS: usize = 40;
    let (mut out, mut offsets, mut start) = (String::new(), Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let rest = line.trim();
        if !rest.is_empty() && rest.chars().all(|c| matches!(c, ']' | '}' | ',')) {
            out.push_str(&" ".repeat(BLANKS));
            offsets.extend([start; BLANKS]);
        }
        out.push_str(line);
        offsets.extend(line.char_indices().map(|(offset, _)| start + offset));
        start += line.len();
    }
    (out, offsets)
}

/// The parts of the documents in `changed`, whose characters are at `offsets` of `text`.
fn parts_at(
    path: &Path,
    text: &str,
    changed: &str,
    offsets: &[usize],
) -> Result<Vec<(Part, Range<usize>)>, Problem> {
    let byte = |character: usize| offsets.get(character).copied().unwrap_or(text.len());
    let mut parts = Vec::new();
    for event in Parser::new_from_str(changed) {
        let (event, span): (Event<'_>, Span) = event.map_err(|error| {
            let place = Place::at(path, text, byte(error.marker().index()));
            Problem::new(format!("invalid YAML: {}", error.info()))
                .at(place)
                .hint("fix the file, then run sccfg again")
        })?;
        let part = match event {
            Event::Scalar(text, style, anchor, _) => Part::Text {
                is_left_out: text.is_empty() && style == ScalarStyle::Plain,
                text: text.into_owned(),
                anchor,
            },
            Event::SequenceStart(anchor, _) => Part::List { anchor },
            Event::MappingStart(anchor, _) => Part::Table { anchor },
            Event::Alias(anchor) => Part::Alias { anchor },
            Event::SequenceEnd | Event::MappingEnd => Part::End,
            _ => continue,
        };
        parts.push((part, byte(span.start.index())..byte(span.end.index())));
    }
    Ok(parts)
}

fn node(
    (part, place): (Part, Range<usize>),
    rest: &mut impl Iterator<Item = (Part, Range<usize>)>,
) -> Node {
    let value = match part {
        Part::Text { text, .. } => Value::Text(text),
        Part::List { .. } => {
            let mut items = Vec::new();
            while let Some(next) = rest.next() {
                if matches!(next.0, Part::End) {
                    break;
                }
                items.push(node(next, rest));
            }
            Value::List(items)
        }
        Part::Table { .. } => {
            let mut entries = Vec::new();
            while let Some(key) = rest.next() {
                if matches!(key.0, Part::End) {
                    break;
                }
                let key = node(key, rest);
                let Some(value) = rest.next() else { break };
                entries.push((key, node(value, rest)));
            }
            Value::Table(entries)
        }
        Part::Alias { .. } | Part::End => Value::Alias,
    };
    Node {
        start: place.start,
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Node {
        parse(Path::new("f.yml"), text).unwrap().unwrap()
    }

    #[test]
    fn places_count_bytes_whatever_precedes_them() {
        for before in ["", "# ä\n", "name: \"é\" # ü\r\n", "\u{feff}"] {
            let text = format!("{before}a:\r\n  - b: |\r\n      x\r\n\r\n  - c # ö\r\n");
            let items = parsed(&text).get("a").unwrap().items().to_vec();
            assert_eq!(&text[items[0].start..=items[0].start], "b", "{before:?}");
            assert_eq!(&text[items[1].start..=items[1].start], "c", "{before:?}");
        }
    }

    #[test]
    fn brackets_may_close_where_the_key_of_their_list_stands() {
        let text = "jobs:\n  a: [\n    { b: ü },\n  ]\n  c:\n  - d\n";
        let jobs = parsed(text);
        let items = jobs.get("jobs").unwrap().get("c").unwrap().items();
        assert_eq!(&text[items[0].start..], "d\n");
    }

    #[test]
    fn a_fault_has_its_place() {
        let problem = parse(Path::new("f.yml"), "a: b\nc: [d\n").unwrap_err();
        assert!(problem.to_string().starts_with("f.yml:"), "{problem}");
    }
}
