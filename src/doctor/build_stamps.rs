//! S037: a build script of the workspace passes the commit or the time on to its crate.

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use crate::members::{Member, dependents, members};
use portable_wrapper::{Stamp, stamp};
use sccfg_util::fsio;
use sccfg_util::problem::Place;

pub(super) static CHECK: Check = Check {
    code: "S037",
    name: "build script that stamps the build",
    why: "the crate, and every crate that depends on it, is compiled again after each commit, or each time",
    find,
};

/// Crates for build scripts that write the commit or the time.
const STAMPERS: [&str; 7] = [
    "build-data",
    "built",
    "shadow-rs",
    "vergen",
    "vergen-git2",
    "vergen-gitcl",
    "vergen-gix",
];

fn find(context: &Context) -> Vec<Finding> {
    let members = members(&context.repository.root);
    members
        .iter()
        .filter_map(|member| finding(member, &members, context))
        .collect()
}

fn finding(member: &Member, members: &[Member], context: &Context) -> Option<Finding> {
    let path = member.build_script.as_ref()?;
    let text = fsio::read_text(path)?;
    let stamper = STAMPERS
        .iter()
        .find(|name| member.build_dependencies.contains(**name));
    if stamper.is_none() && !reads_a_variable(member, &text) {
        return None;
    }
    let (how, mark) = match (stamper, stamp(&text)) {
        (Some(stamper), _) => (format!("uses {stamper}"), stamper.replace('-', "_")),
        (None, Some(Stamp::Commit)) => ("passes the commit on".to_owned(), "git".to_owned()),
        (None, Some(Stamp::Time)) => ("passes the time on".to_owned(), "rustc-env".to_owned()),
        (None, None) => return None,
    };
    // Of a crate that nothing needs, only itself is compiled again.
    let above = dependents(members, &member.name);
    if above.is_empty() {
        return None;
    }
    let place = Place::at(&context.shown(path), &text, text.find(&mark).unwrap_or(0));
    let what = format!(
        "the build script of `{}` {how}, and these depend on it: {}",
        member.name,
        named(&above)
    );
    let remedy = Remedy::Words(
        "stamp a small crate that only the program depends on, or let CI set a variable for \
         `option_env!`"
            .to_owned(),
    );
    Some(Finding::warning(what, remedy).at(Where::File(place)))
}

/// Whether a source of the package names one of the variables that its build script sets: otherwise cargo
/// compiles it again, and sccache finds it.
fn reads_a_variable(member: &Member, script: &str) -> bool {
    const SET: &str = "rustc-env=";
    let names: Vec<&str> = script
        .match_indices(SET)
        .map(|(at, _)| {
            let rest = &script[at + SET.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect();
    // A name that the script computes may be any.
    if names.contains(&"") {
        return true;
    }
    let sources = ignore::Walk::new(member.directory.join("src")).flatten();
    let mut sources = sources.filter_map(|entry| fsio::read_text(entry.path()));
    sources.any(|source| {
        names
            .iter()
            .any(|name| source.contains(&format!("\"{name}\"")))
    })
}

/// `a, b, c and 4 more`
fn named(all: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown = all[..all.len().min(SHOWN)].join(", ");
    match all.len() {
        0..=SHOWN => shown,
        more => format!("{shown} and {} more", more - SHOWN),
    }
}
