//! S026: systemd cannot keep the service of sccache's server running.

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use sccache_control::server::failing_unit::{FailingUnit, UNIT};
use sccache_control::server::probe::Probe;

pub(super) static CHECK: Check = Check {
    code: "S026",
    name: "failing service",
    why: "builds start a server without the variables of the service instead, or fail",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let server = context.server();
    let is_address_in_use = server.is_some_and(|server| !matches!(server.probe, Probe::NotRunning));
    let Some(unit) = FailingUnit::find(is_address_in_use) else {
        return Vec::new();
    };
    let (what, remedy) = (unit.describe(), Remedy::Words(unit.hint()));
    let finding = if server.is_some_and(|server| server.running().is_some()) {
        Finding::warning(what, remedy)
    } else {
        Finding::error(what, remedy)
    };
    vec![finding.at(Where::Unit(UNIT))]
}
