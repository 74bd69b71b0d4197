//! The editor as a whole: which shells, which files, and that nothing is lost.

use std::path::{Path, PathBuf};

use rnix::ast::Expr;
use rowan::ast::AstNode as _;

use super::derivation::{self, Declined, Dialect, SetFacts};
use super::eval::{Eval, Thunk};
use super::files::{FileId, Files, Sources};
use super::maker::{self, Style, Target};
use super::parse::parse;
use super::pkgs::{self, Sccache};
use super::set::SetEdit;
use super::shells::{self, Anchor, Found, Kind};
use super::text::{Edits, deeper, indent_at, range_of};
use super::vars::Wanted;
use super::{devshell, hook, region, wrap};
use crate::policy::{Incremental, ShellName};
use crate::problem::{Place, Problem};

/// What the dev shells of a flake are to have.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The shells to edit.
    pub shells: &'a [ShellName],
    /// Whether a flake without these, but with a single shell, is meant by that one.
    pub take_only_shell: bool,
    /// Which policy the variables follow.
    pub incremental: Incremental,
    /// The text of the hook, plain shell without markers.
    pub hook: &'a str,
}

/// What an edit gives.
#[derive(Debug, Clone, Default)]
pub struct Edited {
    /// The files that are to change.
    pub files: Vec<EditedFile>,
    /// What was done to which shell.
    pub touched: Vec<Touched>,
    /// What somebody should know.
    pub warnings: Vec<Problem>,
    /// The cache size that the flake had asked for, as it was written there.
    pub size: Option<String>,
}

/// A file that is to change; the path is relative to the flake's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// The file.
    pub path: PathBuf,
    /// What it holds now.
    pub before: String,
    /// What it is to hold.
    pub after: String,
}

/// A shell that was edited.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Touched {
    /// Its name.
    pub shell: String,
    /// Where.
    pub place: Place,
    /// How.
    pub how: How,
}

/// How a shell was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// In the set that its maker gets.
    Edited,
    /// As a whole, with `overrideAttrs`.
    Wrapped,
}

/// The text of a file without sccfg's regions.
///
/// # Errors
/// When a region is damaged.
pub fn strip(path: &Path, text: &str) -> Result<String, Problem> {
    region::strip(path, text)
}

/// Edits the dev shells of the flake in `sources`, on top of what an earlier run may have done.
///
/// # Errors
/// When there is no flake or no such shell, when a file does not parse, and when a shell can't be
/// edited safely. Nothing is changed then.
pub fn edit(sources: &dyn Sources, request: &Request<'_>) -> Result<Edited, Problem> {
    let mut files = Files::new(sources);
    let found = shells::find(&mut files)?;
    let chosen = choose(&files, &found, request)?;
    let mut editor = Editor {
        wanted: Wanted {
            incremental: request.incremental,
            hook: request.hook,
        },
        changes: Vec::new(),
        seen: Vec::new(),
        edited: Edited::default(),
        names: request
            .shells
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect(),
    };
    for shell in &chosen {
        editor.shell(&mut files, shell)?;
    }
    editor.finish(&files)
}

/// The shells that are asked for.
fn choose(
    files: &Files<'_>,
    found: &[Found],
    request: &Request<'_>,
) -> Result<Vec<Found>, Problem> {
    let is_opaque = |shell: &Found| shell.name.is_none();
    let mut chosen = Vec::new();
    for wanted in request.shells {
        let matching: Vec<Found> = found
            .iter()
            .filter(|shell| shell.name.as_deref() == Some(wanted.as_str()))
            .cloned()
            .collect();
        if !matching.is_empty() {
            chosen.extend(matching);
        } else if found.iter().any(is_opaque) {
            chosen.extend(found.iter().filter(|&shell| is_opaque(shell)).cloned());
        } else {
            let mut names: Vec<&str> = found
                .iter()
                .filter_map(|shell| shell.name.as_deref())
                .collect();
            names.sort_unstable();
            names.dedup();
            if let ([only], true) = (names.as_slice(), request.take_only_shell) {
                chosen.extend(
                    found
                        .iter()
                        .filter(|shell| shell.name.as_deref() == Some(only))
                        .cloned(),
                );
                continue;
            }
            return Err(no_such_shell(files, wanted, &names));
        }
    }
    Ok(chosen)
}

