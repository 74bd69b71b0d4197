//! Units of a registry's package, whose digest replaces those of the sources in the key.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::macro_effects::{self, CompileTimeVariables, Conditions};
use super::super::package::{self, Registry};
use super::{KeyBuilder, Origin};
use sccfg_util::env;

impl KeyBuilder<'_> {
    /// The digest and the variables of the unit's package, if that is from a registry and the compile will show whether it
    /// reads other variables.
    pub(super) fn published(
        &mut self,
        out_dir: Option<&Path>,
    ) -> Option<(String, CompileTimeVariables)> {
        match self.origin.clone() {
            // The inputs of unpublished macros are not known before the compile.
            Origin::Registry(directory)
                if !self.macros.is_own && self.unit.emits.iter().any(|kind| kind == "dep-info") =>
            {
                self.registry_package(&directory, out_dir)
            }
            Origin::Registry(_) | Origin::Own => None,
        }
    }

    /// The macros of the unit and of its dependencies that ask for the location in which they are used, and others that only store
    /// it. Only macros of published and vendored packages count: no such package uses those of the workspace.
    pub(super) fn asking_macros(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let own = self.own_asking_macros.clone();
        let own = own.unwrap_or_else(|| self.read_asking_macros());
        let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
        let is_published = matches!(self.origin, Origin::Registry(_));
        let only_stores =
            |name: &String| is_published && macro_effects::only_stores_location(&package, name);
        let (storing, asking): (BTreeSet<_>, BTreeSet<_>) = own.into_iter().partition(only_stores);
        (
            self.macros_below.union(&asking).cloned().collect(),
            self.storing_below.union(&storing).cloned().collect(),
        )
    }

    /// Those of the own package, if that was not read before.
    fn read_asking_macros(&self) -> BTreeSet<String> {
        let directory = match &self.origin {
            Origin::Registry(directory) => Some(directory.clone()),
            Origin::Own => self.vendored.iter().find_map(|vendored| {
                let below = Path::new(&self.unit.source).strip_prefix(vendored).ok()?;
                Some(vendored.join(below.components().next()?))
            }),
        };
        let package = directory.and_then(|directory| Registry::read(&directory, self.state));
        package.map_or_else(BTreeSet::new, |package| package.asking_macros)
    }

    pub(super) fn add_published(&mut self, digest: String, variables: CompileTimeVariables) {
        self.key.add("package", digest);
        for name in &variables.named {
            self.add_variable(name);
            // Dep-info shows whether this unit reads it.
            self.names_cargo_home |= self.cargo_home_variables.contains(name);
        }
        self.named_variables = Some(variables.named);
        self.paths = variables.paths;
        self.generated_asks =
            variables.asks_for_place || self.may_ask_for_place(variables.attributes);
    }

    /// The digest of the registry's package in `directory`, and the variables that it names, if it can be read. Adds the inputs
    /// of its code.
    fn registry_package(
        &mut self,
        directory: &Path,
        out_dir: Option<&Path>,
    ) -> Option<(String, CompileTimeVariables)> {
        let package = Registry::read(directory, self.state)?;
        if self.is_code() {
            let library = package.library(
                directory,
                env::var("CARGO_PKG_NAME").unwrap_or_default(),
                Path::new(&self.unit.source),
                out_dir.map(|out_dir| {
                    self.path_map
                        .to_placeholders_str(&out_dir.to_string_lossy())
                }),
                Conditions::of_arguments(&self.unit.counted).of_published(),
            )?;
            self.add_library_code(library)?;
            if self.unit.links_files() {
                self.code.add_native_code();
            }
        }
        self.own_asking_macros = Some(package.asking_macros);
        self.package = Some(package.sources);
        let mut variables = package.variables;
        if self.unit.is_test {
            // Its tests were not read.
            variables.add_all_paths();
        }
        if let Some(out_dir) = out_dir {
            variables.add(package::variables_of_generated(out_dir, self.state)?);
        }
        Some((package.digest, variables))
    }
}
