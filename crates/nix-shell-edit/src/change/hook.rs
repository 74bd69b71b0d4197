//! Edits of a shell hook: the region comes first, and lines that would undo it are removed.

use std::ops::Range;

use rnix::SyntaxKind;
use rnix::ast::{self, Expr, InterpolPart};
use rowan::ast::AstNode as _;

use super::OwnValue;
use super::edits::Edits;
use super::hook_conflicts::Conflict;
use super::hook_parts::{strings, text_of};
use super::hook_reader::HookReader;
use super::shell_settings::ShellSettings;
use crate::find::eval::Eval;
use crate::find::syntax::{self, call_parts, last_name};
use crate::find::thunk::Thunk;
use crate::text::{
    Layout, LineEnd, has_bare_carriage_return, indent_at, indented, least_indent, line_start,
    next_line, range_of,
};
use crate::variable::Variable;
use sccfg_util::problem::Place;

/// Facts about the user's lines of a hook, for the report.
#[derive(Debug, Default)]
pub(crate) struct HookFacts {
    /// Byte offsets of lines that were not removed although they undo the region, and what they set.
    pub(crate) not_removed: Vec<(usize, &'static str)>,
    /// The same of text that the hook contains by a name, which other shells may contain as well.
    pub(crate) not_removed_elsewhere: Vec<(Place, &'static str)>,
    /// Byte offsets of lines that set something only under a condition, and what they set.
    pub(crate) conditional: Vec<(usize, &'static str)>,
    /// The cache directory that a removed line set.
    pub(crate) dir: Option<String>,
    /// The cache size that a removed line set.
    pub(crate) size: Option<String>,
    /// Settings of sccfg's variables in exporting lines of the hook.
    pub(crate) own: Vec<OwnValue>,
}

impl HookFacts {
    /// Keeps the cache size and directory that a line to be removed sets.
    fn note_requests(&mut self, assigned: Vec<(Variable, Option<String>)>) {
        for (variable, value) in assigned {
            match variable {
                Variable::SccacheCacheSize => self.size = value.or(self.size.take()),
                Variable::SccacheDir => self.dir = value.or(self.dir.take()),
                _ => {}
            }
        }
    }
}

/// The hook is written in a way that nothing can be added before it.
#[derive(Debug)]
pub(crate) struct Unreachable;

/// Adds sccfg's hook before `value`, the expression of a hook.
///
/// ```nix
/// shellHook = ''
///   echo hello
/// '';
/// ```
/// becomes
/// ```nix
/// shellHook = ''
///   # >>> sccfg >>> …
///   …
///   # <<< sccfg <<<
///   echo hello
/// '';
/// ```
/// and any other expression `e` becomes `''…'' + e`.
pub(crate) fn put_first(
    edits: &mut Edits<'_>,
    value: &Expr,
    settings: ShellSettings<'_>,
) -> Result<HookFacts, Unreachable> {
    let mut facts = HookFacts::default();
    // `lib.mkForce ''…''` and `lib.mkAfter ''…''` take a string, not a sum.
    let mut value = through_module_functions(value);
    if let Expr::LegacyLet(node) = &value {
        // Its names could hide the name of the package.
        if settings.package.is_some() {
            return Err(Unreachable);
        }
        value = syntax::body_of(node).ok_or(Unreachable)?;
    }
    if let Expr::Str(string) = &value
        && syntax::plain_string(string).is_some_and(|text| text.trim().is_empty())
        && is_simple_place(&value)
        && body_start(edits, string).is_none()
    {
        let range = range_of(value.syntax());
        let base = indent_at(edits.text(), range.start).to_owned();
        let literal = own_literal(settings, edits.layout());
        let indent = edits.deeper(&base);
        edits.inline(range, &indent, &base, &literal);
        return Ok(facts);
    }
    let first = leftmost(&value);
    let inside = match &first {
        Expr::Str(string) if edits.line_end() == LineEnd::Lf => body_start(edits, string),
        _ => None,
    };
    let mut runs = Vec::new();
    for string in strings(&value) {
        conflicts(edits, &string, settings, &mut facts, &mut runs);
    }
    // A string in an interpolation is a part of a line of the outer one.
    let text = edits.text();
    facts.not_removed.sort_unstable();
    (facts.not_removed).dedup_by_key(|(offset, what)| (line_start(text, *offset), *what));
    let hook = edits.layout().stepped(&settings.hook_lines(LineEnd::Lf));
    match inside {
        // Lines at the very start go into the same region.
        Some((offset, indent)) => match runs.iter().position(|run| run.range.start == offset) {
            Some(first) => {
                let run = runs.remove(first);
                edits.lines(run.range, &indent, &hook);
            }
            None => edits.lines(offset..offset, &indent, &hook),
        },
        None => put_before(edits, &value, settings)?,
    }
    for run in runs {
        let indent = least_indent(edits.text(), &run.range).to_owned();
        // A block must not become empty.
        edits.lines(run.range, &indent, if run.in_block { ":" } else { "" });
    }
    Ok(facts)
}

/// Finds the lines that would undo the region in text that a hook contains by these references.
pub(crate) fn conflicts_elsewhere(
    eval: &mut Eval<'_, '_>,
    references: Vec<Thunk>,
    settings: ShellSettings<'_>,
) -> Vec<(Place, &'static str)> {
    let mut found = Vec::new();
    let text = text_of(eval, references);
    for (file, string) in text.strings {
        let file = eval.files.get(file);
        let edits = Edits::new(&file.text);
        let mut reader = HookReader::default();
        for line in lines_of(&edits, &string) {
            let conflict = reader.read(line.code).conflict;
            if let Some(conflict) = conflict.filter(|_| !line.is_part_of_interpolation)
                && !is_harmless(&conflict, settings)
            {
                found.push((file.place(line.offset), conflict.what()));
            }
        }
    }
    for (path, text) in text.files {
        let mut reader = HookReader::default();
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let start = offset + (line.len() - line.trim_start().len());
            offset += line.len();
            let conflict = reader.read(line).conflict;
            if let Some(conflict) = conflict.filter(|conflict| !is_harmless(conflict, settings)) {
                found.push((Place::at(&path, &text, start), conflict.what()));
            }
        }
    }
    found
}

/// Whether all that a line does is to set the same values as the region.
fn is_harmless(conflict: &Conflict, settings: ShellSettings<'_>) -> bool {
    let Conflict::Assignment(all) = conflict else {
        return false;
    };
    all.iter()
        .all(|(variable, value)| agrees(*variable, value.as_deref(), settings))
}

/// Lines of a hook that are removed together.
struct RemovedLines {
    range: Range<usize>,
    in_block: bool,
}

/// The hook as a string literal, with two spaces for each level.
pub(crate) fn literal(settings: ShellSettings<'_>, line_end: LineEnd) -> String {
    let lines = settings.hook_lines(line_end);
    match line_end {
        LineEnd::Lf => format!("''\n{}\n''", indented(&lines, "  ", "\n")),
        // Nix keeps the carriage returns of a '' string, but not those of a " string.
        LineEnd::CrLf => format!("\"{lines}\n\""),
    }
}

/// The hook as a string literal in the layout of a file.
pub(crate) fn own_literal(settings: ShellSettings<'_>, layout: Layout) -> String {
    layout.stepped(&literal(settings, layout.line_end))
}

/// `lib.mkForce value`, `lib.mkAfter value` → `value`, if it is a string or a sum of them.
fn through_module_functions(value: &Expr) -> Expr {
    let (head, arguments) = call_parts(value);
    match (last_name(&head).as_deref(), arguments.as_slice()) {
        (Some("mkForce" | "mkBefore" | "mkAfter" | "mkDefault"), [inner])
        | (Some("mkIf" | "mkOverride" | "mkOrder"), [_, inner]) => inner.clone(),
        _ => value.clone(),
    }
}

fn put_before(
    edits: &mut Edits<'_>,
    value: &Expr,
    settings: ShellSettings<'_>,
) -> Result<(), Unreachable> {
    // As an argument, `'' … '' + x` would need parentheses.
    let parent = value.syntax().parent().map(|parent| parent.kind());
    if !matches!(
        parent,
        Some(SyntaxKind::NODE_ATTRPATH_VALUE | SyntaxKind::NODE_PAREN | SyntaxKind::NODE_LET_IN)
    ) {
        return Err(Unreachable);
    }
    let range = range_of(value.syntax());
    let base = indent_at(edits.text(), range.start).to_owned();
    let indent = match parent {
        Some(SyntaxKind::NODE_ATTRPATH_VALUE)
            if line_start(edits.text(), range.start)
                <= value
                    .syntax()
                    .parent()
                    .map_or(0, |node| range_of(&node).start) =>
        {
            edits.deeper(&base)
        }
        _ => base,
    };
    let literal = own_literal(settings, edits.layout());
    let simple = binds_tighter_than_plus(value);
    let open = if simple { "" } else { " (" };
    edits.inline(
        range.start..range.start,
        &indent,
        &indent,
        &format!("{literal} +{open}"),
    );
    if !simple {
        edits.inline(range.end..range.end, &indent, &indent, ")");
    }
    Ok(())
}

/// Whether a sum is allowed in place of `value`: not as an argument, without parentheses.
fn is_simple_place(value: &Expr) -> bool {
    value.syntax().parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            SyntaxKind::NODE_ATTRPATH_VALUE | SyntaxKind::NODE_PAREN | SyntaxKind::NODE_LET_IN
        )
    })
}

