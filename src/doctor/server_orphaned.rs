//! S024: a server that no client can reach.

use std::collections::BTreeMap;
use std::path::Path;

use super::context::Context;
use super::{Check, Finding, Fix, Remedy, Where};
use sccache_control::server::orphans::{Orphan, orphans};
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S024",
    name: "orphaned server",
    why: "it keeps its own index of the cache, and evicts entries that the other server uses",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let supervisor = context.session.supervisor();
    let directory = supervisor.and_then(|supervisor| supervisor.desired.directory);
    let has_this_cache = |variables: &BTreeMap<String, String>| {
        let has_same = |name: &str| variables.get(name) == env::var(name).as_ref();
        match (variables.get("SCCACHE_DIR"), &directory) {
            (Some(theirs), Some((ours, _))) => Path::new(theirs) == ours,
            (Some(_), None) => false,
            (None, _) => ["HOME", "SCCACHE_CONF", "XDG_CONFIG_HOME"]
                .into_iter()
                .all(has_same),
        }
    };
    orphans(has_this_cache).into_iter().map(finding).collect()
}

fn finding(orphan: Orphan) -> Finding {
    let (pid, socket) = (orphan.process.pid, orphan.socket.display().to_string());
    let what = format!("no client can reach the server that was started for {socket}");
    let place = Where::Process {
        pid,
        what: "an sccache server".to_owned(),
    };
    let remedy = Remedy::Command(format!("kill {pid}"));
    let fix = Fix::new(
        format!("end process {pid}, an orphaned server"),
        move || orphan.end(),
    );
    Finding::warning(what, remedy).at(place).fixed_by(fix)
}
