//! S031: cargo's configuration or a profile contradicts the policy for incremental compilation.

use super::cargo_wrapper::finding;
use super::files::Files;
use super::{Check, Finding};

pub(super) static CHECK: Check = Check {
    code: "S031",
    name: "cargo's settings against the policy",
    why: "a key of cargo's configuration overrides the profiles and the policy of sccfg.toml",
    find: |context| find(context),
};

pub(super) fn find(files: &Files) -> Vec<Finding> {
    if files.incremental().is_none() {
        return Vec::new();
    }
    let found = files.contradictions().into_iter();
    found
        .filter(|(_, found)| {
            found.key.ends_with("incremental") || found.key == "env.CARGO_INCREMENTAL"
        })
        .map(|(file, found)| finding(files, file, found))
        .collect()
}
