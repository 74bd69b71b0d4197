//! The module that a binding belongs to: the whole file, or a module inside of it.
//!
//! In a file that flake-parts imports, the home-manager module is the value of an option:
//!
//! ```nix
//! { flake.modules.homeManager.base = { pkgs, ... }: { home.stateVersion = "25.05"; }; }
//! ```

use std::path::Path;

use rnix::SyntaxNode;
use rnix::ast::{self, AttrpathValue, Expr};
use rowan::ast::AstNode as _;

use super::Module;
use crate::find::syntax::{call_parts, innermost, last_name};
use crate::text::range_of;

/// Functions of which the result has the options of an argument.
const SAME_OPTIONS: [&str; 4] = ["mkIf", "mkMerge", "mkDefault", "optionalAttrs"];

/// The name of an attribute, or its text where it is computed: `${user}`.
pub(super) fn name_of(attr: &ast::Attr) -> Option<String> {
    crate::find::syntax::attr_name(attr).or_else(|| Some(attr.syntax().text().to_string()))
}

/// A binding and those of the sets around it, the outermost first.
fn nested(binding: &AttrpathValue) -> Vec<AttrpathValue> {
    let mut all = vec![binding.clone()];
    while let Some(outer) = all.last().and_then(|inner| {
        let set = inner.syntax().parent().and_then(ast::AttrSet::cast)?;
        set.syntax().parent().and_then(AttrpathValue::cast)
    }) {
        all.push(outer);
    }
    all.reverse();
    all
}

fn own_names(binding: &AttrpathValue) -> Vec<Option<String>> {
    binding.attrpath().map_or_else(Vec::new, |path| {
        path.attrs().map(|attr| name_of(&attr)).collect()
    })
}

/// The names of a binding, with those of the sets around it.
pub(super) fn full_path(binding: &AttrpathValue) -> Vec<Option<String>> {
    nested(binding).iter().flat_map(own_names).collect()
}

/// The name of a home-manager module in a flake, from the path to it: `flake.modules.homeManager.NAME`,
/// `homeModules.NAME`, or `NAME.homeManager` of den.
pub(super) fn module_name(path: &[Option<String>]) -> Option<String> {
    let names: Vec<&str> = path
        .iter()
        .map(|name| name.as_deref().unwrap_or(""))
        .collect();
    match names.as_slice() {
        [.., "modules", "homeManager"] => None,
        [.., "modules", "homeManager", name]
        | [.., "homeModules" | "homeManagerModules", name]
        | [.., name, "homeManager"] => Some((*name).to_owned()),
        // Of a function in den.
        ["homeManager"] => Some("homeManager".to_owned()),
        _ => None,
    }
}

/// The module in the file `file` that the option `binding` is set in; the option has `length` names.
/// `None` if that is no module of home-manager.
pub(super) fn module_of(binding: &AttrpathValue, length: usize, file: &Path) -> Option<Module> {
    let bindings = nested(binding);
    let mut names: Vec<Option<String>> = bindings.iter().flat_map(own_names).collect();
    names.truncate(names.len().checked_sub(length)?);
    if names.last().and_then(Option::as_deref) == Some("config") {
        names.pop();
    }
    let outermost = bindings.first()?;
    if names.is_empty() {
        return around(outermost.syntax().parent()?, file);
    }
    let name = module_name(&names)?;
    below(&bindings, names.len(), name, file)
}

/// The module in the file `file` that the first `length` names on the path to `binding` are those of.
pub(super) fn module_at(
    binding: &AttrpathValue,
    length: usize,
    name: String,
    file: &Path,
) -> Option<Module> {
    below(&nested(binding), length, name, file)
}

/// The module whose path is the first `length` names of `bindings`.
fn below(bindings: &[AttrpathValue], length: usize, name: String, file: &Path) -> Option<Module> {
    let mut passed = 0;
    for binding in bindings {
        let before = passed;
        passed += own_names(binding).len();
        if passed == length {
            return Some(inside(&binding.value()?, name, file));
        }
        // In `homeManager.home.stateVersion = …;`, no set is the module.
        if passed > length {
            return Some(Module {
                name: Some(name),
                range: Some(range_of(binding.syntax())),
                names: Some(length - before),
                ..Module::file(file)
            });
        }
    }
    None
}

/// The module that is the value of a binding, if it is written there.
pub(super) fn collected(value: &Expr, name: String, file: &Path) -> Option<Module> {
    let is_written = matches!(innermost(value), Expr::AttrSet(_) | Expr::Lambda(_));
    is_written.then(|| inside(value, name, file))
}

/// The module inside a file that is the value of a binding.
fn inside(value: &Expr, name: String, file: &Path) -> Module {
    Module {
        name: Some(name),
        range: Some(range_of(value.syntax())),
        ..Module::file(file)
    }
}

/// The module of which `set` is the set, or a part.
fn around(set: SyntaxNode, file: &Path) -> Option<Module> {
    let mut current = set;
    loop {
        let parent = current.parent()?;
        if ast::Root::can_cast(parent.kind()) {
            return Some(Module::file(file));
        }
        if let Some(binding) = AttrpathValue::cast(parent.clone()) {
            return module_of(&binding, 0, file);
        }
        if let Some(apply) = ast::Apply::cast(parent.clone()) {
            let (function, _) = call_parts(&Expr::Apply(apply));
            let name = last_name(&function).unwrap_or_default();
            if !SAME_OPTIONS.contains(&name.as_str()) {
                return None;
            }
        }
        current = parent;
    }
}
