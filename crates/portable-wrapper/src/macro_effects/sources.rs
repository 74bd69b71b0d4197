//! Which files of a crate are code: its modules, and the files that `include!` or a `path` attribute names, whatever
//! their extensions.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use super::conditions::{Conditions, left_out};
use super::outside;
use super::tokens::{Kind, Token, only, tokens};

/// A file that may be code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    /// Whether it is certainly code, by the compiler's list or cargo's conventions.
    pub(crate) is_code: bool,
    /// Whether a build script generated it.
    pub(crate) is_made: bool,
}

/// How many tokens there are at most between `cfg_attr` and what it adds.
const CONDITION: usize = 100;

/// The files that a crate's sources name.
#[derive(Debug, Default)]
struct Named {
    /// Their file names.
    ends: BTreeSet<String>,
    /// Whether some names are not known.
    any: bool,
    /// The modules that are declared, and compiled.
    modules: BTreeSet<String>,
    /// The modules that are declared, and not compiled.
    left_out: BTreeSet<String>,
}

/// The tokens of all files that are code. With `is_listed`, the compiler listed the files, and all are of this crate;
/// otherwise some belong to tests and other targets of the package. `None` if other files may be code.
pub(super) fn code<'a>(
    sources: &[Source<'a>],
    conditions: &Conditions,
    is_listed: bool,
) -> Option<Vec<Vec<Token<'a>>>> {
    let mut read: Vec<Option<Vec<Token<'a>>>> = vec![None; sources.len()];
    let mut named = Named::default();
    loop {
        let mut has_more = false;
        for (source, read) in sources.iter().zip(&mut read) {
            let is_code = source.is_code || named.has(source.path);
            if read.is_some() || !is_code {
                continue;
            }
            has_more = true;
            let all = tokens(source.text);
            let gone = left_out(&all, conditions);
            named.left_out.extend(gone.modules);
            let kept = if gone.is_all {
                Vec::new()
            } else if gone.ranges.is_empty() {
                all
            } else {
                only(&all, outside(&gone.ranges))
            };
            named.read(&kept);
            *read = Some(kept);
        }
        if !has_more {
            break;
        }
    }
    if named.any && !is_listed && !sources.iter().any(|source| source.is_made) {
        return None;
    }
    let of_module = |path: &Path| {
        let directories = path.components().filter_map(|component| match component {
            Component::Normal(name) => Path::new(name).file_stem()?.to_str(),
            _ => None,
        });
        directories
            .into_iter()
            .any(|name| named.left_out.contains(name) && !named.modules.contains(name))
    };
    let found = sources.iter().zip(read).filter_map(|(source, tokens)| {
        let is_gone = !is_listed && of_module(source.path) && !named.has(source.path);
        tokens.filter(|_| !is_gone)
    });
    let mut found: Vec<_> = found.collect();
    if named.any {
        // It may be any file that the compiler read.
        let others = sources
            .iter()
            .filter(|source| !source.is_code && !named.has(source.path));
        found.extend(others.map(|source| tokens(source.text)));
    }
    Some(found)
}

impl Named {
    fn has(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        self.ends.iter().any(|end| path.ends_with(end.as_str()))
    }

    fn read(&mut self, tokens: &[Token<'_>]) {
        for (at, token) in tokens.iter().enumerate() {
            if token.kind != Kind::Ident {
                continue;
            }
            let next = tokens.get(at + 1);
            match token.text {
                "mod" => {
                    if let (Some(name), Some(end)) = (next, tokens.get(at + 2))
                        && matches!(end.text, ";" | "{")
                    {
                        self.modules.insert(name.text.to_owned());
                    }
                }
                "path" if next.is_some_and(|token| token.is_punctuation("=")) => {
                    let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
                    match tokens.get(at + 2) {
                        Some(text) if text.kind == Kind::Text => {
                            self.ends.insert(end_of(text.text));
                        }
                        // An attribute with escapes, or of a macro.
                        Some(value) if value.kind == Kind::Literal || value.text == "$" => {
                            let mut near = tokens[..at].iter().rev().take(CONDITION);
                            self.any |= before == "["
                                || before == "," && near.any(|token| token.is_ident("cfg_attr"));
                        }
                        _ => {}
                    }
                }
                "include" if next.is_some_and(|token| token.is_punctuation("!")) => {
                    match tokens.get(at + 2).map(|token| token.kind) {
                        Some(Kind::Open(end)) => {
                            self.include(tokens.get(at + 3..end).unwrap_or_default());
                        }
                        _ => self.any = true,
                    }
                }
                "include" => {
                    let is_renamed = next.is_some_and(|token| token.is_ident("as"));
                    self.any |= is_renamed;
                }
                _ => {}
            }
        }
    }

    /// `include!` of this argument.
    fn include(&mut self, argument: &[Token<'_>]) {
        let argument = match argument {
            [rest @ .., comma] if comma.is_punctuation(",") => rest,
            all => all,
        };
        let inner = match argument {
            [name, bang, open, inside @ .., _]
                if name.is_ident("concat")
                    && bang.is_punctuation("!")
                    && matches!(open.kind, Kind::Open(_)) =>
            {
                match inside {
                    [rest @ .., comma] if comma.is_punctuation(",") => rest,
                    all => all,
                }
            }
            all => all,
        };
        match inner.last() {
            Some(text) if text.kind == Kind::Text && !text.text.is_empty() => {
                self.ends.insert(end_of(text.text));
            }
            // With a backslash as separator.
            Some(text) if text.text.starts_with("\"\\\\") => {
                let name = text
                    .text
                    .trim_start_matches(['"', '\\'])
                    .trim_end_matches('"');
                self.any |= name.contains('\\');
                self.ends.insert(end_of(name));
            }
            _ => self.any = true,
        }
    }
}

/// The file name, by which a path is matched.
fn end_of(path: &str) -> String {
    path.rsplit_once('/')
        .map_or(path, |(_, name)| name)
        .to_owned()
}
