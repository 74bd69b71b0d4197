//! S022 and S023: something at the server's address cannot be used.

use std::time::Duration;

use super::context::Context;
use super::{Check, Finding, Fix, Remedy, Severity, Where};
use sccache_control::server::probe::{Foreign, Probe};
use sccache_control::server::supervisor::EnsureOptions;

/// Another program, another user's server, or a directory.
pub(super) static FOREIGN: Check = Check {
    code: "S022",
    name: "address in use",
    why: "sccache has no other address, so cargo fails or waits",
    find: find_foreign,
};

/// A server that accepts connections and does not reply.
pub(super) static UNRESPONSIVE: Check = Check {
    code: "S023",
    name: "unresponsive server",
    why: "sccache's clients wait for a reply without a time limit, so builds hang",
    find: find_unresponsive,
};

fn foreign(context: &Context) -> Option<&Foreign> {
    match &context.server()?.probe {
        Probe::Foreign(foreign) => Some(foreign),
        Probe::NotRunning | Probe::Server(_) => None,
    }
}

fn find_foreign(context: &Context) -> Vec<Finding> {
    let Some(foreign) = foreign(context) else {
        return Vec::new();
    };
    if matches!(foreign, Foreign::Unresponsive(_)) {
        return Vec::new();
    }
    let place = match foreign {
        Foreign::OtherProgram { pid, name } => Where::Process {
            pid: *pid,
            what: format!("`{name}`"),
        },
        _ => Where::Address(context.address.to_string()),
    };
    let problem = foreign.problem(&context.address);
    vec![Finding::of_problem(Severity::Error, problem).at(place)]
}

fn find_unresponsive(context: &Context) -> Vec<Finding> {
    let (Some(Foreign::Unresponsive(process)), Some(server)) = (foreign(context), context.server())
    else {
        return Vec::new();
    };
    let address = context.address.clone();
    let what = format!("the server at {address} does not respond");
    let remedy = Remedy::Command("sccfg server restart --force".to_owned());
    let place = match process {
        Some(process) => Where::Process {
            pid: process.pid,
            what: format!("the server at {address}"),
        },
        None => Where::Address(address.to_string()),
    };
    let supervisor = server.supervisor.clone();
    let fix = Fix::new(
        format!("kill the server at {address} and start another one"),
        move || {
            let options = EnsureOptions {
                wait: Duration::ZERO,
                force: true,
                start_if_absent: true,
                kill_unresponsive: true,
            };
            supervisor.restart(&address, options).map(drop)
        },
    );
    vec![Finding::error(what, remedy).at(place).fixed_by(fix)]
}
