//! S021: the running server has another version than this shell's sccache.

use super::context::Context;
use super::running_server::place;
use super::{Check, Finding, Remedy};
use sccache_control::config::version::parse_version;

pub(super) static CHECK: Check = Check {
    code: "S021",
    name: "server of another version",
    why: "the protocol has no version check: an older client makes cargo fail with a newer server",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let Some(server) = context.server() else {
        return Vec::new();
    };
    let running = server
        .running()
        .and_then(|running| running.settings.version.clone());
    let (Some(running), Some(client)) = (running, context.client_version()) else {
        return Vec::new();
    };
    if running == client {
        return Vec::new();
    }
    let what = format!("the server is sccache {running}, and this shell's sccache is {client}");
    // `sccfg env` and the hook of a dev shell select an address of its own for each version.
    let remedy = Remedy::Command("eval \"$(sccfg env)\"".to_owned());
    let is_older = parse_version(&client) < parse_version(&running);
    let finding = if is_older {
        Finding::error(what, remedy)
    } else {
        Finding::warning(what, remedy)
    };
    vec![finding.at(place(server, &context.address))]
}
