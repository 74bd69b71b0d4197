//! S050: `sccfg.toml` is faulty.

use super::files::Files;
use super::{Check, Finding, Severity};

pub(super) static CHECK: Check = Check {
    code: "S050",
    name: "faulty sccfg.toml",
    why: "the dev shell then works as without sccfg, and nothing supervises the server",
    find: |context| find(context),
};

pub(super) fn find(files: &Files) -> Vec<Finding> {
    let problem = files.policy.as_ref().err();
    let finding = problem.map(|problem| Finding::of_problem(Severity::Error, problem.clone()));
    finding.into_iter().collect()
}
