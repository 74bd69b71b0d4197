//! Adds an element to the `imports` of a module.
//!
//! ```nix
//! { pkgs, ... }:
//! {
//!   imports = [ ./git.nix ];
//! }
//! ```
//! becomes
//! ```nix
//! { pkgs, ... }:
//! {
//!   imports = [ ./git.nix
//!     # >>> sccfg home >>> …
//!     ./sccache.nix
//!     # <<< sccfg home <<<
//!   ];
//! }
//! ```
//! A module that is only an attribute path becomes a set.

use rnix::SyntaxKind;
use rnix::ast::{self, AttrSet, AttrpathValue, Entry, Expr};
use rowan::ast::AstNode as _;

use super::{Module, ModuleKind};
use crate::change::edits::Edits;
use crate::change::input::put_after;
use crate::editor::EditedFile;
use crate::find::files::{File, Files, Sources};
use crate::find::parse::parse;
use crate::find::syntax::{self, innermost};
use crate::region;
use crate::text::{
    has_bare_carriage_return, indent_at, line_start, next_line, range_of, starts_line,
};
use sccfg_util::problem::Problem;

/// Adds `path`, such as `./sccache.nix`, to the imports of `module`; `None` when they have it.
///
/// # Errors
/// When the file does not exist or does not parse, and when its imports cannot be edited safely.
pub fn import(
    sources: &dyn Sources,
    module: &Module,
    path: &str,
) -> Result<Option<EditedFile>, Problem> {
    let mut files = Files::marked(sources, region::HOME);
    let Some(id) = files.load(&module.file)? else {
        return Err(Problem::new(format!(
            "there is no file {}",
            module.file.display()
        )));
    };
    let file = files.get(id);
    let refused = |offset: usize, why: &str| {
        Problem::new(format!("could not edit this module safely: {why}"))
            .at(file.place(offset))
            .hint(format!("add it by hand: imports = [ {path} ];"))
    };
    let mut edits = Edits::marked(&file.text, region::HOME);
    if let Some(names) = module.names {
        option(file, module)
            .ok_or((0, "its option is not there"))
            .and_then(|option| put_around(&mut edits, &option, names, path))
            .map_err(|(offset, why)| refused(offset, why))?;
        return finish(&files, file, edits, refused);
    }
    let expr = expression(file, module).unwrap_or_else(|| file.root.clone());
    // One that a configuration of home-manager names may have options of any name.
    if module.kind == ModuleKind::File
        && module.range.is_none()
        && let Some(offset) = foreign_option(&expr)
    {
        return Err(refused(
            offset,
            "it sets an option of flake-parts or NixOS, so it is no module of home-manager",
        ));
    }
    add(&mut edits, &expr, path).map_err(|(offset, why)| refused(offset, why))?;
    finish(&files, file, edits, refused)
}

/// Applies the edits, if the result parses and can be undone.
fn finish(
    files: &Files<'_>,
    file: &File,
    edits: Edits<'_>,
    refused: impl Fn(usize, &str) -> Problem,
) -> Result<Option<EditedFile>, Problem> {
    let after = edits
        .apply()
        .ok_or_else(|| refused(0, "two edits would overlap"))?;
    let as_nix_reads = if has_bare_carriage_return(&after) {
        after.replace('\r', "\n")
    } else {
        after.clone()
    };
    for text in [&after, &as_nix_reads] {
        parse(&file.path, text).map_err(|problem| refused(0, &problem.what))?;
    }
    let is_undone = files
        .can_undo(file, &after)
        .map_err(|problem| refused(0, &problem.what))?;
    if !is_undone {
        return Err(refused(0, "the edit could not be undone byte for byte"));
    }
    let is_same = after == file.original
        || region::indentation::is_all(region::HOME, &file.path, &file.original, &after);
    Ok((!is_same).then(|| EditedFile {
        path: file.path.clone(),
        before: file.original.clone(),
        after,
    }))
}

