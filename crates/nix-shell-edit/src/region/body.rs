//! Whether all that stands in a region is sccfg's: what a person has put there would be lost.
//!
//! Regions are rendered anew by `apply`, and by another version of sccfg than has written them. So
//! nothing is compared with what would be rendered now: each token in a region has to be one that
//! some version of sccfg writes there, each line of a hook a line of some version's hook, and each
//! comment a record. How they are indented and broken into lines is a formatter's business.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use rnix::SyntaxKind::{
    self, TOKEN_COMMENT, TOKEN_IDENT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_PATH_REL,
    TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START, TOKEN_WHITESPACE,
};

use super::Marks;
use super::scan::{Region, Token, is_nix, is_record, scan, tokens};
use sccfg_util::problem::{Place, Problem};

/// The names that sccfg writes, beside those that it copies from the text before.
const NAMES: &[&str] = &[
    "RUSTC_WRAPPER",
    "SCCFG_SCCACHE",
    "CARGO_INCREMENTAL",
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

/// Those of them that sccfg reads, but gives no value.
const NEVER_BOUND: &[&str] = &[
    "system",
    "lib",
    "pkgs",
    "nixpkgs",
    "old",
    "builtins",
    "derivation",
];

/// The texts of hooks that sccfg has put into shells, the present one first. A released text that
/// is changed is kept in `templates/earlier`.
const HOOKS: [&str; 2] = [sccfg_templates::HOOK.text, sccfg_templates::HOOK_0_1_0.text];

static KNOWN: LazyLock<HookLines> = LazyLock::new(|| {
    let mut lines = HookLines::default();
    for hook in HOOKS {
        lines.add(hook);
    }
    lines
});

/// The lines that a hook may have.
#[derive(Debug, Default)]
pub(crate) struct HookLines {
    /// Lines as they are.
    whole: HashSet<String>,
    /// Lines with values in them: what stands around these.
    parts: Vec<Vec<String>>,
}

impl HookLines {
    /// The lines of one text.
    pub(crate) fn of(hook: &str) -> Self {
        let mut lines = Self::default();
        lines.add(hook);
        lines
    }

    fn add(&mut self, hook: &str) {
        for line in hook
            .lines()
            .filter(|line| !line.trim_start().starts_with("{%"))
        {
            let (_, line) = sccfg_templates::condition_of(line);
            let mut parts: Vec<String> = Vec::new();
            for part in line.split("{{") {
                let part = if parts.is_empty() {
                    part
                } else {
                    part.split_once("}}").map_or("", |(_, rest)| rest)
                };
                parts.push(unquoted(part));
            }
            match parts.as_slice() {
                [whole] => {
                    self.whole.insert(whole.clone());
                }
                // Not a line that may be anything.
                _ if parts.concat().len() >= 8 => self.parts.push(parts),
                _ => {}
            }
        }
    }

    fn has(&self, line: &str) -> bool {
        self.whole.contains(line) || self.parts.iter().any(|parts| fits(line, parts))
    }
}

/// Whether `line` is `parts` with one value, without quotes, between each two.
fn fits(line: &str, parts: &[String]) -> bool {
    let Some((first, others)) = parts.split_first() else {
        return false;
    };
    let Some(mut rest) = line.strip_prefix(first.as_str()) else {
        return false;
    };
    for (index, part) in others.iter().enumerate() {
        let is_last = index + 1 == others.len();
        let found = if is_last {
            rest.strip_suffix(part.as_str()).map(|value| (value, ""))
        } else {
            rest.find(part.as_str())
                .map(|at| (&rest[..at], &rest[at + part.len()..]))
        };
        let Some((value, after)) = found else {
            return false;
        };
        if !value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-=".contains(&byte))
        {
            return false;
        }
        rest = after;
    }
    true
}

/// A line without what quoting and indentation change.
fn unquoted(line: &str) -> String {
    line.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '\\'))
        .collect()
}

/// Makes sure that nothing in the regions of `text` is a person's. `hook` are lines that are known
/// beside those of sccfg's own hooks.
///
/// # Errors
/// When there is something in a region that sccfg does not write.
pub(crate) fn check_bodies(
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
        if let Some(offset) = strange(&region, &tokens, hook) {
            let line = text[offset..].lines().next().unwrap_or_default().trim();
            let shown: String = line.chars().take(60).collect();
            return Err(Problem::new(format!(
                "`{shown}` stands in a sccfg region, but sccfg does not write that there"
            ))
            .at(Place::at(path, text, offset))
            .hint(
                "what stands between the markers is rendered from sccfg.toml: move what is yours \
                 above or below the region; if a newer sccfg has written it, update sccfg",
            ));
        }
    }
    Ok(())
}

