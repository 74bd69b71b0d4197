//! The files of a crate that are code: its modules, and the files that `include!` or a `path` attribute names, whatever their
//! extensions.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path};

use super::conditions::Conditions;
use super::inactive_code::inactive_code;
use super::quoting::without_quoted;
use super::reviewed;
use super::source_file::Source;
use super::tokens::{Kind, Token, tokens};

/// The maximum number of tokens between `cfg_attr` and the attribute that it adds.
const CONDITION: usize = 100;

/// The files and modules that a crate's sources name.
#[derive(Debug, Default)]
struct Named {
    /// The [ends](end_of) of the paths of the files.
    ends: BTreeSet<String>,
    /// Whether the name of some file is not known.
    any: bool,
    /// Whether the name of some file is not known that code in `quote!` names.
    any_quoted: bool,
    /// The declared modules that are compiled.
    modules: BTreeSet<String>,
    /// The declared modules that are not compiled.
    inactive: BTreeSet<String>,
    /// The [ends](end_of) of the `path` attributes of these.
    inactive_ends: BTreeSet<String>,
}

/// The code of a crate.
pub(super) struct Code<'a> {
    /// The tokens of its files.
    pub(super) files: Vec<Vec<Token<'a>>>,
    /// Whether a macro may write code that includes a file which is not known.
    pub(super) writes_unknown: bool,
}

/// The tokens of the files that are code, and what they name.
fn read<'a>(
    sources: &'a [Source<'_>],
    conditions: &Conditions,
    is_listed: bool,
) -> (Vec<Option<Vec<Token<'a>>>>, Named) {
    let mut read: Vec<Option<Vec<Token<'a>>>> = vec![None; sources.len()];
    let mut named = Named::default();
    // Files near the root first, because they declare the modules that are not compiled.
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|at| sources[*at].path.components().count());
    loop {
        let mut has_more = false;
        for at in &order {
            let source = &sources[*at];
            let is_named = named.has(source.path);
            let is_inactive = !is_listed && !is_named && named.is_inactive(source.path, sources);
            if read[*at].is_some() || !(source.is_code || is_named) || is_inactive {
                continue;
            }
            has_more = true;
            let all = tokens(source.text.get());
            let inactive = inactive_code(&all, conditions);
            let kept = inactive.remove_from(all);
            named.inactive.extend(inactive.modules);
            let ends = inactive.paths.iter().map(|path| end_of(path));
            named.inactive_ends.extend(ends);
            named.read_code(&kept);
            read[*at] = Some(kept);
        }
        if !has_more {
            return (read, named);
        }
    }
}

/// The files of a published package that are certainly not compiled into its library, whatever its features are.
pub(in super::super) fn inactive_files<'a>(sources: &'a [Source<'_>]) -> Vec<&'a Path> {
    let conditions = Conditions::of_any_target();
    let (_, named) = read(sources, &conditions, false);
    if named.any || named.any_quoted {
        return Vec::new();
    }
    let paths = sources.iter().map(|source| source.path);
    let inactive = paths.filter(|path| named.is_inactive(path, sources) && !named.has(path));
    inactive.collect()
}

/// The code of the crate `name`. With `is_listed`, the compiler listed the files, and all are of this crate;
/// otherwise some belong to tests and other targets of the package, or to modules that are not compiled, which are not read.
/// `None` if other files may be code.
pub(super) fn code<'a>(
    name: &str,
    sources: &'a [Source<'_>],
    conditions: &Conditions,
    is_listed: bool,
) -> Option<Code<'a>> {
    let (read, mut named) = read(sources, conditions, is_listed);
    if !is_listed {
        let idents = read.iter().flatten().flatten();
        let mut idents = idents.filter(|token| token.kind == Kind::Ident);
        named.any |= idents.any(|token| reviewed::is_including_macro(token.text));
        named.any &= !reviewed::includes_only_for_others(name);
        named.any_quoted &= !reviewed::includes_only_written(name);
    }
    let may_be_read = is_listed || sources.iter().any(|source| source.is_made);
    if named.any && !may_be_read {
        return None;
    }
    let writes_unknown = named.any_quoted && !may_be_read;
    named.any |= named.any_quoted;
    let found = sources.iter().zip(read).filter_map(|(source, tokens)| {
        let is_inactive =
            !is_listed && named.is_inactive(source.path, sources) && !named.has(source.path);
        tokens.filter(|_| !is_inactive)
    });
    let mut found: Vec<_> = found.collect();
    if named.any {
        // If a name is not known, any listed file may be code.
        let others = sources
            .iter()
            .filter(|source| !source.is_code && !named.has(source.path));
        found.extend(others.map(|source| tokens(source.text.get())));
    }
    Some(Code {
        files: found,
        writes_unknown,
    })
}

