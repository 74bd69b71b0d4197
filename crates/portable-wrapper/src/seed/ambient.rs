//! Inputs of a unit that its key does not name: those of macros, and variables that count although they were not set.

use std::collections::BTreeSet;

use super::super::macro_effects::{AmbientInputs, literals, words};
use super::super::package::is_rust;
use super::super::unit_key::environment::counts;
use super::super::unit_key::linking::{LINKER_VARIABLES, is_of_linker};
use super::super::unit_key::{CARGO_VARIABLES, OTHER_VARIABLES, variables_that};
use super::Why;
use super::checks::{Checks, Unit};
use sccfg_util::{env, fsio};

impl Checks<'_> {
    /// Compares the inputs of macros, and the variables that count although they were not set.
    pub(super) fn ambient(&self, unit: &Unit<'_>) -> Result<(), Why> {
        let mut macros = AmbientInputs::default();
        for (_, taken) in unit.dependencies {
            if let Some(manifest) = taken.manifest() {
                macros.add(&manifest.macros);
            }
        }
        let is_observed = unit.manifest.is_observed;
        let each_time = if is_observed {
            macros.hidden_each_time()
        } else {
            macros.each_time()
        };
        if let Some(why) = each_time {
            return Err(Why::general(format!(
                "a macro may have side effects or a different result each time ({why})"
            )));
        }
        // Files that macros of published packages read are not in the key.
        let reads_files = macros.reads_files() && !unit.is_published && !is_observed;
        if reads_files || macros.is_unknown {
            return Err(Why::general("it is not known which files a macro reads"));
        }
        let mut now = variables_that(|name| OTHER_VARIABLES.contains(&name));
        for name in OTHER_VARIABLES.iter().filter(|_| !unit.is_published) {
            self.compares_variable(name);
        }
        if unit.manifest.parts.iter().any(|part| part.what == "linker") {
            now.extend(variables_that(is_of_linker));
            for name in LINKER_VARIABLES {
                self.compares_variable(name);
            }
        }
        if macros.reads_unknown_variables(is_observed) {
            let texts = self.texts(unit);
            let said: BTreeSet<&str> = texts
                .iter()
                .flat_map(|text| literals(text).into_iter().chain(words(text)))
                .chain(macros.words.iter().map(String::as_str))
                .collect();
            let is_cargos =
                |name: &str| name.starts_with("CARGO_PKG_") || CARGO_VARIABLES.contains(&name);
            now.extend(variables_that(|name| {
                !is_cargos(name) && counts(name, &said)
            }));
            let others = env::vars_with_other_names().into_iter();
            now.extend(others.map(|(name, _)| name.to_string_lossy().into_owned()));
        }
        let parts = &unit.manifest.parts;
        let is_known = |name: &String| {
            parts
                .iter()
                .any(|part| part.what.strip_prefix('$') == Some(name))
        };
        match now.iter().find(|name| !is_known(name)) {
            Some(name) => {
                Err(format!("the variable {name} was not set when it was compiled").into())
            }
            None => Ok(()),
        }
    }

    /// The contents of a unit's own sources.
    fn texts(&self, unit: &Unit<'_>) -> Vec<String> {
        let files = unit.manifest.parts.iter();
        files
            .filter_map(|part| part.what.strip_prefix("file "))
            .map(|file| self.from.workspace.join(unit.from.to_real_str(file)))
            .filter(|path| is_rust(path))
            .filter_map(|path| String::from_utf8(fsio::read_bytes(path)?).ok())
            .collect()
    }
}