/// Where the first thing is in a region that sccfg does not write.
fn strange(region: &Region, tokens: &[Token<'_>], hook: &HookLines) -> Option<usize> {
    let body = &region.body;
    let record = region.record.text();
    let mut check = Check {
        hook,
        recorded: rnix::tokenize(&record)
            .map(|(_, text)| text.to_owned())
            .collect(),
        string: Vec::new(),
        before: ["", ""],
    };
    let first = tokens.partition_point(|token| token.end() <= body.start);
    let inside: Vec<Token<'_>> = tokens[first..]
        .iter()
        .take_while(|token| token.start < body.end)
        .copied()
        .collect();
    let mut index = 0;
    while let Some(token) = inside.get(index) {
        index += 1;
        match token.kind {
            TOKEN_STRING_CONTENT => check.content(token, body),
            TOKEN_INTERPOL_START => {
                let end = closing(&inside, index);
                let inner = &inside[index..end];
                if let Some(offset) = check.interpolation(inner) {
                    return Some(offset);
                }
                check.interpolated(token.start, inner);
                index = end + 1;
            }
            TOKEN_STRING_START => {
                check.string.clear();
                let mut before = inside[..index - 1]
                    .iter()
                    .rev()
                    .filter(|token| is_code(token.kind));
                check.before = [before.next(), before.next()].map(|it| it.map_or("", |it| it.text));
            }
            TOKEN_STRING_END => {
                let mut after = inside[index..].iter().filter(|token| is_code(token.kind));
                let after = [after.next(), after.next()].map(|it| it.map_or("", |it| it.text));
                if check.names_another(after) || check.is_another_hook(after) {
                    let start = check.string.first().map(|(offset, _)| *offset);
                    return start.or(Some(token.start));
                }
                if let Some(offset) = check.string_end() {
                    return Some(offset);
                }
            }
            _ => {
                let before = inside[..index - 1]
                    .iter()
                    .rev()
                    .filter(|token| is_code(token.kind));
                let after = inside[index..].iter().filter(|token| is_code(token.kind));
                if !check.is_ours(token, before, after) {
                    return Some(token.start.max(body.start));
                }
            }
        }
    }
    check.string_end()
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
    /// What the record says stood there: parts of it are written again.
    recorded: HashSet<String>,
    /// The lines of the string that is being read, with their offsets.
    string: Vec<(usize, String)>,
    /// The two tokens before that string, the nearest first.
    before: [&'t str; 2],
}

impl Check<'_, '_> {
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

    /// Notes an interpolation in a string; its own line ends do not count.
    fn interpolated(&mut self, offset: usize, inner: &[Token<'_>]) {
        let inner: String = inner.iter().map(|token| token.text).collect();
        let inner: String = inner.split_whitespace().collect();
        let shown = format!("${{{inner}}}");
        match self.string.last_mut() {
            Some((_, last)) => last.push_str(&shown),
            None => self.string.push((offset, shown)),
        }
    }

    /// What is in an interpolation is a package of sccache or of sccfg, or made of known names.
    fn interpolation(&self, inner: &[Token<'_>]) -> Option<usize> {
        let names_ours = inner
            .iter()
            .any(|token| token.kind == TOKEN_IDENT && matches!(token.text, "sccache" | "sccfg"));
        inner
            .iter()
            .find(|token| token.kind == TOKEN_COMMENT)
            .or_else(|| {
                let strange =
                    |token: &&Token<'_>| token.kind == TOKEN_IDENT && !self.is_known(token.text);
                inner.iter().find(strange).filter(|_| !names_ours)
            })
            .map(|token| token.start)
    }

    fn is_known(&self, name: &str) -> bool {
        // `outputs'` where `outputs` was taken.
        NAMES.contains(&name)
            || NAMES.contains(&name.trim_end_matches('\''))
            || self.recorded.contains(name)
    }

    /// Whether the string at hand is the name of something that is not sccfg's, as in
    /// `{ name = "FOO"; … }` and `env."FOO" = …;`.
    fn names_another(&self, after: [&str; 2]) -> bool {
        let [(_, name)] = self.string.as_slice() else {
            return false;
        };
        let is_attribute = after[0] == "=" && after[1] != "withSccache" || after[0] == ".";
        let is_name = self.before == ["=", "name"] || is_attribute && self.before[0] != "=";
        is_name && name != "0-sccfg" && !self.is_known(name)
    }

    /// Whether the string at hand, of one line, is a hook or a part of one that sccfg does not write,
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
        // A value; what it says is rendered anew.
        if lines.len() < 2 {
            return None;
        }
        let strange = lines.into_iter().find(|(_, line)| !self.is_hook_line(line));
        strange.map(|(offset, line)| offset + line.len() - line.trim_start().len())
    }

    fn is_hook_line(&self, line: &str) -> bool {
        if is_record(line) {
            return true;
        }
        let plain = unquoted(line);
        let brings = plain.starts_with("PATH=${") && plain.ends_with("}/bin:$PATH");
        let calls =
            plain.starts_with("${") && plain.ends_with('}') && plain.contains(".shellHook{");
        // What keeps a block from being empty.
        plain.is_empty()
            || plain == ":"
            || brings
            || calls
            || KNOWN.has(&plain)
            || self.hook.has(&plain)
    }

    fn is_ours<'t>(
        &self,
        token: &Token<'_>,
        mut before: impl Iterator<Item = &'t Token<'t>>,
        mut after: impl Iterator<Item = &'t Token<'t>>,
    ) -> bool {
        match token.kind {
            TOKEN_COMMENT => is_record(token.text) || self.recorded.contains(token.text.trim_end()),
            TOKEN_IDENT => {
                let next: Vec<&str> = after.by_ref().take(3).map(|token| token.text).collect();
                let last: Vec<&str> = before.by_ref().take(2).map(|token| token.text).collect();
                let is_bound = next.first() == Some(&"=");
                self.is_known(token.text) && !(is_bound && NEVER_BOUND.contains(&token.text))
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
