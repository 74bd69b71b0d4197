//! The editor: selects the shells, has them changed, and checks that the result can be undone.

pub(crate) mod devenv;
mod inherited;
mod input;
mod outputs;
mod record;
mod shell;
mod shell_errors;
mod wrap;

use std::ops::Range;
use std::path::{Path, PathBuf};

use self::inherited::Inherited;
use self::outputs::OfOutputs;
use self::shell_errors::{in_toml_problem, no_such_shell, not_of_devenv, paste};
use crate::change::edits::{Edit, Edits};
use crate::change::shell_settings::ShellSettings;
use crate::find::files::{File, FileId, Files, Sources, duplicate};
use crate::find::found::{Anchor, Found, Kind, Shells};
use crate::find::parse::parse;
use crate::find::shells;
use crate::options::{Incremental, Linker, ShellName, Wrapper};
use crate::region::{self, HookLines, Marks, POLICY, indentation};
use crate::text::has_bare_carriage_return;
use sccfg_util::problem::{Place, Problem};

/// The required variables, hook and input of a flake's dev shells.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The shells to edit.
    pub shells: &'a [ShellName],
    /// Whether to edit the only shell of a flake that has none of these.
    pub take_only_shell: bool,
    /// Those of `shells` that are left out if the flake does not have them, but others.
    pub may_be_gone: &'a [ShellName],
    /// The policy of incremental compilation.
    pub incremental: Incremental,
    /// The text of the hook, plain shell without markers.
    pub hook: &'a str,
    /// The argument of sccfg's own `lib.shellHook` for the same text, as Nix: `{ size = "24GiB"; }`.
    pub hook_options: &'a str,
    /// The value of `RUSTC_WRAPPER`. The portable wrapper needs the input.
    pub wrapper: Wrapper,
    /// The program that links.
    pub linker: Linker,
    /// The flake reference of sccfg, where sccfg is to be an input of the flake.
    pub input: Option<&'a str>,
    /// The modules that `devenv.yaml` imports, in the repository.
    pub devenv_imports: &'a [PathBuf],
}

/// The result of [`edit`].
#[derive(Debug, Clone, Default)]
pub struct Edited {
    /// The files that are to change.
    pub files: Vec<EditedFile>,
    /// The edited shells.
    pub touched: Vec<Touched>,
    /// Warnings for the user.
    pub warnings: Vec<Problem>,
    /// The cache size that the flake requested, as written there.
    pub size: Option<String>,
    /// The names of the other dev shells, which are not changed.
    pub others: Vec<String>,
    /// The names of [`Request::may_be_gone`] that the flake does not have.
    pub gone: Vec<ShellName>,
    /// Whether sccfg is now an input of the flake.
    pub input: bool,
    /// Whether shells of the flake are managed.
    pub in_flake: bool,
    /// Whether the shell of `devenv.nix`, which the command `devenv` loads, is managed.
    pub in_devenv: bool,
    /// Settings of the edited shells outside of regions.
    pub own: Vec<OwnSetting>,
}

/// A variable that a dev shell sets by itself, and that sccfg manages where it edits the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSetting {
    /// Its name, such as `RUSTC_WRAPPER`.
    pub name: &'static str,
    /// The value as written: a Nix expression, or a word of a shell command.
    pub value: String,
    /// The location of the value, or of its line.
    pub place: Place,
}

/// A file that is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Relative to the flake's directory.
    pub path: PathBuf,
    /// The text on disk.
    pub before: String,
    /// The text to write.
    pub after: String,
}

/// A shell that was edited.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Touched {
    /// The shell's name; several are separated by commas.
    pub shell: String,
    /// The location of its expression.
    pub place: Place,
    /// The kind of edit.
    pub how: How,
}

/// How a shell was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// In the attribute set that its function is called with.
    Edited,
    /// As a whole, with `overrideAttrs`.
    Wrapped,
}

/// The text of a file without sccfg's regions. The result need not parse.
///
/// # Errors
/// When a region is damaged.
pub fn strip(path: &Path, text: &str) -> Result<String, Problem> {
    region::strip(path, text)
}

