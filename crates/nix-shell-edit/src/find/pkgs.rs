//! How to say `sccache` at a place in a file: which name for nixpkgs is in scope there.

use rnix::ast::{self, Expr, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::eval::{Eval, Thunk, call_parts, innermost, last_name};
use super::input::per_system;
use super::lexical::{self, Bound};
use crate::text::range_of;

/// How nixpkgs' `sccache` is written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sccache {
    /// By an expression that is in scope: `pkgs.sccache`.
    Named(String),
    /// By an argument that a function has to get first: that of this file, called by `callPackage`,
    /// or flake-parts' `perSystem`.
    Argument(Lambda, &'static str),
}

impl Sccache {
    fn of_argument(argument: &str) -> Self {
        match argument {
            "sccache" => Self::Named("sccache".to_owned()),
            other => Self::Named(format!("{other}.sccache")),
        }
    }

    /// The expression.
    pub(crate) fn expr(&self) -> &str {
        match self {
            Self::Named(expr) => expr,
            Self::Argument(_, "sccache") => "sccache",
            Self::Argument(_, "pkgs") => "pkgs.sccache",
            Self::Argument(..) => "buildPackages.sccache",
        }
    }
}

/// What a maker was selected from: `pkgsFor.${system}` of `pkgsFor.${system}.mkShell`.
#[derive(Debug, Clone)]
pub(crate) struct Prefix {
    text: String,
    /// The name it starts with.
    root: String,
    /// Where it stands.
    node: SyntaxNode,
}

impl Prefix {
    /// The prefix of a maker's name, `None` when it has none or starts with more than a name.
    pub(crate) fn of(maker: &Expr) -> Option<Self> {
        let Expr::Select(select) = maker else {
            return None;
        };
        let base = select.expr()?;
        let path = select.attrpath()?;
        let attrs: Vec<ast::Attr> = path.attrs().collect();
        // `mkShell.override` has one name more.
        let dropped = match attrs.last().and_then(lexical::attr_name).as_deref() {
            Some("override" | "overrideAttrs") => 2,
            _ => 1,
        };
        let kept = attrs.len().checked_sub(dropped)?;
        let start = range_of(base.syntax()).start;
        let end = match kept.checked_sub(1) {
            Some(last) => range_of(attrs[last].syntax()).end,
            None => range_of(base.syntax()).end,
        };
        let text = select.syntax().text().to_string();
        let Expr::Ident(root) = base else { return None };
        let offset = range_of(select.syntax()).start;
        Some(Self {
            text: text.get(start - offset..end - offset)?.to_owned(),
            root: root.syntax().text().to_string(),
            node: root.syntax().clone(),
        })
    }

    fn is_name(&self) -> bool {
        self.text == self.root
    }
}

/// Finds a way to say `sccache` at `node`; `prefix` is what the shell's maker was selected from,
/// and `thunk` the set or expression that is edited.
pub(crate) fn sccache_at(
    eval: &mut Eval<'_, '_>,
    node: &SyntaxNode,
    prefix: Option<&Prefix>,
    thunk: &Thunk,
) -> Option<Sccache> {
    let named = |expr: String| Some(Sccache::Named(format!("{expr}.sccache")));
    // What is put into a `rec` set sees the names of that set first.
    let first_entry = lexical::entries(node)
        .first()
        .map(|entry| entry.syntax().clone());
    let node = match &first_entry {
        Some(entry) if lexical::is_recursive(node) => entry,
        _ => node,
    };
    if let Some(prefix) = prefix.filter(|prefix| prefix.is_name())
        && package_set(eval, thunk, node, &prefix.root) == Some(Platform::Host)
        && !mentions_other_platform(&prefix.text)
    {
        return named(prefix.text.clone());
    }
    if package_set(eval, thunk, node, "pkgs") == Some(Platform::Host) {
        return named("pkgs".to_owned());
    }
    let by_prefix = prefix.and_then(|prefix| usable(eval, thunk, node, prefix));
    match by_prefix {
        Some(expr) if !expr.ends_with(".buildPackages") => return named(expr),
        by_prefix => {
            // A set that is the host's for sure is better than one for another platform.
            if let Some(name) = named_package_set(eval, thunk, node).or(by_prefix) {
                return named(name);
            }
        }
    }
    for set in lexical::withs(node) {
        if looks_like_pkgs(eval, thunk, &set) && names_in_scope(node, &set) {
            return named(as_operand(&set));
        }
    }
    // `inherit (pkgs) mkShell;` and the like
    for maker in ["mkShell", "mkShellNoCC", "lib", "stdenv"] {
        if let Some(Bound::From(from)) = lexical::lookup(node, maker)
            && looks_like_pkgs(eval, thunk, &from)
            && names_in_scope(node, &from)
        {
            return named(as_operand(&from));
        }
    }
    if let Some(package) = of_package(node, thunk) {
        return Some(package);
    }
    let has = |name: &str| lexical::lookup(node, name).is_some();
    if package_set(eval, thunk, node, "pkgs") == Some(Platform::Cross) {
        return named("pkgs.buildPackages".to_owned());
    }
    if has("system") && has("pkgs") && is_selected_by_system(node, "pkgs") {
        return named("pkgs.${system}".to_owned());
    }
    // flake-parts hands it to every module that asks for it.
    if !has("pkgs")
        && let Some(lambda) = per_system(node)
    {
        return Some(Sccache::Argument(lambda, "pkgs"));
    }
    if has("callPackage") {
        let call = "(callPackage ({ sccache }: sccache) { })";
        return Some(Sccache::Named(call.to_owned()));
    }
    if has("system") {
        return named(format!(
            "{}.legacyPackages.${{system}}",
            nixpkgs_input(node)?
        ));
    }
    None
}

/// How the nixpkgs input of the flake is written at `node`.
pub(crate) fn nixpkgs_input(node: &SyntaxNode) -> Option<&'static str> {
    [
        ("nixpkgs", "nixpkgs"),
        ("inputs", "inputs.nixpkgs"),
        ("self", "self.inputs.nixpkgs"),
    ]
    .into_iter()
    .find(|(name, _)| {
        // A package set may go by the flake's name.
        lexical::lookup(node, name).is_some_and(|bound| !matches!(bound, Bound::Value(_)))
    })
    .map(|(_, input)| input)
}

