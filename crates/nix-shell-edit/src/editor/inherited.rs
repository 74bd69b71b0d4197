//! Shells that are inherited: `inherit (x) default;` becomes a binding.

use rnix::ast::{self, Expr};
use rowan::ast::AstNode as _;

use super::shell_errors::Refused;
use super::{Editor, How};
use crate::change::edits::Edits;
use crate::change::references::{self, Package};
use crate::change::set::SetEdit;
use crate::change::wrap;
use crate::find::eval::Eval;
use crate::find::files::{FileId, Files};
use crate::find::found::{Anchor, Found};
use crate::find::{input, pkgs};
use crate::text::range_of;

/// A shell in an `inherit`, to be wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inherited {
    file: FileId,
    set: ast::AttrSet,
    inherit: ast::Inherit,
    name: String,
    sccache: String,
    package: Option<Package>,
}

impl Editor<'_> {
    pub(super) fn wrap_inherited(
        &mut self,
        files: &mut Files<'_>,
        shell: &Found,
    ) -> Result<(), Refused> {
        let Anchor::Inherit {
            set, inherit, name, ..
        } = &shell.anchor
        else {
            return Err(Refused::Unknown);
        };
        let Expr::AttrSet(literal) = &set.expr else {
            return Err(Refused::Unclear);
        };
        // In a recursive set, `default = default.overrideAttrs …` would refer to itself.
        if literal.rec_token().is_some() && inherit.from().is_none() {
            return Err(Refused::Unclear);
        }
        let access = pkgs::sccache_at(&mut Eval::new(files), inherit.syntax(), None, set)
            .ok_or(Refused::NoPkgs)?;
        let sccache = references::sccache(&access);
        let system = references::system(input::system_at(inherit.syntax()), &sccache);
        let package = self.package(files, set, inherit.syntax(), &system)?;
        let start = range_of(inherit.syntax()).start;
        self.check_linker(files, set.file, start, &sccache);
        if let Some((lambda, name)) = package
            .as_ref()
            .and_then(|package| package.argument.as_ref())
        {
            self.argument(files, set.file, lambda, name);
        }
        let wrapped = Inherited {
            file: set.file,
            set: literal.clone(),
            inherit: inherit.clone(),
            name: name.clone(),
            sccache,
            package,
        };
        if !self.inherited.contains(&wrapped) {
            self.touch(
                files,
                shell,
                set.file,
                range_of(inherit.syntax()).start,
                How::Wrapped,
            );
            self.inherited.push(wrapped);
        }
        Ok(())
    }

    /// Makes the edits of inherited shells: several may be in one set, or in one `inherit`.
    pub(super) fn edit_inherited(&mut self, files: &Files<'_>) {
        let mut inherited = std::mem::take(&mut self.inherited);
        while let Some(first) = inherited.first().cloned() {
            let (same, others): (Vec<_>, Vec<_>) = inherited
                .into_iter()
                .partition(|other| other.file == first.file && other.set == first.set);
            inherited = others;
            let mut edits = Edits::new(&files.get(first.file).text);
            let mut change = SetEdit::new(&first.set);
            for (index, entry) in change.entries.clone().iter().enumerate() {
                let of_entry: Vec<&Inherited> = same
                    .iter()
                    .filter(|other| other.inherit.syntax() == entry.syntax())
                    .collect();
                if of_entry.is_empty() {
                    continue;
                }
                let names: Vec<String> = of_entry.iter().map(|shell| shell.name.clone()).collect();
                let instead: Vec<String> = of_entry
                    .iter()
                    .map(|shell| {
                        let Inherited {
                            name,
                            inherit,
                            sccache,
                            package,
                            ..
                        } = shell;
                        let settings = self.settings_with(package.as_ref(), sccache);
                        wrap::inherited(name, inherit, settings, sccache, edits.layout())
                    })
                    .collect();
                change.replace_inherited(index, &names, &instead);
            }
            change.write(&mut edits);
            self.add_edits(first.file, edits.into_edits());
        }
    }
}
