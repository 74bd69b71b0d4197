//! Calls of functions from outside of the repository: what their arguments say about the dev shells
//! in their results.

use rnix::ast::{Entry, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::search::{Search, Sought, Step};
use super::syntax::{self, call_parts, innermost, last_name};
use super::thunk::{Thunk, Value};

impl Search<'_, '_> {
    /// A call of a function from outside: what its arguments say about its result.
    pub(super) fn walk_call(
        &mut self,
        thunk: &Thunk,
        value: &Thunk,
        path: &[Step],
        sought: &Sought,
    ) {
        let (head, arguments) = self.whole_call(value);
        let function = last_name(&head).unwrap_or_default();
        if self.walk_named_call(&function, &arguments, path, sought) {
            return;
        }
        let mut options = arguments.iter();
        if options.any(|argument| self.walk_shell_option(argument, path, sought)) {
            return;
        }
        // snowfall's has the shells that are in files, and no others.
        let is_snowfall = function == "mkFlake" && head.to_string().contains("snowfall");
        if path.len() > 1 && !is_snowfall && may_add_shells(&function, arguments.len()) {
            self.add_unseen(value.file, head.syntax().clone());
        }
        self.opaque(thunk, path, sought);
    }

    /// The function of a call and its arguments, with those that were passed where the function
    /// got its name: `forAllSystems = genAttrs systems;`
    fn whole_call(&mut self, value: &Thunk) -> (Expr, Vec<Thunk>) {
        let (mut head, mut arguments) = call_parts(&value.expr);
        let function = self.eval.follow(&value.beside(head.clone()));
        if let Expr::Apply(_) = function.expr {
            let (inner, mut first) = call_parts(&function.expr);
            first.append(&mut arguments);
            (head, arguments) = (inner, first);
        }
        let arguments = arguments.into_iter();
        let arguments = arguments.map(|argument| value.beside(argument)).collect();
        (head, arguments)
    }

    /// Whether there are shells in the arguments of a function, which is recognised by its name.
    fn walk_named_call(
        &mut self,
        function: &str,
        arguments: &[Thunk],
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        if let Some(found) = self.walk_pairs(function, arguments, path, sought) {
            return found;
        }
        match (function, arguments) {
            ("mkFlake", [options]) if self.walk_snowfall(options, path, sought) => true,
            ("mkFlake", [_, module]) => {
                self.walk_flake_module(module, path) || self.walk_arguments(arguments, path, sought)
            }
            ("simpleFlake", [options]) => self.walk_simple_flake(options, path, sought),
            ("blueprint", [options]) if path.len() == 3 => {
                self.walk_blueprint(options, path, sought)
            }
            ("genAttrs", [names, function]) if self.is_output(names, path) => {
                self.walk_output(function, path, sought)
            }
            ("mapAttrs", [function, set]) if path.len() == 1 => {
                self.walk_mapped(function, set, sought)
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
            _ => self.walk_arguments(arguments, path, sought),
        }
    }

    fn is_function(&mut self, thunk: &Thunk) -> bool {
        matches!(self.eval.follow(thunk).expr, Expr::Lambda(_))
    }

    /// `eachDefaultSystem (system: …)`, `genAttrs systems (system: …)` and the like: the last
    /// argument in which there are shells.
    pub(super) fn walk_arguments(
        &mut self,
        arguments: &[Thunk],
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        arguments.iter().rev().any(|argument| {
            let argument = self.eval.follow(argument);
            match (&argument.expr, path) {
                (Expr::Lambda(_), _) => self.walk_function(&argument, path, sought),
                (Expr::AttrSet(_), [Step::Name(_), ..]) => {
                    self.walk(&argument, path, sought)
                        || self.walk_builders(&argument, path, sought)
                }
                (Expr::Apply(_) | Expr::List(_), [Step::Name(_), ..]) => {
                    self.walk(&argument, path, sought)
                }
                _ => false,
            }
        })
    }

    /// Whether the first step of the path is one of the names in a list.
    fn is_output(&mut self, names: &Thunk, path: &[Step]) -> bool {
        let [Step::Name(output), _, ..] = path else {
            return false;
        };
        let names = self.eval.follow(names);
        let Expr::List(list) = &names.expr else {
            return false;
        };
        list.items()
            .any(|item| self.eval.text(&names.beside(item)).as_ref() == Some(output))
    }

    /// `genAttrs [ "packages" "devShells" ] (output: …)`
    fn walk_output(&mut self, function: &Thunk, path: &[Step], sought: &Sought) -> bool {
        let function = self.eval.follow(function);
        let Some((Step::Name(output), rest)) = path.split_first() else {
            return false;
        };
        Eval::call(&function, Value::Text(output.clone()))
            .is_some_and(|body| self.walk(&body, rest, sought))
    }

    /// A function that is called for each system, or for each shell: below it, the system is no
    /// longer part of the path.
    fn walk_function(&mut self, function: &Thunk, path: &[Step], sought: &Sought) -> bool {
        match path {
            [Step::System] => self.walk_result(function, sought),
            [Step::System, rest @ ..] => self.walk(function, rest, sought),
            [first, Step::System, rest @ ..] => {
                let shorter = [std::slice::from_ref(first), rest].concat();
                self.walk(function, &shorter, sought) || self.walk(function, path, sought)
            }
            // The body of a function that is called for each shell is not the set of shells.
            [Step::Each] => {
                self.walk_and_keep(function, path, sought, |found| found.name.is_some())
            }
            _ => self.walk(function, path, sought),
        }
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
        // `_: mkShell` is a function that makes shells, not a shell.
        if !matches!(
            lambda.body().map(|body| innermost(&body)),
            Some(Expr::Lambda(_))
        ) {
            return false;
        }
        let names: Vec<String> = match &set.expr {
            Expr::AttrSet(literal) => syntax::entries(literal.syntax())
                .into_iter()
                .filter_map(|entry| match entry {
                    Entry::AttrpathValue(binding) => {
                        syntax::attr_name(&binding.attrpath()?.attrs().next()?)
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

/// Whether the result of a function may have shells that are not in its arguments.
fn may_add_shells(function: &str, arguments: usize) -> bool {
    let adds_none = match (function, arguments) {
        ("genAttrs" | "genAttrs'" | "mapAttrs" | "mapAttrs'" | "listToAttrs" | "blueprint", _)
        | ("mkFlake", 2) => true,
        // `eachDefaultSystem`, `forAllSystems`: only what the function in it returns.
        (name, _) => name.to_lowercase().contains("system") || returns_its_arguments(name),
    };
    !adds_none
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
