//! Frameworks that look for shells in files by their names.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use rnix::ast::Expr;
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::found::InToml;
use super::search::{Search, Sought, Step, name};
use super::syntax;
use super::thunk::PackageCall;
use super::thunk::{Thunk, Value};

impl Search<'_, '_> {
    /// flake-utils: `simpleFlake { shell = ./shell.nix; … }`, a file or a function of `pkgs`.
    pub(super) fn walk_simple_flake(
        &mut self,
        options: &Thunk,
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        if path[0] != name("devShells") {
            return false;
        }
        let options = self.eval.follow(options);
        let Some(shell) = self.eval.attribute(&options, "shell") else {
            return false;
        };
        let shell = self.eval.follow(&shell);
        let shell = match self.eval.imported(&shell) {
            Some(imported) => self.eval.follow(&imported),
            None => shell,
        };
        matches!(shell.expr, Expr::Lambda(_))
            && self.walk_result(&shell, &sought.named(Some("default".to_owned())))
    }

    /// numtide's blueprint: `devshell.nix` and `devshells/NAME.nix` below its `prefix`.
    pub(super) fn walk_blueprint(
        &mut self,
        options: &Thunk,
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        if path[0] != name("devShells") {
            return false;
        }
        let options = self.eval.follow(options);
        let prefix = match self
            .eval
            .attribute(&options, "prefix")
            .map(|prefix| prefix.expr)
        {
            Some(Expr::Str(text)) => syntax::plain_string(&text).unwrap_or_default(),
            Some(path) => path.syntax().text().to_string(),
            None => String::new(),
        };
        let directory = Path::new("").join(prefix.trim_start_matches("./"));
        let below = directory.join("devshells");
        let mut shells = vec![("default".to_owned(), directory.join("devshell.nix"))];
        let mut in_toml = |name: &str, file| {
            let name = name.to_owned();
            self.in_toml.push(InToml { name, file });
        };
        if self
            .eval
            .files
            .names_in(&directory)
            .iter()
            .any(|name| name == "devshell.toml")
        {
            in_toml("default", directory.join("devshell.toml"));
        }
        for file in self.eval.files.names_in(&below) {
            match file.rsplit_once('.') {
                Some((shell, "nix")) => shells.push((shell.to_owned(), below.join(&file))),
                Some((shell, "toml")) => in_toml(shell, below.join(&file)),
                _ => shells.push((file.clone(), below.join(&file).join("default.nix"))),
            }
        }
        self.walk_shell_files(&shells, PackageCall::of_blueprint(), sought)
    }

    /// snowfall-lib: `shells/NAME/default.nix` below its root, called by `callPackage`.
    pub(super) fn walk_snowfall(
        &mut self,
        options: &Thunk,
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        if path[0] != name("devShells") {
            return false;
        }
        let mut shells = Vec::new();
        // `snowfall.root = ./nix;`, here or in the call of `mkLib`.
        for root in ["", "nix"] {
            let directory = Path::new(root).join("shells");
            for shell in self.eval.files.names_in(&directory) {
                let file = directory.join(&shell).join("default.nix");
                shells.push((shell, file));
            }
        }
        let options = self.eval.follow(options);
        if let Some(meant) = snowfall_alias(&options) {
            let file = shells
                .iter()
                .find(|(shell, _)| *shell == meant)
                .map(|(_, file)| file.clone());
            shells.extend(file.map(|file| ("default".to_owned(), file)));
        }
        self.walk_shell_files(&shells, PackageCall::of_nixpkgs(), sought)
    }

    /// Any other function with a file as an argument named like a shell: `{ shell = ./shell.nix; }`.
    pub(super) fn walk_shell_option(
        &mut self,
        options: &Thunk,
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        if path.first() != Some(&name("devShells")) {
            return false;
        }
        let options = self.eval.follow(options);
        for option in ["shell", "devShell", "devshell"] {
            let Some(shell) = self.eval.attribute(&options, option) else {
                continue;
            };
            let shell = self.eval.follow(&shell);
            let Some(file) = self.eval.imported(&shell) else {
                continue;
            };
            if self.walk_result(&file, &sought.named(Some("default".to_owned()))) {
                return true;
            }
        }
        false
    }

    /// Shells in separate files, each a function that is called by `call`.
    fn walk_shell_files(
        &mut self,
        shells: &[(String, PathBuf)],
        call: PackageCall,
        sought: &Sought,
    ) -> bool {
        let call = Rc::new(call);
        let mut any = false;
        for (shell, file) in shells {
            let Some(id) = self.eval.files.import(file) else {
                continue;
            };
            let whole = self.eval.file(id);
            let whole = self.eval.follow(&whole);
            let shell = sought.named(Some(shell.clone()));
            let package = Value::Package(Rc::clone(&call));
            any |= match Eval::call(&whole, package) {
                Some(body) => self.walk(&body, &[], &shell),
                None => self.walk_result(&whole, &shell),
            };
        }
        any
    }
}

/// `alias.shells.default = "name";`
fn snowfall_alias(options: &Thunk) -> Option<String> {
    let Expr::AttrSet(set) = &options.expr else {
        return None;
    };
    let text = set.syntax().text().to_string();
    let (_, rest) = text.split_once("shells.default = \"").or_else(|| {
        let (_, alias) = text.split_once("alias")?;
        alias.split_once("default = \"")
    })?;
    Some(rest.split('"').next()?.to_owned())
}
