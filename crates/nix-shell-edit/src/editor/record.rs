//! Recording edits, the shells they were made for, and warnings.

use std::ops::Range;
use std::path::Path;

use rnix::SyntaxNode;

use super::shell_errors::Refused;
use super::{Editor, How, OwnSetting, Touched};
use crate::change::SetFacts;
use crate::change::edits::{Edit, Edits};
use crate::change::input::add_argument;
use crate::change::references::{self, AddedArgument, Package};
use crate::change::shell_settings::{ShellSettings, package_set_of};
use crate::find::devenv;
use crate::find::eval::Eval;
use crate::find::files::{FileId, Files};
use crate::find::found::Found;
use crate::find::input;
use crate::find::pkgs::{self, SccacheAccess};
use crate::find::thunk::Thunk;
use crate::options::Linker;
use crate::variable::Variable;
use sccfg_util::problem::{Place, Problem};

impl Editor<'_> {
    /// The expression of sccfg's package at a location; `None` if sccfg is not an input of the flake.
    pub(super) fn package(
        &self,
        files: &mut Files<'_>,
        thunk: &Thunk,
        node: &SyntaxNode,
        system: &str,
    ) -> Result<Option<Package>, Refused> {
        if !self.has_input {
            return Ok(None);
        }
        let access = input::sccfg_at(&mut Eval::new(files), thunk, node);
        let access = access.or_else(|| {
            let file = files.get(thunk.file);
            let is_devenv = file.path == Path::new(devenv::FILE);
            is_devenv.then(|| input::of_module(&file.root, node))?
        });
        let access = access.ok_or(Refused::NoInput)?;
        Ok(Some(references::package(&access, system)))
    }

    /// The settings of a shell with sccfg's `package`, where nixpkgs' sccache is `sccache`.
    pub(super) fn settings_with<'p>(
        &'p self,
        package: Option<&'p Package>,
        sccache: &str,
    ) -> ShellSettings<'p> {
        let linker = match package_set_of(sccache) {
            Some(_) => self.settings.linker,
            None => Linker::System,
        };
        ShellSettings {
            linker,
            package,
            ..self.settings
        }
    }

    /// Where sccache is found, as part of nixpkgs if the linker is needed as well.
    pub(super) fn with_linker(
        &self,
        access: SccacheAccess,
        node: &SyntaxNode,
        thunk: &Thunk,
    ) -> SccacheAccess {
        match self.settings.linker {
            Linker::System => access,
            _ => pkgs::in_package_set(access, node, thunk),
        }
    }

    /// Warns of a shell whose linker cannot be set, because only sccache itself is in scope.
    pub(super) fn check_linker(
        &mut self,
        files: &Files<'_>,
        file: FileId,
        at: usize,
        sccache: &str,
    ) {
        let linker = self.settings.linker;
        if linker != Linker::System && package_set_of(sccache).is_none() {
            let name = linker.name();
            self.edited.warnings.push(
                Problem::new(format!("the linker {name} is not set in this dev shell: no name for nixpkgs is in scope"))
                    .at(files.get(file).place(at))
                    .hint("pass `pkgs` to this file, and run sccfg again"),
            );
        }
    }

    /// Warns of lines that a hook contains and that undo what sccfg sets before them.
    pub(super) fn warn_of_contained_lines(&mut self, lines: &[(Place, &'static str)]) {
        for (place, what) in lines {
            let problem = Problem::new(format!(
                "this line, which the hook contains, changes {what} after sccfg sets it"
            ))
            .at(place.clone())
            .hint("remove it; sccfg does not, because other shells may contain it");
            if !self.edited.warnings.contains(&problem) {
                self.edited.warnings.push(problem);
            }
        }
    }

    pub(super) fn note_facts(&mut self, files: &Files<'_>, file: FileId, facts: &SetFacts) {
        self.warn_of_contained_lines(&facts.hook.not_removed_elsewhere);
        let file = files.get(file);
        let own = facts.own.iter().chain(&facts.hook.own);
        self.edited.own.extend(own.map(|own| OwnSetting {
            name: own.variable.name(),
            value: own.value.clone(),
            place: file.place(own.offset),
        }));
        for (offset, what) in &facts.hook.not_removed {
            self.edited.warnings.push(
                Problem::new(format!(
                    "this line of the hook changes {what} after sccfg sets it"
                ))
                .at(file.place(*offset))
                .hint("remove it, or move it to a separate line that sccfg can replace"),
            );
        }
        for (offset, what) in &facts.hook.conditional {
            self.edited.warnings.push(
                Problem::new(format!(
                    "the hook set {what} only under a condition; sccfg sets it in every shell"
                ))
                .at(file.place(*offset))
                .hint("unset RUSTC_WRAPPER where sccache is not wanted, such as in CI"),
            );
        }
        let replaced = facts.own.iter();
        for own in replaced.filter(|own| own.variable == Variable::NixCflagsLink) {
            self.edited.warnings.push(
                Problem::new("sccfg replaced the value of NIX_CFLAGS_LINK in this dev shell, which contained other flags")
                    .at(file.place(own.offset))
                    .hint("set `cargo.linker = \"system\"` in sccfg.toml to keep it"),
            );
        }
        if let Some(dir) = &facts.hook.dir {
            let plain = dir.starts_with('/') && !dir.contains(['$', '`']);
            let shown = if plain { dir } else { "PATH" };
            self.edited.warnings.push(
                Problem::new(format!("the dev shell set its own cache directory, {dir}")).hint(
                    format!("all projects share the machine's cache directory; to change it, run: sccfg init --dir {shown}"),
                ),
            );
        }
        if self.edited.size.is_none() {
            self.edited.size.clone_from(&facts.hook.size);
        }
    }

    pub(super) fn record(
        &mut self,
        files: &Files<'_>,
        shell: &Found,
        file: FileId,
        range: Range<usize>,
        edits: Edits<'_>,
        how: How,
    ) {
        self.touch(files, shell, file, range.start, how);
        self.seen.push((file, range));
        self.add_edits(file, edits.into_edits());
    }

    pub(super) fn add_edits(&mut self, file: FileId, edits: Vec<Edit>) {
        match self.changes.iter_mut().find(|(other, _)| *other == file) {
            Some((_, all)) => all.extend(edits),
            None => self.changes.push((file, edits)),
        }
    }

    pub(super) fn touch(
        &mut self,
        files: &Files<'_>,
        shell: &Found,
        file: FileId,
        offset: usize,
        how: How,
    ) {
        let source = files.get(file);
        let name = shell.name.clone().or_else(|| self.names.first().cloned());
        self.edited.touched.push(Touched {
            shell: name.unwrap_or_default(),
            place: source.place(offset),
            how,
        });
    }
}

/// Adds the argument that sccfg's package needs, if any.
pub(super) fn add_package_argument(edits: &mut Edits<'_>, package: Option<&Package>) {
    add_missing(edits, package.and_then(|package| package.argument.as_ref()));
}

pub(super) fn add_missing(edits: &mut Edits<'_>, argument: Option<&AddedArgument>) {
    if let Some((lambda, name)) = argument {
        add_argument(edits, lambda, name);
    }
}
