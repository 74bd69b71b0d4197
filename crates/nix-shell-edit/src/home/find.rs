//! Finds the modules that configure users' homes.

use std::path::{Path, PathBuf};

use rnix::SyntaxNode;
use rnix::ast::{self, Apply, AttrpathValue, Expr};
use rowan::ast::AstNode as _;

use super::holder::{self, full_path, name_of};
use super::{Module, ModuleKind};
use crate::find::eval::Eval;
use crate::find::files::{FileId, Files, Sources};
use crate::find::syntax::{self, call_parts, last_name};
use crate::find::thunk::Thunk;
use crate::region;
use crate::text::range_of;
use crate::variable::Variable;
use sccfg_util::problem::{Place, Problem};

/// The result of [`find`].
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The modules that configure a home, one for each name.
    pub modules: Vec<Module>,
    /// Modules of home-manager that a flake collects by their names: `flake.modules.homeManager.NAME`.
    pub collected: Vec<Module>,
    /// Whether home-manager is a module of NixOS or nix-darwin somewhere.
    pub in_system: bool,
    /// Whether a configuration of home-manager alone is made somewhere.
    pub alone: bool,
    /// Whether sccfg's own home-manager module is imported somewhere.
    pub has_module: bool,
    /// Where home-manager sets up sccache already.
    pub rivals: Vec<Place>,
    /// Variables of sessions that are set already.
    pub variables: Vec<SessionVariable>,
    /// The directories of which import-tree imports all files but those below a `_…`.
    pub imported_trees: Vec<PathBuf>,
    /// Calls that list the files of a directory, perhaps to import all of them.
    pub listings: Vec<Listing>,
    /// The error of a file with a region of `sccfg home`.
    pub damaged: Option<Problem>,
}

/// A variable of sccache or cargo that a configuration sets in all sessions:
/// `home.sessionVariables.NAME = value;`, `environment.variables.NAME = value;`.
#[derive(Debug, Clone)]
pub struct SessionVariable {
    /// Its name.
    pub name: String,
    /// The value, as it is written in Nix.
    pub value: String,
    /// Whether the option is `home.sessionVariables`.
    pub of_home: bool,
    /// Where it is set.
    pub place: Place,
}

/// A call such as `builtins.readDir ./modules`.
#[derive(Debug, Clone)]
pub struct Listing {
    directory: PathBuf,
    is_recursive: bool,
    /// Whether its file leaves out names that begin with `_`.
    pub is_filtered: bool,
    /// Where it is.
    pub place: Place,
}

impl Listing {
    /// Whether it lists the files in `directory`.
    pub fn lists(&self, directory: &Path) -> bool {
        *directory == self.directory || self.is_recursive && directory.starts_with(&self.directory)
    }
}

/// Searches the files at `paths`. Files that do not parse are skipped.
pub fn find(sources: &dyn Sources, paths: &[PathBuf]) -> Found {
    let mut files = Files::marked(sources, region::HOME);
    let ids: Vec<FileId> = paths
        .iter()
        .filter_map(|path| files.load(path).ok().flatten())
        .collect();
    let mut search = Search {
        eval: Eval::new(&mut files),
        found: Found::default(),
        settings: Vec::new(),
        settings_in_config: Vec::new(),
        single: Vec::new(),
        named: Vec::new(),
    };
    for id in ids {
        search.file(id);
    }
    let Search {
        mut found,
        mut settings,
        settings_in_config,
        mut single,
        named,
        ..
    } = search;
    if settings.is_empty() {
        settings = settings_in_config;
    }
    if !found.imported_trees.is_empty() {
        settings.retain(|module| is_imported(&module.file, &named));
        single.retain(|module| is_imported(&module.file, &named));
        (found.collected).retain(|module| is_imported(&module.file, &named));
    }
    found.damaged = files.damaged.take();
    if found.modules.is_empty() {
        let home = Path::new("home.nix");
        // home-manager reads this one by default.
        found.modules = if paths.iter().any(|file| file == home) {
            vec![Module::file(home)]
        } else {
            settings
        };
    }
    if found.modules.is_empty() {
        found.modules = single;
    }
    found
}