/// Whether `'' … '' + value` needs no parentheses around `value`.
fn binds_tighter_than_plus(value: &Expr) -> bool {
    match value {
        Expr::Str(_) | Expr::Ident(_) | Expr::Select(_) | Expr::Apply(_) | Expr::Paren(_) => true,
        Expr::BinOp(operation) => operation.operator() == Some(ast::BinOpKind::Add),
        _ => false,
    }
}

/// The first operand of a chain of `+`, also after `with` and `assert`, which hide no names that the
/// hook uses.
fn leftmost(expr: &Expr) -> Expr {
    let inner = match expr {
        Expr::With(node) => node.body(),
        Expr::Assert(node) => node.body(),
        _ => None,
    };
    if let Some(inner) = inner {
        return leftmost(&inner);
    }
    match expr {
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Add) => operation
            .lhs()
            .map_or_else(|| expr.clone(), |left| leftmost(&left)),
        _ => expr.clone(),
    }
}

/// For a `''` string whose first line is empty: where its second line starts, and the indentation
/// that Nix strips from all lines.
fn body_start(edits: &Edits<'_>, string: &ast::Str) -> Option<(usize, String)> {
    let text = edits.text();
    let range = range_of(string.syntax());
    let raw = &text[range.clone()];
    let inner = raw.strip_prefix("''")?;
    let newline = inner.find('\n')?;
    if !inner[..newline].bytes().all(|byte| byte == b' ') || inner.trim_end_matches("''").is_empty()
    {
        return None;
    }
    let offset = range.start + 2 + newline + 1;
    let indent = match common_indent(string) {
        // Nix does not strip tabs; the first line's are used for a consistent look.
        Some(0) => {
            let first = &text[offset..];
            first[..first.len() - first.trim_start_matches('\t').len()].to_owned()
        }
        Some(spaces) => " ".repeat(spaces),
        // No line has any text: the region is the only content.
        None => edits.deeper(indent_at(text, range.end)),
    };
    Some((offset, indent))
}

