//! S061: the state directory of the portable wrapper, or the local store, cannot be used.

use super::context::Context;
use super::{Check, Finding, Remedy, Severity, Where};
use crate::user_store::UserStore;
use portable_wrapper::state_dir::{ELSEWHERE, StateDir};

pub(super) static CHECK: Check = Check {
    code: "S061",
    name: "unusable state directory or store",
    why: "builds do not report it: what they cannot save or store is compiled again each time",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let Some(state) = StateDir::find().filter(|_| context.is_portable()) else {
        return Vec::new();
    };
    let of_state = state.obstacle();
    let mut findings = Vec::new();
    if let Some(obstacle) = &of_state {
        let directory = state.directory();
        let part = if obstacle.is_partial { "all of " } else { "" };
        let what = format!(
            "builds cannot use {part}the state directory {}: {obstacle}",
            directory.display()
        );
        let remedy = Remedy::Words(obstacle.hint(ELSEWHERE));
        let place = Where::Path(directory.to_owned());
        findings.push(Finding::warning(what, remedy).at(place));
    }
    // S015 has faulty settings.
    let Ok(found) = UserStore::find() else {
        return findings;
    };
    let of_store = found.store.obstacle().map(|obstacle| obstacle.to_string());
    // Of the same directory above both, it is said once.
    let is_said = of_state.is_some_and(|obstacle| of_store == Some(obstacle.to_string()));
    if let Some(problem) = found.visible_fault().filter(|_| !is_said) {
        let place = Where::Path(found.settings.dir);
        findings.push(Finding::of_problem(Severity::Warning, problem).at(place));
    }
    findings
}