/// Checks that a text is valid Nix.
///
/// # Errors
/// When it does not parse.
pub fn check_syntax(path: &Path, text: &str) -> Result<(), Problem> {
    parse(path, text).map(drop)
}

/// The text of a Nix file without sccfg's regions, which parses; `None` where it has none.
///
/// # Errors
/// When a region is damaged or was changed, and when the rest does not parse.
pub fn remove_regions(path: &Path, text: &str) -> Result<Option<String>, Problem> {
    remove_marked_regions(region::POLICY, path, text)
}

pub(super) fn remove_marked_regions(
    marks: Marks,
    path: &Path,
    text: &str,
) -> Result<Option<String>, Problem> {
    let stripped = region::remove(marks, path, text)?;
    if stripped.text == text {
        return Ok(None);
    }
    let file = File::without(
        stripped,
        marks,
        path,
        text.to_owned(),
        &HookLines::default(),
    )?;
    Ok(Some(file.text))
}

/// Edits the dev shells of the flake in `sources`, and that of `devenv.nix`. Regions of an earlier run are replaced.
///
/// # Errors
/// When there is neither a flake nor `devenv.nix`, or no such shell, when a file does not parse, and when a shell cannot be
/// edited safely.
pub fn edit(sources: &dyn Sources, request: &Request<'_>) -> Result<Edited, Problem> {
    edit_with_size(sources, request, &|_| None)
}

/// Like [`edit`]; `hook_of` returns the hook and its options for the cache size that the flake
/// requested.
///
/// # Errors
/// As [`edit`].
pub fn edit_with_size(
    sources: &dyn Sources,
    request: &Request<'_>,
    hook_of: &dyn Fn(&str) -> Option<(String, String)>,
) -> Result<Edited, Problem> {
    let mut files = Files::new(sources, request.hook);
    let edited = edit_files(&mut files, request, hook_of);
    // That file may be the reason why a shell cannot be edited, or only from outside.
    match files.damaged.take() {
        Some(damaged) => Err(damaged),
        None => edited,
    }
}

fn edit_files(
    files: &mut Files<'_>,
    request: &Request<'_>,
    hook_of: &dyn Fn(&str) -> Option<(String, String)>,
) -> Result<Edited, Problem> {
    let shells = shells::find(files)?;
    let editor = change(files, &shells, request)?;
    let Some((hook, options)) = editor.edited.size.as_deref().and_then(hook_of) else {
        return editor.finish(files);
    };
    // The size may be found in the last shell, but belongs into the hook of the first as well.
    let with_size = Request {
        hook: &hook,
        hook_options: &options,
        ..request.clone()
    };
    change(files, &shells, &with_size)?.finish(files)
}

/// Collects the edits of all shells that are asked for.
fn change<'r>(
    files: &mut Files<'_>,
    shells: &Shells,
    request: &Request<'r>,
) -> Result<Editor<'r>, Problem> {
    let chosen = choose(files, shells, request)?;
    let mut editor = Editor {
        incremental: request.incremental,
        settings: ShellSettings {
            incremental: request.incremental,
            hook: request.hook,
            wrapper: request.wrapper,
            linker: request.linker,
            hook_options: request.hook_options,
            package: None,
        },
        has_input: request.input.is_some(),
        found: shells.found.clone(),
        changes: Vec::new(),
        seen: Vec::new(),
        inherited: Vec::new(),
        of_outputs: chosen.of_outputs.clone(),
        imports: request.devenv_imports,
        edited: Edited::default(),
        names: request
            .shells
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect(),
    };
    editor.edited.others = others(shells, &chosen.shells, &editor.of_outputs);
    editor.edited.gone.clone_from(&chosen.gone);
    editor.edited.in_flake = !chosen.shells.is_empty() || !chosen.of_outputs.is_empty();
    if let Some(flake) = &shells.flake {
        if let Some(url) = request.input
            && editor.edited.in_flake
        {
            editor.input(files, &flake.root, &flake.outputs, url)?;
            editor.edited.input = true;
        }
        for shell in &chosen.shells {
            editor.shell(files, shell)?;
        }
        editor.edit_inherited(files);
        editor.edit_outputs(files, &flake.root, &flake.outputs)?;
    }
    if let Some(shell) = shells.devenv.as_ref().filter(|_| chosen.devenv) {
        editor.devenv(files, shell, &chosen)?;
    }
    // A shell may be wrapped only because a file on the path to it could not be read.
    let wrapped = editor
        .edited
        .touched
        .iter()
        .any(|touched| touched.how == How::Wrapped);
    if let (Some(broken), true) = (files.broken.take(), wrapped) {
        return Err(broken);
    }
    Ok(editor)
}

