//! flake-parts: shells in modules, in files of modules, and in directories of such files.

use std::path::Path;

use rnix::ast::{Entry, Expr};
use rowan::ast::AstNode as _;

use super::files::FileId;
use super::found::Kind;
use super::search::{Search, Sought, Step, name};
use super::syntax::{self, call_parts};
use super::thunk::Thunk;

/// Functions that a module calls to import all files of a directory.
const READERS: [&str; 3] = ["readDir", "import-tree", "listFilesRecursive"];

/// The path of a `perSystem` module below `config`, as one binding.
const PER_SYSTEM_OF_CONFIG: [&str; 2] = ["config", "perSystem"];

impl Search<'_, '_> {
    /// flake-parts: `mkFlake { … } <module>`.
    pub(super) fn walk_flake_module(&mut self, module: &Thunk, path: &[Step]) -> bool {
        let parts = self.module_parts(module, 0);
        let mut any = false;
        if let [first, Step::System, below @ ..] = path
            && *first == name("devShells")
        {
            let parts = self.with_per_system(&parts);
            for (prefix, kind) in [
                (&["devShells"][..], Kind::Derivation),
                (&["devenv", "shells"], Kind::DevenvModule),
                (&["devshells"], Kind::DevshellModule),
                (&["make-shells"], Kind::MakeShellModule),
            ] {
                let prefix: Vec<Step> = prefix.iter().map(|step| name(step)).collect();
                let sought = Sought {
                    kind,
                    ..Sought::default()
                };
                let inner = [prefix.as_slice(), below].concat();
                any |= self.walk_per_system(&parts, &inner, &sought);
            }
        }
        let flake = [&[name("flake")], path].concat();
        for part in &parts {
            any |= self.walk(part, &flake, &Sought::default());
        }
        any
    }

    /// Each part of a module, with the parts of its `perSystem` module.
    fn with_per_system(&mut self, parts: &[Thunk]) -> Vec<(Thunk, Vec<Thunk>)> {
        parts
            .iter()
            .map(|part| {
                let per_system = self
                    .eval
                    .attribute(part, "perSystem")
                    .or_else(|| binding(part, &PER_SYSTEM_OF_CONFIG));
                let inner = per_system.map(|module| self.module_parts(&module, 0));
                (part.clone(), inner.unwrap_or_default())
            })
            .collect()
    }

    /// The `perSystem` modules of a flake-parts module and of what it imports.
    fn walk_per_system(
        &mut self,
        parts: &[(Thunk, Vec<Thunk>)],
        path: &[Step],
        sought: &Sought,
    ) -> bool {
        let config = [&[name("config")], path].concat();
        let mut any = false;
        for (part, per_system) in parts {
            for inner in per_system {
                any |= self.walk(inner, path, sought);
                any |= self.walk(inner, &config, sought);
            }
            for below in [path, &config] {
                let dotted = [&[name("perSystem")], below].concat();
                let dotted_config = [&[name("config")], dotted.as_slice()].concat();
                any |= self.walk_dotted(part, &dotted, sought);
                any |= self.walk_dotted(part, &dotted_config, sought);
            }
        }
        any
    }

    /// `perSystem.devShells.default = …;` without `perSystem = …;`
    fn walk_dotted(&mut self, part: &Thunk, path: &[Step], sought: &Sought) -> bool {
        let Some(first) = path.first().and_then(Step::as_name) else {
            return false;
        };
        let is_whole =
            binding(part, &[first]).is_some() || binding(part, &PER_SYSTEM_OF_CONFIG).is_some();
        !is_whole && self.walk(part, path, sought)
    }

    /// The modules of flake-parts' partitions, which define parts of the outputs:
    /// `partitions.dev.module = …;`
    fn partitions(&mut self, module: &Thunk) -> Vec<Thunk> {
        let Expr::AttrSet(set) = &module.expr else {
            return Vec::new();
        };
        let mut modules = Vec::new();
        let mut sets = Vec::new();
        for entry in syntax::entries(set.syntax()) {
            let Entry::AttrpathValue(binding) = entry else {
                continue;
            };
            let Some((names, value)) = syntax::binding_parts(&binding) else {
                continue;
            };
            let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
            match names.as_slice() {
                [Some("partitions")] => {
                    let all = self.eval.follow(&module.beside(value));
                    if let Expr::AttrSet(each) = &all.expr {
                        let each = syntax::entries(each.syntax());
                        sets.extend(each.iter().filter_map(|entry| match entry {
                            Entry::AttrpathValue(binding) => {
                                let (names, value) = syntax::binding_parts(binding)?;
                                Some((names.get(1).cloned().flatten(), all.beside(value)))
                            }
                            Entry::Inherit(_) => None,
                        }));
                    }
                }
                [Some("partitions"), _] => sets.push((None, module.beside(value))),
                [Some("partitions"), _, Some("module")] => modules.push(module.beside(value)),
                _ => {}
            }
        }
        for (part, value) in sets {
            match part.as_deref() {
                Some("module") => modules.push(value),
                Some(_) => {}
                None => {
                    let set = self.eval.follow(&value);
                    modules.extend(self.eval.attribute(&set, "module"));
                }
            }
        }
        modules
    }

