//! S033: `[env]` of cargo's configuration sets what is part of every key, or a setting of sccache.

use super::cargo_wrapper::finding;
use super::context::Context;
use super::{Check, Finding};

pub(super) static CHECK: Check = Check {
    code: "S033",
    name: "variables in cargo's [env]",
    why: "what [env] sets reaches rustc and sccache, where it changes keys or the server's settings",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let found = context.contradictions().into_iter();
    found
        .filter(|(_, found)| {
            let variable = found.key.strip_prefix("env.").unwrap_or_default();
            match variable {
                "CARGO_INCREMENTAL" => context.incremental().is_none(),
                "" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" => false,
                "CARGO_HOME" => true,
                // The portable wrapper keeps them out of its keys.
                name => !(name.starts_with("CARGO_") && context.is_portable()),
            }
        })
        .map(|(file, found)| finding(context, file, found))
        .collect()
}
