//! S010: errors in sccache's config file, and settings in it that sccache ignores.

use super::config_topics::findings;
use super::context::Context;
use super::{Check, Finding, Severity};
use sccache_control::config::check::Topic;

pub(super) static CHECK: Check = Check {
    code: "S010",
    name: "faulty config file",
    why: "sccache reads the file at every call: with an error in it, cargo fails",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    match &context.config {
        Ok(_) => findings(context, |topic| *topic == Topic::File),
        Err(problem) => vec![Finding::of_problem(Severity::Error, problem.clone())],
    }
}