/// How many spaces Nix strips from each line of a `''` string; `None` when all are blank.
fn common_indent(string: &ast::Str) -> Option<usize> {
    let mut smallest = None;
    let mut spaces = Some(0);
    let mut note = |spaces: &mut Option<usize>| {
        if let Some(count) = spaces.take() {
            smallest = Some(smallest.map_or(count, |smallest: usize| smallest.min(count)));
        }
    };
    for part in string.parts() {
        match part {
            InterpolPart::Interpolation(_) => note(&mut spaces),
            InterpolPart::Literal(content) => {
                for character in ast::AstToken::syntax(&content).text().chars() {
                    match (character, &mut spaces) {
                        ('\n', _) => spaces = Some(0),
                        (' ', Some(count)) => *count += 1,
                        (_, Some(_)) => note(&mut spaces),
                        (_, None) => {}
                    }
                }
            }
        }
    }
    smallest
}

/// Finds the lines of a hook that would set one of sccfg's variables again, or start or stop the
/// server. Lines that do nothing else are to be removed; the others are noted in `facts`.
fn conflicts(
    edits: &Edits<'_>,
    string: &ast::Str,
    settings: ShellSettings<'_>,
    facts: &mut HookFacts,
    runs: &mut Vec<RemovedLines>,
) {
    let mut reader = HookReader::default();
    for line in lines_of(edits, string) {
        let read = reader.read(line.code);
        let Some(conflict) = read.conflict.filter(|_| !line.is_part_of_interpolation) else {
            continue;
        };
        let can_be_removed = line.can_be_removed && read.is_whole;
        if let (Conflict::Assignment(all), true) = (&conflict, is_export(line.code)) {
            let own = all.iter().filter_map(|(variable, value)| {
                Some(OwnValue {
                    variable: *variable,
                    value: value.clone()?,
                    offset: line.offset,
                })
            });
            facts.own.extend(own);
        }
        if let (Conflict::Assignment(all), true) = (&conflict, read.in_block) {
            let first = all.first();
            let name = first.map_or("a variable", |(variable, _)| variable.name());
            facts.conditional.push((line.offset, name));
        }
        match conflict {
            conflict if is_harmless(&conflict, settings) => {}
            Conflict::Assignment(all) if can_be_removed => {
                facts.note_requests(all);
                remove_lines(runs, line.range, read.in_block);
            }
            Conflict::Server if can_be_removed => remove_lines(runs, line.range, read.in_block),
            conflict => facts.not_removed.push((line.offset, conflict.what())),
        }
    }
}

