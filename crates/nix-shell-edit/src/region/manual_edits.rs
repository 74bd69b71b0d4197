//! Refuses a region that a user changed: `apply` and `remove` would lose the change.
//!
//! `apply` may be another version of sccfg than the one that wrote a region, so a region is not
//! compared with what would be rendered now. Each token in it has to be one that some version of
//! sccfg writes, each value one that it writes for some `sccfg.toml` ([`super::values`]), each line
//! of a hook a line of some version's hook ([`super::hook_lines`]), and each comment a record.
//! Indentation and line breaks do not matter: formatters change them.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use rnix::SyntaxKind::{
    self, TOKEN_COMMENT, TOKEN_IDENT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_PATH_REL,
    TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START, TOKEN_WHITESPACE,
};

use super::Marks;
use super::hook_lines::{HookLines, unquoted};
use super::scan::{Region, Token, is_nix, is_record, scan, tokens};
use super::values::foreign_value;
use sccfg_util::problem::{Place, Problem};

/// The names that sccfg writes, besides those that it copies from the recorded text.
const NAMES: &[&str] = &[
    "RUSTC_WRAPPER",
    "SCCFG_SCCACHE",
    "CARGO_INCREMENTAL",
    "NIX_CFLAGS_LINK",
    "env",
    "name",
    "value",
    "shellHook",
    "enterShell",
    "devshell",
    "startup",
    "text",
    "imports",
    "pkgs",
    "lib",
    "mkForce",
    "mkBefore",
    "mkShell",
    "importTOML",
    "old",
    "overrideAttrs",
    "removeAttrs",
    "withSccache",
    "shell",
    "shells",
    "builtins",
    "mapAttrs",
    "system",
    "sccfg",
    "sccache",
    "inputs",
    "inputs'",
    "url",
    "follows",
    "nixpkgs",
    "buildPackages",
    "outputs",
    "flakeOutputs",
    "intersectAttrs",
    "derivation",
    "drvAttrs",
    "change",
    "elem",
    "devShells",
    "devShell",
];

/// Checks that everything in the regions of `text` was written by sccfg. `hook` are lines to accept
/// besides those of released hooks.
///
/// # Errors
/// When a region has something that sccfg does not write.
pub(crate) fn refuse_manual_edits(
    marks: Marks,
    path: &Path,
    text: &str,
    hook: &HookLines,
) -> Result<(), Problem> {
    if !is_nix(path) {
        return Ok(());
    }
    let tokens = tokens(path, text);
    for region in scan(marks, path, text, &tokens)? {
        if let Some(offset) = first_foreign(&region, &tokens, hook) {
            let line = text[offset..].lines().next().unwrap_or_default();
            return Err(manual_edit(line, Place::at(path, text, offset)));
        }
    }
    Ok(())
}

/// The error for a region that contains `line`, which sccfg does not write.
pub fn manual_edit(line: &str, place: Place) -> Problem {
    let shown: String = line.trim().chars().take(60).collect();
    Problem::new(format!(
        "`{shown}` is in a sccfg region but was not written by sccfg"
    ))
    .at(place)
    .hint(
        "sccfg replaces everything between the markers: move your lines above or below the region; if a newer sccfg wrote them, update sccfg",
    )
}

/// The offset of the first thing in a region that sccfg does not write.
fn first_foreign(region: &Region, tokens: &[Token<'_>], hook: &HookLines) -> Option<usize> {
    let body = &region.body;
    let record = region.record.text();
    let recorded: HashSet<String> = rnix::tokenize(&record)
        .map(|(_, text)| text.to_owned())
        .collect();
    let first = tokens.partition_point(|token| token.end() <= body.start);
    let inside: Vec<Token<'_>> = tokens[first..]
        .iter()
        .take_while(|token| token.start < body.end)
        .copied()
        .collect();
    let value = foreign_value(&inside, &|text| recorded.contains(text));
    let check = Check {
        hook,
        recorded,
        string: Vec::new(),
        before: ["", ""],
    };
    let token = check.first_foreign(&inside, body);
    value.into_iter().chain(token).min()
}

fn text_of<'t>(token: Option<&Token<'t>>) -> &'t str {
    token.map_or("", |token| token.text)
}