/// In a file that `callPackage` calls: its argument `sccache`, there already or to be added.
fn of_package(node: &SyntaxNode, thunk: &Thunk) -> Option<Sccache> {
    let lambda = thunk.in_package()?;
    // Called for another platform, the packages are that one's, but not those in `buildPackages`.
    let is_other = thunk.call_package().is_some_and(mentions_other_platform);
    let argument = if is_other { "buildPackages" } else { "sccache" };
    match lexical::lookup(node, argument) {
        Some(Bound::Field { .. }) => Some(Sccache::of_argument(argument)),
        Some(_) => None,
        None => {
            let around = lambda
                .syntax()
                .text_range()
                .contains_range(node.text_range());
            let takes_more = match lambda.param() {
                Some(Param::Pattern(pattern)) => pattern.pat_entries().next().is_some(),
                _ => false,
            };
            (around && takes_more).then_some(Sccache::Argument(lambda, argument))
        }
    }
}

/// The prefix of the maker, where it is nixpkgs for the machine that the shell is for.
fn usable(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
    prefix: &Prefix,
) -> Option<String> {
    let root = lexical::lookup(node, &prefix.root)?;
    if mentions_other_platform(&prefix.text) {
        return None;
    }
    if prefix.is_name() {
        return match package_set(eval, thunk, node, &prefix.root)? {
            Platform::Host => Some(prefix.text.clone()),
            Platform::Cross => Some(format!("{}.buildPackages", prefix.text)),
        };
    }
    let expr = prefix
        .node
        .ancestors()
        .find_map(ast::Select::cast)
        .map(Expr::Select)?;
    let is_nixpkgs = prefix.text.contains("pkgs") || prefix.text.contains("Packages");
    if !is_nixpkgs || prefix.text.contains("devshell") || !names_in_scope(node, &expr) {
        return None;
    }
    let given = match root {
        Bound::Field { lambda, .. } => eval.argument(thunk, &lambda, Some(&prefix.root)),
        Bound::Argument { lambda } => eval.argument(thunk, &lambda, None),
        _ => None,
    };
    Some(match platform_of(eval, given) {
        Platform::Host => prefix.text.clone(),
        Platform::Cross => format!("{}.buildPackages", prefix.text),
    })
}

