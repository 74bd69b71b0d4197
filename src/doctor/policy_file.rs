//! S050: `sccfg.toml` is faulty.

use super::context::Context;
use super::{Check, Finding, Severity};

pub(super) static CHECK: Check = Check {
    code: "S050",
    name: "faulty sccfg.toml",
    why: "the dev shell then works as without sccfg, and nothing supervises the server",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let problem = context.policy.as_ref().err();
    let finding = problem.map(|problem| Finding::of_problem(Severity::Error, problem.clone()));
    finding.into_iter().collect()
}
