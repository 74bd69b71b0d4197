//! `sccfg hook`

use std::path::Path;

use super::Outcome;
use crate::cli::Hook;
use crate::report::Report;
use crate::seeding;
use crate::session::{Purpose, Session};
use crate::shell::text;
use portable_wrapper::seed::When;
use sccfg_util::problem::Problem;
use sccfg_util::wrapper_vars;

/// Prints what the shell evaluates. Problems are one line each. Only what prevents any output, such
/// as a faulty `sccfg.toml`, gives exit status 1: the hook then continues as without sccfg.
pub(super) fn run(args: Hook, start: &Path, report: Report) -> Outcome {
    let purpose = Purpose::Hook {
        incremental: args.incremental,
        size: args.size,
    };
    let mut session = match Session::gather(start, purpose) {
        Ok(session) => session,
        Err(error) => {
            let problem = error
                .downcast::<Problem>()
                .unwrap_or_else(|error| Problem::new(format!("{error:#}")));
            report.one_line(&problem);
            return Outcome::Drift;
        }
    };
    if session.has_only_the_hook() {
        return Outcome::Done;
    }
    session.remember_size();
    let wrapper_problem = session.install_wrapper();
    let (choice, problem) = session.reconcile_server();
    report.data(&text(args.shell.into(), &session.changes(choice.as_ref())));
    let ignored = || Some(wrapper_vars::ignored().into_iter().next()?.problem);
    let problem = problem.or(wrapper_problem).or_else(ignored);
    let seeded = session
        .seeds()
        .then(|| seeding::seed_once(start, When::BeforeBuild));
    match (problem, seeded.flatten()) {
        (Some(problem), _) => report.one_line(&problem),
        (None, Some(outcome @ seeding::Outcome::Seeded { .. })) => {
            report.shell_line(&format!("seeded {}", outcome.summary()));
        }
        (None, _) => {}
    }
    Outcome::Done
}
