//! S025: the server was started by a shell with other back ends.

use super::context::Context;
use super::running_server::{foreign_variables, place, restart_if_idle};
use super::{Check, Finding, Remedy};

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
