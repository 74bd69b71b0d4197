//! Random changes of Nix text, some that know its syntax and some that do not.
//!
//! Everything here is a function of its arguments, so that a failure can be had again from its
//! numbers.

use rnix::SyntaxKind::{self, TOKEN_COMMENT, TOKEN_STRING_CONTENT, TOKEN_WHITESPACE};
use rnix::ast::{AttrSet, Expr, HasEntry as _, LetIn};
use rnix::{Root, SyntaxNode};
use rowan::ast::AstNode as _;

use super::pieces::{COMMENTS, ENTRIES, HOOK_LINES, PIECES, SPACES, WRAPS};

/// One random change: what, where, and which of several. The numbers are taken modulo whatever
/// there is to choose from, so every step means something for every text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: u8,
    pub(crate) at: u32,
    pub(crate) pick: u32,
}

/// A kind of change.
type Change = fn(&str, usize, usize) -> Option<String>;

/// Entries that are listed more often happen more often.
const CHANGES: &[Change] = &[
    space_in,
    space_in,
    space_out,
    space_other,
    comment,
    comment,
    swap,
    swap,
    wrap,
    wrap,
    wrap,
    entry,
    entry,
    entry,
    entry,
    entry,
    entry_out,
    hook_line,
    hook_line,
    hook_line,
    one_line,
    crlf,
    tabs,
    end,
    recursive,
    string_character,
    delete,
    double,
    replace,
    splice,
];

impl Step {
    /// `text` after the change, or `text` where there is nothing to change that way.
    pub(crate) fn apply(self, text: &str) -> String {
        let change = CHANGES[usize::from(self.kind) % CHANGES.len()];
        change(text, self.at as usize, (self.pick / 7) as usize).unwrap_or_else(|| text.to_owned())
    }
}

/// Random numbers of `SplitMix64`: small, and the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    fn half(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap_or(0)
    }

    /// One to a dozen steps, mostly few.
    pub(crate) fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            let [kind, ..] = self.next().to_le_bytes();
            steps.push(Step {
                kind,
                at: self.half(),
                pick: self.half(),
            });
            if steps.len() >= 12 || self.below(3) == 0 {
                return steps;
            }
        }
    }
}

/// The tokens of `text` with their offsets.
pub(crate) fn tokens(text: &str) -> Vec<(SyntaxKind, usize, &str)> {
    let mut offset = 0;
    rnix::tokenize(text)
        .map(|(kind, token)| {
            let start = offset;
            offset += token.len();
            (kind, start, token)
        })
        .collect()
}

/// The places for white space: between two tokens, but not inside of a string.
fn gaps(text: &str) -> Vec<usize> {
    tokens(text)
        .windows(2)
        .filter(|pair| {
            let (before, after) = (pair[0].0, pair[1].0);
            !matches!(
                before,
                SyntaxKind::TOKEN_STRING_START | TOKEN_STRING_CONTENT
            ) && !matches!(after, SyntaxKind::TOKEN_STRING_END | TOKEN_STRING_CONTENT)
        })
        .map(|pair| pair[1].1)
        .collect()
}

fn pick<T>(all: &[T], index: usize) -> Option<&T> {
    all.get(index % all.len().max(1))
}

fn put(text: &str, at: usize, what: &str) -> Option<String> {
    instead(text, at..at, what)
}

fn instead(text: &str, range: std::ops::Range<usize>, what: &str) -> Option<String> {
    Some(format!(
        "{}{what}{}",
        text.get(..range.start)?,
        text.get(range.end..)?
    ))
}

fn space_in(text: &str, at: usize, which: usize) -> Option<String> {
    put(text, *pick(&gaps(text), at)?, pick(SPACES, which)?)
}

fn spaces(text: &str) -> Vec<(usize, &str)> {
    tokens(text)
        .into_iter()
        .filter(|(kind, ..)| *kind == TOKEN_WHITESPACE)
        .map(|(_, start, token)| (start, token))
        .collect()
}

