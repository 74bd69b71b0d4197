//! Flakes to break the editor with: where they come from, and random changes of them.
//!
//! Shared by the property tests and `examples/fuzz.rs`. Everything here is a function of its
//! arguments, so that a failure can be had again from its numbers.

#![allow(dead_code, reason = "the tests and the fuzzer each use their part")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rnix::SyntaxKind::{self, TOKEN_COMMENT, TOKEN_STRING_CONTENT, TOKEN_WHITESPACE};
use rnix::ast::{AttrSet, Expr, HasEntry as _, LetIn};
use rnix::{Root, SyntaxNode};
use rowan::ast::AstNode as _;
use sccfg::flake::Sources;
use sccfg::problem::Problem;

/// The files of a flake, in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flake {
    pub(crate) name: String,
    pub(crate) files: BTreeMap<PathBuf, String>,
    asked: RefCell<BTreeSet<PathBuf>>,
}

impl Flake {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            files: BTreeMap::from([(PathBuf::from("flake.nix"), text.to_owned())]),
            ..Self::default()
        }
    }

    /// All Nix files below `folder`, `None` where there is no `flake.nix` in it.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let mut files = BTreeMap::new();
        collect(folder, folder, &mut files, 0);
        files.contains_key(Path::new("flake.nix")).then(|| Self {
            name: folder.display().to_string(),
            files,
            ..Self::default()
        })
    }

    /// The files that the editor has asked for so far.
    pub(crate) fn asked(&self) -> Vec<PathBuf> {
        self.asked.borrow().iter().cloned().collect()
    }

    /// The same flake with other files.
    pub(crate) fn with(&self, changed: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let mut other = self.clone();
        other.files.extend(changed);
        other
    }

    /// The flake after `steps`, each made in one of the files that the editor reads.
    pub(crate) fn mutated(&self, steps: &[Step]) -> Self {
        let mut asked = self.asked();
        asked.retain(|path| self.files.contains_key(path));
        if asked.is_empty() {
            asked.push(PathBuf::from("flake.nix"));
        }
        let mut other = self.clone();
        for step in steps {
            let path = &asked[step.pick as usize % asked.len()];
            if let Some(text) = other.files.get_mut(path) {
                *text = step.apply(text);
            }
        }
        other
    }
}

impl Sources for Flake {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        let text = self.files.get(path).cloned();
        if text.is_some() {
            self.asked.borrow_mut().insert(path.to_owned());
        }
        Ok(text)
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let names: BTreeSet<String> = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.into_iter().collect()
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, String>, depth: u32) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if path.is_dir() && !is_link && depth < 6 {
            collect(root, &path, files, depth + 1);
        } else if path.extension().is_some_and(|extension| extension == "nix")
            && let Ok(text) = fs::read_to_string(&path)
            && let Ok(relative) = path.strip_prefix(root)
        {
            files.insert(relative.to_owned(), text);
        }
    }
}

/// The flakes of `tests/seeds` and `tests/cases`, in the order of their names.
pub(crate) fn seeds() -> Vec<Flake> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut all: Vec<Flake> = paths(&tests.join("seeds"))
        .iter()
        .filter_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            Some(Flake::new(&path.display().to_string(), &text))
        })
        .collect();
    all.extend(folders(&tests.join("seeds"), ""));
    all.extend(folders(&tests.join("cases"), "in"));
    all
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The flakes in the folders of `folder`, or in `inner` of these.
pub(crate) fn folders(folder: &Path, inner: &str) -> Vec<Flake> {
    paths(folder)
        .iter()
        .filter_map(|path| Flake::read(&path.join(inner)))
        .collect()
}

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

/// What stands more often here happens more often.
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

