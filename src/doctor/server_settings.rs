//! S020: the running server has other settings than the config file requires.

use super::context::Context;
use super::running_server::{foreign_variables, place, restart_if_idle};
use super::{Check, Finding, Remedy};

pub(super) static CHECK: Check = Check {
    code: "S020",
    name: "server with other settings",
    why: "a server keeps the settings it was started with until it exits, whatever the file says",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let Some(server) = context.server() else {
        return Vec::new();
    };
    // S025 names the cause.
    if !foreign_variables(context).is_empty() {
        return Vec::new();
    }
    let differences = server.differences(&context.address).into_iter();
    differences
        .map(|difference| {
            let what = format!(
                "the server has {} {}, not {} ({})",
                difference.setting, difference.server, difference.desired, difference.source
            );
            let remedy = Remedy::Command("sccfg server ensure --wait 600".to_owned());
            Finding::warning(what, remedy)
                .at(place(server, &context.address))
                .fixed_by(restart_if_idle(server, &context.address))
        })
        .collect()
}