fn no_such_shell(files: &Files<'_>, wanted: &ShellName, names: &[&str]) -> Problem {
    if let (Some(broken), true) = (&files.broken, names.is_empty()) {
        return broken.clone();
    }
    let flake = files.all().next().map(|(_, file)| file);
    let place = flake.map(|file| {
        let offset = file.text.find("outputs").unwrap_or(0);
        Place::at(&file.path, &file.original, offset.min(file.original.len()))
    });
    let problem = if names.is_empty() {
        Problem::new("no dev shell was found in this flake's outputs").hint(
            "add one, then run sccfg again: \
             devShells.default = pkgs.mkShell { packages = [ pkgs.cargo pkgs.rustc ]; };",
        )
    } else {
        Problem::new(format!("there is no dev shell `{wanted}` in this flake")).hint(format!(
            "it has {}; name one: sccfg init --shell {}",
            names.join(", "),
            names[0]
        ))
    };
    match place {
        Some(place) => problem.at(place),
        None => problem,
    }
}

struct Editor<'a> {
    wanted: Wanted<'a>,
    changes: Vec<(FileId, Vec<super::text::Edit>)>,
    /// What was edited already: several shells may share one set.
    seen: Vec<(FileId, std::ops::Range<usize>)>,
    edited: Edited,
    names: Vec<String>,
}

