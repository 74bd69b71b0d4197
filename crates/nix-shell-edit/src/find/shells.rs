//! From the outputs of a flake to the expressions that make its dev shells.

use std::path::Path;

use rnix::SyntaxNode;
use rnix::ast::{self, Attr, Entry, Expr};
use rowan::ast::AstNode as _;

use super::eval::{Eval, Thunk, Value, call_parts, innermost, last_name};
use super::files::{FileId, Files};
use super::lexical;
use sccfg_util::problem::Problem;

/// What kind of thing a dev shell is at the place where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A derivation: `devShells.<system>.<name>`, `devShell.<system>`.
    Derivation,
    /// A module of devenv: flake-parts' `devenv.shells.<name>`.
    DevenvModule,
    /// A module of numtide's devshell: flake-parts' `devshells.<name>`.
    DevshellModule,
    /// A module of make-shell: flake-parts' `make-shells.<name>`.
    MakeShellModule,
}

/// A dev shell.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Its name; `None` for all names of a set whose inside cannot be seen.
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    /// The expression that stands for it in the outputs.
    pub(crate) anchor: Anchor,
    /// The value of the flake's `devShells` (or `devShell`) as a whole, where there is one.
    pub(crate) output: Option<Thunk>,
}

/// Where a dev shell stands in the outputs.
#[derive(Debug, Clone)]
pub(crate) enum Anchor {
    /// `default = <expression>;`
    Value(Thunk),
    /// `inherit default;` or `inherit (from) default;`
    Inherit {
        set: Thunk,
        inherit: ast::Inherit,
        name: String,
        value: Option<Thunk>,
    },
}

impl Anchor {
    pub(crate) fn node(&self) -> &SyntaxNode {
        match self {
            Self::Value(thunk) => thunk.expr.syntax(),
            Self::Inherit { inherit, .. } => inherit.syntax(),
        }
    }

    pub(crate) fn file(&self) -> FileId {
        match self {
            Self::Value(thunk) => thunk.file,
            Self::Inherit { set, .. } => set.file,
        }
    }
}

/// A part of the way to a shell.
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

/// Finds the dev shells of the flake at `flake.nix`.
///
/// # Errors
/// When there is no flake, or it is none.
pub(crate) fn find(files: &mut Files<'_>) -> Result<Shells, Problem> {
    let path = Path::new("flake.nix");
    let Some(flake) = files.load(path)? else {
        return Err(Problem::new("there is no flake.nix here"));
    };
    let mut eval = Eval::new(files);
    let root = eval.file(flake);
    let root = eval.follow(&root);
    let Some(outputs) = eval.attribute(&root, "outputs") else {
        let place = eval.files.get(flake).place(0);
        return Err(Problem::new("this flake has no `outputs`")
            .at(place)
            .hint("a flake is a set `{ inputs = …; outputs = { self, … }: …; }`"));
    };
    let outputs = eval.follow(&outputs);
    let result = Eval::call(&outputs, Value::Inputs).unwrap_or_else(|| outputs.clone());
    eval.outputs = Some(result.clone());
    let mut search = Search {
        eval,
        found: Vec::new(),
        unseen: Vec::new(),
        depth: 0,
    };
    search.walk(
        &result,
        &[name("devShells"), Step::System, Step::Each],
        &Sought::default(),
    );
    if !search
        .found
        .iter()
        .any(|found| found.name.as_deref() == Some("default"))
    {
        let legacy = Sought {
            name: Some("default".to_owned()),
            ..Sought::default()
        };
        search.walk(&result, &[name("devShell"), Step::System], &legacy);
    }
    let Search {
        mut found, unseen, ..
    } = search;
    dedup(&mut found);
    Ok(Shells {
        found,
        unseen: unseen.into_iter().next(),
        flake: root,
        outputs,
    })
}

/// What there is to find in a flake.
#[derive(Debug)]
pub(crate) struct Shells {
    pub(crate) found: Vec<Found>,
    /// The first function on the way to the shells whose result cannot be seen.
    pub(crate) unseen: Option<(FileId, SyntaxNode)>,
    /// The flake itself: a set.
    pub(crate) flake: Thunk,
    /// What makes its outputs: a function, if it is written out.
    pub(crate) outputs: Thunk,
}