    /// The sets that a module consists of: its own, `config = …`, and those of its imports.
    fn module_parts(&mut self, module: &Thunk, depth: u32) -> Vec<Thunk> {
        if depth > 10 || !self.eval.spend() {
            return Vec::new();
        }
        let mut value = self.eval.follow(module);
        if let Some(imported) = self.eval.imported(&value) {
            value = self.eval.follow(&imported);
        }
        while let Expr::Lambda(lambda) = &value.expr {
            let Some(body) = lambda.body() else {
                return Vec::new();
            };
            value = self.eval.follow(&value.beside(body));
        }
        match &value.expr {
            Expr::AttrSet(_) => {
                let mut parts = vec![value.clone()];
                if let Some(config) = self.eval.attribute(&value, "config") {
                    parts.extend(self.module_parts(&config, depth + 1));
                }
                if let Some(imports) = self.eval.attribute(&value, "imports") {
                    parts.extend(self.imported_parts(&imports, depth + 1));
                }
                for partition in self.partitions(&value) {
                    parts.extend(self.module_parts(&partition, depth + 1));
                }
                parts
            }
            Expr::BinOp(operation) => [operation.lhs(), operation.rhs()]
                .into_iter()
                .flatten()
                .flat_map(|side| self.module_parts(&value.beside(side), depth + 1))
                .collect(),
            Expr::Apply(_) => {
                // `importApply ./shell.nix { … }`, `mkMerge [ … ]`, `mkIf condition { … }`
                let (_, arguments) = call_parts(&value.expr);
                let parts: Vec<Thunk> = arguments
                    .into_iter()
                    .flat_map(|argument| self.imported_parts(&value.beside(argument), depth + 1))
                    .collect();
                let text = value.expr.syntax().text().to_string();
                if parts.is_empty() && READERS.iter().any(|reader| text.contains(reader)) {
                    return self.dir_parts(&value, depth);
                }
                parts
            }
            _ => Vec::new(),
        }
    }

    fn imported_parts(&mut self, imports: &Thunk, depth: u32) -> Vec<Thunk> {
        let value = self.eval.follow(imports);
        match &value.expr {
            Expr::List(list) => list
                .items()
                .flat_map(|item| self.module_parts(&value.beside(item), depth))
                .collect(),
            Expr::BinOp(operation) => [operation.lhs(), operation.rhs()]
                .into_iter()
                .flatten()
                .flat_map(|side| self.imported_parts(&value.beside(side), depth))
                .collect(),
            _ => self.module_parts(&value, depth),
        }
    }

    /// The modules of a directory that is imported as a whole, where `imports` reads it with
    /// `readDir` or import-tree.
    fn dir_parts(&mut self, imports: &Thunk, depth: u32) -> Vec<Thunk> {
        let mut directories = Vec::new();
        self.dirs_read(imports, &mut directories, 0);
        let mut parts = Vec::new();
        for (file, directory) in directories {
            for id in self.eval.files.modules_of(file, &directory) {
                let module = self.eval.file(id);
                parts.extend(self.module_parts(&module, depth + 1));
            }
        }
        parts
    }

    /// The directories that are named in an expression which reads directories.
    fn dirs_read(&mut self, thunk: &Thunk, directories: &mut Vec<(FileId, String)>, depth: u32) {
        for node in thunk.expr.syntax().descendants() {
            match Expr::cast(node) {
                Some(Expr::PathRel(path)) => {
                    let text = path.syntax().text().to_string();
                    let directory = text.split("${").next().unwrap_or(&text);
                    let directory = directory.trim_end_matches('/').to_owned();
                    let entry = (thunk.file, directory);
                    let is_file = Path::new(&entry.1).extension().is_some();
                    if !is_file && !directories.contains(&entry) {
                        directories.push(entry);
                    }
                }
                Some(Expr::Ident(ident)) if depth < 4 => {
                    let value = self.eval.follow(&thunk.beside(Expr::Ident(ident.clone())));
                    if value.expr != Expr::Ident(ident) && !matches!(value.expr, Expr::AttrSet(_)) {
                        self.dirs_read(&value, directories, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The value of `a.b = …;`, a binding of exactly these names.
fn binding(set: &Thunk, path: &[&str]) -> Option<Thunk> {
    let Expr::AttrSet(literal) = &set.expr else {
        return None;
    };
    syntax::entries(literal.syntax())
        .into_iter()
        .find_map(|entry| {
            let Entry::AttrpathValue(binding) = entry else {
                return None;
            };
            let (names, value) = syntax::binding_parts(&binding)?;
            let names: Option<Vec<&str>> = names.iter().map(Option::as_deref).collect();
            (names? == path).then(|| set.beside(value))
        })
}
