//! S015: an error in sccfg's settings of the local store.

use super::context::Context;
use super::{Check, Finding, Severity};
use portable_wrapper::store::settings::{self, edit};
use sccfg_util::fsio;

pub(super) static CHECK: Check = Check {
    code: "S015",
    name: "faulty settings of the local store",
    why: "the portable wrapper then works without the local store, and each hit starts a process",
    find,
};

fn find(_: &Context) -> Vec<Finding> {
    let Some(path) = settings::path() else {
        return Vec::new();
    };
    let checked = fsio::read(&path).and_then(|text| match text {
        Some(text) => edit::check(&text, &path).map(drop),
        None => Ok(()),
    });
    let problem = checked.err();
    let finding = problem.map(|problem| Finding::of_problem(Severity::Warning, problem));
    finding.into_iter().collect()
}
