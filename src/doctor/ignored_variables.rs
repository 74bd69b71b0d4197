//! S018: variables of sccfg with values that it does not understand.

use super::context::Context;
use super::{Check, Finding, Severity, Where};
use sccfg_util::wrapper_vars;

pub(super) static CHECK: Check = Check {
    code: "S018",
    name: "ignored variable of sccfg",
    why: "a value that sccfg does not understand has no effect, and no build fails because of it",
    find,
};

fn find(_: &Context) -> Vec<Finding> {
    let finding = |ignored: wrapper_vars::Ignored| {
        let finding = Finding::of_problem(Severity::Warning, ignored.problem);
        finding.at(Where::Variable(ignored.name.to_owned()))
    };
    wrapper_vars::ignored().into_iter().map(finding).collect()
}
