//! Edits of the module that is passed to numtide's `devshell.mkShell`.
//!
//! ```nix
//! pkgs.devshell.mkShell {
//!   env = [ { name = "FOO"; value = "1"; } ];
//! }
//! ```
//! becomes
//! ```nix
//! pkgs.devshell.mkShell {
//!   env = [
//!     # >>> sccfg >>> …
//!     { name = "RUSTC_WRAPPER"; value = "${pkgs.sccache}/bin/sccache"; }
//!     # <<< sccfg <<<
//!     { name = "FOO"; value = "1"; } ];
//!   # >>> sccfg >>> …
//!   devshell.startup."0-sccfg".text = '' … '';
//!   # <<< sccfg <<<
//! }
//! ```

use std::collections::BTreeSet;

use rnix::ast::{self, Entry, Expr};
use rowan::ast::AstNode as _;

use super::edits::Edits;
use super::hook;
use super::set::SetEdit;
use super::shell_settings::ShellSettings;
use super::{Declined, OwnValue, SetFacts};
use crate::find::eval::Eval;
use crate::find::shell_function::leftmost_list;
use crate::find::syntax::{self, call_parts, innermost};
use crate::find::thunk::Thunk;
use crate::text::{indent_at, indented, line_start, range_of, starts_line, whole_lines};
use crate::variable::Variable;

/// The attribute of the hook. Startup texts run in the order of their names: this one is first.
pub(crate) const STARTUP: &str = "devshell.startup.\"0-sccfg\".text";

/// Edits `set` in place.
pub(crate) fn edit(
    eval: &mut Eval<'_, '_>,
    edits: &mut Edits<'_>,
    thunk: &Thunk,
    settings: ShellSettings<'_>,
    sccache: &str,
) -> Result<SetFacts, Declined> {
    let Expr::AttrSet(set) = &thunk.expr else {
        return Err(Declined::Unclear);
    };
    let mut change = SetEdit::new(set);
    let mut facts = SetFacts::default();
    let mut env = None;
    for entry in &change.entries {
        match entry {
            Entry::AttrpathValue(binding) => {
                let Some((names, value)) = syntax::binding_parts(binding) else {
                    continue;
                };
                let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
                match names.as_slice() {
                    [None, ..] => {
                        return Err(Declined::DynamicName(range_of(binding.syntax()).start));
                    }
                    [Some("env")] => env = Some(value),
                    // devshell has no such form, and would refuse a list next to it.
                    [Some("env"), ..] => return Err(Declined::Unclear),
                    // The name is taken.
                    [Some("devshell"), Some("startup"), Some("0-sccfg"), ..] => {
                        return Err(Declined::Unclear);
                    }
                    // Nix merges another attribute only into a literal.
                    [Some("devshell")] | [Some("devshell"), Some("startup")]
                        if !matches!(value, Expr::AttrSet(_)) =>
                    {
                        return Err(Declined::Unclear);
                    }
                    _ => {}
                }
            }
            Entry::Inherit(inherit) => {
                let taken = |name: &str| syntax::inherited(inherit, name).is_some();
                if taken("env") || taken("devshell") {
                    return Err(Declined::Unclear);
                }
            }
        }
    }
    let mut done = BTreeSet::new();
    let layout = edits.layout();
    let elements = |done: &BTreeSet<Variable>| {
        indented(
            &missing(done, settings, sccache).join("\n"),
            layout.step,
            "\n",
        )
    };
    if let Some(list) = env.as_ref().and_then(leftmost_list) {
        edit_list(edits, &list, settings, sccache, &mut done, &mut facts);
    } else if let Some(env) = &env {
        let range = range_of(env.syntax());
        if !matches!(
            env,
            Expr::Ident(_) | Expr::Select(_) | Expr::Apply(_) | Expr::Paren(_) | Expr::BinOp(_)
        ) {
            return Err(Declined::Unclear);
        }
        let indent = edits.deeper(indent_at(edits.text(), range.start));
        let body = format!("[\n{}\n] ++", elements(&done));
        edits.inline(range.start..range.start, &indent, &indent, &body);
    } else {
        change.add(format!("env = [\n{}\n];", elements(&done)));
    }
    let texts = shell_texts(thunk, set, &[]);
    facts.hook.not_removed_elsewhere = hook::conflicts_elsewhere(eval, texts, settings);
    let literal = hook::own_literal(settings, layout);
    change.add(format!("{STARTUP} = {literal};"));
    change.write(edits);
    Ok(facts)
}

