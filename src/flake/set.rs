//! Edits of a literal attribute set: entries replaced in place, new ones put at its end.

use std::collections::BTreeMap;

use rnix::SyntaxNode;
use rnix::ast::{self, Attr, Entry};
use rowan::ast::AstNode as _;

use super::lexical;
use super::text::{Edits, deeper, indent_at, line_start, range_of, starts_line, whole_lines};

/// What `inherit (from) …` inherits from, as something that `.name` can follow.
pub(crate) fn inherited_from(from: &ast::InheritFrom) -> String {
    match from.expr() {
        Some(expr @ (ast::Expr::Ident(_) | ast::Expr::Select(_))) => {
            expr.syntax().text().to_string()
        }
        _ => from.syntax().text().to_string(),
    }
}

/// Changes of one attribute set, collected and then made together.
#[derive(Debug)]
pub(crate) struct SetEdit {
    set: SyntaxNode,
    pub(crate) entries: Vec<Entry>,
    replaced: BTreeMap<usize, String>,
    added: Vec<String>,
}

impl SetEdit {
    pub(crate) fn new(set: &ast::AttrSet) -> Self {
        Self {
            set: set.syntax().clone(),
            entries: lexical::entries(set.syntax()),
            replaced: BTreeMap::new(),
            added: Vec::new(),
        }
    }

    /// Puts `body` in place of an entry; nothing, when it is empty.
    pub(crate) fn replace(&mut self, entry: usize, body: String) {
        self.replaced.insert(entry, body);
    }

    /// Takes `names` out of an `inherit`, and puts `instead` beside it.
    pub(crate) fn replace_inherited(&mut self, entry: usize, names: &[String], instead: &[String]) {
        let Some(Entry::Inherit(inherit)) = self.entries.get(entry) else {
            return;
        };
        let rest: Vec<String> = inherit
            .attrs()
            .filter(|attr| lexical::attr_name(attr).is_none_or(|attr| !names.contains(&attr)))
            .map(|attr: Attr| attr.syntax().text().to_string())
            .collect();
        let mut lines = Vec::new();
        if !rest.is_empty() {
            let from = inherit
                .from()
                .map_or_else(String::new, |from| format!("{} ", from.syntax().text()));
            lines.push(format!("inherit {from}{};", rest.join(" ")));
        }
        lines.extend_from_slice(instead);
        self.replaced.insert(entry, lines.join("\n"));
    }

    /// Adds lines at the end of the set.
    pub(crate) fn add(&mut self, lines: String) {
        self.added.push(lines);
    }

    /// Turns the changes into edits.
    pub(crate) fn write(self, edits: &mut Edits<'_>) {
        let text = edits.text();
        let set = range_of(&self.set);
        let base = indent_at(text, set.start).to_owned();
        let brace = set.end - 1;
        let indent = self.entry_indent(text, &base);
        let mut added = self.added.join("\n");
        let brace_starts_line = starts_line(text, brace);

        // Entries that share their lines with others are replaced together with their neighbours,
        // for the white space between two regions can belong to only one of them.
        let mut runs: Vec<(std::ops::Range<usize>, Vec<&str>, bool, usize)> = Vec::new();
        for (&index, body) in &self.replaced {
            let range = range_of(self.entries[index].syntax());
            let whole = whole_lines(text, &range);
            let last = runs.last_mut();
            match (whole, last) {
                (None, Some((run, bodies, false, previous)))
                    if *previous + 1 == index && text[run.end..range.start].trim().is_empty() =>
                {
                    run.end = range.end;
                    *previous = index;
                    bodies.push(body);
                }
                (Some(lines), _) => runs.push((lines, vec![body], true, index)),
                (None, _) => runs.push((range, vec![body], false, index)),
            }
        }
        let count = runs.len();
        for (position, (range, bodies, whole, _)) in runs.into_iter().enumerate() {
            let mut body: Vec<&str> = bodies.into_iter().filter(|body| !body.is_empty()).collect();
            if whole {
                let own = indent_at(text, range.start).to_owned();
                edits.lines(range, &own, &body.join("\n"));
                continue;
            }
            let reaches_brace = text[range.end..brace].trim().is_empty();
            if position + 1 == count && reaches_brace && !added.is_empty() {
                body.push(&added);
            }
            let tail = if reaches_brace { &base } else { &indent };
            edits.inline(range, &indent, tail, &body.join("\n"));
            if reaches_brace {
                added.clear();
                break;
            }
        }
        if added.is_empty() {
            return;
        }
        if brace_starts_line {
            let start = line_start(text, brace);
            edits.lines(start..start, &indent, &added);
        } else {
            edits.inline(brace..brace, &indent, &base, &added);
        }
    }

    /// The indentation of the set's entries.
    fn entry_indent(&self, text: &str, base: &str) -> String {
        self.entries
            .iter()
            .map(|entry| range_of(entry.syntax()).start)
            .find(|&start| starts_line(text, start))
            .map_or_else(
                || {
                    let brace = range_of(&self.set).end - 1;
                    let outer = if starts_line(text, brace) {
                        indent_at(text, brace)
                    } else {
                        base
                    };
                    deeper(outer)
                },
                |start| indent_at(text, start).to_owned(),
            )
    }
}
