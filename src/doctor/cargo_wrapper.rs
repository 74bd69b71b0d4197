//! S032: cargo's configuration names a wrapper as well.

use super::files::{CargoFile, Files};
use super::{Check, Finding, Fix, Remedy, Severity, Where};
use crate::cargo_config::{self, Contradiction};
use sccache_control::config::path::refuse_store_link;
use sccfg_util::fsio::{self, Links};

pub(crate) static CHECK: Check = Check {
    code: "S032",
    name: "wrapper set twice",
    why: "RUSTC_WRAPPER of the shell overrides the key, which breaks cargo wherever its program is missing",
    find: |context| find(context),
};

pub(super) fn find(files: &Files) -> Vec<Finding> {
    if files.policy().is_none() {
        return Vec::new();
    }
    let is_wrapper = |key: &str| {
        matches!(
            key,
            "build.rustc-wrapper"
                | "build.rustc-workspace-wrapper"
                | "env.RUSTC_WRAPPER"
                | "env.RUSTC_WORKSPACE_WRAPPER"
        )
    };
    let found = files.contradictions().into_iter();
    found
        .filter(|(file, found)| {
            // In the user's own file it is for the projects without a dev shell.
            let is_of_machine =
                found.key == "build.rustc-wrapper" && file.is_some_and(|file| file.is_users);
            is_wrapper(&found.key) && !is_of_machine
        })
        .map(|(file, found)| finding(files, file, found))
        .collect()
}

/// A contradiction as a finding.
pub(super) fn finding(files: &Files, file: Option<&CargoFile>, found: Contradiction) -> Finding {
    let severity = match found.severity {
        cargo_config::Severity::Breaks => Severity::Error,
        cargo_config::Severity::Costs | cargo_config::Severity::Mild => Severity::Warning,
    };
    let fix = file
        .filter(|_| found.fixable)
        .map(|file| comment_out(files, file, &found.key));
    Finding {
        severity,
        place: Some(Where::File(found.place)),
        ..Finding::warning(found.what, Remedy::Words(found.hint))
    }
    .fixed_by(fix)
}

fn comment_out(files: &Files, file: &CargoFile, key: &str) -> Fix {
    let incremental = files.incremental().unwrap_or_default();
    let what = format!("comment out `{key}` in {}", file.shown.display());
    let (path, key) = (file.path.clone(), key.to_owned());
    let links = if path.starts_with(&files.repository.root) {
        Links::Below(files.repository.root.clone())
    } else {
        Links::Anywhere
    };
    Fix::edit(what, &file.path, links, move |text| {
        if let Some(target) = fsio::link_target(&path) {
            refuse_store_link(&path, &target, "programs.cargo.settings")?;
        }
        cargo_config::fix(text, &path, incremental, &|other| other == key)
    })
}
