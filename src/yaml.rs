//! YAML with the locations of its nodes. Files are never written from this tree: edits are byte ranges.

pub(crate) mod text;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use sccfg_util::problem::{Place, Problem};

/// A node, and the byte at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) start: usize,
    pub(crate) value: Value,
    /// The start of the anchored node, if this node is an alias. The children start there as well.
    pub(super) original: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Node, Node)>),
    /// An alias of a node that contains it.
    Alias,
}

impl Node {
    /// The value of a key, also one of a table that is merged into this one by `<<`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let own = |wanted| self.entries().find(|(name, _)| *name == wanted);
        let (_, node) = own(key).or_else(|| {
            let (_, merged) = own("<<")?;
            let mut merged = [merged].into_iter().chain(merged.items());
            merged.find_map(|table| Some((key, table.get(key)?)))
        })?;
        Some(node)
    }

    /// The start of the first key of this table.
    pub(crate) fn first_key(&self) -> Option<usize> {
        match &self.value {
            Value::Table(entries) => entries.first().map(|(key, _)| key.start),
            _ => None,
        }
    }

    /// The start of a key of this table.
    pub(crate) fn start_of_key(&self, key: &str) -> Option<usize> {
        let Value::Table(entries) = &self.value else {
            return None;
        };
        let (key, _) = entries.iter().find(|(name, _)| name.text() == Some(key))?;
        Some(key.start)
    }

    /// The keys and values, if this is a table.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries: &[(Node, Node)] = match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, node)| Some((key.text()?, node)))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The nodes of a list.
    pub(crate) fn items(&self) -> &[Node] {
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

/// Checks that a text is YAML.
///
/// # Errors
/// If it does not parse.
pub(crate) fn check_syntax(path: &Path, text: &str) -> Result<(), Problem> {
    parse(path, text).map(drop)
}

/// Parses the first document of `text`, the contents of `path`; `None` if there is none.
///
/// # Errors
/// If it is not YAML.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Option<Node>, Problem> {
    Ok(documents(path, text)?.into_iter().next())
}

/// Parses the documents of `text`, the contents of `path`.
///
/// # Errors
/// If it is not YAML.
pub(super) fn documents(path: &Path, text: &str) -> Result<Vec<Node>, Problem> {
    let mut parts = parts(path, text)?.into_iter();
    let mut documents = Vec::new();
    let mut reader = Reader::default();
    while let Some(first) = parts.next() {
        documents.push(reader.node(first, &mut parts));
        if reader.copied > MOST_COPIES {
            return Err(Problem::new("the YAML aliases expand to too many values")
                .at(Place {
                    path: path.to_owned(),
                    line: 1,
                    column: 1,
                })
                .hint("use fewer aliases of nodes that contain aliases themselves"));
        }
    }
    Ok(documents)
}

/// The maximum number of nodes to which the aliases of a file may expand.
const MOST_COPIES: usize = 200_000;

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

/// Makes nodes of parts, and follows aliases.
#[derive(Debug, Default)]
struct Reader {
    /// The nodes with anchors, and how many nodes each is.
    anchors: BTreeMap<usize, (Node, usize)>,
    /// How many nodes were copied for aliases.
    copied: usize,
}

impl Reader {
    fn node(
        &mut self,
        (part, place): (Part, Range<usize>),
        rest: &mut impl Iterator<Item = (Part, Range<usize>)>,
    ) -> Node {
        let mut named = 0;
        let value = match part {
            Part::Text { text, anchor, .. } => {
                named = anchor;
                Value::Text(text)
            }
            Part::List { anchor } => {
                named = anchor;
                let mut items = Vec::new();
                while let Some(next) = rest.next() {
                    if matches!(next.0, Part::End) {
                        break;
                    }
                    items.push(self.node(next, rest));
                }
                Value::List(items)
            }
            Part::Table { anchor } => {
                named = anchor;
                let mut entries = Vec::new();
                while let Some(key) = rest.next() {
                    if matches!(key.0, Part::End) {
                        break;
                    }
                    let key = self.node(key, rest);
                    let Some(value) = rest.next() else { break };
                    entries.push((key, self.node(value, rest)));
                }
                Value::Table(entries)
            }
            Part::Alias { anchor } => return self.copy(anchor, place.start),
            Part::End => Value::Alias,
        };
        let node = Node {
            start: place.start,
            value,
            original: None,
        };
        if named > 0 {
            let size = node.size();
            self.anchors.insert(named, (node.clone(), size));
        }
        node
    }

    /// The node with this anchor, for an alias at `start`.
    fn copy(&mut self, anchor: usize, start: usize) -> Node {
        let known = self.anchors.get(&anchor);
        self.copied += known.map_or(0, |(_, size)| *size);
        let known = known.filter(|_| self.copied <= MOST_COPIES);
        let mut node = known.map_or(
            Node {
                start,
                value: Value::Alias,
                original: None,
            },
            |(node, _)| node.clone(),
        );
        node.mark_as_copy();
        node.start = start;
        node
    }
}

impl Node {
    fn size(&self) -> usize {
        let nested: usize = match &self.value {
            Value::Text(_) | Value::Alias => 0,
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Table(entries) => entries
                .iter()
                .map(|(key, value)| key.size() + value.size())
                .sum(),
        };
        nested + 1
    }

    fn mark_as_copy(&mut self) {
        self.original.get_or_insert(self.start);
        match &mut self.value {
            Value::Text(_) | Value::Alias => {}
            Value::List(items) => items.iter_mut().for_each(Node::mark_as_copy),
            Value::Table(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.mark_as_copy();
                value.mark_as_copy();
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Node {
        parse(Path::new("f.yml"), text).unwrap().unwrap()
    }

    #[test]
    fn locations_count_bytes_whatever_precedes_them() {
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
    fn aliases_stand_for_what_they_name() {
        let root = parsed("a: &a\n  k: &k [x]\nb: *a\nc:\n  <<: *a\n  l: *k\n");
        let texts = |key: &str, inner: &str| root.get(key).unwrap().get(inner).unwrap().texts();
        for (key, inner) in [("a", "k"), ("b", "k"), ("c", "k"), ("c", "l")] {
            assert_eq!(texts(key, inner), ["x"], "{key}.{inner}");
        }
        let alias = root.get("b").unwrap();
        assert!(
            alias
                .original
                .is_some_and(|original| original < alias.start)
        );
        let levels: Vec<String> = (1..20)
            .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1))
            .collect();
        let text = format!("a0: &a0 [x]\n{}", levels.concat());
        let problem = documents(Path::new("f.yml"), &text).unwrap_err();
        assert!(problem.hint.unwrap().contains("fewer aliases"));
    }

    #[test]
    fn an_error_has_its_location() {
        let problem = parse(Path::new("f.yml"), "a: b\nc: [d\n").unwrap_err();
        assert!(problem.to_string().starts_with("f.yml:"), "{problem}");
    }
}
