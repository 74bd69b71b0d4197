//! The walk from a flake's outputs to its dev shells.

use rnix::SyntaxNode;
use rnix::ast::{self, Attr, Entry, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::files::FileId;
use super::found::{Anchor, Found, InToml, Kind};
use super::found::{Flake, Shells};
use super::lexical;
use super::syntax::{self, call_parts, innermost};
use super::thunk::Thunk;

/// A step of the path to a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// This attribute.
    Name(String),
    /// Any system: `x86_64-linux`, `${system}`.
    System,
    /// Every attribute; its name is the shell's.
    Each,
}

impl Step {
    pub(super) fn as_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::System | Self::Each => None,
        }
    }
}

pub(super) fn name(text: &str) -> Step {
    Step::Name(text.to_owned())
}

/// The target of a walk.
#[derive(Debug, Clone)]
pub(super) struct Sought {
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
    pub(super) output: Option<Thunk>,
}

impl Default for Sought {
    fn default() -> Self {
        Self {
            name: None,
            kind: Kind::Derivation,
            output: None,
        }
    }
}

impl Sought {
    pub(super) fn named(&self, name: Option<String>) -> Self {
        Self {
            name: name.or_else(|| self.name.clone()),
            kind: self.kind,
            output: self.output.clone(),
        }
    }
}

pub(super) struct Search<'f, 's> {
    pub(super) eval: Eval<'f, 's>,
    found: Vec<Found>,
    pub(super) in_toml: Vec<InToml>,
    /// Functions from outside of the repository on the path.
    unseen: Vec<(FileId, SyntaxNode)>,
    depth: u32,
}

/// The limit of nested outputs, functions and sets.
const DEPTH: u32 = 80;

