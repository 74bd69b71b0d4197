//! Edits of the set that is passed to `mkShell`, and of modules of devenv and make-shell.
//!
//! ```nix
//! pkgs.mkShell {
//!   packages = [ pkgs.cargo ];
//! }
//! ```
//! becomes
//! ```nix
//! pkgs.mkShell {
//!   packages = [ pkgs.cargo ];
//!   # >>> sccfg >>> …
//!   RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
//!   CARGO_INCREMENTAL = "0";
//!   shellHook = ''
//!     …
//!   '';
//!   # <<< sccfg <<<
//! }
//! ```

use std::collections::BTreeSet;

use rnix::ast::{self, AttrSet, Entry, Expr};
use rowan::ast::AstNode as _;

use super::edits::Edits;
use super::set::{self, SetEdit};
use super::shell_settings::ShellSettings;
use super::{Declined, OwnValue, SetFacts, hook, hook_parts};
use crate::find::eval::Eval;
use crate::find::shell_function::{SetTarget, mentions_ours};
use crate::find::syntax::{self, call_parts, innermost, last_name};
use crate::find::thunk::Thunk;
use crate::text::{indent_at, indented, range_of};
use crate::variable::Variable;

/// How the variables and the hook of a shell are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `mkShell`: variables at the top level or in `env`, the hook is `shellHook`.
    MkShell,
    /// devenv: variables in `env`, the hook is `enterShell`.
    Devenv,
    /// make-shell, a module around `mkShell`: variables in `env`, the hook is `shellHook`.
    MakeShell,
}

impl Dialect {
    fn hook(self) -> &'static str {
        match self {
            Self::MkShell | Self::MakeShell => "shellHook",
            Self::Devenv => "enterShell",
        }
    }
}

/// Where the variables of a set are.
enum Placement {
    /// As attributes of the set itself.
    Top,
    /// As `env.NAME = …;`
    Dotted,
    /// In `env = { … };`
    Literal(SetEdit),
    /// In a set added to a computed `env`: `env = expression // { … };`
    After(Expr),
}

/// Edits `set` in place.
pub(crate) fn edit(
    eval: &mut Eval<'_, '_>,
    edits: &mut Edits<'_>,
    dialect: Dialect,
    target: &SetTarget,
    settings: ShellSettings<'_>,
    sccache: &str,
) -> Result<SetFacts, Declined> {
    let thunk = &target.set;
    let Expr::AttrSet(set) = &thunk.expr else {
        return Err(Declined::Unclear);
    };
    let mut state = State {
        change: SetEdit::new(set),
        done: BTreeSet::new(),
        settings,
        sccache,
        facts: SetFacts::default(),
    };
    let seen = survey(&state.change.entries, dialect.hook(), settings)?;
    if seen.env_is_split || removes_what_is_used(set, &seen, settings) {
        return Err(Declined::Unclear);
    }
    if dialect != Dialect::MkShell
        && let Some(hook) = &seen.hook
        && is_conditional(eval, &thunk.beside(hook.clone()))
    {
        return Err(Declined::Unclear);
    }
    let placement = find_placement(eval, thunk, dialect, &seen)?;
    if dialect == Dialect::MkShell {
        state.replace_values(None, &seen.top);
    }
    state.replace_values(Some("env"), &seen.dotted);
    let placement = match placement {
        Placement::Literal(mut inner) => {
            let found = survey(&inner.entries, "", settings)?;
            state.replace_values_in(&mut inner, &found.top);
            for (entry, variables) in &found.inherited {
                let names: Vec<String> = variables
                    .iter()
                    .map(|variable| variable.name().to_owned())
                    .collect();
                let instead: Vec<String> = variables
                    .iter()
                    .filter_map(|&variable| state.binding("", variable))
                    .collect();
                inner.replace_inherited(*entry, &names, &instead);
            }
            Placement::Literal(inner)
        }
        other => other,
    };
    for (entry, variables) in &seen.inherited {
        let names: Vec<String> = variables
            .iter()
            .map(|variable| variable.name().to_owned())
            .collect();
        let instead: Vec<String> = variables
            .iter()
            .filter_map(|&variable| state.binding("", variable))
            .collect();
        state.change.replace_inherited(*entry, &names, &instead);
    }
    state.place(placement, edits);
    state.hook(edits, set, dialect, &seen, target.hidden_hook.as_deref())?;
    let references = hook_references(eval, thunk, &state.change.entries, dialect, &seen);
    state.facts.hook.not_removed_elsewhere = hook::conflicts_elsewhere(eval, references, settings);
    state.change.write(edits);
    Ok(state.facts)
}

