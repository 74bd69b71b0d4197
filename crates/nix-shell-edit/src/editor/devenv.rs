//! The shell of the command `devenv`: the module `devenv.nix`, which no flake has to load.

use std::path::Path;

use rowan::ast::AstNode as _;

use super::shell_errors::{Refused, cannot_edit};
use super::{Chosen, Editor, OwnSetting, Request};
use crate::change::hook;
use crate::find::devenv;
use crate::find::eval::Eval;
use crate::find::files::{Files, Sources};
use crate::find::found::Shells;
use crate::find::found::{Found, Kind};
use crate::find::module::Module;
use crate::find::thunk::Thunk;
use crate::options::ShellName;
use crate::text::range_of;
use sccfg_util::problem::Problem;

/// Whether the shell of `devenv.nix`, whose name is `default`, is to be edited besides `chosen`.
pub(super) fn is_wanted(files: &Files<'_>, shells: &Shells, request: &Request<'_>) -> bool {
    let names_it = request.shells.contains(&ShellName::default());
    names_it && shells.devenv.is_some() && (shells.flake.is_none() || devenv::is_used(files))
}

/// The variables of sccfg to which the module `text`, the file `path`, gives values of the usual priority.
pub fn own_settings(path: &Path, text: &str) -> Vec<OwnSetting> {
    let source = OneFile { path, text };
    let mut files = Files::new(&source, "");
    let Ok(Some(id)) = files.load(path) else {
        return Vec::new();
    };
    let mut eval = Eval::new(&mut files);
    let file = eval.file(id);
    let module = Module::of(&mut eval, &file);
    let settings = module.settings().into_iter();
    settings
        .map(|(variable, value)| OwnSetting {
            name: variable.name(),
            value: value.syntax().text().to_string(),
            place: files.get(id).place(range_of(value.syntax()).start),
        })
        .collect()
}

/// A file whose imports are not read.
struct OneFile<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Sources for OneFile<'_> {
    fn read(&self, path: &Path) -> Result<Option<String>, Problem> {
        Ok((path == self.path).then(|| self.text.to_owned()))
    }

    fn list(&self, _directory: &Path) -> Vec<String> {
        Vec::new()
    }
}

impl Editor<'_> {
    /// Edits the shell of `devenv.nix`. Next to shells of a flake that were edited, a file that cannot be edited is left alone.
    ///
    /// # Errors
    /// When it cannot be edited safely, and there is no other shell.
    pub(super) fn devenv(
        &mut self,
        files: &mut Files<'_>,
        shell: &Result<Found, Problem>,
        chosen: &Chosen,
    ) -> Result<(), Problem> {
        let edited = match shell {
            Err(broken) => Err(broken.clone()),
            Ok(shell) => self.devenv_file(files, shell),
        };
        let is_only_shell = chosen.shells.is_empty() && chosen.of_outputs.is_empty();
        match edited {
            Ok(()) => self.edited.in_devenv = true,
            Err(problem) if is_only_shell => return Err(problem),
            Err(problem) => self.edited.warnings.push(problem),
        }
        Ok(())
    }

    fn devenv_file(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Problem> {
        // The flake's shell may be made from the same file.
        let file = shell.anchor.file();
        if self.changes.iter().any(|(edited, _)| *edited == file) {
            return Ok(());
        }
        let Err(declined) = self.inside(files, shell) else {
            return Ok(());
        };
        let by_name = matches!(declined, Refused::DynamicName(..));
        if !by_name && self.wrap(files, shell).is_ok() {
            return Ok(());
        }
        Err(cannot_edit(files, shell, &declined, self.incremental))
    }

    /// The module `thunk`, with what `devenv.yaml` imports if it is `devenv.nix`.
    pub(super) fn module(&self, files: &mut Files<'_>, shell: &Found, thunk: &Thunk) -> Module {
        let mut eval = Eval::new(files);
        let module = Module::of(&mut eval, thunk);
        match shell.kind {
            Kind::DevenvFile => module.with_imports(&mut eval, self.imports),
            _ => module,
        }
    }

    /// Warns of lines in the hooks of a module that undo sccfg's: those of all its sets but `except`.
    pub(super) fn note_hooks(
        &mut self,
        files: &mut Files<'_>,
        module: &Module,
        except: Option<&Thunk>,
    ) {
        let hooks = module.hooks(except);
        let lines = hook::conflicts_elsewhere(&mut Eval::new(files), hooks, self.settings);
        self.warn_of_contained_lines(&lines);
    }
}