/// The machine that a package set makes programs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    Host,
    /// Another one, or perhaps another one.
    Cross,
}

/// What `name` is at `node`, if it is bound there and can be a package set.
fn package_set(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
    name: &str,
) -> Option<Platform> {
    let value = match lexical::lookup(node, name)? {
        Bound::Parts => return None,
        Bound::Value(value) => innermost(&value),
        Bound::From(_) if is_selected_by_system(node, name) => return None,
        Bound::From(_) => return Some(Platform::Host),
        Bound::Field { .. } | Bound::Argument { .. } if is_selected_by_system(node, name) => {
            return None;
        }
        Bound::Field { lambda, .. } => {
            let given = eval.argument(thunk, &lambda, Some(name));
            return Some(platform_of(eval, given));
        }
        Bound::Argument { lambda } => {
            let given = eval.argument(thunk, &lambda, None);
            return Some(platform_of(eval, given));
        }
    };
    let is_set = match &value {
        Expr::List(_) | Expr::Str(_) | Expr::Lambda(_) | Expr::Literal(_) => false,
        // One set for each system is none.
        Expr::Apply(_) => {
            let (head, _) = call_parts(&value);
            let function = last_name(&head).unwrap_or_default();
            let function = function.to_lowercase();
            ![
                "genattrs",
                "eachsystem",
                "forallsystems",
                "foreachsystem",
                "mapattrs",
                "eachdefault",
            ]
            .iter()
            .any(|each| function.contains(each))
        }
        Expr::Select(select) => {
            // flake-parts' `inputs'` has chosen the system already.
            let chosen = matches!(select.expr(), Some(Expr::Ident(base)) if base.syntax().text() == "inputs'");
            chosen
                || select.attrpath().is_none_or(|path| {
                    let names = lexical::attrpath_names(&path);
                    names.last() != Some(&Some("legacyPackages".to_owned()))
                })
        }
        _ => true,
    };
    if !is_set || is_selected_by_system(node, name) {
        return None;
    }
    let other = mentions_other_platform(&value.syntax().text().to_string())
        || matches!(value, Expr::IfElse(_)) && name != "pkgs";
    Some(if other {
        Platform::Cross
    } else {
        Platform::Host
    })
}

/// The platform of what a function was given, as far as its text and that of the names in it tell.
fn platform_of(eval: &mut Eval<'_, '_>, given: Option<Thunk>) -> Platform {
    let mut current = given;
    for _ in 0..6 {
        let Some(thunk) = current else { break };
        let text = thunk.expr.syntax().text().to_string();
        let lower = text.to_lowercase();
        let named = text.len() < 200
            && ["static", "cross", "musl"]
                .iter()
                .any(|it| lower.contains(it));
        if named || mentions_other_platform(&text) {
            return Platform::Cross;
        }
        current = eval.follow_once(&thunk);
    }
    Platform::Host
}