fn space_out(text: &str, at: usize, _: usize) -> Option<String> {
    let spaces = spaces(text);
    let (start, token) = pick(&spaces, at)?;
    instead(text, *start..start + token.len(), "")
}

fn space_other(text: &str, at: usize, which: usize) -> Option<String> {
    let spaces = spaces(text);
    let (start, token) = pick(&spaces, at)?;
    instead(text, *start..start + token.len(), pick(SPACES, which)?)
}

fn comment(text: &str, at: usize, which: usize) -> Option<String> {
    put(text, *pick(&gaps(text), at)?, pick(COMMENTS, which)?)
}

fn tree(text: &str) -> Option<SyntaxNode> {
    let parsed = Root::parse(text);
    parsed.errors().is_empty().then(|| parsed.syntax())
}

/// The sets and `let`s of `text`: the places of their entries and of a new one.
fn sets(text: &str) -> Vec<Vec<std::ops::Range<usize>>> {
    let Some(tree) = tree(text) else {
        return Vec::new();
    };
    tree.descendants()
        .filter_map(|node| {
            let entries: Vec<_> = match node.kind() {
                SyntaxKind::NODE_ATTR_SET => AttrSet::cast(node)?.entries().collect(),
                SyntaxKind::NODE_LET_IN => LetIn::cast(node)?.entries().collect(),
                _ => return None,
            };
            Some(
                entries
                    .iter()
                    .map(|entry| bytes(entry.syntax()))
                    .collect::<Vec<_>>(),
            )
        })
        .collect()
}

pub(super) fn bytes(node: &SyntaxNode) -> std::ops::Range<usize> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

fn swap(text: &str, at: usize, which: usize) -> Option<String> {
    let mut sets = sets(text);
    sets.retain(|entries| entries.len() > 1);
    let entries = pick(&sets, at)?;
    let first = which % entries.len();
    let second = (which / entries.len()) % entries.len();
    let (left, right) = (&entries[first.min(second)], &entries[first.max(second)]);
    if left == right {
        return None;
    }
    Some(
        [
            &text[..left.start],
            &text[right.clone()],
            &text[left.end..right.start],
            &text[left.clone()],
            &text[right.end..],
        ]
        .concat(),
    )
}

fn wrap(text: &str, at: usize, which: usize) -> Option<String> {
    let nodes: Vec<SyntaxNode> = tree(text)?
        .descendants()
        .filter(|node| Expr::can_cast(node.kind()))
        .collect();
    let range = bytes(pick(&nodes, at)?);
    let (open, close) = pick(WRAPS, which)?;
    let inner = &text[range.clone()];
    // A computed name of a variable is beyond anybody.
    if inner == "\"RUSTC_WRAPPER\"" {
        return None;
    }
    instead(text, range, &format!("{open}{inner}{close}"))
}

fn entry(text: &str, at: usize, which: usize) -> Option<String> {
    let new = pick(ENTRIES, which)?;
    let places: Vec<usize> = tokens(text)
        .iter()
        .filter(|(kind, ..)| {
            matches!(
                kind,
                SyntaxKind::TOKEN_L_BRACE | SyntaxKind::TOKEN_SEMICOLON | SyntaxKind::TOKEN_LET
            )
        })
        .map(|(_, start, token)| start + token.len())
        .collect();
    let place = *pick(&places, at)?;
    let line = text[..place].rfind('\n').map_or(0, |newline| newline + 1);
    let margin = &text[line..];
    let margin = &margin[..margin.len() - margin.trim_start_matches([' ', '\t']).len()];
    let new = match which / ENTRIES.len() % 3 {
        0 => format!(" {new}"),
        1 => format!("\n{margin}{new}\n{margin}"),
        _ => format!("\n{margin}  {new}"),
    };
    put(text, place, &new)
}

fn entry_out(text: &str, at: usize, which: usize) -> Option<String> {
    let sets = sets(text);
    let range = pick(pick(&sets, at)?, which)?;
    instead(text, range.clone(), "")
}

