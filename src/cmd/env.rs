//! `sccfg env`

use std::path::Path;

use anyhow::Result;

use super::Outcome;
use crate::cli;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::shell::{Form, json, text};
use sccache_control::server::start::is_passed_to_server;
use sccfg_util::secret::is_secret_variable;

/// Prints the variables to set; does not contact the server.
pub(super) fn run(args: cli::Env, start: &Path, report: Report) -> Result<Outcome> {
    let mut session = Session::gather(start, Purpose::Env)?;
    session.remember_size();
    let wrapper_problem = session.install_wrapper();
    let changes = session.changes(session.select_address_without_query().as_ref());
    if args.shell == Form::Json {
        let mut whole = json(&changes);
        if let Some(object) = whole.as_object_mut() {
            for (name, value) in back_ends(args.show_secrets) {
                object.entry(name).or_insert(value.into());
            }
        }
        report.json(&whole);
    } else {
        report.data(&text(args.shell, &changes));
    }
    if let Some(obstacle) = session.obstacle().or(wrapper_problem) {
        report.one_line(&obstacle);
    }
    Ok(Outcome::Done)
}

/// The variables of back ends that are set in this shell: JSON is for readers that want the whole
/// environment.
fn back_ends(show_secrets: bool) -> Vec<(String, String)> {
    let is_of_back_end =
        |name: &str| is_passed_to_server(name) && name.contains('_') && !name.contains("XDG_");
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    sccfg_util::env::vars_where(|name| {
        is_of_back_end(name) && (show_secrets || !is_secret_variable(name))
    })
    .into_iter()
    .map(|(name, value)| (text(name), text(value)))
    .collect()
}