/// The expression of the module.
fn expression(file: &File, module: &Module) -> Option<Expr> {
    let range = module.range.as_ref()?;
    file.root
        .syntax()
        .descendants()
        .find(|node| range_of(node) == *range && Expr::can_cast(node.kind()))
        .and_then(Expr::cast)
}

/// The binding of an option that is all there is of the module.
fn option(file: &File, module: &Module) -> Option<AttrpathValue> {
    let range = module.range.as_ref()?;
    let mut bindings = file
        .root
        .syntax()
        .descendants()
        .filter_map(AttrpathValue::cast);
    bindings.find(|binding| range_of(binding.syntax()) == *range)
}

/// Replaces `module.option = value;` with `module = { imports = [ path ]; option = value; };`, where the names of the
/// module are the first `names` ones. Nix does not merge two attribute paths with a computed name.
fn put_around(
    edits: &mut Edits<'_>,
    option: &AttrpathValue,
    names: usize,
    path: &str,
) -> Result<(), Refusal> {
    let text = edits.text();
    let range = range_of(option.syntax());
    let attrs = |binding: &AttrpathValue| -> Vec<ast::Attr> {
        let path = binding.attrpath();
        path.map_or_else(Vec::new, |path| path.attrs().collect())
    };
    let texts = |attrs: &[ast::Attr]| -> Vec<String> {
        let texts = attrs.iter().map(|attr| attr.syntax().text().to_string());
        texts.collect()
    };
    let own = attrs(option);
    let split = own.split_at_checked(names);
    let Some((module @ [.., last], [first_of_option, ..])) = split else {
        return Err((range.start, "its option has another form"));
    };
    let imports = [texts(module), vec!["imports".to_owned()]].concat();
    let siblings = option.syntax().parent().map(|set| syntax::entries(&set));
    let has_imports = siblings.into_iter().flatten().any(|sibling| {
        matches!(sibling, Entry::AttrpathValue(sibling) if texts(&attrs(&sibling)).starts_with(&imports))
    });
    if has_imports {
        return Err((range.start, "its imports are an attribute path as well"));
    }
    let base = indent_at(text, range.start).to_owned();
    let indent = edits.deeper(&base);
    let dot = range_of(last.syntax()).end..range_of(first_of_option.syntax()).start;
    edits.inline(
        dot,
        &indent,
        &indent,
        &format!("= {{ imports = [ {path} ];"),
    );
    let line = next_line(text, range.end);
    let rest = &text[range.end..line];
    let is_last =
        rest.ends_with('\n') && (rest.trim().is_empty() || rest.trim_start().starts_with('#'));
    if is_last && !has_bare_carriage_return(rest) {
        edits.lines(line..line, &base, "};");
    } else {
        edits.inline(range.end..range.end, &base, &base, "};");
    }
    Ok(())
}

/// Where a module sets an option that home-manager does not have.
fn foreign_option(module: &Expr) -> Option<usize> {
    let set = set_of(module).ok()?;
    syntax::entries(set.syntax()).into_iter().find_map(|entry| {
        let Entry::AttrpathValue(binding) = entry else {
            return None;
        };
        let (names, _) = syntax::binding_parts(&binding)?;
        let mut names = names.iter().map(|name| name.as_deref().unwrap_or(""));
        matches!(
            (names.next()?, names.next()),
            ("flake" | "perSystem" | "den" | "environment" | "boot", _)
                | ("home-manager", Some("users"))
        )
        .then(|| range_of(binding.syntax()).start)
    })
}

