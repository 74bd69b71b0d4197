//! S002: `PATH` has several versions of sccache.

use std::path::PathBuf;

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use sccache_control::server::program::SccacheProgram;
use sccfg_util::env;
use sccfg_util::programs::{SCCACHE, find_unwrapped};

pub(super) static CHECK: Check = Check {
    code: "S002",
    name: "several versions of sccache",
    why: "versions have different keys and protocols: they share no Rust entries, and a client may \
          fail with the server of another version",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let Ok(client) = context.session.client() else {
        return Vec::new();
    };
    let runtime = context.session.runtime_dir();
    let found: Vec<SccacheProgram> = env::search_path()
        .into_iter()
        .filter_map(|directory| find_unwrapped(SCCACHE.as_ref(), &[directory]))
        .filter_map(|path| SccacheProgram::find(Some(path.as_os_str()), None, &[]).ok())
        .collect();
    let first_is_used = found.first().is_none_or(|first| first.id == client.id);
    // A dev shell puts its own version first, before the one of the machine.
    if context.is_dev_shell && first_is_used {
        return Vec::new();
    }
    let mut versions: Vec<(PathBuf, String)> = Vec::new();
    for program in std::iter::once(client).chain(&found) {
        let Some(version) = program.version(runtime) else {
            continue;
        };
        if !versions.iter().any(|(_, known)| *known == version) {
            versions.push((program.executable.path.clone(), version));
        }
    }
    let Some(((_, used), others)) = versions.split_first().filter(|(_, rest)| !rest.is_empty())
    else {
        return Vec::new();
    };
    let others: Vec<String> = others
        .iter()
        .map(|(path, version)| format!("{version} ({})", path.display()))
        .collect();
    let what = format!(
        "cargo runs sccache {used}, and PATH also has {}",
        others.join(", ")
    );
    let remedy = Remedy::Words(
        "remove the versions that no project needs, or enter the dev shell, which selects one"
            .to_owned(),
    );
    let place = Where::Variable("PATH".to_owned());
    vec![Finding::warning(what, remedy).at(place)]
}
