//! `sccfg ci github`: the edit of workflows, and the action that is executed step by step.

mod edit;
mod gitlab;
mod job;
mod runner;

use std::path::Path;

use serde_json::Value;

/// A YAML file as JSON; all scalars are strings.
pub(crate) fn yaml(path: &Path) -> Value {
    use saphyr_parser::{Event, Parser};
    fn value<'a>(event: Event<'a>, rest: &mut impl Iterator<Item = Event<'a>>) -> Value {
        match event {
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                while let Some(next) = rest.next().filter(|next| *next != Event::SequenceEnd) {
                    items.push(value(next, rest));
                }
                Value::Array(items)
            }
            Event::MappingStart(..) => {
                let mut entries = serde_json::Map::new();
                while let Some(key) = rest.next().filter(|next| *next != Event::MappingEnd) {
                    let Value::String(key) = value(key, rest) else {
                        panic!("a key that is not a text")
                    };
                    let next = rest.next().unwrap();
                    entries.insert(key, value(next, rest));
                }
                Value::Object(entries)
            }
            other => panic!("{other:?}"),
        }
    }
    let text = std::fs::read_to_string(path).unwrap();
    let events: Vec<Event<'_>> = Parser::new_from_str(&text)
        .map(|it| it.unwrap().0)
        .collect();
    let mut events = events
        .into_iter()
        .filter(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(..)));
    let first = events.next().unwrap();
    value(first, &mut events)
}