struct Search<'f, 's> {
    eval: Eval<'f, 's>,
    found: Found,
    /// The modules that set an option which every home has to set.
    settings: Vec<Module>,
    /// Those that set it in the set `config`; used if there are no others, because most of these modules
    /// have options, and are not where a user adds imports.
    settings_in_config: Vec<Module>,
    /// Modules of which an option that every home has to set is written as one attribute path; used if there are no
    /// others.
    single: Vec<Module>,
    /// The files, and the paths that they name.
    named: Vec<(PathBuf, PathBuf)>,
}

/// Whether import-tree ignores what is at `path`, relative to the tree: a name in it begins with `_`
/// (<https://github.com/vic/import-tree>).
pub fn is_ignored_by_import_tree(path: &Path) -> bool {
    path.iter()
        .any(|name| name.as_encoded_bytes().starts_with(b"_"))
}

/// Whether import-tree imports a file, or a file that it imports names it, in one or several steps.
fn is_imported(file: &Path, named: &[(PathBuf, PathBuf)]) -> bool {
    let mut sought = vec![file.to_owned()];
    let mut next = 0;
    while let Some(current) = sought.get(next).cloned() {
        if !is_ignored_by_import_tree(&current) {
            return true;
        }
        let by = named
            .iter()
            .filter(|(_, path)| *path == current || path.join("default.nix") == current);
        for (from, _) in by {
            if !sought.contains(from) {
                sought.push(from.clone());
            }
        }
        next += 1;
    }
    false
}

impl Search<'_, '_> {
    fn file(&mut self, id: FileId) {
        let whole = self.eval.file(id);
        for node in whole.expr.syntax().descendants() {
            if let Some(apply) = Apply::cast(node.clone()) {
                self.call(&whole, &apply);
            } else if let Some(select) = ast::Select::cast(node.clone()) {
                let text = select.syntax().text().to_string();
                let has_any = |names: &[&str]| names.iter().any(|name| text.contains(name));
                self.found.has_module |=
                    has_any(&["sccfg.homeModules.", "sccfg.homeManagerModules."]);
                self.found.in_system |=
                    has_any(&["home-manager.nixosModules", "home-manager.darwinModules"]);
            } else if let Some(path) = ast::PathSearch::cast(node.clone()) {
                let text = path.syntax().text();
                self.found.in_system |=
                    text == "<home-manager/nixos>" || text == "<home-manager/nix-darwin>";
            } else if let Some(path) = ast::PathRel::cast(node.clone()) {
                let text = path.syntax().text().to_string();
                let named = self.eval.files.beside(whole.file, &text);
                let from = &self.eval.files.get(whole.file).path;
                self.named.extend(named.map(|path| (from.clone(), path)));
            } else if let Some(binding) = AttrpathValue::cast(node) {
                self.binding(&whole, &binding);
            }
        }
    }

    /// `homeManagerConfiguration { modules = [ … ]; }`
    fn call(&mut self, whole: &Thunk, apply: &Apply) {
        let is_inner = apply
            .syntax()
            .parent()
            .and_then(Apply::cast)
            .and_then(|outer| outer.lambda())
            .is_some_and(|function| function.syntax() == apply.syntax());
        if is_inner {
            return;
        }
        let (head, arguments) = call_parts(&Expr::Apply(apply.clone()));
        let below = arguments
            .iter()
            .flat_map(|argument| argument.syntax().descendants());
        let directories = below.filter_map(ast::PathRel::cast).filter_map(|path| {
            let text = path.syntax().text().to_string();
            self.eval.files.beside(whole.file, &text)
        });
        if head.syntax().text().to_string().contains("import-tree") {
            self.found.imported_trees.extend(directories);
        } else if let Some(is_recursive) = last_name(&head).as_deref().and_then(lists_files) {
            let file = self.eval.files.get(whole.file);
            let place = file.place(range_of(apply.syntax()).start);
            let is_filtered = (file.root.syntax().descendants())
                .filter_map(Apply::cast)
                .any(|apply| leaves_out_hidden(&apply));
            let listings = directories.map(|directory| Listing {
                directory,
                is_recursive,
                is_filtered,
                place: place.clone(),
            });
            self.found.listings.extend(listings);
        }
        let is_maker = |expr: &Expr| last_name(expr).as_deref() == Some("homeManagerConfiguration");
        // Also `lib.makeOverridable homeManagerConfiguration { … }`.
        if !is_maker(&head) && !arguments.iter().any(is_maker) {
            return;
        }
        let Some(options) = arguments.last() else {
            return;
        };
        self.found.alone = true;
        let options = self.eval.follow(&whole.beside(options.clone()));
        // Before 2022, the module was the argument `configuration`.
        let modules = ["modules", "configuration"]
            .into_iter()
            .find_map(|name| self.eval.attribute(&options, name));
        if let Some(modules) = modules {
            let name = name_below(apply.syntax(), "homeConfigurations");
            self.choose(&modules, ModuleKind::Configuration, name.as_ref());
        }
    }