/// The names and calls in the user's hook that stand for text, or the value of an inherited hook.
fn hook_references(
    eval: &mut Eval<'_, '_>,
    set: &Thunk,
    entries: &[Entry],
    dialect: Dialect,
    seen: &Survey,
) -> Vec<Thunk> {
    if let Some(hook) = &seen.hook {
        return hook_parts::references(&set.beside(hook.clone()));
    }
    match seen.hook_inherited.and_then(|entry| entries.get(entry)) {
        Some(Entry::Inherit(inherit)) => {
            let value = eval.inherited(set, inherit, dialect.hook());
            value.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The entries of a set that matter here.
#[derive(Debug, Default)]
struct Survey {
    /// sccfg's variables as attributes: entry and value.
    top: Vec<(usize, Variable, Expr)>,
    /// sccfg's variables as `env.NAME`.
    dotted: Vec<(usize, Variable, Expr)>,
    /// sccfg's variables in an `inherit`.
    inherited: Vec<(usize, Vec<Variable>)>,
    env: Option<Expr>,
    /// Whether `env = …;` is there more than once: Nix merges literal sets.
    env_is_split: bool,
    env_is_dotted: bool,
    env_is_inherited: bool,
    hook: Option<Expr>,
    hook_inherited: Option<usize>,
}

fn survey(entries: &[Entry], hook: &str, settings: ShellSettings<'_>) -> Result<Survey, Declined> {
    let mut seen = Survey::default();
    let ours =
        |name: &str| Variable::from_name(name).filter(|variable| settings.decides(*variable));
    let mut reserved: Vec<&str> = Variable::ALL
        .iter()
        .map(|variable| variable.name())
        .collect();
    reserved.extend(["env", "shellHook", "enterShell"]);
    for (index, entry) in entries.iter().enumerate() {
        match entry {
            Entry::AttrpathValue(binding) => {
                let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else {
                    continue;
                };
                let names = syntax::attrpath_names(&path);
                let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
                match names.as_slice() {
                    [None, ..] | [Some("env"), None, ..] => {
                        let computed = path.attrs().find(|attr| {
                            syntax::attr_name(attr).is_none() && syntax::may_be(attr, &reserved)
                        });
                        if computed.is_some() {
                            return Err(Declined::DynamicName(range_of(path.syntax()).start));
                        }
                    }
                    [Some(name)] if *name == hook => seen.hook = Some(value),
                    [Some("env")] if !hook.is_empty() => {
                        seen.env_is_split = seen.env.is_some();
                        seen.env = Some(value);
                    }
                    [Some("env"), Some(name), ..] if !hook.is_empty() => {
                        seen.env_is_dotted = true;
                        if let Some(variable) = ours(name) {
                            seen.dotted.push((index, variable, value));
                        }
                    }
                    [Some(name)] => {
                        if let Some(variable) = ours(name) {
                            seen.top.push((index, variable, value));
                        }
                    }
                    _ => {}
                }
            }
            Entry::Inherit(inherit) => {
                let names: Vec<String> = inherit
                    .attrs()
                    .filter_map(|attr| syntax::attr_name(&attr))
                    .collect();
                let inherited: Vec<Variable> = names.iter().filter_map(|name| ours(name)).collect();
                if !inherited.is_empty() {
                    seen.inherited.push((index, inherited));
                }
                if names.iter().any(|name| name == hook) {
                    seen.hook_inherited = Some(index);
                }
                seen.env_is_inherited |= !hook.is_empty() && names.iter().any(|name| name == "env");
            }
        }
    }
    Ok(seen)
}

/// Whether a `rec` set refers to a variable that would be removed from it.
fn removes_what_is_used(set: &AttrSet, seen: &Survey, settings: ShellSettings<'_>) -> bool {
    set.rec_token().is_some()
        && seen.top.iter().any(|(_, variable, _)| {
            let is_name = |node: &rnix::SyntaxNode| {
                node.kind() == rnix::SyntaxKind::NODE_IDENT
                    && node.text() == variable.name()
                    && node
                        .parent()
                        .is_some_and(|parent| parent.kind() != rnix::SyntaxKind::NODE_ATTRPATH)
            };
            settings.value(*variable, "").is_none()
                && set.syntax().descendants().any(|node| is_name(&node))
        })
}

fn find_placement(
    eval: &mut Eval<'_, '_>,
    set: &Thunk,
    dialect: Dialect,
    seen: &Survey,
) -> Result<Placement, Declined> {
    let fallback = match dialect {
        _ if seen.env_is_dotted => Placement::Dotted,
        Dialect::MkShell => Placement::Top,
        Dialect::Devenv | Dialect::MakeShell => Placement::Dotted,
    };
    if seen.env_is_inherited {
        // The inherited value must be known, or the shell is wrapped.
        let Expr::AttrSet(literal) = &set.expr else {
            return Err(Declined::Unclear);
        };
        let inherit = syntax::entries(literal.syntax())
            .into_iter()
            .find_map(|entry| match entry {
                Entry::Inherit(inherit) if syntax::inherited(&inherit, "env").is_some() => {
                    Some(inherit)
                }
                _ => None,
            });
        let value = inherit.and_then(|inherit| eval.inherited(set, &inherit, "env"));
        let value = value
            .map(|value| eval.follow(&value))
            .ok_or(Declined::Unclear)?;
        let known = matches!(value.expr, Expr::AttrSet(_)) && !mentions_ours(&value);
        return if known && dialect == Dialect::MkShell {
            Ok(fallback)
        } else {
            Err(Declined::Unclear)
        };
    }
    let Some(env) = &seen.env else {
        return Ok(fallback);
    };
    if dialect != Dialect::MkShell && is_conditional(eval, &set.beside(env.clone())) {
        return Err(Declined::Unclear);
    }
    match forced(env, dialect) {
        Expr::AttrSet(literal) => return Ok(Placement::Literal(SetEdit::new(&literal))),
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
            // `env = common // { … };`: the right side wins, so it is the place.
            if let Some(Expr::AttrSet(literal)) = operation.rhs().map(|right| innermost(&right)) {
                return Ok(Placement::Literal(SetEdit::new(&literal)));
            }
        }
        _ => {}
    }
    let value = eval.follow(&set.beside(env.clone()));
    if matches!(value.expr, Expr::AttrSet(_))
        && !mentions_ours(&value)
        && dialect == Dialect::MkShell
    {
        return Ok(fallback);
    }
    match env {
        Expr::Ident(_) | Expr::Select(_) | Expr::Apply(_) | Expr::Paren(_) | Expr::BinOp(_) => {
            Ok(Placement::After(env.clone()))
        }
        _ => Err(Declined::Unclear),
    }
}

/// Whether a definition of a module holds only under a condition or with another priority, or is several definitions:
/// `lib.mkIf condition …`, `lib.mkDefault …`, `lib.mkMerge [ … ]`. Nothing can be added to these.
fn is_conditional(eval: &mut Eval<'_, '_>, definition: &Thunk) -> bool {
    let value = eval.follow(definition);
    let (head, _) = call_parts(&value.expr);
    matches!(
        last_name(&head).as_deref(),
        Some("mkIf" | "mkMerge" | "mkDefault" | "mkOverride" | "mkOptionDefault")
    )
}

/// `env` of a module without `lib.mkForce`, which would hide variables beside it.
fn forced(env: &Expr, dialect: Dialect) -> Expr {
    let value = innermost(env);
    let (head, arguments) = call_parts(&value);
    match (last_name(&head).as_deref(), arguments.as_slice()) {
        (Some("mkForce"), [inner]) if dialect != Dialect::MkShell => innermost(inner),
        _ => value,
    }
}

struct State<'w> {
    change: SetEdit,
    done: BTreeSet<Variable>,
    settings: ShellSettings<'w>,
    sccache: &'w str,
    facts: SetFacts,
}

impl State<'_> {
    /// `NAME = value;`, if the variable is to be set.
    fn binding(&mut self, prefix: &str, variable: Variable) -> Option<String> {
        self.done.insert(variable);
        let value = self.settings.value(variable, self.sccache)?;
        Some(format!("{prefix}{variable} = {value};"))
    }

    /// Replaces the values of variables that are in the set already.
    fn replace_values(&mut self, below: Option<&str>, found: &[(usize, Variable, Expr)]) {
        let prefix = below.map_or_else(String::new, |below| format!("{below}."));
        for (entry, variable, value) in found {
            if let Some(body) = self.in_place(&prefix, *variable, value) {
                self.change.replace(*entry, body);
            }
        }
    }

    fn replace_values_in(&mut self, inner: &mut SetEdit, found: &[(usize, Variable, Expr)]) {
        for (entry, variable, value) in found {
            if let Some(body) = self.in_place("", *variable, value) {
                inner.replace(*entry, body);
            }
        }
    }

    /// The replacement of `variable = value;`; `None` when the value is right.
    fn in_place(&mut self, prefix: &str, variable: Variable, value: &Expr) -> Option<String> {
        self.facts.own.push(OwnValue {
            variable,
            value: value.syntax().text().to_string(),
            offset: range_of(value.syntax()).start,
        });
        if self.settings.is_satisfied_by(variable, value) {
            self.done.insert(variable);
            return None;
        }
        if let Expr::Str(string) = innermost(value) {
            match variable {
                Variable::SccacheCacheSize => {
                    self.facts.hook.size = syntax::plain_string(&string);
                }
                Variable::SccacheDir => self.facts.hook.dir = syntax::plain_string(&string),
                _ => {}
            }
        }
        Some(self.binding(prefix, variable).unwrap_or_default())
    }

    /// Adds the variables that the set does not have.
    fn place(&mut self, mut placement: Placement, edits: &mut Edits<'_>) {
        let prefix = if matches!(placement, Placement::Dotted) {
            "env."
        } else {
            ""
        };
        let missing: Vec<String> = Variable::SET
            .into_iter()
            .filter(|variable| !self.done.contains(variable))
            .filter_map(|variable| {
                let value = self.settings.value(variable, self.sccache)?;
                Some(format!("{prefix}{variable} = {value};"))
            })
            .collect();
        if let Placement::Literal(inner) = &mut placement
            && !missing.is_empty()
        {
            inner.add(missing.join("\n"));
        }
        match placement {
            Placement::Literal(inner) => inner.write(edits),
            _ if missing.is_empty() => {}
            Placement::Top | Placement::Dotted => self.change.add(missing.join("\n")),
            Placement::After(env) => {
                let range = range_of(env.syntax());
                let indent = edits.deeper(indent_at(edits.text(), range.start));
                let lines = indented(&missing.join("\n"), edits.layout().step, "\n");
                let body = format!("// {{\n{lines}\n}}");
                edits.inline(range.end..range.end, &indent, &indent, &body);
            }
        }
    }

    fn hook(
        &mut self,
        edits: &mut Edits<'_>,
        set: &AttrSet,
        dialect: Dialect,
        seen: &Survey,
        hidden: Option<&str>,
    ) -> Result<(), Declined> {
        let name = dialect.hook();
        if let Some(value) = &seen.hook {
            let before = std::mem::take(&mut self.facts.hook);
            self.facts.hook =
                hook::put_first(edits, value, self.settings).map_err(|_| Declined::Unclear)?;
            self.facts.hook.size = self.facts.hook.size.take().or(before.size);
            self.facts.hook.dir = self.facts.hook.dir.take().or(before.dir);
            return Ok(());
        }
        let literal = hook::own_literal(self.settings, edits.layout());
        let Some(entry) = seen.hook_inherited else {
            let hidden = hidden.map_or_else(String::new, |hook| format!(" + {hook}"));
            self.change.add(format!("{name} = {literal}{hidden};"));
            return Ok(());
        };
        // In a recursive set, `shellHook = shellHook` would refer to itself.
        if set.rec_token().is_some() {
            return Err(Declined::Unclear);
        }
        let Some(Entry::Inherit(inherit)) = self.change.entries.get(entry) else {
            return Err(Declined::Unclear);
        };
        if seen.inherited.iter().any(|(other, _)| *other == entry) {
            return Err(Declined::Unclear);
        }
        let inherited = match inherit.from() {
            None => name.to_owned(),
            Some(from) => format!("{}.{name}", set::inherited_from(&from)),
        };
        let instead = format!("{name} = {literal} + {inherited};");
        self.change
            .replace_inherited(entry, &[name.to_owned()], &[instead]);
        Ok(())
    }
}
