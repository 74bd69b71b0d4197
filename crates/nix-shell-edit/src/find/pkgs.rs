//! The ways in which nixpkgs' `sccache` is in scope at a location in a file.

use rnix::ast::{self, Expr, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::by_system::is_selected_by_system;
use super::eval::Eval;
use super::input::{InputAccess, per_system};
use super::lexical::{self, Bound};
use super::prefix::Prefix;
use super::syntax::{self, call_parts, innermost, last_name};
use super::thunk::Thunk;

/// The way in which nixpkgs' `sccache` is in scope at a location.
#[derive(Debug, Clone)]
pub(crate) enum SccacheAccess {
    /// In a package set that is in scope. In one for another platform, only the packages in
    /// `buildPackages` run on this machine.
    PackageSet(PackageSet, Platform),
    /// In the package set that this name has for each system: `pkgs.${system}`.
    PackageSetPerSystem(&'static str),
    /// In the flake of nixpkgs, for the system that is named `system`.
    Flake(InputAccess),
    /// By an argument, `sccache` or a package set, of the function around the location: a file that
    /// `callPackage` calls, or flake-parts' `perSystem`.
    Argument {
        name: &'static str,
        /// The function, where it does not take the argument yet.
        missing_in: Option<Lambda>,
    },
    /// By `callPackage`, which is in scope.
    CallPackage,
    /// By the argument `pkgs` of a function that has to be put around a whole module.
    Function { around: Expr },
}

/// A package set that is in scope.
#[derive(Debug, Clone)]
pub(crate) enum PackageSet {
    /// A name, or a path of attributes as it is written elsewhere in the file.
    Path(String),
    /// Any expression.
    Expr(Expr),
}

/// Finds out where `sccache` can be had at `node`. `prefix` is what the shell's function was
/// selected from, and `thunk` the set or expression that is edited.
pub(crate) fn sccache_at(
    eval: &mut Eval<'_, '_>,
    node: &SyntaxNode,
    prefix: Option<&Prefix>,
    thunk: &Thunk,
) -> Option<SccacheAccess> {
    // A new entry of a `rec` set sees the names of that set first.
    let first_entry = syntax::entries(node)
        .first()
        .map(|entry| entry.syntax().clone());
    let node = match &first_entry {
        Some(entry) if syntax::is_recursive(node) => entry,
        _ => node,
    };
    package_set_by_name(eval, thunk, node, prefix)
        .or_else(|| package_set_in_with_or_inherit(eval, thunk, node))
        .or_else(|| of_package(node, thunk))
        .or_else(|| by_system(eval, thunk, node))
}

/// In the file `root`, a module that takes no `pkgs`: by that argument, which has to be added. `None` where the name has
/// another meaning, and for functions without a list of arguments, to which devenv does not pass it.
pub(crate) fn of_module(root: &Expr, node: &SyntaxNode) -> Option<SccacheAccess> {
    let is_free = lexical::lookup(node, "pkgs").is_none();
    if !is_free || lexical::free_name(root, &["pkgs"]) != "pkgs" {
        return None;
    }
    if node.ancestors().all(|node| !Lambda::can_cast(node.kind())) {
        let around = root.clone();
        return Some(SccacheAccess::Function { around });
    }
    Some(SccacheAccess::Argument {
        name: "pkgs",
        missing_in: Some(lexical::function_of_module(root, node)?),
    })
}

/// A package set for this machine that has a name: that of the shell's function, `pkgs`, or any
/// other.
fn package_set_by_name(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
    prefix: Option<&Prefix>,
) -> Option<SccacheAccess> {
    let named =
        |name: String, platform| Some(SccacheAccess::PackageSet(PackageSet::Path(name), platform));
    if let Some(prefix) = prefix.filter(|prefix| prefix.is_name())
        && package_set(eval, thunk, node, &prefix.root) == Some(Platform::Host)
        && !mentions_other_platform(&prefix.text)
    {
        return named(prefix.text.clone(), Platform::Host);
    }
    if package_set(eval, thunk, node, "pkgs") == Some(Platform::Host) {
        return named("pkgs".to_owned(), Platform::Host);
    }
    match prefix.and_then(|prefix| usable(eval, thunk, node, prefix)) {
        Some((path, Platform::Host)) => named(path, Platform::Host),
        // A set that is certainly for this machine is better than one for another platform.
        cross => match named_package_set(eval, thunk, node) {
            Some(name) => named(name, Platform::Host),
            None => named(cross?.0, Platform::Cross),
        },
    }
}

/// The package set of `with pkgs;`, or of `inherit (pkgs) mkShell;` and the like.
fn package_set_in_with_or_inherit(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
) -> Option<SccacheAccess> {
    let inherited = ["mkShell", "mkShellNoCC", "lib", "stdenv"]
        .into_iter()
        .filter_map(|name| match lexical::lookup(node, name) {
            Some(Bound::From(from)) => Some(from),
            _ => None,
        });
    lexical::withs(node)
        .into_iter()
        .chain(inherited)
        .find(|set| looks_like_pkgs(eval, thunk, set) && names_in_scope(node, set))
        .map(|set| SccacheAccess::PackageSet(PackageSet::Expr(set), Platform::Host))
}

/// Where there is no package set for this machine: by the name of the system, by an argument that
/// flake-parts fills in, or by `callPackage`.
fn by_system(eval: &mut Eval<'_, '_>, thunk: &Thunk, node: &SyntaxNode) -> Option<SccacheAccess> {
    let has = |name: &str| lexical::lookup(node, name).is_some();
    if package_set(eval, thunk, node, "pkgs") == Some(Platform::Cross) {
        let pkgs = PackageSet::Path("pkgs".to_owned());
        return Some(SccacheAccess::PackageSet(pkgs, Platform::Cross));
    }
    if has("system") && has("pkgs") && is_selected_by_system(node, "pkgs") {
        return Some(SccacheAccess::PackageSetPerSystem("pkgs"));
    }
    // flake-parts passes it to every module that takes it.
    if !has("pkgs")
        && let Some(lambda) = per_system(node)
    {
        return Some(SccacheAccess::Argument {
            name: "pkgs",
            missing_in: Some(lambda),
        });
    }
    if has("callPackage") && passes_sccache(eval, thunk, node) {
        return Some(SccacheAccess::CallPackage);
    }
    has("system")
        .then(|| nixpkgs_input(node).map(SccacheAccess::Flake))
        .flatten()
}

/// Whether the `callPackage` in scope at `node` knows sccache.
fn passes_sccache(eval: &mut Eval<'_, '_>, thunk: &Thunk, node: &SyntaxNode) -> bool {
    let call_package = eval.value_at(thunk, node, "callPackage");
    let names = call_package.and_then(|call_package| eval.passed_by(&call_package));
    names.is_none_or(|names| names.iter().any(|name| name == "sccache"))
}

/// How the flake's input `nixpkgs` can be had at `node`.
pub(crate) fn nixpkgs_input(node: &SyntaxNode) -> Option<InputAccess> {
    // A package set may have the flake's name.
    let is_flake = |name: &str| {
        lexical::lookup(node, name).is_some_and(|bound| !matches!(bound, Bound::Value(_)))
    };
    if is_flake("nixpkgs") {
        Some(InputAccess::Argument { missing_in: None })
    } else if is_flake("inputs") {
        Some(InputAccess::AttributeOf("inputs".to_owned()))
    } else {
        is_flake("self").then_some(InputAccess::OfSelf)
    }
}

/// The package set instead of sccache alone, if `callPackage` passes it to the file at `node`.
pub(crate) fn in_package_set(
    access: SccacheAccess,
    node: &SyntaxNode,
    thunk: &Thunk,
) -> SccacheAccess {
    match access {
        SccacheAccess::Argument {
            name: "sccache", ..
        } => by_argument(node, thunk, &["pkgs"]).unwrap_or(access),
        _ => access,
    }
}

/// In a file that `callPackage` calls: its argument `sccache`, or `pkgs` where it passes no
/// packages, which may have to be added.
fn of_package(node: &SyntaxNode, thunk: &Thunk) -> Option<SccacheAccess> {
    let (_, call) = thunk.package_function()?;
    // For another platform, only the packages in `buildPackages` run on this machine.
    if mentions_other_platform(call.text()) {
        by_argument(node, thunk, &["buildPackages"])
    } else {
        by_argument(node, thunk, &["sccache", "pkgs"])
    }
}

/// The first of `names` that `callPackage` passes.
fn by_argument(node: &SyntaxNode, thunk: &Thunk, names: &[&'static str]) -> Option<SccacheAccess> {
    let (lambda, call) = thunk.package_function()?;
    let name = names.iter().copied().find(|name| call.passes(name))?;
    match lexical::lookup(node, name) {
        Some(Bound::Field { .. }) => Some(SccacheAccess::Argument {
            name,
            missing_in: None,
        }),
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
            (around && takes_more).then_some(SccacheAccess::Argument {
                name,
                missing_in: Some(lambda),
            })
        }
    }
}

/// The prefix of the shell function, where it is a package set.
fn usable(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
    prefix: &Prefix,
) -> Option<(String, Platform)> {
    let root = lexical::lookup(node, &prefix.root)?;
    if mentions_other_platform(&prefix.text) {
        return None;
    }
    if prefix.is_name() {
        let platform = package_set(eval, thunk, node, &prefix.root)?;
        return Some((prefix.text.clone(), platform));
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
    if prefix
        .value(eval, thunk)
        .is_some_and(|set| eval.lacks_sccache(&set))
    {
        return None;
    }
    let given = match root {
        Bound::Field { lambda, .. } => eval.argument(thunk, &lambda, Some(&prefix.root)),
        Bound::Argument { lambda } => eval.argument(thunk, &lambda, None),
        _ => None,
    };
    Some((prefix.text.clone(), platform_of(eval, given)))
}

/// The machine that the programs of a package set run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Host,
    /// Possibly another one.
    Cross,
}

/// The platform of `name` at `node`, if it is bound there and can be a package set with sccache.
fn package_set(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
    name: &str,
) -> Option<Platform> {
    let known = eval.value_at(thunk, node, name);
    if known.is_some_and(|set| eval.lacks_sccache(&set)) {
        return None;
    }
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
        // A function that makes one set for each system.
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
                    let names = syntax::attrpath_names(&path);
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

/// The platform of an argument, from its text and that of the names in it.
fn platform_of(eval: &mut Eval<'_, '_>, given: Option<Thunk>) -> Platform {
    let mut current = given;
    for _ in 0..6 {
        let Some(thunk) = current else { break };
        let text = thunk.expr.syntax().text().to_string();
        let lower = text.to_lowercase();
        let named = text.len() < 200
            && ["static", "cross", "musl"]
                .iter()
                .any(|word| lower.contains(word));
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

/// A name in scope at `node` that is bound to nixpkgs: `p = import nixpkgs { … };`
fn named_package_set(eval: &mut Eval<'_, '_>, thunk: &Thunk, node: &SyntaxNode) -> Option<String> {
    for scope in node.ancestors().skip(1) {
        if scope.kind() != SyntaxKind::NODE_LET_IN && !syntax::is_recursive(&scope) {
            continue;
        }
        for entry in syntax::entries(&scope) {
            let ast::Entry::AttrpathValue(binding) = entry else {
                continue;
            };
            let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else {
                continue;
            };
            if let [Some(name)] = syntax::attrpath_names(&path).as_slice()
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
    let names = syntax::attrpath_names(&path);
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

/// Whether the expression is nixpkgs by its name or its text.
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
            let names = syntax::attrpath_names(&path);
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

/// Whether every name in `expr` is in scope at `node`.
fn names_in_scope(node: &SyntaxNode, expr: &Expr) -> bool {
    expr.syntax()
        .descendants()
        .filter(|child| child.kind() == SyntaxKind::NODE_IDENT)
        .filter(|child| {
            // Names of attributes are not variables.
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