fn dedup(found: &mut Vec<Found>) {
    let mut seen = Vec::new();
    found.retain(|shell| {
        let key = (
            shell.name.clone(),
            shell.anchor.file(),
            shell.anchor.node().clone(),
        );
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
}

/// What is looked for on the way down.
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
    /// Functions from outside on the way, whose results cannot be seen.
    unseen: Vec<(FileId, SyntaxNode)>,
    depth: u32,
}

/// How many nested outputs, functions and sets the search goes through.
const DEPTH: u32 = 80;

impl Search<'_, '_> {
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
        // A function of the repository's own that is too clever to follow, such as a copy of
        // flake-utils' `eachSystem`: what it is given still says what comes out.
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
                let steps = select
                    .attrpath()
                    .map(|path| path.attrs().map(|attr| step_of(&attr)).collect());
                let steps: Vec<Step> = steps.unwrap_or_default();
                let longer = [steps.as_slice(), path].concat();
                if !self.walk(&value.beside(base), &longer, sought) {
                    self.opaque(thunk, path, sought);
                }
            }
            Expr::Apply(_) => self.walk_call(thunk, value, path, sought),
            _ => self.opaque(thunk, path, sought),
        }
    }

    /// A set of shells that cannot be looked into: all its shells have this one expression.
    fn opaque(&mut self, thunk: &Thunk, path: &[Step], sought: &Sought) {
        if path == [Step::Each] && sought.kind == Kind::Derivation {
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
        self.walk_entries(value, &lexical::entries(set.syntax()), path, sought);
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
                    if attrs
                        .iter()
                        .zip(path)
                        .all(|(attr, step)| matches(attr, step, &mut sought))
                    {
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
            let Some(name) = lexical::attr_name(&attr) else {
                continue;
            };
            if !matches(&attr, &path[0], &mut sought) {
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
                            let entries = lexical::entries(&scope);
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
                let middle = self.found.len();
                self.walk(&value.beside(left), path, sought);
                // The right side wins, except that another system may have the same name.
                let below_system = !path.contains(&Step::System);
                let mut index = 0;
                self.found.retain(|found| {
                    index += 1;
                    index <= middle || !(below_system && overriding.contains(&found.name))
                });
            }
            Some(ast::BinOpKind::Concat) => {
                self.walk(&value.beside(left), path, sought);
                self.walk(&value.beside(right), path, sought);
            }
            _ => {}
        }
    }

    /// A call of a function from outside: what its arguments say about its result.
    fn walk_call(&mut self, thunk: &Thunk, value: &Thunk, path: &[Step], sought: &Sought) {
        let (mut head, mut arguments) = call_parts(&value.expr);
        // `forAllSystems = genAttrs systems;` called with the rest of the arguments.
        let function = self.eval.follow(&value.beside(head.clone()));
        if let Expr::Apply(_) = function.expr {
            let (inner, mut first) = call_parts(&function.expr);
            first.append(&mut arguments);
            (head, arguments) = (inner, first);
        }
        let function_name = last_name(&head).unwrap_or_default();
        let arguments: Vec<Thunk> = arguments
            .into_iter()
            .map(|argument| value.beside(argument))
            .collect();
        let found = match (function_name.as_str(), arguments.as_slice()) {
            ("mkFlake", [options]) if self.walk_snowfall(options, path, sought) => true,
            ("mkFlake", [_, module]) => {
                self.walk_flake_module(module, path)
                    || self.walk_arguments(&arguments, path, sought)
            }
            ("simpleFlake", [options]) => self.walk_simple_flake(options, path, sought),
            ("blueprint", [options]) if path.len() == 3 => {
                self.walk_blueprint(options, path, sought)
            }
            ("mapAttrs", [function, set]) if path.len() == 1 => {
                self.walk_mapped(function, set, sought)
            }
            ("listToAttrs", [list]) => {
                let longer = [&[name("value")], path.get(1..).unwrap_or_default()].concat();
                self.walk(list, &longer, sought)
            }
            ("map" | "concatMap" | "forEach", [..]) => arguments
                .iter()
                .any(|argument| self.is_function(argument) && self.walk(argument, path, sought)),
            (name, _) if returns_its_arguments(name) => {
                let mut any = false;
                for argument in arguments.iter().rev() {
                    any |= self.walk(argument, path, sought);
                }
                any
            }
            _ => self.walk_arguments(&arguments, path, sought),
        };
        if found {
            return;
        }
        if arguments
            .iter()
            .any(|argument| self.walk_shell_option(argument, path, sought))
        {
            return;
        }
        let is_known = match (function_name.as_str(), arguments.len()) {
            ("genAttrs" | "mapAttrs" | "blueprint", _) | ("mkFlake", 2) => true,
            // It has the shells that stand in files, and no others.
            ("mkFlake", _) if head.to_string().contains("snowfall") => true,
            // `eachDefaultSystem`, `forAllSystems`: nothing but what the function in it returns.
            (name, _) if name.to_lowercase().contains("system") => true,
            (name, _) => returns_its_arguments(name),
        };
        if path.len() > 1 && !is_known {
            self.unseen.push((value.file, head.syntax().clone()));
        }
        self.opaque(thunk, path, sought);
    }

    fn is_function(&mut self, thunk: &Thunk) -> bool {
        matches!(self.eval.follow(thunk).expr, Expr::Lambda(_))
    }

    /// `eachDefaultSystem (system: …)`, `genAttrs systems (system: …)` and everything of that kind:
    /// a function below which the system is no part of the way any more.
    fn walk_arguments(&mut self, arguments: &[Thunk], path: &[Step], sought: &Sought) -> bool {
        for argument in arguments.iter().rev() {
            let followed = self.eval.follow(argument);
            let found = match (&followed.expr, path) {
                (Expr::Lambda(_), [Step::System, rest @ ..]) => {
                    !rest.is_empty() && self.walk(&followed, rest, sought)
                        || rest.is_empty() && self.walk_result(&followed, sought)
                }
                (Expr::Lambda(_), [first, Step::System, rest @ ..]) => {
                    let shorter = [std::slice::from_ref(first), rest].concat();
                    self.walk(&followed, &shorter, sought) || self.walk(&followed, path, sought)
                }
                (Expr::Lambda(_), [Step::Each]) => {
                    // What is inside of a function that is called for each shell is not the set.
                    let before = self.found.len();
                    self.walk(&followed, path, sought);
                    let mut index = 0;
                    self.found.retain(|found| {
                        index += 1;
                        index <= before || found.name.is_some()
                    });
                    self.found.len() > before
                }
                (Expr::Lambda(_), _) => self.walk(&followed, path, sought),
                (Expr::AttrSet(_), [Step::Name(_), ..]) => {
                    self.walk(&followed, path, sought)
                        || self.walk_builders(&followed, path, sought)
                }
                (Expr::Apply(_) | Expr::List(_), [Step::Name(_), ..]) => {
                    self.walk(&followed, path, sought)
                }
                _ => false,
            };
            if found {
                return true;
            }
        }
        false
    }

    /// `genAttrs systems (system: <shell>)`: what the function returns is the shell.
    pub(super) fn walk_result(&mut self, function: &Thunk, sought: &Sought) -> bool {
        let mut body = function.clone();
        while let Expr::Lambda(lambda) = &body.expr {
            let Some(inner) = lambda.body() else {
                return false;
            };
            body = body.beside(inner);
        }
        self.walk(&body, &[], sought)
    }

    /// flake-utils-plus: `mkFlake { outputsBuilder = channels: { devShells… }; }`.
    fn walk_builders(&mut self, set: &Thunk, path: &[Step], sought: &Sought) -> bool {
        let Some(builder) = self.eval.attribute(set, "outputsBuilder") else {
            return false;
        };
        let shorter: Vec<Step> = path
            .iter()
            .filter(|&step| *step != Step::System)
            .cloned()
            .collect();
        self.walk(&builder, &shorter, sought)
    }

    /// `mapAttrs (name: value: <shell>) { a = …; b = …; }`
    fn walk_mapped(&mut self, function: &Thunk, set: &Thunk, sought: &Sought) -> bool {
        let set = self.eval.follow(set);
        let function = self.eval.follow(function);
        let Expr::Lambda(lambda) = &function.expr else {
            return false;
        };
        // `_: mkShell` makes a shell of the value, and is none itself.
        if !matches!(
            lambda.body().map(|body| innermost(&body)),
            Some(Expr::Lambda(_))
        ) {
            return false;
        }
        let names: Vec<String> = match &set.expr {
            Expr::AttrSet(literal) => lexical::entries(literal.syntax())
                .into_iter()
                .filter_map(|entry| match entry {
                    Entry::AttrpathValue(binding) => {
                        lexical::attr_name(&binding.attrpath()?.attrs().next()?)
                    }
                    Entry::Inherit(_) => None,
                })
                .collect(),
            _ => return false,
        };
        let mut any = false;
        for name in names {
            any |= self.walk_result(&function, &sought.named(Some(name)));
        }
        any
    }
}

