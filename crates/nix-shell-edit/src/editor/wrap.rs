//! A shell that cannot be edited inside is edited from outside.

use rnix::SyntaxKind;
use rnix::ast::Expr;
use rowan::ast::AstNode as _;

use super::record::{add_missing, add_package_argument};
use super::shell_errors::Refused;
use super::{Editor, How};
use crate::change::edits::Edits;
use crate::change::{hook, modules, references, wrap};
use crate::find::eval::Eval;
use crate::find::files::Files;
use crate::find::found::{Anchor, Found, Kind};
use crate::find::input;
use crate::find::pkgs;
use crate::find::shell_function;
use crate::find::syntax::{call_parts, innermost};
use crate::find::thunk::Thunk;
use crate::text::range_of;

impl Editor<'_> {
    /// Wraps a shell: where it is named, otherwise where its function is called, otherwise in the
    /// whole output.
    pub(super) fn wrap(&mut self, files: &mut Files<'_>, shell: &Found) -> Result<(), Refused> {
        let Anchor::Value(thunk) = &shell.anchor else {
            return self.wrap_inherited(files, shell);
        };
        let mut eval = Eval::new(files);
        let call = eval.follow(thunk);
        let is_devenv = matches!(shell.kind, Kind::DevenvModule | Kind::DevenvFile);
        if !is_devenv
            && (cannot_be_overridden(&mut eval, &call) || cannot_be_overridden(&mut eval, thunk))
        {
            return Err(Refused::NoOverride);
        }
        // Options from which a framework makes a shell.
        if shell.kind == Kind::Derivation && matches!(call.expr, Expr::AttrSet(_)) {
            return Err(Refused::Unknown);
        }
        let calls_shell_function = shell_function::makes_shells(&mut eval, &call);
        let outside = thunk.beside(innermost(&thunk.expr));
        let mut refused = Refused::NoPkgs;
        if !is_in_helper(shell, thunk) {
            match self.wrap_value(files, shell, &outside) {
                Err(Refused::NoPkgs) if calls_shell_function => {
                    match self.wrap_value(files, shell, &call) {
                        Err(again) => refused = again,
                        done => return done,
                    }
                }
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
        let settings = self.settings_with(package.as_ref(), &sccache);
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
        if let Kind::DevenvModule | Kind::DevenvFile = shell.kind {
            return self.wrap_devenv(files, shell, outside);
        }
        let access = pkgs::sccache_at(&mut Eval::new(files), outside.expr.syntax(), None, outside)
            .ok_or(Refused::NoPkgs)?;
        let access = self.with_linker(access, outside.expr.syntax(), outside);
        let argument = references::argument_of_sccache(&access);
        let sccache = references::sccache(&access);
        let text = files.get(outside.file).text.clone();
        let mut edits = Edits::new(&text);
        let expr = &outside.expr;
        let system = references::system(input::system_at(expr.syntax()), &sccache);
        let package = self.package(files, outside, expr.syntax(), &system)?;
        self.check_linker(files, outside.file, range.start, &sccache);
        let settings = self.settings_with(package.as_ref(), &sccache);
        let mut contained = Vec::new();
        match (&shell.name, shell.kind) {
            (Some(_), Kind::Derivation) => {
                let mut eval = Eval::new(files);
                let hook = shell_function::hook_of(&mut eval, outside);
                let hook = hook.into_iter().collect();
                contained = hook::conflicts_elsewhere(&mut eval, hook, settings);
                wrap::derivation(&mut edits, expr, settings, &sccache);
            }
            (None, Kind::Derivation) => {
                wrap::set(&mut edits, expr, &self.names, settings, &sccache);
            }
            (Some(_), Kind::DevshellModule) => {
                let module = modules::devshell(settings, edits.layout());
                wrap::module(&mut edits, expr, &module);
            }
            _ => return Err(Refused::Unknown),
        }
        add_missing(&mut edits, argument.as_ref());
        add_package_argument(&mut edits, package.as_ref());
        self.warn_of_contained_lines(&contained);
        self.record(files, shell, outside.file, range, edits, How::Wrapped);
        Ok(())
    }
}

impl Editor<'_> {
    /// Adds a module next to a module of devenv, which is called with its own `pkgs`.
    fn wrap_devenv(
        &mut self,
        files: &mut Files<'_>,
        shell: &Found,
        outside: &Thunk,
    ) -> Result<(), Refused> {
        let range = range_of(outside.expr.syntax());
        let text = files.get(outside.file).text.clone();
        let mut edits = Edits::new(&text);
        let node = outside.expr.syntax();
        let package = if shell.kind == Kind::DevenvFile {
            self.has_input.then(references::package_of_module)
        } else {
            let system = references::system(input::system_at(node), "pkgs.sccache");
            self.package(files, outside, node, &system)?
        };
        let settings = self.settings_with(package.as_ref(), "pkgs.sccache");
        let module = match (shell.kind, &package) {
            (Kind::DevenvFile, Some(_)) => {
                modules::devenv(settings, "pkgs, lib, inputs", edits.layout())
            }
            _ => modules::devenv(settings, "pkgs, lib", edits.layout()),
        };
        wrap::module(&mut edits, &outside.expr, &module);
        add_package_argument(&mut edits, package.as_ref());
        self.record(files, shell, outside.file, range, edits, How::Wrapped);
        let module = self.module(files, shell, outside);
        self.note_hooks(files, &module, None);
        Ok(())
    }
}

/// Whether the expression to be wrapped is in a function that other outputs may use as well: one that
/// was called on the path from the output to the shell, and is not part of the output.
fn is_in_helper(shell: &Found, thunk: &Thunk) -> bool {
    let Some(output) = &shell.output else {
        return false;
    };
    let output = (output.file, output.expr.syntax());
    thunk.called_functions().any(|(file, function)| {
        let holds_output = output.0 == file && output.1.ancestors().any(|node| &node == function);
        let is_in_output = output.0 == file && function.ancestors().any(|node| &node == output.1);
        // A function that is a whole file was written for its caller.
        let is_whole_file = function
            .ancestors()
            .skip(1)
            .all(|node| matches!(node.kind(), SyntaxKind::NODE_ROOT | SyntaxKind::NODE_LAMBDA));
        !holds_output && !is_in_output && !is_whole_file
    })
}

/// Whether the shell is the result of a function without `overrideAttrs`, or with one that drops
/// earlier overrides.
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
