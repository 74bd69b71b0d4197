//! Edits of a literal attribute set: entries are replaced in place, new ones added at the end.

use std::collections::BTreeMap;
use std::ops::Range;

use rnix::SyntaxNode;
use rnix::ast::{self, Attr, Entry};
use rowan::ast::AstNode as _;

use super::edits::Edits;
use crate::find::syntax;
use crate::text::{indent_at, line_start, range_of, starts_line, whole_lines};

/// The source of `inherit (from) …`, with parentheses where `.name` requires them.
pub(crate) fn inherited_from(from: &ast::InheritFrom) -> String {
    match from.expr() {
        Some(expr @ (ast::Expr::Ident(_) | ast::Expr::Select(_))) => {
            expr.syntax().text().to_string()
        }
        _ => from.syntax().text().to_string(),
    }
}

/// Entries that are replaced together.
struct Run {
    /// The range that the region replaces.
    range: Range<usize>,
    /// The range from the first entry to the last.
    entries: Range<usize>,
    form: Form,
    bodies: Vec<String>,
}

impl Run {
    fn new(range: Range<usize>, entries: Range<usize>, form: Form, body: Option<String>) -> Self {
        Self {
            range,
            entries,
            form,
            bodies: body.into_iter().collect(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Whole lines.
    Lines,
    /// In the middle of a line.
    Inline,
}

/// Changes of one attribute set, collected and then applied together.
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
            entries: syntax::entries(set.syntax()),
            replaced: BTreeMap::new(),
            added: Vec::new(),
        }
    }

    /// Replaces an entry with `body`, which may be empty.
    pub(crate) fn replace(&mut self, entry: usize, body: String) {
        self.replaced.insert(entry, body);
    }

    /// Removes `names` from an `inherit`, and adds `instead` next to it.
    pub(crate) fn replace_inherited(&mut self, entry: usize, names: &[String], instead: &[String]) {
        let Some(Entry::Inherit(inherit)) = self.entries.get(entry) else {
            return;
        };
        let rest: Vec<String> = inherit
            .attrs()
            .filter(|attr| syntax::attr_name(attr).is_none_or(|attr| !names.contains(&attr)))
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
        let indent = self.entry_indent(edits, &base);
        let mut added = self.added.join("\n");
        let brace_starts_line = starts_line(text, brace);

        let mut runs = self.runs(text);
        let count = runs.len();
        for (position, run) in runs.iter_mut().enumerate() {
            // New entries go into the region of the last entries, if these are replaced.
            let is_last = position + 1 == count
                && match run.form {
                    Form::Lines => brace_starts_line && run.range.end == line_start(text, brace),
                    Form::Inline => text[run.range.end..brace].trim().is_empty(),
                };
            if is_last && !added.is_empty() {
                run.bodies.push(std::mem::take(&mut added));
            }
            let body = run.bodies.join("\n");
            match run.form {
                Form::Lines => {
                    let own = indent_at(text, run.range.start).to_owned();
                    edits.lines(run.range.clone(), &own, &body);
                }
                Form::Inline => {
                    let tail = if is_last { &base } else { &indent };
                    edits.inline(run.range.clone(), &indent, tail, &body);
                }
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

    /// The replaced entries, with adjacent ones in one run: each run becomes a region.
    fn runs(&self, text: &str) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (&index, body) in &self.replaced {
            let entry = range_of(self.entries[index].syntax());
            let lines = whole_lines(text, &entry);
            let body = (!body.is_empty()).then(|| body.clone());
            if let (Some(run), Some(lines)) = (runs.last_mut(), &lines)
                && run.form == Form::Lines
                && run.range.end == lines.start
            {
                run.range.end = lines.end;
                run.entries.end = entry.end;
                run.bodies.extend(body);
                continue;
            }
            let touching = runs
                .last_mut()
                .filter(|run| text[run.entries.end..entry.start].trim().is_empty());
            match (touching, lines) {
                // Blank lines separate two runs.
                (Some(run), Some(lines)) if run.form == Form::Lines => {
                    runs.push(Run::new(lines, entry, Form::Lines, body));
                }
                // White space between two regions can belong to only one of them.
                (Some(run), _) => {
                    run.form = Form::Inline;
                    run.range = run.entries.start..entry.end;
                    run.entries.end = entry.end;
                    run.bodies.extend(body);
                }
                (None, Some(lines)) => runs.push(Run::new(lines, entry, Form::Lines, body)),
                (None, None) => runs.push(Run::new(entry.clone(), entry, Form::Inline, body)),
            }
        }
        runs
    }

    /// The indentation of the set's entries.
    fn entry_indent(&self, edits: &Edits<'_>, base: &str) -> String {
        let text = edits.text();
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
                    edits.deeper(outer)
                },
                |start| indent_at(text, start).to_owned(),
            )
    }
}