/// Whether a function of nixpkgs' `lib` has in its result what is in its arguments, and no more.
fn returns_its_arguments(function: &str) -> bool {
    matches!(
        function,
        "mkIf"
            | "mkMerge"
            | "mkForce"
            | "mkDefault"
            | "mkOverride"
            | "mkBefore"
            | "mkAfter"
            | "recursiveUpdate"
            | "optionalAttrs"
            | "mergeAttrs"
            | "trace"
            | "filterAttrs"
            | "removeAttrs"
            | "recurseIntoAttrs"
            | "foldl'"
            | "foldl"
            | "foldr"
            | "fold"
            | "mergeAttrsList"
            | "foldl1"
            | "deepSeq"
            | "seq"
            | "warn"
            | "warnIf"
            | "flattenTree"
            | "fix"
    )
}

fn step_of(attr: &Attr) -> Step {
    lexical::attr_name(attr).map_or(Step::System, Step::Name)
}

/// Whether `attr` can be this step of the way; notes the name of a shell.
fn matches(attr: &Attr, step: &Step, sought: &mut Sought) -> bool {
    match (lexical::attr_name(attr), step) {
        (Some(attr), Step::Name(wanted)) => attr == *wanted,
        (Some(attr), Step::Each) => {
            sought.name = Some(attr);
            true
        }
        (Some(attr), Step::System) => is_system(&attr),
        // `${system}`
        (None, Step::System) => true,
        // `${name}`: a shell whose name is computed is none that can be asked for.
        (None, Step::Name(_) | Step::Each) => false,
    }
}

fn is_system(name: &str) -> bool {
    ["-linux", "-darwin", "-freebsd", "-windows"]
        .iter()
        .any(|system| name.ends_with(system))
}