/// Whether a line exports what it sets: otherwise programs do not see it.
fn is_export(line: &str) -> bool {
    let line = line.trim_start();
    ["export ", "declare -x ", "typeset -x "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// A line of the source text of a string.
struct HookLine<'t> {
    /// The whole line in the file.
    range: Range<usize>,
    /// Where its code starts.
    offset: usize,
    code: &'t str,
    /// Whether an interpolation starts before the line, or ends after it.
    is_part_of_interpolation: bool,
    /// Whether the whole line can be recorded in a comment and removed from the string.
    can_be_removed: bool,
}

fn lines_of<'t>(edits: &Edits<'t>, string: &ast::Str) -> Vec<HookLine<'t>> {
    let text = edits.text();
    let range = range_of(string.syntax());
    let interpolations: Vec<(Range<usize>, bool)> = string
        .parts()
        .filter_map(|part| match part {
            InterpolPart::Interpolation(part) => {
                let is_one_line = part.expr().is_some_and(|expr| is_name_or_path(&expr));
                Some((range_of(part.syntax()), is_one_line))
            }
            InterpolPart::Literal(_) => None,
        })
        .collect();
    let mut lines = Vec::new();
    let mut start = line_start(text, range.start);
    while start < range.end {
        let end = next_line(text, start);
        let mut touching = interpolations
            .iter()
            .filter(|(part, _)| part.start < end && start < part.end);
        let is_part_of_interpolation = touching
            .clone()
            .any(|(part, _)| !(start <= part.start && part.end <= end));
        let inner_start = start.max(range.start);
        let inner = &text[inner_start..end.min(range.end)];
        let code = inner.trim_start_matches(['\'', '"']).trim_start();
        lines.push(HookLine {
            range: start..end,
            offset: inner_start + inner.len() - code.len(),
            code: inner.trim_matches(['\'', '"']),
            is_part_of_interpolation,
            can_be_removed: start > range.start
                && end <= range.end
                && edits.line_end() == LineEnd::Lf
                && !has_bare_carriage_return(inner)
                && !inner.contains("''\\")
                // In a comment line, an interpolation must not add a second line.
                && touching.all(|(_, is_one_line)| *is_one_line),
        });
        start = end;
    }
    lines
}

/// `pkgs.sccache`, `sccache`, `./.`, `toString ./.`
fn is_name_or_path(expr: &Expr) -> bool {
    match expr {
        Expr::Ident(_) | Expr::Select(_) | Expr::PathRel(_) | Expr::PathAbs(_) => true,
        Expr::Apply(_) => {
            let (head, arguments) = call_parts(expr);
            last_name(&head).as_deref() == Some("toString") && arguments.iter().all(is_name_or_path)
        }
        _ => false,
    }
}

/// Adds lines to those that are removed, merging adjacent ones.
fn remove_lines(runs: &mut Vec<RemovedLines>, range: Range<usize>, in_block: bool) {
    match runs.last_mut() {
        Some(run) if run.range.end == range.start => {
            run.range.end = range.end;
            run.in_block |= in_block;
        }
        _ => runs.push(RemovedLines { range, in_block }),
    }
}

/// Whether an assignment in the hook sets the same value as the region.
fn agrees(variable: Variable, value: Option<&str>, settings: ShellSettings<'_>) -> bool {
    match (variable, value) {
        (variable, _) if !settings.decides(variable) => true,
        (Variable::CargoIncremental, Some("0")) => {
            settings.value(Variable::CargoIncremental, "").is_some()
        }
        (Variable::RustcWrapper, Some(value)) => {
            settings.value(Variable::SccfgSccache, "").is_none()
                && value.starts_with("${")
                && (value.ends_with("sccache}/bin/sccache")
                    || value.contains("getExe ") && value.ends_with("sccache}"))
        }
        _ => false,
    }
}