fn mentions_other_platform(text: &str) -> bool {
    [
        "pkgsStatic",
        "pkgsCross",
        "pkgsMusl",
        "pkgsi686",
        "crossSystem",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Whether the file says `name.${…}` anywhere: then it is a set of package sets.
fn is_selected_by_system(node: &SyntaxNode, name: &str) -> bool {
    let Some(root) = node.ancestors().last() else {
        return false;
    };
    root.descendants()
        .filter_map(ast::Select::cast)
        .any(|select| {
            let is_name =
                matches!(select.expr(), Some(Expr::Ident(ident)) if ident.syntax().text() == name);
            is_name
                && select
                    .attrpath()
                    .and_then(|path| path.attrs().next())
                    .is_some_and(|attr| matches!(attr, ast::Attr::Dynamic(_)))
        })
}

/// A name around `node` that is bound to nixpkgs by what it says: `p = import nixpkgs { … };`.
fn named_package_set(eval: &mut Eval<'_, '_>, thunk: &Thunk, node: &SyntaxNode) -> Option<String> {
    for scope in node.ancestors().skip(1) {
        if scope.kind() != SyntaxKind::NODE_LET_IN && !lexical::is_recursive(&scope) {
            continue;
        }
        for entry in lexical::entries(&scope) {
            let ast::Entry::AttrpathValue(binding) = entry else {
                continue;
            };
            let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else {
                continue;
            };
            if let [Some(name)] = lexical::attrpath_names(&path).as_slice()
                && is_nixpkgs_expr(&value)
                && package_set(eval, thunk, node, name) == Some(Platform::Host)
            {
                return Some(name.clone());
            }
        }
    }
    None
}

/// `import nixpkgs { … }`, `nixpkgs.legacyPackages.${system}`
fn is_nixpkgs_expr(expr: &Expr) -> bool {
    match innermost(expr) {
        Expr::Apply(apply) => {
            let text = apply.syntax().text().to_string();
            let mut words = text.split_whitespace();
            words.next() == Some("import")
                && words.next().is_some_and(|path| path.contains("nixpkgs"))
                && words.next().is_some()
        }
        select @ Expr::Select(_) => selects_packages(&select),
        _ => false,
    }
}

fn selects_packages(expr: &Expr) -> bool {
    let Expr::Select(select) = expr else {
        return false;
    };
    let Some(path) = select.attrpath() else {
        return false;
    };
    let names = lexical::attrpath_names(&path);
    let Some((system, before)) = names.split_last() else {
        return false;
    };
    let computed = system.as_deref().is_none_or(|system| system.contains('-'));
    computed
        && before.last() == Some(&Some("legacyPackages".to_owned()))
        && select.expr().is_some_and(|base| {
            let text = base.syntax().text().to_string();
            text.contains("nixpkgs") || text == "inputs"
        })
}

/// Whether the expression is nixpkgs by its name or by what it says.
fn looks_like_pkgs(eval: &mut Eval<'_, '_>, thunk: &Thunk, expr: &Expr) -> bool {
    if mentions_other_platform(&expr.syntax().text().to_string()) {
        return false;
    }
    match expr {
        Expr::Ident(ident) => {
            let name = ident.syntax().text().to_string();
            name.starts_with("pkgs")
                && package_set(eval, thunk, expr.syntax(), &name) == Some(Platform::Host)
        }
        Expr::Paren(paren) => paren
            .expr()
            .is_some_and(|inner| looks_like_pkgs(eval, thunk, &inner)),
        Expr::Select(select) => {
            let text = select.syntax().text().to_string();
            let Some(path) = select.attrpath() else {
                return false;
            };
            let names = lexical::attrpath_names(&path);
            let last_is_system = names.last().is_some_and(|name| {
                name.as_deref()
                    .is_none_or(|name| name.ends_with("-linux") || name == "pkgs")
            });
            selects_packages(expr)
                || last_is_system && (text.contains("pkgs") || text.contains("Packages"))
        }
        Expr::Apply(_) => is_nixpkgs_expr(expr),
        _ => false,
    }
}

/// Whether every name in `expr` means the same at `node`.
fn names_in_scope(node: &SyntaxNode, expr: &Expr) -> bool {
    expr.syntax()
        .descendants()
        .filter(|child| child.kind() == SyntaxKind::NODE_IDENT)
        .filter(|child| {
            // Names of attributes are no variables.
            !child.parent().is_some_and(|parent| {
                matches!(
                    parent.kind(),
                    SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_INHERIT
                )
            })
        })
        .all(|ident| {
            let name = ident.text().to_string();
            matches!(name.as_str(), "import" | "builtins" | "true" | "false")
                || lexical::lookup(node, &name).is_some()
        })
}

/// `expr` as something that `.sccache` can follow.
fn as_operand(expr: &Expr) -> String {
    let text = expr.syntax().text().to_string();
    match expr {
        Expr::Ident(_) | Expr::Select(_) | Expr::Paren(_) => text,
        _ => format!("({text})"),
    }
}
