//! The properties of every edit of every flake, checked without the editor's own code.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use nix_shell_edit::{Edited, Request, edit, strip};
use rnix::Root;
use rnix::SyntaxKind::{self, TOKEN_COMMENT, TOKEN_STRING_CONTENT, TOKEN_WHITESPACE};
use rnix::ast::{self, Expr, InterpolPart};
use rowan::ast::AstNode as _;
use sccfg::sccfg_toml::{Incremental, Linker, ShellName, Wrapper};

use super::duplicates::duplicates;
use super::flakes::Flake;
use super::mutate::{bytes, tokens};

/// The hook of these tests: text that is hard to quote and to recognise.
pub(crate) const HOOK: &str = "_sccfg_hook() {\n  echo \"one\"\n\n  if true; then\n    \
                               echo ${two} 'three' ''four\n  fi\n}\n_sccfg_hook || :\n";

/// Where sccfg comes from here.
pub(crate) const INPUT: &str = "github:owner/sccfg";

/// What the line starts with that brings sccfg.
const PATH: &str = "PATH=${";

const BEGIN: &str = "# >>> sccfg >>>";
const END: &str = "# <<< sccfg <<<";

/// The outcome of a flake.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The editor refused with an error.
    Refused(String),
    /// It did, and all is well.
    Edited(Edited),
}

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which, in a few words that are the same each time.
    pub(crate) property: &'static str,
    /// How it showed.
    pub(crate) details: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.property, self.details)
    }
}

fn hold(
    holds: bool,
    property: &'static str,
    details: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        return Ok(());
    }
    Err(Violation {
        property,
        details: details(),
    })
}

/// The request to the editor.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) shells: Vec<ShellName>,
    pub(crate) incremental: Incremental,
    /// Whether sccfg is to be an input, with the portable wrapper.
    pub(crate) has_input: bool,
}

impl Wish {
    /// Only the default shell.
    pub(crate) fn plain(incremental: Incremental) -> Self {
        Self {
            shells: vec![ShellName::default()],
            incremental,
            has_input: false,
        }
    }

    /// The default shell, and another one next to it.
    pub(crate) fn two(incremental: Incremental) -> Self {
        let name = |text: &str| text.parse().unwrap_or_else(|never| match never {});
        Self {
            shells: vec![name("default"), name("ci")],
            incremental,
            has_input: false,
        }
    }

    /// The same, with sccfg as an input of the flake.
    pub(crate) fn with_input(self) -> Self {
        Self {
            has_input: true,
            ..self
        }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            shells: &self.shells,
            take_only_shell: true,
            may_be_gone: &[],
            incremental: self.incremental,
            hook: HOOK,
            hook_options: "{ }",
            wrapper: if self.has_input {
                Wrapper::Portable
            } else {
                Wrapper::Sccache
            },
            linker: match self.incremental {
                Incremental::Off => Linker::System,
                Incremental::Workspace => Linker::Lld,
                Incremental::Auto => Linker::Mold,
            },
            input: self.has_input.then_some(INPUT),
            devenv_imports: &[],
        }
    }
}

/// Edits `flake` and checks all properties.
pub(crate) fn judge(flake: &Flake, wish: &Wish) -> Result<Verdict, Violation> {
    let request = wish.request();
    let edited = match edit(flake, &request) {
        Ok(edited) => edited,
        Err(problem) => return Ok(Verdict::Refused(problem.what)),
    };
    let mut hooks = 0;
    for file in &edited.files {
        let (before, after) = (&file.before, &file.after);
        hold(
            flake.files.get(&file.path) == Some(before),
            "before is what was read",
            || file.path.display().to_string(),
        )?;
        text(&file.path, before, after)?;
        hooks += strings(after)
            .iter()
            .filter(|string| has_hook(&string.value))
            .count();
    }
    hold(
        hooks == edited.touched.len(),
        "the hook stands once in each shell",
        || format!("{hooks} hooks, {:?}", edited.touched),
    )?;
    input_and_names(flake, wish, &edited)?;
    let again = flake.with(
        edited
            .files
            .iter()
            .map(|file| (file.path.clone(), file.after.clone())),
    );
    match edit(&again, &request) {
        Ok(second) => hold(
            second.files.is_empty(),
            "editing twice is editing once",
            || second.files.iter().map(|file| file.after.clone()).collect(),
        )?,
        Err(problem) => hold(false, "what was edited can be edited again", || {
            problem.to_string()
        })?,
    }
    Ok(Verdict::Edited(edited))
}

