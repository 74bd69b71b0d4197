//! The server of this shell, for the checks that find it with other settings: where it is, and its restart.

use std::time::Duration;

use super::context::{Context, Server};
use super::{Fix, Where};
use sccache_control::config::variables::of_back_ends;
use sccache_control::server::address::Address;
use sccache_control::server::process::variables_of;
use sccache_control::server::supervisor::{EnsureOptions, ServerOutcome};
use sccfg_util::env;
use sccfg_util::problem::Problem;

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

/// The variables that gave the server its back ends, and have another value or none in this shell.
pub(super) fn foreign_variables(context: &Context) -> Vec<&'static str> {
    let running = context.server().and_then(|server| server.running());
    let Some(process) = running.and_then(|running| running.process.as_ref()) else {
        return Vec::new();
    };
    let of_server = variables_of(process.pid, |name| name.starts_with("SCCACHE_"));
    let names = of_back_ends(&of_server).into_iter();
    names
        .filter(|name| env::var(name).as_ref() != of_server.get(*name))
        .collect()
}