/// The offset of what prevents an edit, and why.
type Refusal = (usize, &'static str);

fn add(edits: &mut Edits<'_>, module: &Expr, path: &str) -> Result<(), Refusal> {
    let set = set_of(module)?;
    let mut imports = None;
    for entry in syntax::entries(set.syntax()) {
        let offset = range_of(entry.syntax()).start;
        match entry {
            Entry::AttrpathValue(binding) => {
                let Some((names, value)) = syntax::binding_parts(&binding) else {
                    continue;
                };
                match names.as_slice() {
                    [Some(name)] if name == "imports" => imports = Some(value),
                    [None, ..] => {
                        let may_be = binding.attrpath().and_then(|path| path.attrs().next());
                        if may_be.is_some_and(|attr| syntax::may_be(&attr, &["imports"])) {
                            return Err((offset, "an attribute name here is computed"));
                        }
                    }
                    _ => {}
                }
            }
            Entry::Inherit(inherit) if syntax::inherited(&inherit, "imports").is_some() => {
                return Err((offset, "its imports are inherited"));
            }
            Entry::Inherit(_) => {}
        }
    }
    if let Some(imports) = imports {
        return add_to(edits, &imports, path);
    }
    put_after(edits, &set, None, &format!("imports = [ {path} ];"));
    Ok(())
}

/// The set of a module, inside its functions, `let` and `with`.
fn set_of(module: &Expr) -> Result<AttrSet, Refusal> {
    let mut current = innermost(module);
    while let Expr::Lambda(lambda) = &current {
        let offset = range_of(lambda.syntax()).start;
        let body = lambda.body().ok_or((offset, "it has no body"))?;
        current = innermost(&body);
    }
    match &current {
        Expr::AttrSet(set) => Ok(set.clone()),
        other => Err((
            range_of(other.syntax()).start,
            "it is not an attribute set here",
        )),
    }
}

/// Adds `path` to an expression that is a list.
fn add_to(edits: &mut Edits<'_>, imports: &Expr, path: &str) -> Result<(), Refusal> {
    if let Some(list) = literal(imports) {
        let is_there = list
            .items()
            .any(|item| matches!(item, Expr::PathRel(item) if item.syntax().text() == path));
        if !is_there {
            put_last(edits, &list, path);
        }
        return Ok(());
    }
    let range = range_of(imports.syntax());
    let is_operand = matches!(
        imports,
        Expr::Ident(_) | Expr::Select(_) | Expr::Apply(_) | Expr::Paren(_)
    ) || matches!(imports, Expr::BinOp(operation)
        if operation.operator() == Some(ast::BinOpKind::Concat));
    if !is_operand {
        return Err((range.start, "its imports are not a literal list"));
    }
    let indent = edits.deeper(indent_at(edits.text(), range.start));
    edits.inline(
        range.start..range.start,
        &indent,
        &indent,
        &format!("[ {path} ] ++"),
    );
    Ok(())
}

/// The literal list in a list or a sum of lists.
fn literal(imports: &Expr) -> Option<ast::List> {
    match innermost(imports) {
        Expr::List(list) => Some(list),
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Concat) => {
            let sides = [operation.lhs(), operation.rhs()];
            sides.into_iter().flatten().find_map(|side| literal(&side))
        }
        _ => None,
    }
}

/// Adds a region at the end of a list.
fn put_last(edits: &mut Edits<'_>, list: &ast::List, body: &str) {
    let text = edits.text();
    let range = range_of(list.syntax());
    let bracket = range.end - 1;
    let base = indent_at(text, range.start).to_owned();
    let starts: Vec<usize> = list
        .syntax()
        .children_with_tokens()
        .filter(|child| {
            !matches!(
                child.kind(),
                SyntaxKind::TOKEN_WHITESPACE
                    | SyntaxKind::TOKEN_L_BRACK
                    | SyntaxKind::TOKEN_R_BRACK
            )
        })
        .map(|child| usize::from(child.text_range().start()))
        .collect();
    let indent = starts
        .into_iter()
        .find(|&start| starts_line(text, start))
        .map_or_else(
            || {
                let outer = if starts_line(text, bracket) {
                    indent_at(text, bracket)
                } else {
                    &base
                };
                edits.deeper(outer)
            },
            |start| indent_at(text, start).to_owned(),
        );
    if starts_line(text, bracket) {
        let line = line_start(text, bracket);
        edits.lines(line..line, &indent, body);
    } else {
        edits.inline(bracket..bracket, &indent, &base, body);
    }
}
