//! A module of devenv, devshell or make-shell: the sets that it defines, in its own file and in those that it imports.

use std::path::{Path, PathBuf};

use rnix::SyntaxNode;
use rnix::ast::{self, Entry, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::files::{FileId, Files, normalize};
use super::syntax::{self, call_parts, last_name};
use super::thunk::Thunk;
use crate::variable::Variable;

/// The limit of nested imports, functions and conditions.
const DEPTH: u32 = 12;

/// A module, as far as it is written in the repository.
#[derive(Debug, Default)]
pub(crate) struct Module {
    parts: Vec<Part>,
    /// The text of imported modules that belong to another project of sccfg, and are not edited here.
    foreign: Vec<String>,
}

/// A set of definitions.
#[derive(Debug, Clone)]
struct Part {
    set: Thunk,
    /// Whether the definitions hold without a condition.
    always: bool,
    /// Whether it is in the file of the module itself.
    own: bool,
}

impl Module {
    /// Reads the module `module`: `{ … }`, `{ pkgs, … }: { … }`, or a file.
    pub(crate) fn of(eval: &mut Eval<'_, '_>, module: &Thunk) -> Self {
        let mut reader = Reader {
            module: Self::default(),
            own: None,
            seen: Vec::new(),
        };
        reader.module(eval, module, true, DEPTH);
        reader.module
    }

    /// Adds the modules in `files`, which are imported next to it.
    pub(crate) fn with_imports(mut self, eval: &mut Eval<'_, '_>, files: &[PathBuf]) -> Self {
        let mut reader = Reader {
            own: self.parts.first().map(|part| part.set.file),
            seen: self.parts.iter().map(|part| part.set.file).collect(),
            module: std::mem::take(&mut self),
        };
        for path in files {
            reader.file(eval, path, DEPTH);
        }
        reader.module
    }

    /// The set to which definitions can be added: literal, without a condition, in the file of the module. Preferably one that
    /// has variables of sccfg, otherwise one with a hook.
    pub(crate) fn set(&self) -> Option<&Thunk> {
        let candidates = || self.parts.iter().filter(|part| part.own && part.always);
        let has = |name: &'static str| move |part: &&Part| has_attribute(&part.set, name);
        let with_variables = candidates().find(|part| sets_variables(&part.set, &|_| true));
        with_variables
            .or_else(|| candidates().find(has("enterShell")))
            .or_else(|| candidates().next())
            .map(|part| &part.set)
    }

    /// The same in the file `file`, which the module imports.
    pub(crate) fn set_in(&self, file: FileId) -> Option<&Thunk> {
        let mut parts = self.parts.iter();
        let part = parts.find(|part| part.always && part.set.file == file)?;
        Some(&part.set)
    }

    /// Whether another set than `set` gives a value to one of the variables for which `decides` is true: devenv refuses two
    /// values.
    pub(crate) fn sets_elsewhere(&self, set: &Thunk, decides: &dyn Fn(Variable) -> bool) -> bool {
        let others = self.others(set);
        others
            .into_iter()
            .any(|other| sets_variables(other, decides))
            || self
                .foreign
                .iter()
                .any(|text| names_variables(text, decides))
    }

    /// The variables in the module's own sets, as `env.NAME = value;` or in `env = { … };`, with values of the usual priority.
    pub(crate) fn settings(&self) -> Vec<(Variable, Expr)> {
        let mut found = Vec::new();
        for part in self.parts.iter().filter(|part| part.own) {
            for (path, value) in bindings(part.set.expr.syntax()) {
                match (path.as_slice(), value) {
                    ([Some(env), Some(name)], value) if env == "env" => {
                        found.extend(Variable::from_name(name).map(|variable| (variable, value)));
                    }
                    ([Some(env)], Expr::AttrSet(set)) if env == "env" => {
                        for (path, value) in bindings(set.syntax()) {
                            if let [Some(name)] = path.as_slice() {
                                let variable = Variable::from_name(name);
                                found.extend(variable.map(|variable| (variable, value)));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        found.retain(|(_, value)| !matches!(value, Expr::Apply(_)));
        found
    }

    /// The hooks of all sets but `except`.
    pub(crate) fn hooks(&self, except: Option<&Thunk>) -> Vec<Thunk> {
        let mut hooks = Vec::new();
        for part in &self.parts {
            if except.is_some_and(|except| is_same(except, &part.set)) {
                continue;
            }
            for (path, value) in bindings(part.set.expr.syntax()) {
                if path == [Some("enterShell".to_owned())] {
                    hooks.extend(texts(&part.set.beside(value)));
                }
            }
        }
        hooks
    }

    fn others(&self, set: &Thunk) -> Vec<&Thunk> {
        let sets = self.parts.iter().map(|part| &part.set);
        sets.filter(|other| !is_same(set, other)).collect()
    }
}

/// The paths and values of a set.
fn bindings(set: &SyntaxNode) -> impl Iterator<Item = (Vec<Option<String>>, Expr)> {
    let entries = syntax::entries(set).into_iter();
    entries.filter_map(|entry| match entry {
        Entry::AttrpathValue(binding) => syntax::binding_parts(&binding),
        Entry::Inherit(_) => None,
    })
}

fn is_same(one: &Thunk, other: &Thunk) -> bool {
    one.file == other.file && one.expr == other.expr
}

/// The strings in `lib.mkMerge [ … ]`, `lib.mkIf condition …` and the like.
fn texts(value: &Thunk) -> Vec<Thunk> {
    let (head, arguments) = call_parts(&value.expr);
    match (last_name(&head).as_deref(), arguments.last()) {
        (Some("mkMerge"), Some(Expr::List(list))) => {
            let items = list.items().map(|item| value.beside(item));
            items.flat_map(|item| texts(&item)).collect()
        }
        (Some(name), Some(inner)) if name.starts_with("mk") => texts(&value.beside(inner.clone())),
        _ => vec![value.clone()],
    }
}

struct Reader {
    module: Module,
    /// The file of the module.
    own: Option<FileId>,
    seen: Vec<FileId>,
}

impl Reader {
    fn module(&mut self, eval: &mut Eval<'_, '_>, module: &Thunk, always: bool, depth: u32) {
        if depth == 0 || !eval.spend() {
            return;
        }
        let mut value = eval.follow(module);
        if let Some(imported) = eval.imported(&value) {
            value = eval.follow(&imported);
        }
        while let Expr::Lambda(lambda) = &value.expr {
            let Some(body) = lambda.body() else { return };
            value = eval.follow(&value.beside(body));
        }
        self.own.get_or_insert(value.file);
        let Expr::AttrSet(_) = &value.expr else {
            self.config(eval, &value, always, depth - 1);
            return;
        };
        // A module with `config` or `options` has no other definitions.
        match eval.attribute(&value, "config") {
            Some(config) => self.config(eval, &config, always, depth - 1),
            None if has_attribute(&value, "config") || has_attribute(&value, "options") => {}
            None => self.add(&value, always),
        }
        let imports = eval.attribute(&value, "imports");
        if let Some(imports) = imports {
            self.imports(eval, &imports, depth - 1);
        }
    }

    /// Definitions: a set, `mkMerge [ … ]`, `mkIf condition { … }`, `{ … } // { … }`.
    fn config(&mut self, eval: &mut Eval<'_, '_>, config: &Thunk, always: bool, depth: u32) {
        if depth == 0 || !eval.spend() {
            return;
        }
        let value = eval.follow(config);
        match &value.expr {
            Expr::AttrSet(_) => self.add(&value, always),
            Expr::Apply(_) => {
                let (head, arguments) = call_parts(&value.expr);
                let Some(definition) = arguments.last() else {
                    return;
                };
                let is_merge = last_name(&head).as_deref() == Some("mkMerge");
                let inner = eval.follow(&value.beside(definition.clone()));
                match &inner.expr {
                    Expr::List(list) => {
                        for item in list.items() {
                            let item = inner.beside(item);
                            self.config(eval, &item, always && is_merge, depth - 1);
                        }
                    }
                    _ => self.config(eval, &inner, false, depth - 1),
                }
            }
            // One side may hide what is added to the other one.
            Expr::BinOp(operation) => {
                for side in [operation.lhs(), operation.rhs()].into_iter().flatten() {
                    self.config(eval, &value.beside(side), false, depth - 1);
                }
            }
            Expr::IfElse(choice) => {
                for branch in [choice.body(), choice.else_body()].into_iter().flatten() {
                    self.config(eval, &value.beside(branch), false, depth - 1);
                }
            }
            _ => {}
        }
    }

    fn imports(&mut self, eval: &mut Eval<'_, '_>, imports: &Thunk, depth: u32) {
        let value = eval.follow(imports);
        match &value.expr {
            Expr::List(list) => {
                for item in list.items() {
                    self.import(eval, &value.beside(item), depth);
                }
            }
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Concat) => {
                for side in [operation.lhs(), operation.rhs()].into_iter().flatten() {
                    self.imports(eval, &value.beside(side), depth);
                }
            }
            _ => {}
        }
    }

    fn import(&mut self, eval: &mut Eval<'_, '_>, item: &Thunk, depth: u32) {
        let Expr::PathRel(relative) = &item.expr else {
            // Sets and functions in the list are in a file that is read already.
            if !matches!(item.expr, Expr::Str(_)) {
                self.module(eval, item, false, depth);
            }
            return;
        };
        let relative = relative.syntax().text().to_string();
        if let Some(path) = eval.files.beside(item.file, &relative) {
            self.file(eval, &path, depth);
        }
    }

    /// The module in the file `path`, or in `default.nix` of that directory.
    fn file(&mut self, eval: &mut Eval<'_, '_>, path: &Path, depth: u32) {
        if eval.files.is_of_other_project(path) {
            let candidates = [path.to_owned(), path.join("default.nix")];
            let text = candidates.iter().find_map(|path| eval.files.text_of(path));
            self.module.foreign.extend(text);
            return;
        }
        let Some(id) = normalize(path).and_then(|path| eval.files.import(&path)) else {
            return;
        };
        if !self.seen.contains(&id) {
            self.seen.push(id);
            let file = eval.file(id);
            // An import has no condition.
            self.module(eval, &file, true, depth);
        }
    }

    fn add(&mut self, set: &Thunk, always: bool) {
        let own = self.own == Some(set.file);
        let known = self.module.parts.iter();
        if !known.clone().any(|part| is_same(&part.set, set)) {
            let set = set.clone();
            self.module.parts.push(Part { set, always, own });
        }
    }
}

/// Whether a literal set has an attribute of this name, or parts of it.
fn has_attribute(set: &Thunk, name: &str) -> bool {
    let mut entries = syntax::entries(set.expr.syntax()).into_iter();
    entries.any(|entry| match &entry {
        Entry::AttrpathValue(_) => defines(&entry, name),
        Entry::Inherit(inherit) => syntax::inherited(inherit, name).is_some(),
    })
}

/// Whether `env` of a set has one of the variables for which `decides` is true.
fn sets_variables(set: &Thunk, decides: &dyn Fn(Variable) -> bool) -> bool {
    let entries = syntax::entries(set.expr.syntax());
    let mut env = entries.iter().filter(|entry| defines(entry, "env"));
    env.any(|entry| names_variables_in(entry.syntax(), decides))
}

/// Whether `entry` has the form `name = …;` or `name.… = …;`.
fn defines(entry: &Entry, name: &str) -> bool {
    let Entry::AttrpathValue(binding) = entry else {
        return false;
    };
    let first = binding.attrpath().and_then(|path| path.attrs().next());
    first.and_then(|attr| syntax::attr_name(&attr)).as_deref() == Some(name)
}

/// Whether an attribute below `node` has the name of such a variable.
fn names_variables_in(node: &SyntaxNode, decides: &dyn Fn(Variable) -> bool) -> bool {
    node.descendants().filter_map(ast::Attr::cast).any(|attr| {
        let name = syntax::attr_name(&attr);
        let variable = name.as_deref().and_then(Variable::from_name);
        variable.is_some_and(decides)
    })
}

fn names_variables(text: &str, decides: &dyn Fn(Variable) -> bool) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| Variable::from_name(word).is_some_and(decides))
}

impl Files<'_> {
    /// Whether the file `path` is in a directory below that has a policy of its own.
    fn is_of_other_project(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1);
        let below_root = above.filter(|directory| *directory != Path::new(""));
        let mut policies = below_root
            .chain([path])
            .map(|directory| directory.join("sccfg.toml"));
        policies.any(|policy| self.text_of(&policy).is_some())
    }
}