fn hook_line(text: &str, at: usize, which: usize) -> Option<String> {
    let line = pick(HOOK_LINES, which)?;
    let contents: Vec<_> = tokens(text)
        .into_iter()
        .filter(|(kind, _, token)| *kind == TOKEN_STRING_CONTENT && token.contains('\n'))
        .collect();
    let (_, start, token) = pick(&contents, at)?;
    let newlines: Vec<usize> = token
        .match_indices('\n')
        .map(|(index, _)| index + 1)
        .collect();
    put(text, start + pick(&newlines, at / 31)?, line)
}

fn string_character(text: &str, at: usize, which: usize) -> Option<String> {
    let line = pick(HOOK_LINES, which)?;
    let contents: Vec<_> = tokens(text)
        .into_iter()
        .filter(|(kind, ..)| *kind == TOKEN_STRING_CONTENT)
        .collect();
    let (_, start, token) = pick(&contents, at)?;
    put(text, boundary(text, start + at / 31 % token.len()), line)
}

/// Puts all of a set on one line.
fn one_line(text: &str, at: usize, which: usize) -> Option<String> {
    let tree = tree(text)?;
    let sets: Vec<SyntaxNode> = tree
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::NODE_ATTR_SET)
        .collect();
    let range = bytes(pick(&sets, at)?);
    let joined: String = tokens(text)
        .into_iter()
        .filter(|(_, start, token)| *start >= range.start && start + token.len() <= range.end)
        .map(|(kind, _, token)| match kind {
            TOKEN_WHITESPACE if which.is_multiple_of(2) => " ",
            TOKEN_WHITESPACE => "\n",
            TOKEN_COMMENT => "",
            _ => token,
        })
        .collect();
    instead(text, range, &joined)
}

fn crlf(text: &str, at: usize, which: usize) -> Option<String> {
    if !which.is_multiple_of(4) {
        return Some(text.replace("\r\n", "\n").replace('\n', "\r\n"));
    }
    let ends: Vec<usize> = text.match_indices('\n').map(|(index, _)| index).collect();
    put(text, *pick(&ends, at)?, "\r")
}

fn tabs(text: &str, _: usize, which: usize) -> Option<String> {
    let width = pick(&["  ", "    "], which)?;
    let tabbed = text.split_inclusive('\n').map(|line| {
        let rest = line.trim_start_matches(' ');
        let margin = &line[..line.len() - rest.len()];
        margin.replace(width, "\t") + rest
    });
    Some(tabbed.collect())
}

fn end(text: &str, _: usize, which: usize) -> Option<String> {
    let body = text.trim_end();
    Some(format!(
        "{body}{}",
        pick(
            &["", "\n\n", "\r\n", " ", "# end", " /* end */", "\t\n"],
            which
        )?
    ))
}

fn recursive(text: &str, at: usize, _: usize) -> Option<String> {
    let braces: Vec<usize> = tokens(text)
        .iter()
        .filter(|(kind, ..)| *kind == SyntaxKind::TOKEN_L_BRACE)
        .map(|(_, start, _)| *start)
        .collect();
    put(text, *pick(&braces, at)?, "rec ")
}

fn boundary(text: &str, at: usize) -> usize {
    let mut at = at % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn stretch(text: &str, at: usize, which: usize) -> std::ops::Range<usize> {
    let start = boundary(text, at);
    let longest = (text.len() - start).min(1 + which % 40);
    let mut end = start + longest;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn delete(text: &str, at: usize, which: usize) -> Option<String> {
    instead(text, stretch(text, at, which), "")
}

fn double(text: &str, at: usize, which: usize) -> Option<String> {
    let range = stretch(text, at, which);
    put(text, range.end, &text[range])
}

fn replace(text: &str, at: usize, which: usize) -> Option<String> {
    instead(
        text,
        stretch(text, at, which / 64 % 3),
        pick(PIECES, which)?,
    )
}

fn splice(text: &str, at: usize, which: usize) -> Option<String> {
    put(text, boundary(text, at), pick(PIECES, which)?)
}