/// The values of `devshell.startup.NAME.text` and `devshell.interactive.NAME.text` in `set`, the value of the
/// attribute `outer`; also those that a function makes, such as `noDepEntry "…"`.
fn shell_texts(thunk: &Thunk, set: &ast::AttrSet, outer: &[String]) -> Vec<Thunk> {
    let mut texts = Vec::new();
    for entry in syntax::entries(set.syntax()) {
        let Entry::AttrpathValue(binding) = entry else {
            continue;
        };
        let Some((names, value)) = syntax::binding_parts(&binding) else {
            continue;
        };
        // A computed name is that of a text.
        let names = names.into_iter().map(Option::unwrap_or_default);
        let path: Vec<String> = outer.iter().cloned().chain(names).collect();
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_above = ["devshell"].starts_with(&names)
            || matches!(
                names.as_slice(),
                ["devshell", "startup" | "interactive"]
                    | ["devshell", "startup" | "interactive", _]
            );
        match (names.as_slice(), &value) {
            (_, Expr::AttrSet(inner)) if is_above => texts.extend(shell_texts(thunk, inner, &path)),
            (["devshell", "startup" | "interactive", _, "text"], _) => {
                texts.push(thunk.beside(value));
            }
            (["devshell", "startup" | "interactive", _], Expr::Apply(_)) => {
                let (_, arguments) = call_parts(&value);
                texts.extend(arguments.into_iter().map(|argument| thunk.beside(argument)));
            }
            _ => {}
        }
    }
    texts
}

fn missing(done: &BTreeSet<Variable>, settings: ShellSettings<'_>, sccache: &str) -> Vec<String> {
    Variable::SET
        .into_iter()
        .filter(|variable| !done.contains(variable))
        .filter_map(|variable| element(variable, settings, sccache))
        .collect()
}

pub(crate) fn element(
    variable: Variable,
    settings: ShellSettings<'_>,
    sccache: &str,
) -> Option<String> {
    let value = settings.value(variable, sccache)?;
    Some(format!("{{ name = \"{variable}\"; value = {value}; }}"))
}

/// Replaces the elements that set sccfg's variables, and adds the others at the start.
fn edit_list(
    edits: &mut Edits<'_>,
    list: &ast::List,
    settings: ShellSettings<'_>,
    sccache: &str,
    done: &mut BTreeSet<Variable>,
    facts: &mut SetFacts,
) {
    let mut replaced = Vec::new();
    for (index, item) in list.items().enumerate() {
        let Some((variable, value)) =
            variable_of(&item).filter(|(variable, _)| settings.decides(*variable))
        else {
            continue;
        };
        done.insert(variable);
        if let Some(value) = &value {
            facts.own.push(OwnValue {
                variable,
                value: value.syntax().text().to_string(),
                offset: range_of(value.syntax()).start,
            });
        }
        if value
            .as_ref()
            .is_some_and(|value| settings.is_satisfied_by(variable, value))
        {
            continue;
        }
        if let Some(Expr::Str(text)) = &value {
            match variable {
                Variable::SccacheCacheSize => facts.hook.size = syntax::plain_string(text),
                Variable::SccacheDir => facts.hook.dir = syntax::plain_string(text),
                _ => {}
            }
        }
        replaced.push((
            index,
            range_of(item.syntax()),
            element(variable, settings, sccache),
        ));
    }
    let mut first = missing(done, settings, sccache);
    let text = edits.text();
    for (index, range, body) in replaced {
        let indent = indent_at(text, range.start).to_owned();
        if let Some(lines) = whole_lines(text, &range) {
            edits.lines(lines, &indent, &body.unwrap_or_default());
            continue;
        }
        // Entries added at the start go into the first element's region: two adjacent regions could
        // not share the white space between them.
        let mut body: Vec<String> = body.into_iter().collect();
        if index == 0 {
            body.splice(0..0, std::mem::take(&mut first));
        }
        let indent = edits.deeper(&indent);
        edits.inline(range, &indent, &indent, &body.join("\n"));
    }
    if !first.is_empty() {
        put_first(edits, list, &first.join("\n"));
    }
}

/// The variable of sccfg that an element `{ name = "…"; value = …; }` sets, with its value.
fn variable_of(item: &Expr) -> Option<(Variable, Option<Expr>)> {
    let Expr::AttrSet(set) = innermost(item) else {
        return None;
    };
    let value_of = |name: &str| {
        syntax::entries(set.syntax())
            .into_iter()
            .find_map(|entry| match entry {
                Entry::AttrpathValue(binding) => {
                    let (names, value) = syntax::binding_parts(&binding)?;
                    (names == [Some(name.to_owned())]).then_some(value)
                }
                Entry::Inherit(_) => None,
            })
    };
    let Some(Expr::Str(name)) = value_of("name") else {
        return None;
    };
    let variable = Variable::from_name(&syntax::plain_string(&name)?)?;
    Some((variable, value_of("value")))
}

/// Puts a region at the start of a list.
pub(crate) fn put_first(edits: &mut Edits<'_>, list: &ast::List, body: &str) {
    let text = edits.text();
    let range = range_of(list.syntax());
    let after_bracket = range.start + 1;
    let first = list
        .items()
        .next()
        .map(|item| range_of(item.syntax()).start);
    match first {
        Some(first) if starts_line(text, first) && !text[after_bracket..first].contains('#') => {
            let start = line_start(text, first);
            let indent = indent_at(text, first).to_owned();
            edits.lines(start..start, &indent, body);
        }
        _ => {
            let indent = edits.deeper(indent_at(text, range.start));
            let tail = if first.is_some() {
                indent.clone()
            } else {
                indent_at(text, range.start).to_owned()
            };
            edits.inline(after_bracket..after_bracket, &indent, &tail, body);
        }
    }
}