/// Random numbers of SplitMix64: small, and the same everywhere.
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

    /// One to a dozen steps, mostly few.
    pub(crate) fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            let [a, b, c, d, e, f, g, h] = self.next().to_le_bytes();
            let [kind, ..] = self.next().to_le_bytes();
            steps.push(Step {
                kind,
                at: u32::from_le_bytes([a, b, c, d]),
                pick: u32::from_le_bytes([e, f, g, h]),
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

/// Where white space can stand: between two tokens, but not inside of a string.
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

const SPACES: &[&str] = &[
    " ", "\n", "\t", "\r\n", "\n\n", "  ", "\n    ", " \n\t", "\r", "\n  \n",
];

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

const COMMENTS: &[&str] = &[
    "# c\n",
    "/* c */",
    "/* a\n b */",
    " # Grüße, 世界 🦀\n",
    "/**/",
    "# }\n",
    "#\n",
    "# ''\n",
    "# c\r\n",
    "/* c\r */",
    "# c\r",
    "/* # */",
    "\n# above\n",
    "/* é */ ",
];

fn comment(text: &str, at: usize, which: usize) -> Option<String> {
    put(text, *pick(&gaps(text), at)?, pick(COMMENTS, which)?)
}

fn tree(text: &str) -> Option<SyntaxNode> {
    let parsed = Root::parse(text);
    parsed.errors().is_empty().then(|| parsed.syntax())
}

/// The sets and `let`s of `text`: where their entries are, and where the next one could stand.
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

fn bytes(node: &SyntaxNode) -> std::ops::Range<usize> {
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

const WRAPS: &[(&str, &str)] = &[
    ("(", ")"),
    ("let x = 1; in ", ""),
    ("(let y = 2; in ", ")"),
    ("with pkgs; ", ""),
    ("(with lib; ", ")"),
    ("assert true; ", ""),
    ("(assert true; ", ")"),
    ("((x: x) (", "))"),
    ("if true then ", " else null"),
    ("(if c then ", " else { })"),
    ("lib.mkForce (", ")"),
    ("", " // { a = 1; }"),
    ("{ b = 1; } // ", ""),
    ("(", " // lib.optionalAttrs true { c = 1; })"),
    ("", " // { env.A = 1; }"),
    ("", ".overrideAttrs (old: { })"),
    ("lib.mkIf true ", ""),
    ("rec ", ""),
    ("", " + \"x\""),
    ("''a'' + ", ""),
    ("x: ", ""),
    ("[ ", " ]"),
    ("/* a */", "# b\n"),
    ("builtins.trace \"x\" ", ""),
];

fn wrap(text: &str, at: usize, which: usize) -> Option<String> {
    let nodes: Vec<SyntaxNode> = tree(text)?
        .descendants()
        .filter(|node| Expr::can_cast(node.kind()))
        .collect();
    let range = bytes(pick(&nodes, at)?);
    let (open, close) = pick(WRAPS, which)?;
    let inner = &text[range.clone()];
    instead(text, range, &format!("{open}{inner}{close}"))
}

const ENTRIES: &[&str] = &[
    "RUSTC_WRAPPER = \"sccache\";",
    "RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\";",
    "\"RUSTC_WRAPPER\" = lib.getExe pkgs.sccache;",
    "CARGO_INCREMENTAL = 1;",
    "CARGO_INCREMENTAL = \"0\";",
    "CARGO_BUILD_INCREMENTAL = true;",
    "SCCACHE_CACHE_SIZE = \"10G\";",
    "SCCACHE_DIR = ''\n /tmp/x\n    '';",
    "SCCACHE_DIR = /* a\n b */ \"x\"; # why",
    "env = { };",
    "env = { RUSTC_WRAPPER = \"x\"; };",
    "env = { CARGO_INCREMENTAL = 1; FOO = 2; };",
    "env = {\n  SCCACHE_DIR = \"x\";\n  A = 1;\n};",
    "env.RUSTC_WRAPPER = \"x\";",
    "env.\"CARGO_INCREMENTAL\" = \"0\";",
    "env.FOO = \"1\";",
    "env = common;",
    "env = common.env or { };",
    "env = common // { A = 1; };",
    "env = { A = 1; } // common;",
    "env = { RUSTC_WRAPPER = 1; } // common;",
    "env = if a then { } else { };",
    "env = [ ];",
    "env = [ { name = \"RUSTC_WRAPPER\"; value = \"x\"; } { name = \"A\"; value = 1; } ];",
    "env = [ { name = \"CARGO_INCREMENTAL\"; eval = \"1\"; } ] ++ more;",
    "env = more;",
    "env = f x: x;",
    "inherit (common) RUSTC_WRAPPER FOO;",
    "inherit RUSTC_WRAPPER;",
    "inherit (common) env;",
    "inherit env shellHook;",
    "inherit (common) shellHook RUSTC_WRAPPER;",
    "inherit (common) \"RUSTC_WRAPPER\" \"shellHook\";",
    "inherit shellHook;",
    "inherit;",
    "inherit (common);",
    "shellHook = \"\";",
    "shellHook = '''';",
    "shellHook = '' '';",
    "shellHook = ''\n'';",
    "shellHook = ''  \n\n  '';",
    "shellHook = ''\n  export RUSTC_WRAPPER=x\n    indented\n'';",
    "shellHook = ''\n\texport SCCACHE_DIR=x\n\t'';",
    "shellHook = ''one line'';",
    "shellHook = ''\n  ${x}\n'';",
    "shellHook = ''${x}\n  a'';",
    "shellHook = common.hook;",
    "shellHook = common.hook or \"\";",
    "shellHook = ''\n  x\n'' + common.hook;",
    "shellHook = if true then \"a\" else ''\n  b\n'';",
    "shellHook = lib.mkForce ''\n a\n'';",
    "shellHook = lib.optionalString true \"unset RUSTC_WRAPPER\";",
    "shellHook = \"echo é\n sccache --stop-server\n\";",
    "shellHook = (x: x) \"a\";",
    "shellHook = let a = 1; in ''\n  b\n'';",
    "shellHook = with x; y;",
    "shellHook = -1;",
    "shellHook = a: b;",
    "shellHook = assert a; b + c;",
    "shellHook = a || b;",
    "enterShell = ''\n  hi\n'';",
    "devshell.startup.x.text = \"hi\";",
    "devshell = { };",
    "devshell.startup = { };",
    "${name} = 1;",
    "\"${name}_X\" = 1;",
    "${\"RUSTC_WRAPPER\"} = 1;",
    "\"CARGO_TARGET_${x}\" = 1;",
    "env.${name} = 1;",
    "a.b.c = 1;",
    "a.b.d = 1; a.e = { };",
    "stdenv = pkgs.mkShell { };",
    "default = pkgs.mkShell { };",
    "default = pkgs.hello;",
    "inherit (pkgs) default;",
    "devShell.x86_64-linux = pkgs.mkShell { };",
    "devShells.x86_64-linux.default = pkgs.mkShell { };",
    "devShells = self.packages;",
    "packages = with pkgs; [ cargo ];",
    "pkgs = 1;",
    "__structuredAttrs = true;",
];

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

const HOOK_LINES: &[&str] = &[
    "export RUSTC_WRAPPER=x\n",
    "    export SCCACHE_CACHE_SIZE=10G\n",
    "\texport SCCACHE_DIR=\"$HOME/x\"\n",
    "unset CARGO_INCREMENTAL\n",
    "CARGO_INCREMENTAL=1 \\\n  cargo build\n",
    "export A=1 CARGO_INCREMENTAL=1\n",
    "sccache --stop-server || true\n",
    "export RUSTC_WRAPPER=${pkgs.sccache}/bin/sccache\n",
    "export SCCACHE_DIR=${\n  x\n}\n",
    "export SCCACHE_DIR=''${X}\n",
    "''\\n",
    "'''",
    "''$",
    "$",
    "\\",
    "\\\n",
    "${x}",
    "${''\n a ${b}''}",
    "\n",
    "\n\n",
    " ",
    "\t",
    "\r\n",
    "\r",
    "é 世界\n",
    "# c\n",
    "exec nu\n",
    "\nexport RUSTC_WRAPPER=${x} # why\n",
    "\n  export CARGO_INCREMENTAL=0\n",
    "cat <<EOF\nexport SCCACHE_DIR=1\nEOF\n",
];

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
            TOKEN_WHITESPACE if which % 2 == 0 => " ",
            TOKEN_WHITESPACE => "\n",
            TOKEN_COMMENT => "",
            _ => token,
        })
        .collect();
    instead(text, range, &joined)
}

fn crlf(text: &str, at: usize, which: usize) -> Option<String> {
    if which % 4 != 0 {
        return Some(text.replace("\r\n", "\n").replace('\n', "\r\n"));
    }
    let ends: Vec<usize> = text.match_indices('\n').map(|(index, _)| index).collect();
    put(text, *pick(&ends, at)?, "\r")
}

fn tabs(text: &str, _: usize, which: usize) -> Option<String> {
    let two = if which % 2 == 0 { "  " } else { "    " };
    Some(
        text.split_inclusive('\n')
            .map(|line| {
                let rest = line.trim_start_matches(' ');
                let margin = &line[..line.len() - rest.len()];
                margin.replace(two, "\t") + rest
            })
            .collect(),
    )
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

const PIECES: &[&str] = &[
    "{", "}", "(", ")", "[", "]", ";", "=", "''", "\"", "${", "''${", "#", "/*", "*/", "\n", "\r",
    "\t", " ", ".", ",", ":", "@", "//", "+", "++", "or", "rec", "let", "in", "with", "inherit",
    "é", "\u{a0}", "\u{c}", "\u{feff}", "\\", "$", "'", "-", "?", "...", "null", "1",
];

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
