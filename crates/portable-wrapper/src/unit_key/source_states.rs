//! The saved states of the sources of a unit, such as those of branches.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::dep_info::DepInfo;
use super::super::digest;
use super::super::known_inputs::{self, is_kernel_file};
use super::super::macro_effects::{AttributeMacros, MacroEffects};
use super::super::uncacheable::Uncacheable;
use super::KeyBuilder;
use super::module_files::conflicting_module_file;
use super::observed::Observed;
use super::source_digests::Digests;
use super::sources::Variables;
use sccfg_util::env;
use sccfg_util::fsio::{KeyLock, RealPaths};

/// The maximum number of states that are saved for each unit.
const MAX_REMEMBERED: usize = 16;

/// Must be changed when other inputs are read off the same sources.
const READER: &str = "2";

impl KeyBuilder<'_> {
    /// The saved states of the sources. Files of a published package are not among them.
    pub(super) fn source_states(&self, is_published: bool) -> SourceStates {
        let mut subject = self.key.finish();
        if !is_published {
            subject = format!("{subject} sources {READER}");
        }
        if self.macros.has_macros {
            // Another version may derive other inputs from the notes.
            subject = format!("{subject} {}", known_inputs::READER);
        }
        let here = self
            .may_be_cleared()
            .then(|| Saved::of(format!("{subject} {}", self.path_map.spelled_out())));
        SourceStates {
            anywhere: Saved::of(subject),
            here,
        }
    }
}

/// The saved states of the sources of a unit.
pub(super) struct SourceStates {
    anywhere: Saved,
    /// The states that are known for the paths of this checkout only, if there may be some.
    here: Option<Saved>,
}

/// The states that are saved under one subject.
struct Saved {
    subject: String,
    /// The latest first; `None` until they are read.
    states: OnceCell<Vec<Sources>>,
}

impl SourceStates {
    /// The first state that matches the files here, with the variables.
    pub(super) fn find_here(
        &mut self,
        inputs: &KeyBuilder<'_>,
        digests: &mut Digests,
    ) -> Option<(Sources, Variables)> {
        let mut is_here = |sources: &Sources| sources.are_here(inputs, digests);
        let mut all = [Some(&mut self.anywhere), self.here.as_mut()]
            .into_iter()
            .flatten();
        let sources = all.find_map(|saved| {
            saved.read(inputs);
            let states = saved.states.get_mut()?;
            Some(states.swap_remove(states.iter().position(&mut is_here)?))
        })?;
        // The values were just compared.
        let names = sources.variables.iter().map(|(name, _)| name);
        let variables = names.map(|name| (name.clone(), value_of(name, inputs)));
        let variables = variables.collect();
        Some((sources, variables))
    }

    /// The latest state that counts for all checkouts.
    pub(super) fn latest(&self, inputs: &KeyBuilder<'_>) -> Option<&Sources> {
        self.anywhere.read(inputs).first()
    }

    /// Waits until no other build lists the sources of the same unit.
    pub(super) fn lock(&self, inputs: &KeyBuilder<'_>) -> Option<KeyLock> {
        inputs.state.lock(&self.anywhere.subject)
    }

    /// Has the states read again, because another build may have saved some.
    pub(super) fn forget(&mut self) {
        for saved in [Some(&mut self.anywhere), self.here.as_mut()]
            .into_iter()
            .flatten()
        {
            saved.states.take();
        }
    }

    /// Adds a state, and saves it.
    pub(super) fn save(self, sources: &Sources, inputs: &KeyBuilder<'_>) {
        let here = self.here.filter(|_| sources.may_depend_on_checkout(inputs));
        let saved = here.unwrap_or(self.anywhere);
        saved.read(inputs);
        let mut states = saved.states.into_inner().unwrap_or_default();
        states.insert(0, sources.clone());
        states.truncate(MAX_REMEMBERED);
        inputs.state.save("sources", &saved.subject, &states);
    }
}

impl Saved {
    fn of(subject: String) -> Self {
        Self {
            subject,
            states: OnceCell::new(),
        }
    }