impl<'f, 's> Search<'f, 's> {
    pub(super) fn new(eval: Eval<'f, 's>) -> Self {
        Self {
            eval,
            found: Vec::new(),
            in_toml: Vec::new(),
            unseen: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn has_found(&self, name: &str) -> bool {
        let mut names = self.found.iter().map(|found| found.name.as_deref());
        names.any(|found| found == Some(name))
    }

    /// The dev shells in the outputs `outputs` of `flake`.
    pub(super) fn into_shells(mut self, flake: Thunk, outputs: Thunk) -> Shells {
        let found = &self.found;
        self.in_toml.retain(|shell| {
            let mut names = found.iter().map(|found| found.name.as_deref());
            !names.any(|name| name == Some(&*shell.name))
        });
        Shells {
            found: self.found,
            in_toml: self.in_toml,
            unseen: self.unseen.into_iter().next(),
            flake: Some(Flake {
                root: flake,
                outputs,
            }),
            devenv: None,
        }
    }

    /// Walks `path`, and drops the shells found there that `keep` rejects.
    pub(super) fn walk_and_keep(
        &mut self,
        thunk: &Thunk,
        path: &[Step],
        sought: &Sought,
        keep: impl Fn(&Found) -> bool,
    ) -> bool {
        let before = self.found.len();
        self.walk(thunk, path, sought);
        let added = self.found.split_off(before);
        self.found.extend(added.into_iter().filter(keep));
        self.found.len() > before
    }

    /// Notes a function whose result cannot be seen.
    pub(super) fn add_unseen(&mut self, file: FileId, function: SyntaxNode) {
        self.unseen.push((file, function));
    }

    /// Walks `path` from the value of `thunk`; `true` when anything was found.
    pub(super) fn walk(&mut self, thunk: &Thunk, path: &[Step], sought: &Sought) -> bool {
        if self.depth > DEPTH || !self.eval.spend() {
            return false;
        }
        self.depth += 1;
        let before = self.found.len();
        self.walk_deeper(thunk, path, sought);
        self.depth -= 1;
        self.found.len() > before
    }

    fn walk_deeper(&mut self, thunk: &Thunk, path: &[Step], sought: &Sought) {
        if path.is_empty() {
            self.found.push(Found {
                name: sought.name.clone(),
                kind: sought.kind,
                output: sought.output.clone(),
                anchor: Anchor::Value(thunk.clone()),
            });
            return;
        }
        let value = self.eval.follow(thunk);
        let before = self.found.len();
        self.walk_value(thunk, &value, path, sought);
        // A function of the repository that cannot be followed, such as a copy of flake-utils'
        // `eachSystem`: its arguments still tell what is in its result.
        let written = innermost(&thunk.expr);
        if self.found.len() == before && written != value.expr && matches!(written, Expr::Apply(_))
        {
            let (_, arguments) = call_parts(&written);
            let arguments: Vec<Thunk> = arguments
                .into_iter()
                .map(|argument| thunk.beside(argument))
                .collect();
            self.walk_arguments(&arguments, path, sought);
        }
    }

    fn walk_value(&mut self, thunk: &Thunk, value: &Thunk, path: &[Step], sought: &Sought) {
        match &value.expr {
            Expr::AttrSet(set) => self.walk_set(value, set, path, sought),
            Expr::Lambda(lambda) => {
                if let Some(body) = lambda.body() {
                    self.walk(&value.beside(body), path, sought);
                }
            }
            Expr::IfElse(choice) => {
                for branch in [choice.body(), choice.else_body()].into_iter().flatten() {
                    self.walk(&value.beside(branch), path, sought);
                }
            }
            Expr::BinOp(operation) => self.walk_operation(value, operation, path, sought),
            Expr::List(list) => {
                for item in list.items() {
                    self.walk(&value.beside(item), path, sought);
                }
            }
            Expr::Select(select) => {
                let Some(base) = select.expr() else { return };
                let attrs = select.attrpath().into_iter().flat_map(|path| path.attrs());
                let steps: Vec<Step> = attrs.map(|attr| self.step_of(value, &attr)).collect();
                let longer = [steps.as_slice(), path].concat();
                if !self.walk(&value.beside(base), &longer, sought) {
                    self.opaque(thunk, path, sought);
                }
            }
            Expr::Apply(_) => self.walk_call(thunk, value, path, sought),
            _ => self.opaque(thunk, path, sought),
        }
    }

    /// The step that an attribute of a selection takes: `.devShells`, `.${system}`, `.${output}`.
    fn step_of(&mut self, around: &Thunk, attr: &Attr) -> Step {
        if let Some(name) = syntax::attr_name(attr) {
            return Step::Name(name);
        }
        let computed = match attr {
            Attr::Dynamic(dynamic) => dynamic.expr(),
            _ => None,
        };
        let name = computed.and_then(|expr| self.eval.text(&around.beside(expr)));
        name.filter(|name| !is_system(name))
            .map_or(Step::System, Step::Name)
    }

    /// Whether `attr`, of a set at `around`, can be this step of the path; sets the name of the shell.
    fn matches(&mut self, around: &Thunk, attr: &Attr, step: &Step, sought: &mut Sought) -> bool {
        let computed = match attr {
            Attr::Dynamic(dynamic) => dynamic.expr(),
            Attr::Ident(_) | Attr::Str(_) => None,
        };
        let name = syntax::attr_name(attr).or_else(|| self.eval.text(&around.beside(computed?)));
        match (name, step) {
            (Some(name), Step::Name(wanted)) => name == *wanted,
            (Some(name), Step::Each) => {
                sought.name = Some(name);
                true
            }
            (Some(name), Step::System) => is_system(&name),
            // `${system}`
            (None, Step::System) => true,
            // `${name}`: a shell whose name is not known cannot be selected.
            (None, Step::Name(_) | Step::Each) => false,
        }
    }

    /// A set of shells whose inside is not known: one expression for all its shells.
    pub(super) fn opaque(&mut self, thunk: &Thunk, path: &[Step], sought: &Sought) {
        if path == [Step::Each] && sought.kind == Kind::Derivation {
            if is_one_shell(&thunk.expr) {
                return;
            }
            self.found.push(Found {
                name: None,
                kind: sought.kind,
                output: sought.output.clone(),
                anchor: Anchor::Value(thunk.clone()),
            });
        } else if path == [Step::System, Step::Each]
            && matches!(thunk.expr, Expr::Select(_) | Expr::Ident(_))
        {
            // `devShells = company.devShells;`
            self.unseen.push((thunk.file, thunk.expr.syntax().clone()));
        }
    }

    fn walk_set(&mut self, value: &Thunk, set: &ast::AttrSet, path: &[Step], sought: &Sought) {
        self.walk_entries(value, &syntax::entries(set.syntax()), path, sought);
    }

    fn walk_entries(&mut self, value: &Thunk, entries: &[Entry], path: &[Step], sought: &Sought) {
        for entry in entries {
            match entry {
                Entry::AttrpathValue(binding) => {
                    let (Some(attrpath), Some(inner)) = (binding.attrpath(), binding.value())
                    else {
                        continue;
                    };
                    let attrs: Vec<Attr> = attrpath.attrs().collect();
                    if attrs.len() > path.len() {
                        continue;
                    }
                    let mut sought = sought.clone();
                    let mut steps = attrs.iter().zip(path);
                    if steps.all(|(attr, step)| self.matches(value, attr, step, &mut sought)) {
                        let rest = &path[attrs.len()..];
                        if rest.first() == Some(&Step::System) {
                            sought.output = Some(value.beside(inner.clone()));
                        }
                        self.walk(&value.beside(inner), rest, &sought);
                    }
                }
                Entry::Inherit(inherit) => self.walk_inherit(value, inherit, path, sought),
            }
        }
    }

    fn walk_inherit(
        &mut self,
        value: &Thunk,
        inherit: &ast::Inherit,
        path: &[Step],
        sought: &Sought,
    ) {
        for attr in inherit.attrs() {
            let mut sought = sought.clone();
            let Some(name) = syntax::attr_name(&attr) else {
                continue;
            };
            if !self.matches(value, &attr, &path[0], &mut sought) {
                continue;
            }
            let inherited = self.eval.inherited(value, inherit, &name);
            if path.len() > 1 {
                match inherited {
                    Some(inherited) => {
                        self.walk(&inherited, &path[1..], &sought);
                    }
                    // `let devShells.default = …; in { inherit devShells; }`
                    None if inherit.from().is_none() => {
                        let scope = lexical::scope_of_parts(inherit.syntax(), &name);
                        if let Some(scope) = scope {
                            let entries = syntax::entries(&scope);
                            self.walk_entries(value, &entries, path, &sought);
                        } else if lexical::lookup(inherit.syntax(), &name).is_none() {
                            // `with x; { inherit devShells; }`
                            for set in lexical::withs(inherit.syntax()) {
                                if self.walk(&value.beside(set), path, &sought) {
                                    break;
                                }
                            }
                        }
                    }
                    // `inherit (x) devShells;` where `x` has `devShells.default = …;`
                    None => {
                        let from = inherit.from().and_then(|from| from.expr());
                        if let Some(from) = from
                            && !self.walk(&value.beside(from.clone()), path, &sought)
                        {
                            self.unseen.push((value.file, from.syntax().clone()));
                        }
                    }
                }
                continue;
            }
            self.found.push(Found {
                name: sought.name.clone(),
                kind: sought.kind,
                output: sought.output.clone(),
                anchor: Anchor::Inherit {
                    set: value.clone(),
                    inherit: inherit.clone(),
                    name,
                    value: inherited,
                },
            });
        }
    }

    fn walk_operation(
        &mut self,
        value: &Thunk,
        operation: &ast::BinOp,
        path: &[Step],
        sought: &Sought,
    ) {
        let (Some(left), Some(right)) = (operation.lhs(), operation.rhs()) else {
            return;
        };
        match operation.operator() {
            Some(ast::BinOpKind::Update) => {
                let start = self.found.len();
                self.walk(&value.beside(right), path, sought);
                let overriding: Vec<_> = self.found[start..]
                    .iter()
                    .map(|found| found.name.clone())
                    .collect();
                // The right side wins, except that another system may have the same name.
                let below_system = !path.contains(&Step::System);
                let middle = self.found.len();
                self.walk(&value.beside(left), path, sought);
                let added = self.found.split_off(middle);
                let is_opaque = |found: &Found| found.name.is_none();
                if self.found[start..].iter().any(is_opaque) && added.iter().any(is_opaque) {
                    // Which side has a shell is not known.
                    let right = self.found.split_off(start);
                    self.found
                        .extend(right.into_iter().filter(|found| !is_opaque(found)));
                    self.opaque(value, path, sought);
                }
                self.found.extend(
                    added
                        .into_iter()
                        .filter(|found| !(below_system && overriding.contains(&found.name))),
                );
            }
            Some(ast::BinOpKind::Concat) => {
                self.walk(&value.beside(left), path, sought);
                self.walk(&value.beside(right), path, sought);
            }
            _ => {}
        }
    }
}

/// Whether an expression is a call of a function that returns one shell.
fn is_one_shell(expr: &Expr) -> bool {
    let (function, arguments) = call_parts(&innermost(expr));
    !arguments.is_empty()
        && matches!(
            syntax::last_name(&function).as_deref(),
            Some("mkShell" | "mkShellNoCC" | "mkDerivation")
        )
}

pub(super) fn is_system(name: &str) -> bool {
    ["-linux", "-darwin", "-freebsd", "-windows"]
        .iter()
        .any(|system| name.ends_with(system))
}