fn is_code(kind: SyntaxKind) -> bool {
    !matches!(kind, TOKEN_WHITESPACE | TOKEN_COMMENT)
}

/// The index of the token that ends the interpolation whose inside starts at `from`.
fn closing(tokens: &[Token<'_>], from: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            TOKEN_INTERPOL_START => depth += 1,
            TOKEN_INTERPOL_END if depth == 0 => return index,
            TOKEN_INTERPOL_END => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

struct Check<'t, 'h> {
    hook: &'h HookLines,
    /// The tokens of the recorded text: parts of it are written again.
    recorded: HashSet<String>,
    /// The lines of the current string, with their offsets.
    string: Vec<(usize, String)>,
    /// The two tokens before that string, the nearest first.
    before: [&'t str; 2],
}

impl<'t> Check<'t, '_> {
    /// The offset of the first token of a region, or line of a hook in it, that sccfg does not
    /// write.
    fn first_foreign(mut self, inside: &[Token<'t>], body: &Range<usize>) -> Option<usize> {
        let mut index = 0;
        while let Some(token) = inside.get(index) {
            index += 1;
            match token.kind {
                TOKEN_STRING_CONTENT => self.content(token, body),
                TOKEN_INTERPOL_START => {
                    let end = closing(inside, index);
                    let inner = &inside[index..end];
                    if let Some(offset) = self.interpolation(inner) {
                        return Some(offset);
                    }
                    self.interpolated(token.start, inner);
                    index = end + 1;
                }
                TOKEN_STRING_START => {
                    self.string.clear();
                    let mut before = inside[..index - 1]
                        .iter()
                        .rev()
                        .filter(|token| is_code(token.kind));
                    self.before = [before.next(), before.next()].map(text_of);
                }
                TOKEN_STRING_END => {
                    let mut after = inside[index..].iter().filter(|token| is_code(token.kind));
                    let after = [after.next(), after.next()].map(text_of);
                    if self.names_another(after) || self.is_another_hook(after) {
                        let start = self.string.first().map(|(offset, _)| *offset);
                        return start.or(Some(token.start));
                    }
                    if let Some(offset) = self.string_end() {
                        return Some(offset);
                    }
                }
                _ => {
                    let before = inside[..index - 1]
                        .iter()
                        .rev()
                        .filter(|token| is_code(token.kind));
                    let after = inside[index..].iter().filter(|token| is_code(token.kind));
                    if !self.is_ours(token, before, after) {
                        return Some(token.start.max(body.start));
                    }
                }
            }
        }
        self.string_end()
    }

    fn content(&mut self, token: &Token<'_>, body: &Range<usize>) {
        let start = token.start.max(body.start);
        let end = token.end().min(body.end);
        let mut offset = start;
        for (index, line) in token.text[start - token.start..end - token.start]
            .split('\n')
            .enumerate()
        {
            match self.string.last_mut() {
                Some((_, last)) if index == 0 => last.push_str(line),
                _ => self.string.push((offset, line.to_owned())),
            }
            offset += line.len() + 1;
        }
    }

    /// Adds an interpolation to the current string, without its line ends.
    fn interpolated(&mut self, offset: usize, inner: &[Token<'_>]) {
        let inner: String = inner.iter().map(|token| token.text).collect();
        let inner: String = inner.split_whitespace().collect();
        let shown = format!("${{{inner}}}");
        match self.string.last_mut() {
            Some((_, last)) => last.push_str(&shown),
            None => self.string.push((offset, shown)),
        }
    }

    /// An interpolation has to be a package of sccache or of sccfg, the linker (see `super::values`), or made of known
    /// names.
    fn interpolation(&self, inner: &[Token<'_>]) -> Option<usize> {
        let call = inner.iter().position(|token| token.text == "shellHook");
        if let Some(call) = call {
            let foreign = |token: &&Token<'_>| {
                token.kind == TOKEN_IDENT && !matches!(token.text, "size" | "incremental")
            };
            if let Some(token) = inner[call + 1..].iter().find(foreign) {
                return Some(token.start);
            }
        }
        let names_ours = inner.iter().any(|token| {
            token.kind == TOKEN_IDENT
                && matches!(token.text, "sccache" | "sccfg" | "optionalString")
        });
        inner
            .iter()
            .find(|token| token.kind == TOKEN_COMMENT)
            .or_else(|| {
                let foreign =
                    |token: &&Token<'_>| token.kind == TOKEN_IDENT && !self.is_known(token.text);
                inner.iter().find(foreign).filter(|_| !names_ours)
            })
            .map(|token| token.start)
    }

    fn is_known(&self, name: &str) -> bool {
        // `outputs'` where `outputs` was taken.
        NAMES.contains(&name)
            || NAMES.contains(&name.trim_end_matches('\''))
            || self.recorded.contains(name)
    }

    /// Whether the current string is a name that sccfg does not write, as in
    /// `{ name = "FOO"; … }` and `env."FOO" = …;`.
    fn names_another(&self, after: [&str; 2]) -> bool {
        let [(_, name)] = self.string.as_slice() else {
            return false;
        };
        let is_attribute = after[0] == "=" && after[1] != "withSccache" || after[0] == ".";
        let is_name = self.before == ["=", "name"] || is_attribute && self.before[0] != "=";
        is_name && name != "0-sccfg" && !self.is_known(name)
    }

    /// Whether the current string, of one line, is a hook or a part of one that sccfg does not write,
    /// as in `shellHook = "echo mine";` and `'' + "echo mine"`.
    fn is_another_hook(&self, after: [&str; 2]) -> bool {
        let [(_, line)] = self.string.as_slice() else {
            return false;
        };
        let is_value =
            self.before[0] == "=" && matches!(self.before[1], "shellHook" | "enterShell" | "text");
        let is_part = self.before[0] == "+" || after[0] == "+";
        (is_value || is_part) && !self.is_hook_line(line) && !self.recorded.contains(line)
    }

    fn string_end(&mut self) -> Option<usize> {
        let lines = std::mem::take(&mut self.string);
        // A value: see `super::values`.
        if lines.len() < 2 {
            return None;
        }
        let foreign = lines.into_iter().find(|(_, line)| !self.is_hook_line(line));
        foreign.map(|(offset, line)| offset + line.len() - line.trim_start().len())
    }

    fn is_hook_line(&self, line: &str) -> bool {
        if is_record(line) {
            return true;
        }
        let plain = unquoted(line);
        let brings = plain.starts_with("PATH=${") && plain.ends_with("}/bin:$PATH");
        let calls =
            plain.starts_with("${") && plain.ends_with('}') && plain.contains(".shellHook{");
        // `:` keeps a block from being empty.
        plain.is_empty()
            || plain == ":"
            || brings
            || calls
            || HookLines::is_released(&plain)
            || self.hook.contains(&plain)
    }

    fn is_ours<'a>(
        &self,
        token: &Token<'_>,
        mut before: impl Iterator<Item = &'a Token<'a>>,
        mut after: impl Iterator<Item = &'a Token<'a>>,
    ) -> bool {
        match token.kind {
            TOKEN_COMMENT => is_record(token.text) || self.recorded.contains(token.text.trim_end()),
            TOKEN_IDENT => {
                let next: Vec<&str> = after.by_ref().take(3).map(|token| token.text).collect();
                let last: Vec<&str> = before.by_ref().take(2).map(|token| token.text).collect();
                self.is_known(token.text)
                    // An argument: `nixpkgs-unstable,`
                    || last.is_empty() && next == [","]
                    || next.is_empty() && last == [","]
                    // `name = withSccache shells.name;`
                    || next.starts_with(&["=", "withSccache"])
                    || last == [".", "shells"]
                    // `(name.shellHook or "")`
                    || next.starts_with(&[".", "shellHook"])
            }
            TOKEN_PATH_REL => {
                token.text.ends_with("sccache.nix") || self.recorded.contains(token.text)
            }
            SyntaxKind::TOKEN_ERROR => false,
            kind if kind.is_literal() => self.recorded.contains(token.text),
            _ => true,
        }
    }
}