/// The shells to edit.
#[derive(Default)]
struct Chosen {
    shells: Vec<Found>,
    /// Those that may be in the result of a function from outside of the repository.
    of_outputs: Vec<OfOutputs>,
    /// See [`Edited::gone`].
    gone: Vec<ShellName>,
    /// Whether the shell of `devenv.nix` is among them.
    devenv: bool,
}

/// The requested shells.
fn choose(files: &Files<'_>, shells: &Shells, request: &Request<'_>) -> Result<Chosen, Problem> {
    let Shells { found, unseen, .. } = shells;
    let names = names(shells);
    let is_opaque = |shell: &Found| shell.name.is_none();
    let mut chosen = Chosen {
        devenv: devenv::is_wanted(files, shells, request),
        ..Chosen::default()
    };
    for name in request.shells {
        if choose_named(files, shells, name.as_str(), &mut chosen) {
            continue;
        }
        let is_devenv = *name == ShellName::default() && chosen.devenv;
        if is_devenv && !found.iter().any(is_opaque) {
            continue;
        }
        if found.iter().any(is_opaque) {
            let opaque = found.iter().filter(|&shell| is_opaque(shell));
            chosen.shells.extend(opaque.cloned());
            continue;
        }
        if let ([only], true) = (names.as_slice(), request.take_only_shell) {
            choose_named(files, shells, only, &mut chosen);
            continue;
        }
        let has_others = !names.is_empty() || shells.devenv.is_some();
        if has_others && request.may_be_gone.contains(name) {
            chosen.gone.push(name.clone());
            continue;
        }
        if shells.flake.is_none() {
            return Err(not_of_devenv(name));
        }
        let refused = no_such_shell(files, name, &names, unseen.as_ref(), request.incremental);
        let unseen = unseen.as_ref();
        match unseen.filter(|_| names.is_empty() && files.broken.is_none()) {
            Some((_, function)) => chosen.of_outputs.push(OfOutputs {
                name: name.as_str().to_owned(),
                function: Some(function.clone()),
                refused,
            }),
            None => return Err(refused),
        }
    }
    Ok(chosen)
}

/// Chooses the shell `name`; `false` if there is none of that name.
fn choose_named(files: &Files<'_>, shells: &Shells, name: &str, chosen: &mut Chosen) -> bool {
    let found = shells.found.iter();
    let found: Vec<Found> = found
        .filter(|shell| shell.name.as_deref() == Some(name))
        .cloned()
        .collect();
    if !found.is_empty() {
        chosen.shells.extend(one_module(files, found));
        return true;
    }
    let in_toml = shells.in_toml.iter().find(|shell| shell.name == name);
    chosen.of_outputs.extend(in_toml.map(|shell| OfOutputs {
        name: shell.name.clone(),
        function: None,
        refused: in_toml_problem(shell),
    }));
    in_toml.is_some()
}

/// The names of all shells, sorted.
fn names(shells: &Shells) -> Vec<&str> {
    let found = shells.found.iter();
    let mut names: Vec<&str> = found.filter_map(|shell| shell.name.as_deref()).collect();
    names.extend(shells.in_toml.iter().map(|shell| shell.name.as_str()));
    names.sort_unstable();
    names.dedup();
    names
}