    fn binding(&mut self, whole: &Thunk, binding: &AttrpathValue) {
        let (Some(own), Some(value)) = (binding.attrpath(), binding.value()) else {
            return;
        };
        let path = full_path(binding);
        let names: Vec<&str> = path
            .iter()
            .map(|name| name.as_deref().unwrap_or(""))
            .collect();
        let place = |this: &Self| {
            let file = this.eval.files.get(whole.file);
            file.place(range_of(binding.syntax()).start)
        };
        let file = &self.eval.files.get(whole.file).path;
        // Every home has to set these options.
        let sets_home = matches!(
            names.as_slice(),
            [.., "home", "stateVersion" | "username" | "homeDirectory"]
        );
        if sets_home && let Some(module) = holder::module_of(binding, 2, file) {
            let modules = match names.as_slice() {
                _ if module.names.is_some() => &mut self.single,
                ["config", _, _] => &mut self.settings_in_config,
                _ => &mut self.settings,
            };
            add(modules, module);
        }
        if let Some(name) = holder::module_name(&path)
            && let Some(module) = holder::collected(&value, name, file)
        {
            self.found.collected.push(module);
        }
        let is_ours = match names.as_slice() {
            [.., "configFile" | "file", last] => last.ends_with("sccache/config"),
            [.., "configFile" | "file", file, _] => file.ends_with("sccache/config"),
            _ => false,
        };
        // The set as a whole, or one option of it.
        let sets_options = names.windows(2).any(|pair| pair == ["programs", "sccache"])
            && syntax::attrpath_names(&own)
                .iter()
                .any(|name| name.as_deref() == Some("sccache"));
        if is_ours || sets_options {
            let place = place(self);
            self.found.rivals.push(place);
        }
        if let [.., option, "sessionVariables" | "variables", name] = names.as_slice()
            && Variable::from_name(name).is_some()
        {
            let variable = SessionVariable {
                name: (*name).to_owned(),
                value: value.syntax().text().to_string(),
                of_home: *option == "home",
                place: place(self),
            };
            self.found.variables.push(variable);
        }
        let users = names
            .windows(2)
            .position(|pair| pair == ["home-manager", "users"]);
        self.found.in_system |= users.is_some();
        match users.map(|users| &path[users + 2..]) {
            Some([name]) => self.choose(&whole.beside(value), ModuleKind::User, name.as_ref()),
            // `home-manager.users.me.imports = [ … ];`
            Some([name, imports])
                if imports.as_deref() == Some("imports") && own.attrs().count() > 1 =>
            {
                self.choose(&whole.beside(value), ModuleKind::User, name.as_ref());
            }
            // `home-manager.users.me.home.stateVersion = …;`
            Some([Some(name), _, _]) if sets_home => {
                let module = holder::module_at(binding, path.len() - 2, name.clone(), file);
                if let Some(module) = module.filter(|module| module.names.is_some()) {
                    let kind = ModuleKind::User;
                    add(&mut self.single, Module { kind, ..module });
                }
            }
            _ => {}
        }
    }

