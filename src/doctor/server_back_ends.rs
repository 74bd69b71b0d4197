//! S025: the server was started by a shell with other back ends.

use super::context::Context;
use super::server_settings::{place, restart_if_idle};
use super::{Check, Finding, Remedy};
use sccache_control::config::variables::of_back_ends;
use sccache_control::server::process::variables_of;
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S025",
    name: "server with other back ends",
    why: "entries go where the shell that started the server wanted them, and are not found in this one's cache",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let names = foreign_variables(context);
    let (Some(server), false) = (context.server(), names.is_empty()) else {
        return Vec::new();
    };
    let what = format!(
        "the server was started with {}, which this shell does not have",
        names.join(" and ")
    );
    let remedy = Remedy::Command("sccfg server restart --wait 600".to_owned());
    vec![
        Finding::warning(what, remedy)
            .at(place(server, &context.address))
            .fixed_by(restart_if_idle(server, &context.address)),
    ]
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