    fn read(&self, inputs: &KeyBuilder<'_>) -> &[Sources] {
        let load = || inputs.state.load("sources", &self.subject);
        self.states.get_or_init(|| load().unwrap_or_default())
    }
}

/// The value of a variable now, as it is in the key.
pub(super) fn value_of(name: &str, inputs: &KeyBuilder<'_>) -> Option<String> {
    let value = env::var_os(name)?;
    Some(match value.to_str() {
        Some(text) => inputs.path_map.to_placeholders_str(text),
        // No other value contains a NUL byte.
        None => format!("\0{}", digest::of(value.as_encoded_bytes())),
    })
}

pub(super) fn hashed(name: &str, value: &str, inputs: &KeyBuilder<'_>) -> String {
    inputs.hasher.hash(name, value.as_bytes())
}

/// A state of the sources of a unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sources {
    pub(super) files: Vec<(String, String)>,
    /// The variables, with keyed digests of their values, which may be secret.
    pub(super) variables: Vec<(String, Option<String>)>,
    /// The observed inputs of its macros.
    pub(super) observed: Observed,
    /// The inputs that the crate's own code reads when a macro runs it.
    pub(super) effects: MacroEffects,
    /// The native libraries that the sources name.
    pub(super) libraries: BTreeSet<String>,
    /// The files that assembler code in the sources includes.
    pub(super) assembled: BTreeSet<String>,
    /// The variables with paths that the sources may use for more than including a file.
    pub(super) paths: BTreeSet<String>,
    /// Whether generated code may ask for its own path by the call of a macro.
    pub(super) generated_asks: bool,
    /// The procedural macros that attributes in generated code may be.
    pub(super) generated_attributes: AttributeMacros,
}

impl Sources {
    pub(super) fn of(
        info: DepInfo,
        inputs: &KeyBuilder<'_>,
        digests: &mut Digests,
    ) -> Result<Self, Uncacheable> {
        let real_paths = RealPaths::default();
        let mut files = Vec::new();
        for path in info.files {
            if is_kernel_file(&inputs.cwd.join(&path), &real_paths) {
                return Err(Uncacheable::KernelFile);
            }
            let path = inputs.path_map.to_placeholders_str(&path);
            let digest = digests
                .of(&path, inputs)
                .ok_or(Uncacheable::UnreadableSource)?;
            files.push((path, digest));
        }
        files.sort_unstable();
        Ok(Self {
            files,
            variables: Vec::new(),
            observed: Observed::default(),
            effects: MacroEffects::default(),
            libraries: BTreeSet::new(),
            assembled: BTreeSet::new(),
            paths: BTreeSet::new(),
            generated_asks: false,
            generated_attributes: AttributeMacros::None,
        })
    }

    fn are_here(&self, inputs: &KeyBuilder<'_>, digests: &mut Digests) -> bool {
        let value = |name: &str| Some(hashed(name, &value_of(name, inputs)?, inputs));
        self.variables.iter().all(|(name, was)| value(name) == *was)
            && self.files.iter().all(|(path, was)| {
                digests.of(path, inputs).as_ref() == Some(was) && !self.has_conflicting_module(path, inputs)
            })
            // The answers are not cached, so they are compared last.
            && inputs.is_seen_here(&self.observed)
    }

    /// Whether a macro may have done something else if the checkout had other paths: unless it was observed, and got none of them.
    fn may_depend_on_checkout(&self, inputs: &KeyBuilder<'_>) -> bool {
        let (macros, observed) = (&inputs.macros, &self.observed);
        !observed.is_complete
            || macros.is_unknown
            || macros.lists_variables
            || macros.asks_for_source
            || observed.place
            || observed.reads_path
            || observed.asks_for_current_dir
            || observed.resolves_paths != Some(false)
            || observed.ties_to_place()
    }

    /// Whether there is a second file for the same module, which is an error in rustc.
    fn has_conflicting_module(&self, path: &str, inputs: &KeyBuilder<'_>) -> bool {
        conflicting_module_file(path).is_some_and(|other| {
            let is_listed = self.files.iter().any(|(path, _)| *path == other);
            !is_listed
                && inputs
                    .cwd
                    .join(inputs.path_map.to_real_str(&other))
                    .is_file()
        })
    }
}
