//! The edit of one shell: inside, or as a whole.

use std::path::Path;

use rnix::ast::Expr;
use rowan::ast::AstNode as _;

use super::record::{add_missing, add_package_argument};
use super::shell_errors::{Refused, cannot_edit};
use super::{Editor, How};
use crate::change::derivation::{self, Dialect};
use crate::change::edits::Edits;
use crate::change::references;
use crate::change::{Declined, SetFacts, devshell, modules};
use crate::find::devenv;
use crate::find::eval::Eval;
use crate::find::files::Files;
use crate::find::found::{Anchor, Found, Kind};
use crate::find::input;
use crate::find::pkgs::{self, PackageSet, Platform, SccacheAccess};
use crate::find::shell_function::{self, SetTarget, Style, Target};
use crate::find::syntax::{self, innermost};
use crate::text::range_of;
use sccfg_util::problem::Problem;

/// The limit of aliases of an alias.
const ALIASES: u32 = 8;

impl Editor<'_> {
    /// Edits a shell.
    ///
    /// # Errors
    /// When it cannot be edited safely.
    pub(super) fn shell(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Problem> {
        self.shell_or_alias(files, shell, ALIASES)
    }

    fn shell_or_alias(
        &mut self,
        files: &mut Files<'_>,
        shell: &Found,
        aliases: u32,
    ) -> Result<(), Problem> {
        if let Some(meant) = alias(shell).filter(|_| aliases > 0) {
            let others: Vec<Found> = self
                .found
                .iter()
                .filter(|found| found.name.as_ref() == Some(&meant) && found.name != shell.name)
                .cloned()
                .collect();
            if !others.is_empty() {
                return others.into_iter().try_for_each(|other| {
                    // It is reported by the requested name.
                    let other = Found {
                        name: shell.name.clone(),
                        ..other
                    };
                    self.shell_or_alias(files, &other, aliases - 1)
                });
            }
        }
        let declined = match self.inside(files, shell) {
            Ok(()) => return Ok(()),
            Err(declined) => declined,
        };
        let refused = match declined {
            Refused::DynamicName(..) => declined,
            _ => match self.wrap(files, shell) {
                Ok(()) => return Ok(()),
                // The error of the inner edit is more specific than that of the outer one.
                Err(refused) if matches!(declined, Refused::Unknown) => refused,
                Err(_) => declined,
            },
        };
        let problem = cannot_edit(files, shell, &refused, self.incremental);
        match refused {
            Refused::NoPkgs | Refused::NoInput | Refused::NoOverride | Refused::Unknown => {
                self.over_outputs(shell, &problem);
                Ok(())
            }
            Refused::Unclear | Refused::DynamicName(..) => Err(problem),
        }
    }

    /// Edits the set, or the sets, that a shell is made from.
    pub(super) fn inside(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
        let (Anchor::Value(thunk)
        | Anchor::Inherit {
            value: Some(thunk), ..
        }) = &shell.anchor
        else {
            return Err(Refused::Unknown);
        };
        if shell.name.is_none() {
            let targets = shell_function::set_targets(&mut Eval::new(files), thunk)
                .ok_or(Refused::Unknown)?;
            return self.targets(files, shell, &targets);
        }
        let style = match shell.kind {
            Kind::Derivation => {
                let targets = shell_function::targets(&mut Eval::new(files), thunk)
                    .ok_or(Refused::Unknown)?;
                return self.targets(files, shell, &targets);
            }
            Kind::DevenvModule | Kind::DevenvFile => Style::Devenv,
            Kind::DevshellModule => Style::Devshell,
            Kind::MakeShellModule => Style::MakeShell,
        };
        let module = self.module(files, shell, thunk);
        // The command `devenv` may load `devenv.nix`, too.
        let of_command = files.id_of(Path::new(devenv::FILE));
        let of_command = of_command.and_then(|file| module.set_in(file));
        let set = of_command.or(module.set()).ok_or(Refused::Unknown)?;
        if module.sets_elsewhere(set, &|variable| self.settings.decides(variable)) {
            return Err(Refused::Unclear);
        }
        let target = Target::Set(SetTarget::new(style, set.clone(), None));
        self.target(files, shell, &target)?;
        self.note_hooks(files, &module, Some(set));
        Ok(())
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
            Target::Set(SetTarget { set, prefix, .. }) => (set, prefix),
            Target::Modules {
                modules: list,
                prefix,
            } => (list, prefix),
            Target::DevshellToml { call, .. } => (call, &None),
        };
        let file = place.file;
        let range = range_of(place.expr.syntax());
        if self.seen.contains(&(file, range.clone())) {
            return Ok(());
        }
        let text = files.get(file).text.clone();
        let mut edits = Edits::new(&text);
        let sccache = match target {
            // A module is called with its own `pkgs`.
            Target::Modules { .. } | Target::DevshellToml { .. } => {
                SccacheAccess::PackageSet(PackageSet::Path("pkgs".to_owned()), Platform::Host)
            }
            Target::Set(_) => {
                let node = place.expr.syntax();
                let root = &files.get(file).root;
                let of_module = match shell.kind {
                    Kind::DevenvFile => pkgs::of_module(root, node),
                    _ => None,
                };
                of_module
                    .or_else(|| {
                        let mut eval = Eval::new(files);
                        pkgs::sccache_at(&mut eval, node, prefix.as_ref(), place)
                    })
                    .ok_or(Refused::NoPkgs)?
            }
        };
        let sccache = self.with_linker(sccache, place.expr.syntax(), place);
        let argument = references::argument_of_sccache(&sccache);
        let is_function = matches!(sccache, SccacheAccess::Function { .. });
        if let SccacheAccess::Function { around } = &sccache {
            modules::make_function(&mut edits, around);
        }
        let sccache = references::sccache(&sccache);
        let node = place.expr.syntax();
        let system = references::system(input::system_at(node), &sccache);
        let package = self.package(files, place, node, &system)?;
        let adds_input = package
            .as_ref()
            .is_some_and(|package| package.argument.is_some());
        if shell.kind == Kind::DevenvFile && adds_input && (argument.is_some() || is_function) {
            // Two arguments would be added to one function.
            return Err(Refused::NoInput);
        }
        self.check_linker(files, file, range.start, &sccache);
        let settings = self.settings_with(package.as_ref(), &sccache);
        let facts = match target {
            Target::Set(set) => {
                let dialect = match set.style {
                    Style::MkShell => Some(Dialect::MkShell),
                    Style::Devenv => Some(Dialect::Devenv),
                    Style::MakeShell => Some(Dialect::MakeShell),
                    Style::Devshell => None,
                };
                let mut eval = Eval::new(files);
                match dialect {
                    Some(dialect) => {
                        derivation::edit(&mut eval, &mut edits, dialect, set, settings, &sccache)
                    }
                    None => devshell::edit(&mut eval, &mut edits, &set.set, settings, &sccache),
                }
            }
            Target::Modules { modules: list, .. } => modules::add(&mut edits, list, settings),
            Target::DevshellToml { devshell, file, .. } => {
                modules::instead_of_toml(&mut edits, &place.expr, devshell, file, settings);
                Ok(SetFacts::default())
            }
        };
        let facts = facts.map_err(|declined| match declined {
            Declined::Unclear => Refused::Unclear,
            Declined::DynamicName(offset) => Refused::DynamicName(file, offset),
        })?;
        add_missing(&mut edits, argument.as_ref());
        add_package_argument(&mut edits, package.as_ref());
        self.note_facts(files, file, &facts);
        self.record(files, shell, file, range, edits, How::Edited);
        Ok(())
    }
}

/// The name of the shell that this one is another name for: `self.devShells.${system}.other`,
/// `self'.devShells.other`.
fn alias(shell: &Found) -> Option<String> {
    let Anchor::Value(thunk) = &shell.anchor else {
        return None;
    };
    let Expr::Select(select) = innermost(&thunk.expr) else {
        return None;
    };
    let base = select.expr()?.syntax().text().to_string();
    let names = syntax::attrpath_names(&select.attrpath()?);
    let is_shells = names.first()?.as_deref() == Some("devShells");
    match (base.as_str(), names.len()) {
        ("self" | "inputs.self", 3) | ("self'" | "config", 2) if is_shells => names.last()?.clone(),
        _ => None,
    }
}
