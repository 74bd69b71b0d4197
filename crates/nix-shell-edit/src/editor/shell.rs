//! The edit of one shell: inside, or as a whole.

use std::ops::Range;

use rnix::ast::Expr;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::refuse::{Refused, cannot_edit};
use super::{Editor, How, Inherited, Touched};
use crate::change::derivation::{self, Dialect};
use crate::change::edits::{Edit, Edits};
use crate::change::input::add_argument;
use crate::change::references::{self, AddedArgument, Package};
use crate::change::set::SetEdit;
use crate::change::shell_settings::ShellSettings;
use crate::change::{Declined, SetFacts, devshell, modules, wrap};
use crate::find::eval::{Eval, Thunk, call_parts, innermost};
use crate::find::files::{FileId, Files};
use crate::find::input;
use crate::find::lexical;
use crate::find::pkgs::{self, PackageSet, Platform, SccacheAccess};
use crate::find::shell_function::{self, SetTarget, Style, Target};
use crate::find::shells::{Anchor, Found, Kind};
use crate::text::range_of;
use sccfg_util::problem::Problem;

/// How many names a shell may have in a row.
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
                    // It is reported by the name that was asked for.
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
                // What kept the inside from being edited says more than why the outside can't be.
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
    fn inside(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
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
            Kind::DevenvModule => Style::Devenv,
            Kind::DevshellModule => Style::Devshell,
            Kind::MakeShellModule => Style::MakeShell,
        };
        let set =
            shell_function::module_set(&mut Eval::new(files), thunk).ok_or(Refused::Unknown)?;
        self.target(files, shell, &Target::Set(SetTarget::new(style, set, None)))
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
            // A module gets its own `pkgs`.
            Target::Modules { .. } | Target::DevshellToml { .. } => {
                SccacheAccess::PackageSet(PackageSet::Path("pkgs".to_owned()), Platform::Host)
            }
            Target::Set(_) => {
                let node = place.expr.syntax();
                pkgs::sccache_at(&mut Eval::new(files), node, prefix.as_ref(), place)
                    .ok_or(Refused::NoPkgs)?
            }
        };
        let argument = references::argument_of_sccache(&sccache);
        let sccache = references::sccache(&sccache);
        let node = place.expr.syntax();
        let system = references::system(input::system_at(node), &sccache);
        let package = self.package(files, place, node, &system)?;
        let settings = self.settings_with(package.as_ref());
        let facts = match target {
            Target::Set(set) => {
                let dialect = match set.style {
                    Style::MkShell => Some(Dialect::MkShell),
                    Style::Devenv => Some(Dialect::Devenv),
                    Style::MakeShell => Some(Dialect::MakeShell),
                    Style::Devshell => None,
                };
                match dialect {
                    Some(dialect) => {
                        let mut eval = Eval::new(files);
                        derivation::edit(&mut eval, &mut edits, dialect, set, settings, &sccache)
                    }
                    None => devshell::edit(&mut edits, &set.set, settings, &sccache),
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

    /// Edits a shell from outside: where it is named, else where its maker is called, else where
    /// the output as a whole is given.
    fn wrap(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
        let Anchor::Value(thunk) = &shell.anchor else {
            return self.wrap_inherited(files, shell);
        };
        let mut eval = Eval::new(files);
        let call = eval.follow(thunk);
        if cannot_be_overridden(&mut eval, &call) || cannot_be_overridden(&mut eval, thunk) {
            return Err(Refused::NoOverride);
        }
        // Options that a framework makes a shell of.
        if shell.kind == Kind::Derivation && matches!(call.expr, Expr::AttrSet(_)) {
            return Err(Refused::Unknown);
        }
        let calls_maker = shell_function::makes_shells(&mut eval, &call);
        let outside = thunk.beside(innermost(&thunk.expr));
        let mut refused = Refused::NoPkgs;
        if !is_in_helper(shell, thunk) {
            match self.wrap_value(files, shell, &outside) {
                Err(Refused::NoPkgs) if calls_maker => match self.wrap_value(files, shell, &call) {
                    Err(again) => refused = again,
                    done => return done,
                },
                Err(again) => refused = again,
                done => return done,
            }
        }
        self.wrap_output(files, shell).map_err(|_| refused)
    }

    fn wrap_output(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
        let Some(output) = shell
            .output
            .as_ref()
            .filter(|_| shell.kind == Kind::Derivation)
        else {
            return Err(Refused::NoPkgs);
        };
        let nixpkgs = pkgs::nixpkgs_input(output.expr.syntax()).ok_or(Refused::NoPkgs)?;
        let range = range_of(output.expr.syntax());
        if self.seen.contains(&(output.file, range.clone())) {
            return Ok(());
        }
        let text = files.get(output.file).text.clone();
        let mut edits = Edits::new(&text);
        let is_legacy = output.expr.syntax().parent().is_some_and(|binding| {
            binding
                .text()
                .to_string()
                .trim_start()
                .starts_with("devShell ")
        });
        let names = match (&shell.name, is_legacy) {
            (_, true) => Vec::new(),
            (Some(name), false) => vec![name.clone()],
            (None, false) => self.names.clone(),
        };
        let sccache = references::sccache_of_flake(&references::input(&nixpkgs, "nixpkgs"));
        let node = output.expr.syntax();
        let package = self.package(files, output, node, "system")?;
        let settings = self.settings_with(package.as_ref());
        wrap::output(&mut edits, &output.expr, &names, settings, &sccache);
        add_package_argument(&mut edits, package.as_ref());
        self.record(files, shell, output.file, range, edits, How::Wrapped);
        Ok(())
    }

    fn wrap_value(
        &mut self,
        files: &mut Files<'_>,
        shell: &Found,
        outside: &Thunk,
    ) -> Result<(), Refused> {
        let range = range_of(outside.expr.syntax());
        if self.seen.contains(&(outside.file, range.clone())) {
            return Ok(());
        }
        let access = pkgs::sccache_at(&mut Eval::new(files), outside.expr.syntax(), None, outside)
            .ok_or(Refused::NoPkgs)?;
        let argument = references::argument_of_sccache(&access);
        let sccache = references::sccache(&access);
        let text = files.get(outside.file).text.clone();
        let mut edits = Edits::new(&text);
        let expr = &outside.expr;
        let system = references::system(input::system_at(expr.syntax()), &sccache);
        let package = self.package(files, outside, expr.syntax(), &system)?;
        let settings = self.settings_with(package.as_ref());
        match (&shell.name, shell.kind) {
            (Some(_), Kind::Derivation) => {
                wrap::derivation(&mut edits, expr, settings, &sccache);
            }
            (None, Kind::Derivation) => {
                wrap::set(&mut edits, expr, &self.names, settings, &sccache);
            }
            (Some(_), Kind::DevenvModule) => {
                let module = modules::devenv(settings, edits.line_end());
                wrap::module(&mut edits, expr, &module);
            }
            (Some(_), Kind::DevshellModule) => {
                let module = modules::devshell(settings, edits.line_end());
                wrap::module(&mut edits, expr, &module);
            }
            (Some(_), Kind::MakeShellModule) | (None, _) => return Err(Refused::Unknown),
        }
        add_missing(&mut edits, argument.as_ref());
        add_package_argument(&mut edits, package.as_ref());
        self.record(files, shell, outside.file, range, edits, How::Wrapped);
        Ok(())
    }

    fn wrap_inherited(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
        let Anchor::Inherit {
            set, inherit, name, ..
        } = &shell.anchor
        else {
            return Err(Refused::Unknown);
        };
        let Expr::AttrSet(literal) = &set.expr else {
            return Err(Refused::Unclear);
        };
        // In a recursive set, `default = default.overrideAttrs …` would mean itself.
        if literal.rec_token().is_some() && inherit.from().is_none() {
            return Err(Refused::Unclear);
        }
        let access = pkgs::sccache_at(&mut Eval::new(files), inherit.syntax(), None, set)
            .ok_or(Refused::NoPkgs)?;
        let sccache = references::sccache(&access);
        let system = references::system(input::system_at(inherit.syntax()), &sccache);
        let package = self.package(files, set, inherit.syntax(), &system)?;
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

    /// Makes the edits of shells that are inherited: several may stand in one set, or in one
    /// `inherit`.
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
                let names: Vec<String> = of_entry.iter().map(|it| it.name.clone()).collect();
                let instead: Vec<String> = of_entry
                    .iter()
                    .map(|it| {
                        let line_end = edits.line_end();
                        let settings = ShellSettings {
                            package: it.package.as_ref(),
                            ..self.settings
                        };
                        wrap::inherited(&it.name, &it.inherit, settings, &it.sccache, line_end)
                    })
                    .collect();
                change.replace_inherited(index, &names, &instead);
            }
            change.write(&mut edits);
            self.add_edits(first.file, edits.into_edits());
        }
    }

    /// How sccfg's package is written at a place; `None` where the flake has no such input.
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
        let access = input::sccfg_at(&mut Eval::new(files), thunk, node).ok_or(Refused::NoInput)?;
        Ok(Some(references::package(&access, system)))
    }

    pub(super) fn settings_with<'p>(&'p self, package: Option<&'p Package>) -> ShellSettings<'p> {
        ShellSettings {
            package,
            ..self.settings
        }
    }

    fn note_facts(&mut self, files: &Files<'_>, file: FileId, facts: &SetFacts) {
        let file = files.get(file);
        for (offset, what) in &facts.hook.left {
            self.edited.warnings.push(
                Problem::new(format!(
                    "this line of the hook changes {what} after sccfg has set it"
                ))
                .at(file.place(*offset))
                .hint("take it out, or make it a line of its own that sccfg can take out"),
            );
        }
        for (offset, what) in &facts.hook.conditional {
            self.edited.warnings.push(
                Problem::new(format!(
                    "the hook had {what} under a condition only; sccfg sets it in every shell"
                ))
                .at(file.place(*offset))
                .hint("where it is not settings, such as in CI: unset RUSTC_WRAPPER there"),
            );
        }
        if let Some(dir) = &facts.hook.dir {
            let plain = dir.starts_with('/') && !dir.contains(['$', '`']);
            let shown = if plain { dir } else { "PATH" };
            self.edited.warnings.push(
                Problem::new(format!("the flake had its own cache directory, {dir}")).hint(
                    format!("the machine has one for all: to change it, sccfg init --dir {shown}"),
                ),
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

    fn touch(&mut self, files: &Files<'_>, shell: &Found, file: FileId, offset: usize, how: How) {
        let source = files.get(file);
        let name = shell.name.clone().or_else(|| self.names.first().cloned());
        self.edited.touched.push(Touched {
            shell: name.unwrap_or_default(),
            place: source.place(offset),
            how,
        });
    }
}

/// Whether the expression to be wrapped stands in a function that other outputs may use as well:
/// one that was called on the way from the output to the shell, and is not part of the output.
fn is_in_helper(shell: &Found, thunk: &Thunk) -> bool {
    let Some(output) = &shell.output else {
        return false;
    };
    let output = (output.file, output.expr.syntax());
    thunk.called_functions().any(|(file, function)| {
        let holds_output = output.0 == file && output.1.ancestors().any(|node| &node == function);
        let is_in_output = output.0 == file && function.ancestors().any(|node| &node == output.1);
        // A function that is a file of its own was written for its caller.
        let is_whole_file = function
            .ancestors()
            .skip(1)
            .all(|node| matches!(node.kind(), SyntaxKind::NODE_ROOT | SyntaxKind::NODE_LAMBDA));
        !holds_output && !is_in_output && !is_whole_file
    })
}

/// Whether the shell comes from something whose result has no `overrideAttrs`, or one that forgets
/// what was overridden before.
fn cannot_be_overridden(eval: &mut Eval<'_, '_>, shell: &Thunk) -> bool {
    const SIGNS: [&str; 6] = [
        "devshell.mkShell",
        "importTOML",
        "fromTOML",
        "mkNakedShell",
        "std.harvest",
        "std.lib.dev",
    ];
    let (head, _) = call_parts(&shell.expr);
    let function = eval.follow(&shell.beside(head));
    [&shell.expr, &function.expr].into_iter().any(|expr| {
        let text = expr.syntax().text().to_string();
        SIGNS.iter().any(|sign| text.contains(sign))
    })
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
    let names = lexical::attrpath_names(&select.attrpath()?);
    let is_shells = names.first()?.as_deref() == Some("devShells");
    match (base.as_str(), names.len()) {
        ("self" | "inputs.self", 3) | ("self'" | "config", 2) if is_shells => names.last()?.clone(),
        _ => None,
    }
}

/// Adds the argument that sccfg's package needs, if any.
pub(super) fn add_package_argument(edits: &mut Edits<'_>, package: Option<&Package>) {
    add_missing(edits, package.and_then(|package| package.argument.as_ref()));
}

fn add_missing(edits: &mut Edits<'_>, argument: Option<&AddedArgument>) {
    if let Some((lambda, name)) = argument {
        add_argument(edits, lambda, name);
    }
}
