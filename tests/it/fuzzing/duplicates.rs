//! Attributes that a set defines twice: Nix refuses such a file, rnix does not.

use std::collections::BTreeMap;

use rnix::ast::{self, Attr, AttrSet, Entry, Expr, HasEntry as _, InterpolPart, LetIn};
use rnix::{Root, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

/// The attributes of a set, as Nix puts `a.b = 1; a = { c = 2; };` together.
#[derive(Default)]
struct Names(BTreeMap<String, Option<Names>>);

/// The variables that are both in a set and in its `env`, or twice in a numtide `env`.
const OURS: [&str; 3] = ["RUSTC_WRAPPER", "CARGO_INCREMENTAL", "SCCACHE_DIR"];

/// All attributes that are defined twice.
pub(super) fn duplicates(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for node in Root::parse(text).syntax().descendants() {
        let is_env = node
            .parent()
            .and_then(ast::AttrpathValue::cast)
            .and_then(|binding| binding.attrpath())
            .is_some_and(|path| path.syntax().text() == "env");
        let entries: Vec<Entry> = match node.kind() {
            SyntaxKind::NODE_ATTR_SET => {
                AttrSet::cast(node).map_or_else(Vec::new, |set| set.entries().collect())
            }
            SyntaxKind::NODE_LET_IN => {
                LetIn::cast(node).map_or_else(Vec::new, |set| set.entries().collect())
            }
            SyntaxKind::NODE_LIST => {
                doubled_elements(&node, &mut found);
                continue;
            }
            _ => continue,
        };
        let mut names = Names::default();
        names.add(entries, &mut found);
        // devenv knows no variables but those in `env`.
        let is_shell = !names.0.contains_key("enterShell") && !is_env;
        if let (Some(Some(env)), true) = (names.0.get("env"), is_shell) {
            for name in OURS {
                if names.0.contains_key(name) && env.0.contains_key(name) {
                    found.push(format!("{name} and env.{name}"));
                }
            }
        }
    }
    found
}

impl Names {
    fn add(&mut self, entries: impl IntoIterator<Item = Entry>, found: &mut Vec<String>) {
        for entry in entries {
            match entry {
                Entry::AttrpathValue(binding) => {
                    let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else {
                        continue;
                    };
                    let path: Option<Vec<String>> =
                        path.attrs().map(|attr| attr_name(&attr)).collect();
                    if let Some(path) = path {
                        self.bind(&path, &value, found);
                    }
                }
                Entry::Inherit(inherit) => {
                    for name in inherit.attrs().filter_map(|attr| attr_name(&attr)) {
                        if self.0.insert(name.clone(), None).is_some() {
                            found.push(name);
                        }
                    }
                }
            }
        }
    }

    fn bind(&mut self, path: &[String], value: &Expr, found: &mut Vec<String>) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let mut literal = value.clone();
        while let Expr::Paren(paren) = &literal {
            let Some(inner) = paren.expr() else { return };
            literal = inner;
        }
        let inner = match literal {
            Expr::AttrSet(set) => Some(set),
            _ => None,
        };
        let is_set = !rest.is_empty() || inner.is_some();
        match self.0.get_mut(first) {
            Some(Some(below)) if is_set => match (rest, inner) {
                ([], Some(set)) => below.add(set.entries(), found),
                _ => below.bind(rest, value, found),
            },
            Some(_) => found.push(path.join(".")),
            None => {
                let mut below = Names::default();
                match (rest, inner) {
                    ([], None) => {
                        self.0.insert(first.clone(), None);
                        return;
                    }
                    // Its own duplicates are found when it is looked at itself.
                    ([], Some(set)) => below.add(set.entries(), &mut Vec::new()),
                    _ => below.bind(rest, value, &mut Vec::new()),
                }
                self.0.insert(first.clone(), Some(below));
            }
        }
    }
}

fn attr_name(attr: &Attr) -> Option<String> {
    let string = match attr {
        Attr::Ident(ident) => return Some(ident.syntax().text().to_string()),
        Attr::Str(string) => string.clone(),
        Attr::Dynamic(dynamic) => match dynamic.expr()? {
            Expr::Str(string) => string,
            _ => return None,
        },
    };
    let parts = string.normalized_parts();
    match parts.as_slice() {
        [] => Some(String::new()),
        [InterpolPart::Literal(text)] => Some(text.clone()),
        _ => None,
    }
}

/// `[ { name = "RUSTC_WRAPPER"; … } … ]` that names a variable twice.
fn doubled_elements(list: &SyntaxNode, found: &mut Vec<String>) {
    for variable in OURS {
        let quoted = format!("\"{variable}\"");
        let count = list
            .children()
            .filter_map(AttrSet::cast)
            .flat_map(|set| set.entries().collect::<Vec<_>>())
            .filter(|entry| match entry {
                Entry::AttrpathValue(binding) => {
                    binding
                        .attrpath()
                        .is_some_and(|name| name.syntax().text() == "name")
                        && binding
                            .value()
                            .is_some_and(|value| value.syntax().text() == quoted.as_str())
                }
                Entry::Inherit(_) => false,
            })
            .count();
        if count > 1 {
            found.push(format!("{variable} in a list"));
        }
    }
}