    /// Adds the module, or of a list of modules the one that is most likely the user's own.
    fn choose(&mut self, modules: &Thunk, kind: ModuleKind, name: Option<&String>) {
        let mut best: Option<(usize, Module)> = None;
        for module in self.elements(modules, 0) {
            let Some((rank, mut module)) = self.module(&module) else {
                continue;
            };
            module.kind = kind;
            module.name = name.cloned();
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, module));
            }
        }
        if let Some((_, module)) = best
            && !self.found.modules.contains(&module)
        {
            self.found.modules.push(module);
        }
    }

    /// The elements of a literal list, or the expression itself.
    fn elements(&mut self, list: &Thunk, depth: u32) -> Vec<Thunk> {
        if depth > 8 || !self.eval.spend() {
            return Vec::new();
        }
        let value = self.eval.follow(list);
        match &value.expr {
            Expr::List(list) => list.items().map(|item| value.beside(item)).collect(),
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Concat) => {
                [operation.lhs(), operation.rhs()]
                    .into_iter()
                    .flatten()
                    .flat_map(|side| self.elements(&value.beside(side), depth + 1))
                    .collect()
            }
            Expr::Apply(_) => {
                let (head, arguments) = call_parts(&value.expr);
                match (last_name(&head).as_deref(), arguments.as_slice()) {
                    (Some("singleton"), [one]) | (Some("optional"), [_, one]) => {
                        vec![value.beside(one.clone())]
                    }
                    (Some("optionals"), [_, list]) => {
                        self.elements(&value.beside(list.clone()), depth + 1)
                    }
                    _ => vec![list.clone()],
                }
            }
            _ => vec![list.clone()],
        }
    }

    /// The module that an expression refers to in these files, and how unlikely it is to be the one
    /// that the user edits.
    fn module(&mut self, thunk: &Thunk) -> Option<(usize, Module)> {
        let mut value = self.eval.follow(thunk);
        if let Some(imported) = self.eval.imported(&value) {
            value = imported;
        }
        let file = self.eval.files.get(value.file);
        if value.file != thunk.file {
            let says = |word: &str| file.text.contains(word);
            let is_home = says("stateVersion") || says("homeDirectory");
            let is_called_so = file.path.to_string_lossy().contains("home");
            let rank = match (is_home, is_called_so) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            return Some((rank, Module::file(&file.path)));
        }
        let text = value.expr.syntax().text().to_string();
        let sets_home = ["home", "programs", "services", "xdg"]
            .iter()
            .any(|word| text.contains(word));
        // One that is bound elsewhere may be a module of NixOS as well.
        let is_literal = value.expr.syntax() == thunk.expr.syntax();
        let is_module = matches!(value.expr, Expr::AttrSet(_) | Expr::Lambda(_));
        (is_module && (sets_home || is_literal)).then(|| {
            let module = Module {
                range: Some(range_of(value.expr.syntax())),
                ..Module::file(&file.path)
            };
            (if sets_home { 3 } else { 4 }, module)
        })
    }
}

/// Adds a module that is not among `modules`. Of several options of one module, one is enough.
fn add(modules: &mut Vec<Module>, module: Module) {
    let is_same = |other: &Module| {
        let same_path = module.names.is_some() && other.names.is_some();
        (same_path && other.file == module.file && other.name == module.name) || *other == module
    };
    if !modules.iter().any(is_same) {
        modules.push(module);
    }
}

/// Whether a function lists the files of a directory, and then whether those of the directories below, too.
fn lists_files(name: &str) -> Option<bool> {
    match name {
        "readDir" => Some(false),
        "listFilesRecursive" | "umport" => Some(true),
        // Of configurations that have it in their own library.
        _ if name.starts_with("mapModules") => Some(name.contains("Rec")),
        _ => None,
    }
}

/// Whether a call is `hasPrefix "_" name` in `!(hasPrefix "_" name)`.
fn leaves_out_hidden(apply: &Apply) -> bool {
    let (head, arguments) = call_parts(&Expr::Apply(apply.clone()));
    let [Expr::Str(prefix), _] = arguments.as_slice() else {
        return false;
    };
    let is_negated = || {
        let mut around = apply.syntax().ancestors().skip(1);
        let outer = around.find(|node| !ast::Paren::can_cast(node.kind()));
        let outer = outer.and_then(ast::UnaryOp::cast);
        outer.is_some_and(|outer| outer.operator() == Some(ast::UnaryOpKind::Invert))
    };
    last_name(&head).as_deref() == Some("hasPrefix")
        && syntax::plain_string(prefix).as_deref() == Some("_")
        && is_negated()
}

/// The name below the attribute `output` on the way out from `node`: `homeConfigurations.NAME`.
fn name_below(node: &SyntaxNode, output: &str) -> Option<String> {
    let mut names: Vec<Option<String>> = Vec::new();
    for binding in node.ancestors().filter_map(AttrpathValue::cast) {
        let own = binding.attrpath()?;
        let mut longer: Vec<Option<String>> = own.attrs().map(|attr| name_of(&attr)).collect();
        longer.append(&mut names);
        names = longer;
        let is_output = |name: &Option<String>| name.as_deref() == Some(output);
        if let Some(position) = names.iter().position(is_output) {
            return names.get(position + 1)?.clone();
        }
    }
    None
}
