//! Which crates may run programs when a macro runs, and for what.

use super::ambient_inputs::AmbientInputs;
use super::{Author, reviewed};

/// Follows the name of a crate that is not published, none of which was reviewed.
const NOT_PUBLISHED: &str = " (not published)";

impl AmbientInputs {
    /// Adds that the crate may run programs.
    pub(super) fn add_running(&mut self, author: Author) {
        let suffix = match author {
            Author::Published => "",
            Author::Other => NOT_PUBLISHED,
        };
        self.run_programs.insert(format!("{}{suffix}", self.name));
    }

    /// Whether all its code is published, and it runs `cargo metadata` only to find the workspace, and rustc only to ask for its
    /// version.
    pub(crate) fn runs_only_reviewed(&self) -> bool {
        let is_reviewed = |name: &String| {
            reviewed::only_finds_workspace(name) || reviewed::only_asks_for_version(name)
        };
        !self.is_own && self.run_programs.iter().all(is_reviewed)
    }

    /// The crates that may run programs; `None` if there are none.
    pub(crate) fn running_programs(&self) -> Option<String> {
        let names = self.run_programs.iter();
        let names = names.map(|name| name.strip_suffix(NOT_PUBLISHED).unwrap_or(name));
        let names: Vec<_> = names.collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// Whether a published macro may ask rustc for its version.
    pub(crate) fn may_ask_for_version(&self) -> bool {
        let mut names = self.run_programs.iter();
        names.any(|name| reviewed::only_asks_for_version(name)) && self.runs_only_reviewed()
    }
}
