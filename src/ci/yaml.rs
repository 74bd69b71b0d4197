//! YAML with the places of its nodes. Files are never written from this tree: edits are ranges of bytes.

use std::path::Path;

use saphyr_parser::{Event, Parser, Span};

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
/// GitHub accepts a closing bracket that is no deeper than the key of its list, which YAML 1.2 does not.
///
/// # Errors
/// If it is not YAML.
pub(super) fn parse(path: &Path, text: &str) -> Result<Option<Node>, Problem> {
    let offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
    let parsed = parse_at(path, text, text, &offsets);
    parsed.or_else(|problem| {
        let (deeper, offsets) = with_deeper_brackets(text);
        parse_at(path, text, &deeper, &offsets).map_err(|_| problem)
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

/// Parses `changed`, whose characters are at `offsets` of `text`.
fn parse_at(
    path: &Path,
    text: &str,
    changed: &str,
    offsets: &[usize],
) -> Result<Option<Node>, Problem> {
    let byte = |character: usize| offsets.get(character).copied().unwrap_or(text.len());
    let mut events = Vec::new();
    for event in Parser::new_from_str(changed) {
        let (event, span): (Event<'_>, Span) = event.map_err(|error| {
            let place = Place::at(path, text, byte(error.marker().index()));
            Problem::new(format!("invalid YAML: {}", error.info()))
                .at(place)
                .hint("fix the file, then run sccfg again")
        })?;
        let start = byte(span.start.index());
        match event {
            Event::DocumentEnd => break,
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::Nothing => {}
            event => events.push((event, start)),
        }
    }
    let mut events = events.into_iter();
    Ok(events.next().map(|first| node(first, &mut events)))
}

fn node<'input>(
    (event, start): (Event<'input>, usize),
    rest: &mut impl Iterator<Item = (Event<'input>, usize)>,
) -> Node {
    let value = match event {
        Event::Scalar(text, ..) => Value::Text(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some(next) = rest.next() {
                if matches!(next.0, Event::SequenceEnd) {
                    break;
                }
                items.push(node(next, rest));
            }
            Value::List(items)
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            while let Some(key) = rest.next() {
                if matches!(key.0, Event::MappingEnd) {
                    break;
                }
                let key = node(key, rest);
                let Some(value) = rest.next() else { break };
                entries.push((key, node(value, rest)));
            }
            Value::Table(entries)
        }
        _ => Value::Alias,
    };
    Node { start, value }
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
