//! S020: the running server has other settings than the config file requires.

use std::time::Duration;

use super::context::{Context, Server};
use super::server_back_ends::foreign_variables;
use super::{Check, Finding, Fix, Remedy, Where};
use sccache_control::server::address::Address;
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome};
use sccfg_util::problem::Problem;

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

/// The process of the server, or its address.
pub(super) fn place(server: &Server, address: &Address) -> Where {
    let process = server
        .running()
        .and_then(|running| running.process.as_ref());
    match process {
        Some(process) => Where::Process {
            pid: process.pid,
            what: format!("the server at {address}"),
        },
        None => Where::Address(format!("the server at {address}")),
    }
}

/// Restarts the server unless a build uses it.
pub(super) fn restart_if_idle(server: &Server, address: &Address) -> Fix {
    let (supervisor, address) = (server.supervisor.clone(), address.clone());
    Fix::new(format!("restart the server at {address}"), move || {
        let options = EnsureOptions {
            wait: Duration::ZERO,
            force: false,
            start_if_absent: true,
            kill_unresponsive: false,
        };
        match supervisor.ensure(&address, None, options)? {
            ServerOutcome::Unchanged(problem) => Err(problem),
            ServerOutcome::UpToDate
            | ServerOutcome::NotRunning
            | ServerOutcome::Started
            | ServerOutcome::Restarted(_)
            | ServerOutcome::Stopped => Ok::<(), Problem>(()),
        }
    })
}