/// The names of the shells that were not chosen, and do not share the expression of one that was.
fn others(shells: &Shells, chosen: &[Found], of_outputs: &[OfOutputs]) -> Vec<String> {
    let is_chosen = |other: &Found| {
        chosen.iter().any(|shell| {
            let is_same = shell.anchor.file() == other.anchor.file()
                && shell.anchor.node() == other.anchor.node();
            shell.name == other.name || is_same && matches!(shell.anchor, Anchor::Value(_))
        })
    };
    let mut names = names(shells);
    names.retain(|name| {
        let mut found = shells.found.iter();
        !of_outputs.iter().any(|shell| shell.name == *name)
            && !found.any(|shell| shell.name.as_deref() == Some(name) && is_chosen(shell))
    });
    names.into_iter().map(str::to_owned).collect()
}

/// Of several modules that define one shell together, the one for Rust: one change is enough.
fn one_module(files: &Files<'_>, shells: Vec<Found>) -> Vec<Found> {
    if shells.iter().any(|shell| shell.kind == Kind::Derivation) {
        return shells;
    }
    let is_about_rust = |shell: &&Found| {
        let text = shell.anchor.node().text().to_string();
        ["cargo", "rustc", "rust-analyzer", "rustToolchain"]
            .iter()
            .any(|word| text.contains(word))
    };
    let is_named_so = |shell: &&Found| {
        let path = files
            .get(shell.anchor.file())
            .path
            .to_string_lossy()
            .to_lowercase();
        path.contains("shell") || path.contains("rust")
    };
    let chosen = shells
        .iter()
        .find(is_about_rust)
        .or_else(|| shells.iter().find(is_named_so))
        .or(shells.first());
    chosen.cloned().into_iter().collect()
}

/// The edits so far.
struct Editor<'a> {
    incremental: Incremental,
    settings: ShellSettings<'a>,
    /// Whether the flake has sccfg as an input.
    has_input: bool,
    /// All shells of the flake, to resolve aliases.
    found: Vec<Found>,
    changes: Vec<(FileId, Vec<Edit>)>,
    /// The expressions that are edited already: several shells may share one set.
    seen: Vec<(FileId, Range<usize>)>,
    /// The shells that are inherited; they are edited together at the end.
    inherited: Vec<Inherited>,
    /// The shells that are replaced in the outputs as a whole, together at the end.
    of_outputs: Vec<OfOutputs>,
    /// See [`Request::devenv_imports`].
    imports: &'a [PathBuf],
    edited: Edited,
    names: Vec<String>,
}

impl Editor<'_> {
    /// Applies all edits, and checks that every file parses and can be restored.
    fn finish(mut self, files: &Files<'_>) -> Result<Edited, Problem> {
        for (id, file) in files.all() {
            let edits = self.changes.iter().find(|(other, _)| *other == id);
            let after = match edits {
                None => file.text.clone(),
                Some((_, edits)) => {
                    let edits = Edits::with(&file.text, edits.clone());
                    let start = edits.start();
                    let unsafe_edit = |why: &str| {
                        let code = file.text[start..].trim_ascii_start();
                        Problem::new(format!("could not edit this file safely: {why}"))
                            .at(file.place(file.text.len() - code.len()))
                            .hint(paste(Kind::Derivation, self.incremental, true))
                    };
                    let not_nix = |_| unsafe_edit("the result would not be valid Nix");
                    let after = edits
                        .apply()
                        .ok_or_else(|| unsafe_edit("two edits would overlap"))?;
                    if after == file.original {
                        // It was checked when it was written.
                        continue;
                    }
                    if indentation::is_all(POLICY, &file.path, &file.original, &after) {
                        continue;
                    }
                    let root = parse(&file.path, &after).map_err(not_nix)?;
                    if let Some(name) = duplicate(&root)
                        && duplicate(&file.root).is_none()
                    {
                        return Err(unsafe_edit(&format!("`{name}` would be defined twice")));
                    }
                    if has_bare_carriage_return(&after) {
                        // Nix ends a comment at a carriage return, rnix does not.
                        parse(&file.path, &after.replace('\r', "\n")).map_err(not_nix)?;
                    }
                    let is_undone = files
                        .can_undo(file, &after)
                        .map_err(|problem| unsafe_edit(&problem.what))?;
                    if !is_undone {
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