impl Named {
    /// Reads the code of a file. A file that only code in `quote!` names is one of the crate that uses the macro.
    fn read_code(&mut self, tokens: &[Token<'_>]) {
        let was_any = std::mem::take(&mut self.any);
        self.read(tokens);
        if self.any
            && let Some(others) = without_quoted(tokens)
        {
            let mut outside = Self::default();
            outside.read(&others);
            (self.any, self.any_quoted) = (outside.any, self.any_quoted || !outside.any);
        }
        self.any |= was_any;
    }

    /// Whether the file at `path`, one of `sources`, belongs to a module that is not compiled.
    fn is_inactive(&self, path: &Path, sources: &[Source<'_>]) -> bool {
        let mut names = path.components().filter_map(|component| match component {
            Component::Normal(name) => Path::new(name).file_stem()?.to_str(),
            _ => None,
        });
        names.any(|name| self.inactive.contains(name) && !self.modules.contains(name))
            || has_whole_end(path, &self.inactive_ends) && !self.may_be_module(path, sources)
    }

    /// Whether the file at `path` may be that of a declared module, by its name and those of the directories around it.
    fn may_be_module(&self, path: &Path, sources: &[Source<'_>]) -> bool {
        let is_declared = |path: &Path| {
            let name = path.file_stem().and_then(OsStr::to_str);
            name.is_some_and(|name| self.modules.contains(name))
        };
        let is_mod = |path: &Path| path.file_name() == Some("mod.rs".as_ref());
        // The root of a crate is no module, whatever the directory is.
        let may_be_root = |file: &Path| {
            !is_mod(file) && !is_declared(file) && !has_whole_end(file, &self.inactive_ends)
        };
        let has_root = |directory: &Path| {
            let mut files = sources.iter().map(|source| source.path);
            files.any(|file| file.parent() == Some(directory) && may_be_root(file))
        };
        let module = if is_mod(path) {
            path.parent()
        } else {
            Some(path)
        };
        for part in module.into_iter().flat_map(Path::ancestors) {
            if !is_declared(part) {
                return false;
            }
            if part.parent().is_none_or(has_root) {
                return true;
            }
        }
        true
    }

    fn has(&self, path: &Path) -> bool {
        has_end(path, &self.ends)
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
                        // The path has escapes, or is a parameter of a macro.
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

    /// Handles `include!` with this argument.
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
            // The path has a backslash as its separator.
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

/// Whether a path ends with one of `ends`, which may be parts of names.
fn has_end(path: &Path, ends: &BTreeSet<String>) -> bool {
    let path = path.to_string_lossy();
    ends.iter().any(|end| path.ends_with(end.as_str()))
}

/// Whether a path ends with one of `ends`, which are whole names.
fn has_whole_end(path: &Path, ends: &BTreeSet<String>) -> bool {
    ends.iter().any(|end| path.ends_with(end))
}

/// The end of a path by which files are matched: the part after the last `.`, `..` or empty component.
fn end_of(path: &str) -> String {
    let ends = ["./", "//"].map(|mark| path.rfind(mark).map_or(0, |at| at + mark.len()));
    let start = ends.into_iter().max().unwrap_or_default();
    path[start..].trim_start_matches('/').to_owned()
}