impl Editor<'_> {
    fn shell(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Problem> {
        let mut declined = None;
        match (&shell.anchor, shell.kind) {
            (Anchor::Value(thunk), Kind::DevenvModule | Kind::DevshellModule) => {
                let style = match shell.kind {
                    Kind::DevenvModule => Style::Devenv,
                    _ => Style::Devshell,
                };
                let module = module_set(files, thunk);
                let target = module.map(|set| Target::Set {
                    style,
                    set,
                    left: Vec::new(),
                    prefix: None,
                });
                return match target {
                    Some(target) => self
                        .target(files, shell, &target)
                        .map_err(|declined| cannot_edit(files, shell, &declined)),
                    None => Err(cannot_edit(files, shell, &Refused::Module)),
                };
            }
            (
                Anchor::Value(thunk)
                | Anchor::Inherit {
                    value: Some(thunk), ..
                },
                _,
            ) if shell.name.is_some() => {
                let targets = maker::targets(&mut Eval::new(files), thunk);
                if let Some(targets) = targets {
                    match self.targets(files, shell, &targets) {
                        Ok(()) => return Ok(()),
                        Err(refused @ Refused::DynamicName(..)) => {
                            return Err(cannot_edit(files, shell, &refused));
                        }
                        Err(refused) => declined = Some(refused),
                    }
                }
            }
            _ => {}
        }
        match self.wrap(files, shell) {
            Ok(()) => Ok(()),
            // What kept the inside from being edited says more than that the outside can't be.
            Err(refused) => Err(cannot_edit(files, shell, &declined.unwrap_or(refused))),
        }
    }

    /// Edits all of a shell's sets, or none.
    fn targets(
        &mut self,
        files: &mut Files<'_>,
        shell: &Found,
        targets: &[Target],
    ) -> Result<(), Refused> {
        let changes = self.changes.clone();
        let seen = self.seen.clone();
        let edited = self.edited.clone();
        for target in targets {
            if let Err(refused) = self.target(files, shell, target) {
                (self.changes, self.seen, self.edited) = (changes, seen, edited);
                return Err(refused);
            }
        }
        Ok(())
    }

    fn target(
        &mut self,
        files: &mut Files<'_>,
        shell: &Found,
        target: &Target,
    ) -> Result<(), Refused> {
        let (place, prefix) = match target {
            Target::Set { set, prefix, .. } => (set, prefix),
            Target::Modules { modules, prefix } => (modules, prefix),
        };
        let file = place.file;
        let range = range_of(place.expr.syntax());
        if self.seen.contains(&(file, range.clone())) {
            return Ok(());
        }
        let sccache =
            pkgs::sccache_at(place.expr.syntax(), prefix.as_ref(), place).ok_or(Refused::NoPkgs)?;
        let text = files.get(file).text.clone();
        let mut edits = Edits::new(&text);
        let wanted = self.wanted;
        let facts = match target {
            Target::Set {
                style: Style::Devshell,
                set,
                left,
                ..
            } => devshell::edit(&mut edits, set, left, wanted, sccache.expr()),
            Target::Set {
                style, set, left, ..
            } => {
                let dialect = match style {
                    Style::Devenv => Dialect::Devenv,
                    _ => Dialect::MkShell,
                };
                let mut eval = Eval::new(files);
                derivation::edit(
                    &mut eval,
                    &mut edits,
                    dialect,
                    set,
                    left,
                    wanted,
                    sccache.expr(),
                )
            }
            Target::Modules { modules, .. } => {
                add_module(&mut edits, modules, wanted, sccache.expr())
            }
        };
        let facts = facts.map_err(|declined| match declined {
            Declined::Unclear => Refused::Unclear,
            Declined::DynamicName(offset) => Refused::DynamicName(file, offset),
        })?;
        if let Sccache::Argument(lambda) = &sccache {
            add_argument(&mut edits, lambda);
        }
        self.note_facts(files, file, &facts);
        self.record(files, shell, file, range, edits, How::Edited);
        Ok(())
    }

    fn wrap(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
        let file = shell.anchor.file();
        let range = range_of(shell.anchor.node());
        if self.seen.contains(&(file, range.clone())) {
            return Ok(());
        }
        let node = shell.anchor.node().clone();
        let text = files.get(file).text.clone();
        let mut edits = Edits::new(&text);
        let wanted = self.wanted;
        match &shell.anchor {
            Anchor::Value(thunk) => {
                let sccache = pkgs::sccache_at(&node, None, thunk).ok_or(Refused::NoPkgs)?;
                match &shell.name {
                    Some(_) => wrap::derivation(&mut edits, &thunk.expr, wanted, sccache.expr()),
                    None => {
                        wrap::set(&mut edits, &thunk.expr, &self.names, wanted, sccache.expr());
                    }
                }
                if let Sccache::Argument(lambda) = &sccache {
                    add_argument(&mut edits, lambda);
                }
            }
            Anchor::Inherit {
                set, inherit, name, ..
            } => {
                let sccache = pkgs::sccache_at(&node, None, set).ok_or(Refused::NoPkgs)?;
                let Expr::AttrSet(literal) = &set.expr else {
                    return Err(Refused::Unclear);
                };
                if literal.rec_token().is_some() && inherit.from().is_none() {
                    return Err(Refused::Unclear);
                }
                let mut change = SetEdit::new(literal);
                let entry = change
                    .entries
                    .iter()
                    .position(|entry| entry.syntax() == inherit.syntax())
                    .ok_or(Refused::Unclear)?;
                let instead =
                    wrap::inherited(name, inherit, wanted, sccache.expr(), edits.line_end());
                change.replace_inherited(entry, std::slice::from_ref(name), &[instead]);
                change.write(&mut edits);
            }
        }
        self.record(files, shell, file, range, edits, How::Wrapped);
        Ok(())
    }

    fn note_facts(&mut self, files: &Files<'_>, file: FileId, facts: &SetFacts) {
        let file = files.get(file);
        for (offset, what) in &facts.hook.left {
            self.edited.warnings.push(
                Problem::new(format!(
                    "this line of the hook changes {what} after sccfg has set it"
                ))
                .at(Place::at(&file.path, &file.text, *offset))
                .hint("take it out, or make it a line of its own that sccfg can take out"),
            );
        }
        if self.edited.size.is_none() {
            self.edited.size.clone_from(&facts.hook.size);
        }
    }

    fn record(
        &mut self,
        files: &Files<'_>,
        shell: &Found,
        file: FileId,
        range: std::ops::Range<usize>,
        edits: Edits<'_>,
        how: How,
    ) {
        let source = files.get(file);
        let start = range.start;
        self.seen.push((file, range));
        let edits = edits.into_edits();
        match self.changes.iter_mut().find(|(other, _)| *other == file) {
            Some((_, all)) => all.extend(edits),
            None => self.changes.push((file, edits)),
        }
        let name = shell.name.clone().or_else(|| self.names.first().cloned());
        self.edited.touched.push(Touched {
            shell: name.unwrap_or_default(),
            place: Place::at(&source.path, &source.text, start),
            how,
        });
    }

    /// Applies all edits, and makes sure that every file parses and can be restored.
    fn finish(mut self, files: &Files<'_>) -> Result<Edited, Problem> {
        for (id, file) in files.all() {
            let edits = self.changes.iter().find(|(other, _)| *other == id);
            let after = match edits {
                None => file.text.clone(),
                Some((_, edits)) => {
                    let unsafe_edit = |why: &str| {
                        Problem::new(format!("this file cannot be edited safely: {why}"))
                            .at(Place::at(&file.path, &file.text, 0))
                            .hint(PASTE)
                    };
                    let after = Edits::with(&file.text, edits.clone())
                        .apply()
                        .ok_or_else(|| unsafe_edit("two edits would overlap"))?;
                    parse(&file.path, &after).map_err(|problem| unsafe_edit(&problem.what))?;
                    if region::strip(&file.path, &after)? != file.text {
                        return Err(unsafe_edit("the edit could not be undone byte for byte"));
                    }
                    after
                }
            };
            if after != file.original {
                self.edited.files.push(EditedFile {
                    path: file.path.clone(),
                    before: file.original.clone(),
                    after,
                });
            }
        }
        Ok(self.edited)
    }
}