/// With an input, the flake declares it, and every shell refers to its package by a name that is in
/// scope.
fn input_and_names(flake: &Flake, wish: &Wish, edited: &Edited) -> Result<(), Violation> {
    let of = |path: &Path| {
        let after = edited.files.iter().find(|file| file.path == path);
        after.map_or_else(
            || flake.files.get(path).cloned().unwrap_or_default(),
            |file| file.after.clone(),
        )
    };
    let has = of(Path::new("flake.nix")).contains(&format!("url = \"{INPUT}\";"));
    let had = flake
        .files
        .get(Path::new("flake.nix"))
        .is_some_and(|text| text.contains(INPUT));
    hold(
        has == wish.has_input || had,
        "the flake has the input",
        || of(Path::new("flake.nix")),
    )?;
    for file in &edited.files {
        for string in strings(&file.after) {
            if !has_hook(&string.value) {
                continue;
            }
            let brings = string
                .value
                .lines()
                .any(|line| line.trim_start().starts_with(PATH));
            hold(brings == wish.has_input, "the hook brings sccfg", || {
                string.value.clone()
            })?;
        }
        for name in ["sccfg", "inputs'"] {
            let is_bound =
                loose(&file.after, name).is_none() || loose(&file.before, name).is_some();
            hold(is_bound, "the package's name is bound", || {
                format!("{name} in\n{}", file.after)
            })?;
        }
    }
    Ok(())
}

/// A use of `name` as the first name of a selection that no function, `let` or `rec` set around it
/// binds.
fn loose(text: &str, name: &str) -> Option<Range<usize>> {
    Root::parse(text)
        .syntax()
        .descendants()
        .filter_map(ast::Select::cast)
        .filter_map(|select| match select.expr()? {
            Expr::Ident(ident) if ident.syntax().text() == name => Some(ident),
            _ => None,
        })
        .find(|ident| {
            !ident.syntax().ancestors().any(|scope| {
                let head = match scope.kind() {
                    SyntaxKind::NODE_LAMBDA => scope.first_child(),
                    SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_ATTR_SET => Some(scope.clone()),
                    _ => None,
                };
                head.is_some_and(|head| {
                    let is_name = |token: &rnix::SyntaxToken| token.text() == name;
                    let mut tokens = head
                        .descendants_with_tokens()
                        .filter_map(rowan::NodeOrToken::into_token);
                    tokens.any(|token| {
                        is_name(&token)
                            && token
                                .parent()
                                .is_none_or(|parent| &parent != ident.syntax())
                    })
                })
            })
        })
        .map(|ident| bytes(ident.syntax()))
}

/// Checks one file's edit.
fn text(path: &Path, before: &str, after: &str) -> Result<(), Violation> {
    let stripped = strip(path, after).map_err(|problem| Violation {
        property: "regions can be taken out",
        details: problem.to_string(),
    })?;
    let original = strip(path, before).unwrap_or_else(|_| before.to_owned());
    hold(
        stripped == original,
        "taking the regions out gives back the bytes",
        || stripped.clone(),
    )?;
    hold(parses(after), "the result parses", || after.to_owned())?;
    // rnix lets comments run over a carriage return, at which Nix ends them.
    if parses(&as_nix_reads(&original)) {
        let read = as_nix_reads(after);
        hold(
            parses(&read),
            "the result parses where a carriage return ends a line",
            || read.clone(),
        )?;
    }
    outside(&original, after)?;
    let was = duplicates(&original);
    if was.is_empty() {
        let now = duplicates(after);
        hold(now.is_empty(), "no attribute is defined twice", || {
            now.join("\n")
        })?;
    }
    string_values(after)?;
    with_other_indentation(path, &original, after)
}

fn parses(text: &str) -> bool {
    Root::parse(text).errors().is_empty()
}

fn as_nix_reads(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The byte ranges of the regions of `text`, whole lines.
fn regions(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start_matches([' ', '\t']);
        if start.starts_with(BEGIN) {
            begin.get_or_insert(offset);
        } else if start.starts_with(END)
            && let Some(begin) = begin.take()
        {
            found.push(begin..offset + line.len());
        }
        offset += line.len();
    }
    found
}

/// The text outside of the regions was there before, in the same order.
fn outside(before: &str, after: &str) -> Result<(), Violation> {
    let mut rest = after.to_owned();
    for region in regions(after).into_iter().rev() {
        rest.replace_range(region, "");
    }
    let mut was = before.chars().filter(|c| !c.is_ascii_whitespace());
    let missing = rest
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .find(|c| !was.any(|other| other == *c));
    hold(
        missing.is_none(),
        "nothing is written outside of regions",
        || after.to_owned(),
    )
}

