//! S033: `[env]` of cargo's configuration sets what is part of every key, or a setting of sccache.

use super::cargo_wrapper::finding;
use super::files::Files;
use super::{Check, Finding};

pub(super) static CHECK: Check = Check {
    code: "S033",
    name: "variables in cargo's [env]",
    why: "what [env] sets reaches rustc and sccache, where it changes keys or the server's settings",
    find: |context| find(context, context.is_portable()),
};

/// The findings in the tables; the portable wrapper keeps most variables out of its keys.
pub(super) fn find(files: &Files, is_portable: bool) -> Vec<Finding> {
    let found = files.contradictions().into_iter();
    found
        .filter(|(_, found)| {
            let variable = found.key.strip_prefix("env.").unwrap_or_default();
            match variable {
                "CARGO_INCREMENTAL" => files.incremental().is_none(),
                "" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" => false,
                "CARGO_HOME" => true,
                name => !(name.starts_with("CARGO_") && is_portable),
            }
        })
        .map(|(file, found)| finding(files, file, found))
        .collect()
}