/// Why a shell was not edited.
#[derive(Debug)]
enum Refused {
    NoPkgs,
    Unclear,
    DynamicName(FileId, usize),
    Module,
}

const PASTE: &str = "put this into the dev shell by hand: \
    RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\"; CARGO_INCREMENTAL = \"0\"; \
    shellHook = ''eval \"$(sccfg hook bash)\"'';";

fn cannot_edit(files: &Files<'_>, shell: &Found, refused: &Refused) -> Problem {
    let name = shell.name.as_deref().unwrap_or("default");
    let (file, offset) = match refused {
        Refused::DynamicName(file, offset) => (*file, *offset),
        _ => (shell.anchor.file(), range_of(shell.anchor.node()).start),
    };
    let file = files.get(file);
    let what = match refused {
        Refused::NoPkgs => "no name for nixpkgs, such as `pkgs`, is in scope here",
        Refused::Unclear => "what it is made of cannot be told from its text",
        Refused::DynamicName(..) => "an attribute's name is computed here, and may be any",
        Refused::Module => "its module is not written out as a set",
    };
    Problem::new(format!(
        "the dev shell `{name}` cannot be edited safely: {what}"
    ))
    .at(Place::at(&file.path, &file.text, offset))
    .hint(PASTE)
}

/// The literal set of a module: `{ … }`, `{ pkgs, … }: { … }`.
fn module_set(files: &mut Files<'_>, module: &Thunk) -> Option<Thunk> {
    let mut eval = Eval::new(files);
    let mut value = eval.follow(module);
    if let Some(imported) = eval.imported(&value) {
        value = eval.follow(&imported);
    }
    while let Expr::Lambda(lambda) = &value.expr {
        value = eval.follow(&value.beside(lambda.body()?));
    }
    matches!(value.expr, Expr::AttrSet(_)).then_some(value)
}

/// Puts a module of our own first into the list of `devenv.lib.mkShell`.
fn add_module(
    edits: &mut Edits<'_>,
    modules: &Thunk,
    wanted: Wanted<'_>,
    sccache: &str,
) -> Result<SetFacts, Declined> {
    let Expr::List(list) = &modules.expr else {
        return Err(Declined::Unclear);
    };
    let mut lines = vec!["{".to_owned()];
    for variable in super::vars::Variable::ALL {
        if let Some(value) = wanted.value(variable, sccache) {
            lines.push(format!("  env.{variable} = {value};"));
        }
    }
    let literal = hook::literal(wanted, edits.line_end());
    let literal = super::text::indented(&literal, "  ", "\n");
    lines.push(format!("  enterShell = {};", literal.trim_start()));
    lines.push("}".to_owned());
    devshell::put_first(edits, list, &lines.join("\n"));
    Ok(SetFacts::default())
}

/// Adds the argument `sccache` to the function of a file that `callPackage` calls.
fn add_argument(edits: &mut Edits<'_>, lambda: &rnix::ast::Lambda) {
    let Some(rnix::ast::Param::Pattern(pattern)) = lambda.param() else {
        return;
    };
    let Some(brace) = pattern
        .syntax()
        .children_with_tokens()
        .find(|child| child.kind() == rnix::SyntaxKind::TOKEN_L_BRACE)
    else {
        return;
    };
    let after = usize::from(brace.text_range().end());
    let indent = deeper(indent_at(edits.text(), after));
    edits.inline(after..after, &indent, &indent, "sccache,");
}
