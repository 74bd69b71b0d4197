//! `sccfg hook`

use std::path::Path;

use super::Outcome;
use crate::cli::Hook;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::shell::text;
use sccfg_util::problem::Problem;

/// Prints what the shell evaluates. Trouble is one line; only what keeps this from its work, such
/// as a defective `sccfg.toml`, is an error, so that the hook goes on as without sccfg.
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
    if session.only_inherited_the_hook() {
        return Outcome::Done;
    }
    let no_front = session.put_wrapper_in_place();
    let (meeting, trouble) = session.bring_in_line();
    report.data(&text(args.shell.into(), &session.changes(meeting.as_ref())));
    if let Some(trouble) = trouble.or(no_front) {
        report.one_line(&trouble);
    }
    Outcome::Done
}