/// A string literal: its place and its value.
struct Literal {
    range: Range<usize>,
    value: String,
}

/// The strings of `text`; interpolations are kept as text.
fn strings(text: &str) -> Vec<Literal> {
    Root::parse(text)
        .syntax()
        .descendants()
        .filter_map(ast::Str::cast)
        .map(|string| Literal {
            range: bytes(string.syntax()),
            value: value(&string),
        })
        .collect()
}

fn value(string: &ast::Str) -> String {
    string
        .normalized_parts()
        .into_iter()
        .map(|part| match part {
            InterpolPart::Literal(text) => text,
            InterpolPart::Interpolation(inner) => inner.syntax().text().to_string(),
        })
        .collect()
}

/// Whether a string starts with the hook, with nothing before it but a marker, its record and what
/// brings sccfg. In a `"` string its lines are indented as the file is, which means nothing to a
/// shell.
pub(crate) fn has_hook(value: &str) -> bool {
    let is_marker = |line: &&str| line.starts_with(BEGIN) || line.starts_with("# sccfg:was");
    let mut lines = value
        .lines()
        .map(str::trim_start)
        .skip_while(is_marker)
        .peekable();
    if lines.peek().is_some_and(|line| line.starts_with(PATH)) {
        // The expression in it may go over several lines.
        lines.find(|line| line.ends_with("/bin:$PATH"));
        if lines
            .peek()
            .is_some_and(|line| line.starts_with("${") && line.ends_with("lib.shellHook { }}"))
        {
            return true;
        }
    }
    HOOK.lines()
        .all(|line| lines.next() == Some(line.trim_start()))
}

/// A string with a region has the same value without the region.
fn string_values(after: &str) -> Result<(), Violation> {
    let regions = regions(after);
    let path = Path::new("flake.nix");
    for string in strings(after) {
        let inside = regions
            .iter()
            .any(|region| region.start <= string.range.start && string.range.start < region.end);
        let has_one = regions
            .iter()
            .any(|region| string.range.start < region.start && region.end <= string.range.end);
        if inside || !has_one {
            continue;
        }
        let Ok(source) = strip(path, &after[string.range.clone()]) else {
            continue;
        };
        let parsed = Root::parse(&source);
        let Some(Expr::Str(original)) = parsed.tree().expr() else {
            continue;
        };
        let original = value(&original);
        let now = strip(Path::new("hook"), &string.value).unwrap_or_default();
        hold(
            without_blanks(&now) == without_blanks(&original),
            "the user's part of a string means the same",
            || format!("{original:?}\n{now:?}"),
        )?;
    }
    Ok(())
}

/// The lines of `text`, those of nothing but spaces without them: how many of these Nix leaves
/// depends on the other lines, and no shell minds.
fn without_blanks(text: &str) -> Vec<&str> {
    text.split('\n')
        .map(|line| {
            if line.trim_matches(' ').is_empty() {
                ""
            } else {
                line
            }
        })
        .collect()
}

/// The regions can be removed after a formatter has changed the indentation.
fn with_other_indentation(path: &Path, before: &str, after: &str) -> Result<(), Violation> {
    // Text that is not a marker may become one when it moves.
    if before.contains(BEGIN) || before.contains("<<< sccfg <<<") {
        return Ok(());
    }
    let moved: String = tokens(after)
        .into_iter()
        .map(|(kind, _, token)| match kind {
            TOKEN_WHITESPACE if token.contains('\n') => "\n   ",
            _ => token,
        })
        .collect();
    match strip(path, &moved) {
        Ok(text) => {
            let (was, is) = (essence(before), essence(&text));
            hold(was == is, "regions come out of an indented file", || {
                let differs = was.iter().zip(&is).find(|(was, is)| was != is);
                format!("{differs:?}\n{moved}\n---\n{text}")
            })
        }
        Err(problem) => hold(false, "regions are found in an indented file", || {
            format!("{problem}\n{moved}")
        }),
    }
}

/// The tokens that mean something, without the white space in strings.
fn essence(text: &str) -> Vec<(SyntaxKind, String)> {
    tokens(text)
        .into_iter()
        .filter(|(kind, ..)| !matches!(*kind, TOKEN_WHITESPACE | TOKEN_COMMENT))
        .map(|(kind, _, token)| match kind {
            TOKEN_STRING_CONTENT => (kind, token.split_whitespace().collect()),
            _ => (kind, token.to_owned()),
        })
        .collect()
}
