//! sccfg as an input of the flake, and as an argument of its outputs.
//!
//! ```nix
//! inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
//! outputs = { nixpkgs, ... }: { … };
//! ```
//! becomes
//! ```nix
//! inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
//! # >>> sccfg >>> …
//! inputs.sccfg.url = "…";
//! inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
//! # <<< sccfg <<<
//! outputs = {
//!   # >>> sccfg >>> …
//!   sccfg,
//!   # <<< sccfg <<<
//!   nixpkgs, ... }: { … };
//! ```

use rnix::ast::{self, AttrSet, Entry, Expr, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::edits::Edits;
use super::set::SetEdit;
use crate::find::input::{NAME, has_entry};
use crate::find::syntax;
use crate::quote;
use crate::text::{indent_at, line_start, next_line, range_of, starts_line};

/// Why the input was not added.
#[derive(Debug)]
pub(crate) enum NoInput {
    /// `inputs` is not literal; its byte offset.
    Unclear(usize),
    /// There is another input of that name; its byte offset and its flake reference.
    Taken(usize, Option<String>),
}

/// An input that the flake declares.
struct Declared {
    name: String,
    url: Option<String>,
    offset: usize,
}

/// The entries of the flake that declare inputs.
#[derive(Default)]
struct Survey {
    /// `inputs = { … };`
    literal: Option<AttrSet>,
    /// The last `inputs.NAME… = …;`
    dotted: Option<SyntaxNode>,
    declared: Vec<Declared>,
}

/// The name of the flake's nixpkgs input; `arguments` are those of its outputs.
pub(crate) fn nixpkgs_of(flake: &AttrSet, arguments: &[String]) -> Option<String> {
    match survey(flake) {
        Ok(seen) => nixpkgs(&seen.declared, arguments),
        Err(_) => nixpkgs(&[], arguments),
    }
}

/// Adds the input to a flake. `arguments` are those of its outputs: undeclared ones are inputs from
/// the registry.
pub(crate) fn add(
    edits: &mut Edits<'_>,
    flake: &AttrSet,
    url: &str,
    arguments: &[String],
) -> Result<(), NoInput> {
    let seen = survey(flake)?;
    if let Some(own) = seen.declared.iter().find(|input| input.name == NAME) {
        return if own.url.as_deref() == Some(url) {
            Ok(())
        } else {
            Err(NoInput::Taken(own.offset, own.url.clone()))
        };
    }
    let url = quote::string(url);
    let nixpkgs = nixpkgs(&seen.declared, arguments).map(|name| quote::string(&name));
    if let Some(inputs) = &seen.literal {
        let mut change = SetEdit::new(inputs);
        change.add(match nixpkgs {
            Some(nixpkgs) => {
                let step = edits.layout().step;
                format!(
                    "{NAME} = {{\n{step}url = {url};\n{step}inputs.nixpkgs.follows = {nixpkgs};\n}};"
                )
            }
            None => format!("{NAME}.url = {url};"),
        });
        change.write(edits);
        return Ok(());
    }
    let mut lines = format!("inputs.{NAME}.url = {url};");
    if let Some(nixpkgs) = nixpkgs {
        lines.push_str(&format!(
            "\ninputs.{NAME}.inputs.nixpkgs.follows = {nixpkgs};"
        ));
    }
    put_after(edits, flake, seen.dotted.as_ref(), &lines);
    Ok(())
}

/// Adds lines after an entry of a set, or at its start.
pub(crate) fn put_after(
    edits: &mut Edits<'_>,
    set: &AttrSet,
    entry: Option<&SyntaxNode>,
    lines: &str,
) {
    let text = edits.text();
    let entries = syntax::entries(set.syntax());
    let brace = set
        .syntax()
        .children_with_tokens()
        .find(|child| child.kind() == SyntaxKind::TOKEN_L_BRACE)
        .map_or(range_of(set.syntax()).start, |brace| {
            brace.text_range().start().into()
        });
    let indent = entries
        .iter()
        .map(|entry| range_of(entry.syntax()).start)
        .find(|&start| starts_line(text, start))
        .map_or_else(
            || edits.deeper(indent_at(text, brace)),
            |start| indent_at(text, start).to_owned(),
        );
    // Without an input, after the description.
    let first = entries.first().filter(|entry| match entry {
        Entry::AttrpathValue(binding) => syntax::binding_parts(binding)
            .is_some_and(|(names, _)| names == [Some("description".to_owned())]),
        Entry::Inherit(_) => false,
    });
    let offset = entry
        .or(first.map(ast::Entry::syntax))
        .map_or(brace + 1, |entry| range_of(entry).end);
    let line = next_line(text, offset);
    let rest = text[offset..line].trim();
    if text[..line].ends_with('\n') && (rest.is_empty() || rest.starts_with('#')) {
        edits.lines(line..line, &indent, lines);
    } else {
        let is_last = text[offset..].trim_ascii_start().starts_with('}');
        let tail = if is_last {
            indent_at(text, brace)
        } else {
            &indent
        };
        edits.inline(offset..offset, &indent, tail, lines);
    }
}

fn survey(flake: &AttrSet) -> Result<Survey, NoInput> {
    let mut seen = Survey::default();
    for entry in syntax::entries(flake.syntax()) {
        let offset = range_of(entry.syntax()).start;
        let binding = match entry {
            Entry::AttrpathValue(binding) => binding,
            Entry::Inherit(inherit) if syntax::inherited(&inherit, "inputs").is_some() => {
                return Err(NoInput::Unclear(offset));
            }
            Entry::Inherit(_) => continue,
        };
        let Some((names, value)) = syntax::binding_parts(&binding) else {
            continue;
        };
        match names.as_slice() {
            [None, ..] | [Some(_), None, ..]
                if names[0].as_deref().is_none_or(|name| name == "inputs") =>
            {
                return Err(NoInput::Unclear(offset));
            }
            [Some(inputs)] if inputs == "inputs" => match value {
                Expr::AttrSet(set) => {
                    declared(&set, &mut seen.declared)?;
                    seen.literal = Some(set);
                }
                _ => return Err(NoInput::Unclear(offset)),
            },
            [Some(inputs), Some(name), rest @ ..] if inputs == "inputs" => {
                note(name, rest, &value, offset, &mut seen.declared);
                seen.dotted = Some(binding.syntax().clone());
            }
            _ => {}
        }
    }
    Ok(seen)
}

/// The inputs of `inputs = { … };`
fn declared(set: &AttrSet, all: &mut Vec<Declared>) -> Result<(), NoInput> {
    for entry in syntax::entries(set.syntax()) {
        let offset = range_of(entry.syntax()).start;
        match entry {
            Entry::AttrpathValue(binding) => match syntax::binding_parts(&binding) {
                Some((names, value)) => match names.as_slice() {
                    [Some(name), rest @ ..] => note(name, rest, &value, offset, all),
                    _ => return Err(NoInput::Unclear(offset)),
                },
                None => return Err(NoInput::Unclear(offset)),
            },
            Entry::Inherit(inherit) => {
                for name in inherit.attrs().filter_map(|attr| syntax::attr_name(&attr)) {
                    all.push(Declared {
                        name,
                        url: None,
                        offset,
                    });
                }
            }
        }
    }
    Ok(())
}

fn note(name: &str, rest: &[Option<String>], value: &Expr, offset: usize, all: &mut Vec<Declared>) {
    let text = |value: &Expr| match value {
        Expr::Str(string) => syntax::plain_string(string),
        // A URL without quotes.
        Expr::PathSearch(_) => None,
        other => Some(other.syntax().text().to_string()).filter(|text| text.contains(':')),
    };
    let url = match rest {
        [Some(key)] if key == "url" => text(value),
        [] => match value {
            Expr::AttrSet(set) => {
                syntax::entries(set.syntax())
                    .iter()
                    .find_map(|entry| match entry {
                        Entry::AttrpathValue(binding) => {
                            let (names, value) = syntax::binding_parts(binding)?;
                            (names == [Some("url".to_owned())]).then(|| text(&value))?
                        }
                        Entry::Inherit(_) => None,
                    })
            }
            _ => None,
        },
        _ => None,
    };
    match all.iter_mut().find(|input| input.name == name) {
        Some(input) => input.url = input.url.take().or(url),
        None => all.push(Declared {
            name: name.to_owned(),
            url,
            offset,
        }),
    }
}

fn nixpkgs(declared: &[Declared], arguments: &[String]) -> Option<String> {
    let has = |name: &str| {
        declared.iter().any(|input| input.name == name)
            || arguments.iter().any(|argument| argument == name)
    };
    if has("nixpkgs") {
        return Some("nixpkgs".to_owned());
    }
    let is_nixpkgs = |url: &str| {
        let url = url.to_lowercase();
        // `nix-community/nixpkgs.lib` has no packages.
        let url = url.replace("nixpkgs.lib", "");
        let parts = url.split(['/', ':', '?', '#', '.']);
        parts.into_iter().any(|part| part == "nixpkgs") || url.contains("channels.nixos.org")
    };
    declared
        .iter()
        .find(|input| input.url.as_deref().is_some_and(is_nixpkgs))
        .map(|input| input.name.clone())
}

/// Adds an argument to the pattern of a function, unless it is there.
pub(crate) fn add_argument(edits: &mut Edits<'_>, lambda: &Lambda, name: &str) {
    let Some(Param::Pattern(pattern)) = lambda.param() else {
        return;
    };
    if has_entry(&pattern, name) {
        return;
    }
    let token = |kind: SyntaxKind| {
        pattern
            .syntax()
            .children_with_tokens()
            .find(|child| child.kind() == kind)
            .map(|child| child.text_range())
    };
    let Some(brace) = token(SyntaxKind::TOKEN_L_BRACE) else {
        return;
    };
    let text = edits.text();
    let after = usize::from(brace.end());
    let entry = pattern.pat_entries().next();
    let first = entry
        .map(|entry| range_of(entry.syntax()).start)
        .or(token(SyntaxKind::TOKEN_ELLIPSIS).map(|dots| dots.start().into()));
    // `{ self`, and on the next line `, nixpkgs`
    let comma = token(SyntaxKind::TOKEN_COMMA)
        .map(|comma| usize::from(comma.start()))
        .filter(|&comma| starts_line(text, comma));
    match (first, comma) {
        (_, Some(comma)) => {
            let indent = indent_at(text, comma).to_owned();
            let line = line_start(text, comma);
            edits.lines(line..line, &indent, &format!(", {name}"));
        }
        (Some(first), None) if starts_line(text, first) => {
            let indent = indent_at(text, first).to_owned();
            let line = line_start(text, first);
            edits.lines(line..line, &indent, &format!("{name},"));
        }
        (first, None) => {
            let indent = edits.deeper(indent_at(text, after));
            let comma = if first.is_some() { "," } else { "" };
            edits.inline(after..after, &indent, &indent, &format!("{name}{comma}"));
        }
    }
}
