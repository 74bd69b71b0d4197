//! Where the name of a type or module comes from that a path begins with, from the imports and declarations in the blocks around it.

use super::imports::{CRATE, Statement};
use super::known_functions::KnownFunctions;
use super::{module_at, outwards};

impl KnownFunctions<'_> {
    /// Whether the innermost import or declaration of the name of a type or module at `at` is an import from
    /// [`CRATES`](super::imports::CRATES). Also `false` if an import of everything may hide it. `None` if there is none, or if it is
    /// an import from this crate.
    pub(super) fn import_in_scope(&self, at: usize) -> Option<bool> {
        let name = self.tokens[at].text;
        let is_module = |open| module_at(self.tokens, open).is_some();
        let exports_others = |one: &&Statement<'_>| self.may_export_others(one, at);
        let mut block = self.around[at];
        let mut globs = Vec::new();
        loop {
            if self.places_of_types.contains(&(block, name)) {
                return Some(false);
            }
            let mut bound = self.imports.binding(block, name).peekable();
            if bound.peek().is_some() {
                let is_known = self.imports.is_known_in(block, name);
                return is_known.or_else(|| bound.any(|one| exports_others(&one)).then_some(false));
            }
            // The variants of an enum are no types.
            let globs_here = self.imports.unknown_globs_in(block);
            globs.extend(globs_here.filter(|one| !self.is_enum(one)));
            if let Some(open) = block.filter(|open| !is_module(*open)) {
                // They hide what is imported around this block.
                if !globs.is_empty() {
                    return Some(false);
                }
                block = self.around[open];
                continue;
            }
            let around = block.map(|open| self.around[open]);
            let is_imported = |around: &Option<usize>| {
                around.is_none_or(is_module) && self.imports.has_glob_of_parent(block)
            };
            // If another import of everything had this name as well, it would be ambiguous.
            if let Some(around) = around.filter(is_imported) {
                globs.retain(|one| !one.is_glob_of_parent());
                block = around;
                continue;
            }
            return globs.iter().any(exports_others).then_some(false);
        }
    }

    /// Whether an import, which is in scope at `at`, may be one of another crate, because the module from which it is imports
    /// everything of one.
    fn may_export_others(&self, import: &Statement<'_>, at: usize) -> bool {
        if !import.is_own {
            return true;
        }
        // What a module imports for itself is visible in the modules below it as well.
        let last = import.prefix.last();
        let is_around = last.is_none_or(|last| {
            let mut around = outwards(self.around, at);
            CRATE.contains(last) || around.any(|open| module_at(self.tokens, open) == Some(*last))
        });
        self.globs_of_others()
            .any(|glob| is_around || glob.is_exported)
            || import.is_glob_of_others
    }

    /// The imports of everything of another crate.
    fn globs_of_others(&self) -> impl Iterator<Item = &Statement<'_>> {
        let statements = self.imports.statements.iter();
        statements.filter(|one| one.is_glob_of_others && !self.is_enum(one))
    }

    /// Whether any name may be one of another crate, because all names of it are imported.
    pub(super) fn has_glob_of_others(&self) -> bool {
        self.globs_of_others().next().is_some()
    }

    /// Whether an import of everything is one of the variants of an enum that is declared here.
    fn is_enum(&self, glob: &Statement<'_>) -> bool {
        let name = glob.prefix.last();
        name.is_some_and(|name| self.enums.contains(name) && !self.imports.unknown.contains(name))
    }
}
